//! Every question that is asked of traces, once: Rust programs, the command line and MCP print what is answered here.
//!
//! Comes in: a [`Store`] (a database, or a folder of documents), a [`Window`] of time, a [`Filter`]. Goes out: plain structs, whose fields serialise under
//! their names; these names are stable. Lists come newest first in pages ([`Page`], [`Listing`]) and read no payloads.
//!
//! A folder of documents becomes a private database through the writer that fills every other one, so each question has one
//! implementation. SQL is put together from text of ours and parameters ([`Filter`]s too), in the words of either database (`sql::dialect`).

mod aggregates;
mod compare;
mod components;
mod days;
mod decisions;
mod error;
pub(crate) mod filter;
mod folder;
mod item;
mod lists;
mod page;
mod pool;
mod reports;
mod single;
mod statement;
mod store;
#[cfg(test)]
mod tests;
mod whole;
mod why;
mod why_rows;
mod window;

pub use aggregates::{Figures, Group, GroupBy, PrinciplePattern};
pub use compare::{Comparison, PromptDifference};
pub use components::{Component, ComponentDecision};
pub use decisions::{Choice, DecisionDifference};
pub use error::QueryError;
pub use filter::{Filter, FilterError};
pub use item::TraceItem;
pub use page::{Listing, Page};
pub use reports::{DailyCost, ErrorPattern, PromptLatency, StageTiming};
pub use store::Store;
pub use whole::{FullTrace, Source};
pub use why::{GateScore, GateVerdict, PreviousGood, PromptUse, Why, WhyDecision, WhyError, WhyFlag};
pub use window::{Window, moment};
