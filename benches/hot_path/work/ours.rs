use super::*;
use crate::batch::*;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use trace_core::private as p;
use trace_core::record::{Run, TraceContext};
use trace_core::{Options, Tracer};

static STAGE: p::Site = p::Site::new(p::SiteKind::Stage, "work", "work", module_path!(), file!(), line!(), column!());
static POINT: p::Site =
    p::Site::new(p::SiteKind::Decision, "source_selected", "", module_path!(), file!(), line!(), column!());

pub fn look(r: &Result<u64, Failed>, end: &mut p::End) {
    if let Err(e) = r {
        end.error(p::ErrorInfo { message: e.to_string(), ..Default::default() });
    }
}
fn plain(n: u64) -> Result<u64, Failed> {
    work(n)
}
async fn plain_async(n: u64) -> Result<u64, Failed> {
    work(n)
}
async fn plain_pending(n: u64) -> Result<u64, Failed> {
    YieldOnce::default().await;
    work(n)
}
fn stage_unit(n: u64) {
    let mut span = p::enter(&STAGE);
    span.run(|| {
        let _ = black_box(work(n));
    })
}
fn stage(n: u64) -> Result<u64, Failed> {
    let mut span = p::enter(&STAGE);
    let r = span.run(|| -> Result<u64, Failed> { work(n) });
    span.returned(|end| look(&r, end));
    r
}
fn fields(query: &str, depth: i64, score: f64) -> Result<u64, Failed> {
    let mut span = match p::begin(&STAGE) {
        Some(mut b) => {
            p::Captured::new(&query).write(b.input("query"));
            p::Captured::new(&depth).write(b.input("depth"));
            p::Captured::new(&score).write(b.input("score"));
            b.enter()
        }
        None => p::Span::none(),
    };
    let r = span.run(|| -> Result<u64, Failed> { work(depth as u64) });
    span.returned(|end| look(&r, end));
    r
}
fn stage_async(n: u64) -> impl Future<Output = Result<u64, Failed>> {
    p::future(
        &STAGE,
        async move {
            let _ = &n;
            work(n)
        },
        |r: &Result<u64, Failed>, end: &mut p::End| look(r, end),
    )
}
fn stage_pending(n: u64) -> impl Future<Output = Result<u64, Failed>> {
    p::future(
        &STAGE,
        async move {
            let _ = &n;
            YieldOnce::default().await;
            work(n)
        },
        |r: &Result<u64, Failed>, end: &mut p::End| look(r, end),
    )
}
fn fields_async(query: &str, depth: i64, score: f64) -> impl Future<Output = Result<u64, Failed>> {
    p::future_begun(
        &STAGE,
        async move {
            let _ = &query;
            let _ = &depth;
            let _ = &score;
            if let Some(mut b) = p::begin(&STAGE) {
                p::Captured::new(&query).write(b.input("query"));
                p::Captured::new(&depth).write(b.input("depth"));
                p::Captured::new(&score).write(b.input("score"));
                b.attach()
            }
            work(depth as u64)
        },
        |r: &Result<u64, Failed>, end: &mut p::End| look(r, end),
    )
}
fn decide(n: u64) {
    if let Some(mut d) = p::decision(&POINT) {
        d.what(p::Text::Borrowed("exa_search"));
        d.why(p::Text::Borrowed("broadest coverage of company news"));
        d.confidence(0.9);
        d.alternative(p::Text::Borrowed("google").into_owned(), 0.6);
        d.alternative(p::Text::Borrowed("reddit").into_owned(), 0.4);
        p::Captured::new(&QUERY).write(d.input("query"));
        p::Captured::new(&n).write(d.input("depth"));
        d.record();
    }
}
fn tracer() -> &'static Tracer {
    static T: OnceLock<Tracer> = OnceLock::new();
    T.get_or_init(|| {
        let t = Tracer::new(Options::default(), &Default::default(), vec![]).unwrap();
        t.install().unwrap();
        t
    })
}
fn traced(batch: impl FnOnce() -> Duration) -> Sample {
    let t = tracer();
    let began = Instant::now();
    let trace = TraceContext::start(Run::new("bench"));
    let calls = trace.scope(batch);
    trace.mark_complete();
    drop(trace);
    let whole = began.elapsed();
    assert!(t.flush(Duration::from_secs(60)));
    Sample { calls, whole }
}
pub fn sync(c: u64) -> Duration {
    measured(c, |n| {
        black_box(stage(black_box(n))).ok();
    })
}
pub fn unit(c: u64) -> Duration {
    measured(c, |n| {
        stage_unit(black_box(n));
    })
}
pub fn asyn(c: u64) -> Duration {
    measured(c, |n| {
        black_box(poll_through(stage_async(black_box(n)))).ok();
    })
}
pub fn pend(c: u64) -> Duration {
    measured(c, |n| {
        black_box(poll_through(stage_pending(black_box(n)))).ok();
    })
}
pub fn three(c: u64) -> Duration {
    measured(c, |n| {
        black_box(fields(black_box(QUERY), n as i64, black_box(SCORE))).ok();
    })
}
pub fn three_async(c: u64) -> Duration {
    measured(c, |n| {
        black_box(poll_through(fields_async(black_box(QUERY), n as i64, black_box(SCORE)))).ok();
    })
}
pub fn decision(c: u64) -> Duration {
    measured(c, |n| decide(black_box(n)))
}

pub static CASES: &[Case] = &[
    Case {
        name: "plain",
        batch: |c| {
            Sample::bare(measured(c, |n| {
                black_box(plain(black_box(n))).ok();
            }))
        },
    },
    Case {
        name: "plain-async",
        batch: |c| {
            Sample::bare(measured(c, |n| {
                black_box(poll_through(plain_async(black_box(n)))).ok();
            }))
        },
    },
    Case {
        name: "plain-pending",
        batch: |c| {
            Sample::bare(measured(c, |n| {
                black_box(poll_through(plain_pending(black_box(n)))).ok();
            }))
        },
    },
    Case {
        name: "off-sync",
        batch: |c| {
            Tracer::switched_off();
            Sample::bare(sync(c))
        },
    },
    Case {
        name: "off-async",
        batch: |c| {
            Tracer::switched_off();
            Sample::bare(asyn(c))
        },
    },
    Case {
        name: "off-pending",
        batch: |c| {
            Tracer::switched_off();
            Sample::bare(pend(c))
        },
    },
    Case {
        name: "off-three",
        batch: |c| {
            Tracer::switched_off();
            Sample::bare(three(c))
        },
    },
    Case {
        name: "off-decision",
        batch: |c| {
            Tracer::switched_off();
            Sample::bare(decision(c))
        },
    },
    Case {
        name: "elsewhere-sync",
        batch: |c| {
            tracer();
            Tracer::switched_off();
            let _t = TraceContext::start(Run::new("x"));
            Sample::bare(sync(c))
        },
    },
    Case {
        name: "elsewhere-async",
        batch: |c| {
            tracer();
            Tracer::switched_off();
            let _t = TraceContext::start(Run::new("x"));
            Sample::bare(asyn(c))
        },
    },
    Case { name: "rec-unit", batch: |c| traced(|| unit(c)) },
    Case { name: "rec-sync", batch: |c| traced(|| sync(c)) },
    Case { name: "rec-async", batch: |c| traced(|| asyn(c)) },
    Case { name: "rec-pending", batch: |c| traced(|| pend(c)) },
    Case { name: "rec-three", batch: |c| traced(|| three(c)) },
    Case { name: "rec-three-async", batch: |c| traced(|| three_async(c)) },
    Case { name: "rec-decision", batch: |c| traced(|| decision(c)) },
];
