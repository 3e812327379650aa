//! A tracer: where traces go, and within which limits.
//!
//! One collector thread serves all tracers of a process. Usually there is one, installed by `whytrace::init()`; every captured
//! test has its own.

use crate::collect::{self, SinkHandle};
use crate::context::notice;
use crate::model::{GatePolicy, Timestamp};
use crate::names::clean_name;
use crate::observe::{Observer, ObserverHandle, ObserverReport};
use crate::pricer::Pricer;
use crate::redact::{RedactConfig, Redactor, RuleError};
use crate::sink::Sink;
use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// The limits and rules of a tracer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Where streams and side files go, `{dir}/{project}/_traces/`; `None` keeps nothing in files.
    pub dir: Option<PathBuf>,
    /// How long the callers of one trace wait for room altogether before records are dropped and counted; `None` for as long as it takes.
    pub max_wait: Option<Duration>,
    /// Records that fit between one thread and the collector. Taken by each thread at its first record.
    pub ring_records: usize,
    /// Bytes of large payloads that fit between all threads and the collector.
    pub payload_bytes: usize,
    /// Bytes of open traces kept in memory; beyond, a trace is folded from its stream when it ends.
    pub open_bytes: usize,
    /// Items that one document holds.
    pub max_items: u64,
    /// From how many bytes of text on a model call or a validation error goes to a side file.
    pub side_file_bytes: usize,
    /// The scale of scores and the gate.
    pub gate: GatePolicy,
    /// The share of traces whose documents and child rows are kept, 0..=1. What failed or fell through the gate is always kept.
    pub sample: f64,
    /// Projects, by name or folder, whose runs are not recorded.
    pub projects_off: BTreeSet<String>,
    /// Knows what model calls cost; without one, calls have the cost that the program says.
    pub pricer: Option<Arc<dyn Pricer>>,
    /// The wall clock.
    pub wall_clock: fn() -> Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dir: None,
            max_wait: Some(Duration::from_millis(100)),
            ring_records: 4096,
            payload_bytes: 64 << 20,
            open_bytes: 256 << 20,
            max_items: 100_000,
            side_file_bytes: 64 << 10,
            gate: GatePolicy::default(),
            sample: 1.0,
            projects_off: BTreeSet::new(),
            pricer: None,
            wall_clock: Timestamp::now,
        }
    }
}

/// Where traces go. Cloning gives another handle to the same tracer.
#[derive(Clone)]
pub struct Tracer(Arc<Inner>);

pub(crate) struct Inner {
    options: Options,
    pub(crate) redactor: Redactor,
    pub(crate) sinks: Vec<SinkHandle>,
    pub(crate) observers: Vec<ObserverHandle>,
    closed: AtomicBool,
    /// What went wrong outside any single trace.
    failures: AtomicU64,
    /// Models without a price that were told of.
    unpriced: Mutex<HashSet<String>>,
}

/// So many models without a price are told of; names come from outside.
const UNPRICED: usize = 256;

static GLOBAL: RwLock<Option<Tracer>> = RwLock::new(None);

