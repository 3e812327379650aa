//! Tracing switched off at run time: the program behaves the same, and there is no file, no thread, no allocation.
//!
//! The tracer of a process is set up once, so this is a test binary of its own with one test.
#![cfg(feature = "store")]

use std::cell::Cell;
use std::task::{Context, Poll, Waker};
use whytrace::prelude::*;

thread_local! {
    static EVALUATED: Cell<u32> = const { Cell::new(0) };
}

fn evaluated<T>(value: T) -> T {
    EVALUATED.set(EVALUATED.get() + 1);
    value
}

#[traced_run(project = evaluated("off"), query = evaluated("why?"))]
fn run(n: u64) -> Result<u64, std::num::ParseIntError> {
    let staged = stage(n)?;
    whytrace::set("field", 1);
    whytrace::output("result", staged);
    Ok(staged + 1)
}

#[traced_stage("stage", input(n, twice = evaluated(n * 2)), output)]
fn stage(n: u64) -> Result<u64, std::num::ParseIntError> {
    decision!("point", what = evaluated("a"), why = evaluated("b"), confidence = evaluated(0.5), inputs = { n });
    let observed = std::pin::pin!(observe(n));
    let Poll::Ready(observed) = observed.poll(&mut Context::from_waker(Waker::noop())) else { return "?".parse() };
    Ok(observed)
}

#[observable(kind = llm, model = evaluated("m"), response(|r: &u64| evaluated(r.to_string())))]
async fn observe(n: u64) -> u64 {
    n + 1
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

#[test]
fn nothing_happens_but_what_the_program_does() {
    let dir = tempfile::tempdir().unwrap();
    let before = threads();
    let guard = whytrace::Tracer::builder().enabled(false).dir(dir.path().join("traces")).init();
    assert!(!guard.is_recording());
    run(1).unwrap(); // the first call may set up what the standard library needs for a thread
    let mut result = 0;
    let allocations = allocation_counter::measure(|| result = run(40).unwrap());
    assert_eq!(result, 42);
    assert_eq!(EVALUATED.get(), 0, "arguments were evaluated");
    assert_eq!(allocations.count_total, 0, "{allocations:?}");
    assert_eq!(threads(), before);
    drop(guard);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
