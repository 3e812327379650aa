//! Traces whose process died: their streams are folded, and they are ended as incomplete.

use super::flags::{LateFlags, flag_stream};
use super::live::{self, Orphans};
use super::sinks::Job;
use super::{Completion, SinkHandle};
use crate::event::{Body, Event, TraceEnd};
use crate::fold::{Fold, FoldLimits};
use crate::model::{Status, Trace};
use crate::sink::{FinishReport, FinishedTrace, SinkError};
use crate::tracer::Tracer;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a recovered trace is given to be kept, before the next start tries again.
const KEPT_WITHIN: Duration = Duration::from_secs(30);

/// A trace that was recovered.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The trace.
    pub trace_id: String,
    /// Its project's folder.
    pub project_id: String,
    /// How many events of it there were.
    pub events: u64,
    /// What became of it.
    pub report: FinishReport,
}

/// Why the traces of a folder could not be recovered.
#[derive(Debug, thiserror::Error)]
#[error("cannot recover traces in {path}: {source}")]
pub struct RecoverError {
    path: PathBuf,
    source: io::Error,
}

/// Ends, as incomplete, the traces that processes of the past left open below the tracer's folder, and gives them to its sinks. Traces of running
/// processes are left alone; two recoveries at once do not meet. One folder that cannot be read does not keep the others from being recovered.
pub fn recover(tracer: &Tracer) -> (Vec<Recovered>, Vec<RecoverError>) {
    let (mut recovered, mut errors) = (Vec::new(), Vec::new());
    let Some(dir) = &tracer.options().dir else { return (recovered, errors) };
    for traces_dir in traces_dirs(dir, &mut errors) {
        match live::orphans(&traces_dir) {
            Ok(found) => {
                for orphans in found {
                    match recover_orphans(tracer, &traces_dir, orphans) {
                        Ok(traces) => recovered.extend(traces),
                        Err(source) => errors.push(RecoverError { path: traces_dir.clone(), source }),
                    }
                }
            }
            Err(source) => errors.push(RecoverError { path: traces_dir, source }),
        }
    }
    (recovered, errors)
}

/// The traces that processes of the past left open below `dir` (`WHYTRACE_DIR`), which [`recover`] would look at; nothing is changed.
pub fn left_open(dir: &Path) -> (Vec<String>, Vec<RecoverError>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for traces_dir in traces_dirs(dir, &mut errors) {
        match live::orphans(&traces_dir) {
            Ok(orphans) => {
                for (trace_id, stream) in orphans.into_iter().flat_map(|orphan| orphan.traces) {
                    match unkept(&traces_dir, &trace_id, &stream) {
                        Ok(None) => {}
                        Ok(Some(_)) => found.push(trace_id),
                        Err(source) => errors.push(RecoverError { path: traces_dir.join(stream), source }),
                    }
                }
            }
            Err(source) => errors.push(RecoverError { path: traces_dir, source }),
        }
    }
    (found, errors)
}

/// The `_traces` folders of all projects below a folder; one that is not there has none.
fn traces_dirs(dir: &Path, errors: &mut Vec<RecoverError>) -> Vec<PathBuf> {
    match std::fs::read_dir(dir) {
        Ok(projects) => projects
            .flatten()
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .map(|project| project.path().join("_traces"))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => {
            errors.push(RecoverError { path: dir.to_owned(), source });
            Vec::new()
        }
    }
}

fn recover_orphans(tracer: &Tracer, traces_dir: &Path, orphans: Orphans) -> io::Result<Vec<Recovered>> {
    let mut recovered = Vec::new();
    let mut all_kept = true;
    for (trace_id, stream) in &orphans.traces {
        let Some(mut found) = unkept(traces_dir, trace_id, stream)? else { continue };
        let stream = traces_dir.join(stream);
        if !found.fold.is_ended() {
            end(&stream, &mut found)?;
        }
        let project_dir = traces_dir.parent().map(Path::to_path_buf);
        let project_id = found.fold.trace().project_id.clone();
        let report = keep(tracer, &stream, found.fold, project_dir)?;
        all_kept &= report.errors.is_empty();
        recovered.push(Recovered { trace_id: trace_id.clone(), project_id, events: found.events, report });
    }
    if all_kept {
        orphans.done()?;
    }
    Ok(recovered)
}

/// A trace that a process left without its end or its document. One with both is kept: the process only gave its rows to the outbox.
fn unkept(traces_dir: &Path, trace_id: &str, stream: &str) -> io::Result<Option<Found>> {
    let found = read_trace(&traces_dir.join(stream), trace_id)?;
    let document = traces_dir.join(format!("{trace_id}.json"));
    Ok(found.filter(|found| !(found.fold.is_ended() && document.exists())))
}

/// A trace read back from a stream.
struct Found {
    fold: Fold,
    events: u64,
    last: Option<Event>,
}

/// Appends the end that the process could not write.
fn end(stream: &Path, found: &mut Found) -> io::Result<()> {
    let Some(last) = found.last.take() else { return Ok(()) };
    let started = found.fold.trace().run.started_at.unwrap_or(last.ts);
    let seconds = last.ts.seconds_since(started).max(0.0);
    let event = Event {
        seq: last.seq + 1,
        stage: None,
        component: None,
        duration_ms: Some(seconds * 1e3),
        body: Body::TraceEnd(TraceEnd { status: Status::Incomplete, recovered: true, ..TraceEnd::default() }),
        ..last
    };
    let mut line = Vec::new();
    event.write_line(&mut line);
    let mut file = OpenOptions::new().append(true).open(stream)?;
    file.lock()?;
    file.write_all(&line)?;
    file.unlock()?;
    found.fold.apply(event);
    Ok(())
}

