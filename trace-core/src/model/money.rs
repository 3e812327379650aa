use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::fmt;
use std::iter::Sum;
use std::ops::Add;

/// The number of picodollars in a dollar: 12 decimals.
const PICO: i128 = 1_000_000_000_000;

/// An exact amount of US dollars with 12 decimals, kept as an integer of picodollars.
///
/// In JSON it is a number with at most 12 decimals, read and written as text: it never passes
/// through a binary float, and sums are exact. Amounts stop at the ends of their range (about ±9.2 million dollars).
///
/// ```
/// use trace_core::model::Money;
/// let a: Money = "0.1".parse().unwrap();
/// let b: Money = "0.2".parse().unwrap();
/// assert_eq!((a + b).to_string(), "0.3");
/// assert_eq!("3e-12".parse::<Money>().unwrap().picodollars(), 3);
/// assert!("a lot".parse::<Money>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Text that is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount: expected a decimal number of dollars such as 0.0025, at most 9223372.036854775807")]
pub struct MoneyError(String);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// An amount in picodollars (10⁻¹² dollars).
    #[must_use]
    pub const fn from_picodollars(pico: i64) -> Self {
        Self(pico)
    }

    /// This amount in picodollars (10⁻¹² dollars).
    #[must_use]
    pub const fn picodollars(self) -> i64 {
        self.0
    }

    /// This amount as the nearest binary float, for showing and for ratios only.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn approximate(self) -> f64 {
        self.0 as f64 / 1e12
    }
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pico = i128::from(self.0).abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:012}", pico % PICO);
        let fraction = fraction.trim_end_matches('0');
        let dot = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{}{dot}{fraction}", pico / PICO)
    }
}

impl std::str::FromStr for Money {
    type Err = MoneyError;

    /// Reads a decimal number, with or without an exponent. Digits beyond the twelfth decimal are rounded half up.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        parse(text).ok_or_else(|| MoneyError(text.chars().take(64).collect()))
    }
}

fn parse(text: &str) -> Option<Money> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    // The value is `digits` × 10^shift picodollars.
    let mut shift = exponent.checked_add(12)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let digits = format!("{whole}{fraction}");
    let mut digits = digits.trim_start_matches('0');
    let mut round_up = false;
    while shift < 0 && !digits.is_empty() {
        round_up = digits.as_bytes()[digits.len() - 1] >= b'5';
        digits = &digits[..digits.len() - 1];
        shift += 1;
    }
    if shift < 0 {
        return Some(Money::ZERO);
    }
    let mut pico: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    if pico != 0 {
        pico = pico.checked_mul(10_i128.checked_pow(u32::try_from(shift).ok()?)?)?;
    }
    pico += i128::from(round_up);
    i64::try_from(if negative { -pico } else { pico }).ok().map(Money)
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    /// Reads a JSON number, or a string that holds one.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        raw.get().trim_matches('"').parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_picodollars_are_exact_both_ways() {
        for (text, pico) in [
            ("0", 0),
            ("0.000000000001", 1),
            ("-1.5", -1_500_000_000_000),
            ("8191.123456789012", 8_191_123_456_789_012),
            ("9223372.036854775807", i64::MAX),
        ] {
            let money: Money = text.parse().unwrap();
            assert_eq!(money.picodollars(), pico, "{text}");
            assert_eq!(money.to_string(), text);
        }
    }

    #[test]
    fn exponents_long_fractions_and_nonsense() {
        assert_eq!("1.5E-6".parse::<Money>().unwrap().to_string(), "0.0000015");
        assert_eq!("0.0000000000005".parse::<Money>().unwrap().picodollars(), 1);
        assert_eq!("1e-30".parse::<Money>().unwrap(), Money::ZERO);
        assert_eq!("0e99".parse::<Money>().unwrap(), Money::ZERO);
        for bad in ["", "-", ".", "NaN", "1e99", "9223373", "1,5", "0x1"] {
            assert!(bad.parse::<Money>().is_err(), "{bad}");
        }
    }

    #[test]
    fn json_keeps_every_digit() {
        let text = "[8191.123456789012,0.1,\"0.25\"]";
        let money: Vec<Money> = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&money).unwrap(), "[8191.123456789012,0.1,0.25]");
    }
}
