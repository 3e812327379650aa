//! Calibration flags: quality patterns that show only across runs.
//!
//! Comes in: a run that has ended, and what is known of the runs before it. Goes out: flags, each with how many runs it rests on, how
//! large its effect is and the 95 % interval of that; and for those that are no thin evidence, an alarm: a line on stderr and one in
//! `{project}/_calibration_alerts.md`. Flags inform. They never block, and never make an error of a run.
//!
//! Nothing here knows a database: which runs came before is read by `sql::calibration`, in the transaction that writes the run.

mod alarm;
mod checks;
mod name;

pub use alarm::ALERTS_FILE;
pub(crate) use alarm::Alarms;
pub(crate) use checks::{Before, RunFigures, Verdict, check};
pub(crate) use name::{Name, Pool};

/// The kinds of flags.
pub mod kind {
    /// A principle is a gap of this run, and was one of several lately.
    pub const REPEATED_PRINCIPLE_FAILURE: &str = "repeated_principle_failure";
    /// Runs of this run's intent score lower than runs do on average.
    pub const INTENT_DISPARITY: &str = "intent_disparity";
    /// Runs of this run's domain score lower than runs do on average.
    pub const DOMAIN_DISPARITY: &str = "domain_disparity";
    /// This run fell through the quality gate, the project's previous complete run passed it.
    pub const QUALITY_GATE_REGRESSION: &str = "quality_gate_regression";
}
