//! The sinks' queues and threads.

use super::{Completion, Flagged, recover};
use crate::context::local::{self, Place};
use crate::model::Trace;
use crate::sink::{FinishedTrace, Sink, SinkError, Stored};
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Documents that wait for one sink in memory; further ones are read back from their streams.
const IN_MEMORY: usize = 512;

/// A sink with its queue and threads.
pub(crate) struct SinkHandle {
    sink: Arc<dyn Sink>,
    queue: Arc<Queue>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Jobs taken out and not done.
    active: usize,
    in_memory: usize,
    closed: bool,
}

/// A trace for a sink, and who wants to know what became of it.
pub(super) struct Job {
    pub(super) finished: FinishedTrace,
    /// Where to read the trace again when its document did not fit in memory.
    pub(super) stream: Option<PathBuf>,
    pub(super) completion: Arc<Completion>,
    /// The trace as the collector knows it, if it still does: there go the flags that the sink raises.
    pub(super) key: Option<u64>,
    pub(super) report: Arc<dyn Fn(&SinkError) + Send + Sync>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SinkHandle {
    /// Starts the sink's threads.
    pub(crate) fn start(sink: Arc<dyn Sink>) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        for n in 0..sink.threads().max(1) {
            let (sink, queue) = (Arc::clone(&sink), Arc::clone(&queue));
            let name = format!("whytrace-{}-{n}", sink.name());
            std::thread::Builder::new().name(name).spawn(move || work(&*sink, &queue))?;
        }
        Ok(Self { sink, queue })
    }

    pub(super) fn is_database(&self) -> bool {
        self.sink.is_database()
    }

    /// Queues a trace. Where too many documents wait already and the trace can be read again, its document is let go.
    pub(super) fn send(&self, mut job: Job) {
        let mut state = self.queue.state();
        if state.in_memory >= IN_MEMORY && job.stream.is_some() {
            let trace_id = job.finished.trace.trace_id.clone();
            job.finished.trace = Arc::new(Trace { trace_id, ..Trace::default() });
        } else {
            job.stream = None;
            state.in_memory += 1;
        }
        state.jobs.push_back(job);
        drop(state);
        self.queue.changed.notify_all();
    }

    /// Waits until nothing is queued or being stored; false when the deadline passes before.
    fn wait_idle(&self, deadline: Instant) -> bool {
        let mut state = self.queue.state();
        while state.active > 0 || !state.jobs.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.queue.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// Waits until all sinks are idle.
pub(super) fn wait_idle(sinks: &[SinkHandle], deadline: Instant) -> bool {
    sinks.iter().filter(|sink| !sink.wait_idle(deadline)).count() == 0
}

/// Waits until all sinks are idle, then lets each finish what it has begun.
pub(super) fn flush(sinks: &[SinkHandle], deadline: Instant) -> bool {
    let idle = wait_idle(sinks, deadline);
    if idle {
        for handle in sinks {
            let _ = catch_unwind(AssertUnwindSafe(|| handle.sink.flush()));
        }
    }
    idle
}

/// The same, and ends the threads.
pub(super) fn close(sinks: &[SinkHandle], deadline: Instant) -> bool {
    let idle = flush(sinks, deadline);
    for handle in sinks {
        handle.queue.state().closed = true;
        handle.queue.changed.notify_all();
    }
    idle
}

impl Drop for SinkHandle {
    fn drop(&mut self) {
        self.queue.state().closed = true;
        self.queue.changed.notify_all();
    }
}

fn work(sink: &dyn Sink, queue: &Queue) {
    // A sink that is instrumented itself must not feed itself.
    local::with(|local| local.swap(&mut Place { muted: true, ..Place::default() }));
    while let Some(mut jobs) = take(queue, sink.batch().max(1)) {
        for job in &mut jobs {
            reload(job);
        }
        let traces: Vec<FinishedTrace> = jobs.iter().map(|job| job.finished.clone()).collect();
        let mut answers = catch_unwind(AssertUnwindSafe(|| sink.store(&traces))).unwrap_or_default();
        answers.truncate(jobs.len());
        let silent = || Err(SinkError::new(sink.name(), "it panicked, or did not answer for this trace"));
        answers.resize_with(jobs.len(), silent);
        for (job, answer) in jobs.iter().zip(&answers) {
            if let Err(error) = answer {
                (job.report)(error);
            }
            settle(sink, job, answer);
        }
        let mut state = queue.state();
        state.active -= jobs.len();
        drop(state);
        queue.changed.notify_all();
    }
}

/// Tells the trace's owner. Flags go through the collector first: who waits for the report finds them in the document.
fn settle(sink: &dyn Sink, job: &Job, answer: &Result<Stored, SinkError>) {
    match (answer, job.key) {
        (Ok(stored), Some(key)) if !stored.calibration_flags.is_empty() => {
            job.completion.note(sink.is_database(), answer);
            let document = Arc::clone(&job.finished.trace);
            let completion = Arc::clone(&job.completion);
            super::raise_flags(Flagged { key, flags: stored.calibration_flags.clone(), document, completion });
        }
        _ => job.completion.answered(sink.is_database(), answer),
    }
}

/// The next jobs; `None` when the queue is closed and empty.
fn take(queue: &Queue, most: usize) -> Option<Vec<Job>> {
    let mut state = queue.state();
    loop {
        if !state.jobs.is_empty() {
            let count = state.jobs.len().min(most);
            let jobs: Vec<Job> = state.jobs.drain(..count).collect();
            state.active += jobs.len();
            state.in_memory -= jobs.iter().filter(|job| job.stream.is_none()).count();
            return Some(jobs);
        }
        if state.closed {
            return None;
        }
        state = queue.changed.wait_timeout(state, Duration::from_secs(60)).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// Folds the document again from its stream, if it was let go.
fn reload(job: &mut Job) {
    let Some(stream) = &job.stream else { return };
    match recover::fold_one(stream, &job.finished.trace.trace_id) {
        Ok(Some(fold)) => job.finished.trace = Arc::new(fold.into_trace()),
        Ok(None) => (job.report)(&SinkError::new("stream", format!("{} has no such trace", stream.display()))),
        Err(error) => (job.report)(&SinkError::new("stream", format!("cannot read {}: {error}", stream.display()))),
    }
}

impl SinkError {
    fn new(sink: &'static str, message: impl Into<String>) -> Self {
        Self { sink, message: message.into(), database: None }
    }
}
