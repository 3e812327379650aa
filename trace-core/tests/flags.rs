//! Flags that a sink raises: in the stream, in the document, in the report, once.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trace_core::collect::{LateFlags, flag_later, stream_file_name, traces_of_stream};
use trace_core::event::{Body, Event};
use trace_core::model::{CalibrationFlag, Trace};
use trace_core::record::{Run, TraceContext, facts};
use trace_core::redact::RedactConfig;
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink, SinkError, Stored};
use trace_core::{Options, Tracer};

fn flag(n: u64) -> CalibrationFlag {
    CalibrationFlag { kind: "pattern".into(), message: format!("seen {n} times"), n, ..CalibrationFlag::default() }
}

/// Keeps what it is given; as a database it raises two flags for each trace that has none.
#[derive(Default)]
struct Keeper {
    database: bool,
    /// How long each answer takes.
    delay: Duration,
    kept: Mutex<Vec<FinishedTrace>>,
}

impl Sink for Keeper {
    fn name(&self) -> &'static str {
        if self.database { "rows" } else { "document" }
    }

    fn is_database(&self) -> bool {
        self.database
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        std::thread::sleep(self.delay);
        self.kept.lock().unwrap().extend_from_slice(traces);
        let store = |finished: &FinishedTrace| {
            let mut stored = Stored::default();
            if self.database {
                stored.database = Some(DatabaseStatus::Saved);
                if finished.trace.calibration_flags.is_empty() {
                    stored.calibration_flags = vec![flag(1), flag(2)];
                }
            }
            Ok(stored)
        };
        traces.iter().map(store).collect()
    }
}

struct Recorded {
    tracer: Tracer,
    documents: Arc<Keeper>,
    rows: Arc<Keeper>,
}

fn recorded(options: Options, document_delay: Duration) -> Recorded {
    let documents = Arc::new(Keeper { delay: document_delay, ..Keeper::default() });
    let rows = Arc::new(Keeper { database: true, ..Keeper::default() });
    let sinks: Vec<Arc<dyn Sink>> = vec![documents.clone(), rows.clone()];
    let tracer = Tracer::new(options, &RedactConfig::default(), sinks).unwrap();
    Recorded { tracer, documents, rows }
}

fn in_dir(dir: &Path) -> Options {
    let mut options = Options::default();
    options.dir = Some(dir.to_owned());
    options.max_wait = None;
    options
}

fn stream(dir: &Path, session: &str) -> PathBuf {
    dir.join("p").join("_traces").join(stream_file_name(session))
}

fn events(path: &Path) -> Vec<Event> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| Event::from_line(line).unwrap()).collect()
}

fn last(keeper: &Keeper) -> FinishedTrace {
    keeper.kept.lock().unwrap().last().unwrap().clone()
}

#[test]
fn who_awaits_the_report_finds_the_flags_everywhere() {
    // However fast or slow the other sinks are.
    for delay in [Duration::ZERO, Duration::from_millis(100)] {
        let dir = tempfile::tempdir().unwrap();
        let Recorded { tracer, documents, rows } = recorded(in_dir(dir.path()), delay);
        let trace = tracer.scope(|| TraceContext::start(Run::new("p").session("s")));
        trace.scope(|| facts::output("k", "v"));
        trace.mark_complete();
        let report = trace.finish().wait();
        assert_eq!(report.calibration_flags, [flag(1), flag(2)]);
        assert_eq!((report.database, report.errors.len()), (DatabaseStatus::Saved, 0));
        let (document, row) = (last(&documents), last(&rows));
        assert!(document.again && document.trace.calibration_flags == [flag(1), flag(2)]);
        // The rows have the flags already: they are not written twice.
        assert_eq!((rows.kept.lock().unwrap().len(), documents.kept.lock().unwrap().len()), (1, 2));
        assert!(row.trace.calibration_flags.is_empty());
        let stream = stream(dir.path(), "s");
        assert_eq!(traces_of_stream(&stream).unwrap(), [Trace::clone(&document.trace)]);
        let unflagged = Trace { calibration_flags: Vec::new(), ..Trace::clone(&document.trace) };
        assert_eq!(unflagged, *row.trace, "nothing else changed");
        assert!(events(&stream).iter().map(|event| event.seq).eq(0..events(&stream).len() as u64));
        assert!(tracer.close(Duration::from_secs(10)));
    }
}

#[test]
fn a_flagged_trace_is_kept_whatever_the_sampling_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = in_dir(dir.path());
    options.sample = 0.0;
    let Recorded { tracer, documents, .. } = recorded(options, Duration::ZERO);
    let trace = tracer.scope(|| TraceContext::start(Run::new("p")));
    trace.mark_complete();
    assert_eq!(trace.finish().wait().calibration_flags.len(), 2);
    let kept: Vec<bool> = documents.kept.lock().unwrap().iter().map(|finished| finished.sampled).collect();
    assert_eq!(kept, [false, true]);
    tracer.close(Duration::from_secs(10));
}

