//! Code instrumented with `tracing`, inside of a trace.

#![cfg(feature = "layer")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

use serde_json::{Value, json};
use std::io::Write;
use std::sync::{Arc, Mutex};
use trace_core::model::{Kind, Observation, Outcome, Trace};
use trace_core::record::facts;
use trace_core::testing;
use trace_otel::{TraceIds, TraceLayer};
use tracing::field::Empty;
use tracing::{Instrument, Level, info_span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format;
use tracing_subscriber::layer::SubscriberExt;

/// Runs code in a trace, with the layer.
fn recorded(layer: TraceLayer, code: impl FnOnce()) -> Trace {
    let subscriber = tracing_subscriber::registry().with(layer);
    let captured = testing::trace(|| tracing::subscriber::with_default(subscriber, code));
    captured.trace().clone()
}

fn observation<'a>(trace: &'a Trace, name: &str) -> &'a Observation {
    let all = trace.stages.values().flat_map(|stage| &stage.observations);
    all.into_iter().find(|observation| observation.name == name).unwrap_or_else(|| panic!("no observation {name}"))
}

/// The span that rig 0.44 makes for a completion, field by field; provider and model known, the rest recorded later.
fn rig_completion() -> tracing::Span {
    info_span!(
        target: "rig::completions",
        "chat",
        otel.name = Empty,
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = "openai",
        gen_ai.request.model = "gpt-4o-mini",
        gen_ai.system_instructions = r#"[{"type":"text","content":"You answer."}]"#,
        gen_ai.request.stream = Empty,
        gen_ai.response.id = Empty,
        gen_ai.response.model = Empty,
        rig.provider_request_id = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        gen_ai.usage.cache_read.input_tokens = Empty,
        gen_ai.usage.cache_creation.input_tokens = Empty,
        gen_ai.usage.tool_use_prompt_tokens = Empty,
        gen_ai.usage.reasoning_tokens = Empty,
        gen_ai.input.messages = Empty,
        gen_ai.output.messages = Empty,
    )
}

#[test]
fn a_completion_of_rig_is_a_model_call() {
    let trace = recorded(TraceLayer::new(), || {
        let span = rig_completion();
        span.in_scope(|| {
            span.record("gen_ai.input.messages", r#"[{"role":"user","parts":[{"type":"text","content":"Hi"}]}]"#);
            span.record("gen_ai.response.id", "resp_1");
            span.record("gen_ai.response.model", "gpt-4o-mini-2024-07-18");
            span.record("gen_ai.usage.input_tokens", 120_u64);
            span.record("gen_ai.usage.output_tokens", 34_u64);
            span.record("gen_ai.usage.cache_read.input_tokens", 40_u64);
            span.record("gen_ai.usage.reasoning_tokens", 10_u64);
            span.record("gen_ai.output.messages", r#"[{"role":"assistant","parts":[]}]"#);
        });
    });
    let chat = observation(&trace, "chat");
    let call = chat.llm.as_deref().unwrap();
    assert_eq!((&chat.kind, chat.outcome), (&Kind::Llm, Some(Outcome::Ok)));
    assert_eq!((call.model.as_deref(), call.provider.as_deref()), (Some("gpt-4o-mini-2024-07-18"), Some("openai")));
    let usage = call.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.cached_input_tokens), (80, 40));
    assert_eq!((usage.output_tokens, usage.reasoning_tokens, usage.total_tokens), (24, 10, 154));
    assert_eq!(call.messages[0]["role"], "system");
    assert_eq!(call.messages[1]["parts"][0]["content"], "Hi");
    assert_eq!(call.response[0]["role"], "assistant");
    assert_eq!(chat.attributes["gen_ai.response.id"], "resp_1");
    assert_eq!(trace.stages["_run"].token_usage.unwrap().input_tokens, 120);
}

