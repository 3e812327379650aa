//! A trace sent to a real MLflow and a real Phoenix, read back through their own interfaces.
//!
//! The servers are not there in an ordinary test run, so these tests are ignored, visibly; `scripts/with-backends` starts the servers:
//!
//! ```text
//! scripts/with-backends cargo test -p trace-otel --features grpc --test backends -- --ignored
//! ```

#![cfg(feature = "export")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use trace_core::model::Trace;
use trace_core::sink::{FinishedTrace, Sink};
#[cfg(feature = "grpc")]
use trace_otel::Protocol;
use trace_otel::{ConvertOptions, ExportOptions, LinkPrompts, OtlpSink, Profile, Profiles, export};

fn url(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run this beside scripts/with-backends"))
}

/// The document of the golden files, as a new trace of a project of its own.
fn document(project: &str) -> Trace {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/document.json");
    let mut trace: Trace = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    trace.otel_trace_id = Some(format!("{:032x}", UNIX_EPOCH.elapsed().unwrap().as_nanos()));
    let unique = format!("{:08x}", UNIX_EPOCH.elapsed().unwrap().subsec_nanos() | 1 << 31);
    trace.project_name = format!("{project}-{unique}");
    trace.session_id = format!("session of {}", trace.project_name);
    // Phoenix knows spans by their ids alone.
    let text = serde_json::to_string(&trace).unwrap();
    serde_json::from_str(&text.replace("\"000000000000", &format!("\"{unique}0000"))).unwrap()
}

/// Asks a server; an answer that is no JSON is null.
fn ask(method: &str, url: &str, body: &Value) -> Value {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let mut response = match method {
        "GET" => agent.get(url).call().unwrap(),
        _ => agent.post(url).header("content-type", "application/json").send(body.to_string()).unwrap(),
    };
    let mut text = String::new();
    response.body_mut().as_reader().read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap_or_default()
}

/// A value in the typed form of protobuf; null is an empty one.
fn plain(value: &Value) -> Value {
    let Some((kind, value)) = value.as_object().and_then(|typed| typed.iter().next()) else { return Value::Null };
    match kind.as_str() {
        "kvlist_value" => object(&value["values"]).into_iter().collect(),
        "array_value" => value["values"].as_array().into_iter().flatten().map(plain).collect(),
        _ => value.clone(),
    }
}

fn object(pairs: &Value) -> BTreeMap<String, Value> {
    let pairs = pairs.as_array().cloned().unwrap_or_default();
    pairs.iter().map(|pair| (pair["key"].as_str().unwrap().to_owned(), plain(&pair["value"]))).collect()
}

/// The span of each name.
fn by_name(spans: &Value) -> BTreeMap<String, Value> {
    let spans = spans.as_array().unwrap();
    spans.iter().map(|span| (span["name"].as_str().unwrap().to_owned(), span.clone())).collect()
}

/// Whose child each span is, by their names.
const TREE: [(&str, &str); 7] = [
    ("collection", "ROOT"),
    ("search", "collection"),
    ("read_policy", "collection"),
    ("synthesis", "ROOT"),
    ("answer", "synthesis"),
    ("draft", "answer"),
    ("decide source_selected", "search"),
];

fn mlflow_trace(base: &str, trace: &Trace) -> Value {
    let id = trace.otel_trace_id.as_deref().unwrap();
    ask("GET", &format!("{base}/api/3.0/mlflow/traces/get?trace_id=tr-{id}"), &Value::Null)["trace"].clone()
}

