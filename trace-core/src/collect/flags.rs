//! Flags for traces that ended long ago: the database was away when they did.
//!
//! Comes in: flags, and whose they are. Goes out: `flag` events at the end of the trace's stream, and the document with them. A trace that
//! the collector still knows is its business; the stream of another one is appended to here.

use super::live::{self, LIVE_DIR};
use super::raise_late_flags;
use super::recover::{events_if_there, new_fold};
use super::stream_file::stream_file_name;
use crate::event::{Body, Event, FlagRaised};
use crate::fold::Fold;
use crate::model::{CalibrationFlag, Timestamp, Trace};
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Flags that were raised for a trace after it was finished.
#[derive(Clone, Debug)]
pub struct LateFlags {
    /// The trace.
    pub trace_id: String,
    /// Its session, which names the stream.
    pub session_id: String,
    /// `{WHYTRACE_DIR}/{project}`.
    pub project_dir: PathBuf,
    /// The flags.
    pub flags: Vec<CalibrationFlag>,
}

/// Why a stream could not be read, or not be appended to.
#[derive(Debug, thiserror::Error)]
#[error("cannot add calibration flags to the event stream {}: {source}", path.display())]
pub struct FlagError {
    path: PathBuf,
    source: io::Error,
}

/// What is known of a trace from its stream.
struct Known {
    fold: Fold,
    last: Event,
    /// The name of the locked file of the process that recorded it.
    recorder: Option<String>,
}

/// Writes flags to the streams of their traces. Returns the documents that they belong into and that nobody else will write again: those
/// of traces that have a stream and are not open in this process. What could not be written comes back as errors.
pub fn flag_later(flags: Vec<LateFlags>) -> (Vec<(PathBuf, Trace)>, Vec<FlagError>) {
    let mut by_stream: HashMap<PathBuf, Vec<LateFlags>> = HashMap::new();
    for late in raise_late_flags(flags) {
        let stream = late.project_dir.join("_traces").join(stream_file_name(&late.session_id));
        by_stream.entry(stream).or_default().push(late);
    }
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    for (stream, flags) in by_stream {
        match flag_stream(&stream, flags, lives_elsewhere) {
            Ok(flagged) => documents.extend(flagged),
            Err(source) => errors.push(FlagError { path: stream, source }),
        }
    }
    (documents, errors)
}

/// Writes flags to one stream; `lives` says of a stream and a recorder's locked file whether that process may still write there.
pub(super) fn flag_stream(
    stream: &Path,
    flags: Vec<LateFlags>,
    lives: impl Fn(&Path, &str) -> bool,
) -> io::Result<Vec<(PathBuf, Trace)>> {
    let mut known: HashMap<String, Option<Known>> = flags.iter().map(|late| (late.trace_id.clone(), None)).collect();
    events_if_there(stream, |event| {
        if let Some(known) = known.get_mut(&event.trace_id) {
            take_in(known, event);
        }
    })?;
    let mut lines = Vec::new();
    let mut documents = Vec::new();
    for late in flags {
        let Some(Some(known)) = known.remove(&late.trace_id) else { continue };
        // A recorder that lives may still number events of its own: an unnumbered one gets in nobody's way.
        let numbered = !known.recorder.as_deref().is_some_and(|recorder| lives(stream, recorder));
        documents.push((late.project_dir, raise(known, late.flags, numbered, &mut lines)));
    }
    if !lines.is_empty() {
        append(stream, &lines)?;
    }
    Ok(documents)
}

fn take_in(known: &mut Option<Known>, event: Event) {
    let recorder = match &event.body {
        Body::TraceStart(start) => start.live.clone(),
        _ => None,
    };
    let known = known.get_or_insert_with(|| Known { fold: new_fold(&event), last: event.clone(), recorder: None });
    known.recorder = known.recorder.take().or(recorder);
    known.fold.apply(event.clone());
    known.last = event;
}

fn raise(known: Known, flags: Vec<CalibrationFlag>, numbered: bool, lines: &mut Vec<u8>) -> Trace {
    let Known { mut fold, last, .. } = known;
    for (index, flag) in flags.into_iter().enumerate() {
        let event = Event {
            seq: if numbered { last.seq + 1 + index as u64 } else { 0 },
            ts: Timestamp::now(),
            stage: None,
            component: None,
            duration_ms: None,
            body: Body::FlagRaised(FlagRaised { flag, ..FlagRaised::default() }),
            ..last.clone()
        };
        event.write_line(lines);
        fold.apply(event);
    }
    fold.into_trace()
}

/// Whether another process that is still running recorded the stream's traces.
fn lives_elsewhere(stream: &Path, recorder: &str) -> bool {
    let Some(traces_dir) = stream.parent().filter(|_| !live::is_own(recorder)) else { return false };
    let locked = |file: std::fs::File| file.try_lock().is_err();
    OpenOptions::new().read(true).open(traces_dir.join(LIVE_DIR).join(recorder)).is_ok_and(locked)
}

fn append(stream: &Path, lines: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(stream)?;
    file.lock()?;
    let written = file.write_all(lines);
    file.unlock()?;
    written
}
