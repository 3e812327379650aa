//! rig 0.44: models called directly, and agents with tools.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod support;

use ai_clients::{ANSWERING, Server};
use futures_util::StreamExt;
use rig_agent::AgentBuilder;
use rig_core::completion::CompletionRequest;
use rig_core::providers::openai::{OpenAI, OpenAIConfig};
use rig_core::tool::PortableTool;
use serde_json::{Value, json};
use support::{named, observations, only, recorded, usage};
use trace_core::model::{Kind, Outcome};
use trace_core::record::facts;

fn openai(server: Server) -> OpenAI {
    OpenAIConfig::new("key").with_base_url(server.url()).client()
}

#[test]
fn a_model_called_directly_is_a_model_call() {
    let trace = recorded(async |server| {
        let request = CompletionRequest::new("Hi").preamble("You greet.").record_content_telemetry(true);
        openai(server).chat("gpt-4o-mini").call(request).await.unwrap();
    });
    let chat = only(&trace);
    let call = chat.llm.as_deref().unwrap();
    assert_eq!((chat.name.as_str(), &chat.kind, chat.outcome), ("chat", &Kind::Llm, Some(Outcome::Ok)));
    assert_eq!((call.model.as_deref(), call.provider.as_deref()), (Some(ANSWERING), Some("openai")));
    assert_eq!(call.usage, Some(usage()));
    assert_eq!(chat.attributes["gen_ai.operation.name"], "chat");
    assert_eq!(chat.attributes["gen_ai.response.id"], "chatcmpl-1");
    // Of a model that no agent calls, rig tells the instructions and no other content.
    assert_eq!(call.messages, json!([{ "role": "system", "parts": [{ "type": "text", "content": "You greet." }] }]));
    assert_eq!(call.response, Value::Null);
}

#[test]
fn a_streamed_answer_is_the_same_call() {
    let trace = recorded(async |server| {
        let mut stream = openai(server).chat("gpt-4o-mini").stream("Hi").unwrap();
        while let Some(item) = stream.next().await {
            item.unwrap();
        }
        stream.finish().await.unwrap();
    });
    let call = only(&trace).llm.as_deref().unwrap();
    assert_eq!((call.model.as_deref(), call.usage), (Some(ANSWERING), Some(usage())));
    assert_eq!(call.parameters["stream"], true);
}

#[test]
fn a_stream_that_is_not_asked_for_its_whole_is_no_failure() {
    let trace = recorded(async |server| {
        let mut stream = openai(server).chat("gpt-4o-mini").stream("Hi").unwrap();
        while let Some(item) = stream.next().await {
            item.unwrap();
        }
    });
    let chat = only(&trace);
    assert_eq!((chat.outcome, chat.llm.as_deref().unwrap().usage), (Some(Outcome::Ok), None));
}

/// rig says nothing of a failure through `tracing`: its span has no field for it.
#[test]
fn a_call_that_fails_is_no_success() {
    let trace = recorded(async |server| {
        openai(server).chat("busy").call("Hi").await.unwrap_err();
    });
    let chat = only(&trace);
    assert_eq!(chat.outcome, Some(Outcome::Err));
    assert_eq!(chat.error.as_ref().unwrap().kind.as_deref(), Some("no_answer"));
    let call = chat.llm.as_deref().unwrap();
    assert_eq!((call.model.as_deref(), call.usage), (Some("busy"), None));
}

#[test]
fn an_embedding_is_a_call_of_an_embedding_model() {
    let trace = recorded(async |server| {
        openai(server).embedding("text-embedding-3-small", None).embed_text("Hi").await.unwrap();
    });
    let embedding = only(&trace);
    let call = embedding.llm.as_deref().unwrap();
    assert_eq!((&embedding.kind, embedding.outcome), (&Kind::Embedding, Some(Outcome::Ok)));
    assert_eq!(call.model.as_deref(), Some("text-embedding-3-small"));
    assert_eq!(call.usage.unwrap().input_tokens, 3);
}

