//! `sync`: rows for everything that has none.

use super::Context;
use crate::failure::{Failure, NOTHING};
use crate::out::say;
use crate::progress::Progress;
use crate::words::counted;
use std::process::ExitCode;
use trace_store::sql::{RowsOptions, SyncReport, sync};

pub(crate) fn run(context: &mut Context) -> Result<ExitCode, Failure> {
    let Some(url) = context.place.database_url()? else {
        return Err(Failure::Usage(
            "the database is off: there are no rows to write; give one with --database".to_owned(),
        ));
    };
    let progress = Progress::new(None, "traces");
    let report = sync(&url, &context.place.settings.dir, RowsOptions::default(), |so_far| {
        progress.reach(so_far.drained + so_far.documents);
    });
    progress.end();
    let report = report.map_err(Failure::of)?;
    report.problems.iter().for_each(|problem| say(&format!("skipped {problem}")));
    context.out.line(&told(&report))?;
    if let Some(error) = &report.last_error {
        say(error);
    }
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) })
}

/// `rows of 3 traces written from the outbox and of 1 of 12 documents`.
fn told(report: &SyncReport) -> String {
    let mut text = format!(
        "rows of {} written from the outbox, and of {} of {}",
        counted(report.drained, "trace"),
        report.written,
        counted(report.documents, "document")
    );
    if report.waiting > 0 {
        text += &format!("; {} still waiting", report.waiting);
    }
    if report.refused > 0 {
        text += &format!("; {} refused by the database, kept apart in the outbox", report.refused);
    }
    text
}
