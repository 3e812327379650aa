//! Numbers and moments as people read them.

use trace_core::model::{Alternative, Timestamp};
pub(crate) use trace_store::files::{count, counted, dollars, duration, one_line, score};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands where a value is not known.
pub(crate) const UNKNOWN: &str = "-";

const MINUTE: f64 = 60.0;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// The columns that a text takes on a terminal.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most so many columns, with `…` where it is cut.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut room = columns.saturating_sub(1);
    let fits = |c: &char| {
        let needed = c.width().unwrap_or(0);
        let fits = needed <= room;
        room = room.saturating_sub(needed);
        fits
    };
    let head: String = text.chars().take_while(fits).collect();
    format!("{}…", head.trim_end())
}

/// How sure a decision was: `0.90`, or `-` where it does not say.
pub(crate) fn sure(confidence: Option<f64>) -> String {
    confidence.map_or_else(|| " -  ".to_owned(), |sure| format!("{sure:.2}"))
}

/// What else was on the table: `google (0.60), reddit (0.40)`.
pub(crate) fn alternatives(all: &[Alternative]) -> String {
    const LISTED: usize = 8;
    let option = |alternative: &Alternative| {
        let sure = alternative.confidence.map_or_else(String::new, |sure| format!(" ({sure:.2})"));
        format!("{}{sure}", one_line(&alternative.option, 100))
    };
    let mut options: Vec<String> = all.iter().take(LISTED).map(option).collect();
    if all.len() > LISTED {
        options.push(format!("{} more", all.len() - LISTED));
    }
    options.join(", ")
}

/// A share, 0..=1: `83 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// How long ago a moment was: `just now`, `5m ago`, `3h ago`, `12d ago`, then its date.
pub(crate) fn ago(moment: Timestamp, now: Timestamp) -> String {
    let seconds = now.seconds_since(moment);
    match seconds {
        // A clock elsewhere may be ahead of this one by some seconds.
        ..-60.0 => format!("{} UTC", minute(moment)),
        ..MINUTE => "just now".to_owned(),
        ..HOUR => format!("{:.0}m ago", (seconds / MINUTE).floor()),
        ..DAY => format!("{:.0}h ago", (seconds / HOUR).floor()),
        _ if seconds < 30.0 * DAY => format!("{:.0}d ago", (seconds / DAY).floor()),
        _ => moment.date(),
    }
}

/// A moment with how long ago it was: `2026-02-13 14:30 UTC (3h ago)`.
pub(crate) fn when(moment: Timestamp) -> String {
    let now = Timestamp::now();
    let relative = ago(moment, now);
    if relative == moment.date() || relative.ends_with("UTC") {
        format!("{} UTC", minute(moment))
    } else {
        format!("{} UTC ({relative})", minute(moment))
    }
}

/// A moment to the minute: `2026-02-13 14:30`.
fn minute(moment: Timestamp) -> String {
    let text = moment.to_string();
    text.get(..16).map_or(text.clone(), |head| head.replace('T', " "))
}

/// A number of bytes: `512 B`, `1.5 GiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    #[allow(clippy::cast_precision_loss)] // shown with one decimal
    let mut value = bytes as f64;
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = UNITS[0];
    for next in UNITS {
        value /= 1024.0;
        unit = next;
        if value < 1024.0 {
            break;
        }
    }
    format!("{value:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_now() {
        let now: Timestamp = "2026-02-13T14:30:22Z".parse().unwrap();
        for (moment, told) in [
            ("2026-02-13T14:30:25Z", "just now"),
            ("2026-02-13T14:30:00Z", "just now"),
            ("2026-02-13T14:29:00Z", "1m ago"),
            ("2026-02-13T11:30:00Z", "3h ago"),
            ("2026-02-01T14:30:00Z", "12d ago"),
            ("2025-02-01T14:30:00Z", "2025-02-01"),
            ("2026-02-14T09:05:00Z", "2026-02-14 09:05 UTC"),
        ] {
            assert_eq!(ago(moment.parse().unwrap(), now), told, "{moment}");
        }
    }

    #[test]
    fn a_text_is_cut_by_columns_not_by_characters() {
        assert_eq!(cut("größer", 6), "größer");
        assert_eq!(cut("größer", 4), "grö…");
        assert_eq!((cut("日本語", 6), cut("日本語", 5)), ("日本語".into(), "日本…".into()));
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!((cut("one two", 5), cut("x", 0)), ("one…".into(), "…".into()));
    }

    #[test]
    fn bytes_have_the_unit_that_fits() {
        for (number, told) in
            [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (3 << 30, "3.0 GiB"), (u64::MAX, "16777216.0 TiB")]
        {
            assert_eq!(bytes(number), told);
        }
    }
}
