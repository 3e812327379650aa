//! What versions of prompts achieve: figures of each, differences between them, and what these say in words.
//!
//! Comes in: the executions of versions or of the arms of an experiment, from [`Registry`](super::Registry). Goes out: a [`VersionReport`] or an
//! [`ExperimentResult`], to be printed or serialised. Both are computed from the executions at every call; nothing is kept.

mod comparison;
mod experiment;
mod goals;
mod measures;
#[cfg(test)]
mod tests;
mod versions;
mod words;

pub use comparison::Comparison;
pub use experiment::{ArmResult, ExperimentResult, MetricResult, Verdict};
pub use goals::{Goals, Metric};
pub use measures::Measures;
pub use versions::{VersionFigures, VersionReport, VersionReportOptions};
