//! What is lost when one thread records as fast as it can.
//!
//! Comes in: how many records. Goes out: for us and two peers, how many were kept, how many were counted as dropped, and how many
//! nobody knows of. Each record is a decision (ours) or a span (peers).

use crate::budgets::Row;
use crate::work;
use std::time::Duration;

/// What became of the records of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) made: u64,
    pub(crate) kept: u64,
    /// What the library itself says that it dropped.
    pub(crate) counted: u64,
    /// The caller's time.
    pub(crate) time: Duration,
}

impl Account {
    /// Nanoseconds of the caller for each record.
    fn ns(&self) -> f64 {
        self.time.as_secs_f64() * 1e9 / self.made as f64
    }

    fn lost(&self) -> u64 {
        self.made.saturating_sub(self.kept)
    }

    fn print(&self, name: &str) {
        println!(
            "{name:42} {:>10} made {:>10} kept {:>10} counted {:>10} lost unsaid {:>8.1} ns",
            self.made,
            self.kept,
            self.counted,
            self.lost().saturating_sub(self.counted),
            self.ns()
        );
    }
}

/// Ours without a limit of waiting and with the default one.
pub(crate) fn budgets(records: u64) -> Result<Vec<Row>, String> {
    println!("\n{records} records in a tight loop of one thread");
    let patient = work::whytrace::overflow(records, None)?;
    patient.print("whytrace, unlimited max_wait");
    let default = work::whytrace::overflow(records, whytrace::Options::default().max_wait)?;
    default.print("whytrace, default max_wait");
    let fastrace = work::fastrace::overflow(records);
    fastrace.print("fastrace, roots of 5,000 spans");
    work::opentelemetry::overflow(records).print("opentelemetry, default batch processor");
    let row = |case: &str, account: &Account, budget: &str, holds| Row {
        case: format!("{case}, {} of {} lost", account.lost(), account.made),
        ns: Some(account.ns()),
        peer: Some("fastrace"),
        peer_ns: Some(fastrace.ns()),
        ratio: Some(account.lost() as f64 / account.made as f64),
        budget: budget.to_owned(),
        holds,
    };
    let accounted = default.kept + default.counted == default.made;
    Ok(vec![
        row("unlimited max_wait", &patient, "0 lost", patient.lost() == 0),
        row("default max_wait", &default, "kept + counted = made", accounted),
    ])
}
