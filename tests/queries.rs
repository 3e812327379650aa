//! Every question, asked of a real program's runs three times: in SQLite, in Postgres, and in their folder of documents. All three answer the same.
//!
//! The tracer of a process is set up once, so this is a test binary of its own with one test.
#![cfg(all(feature = "sqlite", feature = "postgres"))]
#![allow(clippy::unwrap_used)]

#[path = "support/postgres.rs"]
mod postgres;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use whytrace::Status;
use whytrace::prelude::*;
use whytrace::query::{Filter, GroupBy, Page, Store, Window};
use whytrace::sink::{FinishedTrace, Sink};
use whytrace::sql::{DatabaseUrl, RowsOptions, RowsSink};

prompt! { ANSWER = "answer", template = "Answer {{question}}" }
prompt! { JUDGE = "judge", template = "Judge {{answer}}" }

#[traced_run(project = "cobot", query = query, intent = intent, domain = "robotics", tags = { "n": n.to_string() })]
fn run(n: u32, query: &str, intent: &str) -> Result<(), String> {
    let sources = collect(n);
    let answer = answer(query, sources);
    whytrace::output("report_file_path", "report.md");
    judge(n, &answer);
    if n % 5 == 4 { Err(format!("no answer within {n}s from `host-{n}`")) } else { Ok(()) }
}

#[traced_stage("collection")]
fn collect(n: u32) -> usize {
    let confidence = f64::from(n) / 12.0;
    let what = if n.is_multiple_of(2) { "exa" } else { "arxiv" };
    decision!("source_selected", what = what, why = "best hits", confidence = confidence, alternatives = ["web" => 0.4]);
    decision!("depth_chosen", what = "deep", why = "few hits", confidence = 0.8);
    whytrace::evidence(Evidence::new().collected(u64::from(n) + 2).kept("a", what, 0.9, "on topic"));
    2
}

#[traced_stage("synthesis")]
fn answer(question: &str, sources: usize) -> String {
    decision!("style_chosen", what = "short", why = "a question", confidence = 0.7, inputs = { sources });
    generate(question)
}

#[observable("generate", kind = llm, prompt = ANSWER, model = "m-1", usage(|_| Usage::new(300, 40)))]
fn generate(question: &str) -> String {
    whytrace::llm(LlmCall::new().provider("local").message("user", question).cost("0.0000123".parse().unwrap()));
    "because".to_owned()
}

#[traced_stage("quality_gate")]
fn judge(n: u32, answer: &str) {
    review(answer);
    whytrace::quality_gate(&[Score::new("META-1", 3.0), Score::new("META-12", f64::from(n % 4))]);
}

#[observable("review", kind = llm, prompt = JUDGE, model = "m-2", usage(|_| Usage::new(100, 10)))]
fn review(answer: &str) -> usize {
    answer.len()
}

/// Everything that can be asked, by name.
async fn answers(store: &Store, ids: &[String]) -> BTreeMap<String, Value> {
    let (all, page) = (Window::all_time(), Page::new(5));
    let mut answers = BTreeMap::new();
    let mut add =
        |name: &str, answer: Value| assert!(answers.insert(name.to_owned(), answer).is_none(), "{name} twice");
    macro_rules! ask {
        ($($name:literal: $question:expr;)*) => { $(add($name, json!($question.await.unwrap()));)* };
    }
    ask! {
        "summary": store.summary(all);
        "summary of the last days": store.summary(Window::default());
        "by day": store.summary_by(GroupBy::Day, all);
        "by intent, summed up": store.summary_by(GroupBy::Intent, all);
        "by status, summed up": store.summary_by(GroupBy::Status, all);
        "by_intent": store.by_intent("validating", all, &page);
        "by_domain": store.by_domain("robotics", all, &page);
        "by_project": store.by_project("cobot", Window::default(), &page);
        "by_session": store.by_session(&ids[0], all, &page);
        "by_prompt": store.by_prompt("answer", None, all, &page);
        "by_status": store.by_status(Status::Failed, all, &page);
        "quality_gate_failures": store.quality_gate_failures(all, &page);
        "low_scoring_principle": store.low_scoring_principle("META-12", 1.5, all, &page);
        "principle_patterns": store.principle_patterns(3, all);
        "compare": store.compare(&ids[0], &ids[3]);
        "flagged_for_review": store.flagged_for_review(all, &page);
        "why": store.why(&ids[4]);
        "why, of the last": store.why(&ids[11]);
        "trace": store.trace(&ids[2]);
        "daily_costs": store.daily_costs(all);
        "latency": store.latency(all);
        "error_patterns": store.error_patterns(all);
        "stage_timing": store.stage_timing(all);
    }
    for filter in [
        "status = failed and error ~ 'NO ANSWER'",
        "decision.source_selected.what = exa and decision.source_selected.confidence < 0.5",
        "tag.n in (1, 2, 3) or score.META-12 >= 3",
        "not stage.synthesis.outcome = err and started_at > -1h and model = m-2",
        "gap_principles has META-12 and cost > 0 and decision.source_selected.alternatives has web",
    ] {
        let filter: Filter = filter.parse().unwrap();
        let mut page = Page::new(3);
        for number in 1.. {
            let listing = store.search(&filter, all, &page).await.unwrap();
            let next = listing.next_cursor.clone();
            add(&format!("{filter}, page {number}"), json!(listing));
            let Some(cursor) = next else { break };
            page = page.after(cursor);
        }
    }
    for id in ids {
        add(&format!("document of {id}"), json!(store.full_trace(id).await.unwrap().trace));
    }
    answers
}

