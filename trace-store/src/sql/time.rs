//! Moments as both databases can hold them: years 1 to 9999, microseconds, text of one width that sorts by time.

use trace_core::model::Timestamp;

/// 0001-01-01T00:00:00Z and the last microsecond of 9999, in microseconds since 1970.
const RANGE: (i64, i64) = (-62_135_596_800_000_000, 253_402_300_799_999_999);

/// The first moment that both databases can hold, in microseconds since 1970.
pub(crate) const FIRST: i64 = RANGE.0;

/// The last moment that both databases can hold, in microseconds since 1970.
pub(crate) const LAST: i64 = RANGE.1;

/// Whether both databases can hold the moment.
pub(crate) fn fits(time: Timestamp) -> bool {
    (RANGE.0..=RANGE.1).contains(&time.as_micros())
}

/// Microseconds since 1970 as both databases hold them; a moment outside the range becomes its nearest end.
pub(crate) fn micros(time: Timestamp) -> i64 {
    // Rounded down, so that a moment before 1970 sorts as it does in nanoseconds.
    i64::try_from(time.as_nanos().div_euclid(1000)).unwrap_or(time.as_micros()).clamp(RANGE.0, RANGE.1)
}

/// A moment as both databases keep it: what is written is what is read back.
pub(crate) fn stored(time: Timestamp) -> Timestamp {
    Timestamp::from_nanos(i128::from(micros(time)) * 1000)
}

/// This moment, as both databases keep it.
pub(crate) fn now() -> Timestamp {
    stored(Timestamp::now())
}

/// `YYYY-MM-DDTHH:MM:SS.ffffffZ`, 27 characters; a moment outside the range becomes its nearest end.
pub(crate) fn fixed(time: Timestamp) -> String {
    let micros = micros(time);
    let whole = micros.div_euclid(1_000_000);
    let text = Timestamp::from_nanos(i128::from(whole) * 1_000_000_000).to_string();
    format!("{}.{:06}Z", text.trim_end_matches('Z'), micros.rem_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_moment_has_one_width_and_sorts_by_time() {
        let moments = [
            "-009998-01-02T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.9999999Z",
            "1970-01-01T00:00:00Z",
            "2026-02-13T14:30:22Z",
            "2026-02-13T14:30:22.5Z",
            "9999-12-30T21:59:59.999999999Z",
        ];
        let texts: Vec<String> = moments.iter().map(|moment| fixed(moment.parse().unwrap())).collect();
        assert!(texts.iter().all(|text| text.len() == 27), "{texts:?}");
        assert!(texts.is_sorted(), "{texts:?}");
        assert_eq!(texts[0], "0001-01-01T00:00:00.000000Z");
        assert_eq!(texts[5], "2026-02-13T14:30:22.500000Z");
        assert!(!fits(moments[0].parse().unwrap()) && fits(moments[1].parse().unwrap()));
    }
}
