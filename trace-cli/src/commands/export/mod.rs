//! `export`: runs with their documents, as JSON lines or as Parquet; or as spans, to a backend of OpenTelemetry ([`otlp`]).
//!
//! Runs are collected in a hidden file beside the target ([`stage`]), page by page, with a note of how far it is. Only when all are there does
//! the target get its name. An interrupted export is taken up again by the same command.

#[cfg(feature = "otlp")]
mod otlp;
#[cfg(feature = "parquet")]
mod parquet;
mod stage;

use super::Context;
use crate::args::{ExportArgs, Format};
use crate::ask;
use crate::failure::{Failure, NOTHING};
use crate::out::{Out, say};
use crate::progress::Progress;
use crate::words::{counted, one_line};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use stage::{Plan, Stage};
use std::path::Path;
use std::process::ExitCode;
use trace_core::model::Trace;
use trace_core::text::escape_json;
use trace_store::query::{Filter, Listing, Page, QueryError, Store, TraceItem, Window};

/// How many runs are read between two notes of how far the export is.
const PAGE: u32 = 100;

/// A run as it is staged for a table.
#[derive(Serialize, Deserialize)]
struct Run<'a> {
    run: TraceItem,
    /// The document; none where sampling left it out.
    #[serde(borrow)]
    document: Option<&'a RawValue>,
}

pub(crate) async fn run(context: &mut Context, args: &ExportArgs) -> Result<ExitCode, Failure> {
    let filter = args.filter.as_deref().map_or_else(|| Ok(Filter::all()), ask::filter)?;
    let window = ask::between(args.since.as_deref(), args.until.as_deref())?;
    let to = match (&args.to, &args.otlp) {
        (Some(to), None) => to,
        (_, url) => return send(context, args, url.as_deref().unwrap_or_default(), &filter, window).await,
    };
    let format = format(args, to)?;
    if to.as_os_str() == "-" {
        let store = ask::open(&context.place).await?;
        let found = to_stdout(&mut context.out, &store, &filter, window).await?;
        store.close().await;
        return Ok(exit_code(found));
    }
    if to.exists() && !args.force {
        let shown = one_line(&to.display().to_string(), 500);
        return Err(Failure::Usage(format!("{shown} is there already; --force replaces it")));
    }
    let plan = Plan { format, filter: filter.to_string(), since: args.since.clone(), until: args.until.clone() };
    let mut stage = Stage::open(to, plan, window)?;
    if stage.runs() > 0 {
        say(&format!("going on after {}", counted(stage.runs(), "run")));
    }
    let store = ask::open(&context.place).await?;
    let all = all_runs(&store, args, stage.window()).await;
    collect(&store, &filter, &mut stage, all).await?;
    store.close().await;
    let runs = stage.runs();
    finish(stage, to, format)?;
    context.out.line(&format!("{} in {}", counted(runs, "run"), one_line(&to.display().to_string(), 500)))?;
    Ok(exit_code(runs))
}

#[cfg(feature = "otlp")]
async fn send(
    context: &mut Context,
    args: &ExportArgs,
    url: &str,
    filter: &Filter,
    window: Window,
) -> Result<ExitCode, Failure> {
    let options = otlp::options(url, args)?;
    let store = ask::open(&context.place).await?;
    let sent = otlp::send(&store, &options, filter, window).await;
    store.close().await;
    sent?.tell(&mut context.out, url)
}

#[cfg(not(feature = "otlp"))]
async fn send(_: &mut Context, _: &ExportArgs, _: &str, _: &Filter, _: Window) -> Result<ExitCode, Failure> {
    Err(Failure::Usage("this program was built without OTLP; export .jsonl".to_owned()))
}

fn exit_code(found: u64) -> ExitCode {
    if found > 0 { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) }
}

