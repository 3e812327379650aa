//! `decision!` in every position, with every form of its arguments.

use super::stage;
use serde_json::json;
use std::cell::Cell;
use whytrace::prelude::*;
use whytrace::testing;

const POINT: &str = "by_constant";

#[traced_stage]
fn decides(query: &str, depth: u8) {
    let scores = vec![("google".to_owned(), 0.6), ("reddit".to_owned(), 0.25)];
    decision!(
        "source_selected",
        what = "exa_search",
        why = format!("best of {}", scores.len() + 1),
        confidence = 0.9,
        alternatives = scores,
        inputs = { query, depth: depth * 2, "free text": [1, 2] },
    );
    decision!(POINT, why = query, what = depth, alternatives = ["a" => 0.5, query => f64::from(depth) / 10.0], confidence = 1);
    let _unit: () = decision!("as_expression", what = &query.to_owned(), why = String::from("owned"));
}

#[test]
fn a_decision_is_recorded_with_all_it_says() {
    let run = testing::trace(|| decides("robots", 2));
    let decisions = &stage(run.trace(), "decides").decisions;
    let first = &decisions[0];
    assert_eq!((first.decision.as_str(), first.what.as_str()), ("source_selected", "exa_search"));
    assert_eq!((first.why.as_str(), first.confidence), ("best of 3", Some(0.9)));
    let options: Vec<_> = first.alternatives_considered.iter().map(|a| (a.option.as_str(), a.confidence)).collect();
    assert_eq!(options, [("google", Some(0.6)), ("reddit", Some(0.25))]);
    assert_eq!(json!(first.inputs), json!({"query": "robots", "depth": 4, "free text": [1, 2]}));
    assert!(first.location.as_ref().unwrap().contains("decisions.rs"));
    let second = &decisions[1];
    assert_eq!((second.decision.as_str(), second.what.as_str(), second.why.as_str()), (POINT, "2", "robots"));
    assert_eq!(second.alternatives_considered[1].option, "robots");
    assert_eq!(decisions[2].what, "robots");
}

#[test]
fn arguments_are_evaluated_only_while_a_trace_records() {
    let evaluated = Cell::new(0);
    let count = || {
        evaluated.set(evaluated.get() + 1);
        0.5
    };
    let decide = || decision!("lazy", what = "a", why = "b", confidence = count());
    decide();
    assert_eq!(evaluated.get(), 0);
    testing::trace(decide);
    assert_eq!(evaluated.get(), 1);
}

#[test]
fn control_flow_in_arguments_behaves_as_written() {
    fn fails() -> Result<u8, String> {
        let broken: Result<f64, String> = Err("broken".to_owned());
        decision!("early", what = "a", why = "b", confidence = broken?);
        Ok(1)
    }
    let run = testing::trace(fails);
    assert!(run.value.is_err());
    assert!(run.trace().stages.values().all(|stage| stage.decisions.is_empty()));
}

#[tokio::test]
async fn arguments_may_be_awaited_and_the_future_stays_send() {
    async fn ask() -> String {
        tokio::task::yield_now().await;
        "awaited".to_owned()
    }
    #[traced_stage]
    async fn decides() {
        decision!("awaited", what = ask().await, why = "waiting", inputs = { answer: ask().await });
    }
    let run =
        testing::trace_async(async { tokio::spawn(whytrace::Ctx::current().in_future(decides())).await.unwrap() })
            .await;
    assert_eq!(stage(run.trace(), "decides").decisions[0].what, "awaited");
}
