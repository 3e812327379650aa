//! Recording through the calls that macro expansions make.
#![allow(missing_docs, clippy::unwrap_used)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use trace_core::model::{ErrorInfo, Outcome, Status};
use trace_core::private as p;
use trace_core::testing;

static STAGE: p::Site = p::Site::new(p::SiteKind::Stage, "work", "work", module_path!(), file!(), line!(), column!());
static CALL: p::Site =
    p::Site::new(p::SiteKind::Observation, "call", "call", module_path!(), file!(), line!(), column!());
static POINT: p::Site = p::Site::new(p::SiteKind::Decision, "point", "", module_path!(), file!(), line!(), column!());

fn decide(what: &'static str) {
    p::decision(&POINT, |draft| {
        draft.what(what);
        draft.why("because");
        draft.confidence(0.5);
        draft.input("n").i64(7);
    });
}

fn work(fail: bool) -> Result<(), String> {
    let code = || {
        let code = |is_recorded| {
            if is_recorded {
                let mut begin = p::Begin::new(&CALL);
                begin.input("x").str("argument");
                begin.attach();
            }
            decide("inner");
            3
        };
        p::observed_begun(&CALL, code, |value, end| end.output().i64(*value));
        if fail { Err("broken".to_owned()) } else { Ok(()) }
    };
    p::observed(&STAGE, code, |result: &Result<(), String>, end| {
        if let Err(message) = result {
            end.error(ErrorInfo { message: message.clone(), ..ErrorInfo::default() });
        }
    })
}

#[test]
fn a_synchronous_run_is_a_tree() {
    let run = testing::trace(|| (work(false), work(true)));
    let trace = run.trace();
    assert_eq!(trace.run.status, Status::Complete);
    let stages: Vec<_> = trace.stages.iter().map(|(name, stage)| (name.as_str(), stage.outcome)).collect();
    assert_eq!(stages, [("work", Some(Outcome::Ok)), ("work#2", Some(Outcome::Err))]);
    let stage = &trace.stages["work"];
    assert_eq!(stage.observations[0].name, "call");
    assert_eq!(stage.observations[0].input, serde_json::json!({ "x": "argument" }));
    assert_eq!(stage.observations[0].output, serde_json::json!(3));
    assert_eq!(stage.observations[0].parent_id.as_ref(), Some(&stage.id));
    assert_eq!(stage.decisions[0].what, "inner");
    assert_eq!(stage.decisions[0].observation_id.as_ref(), Some(&stage.observations[0].id));
    assert_eq!(stage.decisions[0].inputs["n"], 7);
}

#[test]
fn a_body_that_comes_to_its_end_before_it_began_is_not_recorded() {
    let run = testing::trace(|| {
        let outer = |is_recorded: bool| {
            assert!(is_recorded);
            p::Begin::new(&STAGE).attach();
            // As a `?` in an argument to be captured does.
            let left = p::observed_begun(&CALL, |_| "left", |_, end| end.output().str("looked at"));
            decide(left);
        };
        p::observed_begun(&STAGE, outer, |(), _| {});
        decide("after");
    });
    let stage = &run.trace().stages["work"];
    assert_eq!(stage.outcome, Some(Outcome::Ok));
    assert_eq!(stage.observations.len(), 0);
    assert_eq!(stage.decisions.iter().map(|decision| decision.what.as_str()).collect::<Vec<_>>(), ["left"]);
    assert!(!p::observed_begun(&STAGE, |is_recorded| is_recorded, |_, _| {}), "there is no trace here");
}

#[test]
fn a_panic_is_recorded_with_its_message_and_goes_on() {
    let capture = testing::Capture::new();
    let caught = capture.scope(|| {
        std::panic::catch_unwind(|| {
            let run = p::run_enter(&STAGE, || p::Run::new("panics"));
            let code = || {
                let code = || {
                    if true {
                        std::panic::panic_any("gone")
                    }
                };
                p::observed(&STAGE, code, |_, _| {});
            };
            run.observed(code, |_, _| {});
        })
    });
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"gone"));
    let trace = capture.finish().remove(0);
    assert_eq!(trace.run.status, Status::Failed);
    assert_eq!(trace.run.error.unwrap().message, "gone");
    assert_eq!(trace.stages["work"].outcome, Some(Outcome::Panicked));
}

/// Pending `polls` times, then ready.
struct Slow(u32);

impl Future for Slow {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

async fn staged(polls: u32, what: &'static str) {
    p::future_begun(
        &STAGE,
        async move {
            if let Some(mut begin) = p::begin(&STAGE) {
                begin.input("polls").u64(u64::from(polls));
                begin.attach();
            }
            Slow(polls).await;
            p::future(
                &CALL,
                async {
                    Slow(polls).await;
                    decide(what);
                },
                |(), _| {},
            )
            .await;
        },
        |(), _| {},
    )
    .await;
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

#[test]
fn interleaved_futures_keep_apart() {
    let run = testing::trace(|| {
        let (mut a, mut b) = (Box::pin(staged(3, "a")), Box::pin(staged(5, "b")));
        let mut cx = Context::from_waker(Waker::noop());
        let (mut done_a, mut done_b) = (false, false);
        while !(done_a && done_b) {
            done_a = done_a || a.as_mut().poll(&mut cx).is_ready();
            done_b = done_b || b.as_mut().poll(&mut cx).is_ready();
        }
        decide("outside");
    });
    let trace = run.trace();
    for (stage, what, polls) in [("work", "a", 3), ("work#2", "b", 5)] {
        let stage = &trace.stages[stage];
        assert_eq!(stage.inputs["polls"], polls);
        assert_eq!(stage.decisions[0].what, what);
        assert_eq!(stage.observations[0].parent_id.as_ref(), Some(&stage.id));
        assert_eq!(stage.decisions[0].observation_id.as_ref(), Some(&stage.observations[0].id));
        assert_eq!(stage.outcome, Some(Outcome::Ok));
    }
    assert_eq!(trace.stages["_run"].decisions[0].what, "outside");
}

#[test]
fn a_dropped_future_is_cancelled() {
    let run = testing::trace(|| {
        let mut future = Box::pin(staged(3, "never"));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut cx).is_pending());
        drop(future);
        drop(staged(1, "never polled"));
    });
    assert_eq!(run.trace().stages["work"].outcome, Some(Outcome::Cancelled));
    assert_eq!(run.trace().stages.len(), 1);
}

#[test]
fn an_async_run_ends_with_its_future() {
    fn run(fail: bool) -> impl Future<Output = Result<(), String>> {
        p::run_future(
            &STAGE,
            async move {
                p::run_begin(&STAGE, || p::Run::new("async").query("why?"));
                staged(2, "x").await;
                if fail { Err("no".to_owned()) } else { Ok(()) }
            },
            |result, end| {
                if let Err(message) = result {
                    end.error(ErrorInfo { message: message.clone(), ..ErrorInfo::default() });
                }
            },
        )
    }
    let captured = testing::capture(|| {
        block_on(run(false)).unwrap();
        block_on(run(true)).unwrap_err();
        let mut dropped = Box::pin(run(false));
        assert!(dropped.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    });
    let statuses: Vec<_> = captured.traces().iter().map(|trace| trace.run.status).collect();
    assert_eq!(statuses, [Status::Complete, Status::Failed, Status::Incomplete]);
    assert_eq!(captured.traces()[0].run.query.as_deref(), Some("why?"));
    assert_eq!(captured.traces()[0].stages["work"].decisions.len(), 1);
}
