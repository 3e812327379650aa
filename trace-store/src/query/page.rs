//! Lists in pages: how many items, and where the page before ended.
//!
//! A cursor names the last item of a page by its place in the order (when it began, its id), not by a number of items to pass over: a page costs
//! the same wherever it is, and what is written meanwhile neither doubles nor hides an item.

use super::error::QueryError;
use serde::{Deserialize, Serialize};
use trace_core::model::Timestamp;

/// Which part of a list.
///
/// ```
/// use trace_store::query::Page;
/// assert_eq!(Page::default().limit, 50);
/// assert_eq!(Page::new(10_000).limit, Page::MAX);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Page {
    /// How many items at most, 1 to [`Page::MAX`].
    pub limit: u32,
    /// The `next_cursor` of the page before; `None` for the first page.
    pub cursor: Option<String>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 50, cursor: None }
    }
}

impl Page {
    /// The most items that a page has.
    pub const MAX: u32 = 500;

    /// The first page, with at most that many items.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        Self { limit: limit.clamp(1, Self::MAX), cursor: None }
    }

    /// The page that follows the one which gave this cursor.
    #[must_use]
    pub fn after(self, cursor: impl Into<String>) -> Self {
        Self { cursor: Some(cursor.into()), ..self }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit.clamp(1, Self::MAX) as usize
    }
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Listing<T> {
    /// The items, newest first.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next_cursor: Option<String>,
}

/// The longest id that a cursor carries, in bytes.
const MAX_ID: usize = 512;

/// A place in a list of traces: after this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// When it began, to the microsecond; those that do not say come last.
    pub(crate) started_at: Option<Timestamp>,
    /// Its id.
    pub(crate) trace_id: String,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.started_at {
            Some(moment) => write!(f, "{}.{}", moment.as_nanos().div_euclid(1000), self.trace_id),
            None => write!(f, "-.{}", self.trace_id),
        }
    }
}

impl std::str::FromStr for Cursor {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let refuse = || QueryError::Cursor(text.to_owned());
        let (moment, trace_id) = text.split_once('.').ok_or_else(refuse)?;
        let is_id = !trace_id.is_empty() && trace_id.len() <= MAX_ID && !trace_id.contains('\0');
        let started_at = match moment {
            "-" => None,
            micros => Some(Timestamp::from_nanos(i128::from(micros.parse::<i64>().map_err(|_| refuse())?) * 1000)),
        };
        if is_id { Ok(Self { started_at, trace_id: trace_id.to_owned() }) } else { Err(refuse()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text_and_nothing_else_does() {
        for started_at in [
            None,
            Some("2026-02-13T14:30:22.123456Z".parse().unwrap()),
            Some("1969-12-31T23:59:59.5Z".parse().unwrap()),
        ] {
            let cursor = Cursor { started_at, trace_id: "trc_a.b".into() };
            assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        }
        let long = format!("-.{}", "a".repeat(MAX_ID + 1));
        for bad in ["", ".", "1.", "x.trc_a", "1", "99999999999999999999.trc_a", "-.a\0", &long] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad:?}");
        }
    }
}
