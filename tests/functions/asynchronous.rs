//! `async fn`, functions that return futures, and `#[async_trait]`.

use super::{WORK, assert_worked, observation, stage, tree};
use serde_json::json;
use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use whytrace::prelude::*;
use whytrace::{Outcome, testing};

async fn work() {
    tokio::time::sleep(WORK).await;
}

#[traced_stage("collection", input(query), output)]
async fn collect(query: &str, mut times: u8) -> Vec<String> {
    while times > 0 {
        work().await;
        times -= 1;
    }
    vec![fetch(query).await.unwrap_or_default()]
}

#[observable(kind = retrieval)]
async fn fetch(query: &str) -> Result<String, std::io::Error> {
    if query.is_empty() {
        return Err(std::io::Error::other("nothing asked"));
    }
    work().await;
    Ok(query.to_uppercase())
}

#[tokio::test]
async fn an_async_fn_spans_its_work() {
    let run = testing::trace_async(collect("robots", 1)).await;
    assert_eq!(run.value, ["ROBOTS"]);
    let collection = stage(run.trace(), "collection");
    assert_worked(collection.duration_seconds.map(|seconds| seconds * 500.0));
    assert_eq!(collection.inputs, json!({"query": "robots"}));
    assert_eq!(collection.outputs, json!(["ROBOTS"]));
    assert_worked(observation(run.trace(), "fetch").duration_ms);
    assert_eq!(tree(run.trace()), "└─ stage collection: ok\n   └─ observation fetch [retrieval]: ok\n");
}

#[tokio::test]
async fn the_span_begins_at_the_first_poll() {
    let run = testing::trace_async(async {
        let never_polled = fetch("a");
        drop(never_polled);
        let polled_late = fetch("b");
        work().await;
        polled_late.await
    })
    .await;
    let trace = run.trace();
    assert_eq!(trace.stages.values().flat_map(|stage| &stage.observations).count(), 1);
}

#[tokio::test]
async fn an_error_and_a_cancellation_are_outcomes() {
    let run = testing::trace_async(async {
        let _ = fetch("").await;
        tokio::select! {
            () = std::future::ready(()) => {}
            _ = collect("slow", 200) => {}
        }
        let slow = collect("slow", 200);
        let _ = tokio::time::timeout(std::time::Duration::from_millis(5), slow).await;
    })
    .await;
    assert_eq!(observation(run.trace(), "fetch").error.as_ref().unwrap().message, "nothing asked");
    let collection = stage(run.trace(), "collection");
    assert_eq!(collection.outcome, Some(Outcome::Cancelled));
}

#[observable(input(n))]
fn returns_impl(n: u8) -> impl Future<Output = u8> + Send {
    async move {
        work().await;
        n
    }
}

#[observable(input(n))]
fn returns_impl_late(n: u8) -> impl Future<Output = Result<u8, String>> {
    let n = n + 1;
    async move {
        work().await;
        Err(format!("no {n}"))
    }
}

#[observable(input(name))]
fn returns_box<'a>(name: &'a str) -> Pin<Box<dyn Future<Output = usize> + Send + 'a>> {
    if name.is_empty() {
        return Box::pin(async { 0 });
    }
    Box::pin(async move {
        work().await;
        name.len()
    })
}

#[observable]
fn returns_box_alone(n: u8) -> futures_util::future::BoxFuture<'static, u8> {
    Box::pin(async move {
        work().await;
        n
    })
}

#[tokio::test]
async fn functions_that_return_futures_span_the_future() {
    let run = testing::trace_async(async {
        let _ = (returns_impl(1).await, returns_impl_late(2).await);
        let _ = (returns_box("abc").await, returns_box_alone(4).await);
    })
    .await;
    let trace = run.trace();
    for name in ["returns_impl", "returns_impl_late", "returns_box", "returns_box_alone"] {
        assert_worked(observation(trace, name).duration_ms);
    }
    assert_eq!(observation(trace, "returns_impl").input, json!({"n": 1}));
    assert_eq!(observation(trace, "returns_impl_late").error.as_ref().unwrap().message, "no 3");
    assert_eq!(observation(trace, "returns_box").input, json!({"name": "abc"}));
}

