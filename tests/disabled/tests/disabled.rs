//! Tracing compiled out: the macros leave the functions as they were written, and calls do nothing.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use whytrace::prelude::*;

thread_local! {
    static EVALUATED: Cell<u32> = const { Cell::new(0) };
}

fn evaluated<T>(value: T) -> T {
    EVALUATED.set(EVALUATED.get() + 1);
    value
}

#[traced_run(project = evaluated("off"), query = evaluated("why?"), input(n))]
fn run(n: u64) -> Result<u64, String> {
    let pass = whytrace::iteration();
    let staged = stage(n, "x".len())?;
    whytrace::set("field", 1);
    whytrace::tag("k", 2);
    pass.finish(&Gate::default());
    Ok(staged + 1)
}

#[traced_stage("stage", input(n, twice = evaluated(n * 2)), output(|r| evaluated(r.is_ok())))]
fn stage(n: u64, _unused: usize) -> Result<u64, String> {
    decision!("point", what = evaluated("a"), why = evaluated("b"), alternatives = ["c" => evaluated(0.1)], inputs = { n });
    match pin!(observe(n)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(observed) => Ok(observed),
        Poll::Pending => Err("pending".to_owned()),
    }
}

#[observable(kind = llm, model = evaluated("m"), response(|r: &u64| evaluated(r.to_string())))]
async fn observe(n: u64) -> u64 {
    n + 1
}

struct Tools;

#[observable(kind = tool)]
impl Tools {
    fn add(&self, a: u64, b: u64) -> u64 {
        a + b
    }
}

#[derive(TracingComponent)]
#[component(name = "tools", decisions("point"))]
struct Component;

prompt! { GREETING = "greeting", template = "Hello {{name}}" }

use whytrace::Gate;

#[test]
fn the_functions_are_as_they_were_written() {
    let mut result = Ok(0);
    let allocations = allocation_counter::measure(|| result = run(40));
    assert_eq!(result, Ok(42));
    assert_eq!(EVALUATED.get(), 0, "arguments were evaluated");
    assert_eq!(allocations.count_total, 0, "{allocations:?}");
    assert_eq!(Tools.add(1, 2), 3);
    assert_eq!(Component::NAME, "tools");
    assert_eq!(GREETING.name(), "greeting");
}

#[test]
fn futures_are_not_wrapped() {
    async fn plain(n: [u8; 1024]) -> u8 {
        std::future::ready(()).await;
        n[0]
    }
    #[traced_stage]
    async fn staged(n: [u8; 1024]) -> u8 {
        std::future::ready(()).await;
        n[0]
    }
    assert_eq!(std::mem::size_of_val(&plain([0; 1024])), std::mem::size_of_val(&staged([0; 1024])));
}

#[test]
fn there_is_never_a_trace() {
    let trace = whytrace::TraceContext::start(whytrace::Run::new("off"));
    assert!(!trace.is_recording());
    assert!(trace.scope(|| whytrace::trace_id()).is_none());
    assert_eq!(trace.finish().wait().trace_id, "");
}