/// The span that genai 0.7 makes for a chat, and how it marks a failure.
#[test]
fn a_failed_chat_of_genai_is_a_failed_model_call() {
    let trace = recorded(TraceLayer::new(), || {
        let span = info_span!(
            "genai.chat",
            "otel.name" = "chat gpt-4o",
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "error.type" = Empty,
            "gen_ai.operation.name" = "chat",
            "gen_ai.provider.name" = "openai",
            "gen_ai.request.model" = "gpt-4o",
            "gen_ai.request.stream" = false,
            "gen_ai.request.temperature" = Empty,
            "gen_ai.usage.input_tokens" = Empty,
            "gen_ai.usage.output_tokens" = Empty,
            "gen_ai.response.time_to_first_chunk" = Empty,
        );
        span.record("gen_ai.request.temperature", 0.7);
        span.record("gen_ai.response.time_to_first_chunk", 0.25);
        span.record("otel.status_code", "error");
        span.record("error.type", "429");
    });
    let chat = observation(&trace, "chat gpt-4o");
    let call = chat.llm.as_deref().unwrap();
    assert_eq!(chat.outcome, Some(Outcome::Err));
    assert_eq!(chat.error.as_ref().unwrap().kind.as_deref(), Some("429"));
    assert_eq!(call.parameters["temperature"], 0.7);
    assert_eq!(call.parameters["stream"], false);
    assert_eq!((call.time_to_first_token_ms, call.usage), (Some(250.0), None));
}

