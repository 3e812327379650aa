//! What many runs amount to: summaries, groups, principles.
//!
//! Comes in: a window. Goes out: exact figures, made of the sums that the writer keeps by day; only the parts of days at the ends of a window are
//! counted from their traces.

mod figures;
mod principles;
mod summary;

pub use figures::{Figures, Group};
pub(super) use figures::{mean_of_micros, money, ratio};
pub use principles::PrinciplePattern;
pub use summary::GroupBy;