/// Puts the documents of a folder into a database, as a program would.
fn load(dir: &Path, url: &DatabaseUrl) {
    let traces: Vec<FinishedTrace> = whytrace::files::list(&dir.join("cobot"), 100)
        .unwrap()
        .documents
        .into_iter()
        .map(|document| FinishedTrace {
            trace: Arc::new(document.trace),
            project_dir: Some(dir.join("cobot")),
            sampled: true,
            again: false,
        })
        .collect();
    // Flags depend on which runs a database has had before: a folder has none.
    let mut options = RowsOptions::default();
    options.calibration = None;
    let sink = RowsSink::new(url, dir, options).unwrap();
    sink.store(&traces).into_iter().for_each(|stored| drop(stored.unwrap()));
}

#[test]
fn every_question_is_answered_alike_wherever_the_runs_are() {
    let dir = tempfile::tempdir().unwrap();
    let guard = whytrace::Tracer::builder().dir(dir.path()).database_url("off").init();
    for n in 0..12 {
        let intent = ["validating", "exploring", "it's \"x\""][n as usize % 3];
        let _ = run(n, "Which gripper fits — größer?", intent);
    }
    drop(guard);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sqlite = DatabaseUrl::sqlite_file(&dir.path().join("whytrace.db"));
    load(dir.path(), &sqlite);
    let ask = |url: Option<&DatabaseUrl>| {
        runtime.block_on(async {
            let store = match url {
                Some(url) => Store::of_database(url, None).await.unwrap(),
                None => Store::of_folder(dir.path()).await.unwrap(),
            };
            assert_eq!(store.skipped(), []);
            let runs = store.search(&Filter::all(), Window::all_time(), &Page::default()).await.unwrap();
            let ids: Vec<String> = runs.items.into_iter().rev().map(|item| item.trace_id).collect();
            assert_eq!(ids.len(), 12);
            let answers = answers(&store, &ids).await;
            store.close().await;
            answers
        })
    };
    let expected = ask(Some(&sqlite));
    assert_eq!(expected["summary"]["total_runs"], 12);
    assert_eq!(expected["summary"]["failed"], 2);
    assert_eq!(expected["summary"]["total_cost_usd"].to_string(), "0.0001476");
    assert_eq!(expected["principle_patterns"][0]["principle_id"], "META-12");
    assert_eq!(expected["error_patterns"][0]["message"], "no answer within #s from \"…\"");
    assert_eq!(expected["compare"]["first_differing_decision"]["decision"], "source_selected");
    assert!(
        expected.iter().all(|(name, answer)| name.starts_with("flagged") || answer["items"] != json!([])),
        "a list is empty"
    );
    same(&ask(None), &expected, "the folder");
    if let Some(database) = postgres::Fresh::new(&runtime) {
        let url = database.url().parse().unwrap();
        load(dir.path(), &url);
        same(&ask(Some(&url)), &expected, "Postgres");
        database.remove(&runtime);
    }
}

#[track_caller]
fn same(found: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>, of: &str) {
    assert!(found.keys().eq(expected.keys()), "{of} was asked something else");
    for (name, answer) in found {
        assert_eq!(answer, &expected[name], "{name}, asked of {of}");
    }
}
