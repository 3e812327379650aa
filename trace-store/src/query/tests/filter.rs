//! Filters against real databases: what they find is what their meaning, said without SQL, finds.

use super::*;
use crate::query::filter::tests::naive::Facts;
use crate::query::filter::tests::random::Random;
use crate::query::{Filter, Page, Window};
use crate::sql::tests::on_every_database;
use std::collections::BTreeSet;
use trace_core::model::ErrorInfo;

/// Runs that differ in whatever a filter can ask about.
fn different() -> Vec<Trace> {
    let mut runs: Vec<Trace> = (1..=10).map(|n| if n % 4 == 0 { recent(n, i128::from(n)) } else { full(n) }).collect();
    for (n, trace) in runs.iter_mut().enumerate() {
        if n % 3 == 0 {
            trace.run.intent = Some("Größe É ΑΣ".into());
            trace.run.query = Some("it's 100 % \"x\" _[a]* $1 \\ \n🤖".into());
            trace.tags.insert("it's \"x\"".into(), "a.b".into());
        }
        if n % 2 == 0 {
            trace.run.status = Status::Failed;
            trace.run.error =
                Some(ErrorInfo { kind: Some("Timeout".into()), message: "No Answer".into(), ..ErrorInfo::default() });
        }
        if let Some(collection) = trace.stages.get_mut("collection") {
            collection.decisions[0].confidence = (n % 5 > 0).then_some(n as f64 / 10.0);
            collection.decisions[1].what = if n < 5 { "exa".into() } else { "Reddit".into() };
            collection.decisions[1].alternatives_considered.truncate(n % 2);
            collection.observations[0].duration_ms = Some(n as f64 * 100.0);
        }
        if let Some(call) = trace.stages.get_mut("synthesis").and_then(|stage| stage.observations.first_mut()) {
            call.llm.as_mut().unwrap().prompt_version = [None, Some(2), Some(3)][n % 3];
        }
        if let Some(gate) = trace.stages.get_mut("quality_gate#2") {
            gate.principle_scores[1].score = n as f64 / 3.0;
            gate.passing = [Some(true), Some(false), None][n % 3];
            gate.gaps.truncate(n % 2);
        }
    }
    runs
}

async fn found(store: &Store, filter: &Filter) -> BTreeSet<String> {
    let listing = store.search(filter, Window::all_time(), &Page::new(500)).await;
    let listing = listing.unwrap_or_else(|error| panic!("{filter}: {error}"));
    listing.items.into_iter().map(|item| item.trace_id).collect()
}

on_every_database! {
    fn a_filter_finds_what_it_means(database: Database) {
        let runs = different();
        save(database, &runs);
        let facts: Vec<Facts> = runs.iter().map(Facts::of).collect();
        ask(database, async |store| {
            let mut random = Random::new(3);
            let (mut some, mut all) = (0, 0);
            for _ in 0..600 {
                let filter = Filter(random.filter(2, &facts));
                let now = Timestamp::now();
                let means: BTreeSet<String> = runs
                    .iter()
                    .zip(&facts)
                    .filter(|(_, facts)| facts.satisfies(&filter.0, now))
                    .map(|(run, _)| run.trace_id.clone())
                    .collect();
                assert_eq!(found(store, &filter).await, means, "{filter}");
                some += usize::from(!means.is_empty() && means.len() < runs.len());
                all += 1;
            }
            assert!(some * 4 > all, "most filters found nothing or everything: {some} of {all}");
        });
    }

    fn conditions_on_one_decision_hold_for_one_decision(database: Database) {
        let mut trace = full(1);
        trace.stages["collection"].decisions[0].confidence = Some(0.1);
        save(database, &[trace]);
        ask(database, async |store| {
            let finds = async |text: &str| found(store, &text.parse().unwrap()).await.len();
            assert_eq!(finds("decision.source_selected.what = exa and decision.source_selected.confidence < 0.5").await, 1);
            assert_eq!(finds("decision.source_selected.what = reddit and decision.source_selected.confidence < 0.5").await, 0);
            assert_eq!(finds("decision.source_selected.what = reddit and status = complete and decision.source_selected.confidence < 0.5").await, 0);
            assert_eq!(finds("(decision.source_selected.what = reddit or decision.source_selected.what = x) and decision.source_selected.confidence < 0.5").await, 0);
            assert_eq!(finds("decision.source_selected.what = reddit and not decision.source_selected.confidence < 0.5").await, 0);
            assert_eq!(finds("stage.synthesis.duration_seconds > 30s and stage.synthesis.outcome = ok").await, 1);
            assert_eq!(finds("prompt = 'report@2' and not prompt = 'report@3'").await, 1);
        });
    }

    fn nothing_in_a_filter_is_sql(database: Database) {
        save(database, &[full(1)]);
        ask(database, async |store| {
            for text in ["x' OR '1'='1", "'; DROP TABLE traces; --", "\" OR 1=1 --", "$1", "?", "\\", "%", "*", "[", ".*", "\u{0}"] {
                for filter in [
                    Filter::equals("intent", text).unwrap(),
                    Filter::equals(&format!("tag.\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")), text).unwrap(),
                    Filter::of_prompt(text, Some(1)),
                    Filter::score_below(text, 9.0),
                    format!("intent ~ '{}'", text.replace('\\', "\\\\").replace('\'', "\\'")).parse().unwrap(),
                ] {
                    assert_eq!(found(store, &filter).await, BTreeSet::new(), "{filter}");
                }
            }
            assert_eq!(store.search(&Filter::all(), Window::all_time(), &Page::default()).await.unwrap().items.len(), 1);
        });
    }
}
