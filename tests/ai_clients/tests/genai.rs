//! genai 0.7, with its feature `otel`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod support;

use ai_clients::{ANSWERING, Server};
use futures_util::StreamExt;
use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ChatStream};
use genai::otel::agent::{AgentSpan, ExecuteToolSpan, set_error};
use genai::resolver::{AuthData, Endpoint, ServiceTargetResolver};
use genai::{Client, ModelIden, ServiceTarget};
use serde_json::{Value, json};
use support::{observations, only, recorded, usage};
use trace_core::model::{Kind, Outcome};

fn client(server: Server) -> Client {
    let at_server = move |target: ServiceTarget| -> Result<ServiceTarget, genai::resolver::Error> {
        Ok(ServiceTarget {
            endpoint: Endpoint::from_owned(server.url()),
            auth: AuthData::from_single("key"),
            model: ModelIden::new(AdapterKind::OpenAI, target.model.model_name),
        })
    };
    Client::builder().with_service_target_resolver(ServiceTargetResolver::from_resolver_fn(at_server)).build().unwrap()
}

fn request() -> ChatRequest {
    ChatRequest::new(vec![ChatMessage::system("You greet."), ChatMessage::user("Hi")])
}

/// genai reads once for a process whether it tells content, so a test that wants it runs in a process of its own.
fn in_own_process_with_content(test: &str) -> bool {
    const CONTENT: &str = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
    if std::env::var(CONTENT).is_ok_and(|value| value == "true") {
        return true;
    }
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--nocapture"]).env(CONTENT, "true").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    false
}

#[test]
fn a_chat_is_a_model_call_with_its_content() {
    if !in_own_process_with_content("a_chat_is_a_model_call_with_its_content") {
        return;
    }
    let trace = recorded(async |server| {
        let options = ChatOptions::default().with_temperature(0.7).with_stop_sequences(vec!["END".to_owned()]);
        client(server).exec_chat("gpt-4o-mini", request(), Some(&options)).await.unwrap();
    });
    let chat = only(&trace);
    let call = chat.llm.as_deref().unwrap();
    assert_eq!((chat.name.as_str(), &chat.kind, chat.outcome), ("chat gpt-4o-mini", &Kind::Llm, Some(Outcome::Ok)));
    assert_eq!((call.model.as_deref(), call.provider.as_deref()), (Some(ANSWERING), Some("openai")));
    assert_eq!(call.usage, Some(usage()));
    assert_eq!((&call.parameters["temperature"], &call.parameters["stop_sequences"]), (&json!(0.7), &json!(["END"])));
    let text = |role: &str, content: &str| json!({ "role": role, "parts": [{ "type": "text", "content": content }] });
    assert_eq!(call.messages, json!([text("system", "You greet."), text("user", "Hi")]));
    assert_eq!(call.response[0]["parts"][0]["content"], "Hello there.");
    assert_eq!(chat.attributes["gen_ai.operation.name"], "chat");
    assert_eq!(chat.attributes["gen_ai.response.finish_reasons"], json!(["stop"]));
    assert_eq!(chat.attributes["server.address"], "127.0.0.1");
}

#[test]
fn a_streamed_chat_has_its_content_and_its_first_token() {
    if !in_own_process_with_content("a_streamed_chat_has_its_content_and_its_first_token") {
        return;
    }
    let trace = recorded(async |server| {
        let options = ChatOptions::default().with_capture_usage(true).with_capture_content(true);
        let answer = client(server).exec_chat_stream("gpt-4o-mini", request(), Some(&options)).await.unwrap();
        drain(answer.stream).await.unwrap();
    });
    let call = only(&trace).llm.as_deref().unwrap();
    assert_eq!((call.model.as_deref(), call.usage), (Some("gpt-4o-mini"), Some(usage())));
    assert!(call.time_to_first_token_ms.is_some_and(|millis| millis > 0.0));
    assert_eq!(call.response[0]["parts"][0]["content"], "Hello there.");
    assert_eq!(call.parameters["stream"], true);
}

#[test]
fn without_being_asked_a_chat_tells_no_content() {
    let trace = recorded(async |server| {
        client(server).exec_chat("gpt-4o-mini", request(), None).await.unwrap();
    });
    let call = only(&trace).llm.as_deref().unwrap();
    assert_eq!((&call.messages, &call.response), (&Value::Null, &Value::Null));
    assert_eq!(call.usage, Some(usage()));
}

#[test]
fn a_chat_that_is_refused_is_a_failed_call() {
    let trace = recorded(async |server| {
        client(server).exec_chat("busy", request(), None).await.unwrap_err();
    });
    let chat = only(&trace);
    assert_eq!(chat.outcome, Some(Outcome::Err));
    assert_eq!(chat.error.as_ref().unwrap().kind.as_deref(), Some("429"));
    assert_eq!(chat.llm.as_deref().unwrap().model.as_deref(), Some("busy"));
}

#[test]
fn a_stream_that_fails_is_a_failed_call() {
    let trace = recorded(async |server| {
        let answer = client(server).exec_chat_stream("busy", request(), None).await.unwrap();
        drain(answer.stream).await.unwrap_err();
    });
    let chat = only(&trace);
    assert_eq!(chat.outcome, Some(Outcome::Err));
    assert_eq!(chat.error.as_ref().unwrap().kind.as_deref(), Some("web_stream"));
}

#[test]
fn an_embedding_is_a_call_of_an_embedding_model() {
    let trace = recorded(async |server| {
        client(server).embed("text-embedding-3-small", "Hi", None).await.unwrap();
    });
    let embedding = only(&trace);
    let call = embedding.llm.as_deref().unwrap();
    assert_eq!((&embedding.kind, embedding.outcome), (&Kind::Embedding, Some(Outcome::Ok)));
    assert_eq!((call.model.as_deref(), call.provider.as_deref()), (Some("text-embedding-3-small"), Some("openai")));
    assert_eq!(call.usage.unwrap().input_tokens, 3);
}

#[test]
fn agents_and_tools_that_a_program_names_with_genai_are_what_they_are() {
    let trace = recorded(async |_| {
        let agent = AgentSpan::invoke_agent().with_name("helper").start();
        agent.in_scope(|| {
            let tool = ExecuteToolSpan::new("look_up").start();
            set_error(&tool, "timeout");
        });
    });
    let [agent, tool] = observations(&trace)[..] else { panic!("two observations") };
    assert_eq!((agent.name.as_str(), &agent.kind), ("helper", &Kind::Agent));
    assert_eq!((tool.name.as_str(), &tool.kind), ("look_up", &Kind::Tool));
    assert_eq!(tool.parent_id.as_deref(), Some(agent.id.as_str()));
    assert_eq!(tool.error.as_ref().unwrap().kind.as_deref(), Some("timeout"));
}

/// Reads a stream to its end, or to its first error.
async fn drain(mut stream: ChatStream) -> Result<(), genai::Error> {
    while let Some(event) = stream.next().await {
        event?;
    }
    Ok(())
}
