//! One job with successes, healed failures and one that could not be healed.

use super::*;
use crate::spec::read_all;
use whytrace::generation::Diagnosis;
use whytrace::testing::capture;
use whytrace::{Status, Trace};

fn trace<'a>(traces: &'a [Trace], component: &str) -> &'a Trace {
    traces.iter().find(|trace| trace.run.query.as_deref() == Some(component)).unwrap()
}

#[test]
fn one_job_has_successes_healed_failures_and_one_that_could_not_be_healed() {
    let specs = read_all(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/codegen/specs"))).unwrap();
    let out = tempfile::tempdir().unwrap();
    let run = capture(|| generate_all("job-1", &specs, out.path(), &Writer::Templates));
    let came: Vec<_> = run
        .value
        .iter()
        .map(|made| (made.component.as_str(), made.outcome.as_ref().ok().map(|(_, attempts)| *attempts)))
        .collect();
    let expected = [
        ("event_log", Some(1)),
        ("rate_limiter", Some(0)),
        ("retry_policy", Some(2)),
        ("session_cache", None),
        ("todo_store", Some(0)),
    ];
    assert_eq!(came, expected);
    for made in run.value.iter().filter_map(|made| made.outcome.as_ref().ok()) {
        syn::parse_file(&std::fs::read_to_string(&made.0).unwrap()).unwrap();
    }
    assert!(!out.path().join("session_cache.rs").exists());

    assert_eq!(run.traces().len(), 6);
    assert!(run.traces().iter().all(|trace| trace.session_id == "job-1"));
    let failed = trace(run.traces(), "session_cache");
    assert_eq!(failed.run.status, Status::Failed);
    assert_eq!(trace(run.traces(), "retry_policy").run.status, Status::Complete);
    let diagnosis = Diagnosis::of(failed);
    assert_eq!((diagnosis.calls.len(), diagnosis.healing[0].attempts.len()), (4, 3));
    assert_eq!(diagnosis.healing[0].ended.as_deref(), Some("gave_up"));
    assert!(diagnosis.answers().iter().all(|answer| !answer.answer.is_empty()), "{diagnosis}");
}

#[test]
fn code_is_taken_out_of_its_block() {
    assert_eq!(extract_code("Here:\n```rust\nfn a() {}\n```\nDone."), "fn a() {}");
    assert_eq!(extract_code("fn a() {}\n"), "fn a() {}");
}
