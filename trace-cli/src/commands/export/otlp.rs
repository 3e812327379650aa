//! `export --otlp`: runs as spans, to a backend of OpenTelemetry.
//!
//! Comes in: the runs that a filter finds, page by page. Goes out: their spans, and how many of them the backend took. Sending a run again sends
//! the same ids, so an interrupted export is repeated as it was.

use super::{next_page, whole};
use crate::args::ExportArgs;
use crate::failure::{Failure, NOTHING};
use crate::out::{Out, say};
use crate::progress::Progress;
use crate::words::{counted, one_line};
use std::process::ExitCode;
use trace_otel::{ExportOptions, ExportReport, Profiles, export};
use trace_store::query::{Filter, Store, Window};

/// How many refused spans are named, each on a line.
const SHOWN: usize = 10;

/// What became of the runs.
#[derive(Default)]
pub(super) struct Sent {
    runs: u64,
    /// Runs whose documents sampling left out.
    without_document: u64,
    delivered: u64,
    left_out: u64,
    undelivered: u64,
    refused: Vec<String>,
    messages: Vec<String>,
}

/// What the arguments say of the backend; what they leave open, `OTEL_EXPORTER_OTLP_…` says.
pub(super) fn options(url: &str, args: &ExportArgs) -> Result<ExportOptions, Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Usage(one_line(&error.to_string(), 500));
    let profiles: Profiles = args.profiles.parse().map_err(|error| wrong(&error))?;
    let mut options = ExportOptions::from_env().map_err(|error| wrong(&error))?.to(url).profiles(profiles);
    for header in &args.headers {
        let Some((name, value)) = header.split_once('=') else {
            return Err(Failure::Usage("a header is NAME=VALUE, such as x-mlflow-experiment-id=0".to_owned()));
        };
        options = options.header(name, value);
    }
    Ok(options)
}

pub(super) async fn send(
    store: &Store,
    options: &ExportOptions,
    filter: &Filter,
    window: Window,
) -> Result<Sent, Failure> {
    let (mut sent, mut cursor) = (Sent::default(), None);
    let progress = Progress::new(None, "runs");
    loop {
        let listing = next_page(store, filter, window, cursor.as_deref()).await?;
        let mut traces = Vec::with_capacity(listing.items.len());
        for run in &listing.items {
            traces.extend(whole(store, &run.trace_id).await?);
        }
        sent.without_document += (listing.items.len() - traces.len()) as u64;
        let report = export(&traces, options).map_err(|error| Failure::Usage(one_line(&error.to_string(), 500)))?;
        sent.add(report);
        progress.step(listing.items.len() as u64);
        cursor = listing.next_cursor;
        // A backend that is away now will not be back for the next page: it was waited for.
        if cursor.is_none() || sent.undelivered > 0 {
            progress.end();
            return Ok(sent);
        }
    }
}

impl Sent {
    fn add(&mut self, report: ExportReport) {
        self.runs += report.traces;
        self.delivered += report.delivered;
        self.left_out += report.left_out;
        self.undelivered += report.undelivered;
        let refused = report.refused.iter();
        self.refused.extend(refused.map(|span| format!("span {} ({}): {}", span.span_id, span.name, span.reason)));
        for message in report.messages {
            if !self.messages.contains(&message) {
                self.messages.push(message);
            }
        }
    }

    /// Says what became of the runs.
    pub(super) fn tell(&self, out: &mut Out, url: &str) -> Result<ExitCode, Failure> {
        for message in self.messages.iter().chain(self.refused.iter().take(SHOWN)) {
            say(&one_line(message, 500));
        }
        let lost = [
            (self.refused.len() as u64, "refused"),
            (self.left_out, "taken and not kept"),
            (self.undelivered, "not delivered"),
        ];
        let mut line = format!(
            "{} of {} delivered to {}",
            counted(self.delivered, "span"),
            counted(self.runs, "run"),
            one_line(url, 500)
        );
        for (spans, what) in lost.iter().filter(|(spans, _)| *spans > 0) {
            line += &format!(", {} {what}", counted(*spans, "span"));
        }
        if self.without_document > 0 {
            line += &format!("; {} without a document", counted(self.without_document, "run"));
        }
        out.line(&line)?;
        let complete = self.delivered > 0 && lost.iter().all(|(spans, _)| *spans == 0);
        Ok(if complete { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) })
    }
}