#[async_trait::async_trait]
trait Source {
    async fn fetch(&self, query: &str) -> Result<usize, String>;

    #[observable("by default", input(depth))]
    async fn deep(&self, depth: u8) -> u8 {
        work().await;
        depth
    }
}

struct Web {
    base: String,
}

#[async_trait::async_trait]
impl Source for Web {
    #[traced_stage("web", input(query, base = self.base.len()))]
    async fn fetch(&self, query: &str) -> Result<usize, String> {
        work().await;
        if query.is_empty() { Err("nothing".to_owned()) } else { Ok(self.base.len()) }
    }
}

struct Files;

#[observable(kind = tool)]
#[async_trait::async_trait]
impl Source for Files {
    async fn fetch(&self, query: &str) -> Result<usize, String> {
        work().await;
        Ok(query.len())
    }

    #[observable(skip)]
    async fn deep(&self, depth: u8) -> u8 {
        depth
    }
}

#[tokio::test]
async fn async_trait_in_either_order() {
    let run = testing::trace_async(async {
        let sources: [Box<dyn Source + Sync>; 2] = [Box::new(Web { base: "http".to_owned() }), Box::new(Files)];
        for source in &sources {
            let _ = (source.fetch("ab").await, source.deep(1).await);
        }
        let _ = sources[0].fetch("").await;
    })
    .await;
    let trace = run.trace();
    let web = stage(trace, "web");
    assert_worked(web.duration_seconds.map(|seconds| seconds * 1e3));
    assert_eq!(web.inputs, json!({"query": "ab", "base": 4}));
    assert_eq!(stage(trace, "web#2").error.as_ref().unwrap().message, "nothing");
    assert_worked(observation(trace, "fetch").duration_ms);
    assert_worked(observation(trace, "by default").duration_ms);
    assert_eq!(trace.stages.values().flat_map(|stage| &stage.observations).count(), 2);
}

trait Native {
    fn answer(&self, n: &u8) -> impl Future<Output = u8> + Send;

    #[allow(async_fn_in_trait)]
    #[observable]
    async fn by_default(&self) -> u8 {
        work().await;
        1
    }
}

impl Native for Files {
    #[observable]
    async fn answer(&self, n: &u8) -> u8 {
        work().await;
        *n
    }
}

#[tokio::test]
async fn async_methods_of_traits_without_a_crate() {
    let run = testing::trace_async(async { Files.answer(&2).await + Files.by_default().await }).await;
    assert_eq!(run.value, 3);
    assert_worked(observation(run.trace(), "answer").duration_ms);
    assert_worked(observation(run.trace(), "by_default").duration_ms);
}

struct Session<'a, T> {
    items: Vec<T>,
    name: &'a str,
}

impl<'a, T: std::fmt::Display + Send + Sync> Session<'a, T> {
    #[observable]
    async fn last(&mut self, _why: &str) -> Option<&mut T> {
        self.items.last_mut()
    }

