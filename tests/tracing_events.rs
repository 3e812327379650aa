//! Ends of stages, decisions and errors reach an existing log pipeline through `tracing`.

#![cfg(all(feature = "tracing", feature = "store"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};
use whytrace::generation::write_file;
use whytrace::prelude::*;
use whytrace::{HealingAttempt, ValidationError};

/// What a log pipeline gets: level, message and fields of each event of ours.
type Lines = Arc<Mutex<Vec<(Level, BTreeMap<String, String>)>>>;

struct Log(Lines);

#[derive(Default)]
struct Fields(BTreeMap<String, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "whytrace"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        self.0.lock().unwrap().push((*event.metadata().level(), fields.0));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[traced_stage("generation")]
fn generation() -> Result<(), std::fmt::Error> {
    decision!("model_chosen", what = "small", why = "it is\u{1b}[31m cheap", confidence = 0.75);
    whytrace::error(std::io::Error::other("log in with password=pW3xTextPairZz"));
    whytrace::validation_error(ValidationError {
        error_type: "SyntaxError".into(),
        error_message: "expected `;`".into(),
        line_number: Some(178),
        healing_attempts: vec![HealingAttempt::default()],
        final_status: Some("failed".into()),
        ..ValidationError::default()
    });
    let _ = write_file("/nowhere/at/all", "x");
    Err(std::fmt::Error)
}

#[traced_run(project = "logged", session = "job-1")]
fn run() -> Result<(), std::fmt::Error> {
    generation()
}

#[test]
fn a_log_pipeline_sees_ends_decisions_and_errors_with_the_id_of_their_trace() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(Log(Arc::clone(&lines))).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let guard = whytrace::Tracer::builder().dir(dir.path()).no_database().tracing_events().init();
    run().unwrap_err();
    let began = Instant::now();
    while lines.lock().unwrap().len() < 6 && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(guard);

    let lines = lines.lock().unwrap();
    let told: Vec<(Level, &str)> = lines.iter().map(|(level, fields)| (*level, fields["message"].as_str())).collect();
    let expected = [
        (Level::INFO, "decision"),
        (Level::ERROR, "error"),
        (Level::WARN, "validation error"),
        (Level::ERROR, "file not written"),
        (Level::ERROR, "stage ended"),
        (Level::ERROR, "trace ended"),
    ];
    assert_eq!(told, expected, "{lines:#?}");
    let trace_id = &lines[0].1["trace_id"];
    for (_, fields) in lines.iter() {
        assert!(fields["trace_id"].starts_with("trc_") && fields["trace_id"] == *trace_id, "{fields:?}");
        assert_eq!(fields["session_id"], "job-1");
        assert!(fields["at"].ends_with('Z'), "{fields:?}");
        assert!(!format!("{fields:?}").contains("pW3xTextPairZz"), "{fields:?}");
    }
    assert_eq!((lines[0].1["what"].as_str(), lines[0].1["confidence"].as_str()), ("small", "0.75"));
    assert!(!lines[0].1["why"].contains('\u{1b}'), "{:?}", lines[0].1["why"]);
    assert_eq!((lines[2].1["line"].as_str(), lines[2].1["error"].as_str()), ("178", "expected `;`"));
    assert_eq!((lines[4].1["stage"].as_str(), lines[4].1["outcome"].as_str()), ("generation", "err"));
    assert!(lines[4].1["duration_ms"].parse::<f64>().unwrap() >= 0.0);
    assert_eq!(lines[5].1["status"], "failed");
}