/// The format: as asked for, else as the file's name says.
fn format(args: &ExportArgs, to: &Path) -> Result<Format, Failure> {
    let by_name = || match to.extension().and_then(|ending| ending.to_str()) {
        Some("parquet") => Some(Format::Parquet),
        Some("jsonl" | "ndjson") => Some(Format::Jsonl),
        _ => (to.as_os_str() == "-").then_some(Format::Jsonl),
    };
    let unclear = "the file's name does not end in .jsonl or .parquet; --format says which it is";
    let format = args.format.or_else(by_name).ok_or_else(|| Failure::Usage(unclear.to_owned()))?;
    if format == Format::Parquet && to.as_os_str() == "-" {
        return Err(Failure::Usage("Parquet cannot be written to a pipe; name a file".to_owned()));
    }
    if format == Format::Parquet && cfg!(not(feature = "parquet")) {
        return Err(Failure::Usage("this program was built without Parquet; export .jsonl".to_owned()));
    }
    Ok(format)
}

/// How many runs there will be, where that is known beforehand.
async fn all_runs(store: &Store, args: &ExportArgs, window: Window) -> Option<u64> {
    if args.filter.is_some() {
        return None;
    }
    let figures = store.summary(window).await.ok()?;
    Some(figures.total_runs.unsigned_abs())
}

async fn collect(store: &Store, filter: &Filter, stage: &mut Stage, all: Option<u64>) -> Result<(), Failure> {
    let progress = Progress::new(all, "runs");
    progress.step(stage.runs());
    while !stage.is_complete() {
        let listing = next_page(store, filter, stage.window(), stage.cursor()).await?;
        for run in &listing.items {
            let document = document(store, &run.trace_id).await?;
            stage.push(&staged(stage.format(), run, document.as_deref())?)?;
        }
        stage.note(listing.next_cursor, listing.items.len() as u64)?;
        progress.step(listing.items.len() as u64);
    }
    progress.end();
    Ok(())
}

/// The line that is staged for a run.
fn staged(format: Format, run: &TraceItem, document: Option<&str>) -> Result<String, Failure> {
    let wrong = |error: serde_json::Error| Failure::Failed(format!("run {} cannot be exported: {error}", run.trace_id));
    match format {
        // A run without a document is its row.
        Format::Jsonl => document.map_or_else(|| serde_json::to_string(run).map_err(wrong), |text| Ok(text.to_owned())),
        Format::Parquet => {
            let document: Option<&RawValue> = document.map(serde_json::from_str).transpose().map_err(wrong)?;
            serde_json::to_string(&Run { run: run.clone(), document }).map_err(wrong)
        }
    }
}

async fn next_page(
    store: &Store,
    filter: &Filter,
    window: Window,
    cursor: Option<&str>,
) -> Result<Listing<TraceItem>, Failure> {
    let page = Page::new(PAGE);
    let page = cursor.map_or(page.clone(), |cursor| page.clone().after(cursor));
    store.search(filter, window, &page).await.map_err(|error| ask::failure(&error))
}

/// A run's document as one line; `None` where sampling left it out.
async fn document(store: &Store, trace_id: &str) -> Result<Option<String>, Failure> {
    let trace = whole(store, trace_id).await?;
    trace.map(|trace| serde_json::to_string(&trace)).transpose().map_err(Failure::of)
}

/// A run's document; `None` where sampling left it out.
async fn whole(store: &Store, trace_id: &str) -> Result<Option<Trace>, Failure> {
    match store.full_trace(trace_id).await {
        Ok(found) => Ok(Some(found.trace)),
        Err(QueryError::NoDocument { .. }) => Ok(None),
        Err(error) => Err(ask::failure(&error)),
    }
}

async fn to_stdout(out: &mut Out, store: &Store, filter: &Filter, window: Window) -> Result<u64, Failure> {
    let (mut cursor, mut found) = (None, 0);
    loop {
        let listing = next_page(store, filter, window, cursor.as_deref()).await?;
        for run in &listing.items {
            let document = document(store, &run.trace_id).await?;
            out.line(&escape_json(&staged(Format::Jsonl, run, document.as_deref())?))?;
            found += 1;
        }
        cursor = listing.next_cursor;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

fn finish(stage: Stage, target: &Path, format: Format) -> Result<(), Failure> {
    match format {
        Format::Jsonl => stage.rename_to(target),
        #[cfg(feature = "parquet")]
        Format::Parquet => stage.convert(target, parquet::write),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Ok(()),
    }
}
