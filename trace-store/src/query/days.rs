//! A window as whole days, whose sums are kept, and what sticks out at its ends, whose traces are read.

use super::statement::Statement;
use super::window::{Window, next_day};
use crate::sql::time;
use crate::sql::value::Kind;
use trace_core::model::Timestamp;

const DAY: i128 = 86_400_000_000_000;

/// A window taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Days {
    /// The first whole day and the first that is none; an end that is `None` is open. `None` when there is no whole day.
    pub(super) whole: Option<(Option<String>, Option<String>)>,
    /// The parts of days, each with both ends.
    pub(super) parts: Vec<(Timestamp, Timestamp)>,
}

impl Days {
    pub(super) fn of(window: Window) -> Self {
        let Window { since, until } = window;
        if let (Some(since), Some(until)) = (since, until)
            && (since >= until || midnight(since) == midnight(until))
        {
            let parts = if since < until { vec![(since, until)] } else { Vec::new() };
            return Self { whole: None, parts };
        }
        let mut parts = Vec::new();
        let first = since.map(|since| {
            let begin = midnight(since);
            if begin == since {
                return begin;
            }
            parts.push((since, next_day(begin)));
            next_day(begin)
        });
        let last = until.map(|until| {
            let begin = midnight(until);
            if begin < until {
                parts.push((begin, until));
            }
            begin
        });
        let is_none = first.is_some() && first == last;
        let day = |moment: Timestamp| time::fixed(moment)[..10].to_owned();
        Self { whole: (!is_none).then(|| (first.map(day), last.map(day))), parts }
    }
}

impl Statement {
    /// Limits sums to whole days, the second end excluded.
    pub(super) fn add_days(&mut self, first: Option<&str>, end: Option<&str>) -> &mut Self {
        for (operator, day) in [(">= ", first), ("< ", end)] {
            if let Some(day) = day {
                self.push(" AND day ").push(operator).bind(Kind::Day, day.into());
            }
        }
        self
    }
}

fn midnight(moment: Timestamp) -> Timestamp {
    Timestamp::from_nanos(moment.as_nanos().div_euclid(DAY) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(since: &str, until: &str) -> Days {
        let read = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        Days::of(Window { since: read(since), until: read(until) })
    }

    #[test]
    fn whole_days_and_what_sticks_out() {
        let part = |since: &str, until: &str| (since.parse().unwrap(), until.parse().unwrap());
        let whole = |first: &str, last: &str| Some((Some(first.to_owned()), Some(last.to_owned())));
        assert_eq!(days("", ""), Days { whole: Some((None, None)), parts: vec![] });
        let exact = days("2026-02-01T00:00:00Z", "2026-02-03T00:00:00Z");
        assert_eq!(exact, Days { whole: whole("2026-02-01", "2026-02-03"), parts: vec![] });
        let open = days("2026-02-01T12:00:00Z", "");
        assert_eq!(open.whole, Some((Some("2026-02-02".into()), None)));
        assert_eq!(open.parts, [part("2026-02-01T12:00:00Z", "2026-02-02T00:00:00Z")]);
        let both = days("2026-02-01T12:00:00Z", "2026-02-04T01:00:00Z");
        assert_eq!(both.whole, whole("2026-02-02", "2026-02-04"));
        assert_eq!(both.parts.len(), 2);
        let neighbours = days("2026-02-01T12:00:00Z", "2026-02-02T01:00:00Z");
        assert_eq!((neighbours.whole, neighbours.parts.len()), (None, 2));
        let within = days("2026-02-01T12:00:00Z", "2026-02-01T13:00:00Z");
        assert_eq!((within.whole, within.parts.len()), (None, 1));
        assert_eq!(days("2026-02-02T00:00:00Z", "2026-02-01T00:00:00Z"), Days { whole: None, parts: vec![] });
        assert_eq!(days("2026-02-02T00:00:00Z", "2026-02-02T00:00:00Z"), Days { whole: None, parts: vec![] });
    }
}
