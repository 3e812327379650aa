//! Numbers as people read them: durations, money, counts.

use trace_core::model::Money;

/// What stands where a value is not known.
pub(crate) const UNKNOWN: &str = "-";

/// A duration: `850ms`, `5.2s`, `1m 23s`, `2h 05m`.
#[must_use]
pub fn duration(seconds: Option<f64>) -> String {
    let Some(seconds) = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0) else {
        return UNKNOWN.to_owned();
    };
    // Each limit is where rounding would otherwise write the next larger unit in the smaller one, such as `60.0s`.
    if seconds < 0.000_999_5 && seconds > 0.0 {
        return "<1ms".to_owned();
    }
    if seconds < 0.999_5 {
        return format!("{:.0}ms", seconds * 1e3);
    }
    if seconds < 59.95 {
        return format!("{seconds:.1}s");
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // finite and not negative; `as` stops at the end
    let whole = seconds.round() as u64;
    match whole {
        ..3_600 => format!("{}m {:02}s", whole / 60, whole % 60),
        _ => format!("{}h {:02}m", whole / 3_600, whole % 3_600 / 60),
    }
}

/// An amount of dollars: two decimals, and two significant digits below a cent.
#[must_use]
pub fn dollars(amount: Money) -> String {
    let pico = i128::from(amount.picodollars());
    let sign = if pico < 0 { "-" } else { "" };
    let pico = pico.unsigned_abs();
    // The smallest number of decimals that shows two significant digits, at least two.
    let decimals = match pico {
        0 | 9_950_000_000.. => 2,
        _ => 13 - pico.ilog10(),
    };
    let unit = 10_u128.pow(12 - decimals.min(12));
    let rounded = (pico + unit / 2) / unit;
    let one = 10_u128.pow(decimals.min(12));
    let width = decimals.min(12) as usize;
    format!("{sign}${}.{:0width$}", rounded / one, rounded % one)
}

/// A count with thousands separated: `12,345`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count with its noun: `1 record`, `12 records`.
#[must_use]
pub fn counted(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A score: one decimal where there is one, none for a whole number.
#[must_use]
pub fn score(score: f64) -> String {
    let text = format!("{score:.2}");
    text.strip_suffix(".00").unwrap_or_else(|| text.trim_end_matches('0')).to_owned()
}

/// An overall score on its scale: `2.4/3.0`.
#[must_use]
pub fn overall(score: Option<f64>, scale: f64) -> String {
    score.map_or_else(|| UNKNOWN.to_owned(), |score| format!("{score:.1}/{scale:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_change_unit_without_a_gap() {
        for (seconds, text) in [
            (0.0, "0ms"),
            (0.0002, "<1ms"),
            (0.85, "850ms"),
            (0.9996, "1.0s"),
            (5.2, "5.2s"),
            (59.94, "59.9s"),
            (59.96, "1m 00s"),
            (83.0, "1m 23s"),
            (262.4, "4m 22s"),
            (3_599.6, "1h 00m"),
            (7_500.0, "2h 05m"),
            (90_000.0, "25h 00m"),
        ] {
            assert_eq!(duration(Some(seconds)), text, "{seconds}");
        }
        for unknown in [None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0)] {
            assert_eq!(duration(unknown), "-");
        }
    }

    #[test]
    fn money_shows_cents_and_what_is_below() {
        for (amount, text) in [
            ("0", "$0.00"),
            ("0.32", "$0.32"),
            ("12.5", "$12.50"),
            ("0.004249", "$0.0042"),
            ("0.00995", "$0.01"),
            ("0.000000000001", "$0.000000000001"),
            ("0.00000000012", "$0.00000000012"),
            ("-0.32", "-$0.32"),
            ("9223372.036854775807", "$9223372.04"),
        ] {
            assert_eq!(dollars(amount.parse().unwrap()), text, "{amount}");
        }
    }

    #[test]
    fn counts_and_scores() {
        assert_eq!((count(7), count(1_234), count(1_234_567)), ("7".into(), "1,234".into(), "1,234,567".into()));
        assert_eq!((counted(1, "record"), counted(2, "record")), ("1 record".into(), "2 records".into()));
        assert_eq!((score(3.0), score(1.5), score(2.333)), ("3".into(), "1.5".into(), "2.33".into()));
        assert_eq!(overall(None, 3.0), "-");
        assert_eq!(overall(Some(2.44), 3.0), "2.4/3.0");
    }
}