#[test]
#[ignore = "needs a real MLflow: scripts/with-backends"]
fn mlflow_shows_the_trace_as_it_was() {
    let base = url("BACKEND_MLFLOW_URL");
    let trace = document("mlflow");
    let options = ExportOptions::new(base.as_str())
        .timeout(Duration::from_secs(60)) // its first request takes long
        .convert(ConvertOptions::new(Profile::Mlflow))
        .link_prompts(LinkPrompts::Register)
        .prompt_texts(|name, version| Some(format!("text of {name} {version}: {{{{question}}}}")));
    let report = export([&trace], &options).unwrap();
    assert!(report.is_complete(), "{report:?}");

    let shown = mlflow_trace(&base, &trace);
    let info = &shown["trace_info"];
    assert_eq!(info["state"], "ERROR");
    let (metadata, tags) = (&info["trace_metadata"], &info["tags"]);
    assert_eq!(metadata["mlflow.trace.session"], *trace.session_id);
    assert_eq!(metadata["mlflow.trace.user"], "u-42");
    let json = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
    let tokens = json(&metadata["mlflow.trace.tokenUsage"]);
    assert_eq!((&tokens["input_tokens"], &tokens["output_tokens"]), (&json!(120), &json!(34)));
    assert_eq!(json(&metadata["mlflow.trace.cost"])["total_cost"], 0.000_038_4);
    assert_eq!((&tags["tier"], &tags["whytrace.intent"]), (&json!("free"), &json!("validating")));
    assert_eq!(info["request_preview"], r#"{"query":"Can I send it back?"}"#);

    let spans = by_name(&shown["spans"]);
    let id = |name: &str| &spans[if name == "ROOT" { &trace.project_name } else { name }]["span_id"];
    for (child, parent) in TREE {
        assert_eq!(spans[child]["parent_span_id"], *id(parent), "{child}");
    }
    let root = &spans[&trace.project_name];
    assert_eq!(root["start_time_unix_nano"], 1_770_993_022_000_000_001_i64);
    assert_eq!(root["end_time_unix_nano"], 1_770_993_025_123_456_789_i64);
    let draft = object(&spans["draft"]["attributes"]);
    assert_eq!(draft["mlflow.spanType"], "CHAT_MODEL");
    assert_eq!(draft["mlflow.spanInputs"]["messages"][1]["content"], "Can I send it back?");
    assert_eq!(draft["mlflow.spanOutputs"]["choices"][0]["message"]["content"], "Yes, within 30 days.");
    assert_eq!(object(&spans["collection"]["attributes"])["mlflow.spanInputs"]["query"], "Can I send it back?");
    let send = &spans["send"];
    assert_eq!(send["status"]["code"], "STATUS_CODE_ERROR");
    let exception = send["events"].as_array().unwrap().iter().find(|event| event["name"] == "exception").unwrap();
    assert_eq!(object(&exception["attributes"])["exception.type"], "support::SendError");

    // The prompt: shown beside the trace, registered, and found by MLflow's own filter.
    assert_eq!(json(&tags["mlflow.linkedPrompts"]), json!([{ "name": "support_bot_prompt", "version": "3" }]));
    let version = format!("{base}/api/2.0/mlflow/model-versions/get?name=support_bot_prompt&version=3");
    let registered = ask("GET", &version, &Value::Null);
    assert!(registered.to_string().contains("text of support_bot_prompt 3"), "{registered}");
    let found = mlflow_search(&base, "prompt = \"support_bot_prompt/3\"");
    assert!(found.to_string().contains(trace.otel_trace_id.as_deref().unwrap()), "{found}");
    assert_eq!(mlflow_search(&base, "prompt = \"support_bot_prompt/2\"")["traces"], Value::Null);
    // The plain type of a span is what the filter looks for.
    let found = mlflow_search(&base, "span.type = \"DECISION\"");
    assert!(found.to_string().contains(trace.otel_trace_id.as_deref().unwrap()), "{found}");

    // Sent again, it is still one trace with as many spans.
    export([&trace], &options).unwrap();
    assert_eq!(by_name(&mlflow_trace(&base, &trace)["spans"]).len(), spans.len());
    assert_eq!(mlflow_trace(&base, &trace)["spans"].as_array().unwrap().len(), spans.len());
    let again = &mlflow_trace(&base, &trace)["trace_info"]["trace_metadata"]["mlflow.trace.tokenUsage"];
    assert_eq!(json(again)["input_tokens"], 120, "tokens are not added up");
}

fn mlflow_search(base: &str, filter: &str) -> Value {
    let place = json!([{ "type": "MLFLOW_EXPERIMENT", "mlflow_experiment": { "experiment_id": "0" } }]);
    ask("POST", &format!("{base}/api/3.0/mlflow/traces/search"), &json!({ "locations": place, "filter": filter }))
}

#[test]
#[ignore = "needs a real MLflow: scripts/with-backends"]
fn mlflow_gets_all_profiles_from_the_sink() {
    let base = url("BACKEND_MLFLOW_URL");
    let dir = tempfile::tempdir().unwrap();
    let trace = document("mlflow by sink");
    let options = ExportOptions::new(base.as_str()).timeout(Duration::from_secs(60)).profiles(Profiles::all());
    let sink = OtlpSink::new(options, dir.path()).unwrap();
    sink.store(&[FinishedTrace { trace: Arc::new(trace.clone()), project_dir: None, sampled: true, again: false }]);
    support::until("the outbox is empty", || sink.status().waiting == 0);
    let status = sink.status();
    assert_eq!((status.delivered, status.refused, status.last_error), (10, 0, None));
    assert_eq!(mlflow_trace(&base, &trace)["spans"].as_array().unwrap().len(), 10);
    let found = mlflow_search(&base, "prompt = \"support_bot_prompt/3\"");
    assert!(found.to_string().contains(trace.otel_trace_id.as_deref().unwrap()), "linked by the sink: {found}");
}

/// The spans of a project of Phoenix, once all of them are there: it takes spans into a queue first.
fn phoenix_spans(base: &str, project: &str, count: usize) -> BTreeMap<String, Value> {
    let path = format!("{base}/v1/projects/{project}/spans?limit=100");
    let spans = || ask("GET", &path, &Value::Null)["data"].clone();
    support::until("all spans are in Phoenix", || spans().as_array().is_some_and(|spans| spans.len() >= count));
    by_name(&spans())
}

#[track_caller]
fn assert_phoenix_has_all(base: &str, project: &str) {
    let spans = phoenix_spans(base, project, 10);
    assert_eq!(spans.len(), 10);
    let id = |name: &str| &spans[if name == "ROOT" { project } else { name }]["context"]["span_id"];
    for (child, parent) in TREE {
        assert_eq!(spans[child]["parent_id"], *id(parent), "{child}");
    }
    let kind = |name: &str| spans[name]["span_kind"].as_str().unwrap();
    let kinds = ["draft", "answer", "search", "read_policy", "collection"].map(kind);
    assert_eq!(kinds, ["LLM", "AGENT", "RETRIEVER", "TOOL", "CHAIN"]);
    let draft = &spans["draft"]["attributes"];
    assert_eq!(draft["llm.model_name"], "gpt-4o-mini");
    assert_eq!(draft["llm.input_messages.1.message.content"], "Can I send it back?");
    assert_eq!(draft["llm.output_messages.0.message.content"], "Yes, within 30 days.");
    assert_eq!((&draft["llm.token_count.prompt"], &draft["llm.token_count.completion"]), (&json!(120), &json!(34)));
    assert_eq!(draft["llm.cost.total"], 0.000_038_4);
    assert_eq!(draft["session.id"], format!("session of {project}"));
    let send = &spans["send"];
    assert_eq!(send["status_code"], "ERROR");
    assert_eq!(send["events"][0]["attributes"]["exception.type"], "support::SendError");
    assert_eq!(spans["collection"]["attributes"]["input.value"], r#"{"query":"Can I send it back?"}"#);
    let decision = &spans["decide source_selected"]["attributes"];
    assert_eq!(decision["whytrace.decision.why"], "the only one");

    let query = "{ projects { edges { node { name traceCount tokenCountTotal sessions(first: 9) { edges { node { sessionId } } } } } } }";
    let answer = ask("POST", &format!("{base}/graphql"), &json!({ "query": query }));
    let projects = answer["data"]["projects"]["edges"].as_array().unwrap();
    let node = projects.iter().map(|edge| &edge["node"]).find(|node| node["name"] == project).unwrap();
    let (traces, tokens) = (node["traceCount"].as_f64(), node["tokenCountTotal"].as_f64());
    assert_eq!((traces, tokens), (Some(1.0), Some(154.0)), "tokens are not added up");
    assert_eq!(node["sessions"]["edges"][0]["node"]["sessionId"], format!("session of {project}"));
}

#[test]
#[ignore = "needs a real Phoenix: scripts/with-backends"]
fn phoenix_shows_the_trace_as_it_was() {
    let base = url("BACKEND_PHOENIX_URL");
    let options = ExportOptions::new(base.as_str()).profiles(Profile::Phoenix);
    let trace = document("phoenix-http");
    let report = export([&trace], &options).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_phoenix_has_all(&base, &trace.project_name);

    // Sent again, with all profiles, it is still one trace with as many spans. Phoenix takes spans in order: when what was sent after
    // it is there, it was looked at.
    export([&trace], &options.clone().profiles(Profiles::all())).unwrap();
    let after = document("phoenix-after");
    export([&after], &options).unwrap();
    phoenix_spans(&base, &after.project_name, 10);
    assert_phoenix_has_all(&base, &trace.project_name);
}

#[cfg(feature = "grpc")]
#[test]
#[ignore = "needs a real Phoenix: scripts/with-backends"]
fn phoenix_takes_the_same_over_grpc() {
    let (base, grpc) = (url("BACKEND_PHOENIX_URL"), url("BACKEND_PHOENIX_GRPC_URL"));
    let options = ExportOptions::new(grpc).protocol(Protocol::Grpc).profiles(Profile::Phoenix);
    // As a program does that has a runtime of its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let trace = document("phoenix-grpc");
    let report = runtime.block_on(async { export([&trace], &options) }).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_phoenix_has_all(&base, &trace.project_name);

    let refused = ExportOptions::new("http://127.0.0.1:9").protocol(Protocol::Grpc).retry_for(Duration::ZERO);
    let report = export([&document("nobody")], &refused).unwrap();
    assert_eq!((report.delivered, report.undelivered), (0, 8), "{report:?}");
}
