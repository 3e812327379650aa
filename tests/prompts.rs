//! Prompts of a whole program: they register themselves, calls are linked to what was rendered, executions are counted.

#![cfg(all(feature = "sqlite", feature = "tokio"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod support;

use serde_json::Value;
use std::path::Path;
use std::time::Duration;
use whytrace::prelude::*;
use whytrace::prompts::{self, NewVersion};

const LONG: Duration = Duration::from_secs(60);

prompt! {
    /// Answers a ticket.
    SUPPORT = "support_bot", template = "Analyze: {{ ticket }}", system = "Be kind.";
    SUMMARY = "summary", template = "Sum up: {{ text }}"
}

/// The text is rendered before the call.
#[observable("ask", kind = llm, prompt = SUPPORT)]
fn ask(text: &str) -> String {
    sum_up();
    text.to_uppercase()
}

/// A call inside of another, made with another prompt.
#[observable("sum_up", kind = llm, prompt = SUMMARY, usage(|tokens| Usage::new(*tokens, 1)))]
fn sum_up() -> u64 {
    3
}

/// A call made with no prompt.
#[observable("bare", kind = llm)]
fn bare() {}

/// The text is rendered inside of the call, after the registry has changed.
#[observable("late", kind = llm, prompt = SUPPORT)]
fn late() {
    add("v2: {{ ticket }}");
    assert_eq!(render(), "v2: a door");
}

#[observable("after", kind = llm, prompt = SUPPORT)]
fn after() {}

fn render() -> String {
    SUPPORT { ticket: "a door" }.render().unwrap().text
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn add(text: &str) {
    let added = async {
        let registry = prompts::registry().await?;
        registry.add_version("support_bot", NewVersion::new(text).system("Be kind.")).await
    };
    block_on(added).unwrap();
}

#[traced_run(project = "support", query = "why")]
fn run() {
    ask(&render());
    bare();
    late();
    after();
}

#[traced_run(project = "support", query = "short")]
fn short_run() {
    ask(&render());
}

/// Plays a part in a program of its own.
fn play(part: &str) {
    let _guard = whytrace::init();
    match part {
        "waits for the registry" => {
            assert!(prompts::ready(LONG));
            run();
            assert!(PromptExecution::new("summary", true, 5.0).log().is_some());
        }
        "ends at once" => short_run(),
        "only registers" => {}
        other => panic!("no part {other}"),
    }
}

/// What the document says of an observation's prompt: name, version, registry name, URI.
fn link(document: &Value, name: &str) -> [Value; 4] {
    let calls = document["stages"]["_run"]["observations"].as_array().unwrap();
    let call = calls.iter().find(|call| call["name"] == name).unwrap();
    ["prompt_name", "prompt_version", "prompt_registry_name", "prompt_uri"].map(|field| call[field].clone())
}

fn linked(name: &str, version: u32) -> [Value; 4] {
    let registry_name = format!("{name}_prompt");
    let uri = format!("prompts:/{registry_name}/{version}");
    [name.into(), version.into(), registry_name.into(), uri.into()]
}

fn versions(traces: &Path) -> Vec<Vec<String>> {
    support::rows(
        traces,
        "select registry_name, cast(version as text), template_text from prompt_templates order by 1, 2",
    )
}

#[test]
fn calls_are_linked_to_the_version_that_was_rendered() {
    if let Some(part) = support::part() {
        return play(&part);
    }
    let test = "calls_are_linked_to_the_version_that_was_rendered";
    let dir = tempfile::tempdir().unwrap();
    support::run(&mut support::program(test, "waits for the registry", dir.path()));
    let traces = dir.path().join("traces");
    let document = support::document(&traces);
    assert_eq!(link(&document, "ask"), linked("support_bot", 1));
    assert_eq!(link(&document, "sum_up"), linked("summary", 1), "the innermost");
    assert_eq!(
        link(&document, "bare"),
        [Value::Null, Value::Null, Value::Null, Value::Null],
        "unlinked, and seen to be"
    );
    assert_eq!(link(&document, "late"), linked("support_bot", 2), "what was rendered inside of it");
    assert_eq!(link(&document, "after"), linked("support_bot", 2), "from the next call on");

    let events = support::events(&traces);
    let start = events.iter().find(|event| event["event"] == "observation_start" && event["name"] == "sum_up").unwrap();
    assert_eq!(start["llm"]["prompt_uri"], "prompts:/summary_prompt/1");
    let rows = support::rows(
        &traces,
        "select name, cast(prompt_version as text), prompt_uri from observations where prompt_name is not null order by 1",
    );
    let row = |name: &str, prompt: &str, version: u32| {
        vec![name.to_owned(), version.to_string(), format!("prompts:/{prompt}_prompt/{version}")]
    };
    let expected = [
        row("after", "support_bot", 2),
        row("ask", "support_bot", 1),
        row("late", "support_bot", 2),
        row("sum_up", "summary", 1),
    ];
    assert_eq!(rows, expected);
    let counted = support::rows(
        &traces,
        "select name, cast(version as text), cast(total_executions as text), cast(avg_token_count as text) from prompt_templates order by 1, 2",
    );
    let counted: Vec<String> = counted.iter().map(|row| row.join(" ")).collect();
    assert_eq!(counted, ["summary 1 2 4.0", "support_bot 1 1 NULL", "support_bot 2 2 NULL"]);
}

#[test]
fn a_program_that_ends_at_once_has_its_executions_linked_all_the_same() {
    if let Some(part) = support::part() {
        return play(&part);
    }
    let test = "a_program_that_ends_at_once_has_its_executions_linked_all_the_same";
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        support::run(&mut support::program(test, "ends at once", dir.path()));
    }
    let traces = dir.path().join("traces");
    let unlinked =
        support::rows(&traces, "select cast(count(*) as text) from prompt_executions where template_id is null");
    assert_eq!(unlinked, [["0"]]);
    let counted = support::rows(&traces, "select cast(total_executions as text) from prompt_templates");
    assert_eq!(counted, [["2"], ["2"]]);
    for document in support::documents(&traces) {
        let calls = document["stages"]["_run"]["observations"].as_array().unwrap();
        assert!(calls.iter().all(|call| call["template_hash"].is_string()), "{calls:?}");
    }
}

