//! Lists of runs as tables.

use crate::failure::Failure;
use crate::out::Out;
use crate::table::{Column, Field, Grid};
use crate::terminal::Paint;
use crate::words::{UNKNOWN, ago, count, dollars, duration, one_line};
use trace_core::model::{Status, Timestamp};
use trace_store::query::{Listing, TraceItem};

/// How much of a text is looked at.
const TEXT: usize = 300;

/// Prints a page of runs, and how the next one is got.
pub(crate) fn print(out: &mut Out, listing: &Listing<TraceItem>) -> Result<(), Failure> {
    let now = Timestamp::now();
    let mut grid = Grid::new([
        Column::whole("TRACE"),
        Column::spare("STARTED", 1),
        Column::spare("PROJECT", 3),
        Column::spare("STATUS", 0),
        Column::spare("QUALITY", 2).right(),
        Column::spare("TIME", 4).right(),
        Column::spare("COST", 5).right(),
        Column::spare("DECISIONS", 6).right(),
        Column::cut("QUERY"),
    ]);
    for run in &listing.items {
        grid.row([
            one_line(&run.trace_id, 128).into(),
            run.started_at.map_or_else(|| UNKNOWN.to_owned(), |moment| ago(moment, now)).into(),
            one_line(&run.project_id, 80).into(),
            status(run.status),
            quality(run),
            duration(run.duration_seconds).into(),
            run.total_cost_usd.map_or_else(|| UNKNOWN.to_owned(), dollars).into(),
            count(run.decision_count.unsigned_abs()).into(),
            told(run).into(),
        ]);
    }
    grid.print(out)?;
    if let Some(cursor) = &listing.next_cursor {
        let hint = format!("more: --cursor {}", one_line(cursor, 600));
        let hint = out.terminal.paint(Paint::Quiet, &hint);
        out.line(&hint)?;
    }
    Ok(())
}

/// A status in its colour.
pub(crate) fn status(status: Status) -> Field {
    let paint = match status {
        Status::Complete => Paint::Good,
        Status::Failed => Paint::Bad,
        Status::Incomplete | Status::InProgress => Paint::Notice,
    };
    Field::painted(status.as_str(), paint)
}

fn quality(run: &TraceItem) -> Field {
    let score = run.overall_quality_score.map_or_else(|| UNKNOWN.to_owned(), |score| format!("{score:.1}"));
    match run.quality_gate_passed {
        Some(true) => Field::painted(format!("{score} pass"), Paint::Good),
        Some(false) => Field::painted(format!("{score} FAIL"), Paint::Bad),
        None => score.into(),
    }
}

/// What was asked; of a failed run, rather what went wrong.
fn told(run: &TraceItem) -> String {
    let error = run.error_message.as_deref().filter(|_| run.status != Status::Complete);
    error.or(run.query.as_deref()).map_or_else(String::new, |text| one_line(text, TEXT))
}
