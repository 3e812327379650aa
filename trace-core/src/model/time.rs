use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::time::{Duration, SystemTime};

/// A moment in UTC with nanosecond resolution, written as RFC 3339 (`2026-02-13T14:30:22.123456Z`).
///
/// Reading accepts any offset, and a time without one (as the Python reference writes it) as UTC.
///
/// ```
/// let t: trace_core::model::Timestamp = "2026-02-13T14:30:22.5Z".parse().unwrap();
/// assert_eq!(t.to_string(), "2026-02-13T14:30:22.5Z");
/// assert_eq!(t, "2026-02-13T15:30:22.5+01:00".parse().unwrap());
/// assert_eq!(t, "2026-02-13 14:30:22.5".parse().unwrap());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// The present, from the system's wall clock.
    #[must_use]
    pub fn now() -> Self {
        Self::from_system(SystemTime::now())
    }

    /// A system time; one outside of years -9999 to 9999 is moved to the nearest end of that range.
    #[must_use]
    pub fn from_system(time: SystemTime) -> Self {
        Self(jiff::Timestamp::try_from(time).unwrap_or_else(|_| {
            if time < SystemTime::UNIX_EPOCH { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX }
        }))
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z; out of range is moved to the nearest end.
    #[must_use]
    pub fn from_nanos(nanos: i128) -> Self {
        Self(jiff::Timestamp::from_nanosecond(nanos).unwrap_or(if nanos < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        }))
    }

    /// Nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn as_nanos(self) -> i128 {
        self.0.as_nanosecond()
    }

    /// Microseconds since 1970-01-01T00:00:00Z, rounded towards zero: the resolution of both databases.
    #[must_use]
    pub fn as_micros(self) -> i64 {
        self.0.as_microsecond()
    }

    /// This moment moved forward.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        let by = i128::try_from(by.as_nanos()).unwrap_or(i128::MAX);
        Self::from_nanos(self.as_nanos().saturating_add(by))
    }

    /// Seconds from `earlier` to this moment; negative where `earlier` is later.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> f64 {
        #[allow(clippy::cast_precision_loss)] // 2^53 ns are 104 days; beyond, microseconds still hold
        let nanos = (self.as_nanos() - earlier.as_nanos()) as f64;
        nanos / 1e9
    }

    /// `YYYYMMDD_HHMMSS`, as trace ids carry it.
    #[must_use]
    pub fn compact(self) -> String {
        self.0.strftime("%Y%m%d_%H%M%S").to_string()
    }

    /// The calendar day in UTC, `YYYY-MM-DD`.
    #[must_use]
    pub fn date(self) -> String {
        self.0.strftime("%Y-%m-%d").to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<jiff::Timestamp>().map(Self).or_else(|error| {
            let civil: jiff::civil::DateTime = text.parse().map_err(|_| error)?;
            Ok(Self(civil.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp()))
        })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