#[test]
fn prompts_register_themselves_once() {
    if let Some(part) = support::part() {
        return play(&part);
    }
    let dir = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        support::run(&mut support::program("prompts_register_themselves_once", "only registers", dir.path()));
    }
    let expected =
        [["summary_prompt", "1", "Sum up: {{ text }}"], ["support_bot_prompt", "1", "Analyze: {{ ticket }}"]];
    assert_eq!(versions(&dir.path().join("traces")), expected);
}

#[test]
fn on_databricks_they_have_a_catalog() {
    if let Some(part) = support::part() {
        return play(&part);
    }
    let dir = tempfile::tempdir().unwrap();
    let program = || support::program("on_databricks_they_have_a_catalog", "only registers", dir.path());
    support::run(program().env("DATABRICKS_RUNTIME_VERSION", "15.4"));
    support::run(program().env("MLFLOW_PROMPT_REGISTRY_UC_SCHEMA", "ml.bilal"));
    let names: Vec<String> = versions(&dir.path().join("traces")).iter().map(|row| row[0].clone()).collect();
    let expected = [
        "main.default.summary_prompt",
        "main.default.support_bot_prompt",
        "ml.bilal.summary_prompt",
        "ml.bilal.support_bot_prompt",
    ];
    assert_eq!(names, expected);
}

#[test]
fn without_a_registry_prompts_are_what_the_code_says() {
    if support::part().is_some() {
        return;
    }
    assert_eq!(render(), "Analyze: a door");
    assert!(!prompts::ready(Duration::ZERO));
    assert!(matches!(block_on(prompts::registry()), Err(prompts::RegistryError::NotSetUp)));
    assert_eq!(PromptExecution::new("support_bot", true, 1.0).log(), None);
    let run = whytrace::testing::trace(|| PromptExecution::new("support_bot", false, 7.5).error("no").log());
    let logged = &run.trace().stages["_run"].observations[0];
    assert_eq!((logged.name.as_str(), logged.duration_ms), ("support_bot", Some(7.5)));
    assert_eq!(logged.error.as_ref().unwrap().message, "no");
}
