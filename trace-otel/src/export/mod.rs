//! Traces on their way to a backend of OpenTelemetry.
//!
//! Comes in: finished traces, through [`OtlpSink`], or stored documents, through [`export`]. Goes out: OTLP over HTTP or gRPC, and a report of
//! what became of every span. [`OtlpSink`] puts spans on disk first and sends from there, so that a backend which is down, slow or confused
//! costs the program nothing and the spans neither.

mod answer;
mod deliver;
mod env;
#[cfg(feature = "grpc")]
mod grpc;
pub(crate) mod http;
pub(crate) mod options;
mod outbox;
mod retry;
mod sink;
mod split;
mod tls;
mod transport;
mod worker;

pub use deliver::RefusedSpan;
pub use options::{ExportOptions, LinkPrompts, OptionsError, Protocol};
pub use outbox::OutboxLimits;
pub use sink::{OtlpSink, OtlpStatus};

use crate::convert::{OtlpRequest, convert};
use crate::mlflow::{LinkError, Linker, PromptLinks};
use answer::Backoff;
use deliver::{Stop, deliver};
use std::time::{Duration, Instant};
use trace_core::model::Trace;
use transport::Transport;

/// What became of the traces given to [`export`].
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ExportReport {
    /// How many traces were given.
    pub traces: u64,
    /// Spans that the backend took.
    pub delivered: u64,
    /// Spans that the backend took without keeping them (`partial_success`).
    pub left_out: u64,
    /// Spans that the backend refused, each with its reason.
    pub refused: Vec<RefusedSpan>,
    /// Spans that were not sent, because the backend was away for longer than [`ExportOptions::retry_for`] or does not let this program in.
    pub undelivered: u64,
    /// What went wrong on the way, one sentence each.
    pub messages: Vec<String>,
}

impl ExportReport {
    /// Whether the backend has everything.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.left_out == 0 && self.refused.is_empty() && self.undelivered == 0 && self.messages.is_empty()
    }

    fn say(&mut self, message: impl Into<String>) {
        let message = message.into();
        if !self.messages.contains(&message) {
            self.messages.push(message);
        }
    }
}

/// Sends stored traces to a backend; blocks until they are there or given up on. Sending a trace twice sends the same span ids twice: MLflow and
/// Phoenix then keep one trace.
///
/// It may be called on a thread of an async runtime, but holds that thread up; use `spawn_blocking` there.
///
/// ```no_run
/// # let trace = trace_core::model::Trace::default();
/// use trace_otel::{ConvertOptions, ExportOptions, Profile, export};
/// let options = ExportOptions::new("http://127.0.0.1:6006").convert(ConvertOptions::new(Profile::Phoenix));
/// let report = export([&trace], &options)?;
/// println!("{} spans delivered, {} refused", report.delivered, report.refused.len());
/// # Ok::<(), trace_otel::OptionsError>(())
/// ```
///
/// # Errors
/// When the options cannot be taken. That the backend is away or refuses something is in the report.
pub fn export<'a>(
    traces: impl IntoIterator<Item = &'a Trace>,
    options: &ExportOptions,
) -> Result<ExportReport, OptionsError> {
    let traces: Vec<&Trace> = traces.into_iter().collect();
    // A runtime, as gRPC has one, must not be driven or dropped on a thread that belongs to another.
    std::thread::scope(|scope| match scope.spawn(|| export_here(&traces, options)).join() {
        Ok(report) => report,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn export_here(traces: &[&Trace], options: &ExportOptions) -> Result<ExportReport, OptionsError> {
    let mut transport = transport::connect(options)?;
    let linker = Linker::new(options)?;
    let mut report = ExportReport { traces: traces.len() as u64, ..ExportReport::default() };
    let deadline = Instant::now() + options.retry_for;
    // Documents become spans few at a time: they may be many and large.
    for some in traces.chunks(16) {
        let request = convert(some.iter().copied(), &options.convert);
        for piece in request.pieces(options.max_spans, options.max_bytes) {
            send(&mut *transport, piece, deadline, &mut report);
        }
        if let Some(linker) = linker.as_ref().filter(|_| report.undelivered == 0) {
            for links in some.iter().filter_map(|trace| PromptLinks::of(trace)) {
                link(linker, &links, deadline, &mut report);
            }
        }
    }
    Ok(report)
}

/// Sends one request, again and again while the backend is away and there is time.
fn send(transport: &mut dyn Transport, request: OtlpRequest, deadline: Instant, report: &mut ExportReport) {
    let mut backoff = Backoff::new();
    let mut request = request;
    loop {
        let delivery = deliver(transport, request, false);
        report.delivered += delivery.delivered;
        report.left_out += delivery.left_out;
        report.refused.extend(delivery.refused);
        delivery.words.into_iter().for_each(|words| report.say(words));
        let Some((rest, stop)) = delivery.rest else { return };
        let wait = match &stop {
            Stop::Later(_, asked) => Some(backoff.wait(*asked)),
            Stop::Broken(_) => Some(backoff.wait(None)),
            Stop::Denied(_) => None,
        };
        match wait.filter(|wait| Instant::now() + *wait < deadline) {
            Some(wait) => std::thread::sleep(wait),
            None => {
                report.undelivered += rest.span_count() as u64;
                report.say(stop.reason());
                return;
            }
        }
        request = rest;
    }
}

fn link(linker: &Linker, links: &PromptLinks, deadline: Instant, report: &mut ExportReport) {
    let mut backoff = Backoff::new();
    loop {
        match linker.link(links) {
            Ok(()) => return,
            Err(LinkError::Later(message)) => {
                let wait: Duration = backoff.wait(None);
                if Instant::now() + wait >= deadline {
                    return report.say(message);
                }
                std::thread::sleep(wait);
            }
            Err(LinkError::Never(message)) => return report.say(message),
        }
    }
}
