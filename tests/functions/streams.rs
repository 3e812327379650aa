//! Functions that give streams.

use super::{WORK, assert_worked, observation};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use serde_json::json;
use std::pin::Pin;
use whytrace::prelude::*;
use whytrace::{Outcome, testing};

fn tokens(count: u8) -> impl Stream<Item = String> + Send {
    stream::iter(0..count).then(|n| async move {
        tokio::time::sleep(WORK).await;
        format!("t{n} ")
    })
}

#[observable(kind = llm, input(count), response(|piece| piece.clone()), usage(|_| Usage::new(1, 2)))]
fn opaque(count: u8) -> impl Stream<Item = String> + Send {
    tokens(count)
}

#[observable]
fn boxed(count: u8) -> BoxStream<'static, String> {
    tokens(count).boxed()
}

#[observable]
fn pinned<'a>(prefix: &'a str) -> Pin<Box<dyn Stream<Item = Result<String, String>> + Send + 'a>> {
    if prefix.is_empty() {
        return Box::pin(stream::once(async { Err("no prefix".to_owned()) }));
    }
    Box::pin(tokens(2).map(move |token| Ok(format!("{prefix}{token}"))))
}

#[tokio::test]
async fn the_span_is_as_long_as_the_stream() {
    let run = testing::trace_async(async {
        assert_eq!(opaque(2).collect::<String>().await, "t0 t1 ");
        assert_eq!(boxed(1).collect::<String>().await, "t0 ");
        assert_eq!(pinned("a").count().await, 2);
    })
    .await;
    let trace = run.trace();
    let opaque = observation(trace, "opaque");
    assert_worked(opaque.duration_ms);
    assert_eq!(opaque.input, json!({"count": 2}));
    assert_eq!(opaque.attributes["items"], 2);
    let llm = opaque.llm.as_ref().unwrap();
    assert_eq!(llm.response, json!("t0 t1 "));
    assert_eq!(llm.usage.unwrap().total_tokens, 3);
    assert_worked(llm.time_to_first_token_ms);
    assert_worked(observation(trace, "boxed").duration_ms);
    assert_worked(observation(trace, "pinned").duration_ms);
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_cancelled_and_one_that_fails_says_so() {
    let run = testing::trace_async(async {
        let _ = Box::pin(opaque(9)).next().await;
        assert!(pinned("").next().await.unwrap().is_err());
        let mut failing = pinned("");
        while failing.next().await.is_some() {}
    })
    .await;
    let trace = run.trace();
    assert_eq!(observation(trace, "opaque").outcome, Some(Outcome::Cancelled));
    let mut pinned = trace.stages["_run"].observations.iter().filter(|observation| observation.name == "pinned");
    assert_eq!(pinned.next_back().unwrap().error.as_ref().unwrap().message, "no prefix");
}

#[observable(stream)]
async fn opened(count: u8) -> impl Stream<Item = String> + Send {
    tokio::time::sleep(WORK).await;
    tokens(count)
}

#[observable(stream, input(count))]
async fn may_fail(count: u8) -> Result<impl Stream<Item = String> + Send, String> {
    if count == 0 {
        return Err("nothing wanted".to_owned());
    }
    Ok(tokens(count))
}

#[observable(stream)]
async fn boxed_later(count: u8) -> BoxStream<'static, String> {
    tokens(count).boxed()
}

#[observable(stream)]
async fn boxed_may_fail(count: u8) -> Result<BoxStream<'static, String>, std::fmt::Error> {
    if count == 0 {
        Err(std::fmt::Error)?;
    }
    Ok(tokens(count).boxed())
}

#[tokio::test]
async fn one_span_over_future_and_stream() {
    let run = testing::trace_async(async {
        assert_eq!(opened(1).await.count().await, 1);
        assert_eq!(may_fail(2).await.unwrap().count().await, 2);
        assert!(may_fail(0).await.is_err());
        assert_eq!(boxed_later(1).await.count().await, 1);
        assert_eq!(boxed_may_fail(1).await.unwrap().count().await, 1);
        assert!(boxed_may_fail(0).await.is_err());
    })
    .await;
    let trace = run.trace();
    let opened = observation(trace, "opened");
    assert_worked(opened.duration_ms.map(|duration| duration / 2.0));
    assert_eq!(opened.attributes["items"], 1);
    let all = &trace.stages["_run"].observations;
    let failed: Vec<_> =
        all.iter().filter(|observation| observation.error.is_some()).map(|o| o.name.as_str()).collect();
    assert_eq!(failed, ["may_fail", "boxed_may_fail"]);
    assert_worked(observation(trace, "boxed_later").duration_ms);
    assert_worked(observation(trace, "boxed_may_fail").duration_ms);
}