/// Why a tracer could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TracerError {
    /// There is one already.
    #[error("a tracer is installed already: call init once, at the start of main, and keep its guard")]
    Installed,
    /// A rule of redaction is not valid.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The collector's thread could not be started.
    #[error("cannot start the collector thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl Tracer {
    /// A tracer; see [`Tracer::install`].
    ///
    /// # Errors
    /// When a rule of redaction is not valid, or a thread cannot be started.
    pub fn new(options: Options, redact: &RedactConfig, sinks: Vec<Arc<dyn Sink>>) -> Result<Self, TracerError> {
        Self::observed(options, redact, sinks, Vec::new())
    }

    /// A tracer whose events are seen by observers.
    ///
    /// # Errors
    /// As [`Tracer::new`].
    pub fn observed(
        options: Options,
        redact: &RedactConfig,
        sinks: Vec<Arc<dyn Sink>>,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Result<Self, TracerError> {
        let redactor = Redactor::new(redact)?;
        collect::start(options.payload_bytes)?;
        let sinks = sinks.into_iter().map(SinkHandle::start).collect::<Result<_, _>>()?;
        let observers = observers.into_iter().map(ObserverHandle::start).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Inner {
            options,
            redactor,
            sinks,
            observers,
            closed: AtomicBool::new(false),
            failures: AtomicU64::new(0),
            unpriced: Mutex::default(),
        })))
    }

    /// Makes this the tracer of the process.
    ///
    /// # Errors
    /// When there is one already.
    pub fn install(&self) -> Result<(), TracerError> {
        let mut global = GLOBAL.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if global.is_some() {
            return Err(TracerError::Installed);
        }
        *global = Some(self.clone());
        Ok(())
    }

    /// Says that recording is switched off on purpose, so that nothing is said about code outside any trace.
    pub fn switched_off() {
        notice::silence();
    }

    /// The tracer of the process.
    #[must_use]
    pub fn global() -> Option<Self> {
        GLOBAL.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Runs code whose traces go to this tracer, whichever is installed.
    pub fn scope<R>(&self, code: impl FnOnce() -> R) -> R {
        crate::context::Ctx::of_tracer(self.clone()).scope(code)
    }

    /// The limits and rules.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Whether runs of this project are recorded.
    #[must_use]
    pub fn records(&self, project_name: &str, project_id: &str) -> bool {
        let off = &self.0.options.projects_off;
        !(self.0.closed.load(Ordering::Relaxed) || off.contains(project_name) || off.contains(project_id))
    }

    /// Waits until everything recorded so far is in the stream and all traces that ended are with their sinks and kept;
    /// `timeout` at most. Returns whether that was reached.
    pub fn flush(&self, timeout: Duration) -> bool {
        collect::flush(self, timeout)
    }

    /// Ends what still runs as incomplete, flushes, and records nothing any more. Returns whether everything was kept
    /// within `timeout`.
    pub fn close(&self, timeout: Duration) -> bool {
        self.0.closed.store(true, Ordering::Relaxed);
        let kept = collect::close(self, timeout);
        let mut global = GLOBAL.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        if global.as_ref().is_some_and(|global| Arc::ptr_eq(&global.0, &self.0)) {
            *global = None;
        }
        kept
    }

    /// How many failures there were outside any single trace: streams that could not be written, sinks that refused a trace, …
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.0.failures.load(Ordering::Relaxed)
    }

    /// What became of the events that each observer wanted.
    #[must_use]
    pub fn observers(&self) -> Vec<ObserverReport> {
        self.0.observers.iter().map(ObserverHandle::report).collect()
    }

    /// Counts a failure and says it on stderr, without its secrets.
    pub(crate) fn failed(&self, what: &str) {
        self.0.failures.fetch_add(1, Ordering::Relaxed);
        self.say(what.to_owned());
    }

    /// Says on stderr that the price of a model is not known, and gives what was said; `None` where it was said before.
    pub(crate) fn unpriced(&self, provider: Option<&str>, model: &str) -> Option<String> {
        // Names come from outside: quoted, they cannot speak to the terminal.
        let of = provider.map(|provider| format!(" of {:?}", clean_name(provider))).unwrap_or_default();
        let model = clean_name(model);
        let message = format!(
            "no price is known for the model {model:?}{of}, so its calls have no cost: add it to the file of prices, see docs/cost.md"
        );
        let mut told = self.0.unpriced.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= UNPRICED || !told.insert(message.clone()) {
            return None;
        }
        drop(told);
        self.say(message.clone());
        Some(message)
    }

    fn say(&self, mut line: String) {
        self.0.redactor.text(&mut line);
        crate::diagnostics::say(&line);
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Tracer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tracer").field("options", &self.0.options).finish_non_exhaustive()
    }
}