/// The spans that rig makes for an agent and its tools: everything but the operation is recorded later.
#[test]
fn a_tool_and_an_agent_are_what_they_are_and_agents_add_no_tokens() {
    let trace = recorded(TraceLayer::new(), || {
        let agent = info_span!(
            parent: None,
            "invoke_agent",
            gen_ai.operation.name = "invoke_agent",
            gen_ai.agent.name = "helper",
            gen_ai.prompt = Empty,
            gen_ai.completion = Empty,
            gen_ai.usage.input_tokens = Empty,
        );
        agent.record("gen_ai.prompt", "What is 7?");
        agent.in_scope(|| {
            let tool = info_span!(
                "execute_tool",
                gen_ai.operation.name = "execute_tool",
                gen_ai.tool.name = Empty,
                gen_ai.tool.call.arguments = Empty,
                gen_ai.tool.call.result = Empty,
            );
            tool.record("gen_ai.tool.name", "look_up");
            tool.record("gen_ai.tool.call.arguments", r#"{"id":7}"#);
            tool.record("gen_ai.tool.call.result", "found");
        });
        agent.record("gen_ai.usage.input_tokens", 120_u64);
        agent.record("gen_ai.completion", "7");
    });
    let (agent, tool) = (observation(&trace, "helper"), observation(&trace, "look_up"));
    assert_eq!((&agent.kind, &tool.kind), (&Kind::Agent, &Kind::Tool));
    assert_eq!((&agent.input, &agent.output), (&json!("What is 7?"), &json!("7")));
    assert_eq!((&tool.input, &tool.output), (&json!({ "id": 7 }), &json!("found")));
    assert_eq!(tool.parent_id.as_deref(), Some(agent.id.as_str()));
    assert!(agent.llm.is_none() && trace.stages["_run"].token_usage.is_none());
}

#[test]
fn what_a_tool_says_at_once_is_known_at_once() {
    let trace = recorded(TraceLayer::new(), || {
        drop(info_span!(
            "tool",
            "otel.name" = "execute_tool look_up",
            gen_ai.operation.name = "execute_tool",
            gen_ai.tool.name = "look_up",
            gen_ai.tool.call.arguments = r#"{"id":7}"#,
            gen_ai.tool.error.type = "timeout",
        ));
    });
    let tool = observation(&trace, "look_up");
    assert_eq!((&tool.input, tool.outcome), (&json!({ "id": 7 }), Some(Outcome::Err)));
    assert_eq!(tool.error.as_ref().unwrap().kind.as_deref(), Some("timeout"));
}

#[test]
fn a_call_without_any_sign_of_an_answer_has_failed_unless_it_is_a_stream() {
    let trace = recorded(TraceLayer::new(), || {
        drop(rig_completion());
        let stream = rig_completion();
        stream.record("otel.name", "stream");
        stream.record("gen_ai.request.stream", true);
        // It has no fields for an answer, so their absence says nothing.
        drop(info_span!("own", gen_ai.operation.name = "chat", gen_ai.request.model = "gpt-4o"));
    });
    let outcomes: Vec<_> = ["chat", "stream", "own"].map(|name| observation(&trace, name).outcome).into();
    assert_eq!(outcomes, [Some(Outcome::Err), Some(Outcome::Ok), Some(Outcome::Ok)]);
    assert_eq!(observation(&trace, "chat").error.as_ref().unwrap().kind.as_deref(), Some("no_answer"));
}

#[test]
fn a_call_that_a_panic_ends_has_panicked() {
    let trace = recorded(TraceLayer::new(), || {
        let call = || {
            let span = rig_completion().entered();
            span.record("gen_ai.request.stream", false);
            panic!("no");
        };
        assert!(std::panic::catch_unwind(call).is_err());
    });
    let chat = observation(&trace, "chat");
    assert_eq!((chat.outcome, &chat.error), (Some(Outcome::Panicked), &None));
}

#[test]
fn instructions_that_are_said_twice_are_one_message() {
    let trace = recorded(TraceLayer::new(), || {
        let span = rig_completion();
        let messages =
            r#"[{"role":"system","parts":[{"type":"text","content":"You answer."}]},{"role":"user","parts":[]}]"#;
        span.record("gen_ai.input.messages", messages);
    });
    let messages = &observation(&trace, "chat").llm.as_deref().unwrap().messages;
    assert_eq!(messages.as_array().map(Vec::len), Some(2), "{messages}");
}

#[test]
fn spans_and_stages_nest_as_they_were_entered() {
    let trace = recorded(TraceLayer::new(), || {
        let outer = info_span!("outer", answer = 42).entered();
        let stage = facts::stage("inside");
        stage.scope(|| info_span!("inner").in_scope(|| ()));
        drop(stage);
        drop(outer);
        info_span!("after").in_scope(|| ());
    });
    let outer = observation(&trace, "outer");
    assert_eq!(outer.attributes["answer"], 42);
    assert_eq!(trace.stages["inside"].parent_id.as_deref(), Some(outer.id.as_str()));
    assert_eq!(trace.stages["inside"].observations[0].name, "inner");
    let root = trace.metadata.root_span_id.as_deref();
    assert_eq!(observation(&trace, "after").parent_id.as_deref(), root);
}

#[test]
fn a_parent_that_is_named_wins() {
    let trace = recorded(TraceLayer::new(), || {
        let named = info_span!("named");
        let _elsewhere = info_span!("elsewhere").entered();
        drop(info_span!(parent: &named, "child"));
    });
    assert_eq!(observation(&trace, "child").parent_id.as_deref(), Some(observation(&trace, "named").id.as_str()));
}

#[test]
fn spans_left_out_of_order_leave_the_place_as_it_was() {
    let trace = recorded(TraceLayer::new(), || {
        let (one, other) = (info_span!("one").entered(), info_span!("other").entered());
        drop(one);
        info_span!("in other").in_scope(|| ());
        drop(other);
        info_span!("in none").in_scope(|| ());
    });
    assert_eq!(observation(&trace, "in other").parent_id.as_deref(), Some(observation(&trace, "other").id.as_str()));
    assert_eq!(observation(&trace, "in none").parent_id, trace.metadata.root_span_id);
}

#[test]
fn a_spawned_future_keeps_its_trace_by_its_span() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let subscriber = Arc::new(tracing_subscriber::registry().with(TraceLayer::new()));
    let dispatch = tracing::Dispatch::new(subscriber);
    let captured = testing::trace(|| {
        tracing::dispatcher::with_default(&dispatch, || {
            let span = info_span!("spawned");
            let work = async {
                tokio::task::yield_now().await;
                facts::attribute("thread", "another");
            };
            let dispatched =
                tracing::instrument::WithSubscriber::with_subscriber(work.instrument(span), dispatch.clone());
            runtime.block_on(runtime.spawn(dispatched)).unwrap();
        });
    });
    assert_eq!(observation(captured.trace(), "spawned").attributes["thread"], "another");
}