/// Gives a trace to all sinks and waits for their answers; with the flags that one of them raised, it goes to the others once more.
fn keep(tracer: &Tracer, stream: &Path, fold: Fold, project_dir: Option<PathBuf>) -> io::Result<FinishReport> {
    let trace = Arc::new(fold.into_trace());
    let mut report = store(tracer, Arc::clone(&trace), project_dir.clone(), |_| true);
    let flags = report.calibration_flags.clone();
    if let (false, Some(project_dir)) = (flags.is_empty(), project_dir) {
        let (trace_id, session_id) = (trace.trace_id.clone(), trace.session_id.clone());
        let late = LateFlags { trace_id, session_id, project_dir, flags };
        for (project_dir, document) in flag_stream(stream, vec![late], |_, _| false)? {
            let again = store(tracer, Arc::new(document), Some(project_dir), |sink| !sink.is_database());
            report.errors.extend(again.errors);
        }
    }
    Ok(report)
}

/// Gives a trace to those sinks and waits for their answers.
fn store(
    tracer: &Tracer,
    trace: Arc<Trace>,
    project_dir: Option<PathBuf>,
    to: impl Fn(&SinkHandle) -> bool,
) -> FinishReport {
    let sinks: Vec<&SinkHandle> = tracer.inner().sinks.iter().filter(|sink| to(sink)).collect();
    let completion = Completion::new(&trace.trace_id);
    completion.sent(sinks.len(), sinks.iter().any(|sink| sink.is_database()), trace.metadata.dropped_events);
    let reporter = tracer.clone();
    let report: Arc<dyn Fn(&SinkError) + Send + Sync> = Arc::new(move |error| reporter.failed(&error.to_string()));
    let finished = FinishedTrace { trace, project_dir, sampled: true, again: true };
    for sink in sinks {
        sink.send(Job {
            finished: finished.clone(),
            stream: None,
            completion: Arc::clone(&completion),
            key: None,
            report: Arc::clone(&report),
        });
    }
    completion.wait(KEPT_WITHIN)
}

/// Folds one trace of a stream; `None` when the stream has no event of it, or is not there.
fn read_trace(stream: &Path, trace_id: &str) -> io::Result<Option<Found>> {
    let mut found: Option<Found> = None;
    events_if_there(stream, |event| {
        if event.trace_id == trace_id {
            let found = found.get_or_insert_with(|| Found { fold: new_fold(&event), events: 0, last: None });
            found.fold.apply(event.clone());
            found.events += 1;
            found.last = Some(event);
        }
    })?;
    Ok(found)
}

/// A fold with the limits that the recording process had.
pub(super) fn new_fold(first: &Event) -> Fold {
    let mut limits = FoldLimits::default();
    if let Body::TraceStart(start) = &first.body {
        limits.max_items = start.max_items.and_then(|items| usize::try_from(items).ok()).unwrap_or(limits.max_items);
    }
    Fold::new(limits)
}

/// Folds one trace of a stream again.
pub(super) fn fold_one(stream: &Path, trace_id: &str) -> io::Result<Option<Fold>> {
    Ok(read_trace(stream, trace_id)?.map(|found| found.fold))
}

/// Folds all traces of a stream, in the order in which they began.
///
/// # Errors
/// When the file cannot be read. Lines that are no events are passed over: a killed process may leave half a line.
pub fn traces_of_stream(stream: &Path) -> io::Result<Vec<Trace>> {
    let mut folds = Folds::default();
    events_if_there(stream, |event| folds.apply(event))?;
    Ok(folds.into_traces())
}

/// Folds all traces of a session's events, in the order in which they began.
#[must_use]
pub fn traces_of_events(events: impl IntoIterator<Item = Event>) -> Vec<Trace> {
    let mut folds = Folds::default();
    events.into_iter().for_each(|event| folds.apply(event));
    folds.into_traces()
}

/// The folds of several traces.
#[derive(Default)]
struct Folds {
    order: Vec<String>,
    folds: HashMap<String, Fold>,
}

impl Folds {
    fn apply(&mut self, event: Event) {
        let fold = self.folds.entry(event.trace_id.clone()).or_insert_with(|| {
            self.order.push(event.trace_id.clone());
            new_fold(&event)
        });
        fold.apply(event);
    }

    fn into_traces(mut self) -> Vec<Trace> {
        self.order.iter().filter_map(|id| self.folds.remove(id)).map(Fold::into_trace).collect()
    }
}

/// The same, of a stream that need not be there.
pub(super) fn events_if_there(stream: &Path, take: impl FnMut(Event)) -> io::Result<()> {
    match read_events(stream, take) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done.map(drop),
    }
}

/// Reads the events of a stream, one after the other, in the order of its lines; how many lines were no events. A killed process may
/// leave half a line.
///
/// # Errors
/// When the file is not there, cannot be read, or is no regular file.
pub fn read_events(stream: &Path, mut take: impl FnMut(Event)) -> io::Result<u64> {
    // A pipe in the place of a stream would be waited for without end, in opening it.
    if !std::fs::metadata(stream)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "it is no regular file"));
    }
    let mut reader = BufReader::new(File::open(stream)?);
    let (mut line, mut skipped) = (Vec::new(), 0);
    while reader.read_until(b'\n', &mut line)? > 0 {
        match Event::from_line(&String::from_utf8_lossy(&line)) {
            Ok(event) => take(event),
            Err(_) => skipped += 1,
        }
        line.clear();
    }
    Ok(skipped)
}
