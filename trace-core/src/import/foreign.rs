//! Where the members of foreign documents belong.

use super::fit::{fit, fit_list, keep, rename};
use super::{Document, NamedStages, Stages};
use crate::model::{
    Alternative, Attempt, ErrorInfo, Kind, Money, Object, Outcome, PromptLink, Stage, Status, Timestamp, TokenUsage,
    Trace, Usage,
};
use crate::names::project_folder;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What documents of the reference implementation have beside the stages, and this version under `run`.
const RUN_FIELDS: [&str; 11] = [
    "query",
    "intent",
    "domain",
    "report_type",
    "research_type",
    "started_at",
    "completed_at",
    "duration_seconds",
    "status",
    "tracing_enabled",
    "error",
];

/// Fields of the run by themselves, which this version has under `run.fields`.
const FREE_FIELDS: [&str; 4] = ["tier_config", "rubric_scores", "principle_breakdown", "retrieval_method"];

/// Words for a status in other programs, and ours.
const STATUS_WORDS: [(&str, &str); 6] = [
    ("completed", "complete"),
    ("success", "complete"),
    ("running", "in_progress"),
    ("error", "failed"),
    ("cancelled", "incomplete"),
    ("aborted", "incomplete"),
];

/// Reads a document whose form is not known to be ours.
pub(super) fn trace(document: Document) -> serde_json::Result<Trace> {
    let mut rest = document.rest;
    let mut stages = named(document.stages, &mut rest);
    shape_trace(&mut rest);
    let trace_id = rest.get("trace_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut read = NamedStages::with_capacity(stages.len());
    for (index, (name, stage)) in stages.iter_mut().enumerate() {
        shape_stage(stage);
        let mut stage: Stage = serde_json::from_value(Value::Object(std::mem::take(stage)))?;
        complete_stage(&mut stage, &trace_id, name, index);
        read.insert(name.clone(), stage);
    }
    let mut trace: Trace = serde_json::from_value(Value::Object(rest))?;
    trace.stages = read;
    complete_trace(&mut trace);
    Ok(trace)
}

/// The stages by name, in the order of the document. What is no stage is kept beside.
fn named(stages: Option<Stages>, rest: &mut Object) -> Vec<(String, Object)> {
    let entries: Vec<(Option<String>, Value)> = match stages {
        None => Vec::new(),
        Some(Stages::Named(stages)) => stages.into_iter().map(|(name, stage)| (Some(name), stage)).collect(),
        Some(Stages::Listed(stages)) => stages.into_iter().map(|stage| (None, stage)).collect(),
        Some(Stages::Other(other)) => {
            keep(rest, "stages", other);
            Vec::new()
        }
    };
    let mut named: Vec<(String, Object)> = Vec::with_capacity(entries.len());
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for (name, stage) in entries {
        let stage = match stage {
            Value::Object(stage) => stage,
            Value::Null => Object::new(),
            other => Object::from_iter([("stage_imported".to_owned(), other)]),
        };
        let of_stage = || ["name", "stage"].iter().find_map(|key| stage.get(*key)?.as_str()).map(str::to_owned);
        let name = name.or_else(of_stage).unwrap_or_else(|| "stage".to_owned());
        let used = uses.entry(name.clone()).or_default();
        *used += 1;
        named.push((if *used == 1 { name } else { format!("{name}#{used}") }, stage));
    }
    named
}

fn shape_trace(trace: &mut Object) {
    move_to_run(trace);
    fit::<u32>(trace, "schema_version");
    fit_texts(trace, &["trace_id", "session_id", "project_id", "project_name"]);
    fit_texts(trace, &["otel_trace_id", "parent_trace_id", "parent_span_id", "user_id"]);
    fit_object(trace, "tags", |tags| {
        let keys: Vec<String> = tags.keys().cloned().collect();
        fit_texts(tags, &keys);
    });
    if trace.get("iterations").is_some_and(Value::is_number) {
        rename(trace, "iterations", "iteration_count");
    }
    fit::<u32>(trace, "iteration_count");
    fit::<u32>(trace, "quality_gate_failures");
    fit_list(trace, "iterations", "feedback", |iteration| {
        fit::<u32>(iteration, "index");
        fit::<Timestamp>(iteration, "started_at");
        fit::<f64>(iteration, "duration_seconds");
        fit_number(iteration, "overall_score");
        fit::<bool>(iteration, "passed");
        fit::<Vec<String>>(iteration, "gaps");
    });
    fit::<Object>(trace, "outputs");
    fit_list(trace, "child_traces", "trace_id", |child| fit_texts(child, &["trace_id", "output_type", "path"]));
    fit_list(trace, "calibration_flags", "message", |flag| {
        fit_texts(flag, &["kind", "message"]);
        fit::<u64>(flag, "n");
        fit_number(flag, "effect");
        fit::<(f64, f64)>(flag, "interval");
        fit::<bool>(flag, "thin");
    });
    fit::<Vec<crate::model::Warning>>(trace, "warnings");
    fit_object(trace, "metadata", |metadata| {
        fit_texts(metadata, &["trace_version", "generator"]);
        fit::<f64>(metadata, "tracing_overhead_ms");
        for key in ["dropped_events", "stream_only", "late_events"] {
            fit::<u64>(metadata, key);
        }
    });
}

/// Puts under `run` what stands beside it.
fn move_to_run(trace: &mut Object) {
    let mut run = match trace.remove("run") {
        Some(Value::Object(run)) => run,
        None | Some(Value::Null) => Object::new(),
        Some(other) => {
            keep(trace, "run", other);
            Object::new()
        }
    };
    for key in RUN_FIELDS {
        if run.get(key).is_none_or(Value::is_null)
            && let Some(value) = trace.remove(key)
        {
            run.insert(key.to_owned(), value);
        }
    }
    fit::<Object>(&mut run, "fields");
    let mut fields = match run.remove("fields") {
        Some(Value::Object(fields)) => fields,
        _ => Object::new(),
    };
    for key in FREE_FIELDS {
        let stray = run.remove(key).or_else(|| trace.remove(key));
        if let Some(value) = stray {
            fields.entry(key).or_insert(value);
        }
    }
    run.insert("fields".to_owned(), Value::Object(fields));
    shape_run(&mut run);
    trace.insert("run".to_owned(), Value::Object(run));
}

fn shape_run(run: &mut Object) {
    fit_texts(run, &["query", "intent", "domain", "report_type", "research_type"]);
    fit::<Timestamp>(run, "started_at");
    fit::<Timestamp>(run, "completed_at");
    fit::<f64>(run, "duration_seconds");
    if !run.contains_key("status") && run.contains_key("completed_at") {
        run.insert("status".to_owned(), json!(Status::Complete));
    }
    reword(run, "status", &STATUS_WORDS);
    fit::<Status>(run, "status");
    fit::<bool>(run, "tracing_enabled");
    fit_error(run);
}

fn shape_stage(stage: &mut Object) {
    fit_texts(stage, &["id", "parent_id", "component", "model"]);
    fit::<u32>(stage, "index");
    fit::<Timestamp>(stage, "started_at");
    fit::<Timestamp>(stage, "completed_at");
    fit::<f64>(stage, "duration_seconds");
    fit::<Outcome>(stage, "outcome");
    fit::<Vec<PromptLink>>(stage, "prompts");
    fit_error(stage);
    fit_object(stage, "evidence", shape_evidence);
    fit_list(stage, "decisions", "what", shape_decision);
    fit_list(stage, "observations", "name", shape_observation);
    fit::<TokenUsage>(stage, "token_usage");
    fit::<Money>(stage, "cost_usd");
    list_scores(stage);
    fit_list(stage, "principle_scores", "id", |score| {
        fit_texts(score, &["id", "name", "feedback"]);
        fit_number(score, "score");
    });
    fit_number(stage, "overall_score");
    fit::<bool>(stage, "passing");
    fit_number(stage, "threshold");
    fit::<Vec<String>>(stage, "gaps");
    fit::<Vec<String>>(stage, "strengths");
    fit::<Object>(stage, "attributes");
}

fn shape_evidence(evidence: &mut Object) {
    for count in ["collected", "passed", "filtered", "retrieved", "used"] {
        rename(evidence, &format!("{count}_count"), count);
        fit::<u64>(evidence, count);
    }
    fit::<BTreeMap<String, u64>>(evidence, "by_source");
    fit_list(evidence, "items", "id", |item| {
        fit_texts(item, &["id", "source", "reason"]);
        fit_number(item, "score");
        fit::<bool>(item, "kept");
    });
}

fn shape_decision(decision: &mut Object) {
    for name in ["decision_type", "decision_point", "name", "type"] {
        rename(decision, name, "decision");
    }
    fit_texts(decision, &["id", "observation_id", "decision", "what", "why", "component", "location"]);
    fit::<f64>(decision, "confidence");
    fit::<Timestamp>(decision, "timestamp");
    fit::<Object>(decision, "inputs");
    list_alternatives(decision);
    // Texts are alternatives in the notation of the reference; the model reads them.
    let is_text_only = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    if !decision.get("alternatives_considered").is_some_and(is_text_only) {
        fit::<Vec<Alternative>>(decision, "alternatives_considered");
    }
}

fn shape_observation(observation: &mut Object) {
    fit_texts(observation, &["id", "parent_id", "name", "component", "model", "provider"]);
    fit_texts(observation, &["prompt_name", "prompt_registry_name", "prompt_uri", "template_hash"]);
    fit::<Kind>(observation, "kind");
    fit::<Timestamp>(observation, "started_at");
    fit::<f64>(observation, "duration_ms");
    fit::<f64>(observation, "time_to_first_token_ms");
    fit::<Outcome>(observation, "outcome");
    fit_error(observation);
    fit::<Object>(observation, "attributes");
    fit::<Object>(observation, "parameters");
    fit::<u32>(observation, "prompt_version");
    fit::<Usage>(observation, "usage");
    fit::<Money>(observation, "cost_usd");
    fit::<Vec<Attempt>>(observation, "attempts");
    fit::<bool>(observation, "cached");
}

/// Scores by principle, `{"META-12": 1.5}` or `{"META-12": {"score": 1.5, …}}`, as a list.
fn list_scores(stage: &mut Object) {
    if let Some(Value::Object(scores)) = stage.get("principle_scores") {
        let score = |(id, score): (&String, &Value)| match score {
            Value::Object(score) => {
                let mut score = score.clone();
                score.entry("id").or_insert_with(|| json!(id));
                Value::Object(score)
            }
            score => json!({ "id": id, "score": score }),
        };
        let scores = scores.iter().map(score).collect();
        stage.insert("principle_scores".to_owned(), Value::Array(scores));
    }
}

/// Alternatives by option, `{"google": 0.6}`, as a list.
fn list_alternatives(decision: &mut Object) {
    if let Some(Value::Object(options)) = decision.get("alternatives_considered") {
        let alternative =
            |(option, confidence): (&String, &Value)| json!({ "option": option, "confidence": confidence });
        let list = options.iter().map(alternative).collect();
        decision.insert("alternatives_considered".to_owned(), Value::Array(list));
    }
}

fn fit_texts<K: AsRef<str>>(object: &mut Object, keys: &[K]) {
    for key in keys {
        fit::<String>(object, key.as_ref());
    }
}

/// An error that is only a text is its message.
fn fit_error(object: &mut Object) {
    if let Some(Value::String(message)) = object.get("error") {
        let error = json!({ "message": message });
        object.insert("error".to_owned(), error);
    }
    fit::<ErrorInfo>(object, "error");
}

/// Replaces a word by ours.
fn reword(object: &mut Object, key: &str, words: &[(&str, &str)]) {
    let word = object.get(key).and_then(Value::as_str);
    if let Some((_, ours)) = words.iter().find(|(theirs, _)| word.is_some_and(|word| word.eq_ignore_ascii_case(theirs)))
    {
        object.insert(key.to_owned(), json!(ours));
    }
}

/// A number that may be NaN or infinite, which is written as a word.
fn fit_number(object: &mut Object, key: &str) {
    let is_word = |value: &Value| matches!(value.as_str(), Some("NaN" | "Infinity" | "-Infinity"));
    if !object.get(key).is_some_and(is_word) {
        fit::<f64>(object, key);
    }
}

fn fit_object(object: &mut Object, key: &str, shape: fn(&mut Object)) {
    match object.remove(key) {
        None | Some(Value::Null) => {}
        Some(Value::Object(mut member)) => {
            shape(&mut member);
            object.insert(key.to_owned(), Value::Object(member));
        }
        Some(other) => keep(object, key, other),
    }
}

/// Fills in what a document of the reference implementation does not say, because it follows.
fn complete_trace(trace: &mut Trace) {
    if trace.session_id.is_empty() {
        trace.session_id.clone_from(&trace.trace_id);
    }
    if trace.project_name.is_empty() {
        trace.project_name.clone_from(&trace.project_id);
    }
    if trace.project_id.is_empty() {
        trace.project_id = project_folder(&trace.project_name);
    }
    trace.iteration_count = trace.iteration_count.max(u32::try_from(trace.iterations.len()).unwrap_or(u32::MAX));
    trace.run.tracing_enabled = true;
}

/// Ids are unique in a trace and rows are found by them, so that what has none gets one; the same at every import.
fn complete_stage(stage: &mut Stage, trace_id: &str, name: &str, index: usize) {
    let made =
        |what: &str, place: usize| crate::text::hash(&format!("{trace_id}\0{name}\0{what}\0{place}"))[..16].to_owned();
    if stage.id.is_empty() {
        stage.id = made("stage", index);
    }
    stage.index = u32::try_from(index).unwrap_or(u32::MAX);
    if stage.outcome.is_none() && stage.completed_at.is_some() {
        stage.outcome = Some(if stage.error.is_some() { Outcome::Err } else { Outcome::Ok });
    }
    for (place, decision) in stage.decisions.iter_mut().enumerate().filter(|(_, decision)| decision.id.is_empty()) {
        decision.id = made("decision", place);
    }
    for (place, observation) in stage.observations.iter_mut().enumerate().filter(|(_, found)| found.id.is_empty()) {
        observation.id = made("observation", place);
    }
}