#[test]
fn closing_waits_until_the_flags_are_in_the_documents() {
    let dir = tempfile::tempdir().unwrap();
    let Recorded { tracer, documents, .. } = recorded(in_dir(dir.path()), Duration::ZERO);
    for _ in 0..50 {
        let trace = tracer.scope(|| TraceContext::start(Run::new("p").session("many")));
        trace.mark_complete();
    }
    assert!(tracer.close(Duration::from_secs(20)));
    let kept = documents.kept.lock().unwrap();
    assert_eq!(kept.iter().filter(|finished| finished.trace.calibration_flags.len() == 2).count(), 50);
    let folded = traces_of_stream(&stream(dir.path(), "many")).unwrap();
    assert!(folded.len() == 50 && folded.iter().all(|trace| trace.calibration_flags.len() == 2));
}

#[test]
fn without_files_the_flags_are_in_the_document_too() {
    let Recorded { tracer, documents, .. } = recorded(Options::default(), Duration::ZERO);
    let trace = tracer.scope(|| TraceContext::start(Run::new("p")));
    trace.mark_complete();
    assert_eq!(trace.finish().wait().calibration_flags.len(), 2);
    assert_eq!(last(&documents).trace.calibration_flags.len(), 2);
    tracer.close(Duration::from_secs(10));
}

#[test]
fn what_comes_late_and_the_flags_are_both_in_the_last_document() {
    let dir = tempfile::tempdir().unwrap();
    let Recorded { tracer, documents, .. } = recorded(in_dir(dir.path()), Duration::from_millis(20));
    let trace = tracer.scope(|| TraceContext::start(Run::new("p").session("late")));
    let context = trace.scope(trace_core::context::Ctx::current);
    trace.mark_complete();
    drop(trace);
    for n in 0..5 {
        context.scope(|| facts::output(format!("late {n}"), n));
        std::thread::sleep(Duration::from_millis(15));
    }
    drop(context);
    assert!(tracer.close(Duration::from_secs(20)));
    let newest = documents.kept.lock().unwrap().iter().max_by_key(|f| f.trace.metadata.late_events).unwrap().clone();
    let document = traces_of_stream(&stream(dir.path(), "late")).unwrap().remove(0);
    assert_eq!((document.metadata.late_events, document.calibration_flags.len()), (5, 2));
    assert_eq!(newest.trace.calibration_flags.len(), 2);
    assert_eq!(newest.trace.outputs.len(), 5);
}

#[test]
fn flags_for_a_trace_of_the_past_go_to_the_end_of_its_stream() {
    let dir = tempfile::tempdir().unwrap();
    let tracer = Tracer::new(in_dir(dir.path()), &RedactConfig::default(), Vec::new()).unwrap();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let trace = tracer.scope(|| TraceContext::start(Run::new("p").session("past")));
        ids.push(trace.trace_id().to_string());
        trace.mark_complete();
    }
    assert!(tracer.close(Duration::from_secs(10)));
    let late = |flags| LateFlags {
        trace_id: ids[0].clone(),
        session_id: "past".into(),
        project_dir: dir.path().join("p"),
        flags,
    };
    let (documents, errors) = flag_later(vec![late(vec![flag(1)])]);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(documents.len(), 1);
    assert_eq!(documents[0].1.calibration_flags, [flag(1)]);
    assert_eq!(documents[0].1.metadata.late_events, 0);
    // Raised again, as after a crash: it is there once.
    let (documents, _) = flag_later(vec![late(vec![flag(1)])]);
    let folded = traces_of_stream(&stream(dir.path(), "past")).unwrap();
    assert_eq!(folded[0], documents[0].1);
    assert_eq!((folded[0].calibration_flags.len(), folded[1].calibration_flags.len()), (1, 0));
    let of_first = events(&stream(dir.path(), "past"));
    let numbers = of_first.iter().filter(|event| event.trace_id == ids[0]).map(|event| event.seq);
    assert!(numbers.clone().eq(0..numbers.count() as u64));
    assert!(of_first.iter().any(|event| matches!(event.body, Body::FlagRaised(_))));
}

#[test]
fn flags_without_a_stream_give_no_document() {
    let dir = tempfile::tempdir().unwrap();
    let project_dir = dir.path().join("p");
    let late = LateFlags { trace_id: "trc_x".into(), session_id: "none".into(), project_dir, flags: vec![flag(1)] };
    let (documents, errors) = flag_later(vec![late]);
    assert!(documents.is_empty() && errors.is_empty());
    assert!(!dir.path().join("p").exists());
}