#[test]
fn events_are_errors_warnings_and_attributes() {
    let layer = TraceLayer::new().events(Targets::new().with_default(Level::INFO));
    let trace = recorded(layer, || {
        let span = info_span!("work").entered();
        tracing::info!(items = 3, "half way");
        tracing::warn!("slow");
        tracing::error!(error = "disk full", "cannot save");
        tracing::debug!("not taken");
        drop(span);
    });
    let work = observation(&trace, "work");
    let error = work.error.as_ref().unwrap();
    assert_eq!((work.outcome, error.message.as_str()), (Some(Outcome::Err), "cannot save: disk full"));
    assert_eq!(error.kind.as_deref(), Some("layer"));
    assert_eq!(trace.warnings[0].message, "slow");
    let logged: Vec<&Value> =
        work.attributes.iter().filter(|(key, _)| key.starts_with("log.")).map(|(_, value)| value).collect();
    assert_eq!(logged, [&json!("INFO layer: half way (items=3)")]);
}

#[test]
fn levels_and_targets_choose() {
    let layer = TraceLayer::new().spans(Targets::new().with_default(Level::WARN).with_target("chosen", Level::DEBUG));
    let trace = recorded(layer, || {
        drop(info_span!("not taken"));
        drop(tracing::debug_span!(target: "chosen::inside", "taken"));
    });
    let names: Vec<&str> = trace
        .stages
        .values()
        .flat_map(|stage| &stage.observations)
        .map(|observation| observation.name.as_str())
        .collect();
    assert_eq!(names, ["taken"]);
}

#[test]
fn outside_a_trace_nothing_happens() {
    let subscriber = tracing_subscriber::registry().with(TraceLayer::new());
    tracing::subscriber::with_default(subscriber, || {
        let span = rig_completion().entered();
        tracing::error!("nowhere");
        drop(span);
    });
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn lines_of_a_log_name_their_trace() {
    let (text, object) = (Lines::default(), Lines::default());
    let (of_text, of_object) = (text.clone(), object.clone());
    let as_text = tracing_subscriber::fmt()
        .with_ansi(false)
        .event_format(TraceIds::text(format().without_time()))
        .with_writer(move || of_text.clone())
        .finish();
    let as_json = tracing_subscriber::fmt()
        .json()
        .event_format(TraceIds::json(format().json()))
        .with_writer(move || of_object.clone())
        .finish();
    let say = || {
        tracing::info!("outside");
        let captured = testing::trace(|| facts::stage("s").scope(|| tracing::info!("inside")));
        captured.trace().clone()
    };
    let trace = tracing::subscriber::with_default(as_text, say);
    let (id, span) = (&trace.trace_id, &trace.stages["s"].id);
    assert_eq!(text.text(), format!(" INFO layer: outside\ntrace_id={id} span_id={span}  INFO layer: inside\n"));

    let trace = tracing::subscriber::with_default(as_json, say);
    let lines: Vec<Value> = object.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0].get("trace_id").is_none());
    assert_eq!(lines[1]["fields"]["message"], "inside");
    assert_eq!(lines[1]["trace_id"], *trace.trace_id);
    assert_eq!(lines[1]["otel_trace_id"].as_str(), trace.otel_trace_id.as_deref());
    assert_eq!(lines[1]["span_id"], *trace.stages["s"].id);
}
