//! What many runs amount to: summaries, groups, principles.
//!
//! Comes in: a window. Goes out: exact figures, made of the sums that the writer keeps by day; only the parts of days at the ends of a window are
//! counted from their traces.

mod days;
mod figures;
mod principles;
mod summary;

pub use figures::{Figures, Group};
pub(super) use figures::{mean_of_micros, money, ratio};
pub use principles::PrinciplePattern;
pub use summary::GroupBy;

use super::statement::Statement;
use crate::sql::value::Kind;

impl Statement {
    /// Limits sums to whole days, the second end excluded.
    fn add_days(&mut self, first: Option<&str>, end: Option<&str>) {
        let mut word = " WHERE day ";
        for (operator, day) in [(">= ", first), ("< ", end)] {
            if let Some(day) = day {
                self.push(word).push(operator).bind(Kind::Day, day.into());
                word = " AND day ";
            }
        }
    }
}
