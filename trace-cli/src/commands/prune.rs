//! `prune`: removes old traces; without `--yes` it only says which.

use super::Context;
use crate::args::PruneArgs;
use crate::failure::{Failure, NOTHING};
use crate::out::{Out, say};
use crate::progress::Progress;
use crate::table::{Column, Field, Grid};
use crate::terminal::Paint;
use crate::words::{UNKNOWN, ago, counted, one_line};
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;
use trace_core::model::{Status, Timestamp};
use trace_store::prune::{Criteria, Doomed, PruneError, Pruner, Removed};

/// What would be removed, or was, for programs.
#[derive(Serialize)]
struct Report<'a> {
    /// Whether anything was removed.
    removed: bool,
    traces: Vec<&'a str>,
    /// Files that were removed.
    files: u64,
    /// Event streams that running processes write to, and that still have lines of removed runs.
    streams_in_use: Vec<String>,
}

pub(crate) async fn run(context: &mut Context, args: &PruneArgs) -> Result<ExitCode, Failure> {
    let criteria = criteria(args)?;
    let mut pruner = Pruner::open(&context.place.settings).await.map_err(|error| failure(&error))?;
    let doomed = pruner.find(&criteria).await.map_err(|error| failure(&error))?;
    let removed = if args.yes && !doomed.is_empty() { Some(remove(&mut pruner, &doomed).await?) } else { None };
    pruner.close().await;
    if args.json.json {
        report(&mut context.out, &doomed, removed.as_ref())?;
    } else {
        print(&mut context.out, &doomed, removed.as_ref())?;
    }
    Ok(if doomed.is_empty() { ExitCode::from(NOTHING) } else { ExitCode::SUCCESS })
}

async fn remove(pruner: &mut Pruner, doomed: &[Doomed]) -> Result<Removed, Failure> {
    let progress = Progress::new(Some(doomed.len() as u64), "traces");
    let removed = pruner.remove(doomed, |done| progress.step(done)).await;
    progress.end();
    removed.map_err(|error| failure(&error))
}

fn failure(error: &PruneError) -> Failure {
    match error {
        PruneError::Query(error) => crate::ask::failure(error),
        other => Failure::of(other),
    }
}

/// At least one criterion: a slip must not remove everything.
fn criteria(args: &PruneArgs) -> Result<Criteria, Failure> {
    let older_than = args.older_than.as_deref().map(crate::ask::age).transpose()?;
    let statuses = args.status.iter().map(|status| read_status(status)).collect::<Result<Vec<Status>, _>>()?;
    if older_than.is_none() && statuses.is_empty() && args.project.is_none() {
        let message = "say which traces: --older-than 90d, --status failed, --project NAME, or several of them";
        return Err(Failure::Usage(message.to_owned()));
    }
    Ok(Criteria { older_than, statuses, project: args.project.clone() })
}

fn read_status(text: &str) -> Result<Status, Failure> {
    let ends = [Status::Complete, Status::Failed, Status::Incomplete];
    let refuse = || {
        let message =
            format!("`{}` is not the end of a run; expected complete, failed or incomplete", one_line(text, 64));
        Failure::Usage(message)
    };
    ends.into_iter().find(|status| status.as_str() == text).ok_or_else(refuse)
}

fn report(out: &mut Out, doomed: &[Doomed], removed: Option<&Removed>) -> Result<(), Failure> {
    let streams = removed.map(|removed| removed.streams_in_use.iter().map(|path| path.display().to_string()).collect());
    out.json(&Report {
        removed: removed.is_some(),
        traces: doomed.iter().map(|run| run.trace_id.as_str()).collect(),
        files: removed.map_or(0, |removed| removed.files),
        streams_in_use: streams.unwrap_or_default(),
    })
}

fn print(out: &mut Out, doomed: &[Doomed], removed: Option<&Removed>) -> Result<(), Failure> {
    if doomed.is_empty() {
        say("no trace is like that");
        return Ok(());
    }
    let now = Timestamp::now();
    let mut projects: BTreeMap<&str, (u64, Option<Timestamp>, Option<Timestamp>)> = BTreeMap::new();
    for run in doomed {
        let (count, first, last) = projects.entry(&run.project_id).or_default();
        *count += 1;
        *first = [*first, run.started_at].into_iter().flatten().min();
        *last = (*last).max(run.started_at);
    }
    let mut grid = Grid::new([
        Column::cut("PROJECT"),
        Column::whole("TRACES").right(),
        Column::spare("OLDEST", 0),
        Column::spare("NEWEST", 1),
    ]);
    for (project, (count, first, last)) in projects {
        let told = |moment: Option<Timestamp>| {
            Field::from(moment.map_or_else(|| UNKNOWN.to_owned(), |moment| ago(moment, now)))
        };
        grid.row([one_line(project, 80).into(), crate::words::count(count).into(), told(first), told(last)]);
    }
    grid.print(out)?;
    let Some(removed) = removed else {
        let hint = format!("{} would be removed; --yes removes them", counted(doomed.len() as u64, "trace"));
        let hint = out.terminal.paint(Paint::Notice, &hint);
        return out.line(&hint);
    };
    for stream in &removed.streams_in_use {
        let path = one_line(&stream.display().to_string(), 500);
        say(&format!(
            "{path} is being written by a running process: its lines of removed traces stay until the next prune"
        ));
    }
    out.line(&format!("{} and {} removed", counted(removed.traces, "trace"), counted(removed.files, "file")))
}