    #[observable(input(extra.to_string()))]
    async fn join<U: std::fmt::Display, const N: usize>(
        self,
        (first, last): (U, [u8; N]),
        extra: impl std::fmt::Display,
    ) -> (T, &'a str)
    where
        T: Default,
    {
        let _ = format!("{first}{last:?}{extra}");
        (self.items.into_iter().next().unwrap_or_default(), self.name)
    }

    #[observable]
    async fn opaque(&self, label: &str) -> impl std::fmt::Display {
        format!("{label}{}", self.items.len())
    }

    #[observable]
    async fn coerced(&self, fail: bool) -> Result<u8, Box<dyn std::error::Error + Send + Sync>> {
        if fail {
            Err(std::fmt::Error)?;
        }
        if self.name.is_empty() {
            return Err(Box::new(std::fmt::Error));
        }
        let number: u8 = self.name.parse()?;
        Ok(number)
    }
}

#[tokio::test]
async fn borrows_generics_patterns_and_coercions() {
    let run = testing::trace_async(async {
        let mut session = Session { items: vec![1_u8], name: "7" };
        *session.last("because").await.unwrap() += 1;
        assert_eq!(session.opaque("n").await.to_string(), "n1");
        assert_eq!(session.coerced(false).await.unwrap(), 7);
        assert!(session.coerced(true).await.is_err());
        session.join(("a", [1, 2]), 1.5).await
    })
    .await;
    assert_eq!(run.value, (2, "7"));
    assert_eq!(observation(run.trace(), "join").input, json!({"extra.to_string()": "1.5"}));
}

#[observable(boxed)]
async fn countdown(n: u8) -> u8 {
    if n == 0 { 0 } else { countdown(n - 1).await }
}

#[observable]
async fn recursive(n: u8) -> u8 {
    if n == 0 { 0 } else { Box::pin(recursive(n - 1)).await }
}

#[tokio::test]
async fn recursion_nests() {
    let run = testing::trace_async(async { countdown(2).await + recursive(1).await }).await;
    assert_eq!(
        tree(run.trace()),
        "\
└─ stage _run: ok
   ├─ observation countdown [function]: ok
   │  └─ observation countdown [function]: ok
   │     └─ observation countdown [function]: ok
   └─ observation recursive [function]: ok
      └─ observation recursive [function]: ok
"
    );
}

#[test]
fn futures_can_be_spawned_and_are_not_larger_than_plain_ones() {
    fn spawnable<T: Send + 'static>(_: &T) {}
    #[observable]
    async fn observed(bytes: [u8; 1024]) -> u8 {
        std::future::ready(()).await;
        bytes[0]
    }
    async fn plain(bytes: [u8; 1024]) -> u8 {
        std::future::ready(()).await;
        bytes[0]
    }
    #[observable(input(text.len()), output)]
    async fn captured(text: String) -> usize {
        work().await;
        text.len()
    }
    spawnable(&captured(String::new()));
    spawnable(&countdown(1));
    let (observed, plain) = (observed([0; 1024]), plain([0; 1024]));
    spawnable(&observed);
    assert!(size_of_val(&observed) <= size_of_val(&plain), "{} > {}", size_of_val(&observed), size_of_val(&plain));
}

/// Notes when it is dropped.
struct Drops<'a>(&'a RefCell<Vec<&'static str>>, &'static str);

impl Drop for Drops<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

#[test]
fn arguments_are_dropped_with_the_future_in_the_order_of_a_plain_one() {
    #[observable]
    async fn observed<'a>(
        a: Drops<'a>,
        _unused: Drops<'a>,
        (b, _): (Drops<'a>, Drops<'a>),
        _: Drops<'a>,
        moved: Drops<'a>,
    ) {
        let _local = Drops(a.0, "local");
        let _moved = moved;
        let _ = &b;
        std::future::ready(()).await;
    }
    async fn plain<'a>(
        a: Drops<'a>,
        _unused: Drops<'a>,
        (b, _): (Drops<'a>, Drops<'a>),
        _: Drops<'a>,
        moved: Drops<'a>,
    ) {
        let _local = Drops(a.0, "local");
        let _moved = moved;
        let _ = &b;
        std::future::ready(()).await;
    }
    macro_rules! order {
        ($call:ident, $poll:expr) => {{
            let log = RefCell::new(Vec::new());
            let drops = |name| Drops(&log, name);
            let future = $call(drops("a"), drops("unused"), (drops("b"), drops("c")), drops("d"), drops("moved"));
            assert!(log.borrow().is_empty(), "arguments must live as long as the future");
            if $poll {
                futures_util::FutureExt::now_or_never(future).unwrap();
            } else {
                drop(future);
            }
            log.into_inner()
        }};
    }
    let run = testing::trace(|| (order!(observed, true), order!(observed, false)));
    assert_eq!(run.value.0, order!(plain, true));
    assert_eq!(run.value.1.len(), order!(plain, false).len());
}

#[observable]
async fn never(stop: bool) -> ! {
    loop {
        work().await;
        assert!(!stop, "stopped");
    }
}

#[tokio::test]
async fn a_panic_in_a_future_goes_on_and_is_recorded() {
    let run = testing::trace_async(async {
        let caught = std::panic::AssertUnwindSafe(never(true));
        futures_util::FutureExt::catch_unwind(caught).await.is_err()
    })
    .await;
    assert!(run.value);
    let never = observation(run.trace(), "never");
    assert_eq!(never.outcome, Some(Outcome::Panicked));
    assert_worked(never.duration_ms);
}
