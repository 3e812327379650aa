//! `#[traced_run]`: whole traces.

use serde_json::json;
use whytrace::prelude::*;
use whytrace::{Outcome, Status, testing};

#[traced_run(
    project = "cobot",
    query = query,
    intent = "validating",
    domain = Some("robotics"),
    user = None::<String>,
    session = format!("s-{}", query.len()),
    tags = { tier: "free", "attempt no": 2 },
    fields = { tier_config: vec![1, 2] },
    input(query.len()),
    output,
)]
fn research(query: &str) -> Result<usize, String> {
    intake();
    if query.is_empty() {
        return Err("nothing asked".to_owned());
    }
    Ok(query.len())
}

#[traced_stage]
fn intake() {}

#[test]
fn a_run_says_what_it_is_about_and_how_it_ended() {
    let run = testing::capture(|| (research("robots"), research("")));
    assert_eq!(run.value, (Ok(6), Err("nothing asked".to_owned())));
    let [first, second] = run.traces() else { panic!("two runs") };
    assert_eq!(first.project_name, "cobot");
    assert_eq!(first.run.query.as_deref(), Some("robots"));
    assert_eq!(first.run.intent.as_deref(), Some("validating"));
    assert_eq!(first.run.domain.as_deref(), Some("robotics"));
    assert_eq!((first.user_id.as_deref(), first.session_id.as_str()), (None, "s-6"));
    assert_eq!(json!(first.tags), json!({"tier": "free", "attempt no": "2"}));
    assert_eq!(first.run.fields["tier_config"], json!([1, 2]));
    assert_eq!(first.run.fields["query.len()"], 6);
    assert_eq!(first.run.status, Status::Complete);
    assert_eq!(first.stages["intake"].outcome, Some(Outcome::Ok));
    assert_eq!(second.run.status, Status::Failed);
}

#[traced_run(project = project, query = query.clone())]
async fn research_later(project: &str, query: String, fail: bool) -> anyhow::Result<String> {
    if fail {
        anyhow::bail!("cannot");
    }
    tokio::task::yield_now().await;
    inner().await;
    let _ = project.len();
    Ok(query)
}

#[traced_run(project = "inner")]
async fn inner() {}

#[tokio::test]
async fn a_run_can_be_async_and_have_children() {
    let run = testing::capture_async(async {
        let _ = research_later("outer", "q".to_owned(), false).await;
        let _ = research_later("outer", "q".to_owned(), true).await;
        let dropped = research_later("outer", "q".to_owned(), false);
        let _ = futures_util::FutureExt::now_or_never(dropped);
    })
    .await;
    let statuses: Vec<_> = run.traces().iter().map(|trace| (trace.project_name.as_str(), trace.run.status)).collect();
    assert_eq!(
        statuses,
        [
            ("outer", Status::Complete),
            ("inner", Status::Complete),
            ("outer", Status::Failed),
            ("outer", Status::Incomplete)
        ]
    );
    assert_eq!(run.traces()[1].parent_trace_id.as_deref(), Some(run.traces()[0].trace_id.as_str()));
}

#[async_trait::async_trait]
trait Pipeline {
    async fn go(&self, query: &str) -> u8;
}

struct Boxed;

#[async_trait::async_trait]
impl Pipeline for Boxed {
    #[traced_run(project = "boxed", query = query)]
    async fn go(&self, query: &str) -> u8 {
        tokio::task::yield_now().await;
        query.len() as u8
    }
}

#[tokio::test]
async fn a_run_can_be_a_method_of_an_async_trait() {
    let run = testing::capture_async(async { Boxed.go("ab").await }).await;
    assert_eq!(run.value, 2);
    assert_eq!(run.trace().run.query.as_deref(), Some("ab"));
    assert_eq!(run.trace().run.status, Status::Complete);
}

#[traced_run(project = "panicking")]
fn panics() {
    panic!("broken");
}

#[test]
fn a_panic_fails_the_run_and_goes_on() {
    let run = testing::capture(|| std::panic::catch_unwind(panics).is_err());
    assert!(run.value);
    assert_eq!(run.trace().run.status, Status::Failed);
}

#[traced_run(project = "remote", traceparent = header, tracestate = Some("whytrace=x"))]
fn continues(header: Option<&str>) {}

#[test]
fn a_remote_parent_is_taken_over() {
    let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let run = testing::capture(|| {
        continues(Some(header));
        continues(None);
    });
    assert_eq!(run.traces()[0].otel_trace_id.as_deref(), Some("0af7651916cd43dd8448eb211c80319c"));
    assert_eq!(run.traces()[0].parent_span_id.as_deref(), Some("b7ad6b7169203331"));
    assert_eq!(run.traces()[1].parent_span_id, None);
}
