//! One run, its document, its stream, its rows: every path of the format is there, and all three say the same.
//!
//! The tracer of a process is set up once, so this is a test binary of its own with one test.
#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use whytrace::prelude::*;

prompt! { ANSWER = "answer", template = "Answer {{question}}" }

#[derive(TracingComponent)]
#[component(name = "collector", decisions("source_selected"))]
struct Collector;

#[traced_run(project = "document", query = "why?", intent = "validating", domain = "robots", tags = { "tier": "free" })]
fn run() {
    whytrace::set("tier_config", "free");
    let pass = whytrace::iteration();
    collect(3);
    answer("why?");
    pass.finish(&judge());
    whytrace::output("report_file_path", "report.md");
}

#[traced_stage("collection", component = Collector, input(depth), output)]
fn collect(depth: u32) -> u32 {
    decision!("source_selected", what = "exa", why = "best", confidence = 0.9, alternatives = ["web" => 0.4], inputs = { depth });
    whytrace::evidence(
        Evidence::new().collected(2).source("exa", 2).kept("a", "exa", 0.9, "on topic").dropped("b", "exa", 0.1, "off"),
    );
    depth
}

#[traced_stage("synthesis")]
fn answer(question: &str) -> String {
    generate(question)
}

#[observable("generate", kind = llm, prompt = ANSWER, model = "m-1", usage(|_| Usage::new(3, 4)), response(|r| r))]
fn generate(question: &str) -> String {
    whytrace::llm(LlmCall::new().provider("local").message("user", question).cost("0.000001".parse().unwrap()));
    "because".to_owned()
}

#[traced_stage("quality_gate")]
fn judge() -> Gate {
    whytrace::quality_gate(&[Score::new("A", 3.0).name("first").feedback("fine"), Score::new("B", 1.5)])
}

/// Paths of a document as the format names them; `*` stands for the first item.
const PATHS: &[&str] = &[
    "schema_version trace_id otel_trace_id parent_trace_id parent_span_id session_id user_id tags/tier project_id project_name",
    "run/query run/intent run/domain run/report_type run/research_type run/started_at run/completed_at run/duration_seconds",
    "run/status run/tracing_enabled run/fields/tier_config iteration_count quality_gate_failures outputs/report_file_path",
    "iterations/*/index iterations/*/started_at iterations/*/duration_seconds iterations/*/overall_score iterations/*/passed",
    "iterations/*/gaps child_traces calibration_flags warnings metadata/trace_version metadata/generator",
    "metadata/tracing_overhead_ms metadata/dropped_events metadata/stream_only metadata/late_events",
    "stages/collection/id stages/collection/parent_id stages/collection/index stages/collection/started_at",
    "stages/collection/completed_at stages/collection/duration_seconds stages/collection/outcome stages/collection/inputs/depth",
    "stages/collection/outputs stages/collection/prompts stages/collection/error stages/collection/observations",
    "stages/collection/evidence/collected stages/collection/evidence/passed stages/collection/evidence/filtered",
    "stages/collection/evidence/retrieved stages/collection/evidence/used stages/collection/evidence/by_source/exa",
    "stages/collection/evidence/items/*/id stages/collection/evidence/items/*/source stages/collection/evidence/items/*/score",
    "stages/collection/evidence/items/*/kept stages/collection/evidence/items/*/reason",
    "stages/collection/decisions/*/id stages/collection/decisions/*/observation_id stages/collection/decisions/*/decision",
    "stages/collection/decisions/*/what stages/collection/decisions/*/why stages/collection/decisions/*/confidence",
    "stages/collection/decisions/*/alternatives_considered/*/option stages/collection/decisions/*/alternatives_considered/*/confidence",
    "stages/collection/decisions/*/inputs/depth stages/collection/decisions/*/timestamp stages/collection/decisions/*/component",
    "stages/collection/decisions/*/location",
    "stages/synthesis/model stages/synthesis/token_usage/input_tokens stages/synthesis/token_usage/output_tokens",
    "stages/synthesis/token_usage/total_tokens stages/synthesis/cost_usd stages/synthesis/prompts/*/prompt_name",
    "stages/synthesis/observations/*/id stages/synthesis/observations/*/parent_id stages/synthesis/observations/*/name",
    "stages/synthesis/observations/*/kind stages/synthesis/observations/*/started_at stages/synthesis/observations/*/duration_ms",
    "stages/synthesis/observations/*/outcome stages/synthesis/observations/*/input stages/synthesis/observations/*/output",
    "stages/synthesis/observations/*/error stages/synthesis/observations/*/attributes",
    "stages/synthesis/observations/*/prompt_name stages/synthesis/observations/*/prompt_version",
    "stages/synthesis/observations/*/prompt_registry_name stages/synthesis/observations/*/prompt_uri",
    "stages/synthesis/observations/*/template_hash stages/synthesis/observations/*/model stages/synthesis/observations/*/provider",
    "stages/synthesis/observations/*/parameters stages/synthesis/observations/*/messages stages/synthesis/observations/*/response",
    "stages/synthesis/observations/*/usage/total_tokens stages/synthesis/observations/*/cost_usd",
    "stages/synthesis/observations/*/attempts stages/synthesis/observations/*/time_to_first_token_ms",
    "stages/synthesis/observations/*/cached",
    "stages/quality_gate/principle_scores/*/id stages/quality_gate/principle_scores/*/name",
    "stages/quality_gate/principle_scores/*/score stages/quality_gate/principle_scores/*/feedback stages/quality_gate/overall_score",
    "stages/quality_gate/passing stages/quality_gate/threshold stages/quality_gate/gaps stages/quality_gate/strengths",
];

#[test]
fn the_document_has_every_path_and_the_stream_folds_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let guard = whytrace::Tracer::builder()
        .dir(dir.path())
        .scorecard(whytrace::files::ScorecardMode::Off)
        .max_wait(None)
        .settings(|settings| settings.database = whytrace::settings::Database::Embedded)
        .init();
    run();
    drop(guard);

    let traces = dir.path().join("document/_traces");
    let path_of = |extension: &str| {
        let files = std::fs::read_dir(&traces).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|found| found == extension)).collect::<Vec<_>>()
    };
    let [document] = path_of("json").try_into().unwrap();
    let [stream] = path_of("jsonl").try_into().unwrap();
    let json: Value = serde_json::from_slice(&std::fs::read(&document).unwrap()).unwrap();
    let missing: Vec<&str> = PATHS
        .iter()
        .flat_map(|line| line.split(' '))
        .filter(|path| json.pointer(&format!("/{}", path.replace('*', "0"))).is_none())
        .collect();
    assert!(missing.is_empty(), "missing: {missing:?}");

    let folded = trace_core::collect::traces_of_stream(&stream).unwrap();
    assert_eq!(serde_json::to_value(&folded[0]).unwrap(), json);
    assert_eq!(json["stages"]["synthesis"]["cost_usd"].to_string(), "1e-6");
    assert!(std::fs::read_to_string(&document).unwrap().contains("\"cost_usd\": 0.000001"));

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let url = whytrace::sql::DatabaseUrl::sqlite_file(&dir.path().join("whytrace.db"));
    let stored = runtime.block_on(async {
        let mut store = whytrace::sql::SqlStore::open(&url).await.unwrap();
        store.document(json["trace_id"].as_str().unwrap()).await.unwrap().unwrap()
    });
    assert_eq!(stored, folded[0]);
}
