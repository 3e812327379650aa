//! Observers: they see what the stream holds, and harm nobody.
#![allow(missing_docs, clippy::unwrap_used)]

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use trace_core::collect::stream_file_name;
use trace_core::event::{Body, Event};
use trace_core::observe::{Kinds, Observer, PANICS, only};
use trace_core::record::{Run, TraceContext, facts};
use trace_core::redact::RedactConfig;
use trace_core::{Options, Tracer};

const PATIENCE: Duration = Duration::from_secs(60);

fn tracer(dir: Option<&Path>, observers: Vec<Arc<dyn Observer>>) -> Tracer {
    let mut options = Options::default();
    options.dir = dir.map(Path::to_path_buf);
    options.max_wait = None;
    Tracer::observed(options, &RedactConfig::default(), Vec::new(), observers).unwrap()
}

/// Waits until something has come about.
fn until(what: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !what() {
        assert!(began.elapsed() < PATIENCE, "it does not come about");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A run with a stage and as many warnings as asked for.
fn run(tracer: &Tracer, warnings: u64) {
    tracer.scope(|| {
        let trace = TraceContext::start(Run::new("watched").session("s"));
        trace.scope(|| {
            let stage = facts::stage("work");
            stage.scope(|| (0..warnings).for_each(|n| facts::warning(format!("number {n}"))));
            facts::set("api_key", "sk-proj-Q7wZk3Xv9LpR2mTdAa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8");
        });
        trace.mark_complete();
    });
}

fn keep(into: &Arc<Mutex<Vec<Event>>>) -> Arc<dyn Observer> {
    let into = Arc::clone(into);
    Arc::new(move |event: &Event| into.lock().unwrap().push(event.clone()))
}

#[test]
fn an_observer_sees_the_events_of_the_stream_and_reading_the_stream_gives_the_same_events() {
    let dir = tempfile::tempdir().unwrap();
    let seen = Arc::default();
    let tracer = tracer(Some(dir.path()), vec![keep(&seen)]);
    run(&tracer, 100);
    until(|| tracer.observers()[0].seen == 105);
    assert!(tracer.close(PATIENCE));
    let stream = dir.path().join("watched/_traces").join(stream_file_name("s"));
    let text = std::fs::read_to_string(stream).unwrap();
    let read: Vec<Event> = text.lines().map(|line| Event::from_line(line).unwrap()).collect();
    assert_eq!(read.len(), 105, "{text}");
    assert_eq!(*seen.lock().unwrap(), read);
    assert!(!format!("{read:?}").contains("Q7wZk3Xv9LpR2mTd"));
    let report = &tracer.observers()[0];
    assert_eq!((report.seen, report.dropped, report.panics), (105, 0, 0));
}

#[test]
fn an_observer_is_given_only_the_kinds_it_wants() {
    let seen = Arc::default();
    let watch = keep(&seen);
    let wanted = only(["stage_end", "trace_end"], move |event: &Event| watch.event(event));
    let tracer = tracer(None, vec![Arc::new(wanted)]);
    run(&tracer, 10);
    until(|| tracer.observers()[0].seen == 2);
    assert!(tracer.close(PATIENCE));
    let kinds: Vec<String> = seen.lock().unwrap().iter().map(|event| event.body.name().to_owned()).collect();
    assert_eq!(kinds, ["stage_end", "trace_end"]);
}

/// Waits at each event until it is let go.
struct Slow {
    arrived: Sender<()>,
    go_on: Mutex<Receiver<()>>,
    missed: Arc<AtomicU64>,
}

impl Observer for Slow {
    fn name(&self) -> &str {
        "slow"
    }

    fn kinds(&self) -> Kinds {
        Kinds::only(["warning"])
    }

    fn capacity(&self) -> usize {
        4
    }

    fn event(&self, _: &Event) {
        self.arrived.send(()).unwrap();
        let _ = self.go_on.lock().unwrap().recv();
    }

    fn missed(&self, count: u64) {
        self.missed.fetch_add(count, Ordering::Relaxed);
    }
}

#[test]
fn a_slow_observer_misses_events_and_neither_run_nor_other_observers_wait_for_it() {
    let (arrived, arrivals) = channel();
    let (go_on, gate) = channel();
    let missed = Arc::new(AtomicU64::new(0));
    let slow = Slow { arrived, go_on: Mutex::new(gate), missed: Arc::clone(&missed) };
    let seen = Arc::default();
    let tracer = tracer(None, vec![Arc::new(slow), keep(&seen)]);
    run(&tracer, 1);
    arrivals.recv_timeout(PATIENCE).unwrap();
    // It stands still now, with nothing waiting. All of this passes it by, but for what its queue holds.
    run(&tracer, 100);
    until(|| seen.lock().unwrap().len() == 6 + 105);
    let report = tracer.observers().remove(0);
    assert_eq!((report.name.as_str(), report.seen, report.dropped), ("slow", 0, 96));
    // Let go, it takes what waited, and is told what it missed with the next event.
    (0..5).for_each(|_| go_on.send(()).unwrap());
    (0..4).for_each(|_| arrivals.recv_timeout(PATIENCE).unwrap());
    run(&tracer, 1);
    go_on.send(()).unwrap();
    until(|| tracer.observers()[0].seen == 6);
    assert_eq!(tracer.observers()[0].dropped, 96);
    assert_eq!(missed.load(Ordering::Relaxed), 96);
}

#[test]
fn a_panicking_observer_is_switched_off_after_a_while_and_harms_nobody() {
    let seen = Arc::default();
    let panics: Arc<dyn Observer> = Arc::new(|event: &Event| {
        assert!(!matches!(event.body, Body::Warning(_)), "seeded");
    });
    let dir = tempfile::tempdir().unwrap();
    let tracer = tracer(Some(dir.path()), vec![panics, keep(&seen)]);
    run(&tracer, 50);
    until(|| seen.lock().unwrap().len() == 55 && tracer.observers()[0].panics == u64::from(PANICS));
    assert!(tracer.close(PATIENCE));
    let report = tracer.observers().remove(0);
    assert_eq!(report.panics, u64::from(PANICS));
    assert_eq!(report.seen + report.dropped + report.panics, 55);
    let stream = dir.path().join("watched/_traces").join(stream_file_name("s"));
    assert_eq!(std::fs::read_to_string(stream).unwrap().lines().count(), 55);
}