#[test]
fn an_agent_its_calls_and_its_tools_are_a_tree() {
    let trace = recorded(async |server| {
        let agent = AgentBuilder::new(openai(server).chat("gpt-4o-mini"))
            .name("helper")
            .preamble("You help.")
            .tool(LookUp { fails: false })
            .record_content_telemetry(true)
            .build();
        agent.prompt("What is 7?").max_turns(3).await.unwrap();
    });
    let names: Vec<&str> = observations(&trace).iter().map(|observation| observation.name.as_str()).collect();
    assert_eq!(names, ["helper", "chat", "look_up", "chat"]);

    let agent = named(&trace, "helper");
    assert_eq!((&agent.kind, agent.outcome), (&Kind::Agent, Some(Outcome::Ok)));
    assert_eq!((&agent.input, &agent.output), (&json!("What is 7?"), &json!("Hello there.")));
    assert_eq!(trace.stages["_run"].token_usage.unwrap().input_tokens, 240, "of two calls, and not of the agent again");

    let tool = named(&trace, "look_up");
    assert_eq!((&tool.kind, tool.outcome), (&Kind::Tool, Some(Outcome::Ok)));
    assert_eq!((&tool.input, &tool.output), (&json!({ "id": 7 }), &json!("seven")));
    assert_eq!(tool.attributes["looked_up"], 7, "what the tool says of itself belongs to it");

    for observation in &observations(&trace)[1..] {
        assert_eq!(observation.parent_id.as_deref(), Some(agent.id.as_str()), "{}", observation.name);
    }
    let calls: Vec<_> = observations(&trace).iter().filter_map(|observation| observation.llm.as_deref()).collect();
    let [first, second] = calls[..] else { panic!("two calls") };
    assert_eq!((first.usage, second.usage), (Some(usage()), Some(usage())));
    let roles = |messages: &Value| -> Vec<String> {
        messages.as_array().unwrap().iter().map(|message| message["role"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(roles(&first.messages), ["system", "user"]);
    assert_eq!(first.messages[0]["parts"][0]["content"], "You help.");
    assert_eq!(first.messages[1]["parts"][0]["content"], "What is 7?");
    assert_eq!(first.response[0]["parts"][0]["name"], "look_up");
    assert_eq!(roles(&second.messages), ["system", "user", "assistant", "user"]);
    assert_eq!(second.response[0]["parts"][0]["content"], "Hello there.");
}

#[test]
fn without_being_asked_an_agent_tells_no_content() {
    let trace = recorded(async |server| {
        let agent = AgentBuilder::new(openai(server).chat("gpt-4o-mini")).tool(LookUp { fails: false }).build();
        agent.prompt("What is 7?").max_turns(3).await.unwrap();
    });
    let text = serde_json::to_string(&trace).unwrap();
    assert!(!text.contains("What is 7?") && !text.contains("Hello there.") && !text.contains("seven"), "{text}");
    assert_eq!(named(&trace, "look_up").kind, Kind::Tool);
}

#[test]
fn a_tool_that_fails_is_a_failed_tool() {
    let trace = recorded(async |server| {
        let agent = AgentBuilder::new(openai(server).chat("gpt-4o-mini")).tool(LookUp { fails: true }).build();
        agent.prompt("What is 7?").max_turns(3).await.unwrap();
    });
    let tool = named(&trace, "look_up");
    assert_eq!(tool.outcome, Some(Outcome::Err));
    assert_eq!(tool.attributes["gen_ai.tool.call.outcome"], "error");
    assert!(tool.error.is_some());
}

/// A tool that finds everything, or nothing.
struct LookUp {
    fails: bool,
}

#[derive(Debug)]
struct NotFound;

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no such thing")
    }
}

impl std::error::Error for NotFound {}

impl PortableTool for LookUp {
    const NAME: &'static str = "look_up";
    type Args = Value;
    type Output = String;
    type Error = NotFound;

    fn description(&self) -> String {
        "Looks a thing up".to_owned()
    }

    fn parameters(&self) -> Value {
        json!({ "type": "object", "properties": { "id": { "type": "integer" } } })
    }

    async fn call(&self, arguments: Value) -> Result<String, NotFound> {
        facts::attribute("looked_up", &arguments["id"]);
        if self.fails { Err(NotFound) } else { Ok("seven".to_owned()) }
    }
}
