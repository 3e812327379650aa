//! Which time a question is about.

use super::error::QueryError;
use serde::{Deserialize, Serialize};
use trace_core::model::Timestamp;

/// Days that questions look back unless told otherwise.
const DAYS: u32 = 30;

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

/// The runs that began at or after `since` and before `until`; an end that is `None` is open.
///
/// The default is the last 30 days: since midnight (UTC) 30 days ago. A run that does not say when it began is in a window without ends only.
///
/// ```
/// use trace_store::query::Window;
/// assert_eq!(Window::default(), Window::last_days(30));
/// assert_eq!(Window::all_time().since, None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Window {
    /// The first moment that counts.
    pub since: Option<Timestamp>,
    /// The first moment that counts no more.
    pub until: Option<Timestamp>,
}

impl Default for Window {
    fn default() -> Self {
        Self::last_days(DAYS)
    }
}

impl Window {
    /// Since midnight (UTC), that many days ago; 0 is today.
    #[must_use]
    pub fn last_days(days: u32) -> Self {
        let today = Timestamp::now().as_nanos().div_euclid(DAY);
        Self::since(Timestamp::from_nanos((today - i128::from(days)) * DAY))
    }

    /// All runs.
    #[must_use]
    pub const fn all_time() -> Self {
        Self { since: None, until: None }
    }

    /// The runs that began at that moment or later.
    #[must_use]
    pub const fn since(moment: Timestamp) -> Self {
        Self { since: Some(moment), until: None }
    }

    /// The same, but only what began before that moment.
    #[must_use]
    pub const fn until(self, moment: Timestamp) -> Self {
        Self { until: Some(moment), ..self }
    }

    /// Whether it has no ends.
    pub(crate) fn is_all_time(self) -> bool {
        self.since.is_none() && self.until.is_none()
    }
}

/// Reads a moment as people write it: `2026-02-13` (its first moment, UTC), `2026-02-13T14:30:22Z`, `now`, or how long ago: `-7d`,
/// `-90m` (`s`, `m`, `h`, `d`, `w`).
///
/// ```
/// use trace_store::query::moment;
/// let now = "2026-02-13T14:30:22Z".parse().unwrap();
/// assert_eq!(moment("-1d", now)?.to_string(), "2026-02-12T14:30:22Z");
/// assert_eq!(moment("2026-02-01", now)?.to_string(), "2026-02-01T00:00:00Z");
/// # Ok::<(), trace_store::query::QueryError>(())
/// ```
///
/// # Errors
/// [`QueryError::Moment`].
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, QueryError> {
    let text = text.trim();
    let read = match text.strip_prefix('-') {
        Some(ago) => duration(ago).map(|ago| Timestamp::from_nanos(now.as_nanos() - ago)),
        None if text.eq_ignore_ascii_case("now") => Some(now),
        None => day(text).or_else(|| text.parse().ok()),
    };
    read.ok_or_else(|| QueryError::Moment(text.to_owned()))
}

/// The first moment of a day written `YYYY-MM-DD`.
pub(crate) fn day(text: &str) -> Option<Timestamp> {
    let is_date = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if is_date { format!("{text}T00:00:00Z").parse().ok() } else { None }
}

/// The day after.
pub(crate) fn next_day(day: Timestamp) -> Timestamp {
    Timestamp::from_nanos(day.as_nanos() + DAY)
}

/// A length of time in nanoseconds, written as a number and `ms`, `s`, `m`, `h`, `d` or `w`.
pub(crate) fn duration(text: &str) -> Option<i128> {
    let (number, unit) = text.split_at(text.find(|char: char| char.is_ascii_alphabetic())?);
    let unit = match unit {
        "ms" => SECOND / 1000,
        "s" => SECOND,
        "m" => 60 * SECOND,
        "h" => 3600 * SECOND,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits =
        |text: &str, most| !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole, 12) || !digits(fraction, 9) {
        return None;
    }
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let value = whole.parse::<i128>().ok()? * scale + fraction.parse::<i128>().ok()?;
    Some(value * unit / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_write_them() {
        let now: Timestamp = "2026-02-13T14:30:22Z".parse().unwrap();
        for (text, expected) in [
            ("now", "2026-02-13T14:30:22Z"),
            ("-1.5h", "2026-02-13T13:00:22Z"),
            ("-2w", "2026-01-30T14:30:22Z"),
            ("2026-02-01T10:00:00+01:00", "2026-02-01T09:00:00Z"),
        ] {
            assert_eq!(moment(text, now).unwrap().to_string(), expected, "{text}");
        }
        for bad in ["", "-", "7d", "-7", "-d", "-7y", "-1.d", "yesterday", "2026-13-01", "-1000000000000d", "2026-2-1"]
        {
            assert!(moment(bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_default_window_begins_at_midnight() {
        let since = Window::default().since.unwrap();
        assert_eq!(since.as_nanos() % DAY, 0);
        assert!((30 * DAY..31 * DAY).contains(&(Timestamp::now().as_nanos() - since.as_nanos())));
    }
}
