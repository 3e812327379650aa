//! The sink that sends finished traces to a backend of OpenTelemetry.
//!
//! Comes in: finished traces, from the collector. Goes out: spans in the outbox; a thread of its own ([`super::worker`]) sends them from there. So
//! what the collector waits for is one small file, never a network.

use super::options::{ExportOptions, OptionsError};
use super::outbox::{Entry, Outbox, OutboxLimits};
use super::transport::connect;
use super::worker::Worker;
use crate::convert::{ConvertOptions, convert};
use crate::mlflow::{Linker, PromptLinks};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use trace_core::sink::{FinishedTrace, Sink, SinkError, Stored};

/// How long a flush waits for what is on its way; the rest is sent by the next start.
const FLUSH: Duration = Duration::from_secs(2);

/// How long dropping the sink waits for its thread.
const FAREWELL: Duration = Duration::from_secs(1);

/// What the sink has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpStatus {
    /// Spans that the backend took.
    pub delivered: u64,
    /// Spans that the backend took without keeping them (`partial_success`).
    pub left_out: u64,
    /// Spans that the backend refused; they are in [`OtlpStatus::refused_folder`].
    pub refused: u64,
    /// Traces that could not be kept until they are sent, because the outbox was full or the disk refused.
    pub dropped: u64,
    /// Requests that wait on disk, of all programs that share the folder.
    pub waiting: u64,
    /// Traces that changed after they had been sent; backends keep the first version.
    pub outdated: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Where refused spans lie, with the backend's reasons.
    pub refused_folder: PathBuf,
}

/// What sink and thread both count.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) delivered: AtomicU64,
    pub(super) left_out: AtomicU64,
    pub(super) refused: AtomicU64,
    dropped: AtomicU64,
    outdated: AtomicU64,
    last_error: Mutex<Option<String>>,
    /// The thread is to end after what it does now.
    pub(super) ending: AtomicBool,
}

impl Counts {
    pub(super) fn note(&self, message: impl Into<String>) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = Some(message.into());
    }
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Message {
    /// There is something in the outbox.
    Look,
    /// Try at once what waits, whatever the pause, and say when there is no more to do now.
    Flush(SyncSender<()>),
}

/// Sends finished traces to a backend of OpenTelemetry.
///
/// ```no_run
/// use trace_otel::{ConvertOptions, ExportOptions, OtlpSink, Profile};
/// let options = ExportOptions::new("http://127.0.0.1:5000").convert(ConvertOptions::new(Profile::Mlflow));
/// let sink = OtlpSink::new(options, "traces".as_ref())?;
/// # Ok::<(), trace_otel::OptionsError>(())
/// ```
#[derive(Debug)]
pub struct OtlpSink {
    convert: ConvertOptions,
    max_request: (usize, usize),
    links_prompts: bool,
    outbox: Arc<Outbox>,
    counts: Arc<Counts>,
    /// `None` once the sink is being dropped.
    inbox: Option<Sender<Message>>,
    ended: Mutex<Receiver<()>>,
}

impl OtlpSink {
    /// A sink for a backend; what waits to be sent is kept in `.otlp` below `traces_dir` (`WHYTRACE_DIR`), up to the default limits.
    ///
    /// # Errors
    /// When the options cannot be taken. That the backend is away is no error.
    pub fn new(options: ExportOptions, traces_dir: &Path) -> Result<Self, OptionsError> {
        Self::with_limits(options, traces_dir, OutboxLimits::default())
    }

    /// The same, with limits for what waits on disk.
    ///
    /// # Errors
    /// When the options cannot be taken.
    #[allow(clippy::needless_pass_by_value, reason = "a sink takes its options over")]
    pub fn with_limits(options: ExportOptions, traces_dir: &Path, limits: OutboxLimits) -> Result<Self, OptionsError> {
        let outbox = Arc::new(Outbox::new(traces_dir, &options.shown_endpoint(), limits));
        let counts = Arc::new(Counts::default());
        let worker =
            Worker::new(connect(&options)?, Linker::new(&options)?, Arc::clone(&outbox), Arc::clone(&counts), &options);
        let (inbox, messages) = channel();
        let (end, ended) = sync_channel(1);
        let run = move || {
            worker.run(&messages);
            // Nobody waits for it when the sink is leaked.
            let _ = end.send(());
        };
        let started = std::thread::Builder::new().name("whytrace-otlp".to_owned()).spawn(run);
        started.map_err(|error| OptionsError::Thread(error.to_string()))?;
        Ok(Self {
            max_request: (options.max_spans, options.max_bytes),
            links_prompts: options.links_prompts(),
            convert: options.convert,
            outbox,
            counts,
            inbox: Some(inbox),
            ended: Mutex::new(ended),
        })
    }

    /// What the sink has done so far.
    #[must_use]
    pub fn status(&self) -> OtlpStatus {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        OtlpStatus {
            delivered: count(&self.counts.delivered),
            left_out: count(&self.counts.left_out),
            refused: count(&self.counts.refused),
            dropped: count(&self.counts.dropped),
            waiting: self.outbox.waiting(),
            outdated: count(&self.counts.outdated),
            last_error: self.counts.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            refused_folder: self.outbox.refused(),
        }
    }

    /// Puts the spans of a trace into the outbox.
    fn keep(&self, finished: &FinishedTrace) -> Result<Stored, SinkError> {
        if !finished.sampled {
            return Ok(Stored::default());
        }
        if finished.again {
            // Backends add what they get twice up, or keep the first: sending it again would not mend it.
            self.counts.outdated.fetch_add(1, Ordering::Relaxed);
            return Ok(Stored::default());
        }
        let (spans, bytes) = self.max_request;
        let mut pieces = convert([&*finished.trace], &self.convert).pieces(spans, bytes);
        let last = pieces.pop().unwrap_or_default();
        let links = PromptLinks::of(&finished.trace).filter(|_| self.links_prompts);
        let mut entries: Vec<Entry> = pieces.into_iter().map(|request| Entry { request, links: Vec::new() }).collect();
        // Links are made when the last of the spans have arrived.
        entries.push(Entry { request: last, links: links.into_iter().collect() });
        for entry in &entries {
            self.outbox.add(entry).map_err(|error| {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
                let message = format!("the spans of {} are not sent: {error}", finished.trace.trace_id);
                self.counts.note(message.as_str());
                SinkError { sink: NAME, message, database: None }
            })?;
        }
        Ok(Stored::default())
    }
}

const NAME: &str = "otlp";

impl Sink for OtlpSink {
    fn name(&self) -> &'static str {
        NAME
    }

    fn batch(&self) -> usize {
        64
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        let answers = traces.iter().map(|finished| self.keep(finished)).collect();
        if self.inbox.as_ref().is_some_and(|inbox| inbox.send(Message::Look).is_err()) {
            self.counts.note("the thread that sends spans has ended; the next start sends what waits");
        }
        answers
    }

    fn flush(&self) {
        let (reply, answer) = sync_channel(1);
        if self.inbox.as_ref().is_some_and(|inbox| inbox.send(Message::Flush(reply)).is_ok()) {
            // A backend that is slower is not waited for.
            let _ = answer.recv_timeout(FLUSH);
        }
    }
}

impl Drop for OtlpSink {
    fn drop(&mut self) {
        self.counts.ending.store(true, Ordering::Relaxed);
        self.inbox = None;
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        // What it has not sent is on disk.
        let _ = ended.recv_timeout(FAREWELL);
    }
}
