//! A server on this machine plays the model.

use super::{Completion, Endpoint, Unanswered};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

/// Asks an endpoint that gives these responses, one for each try; returns what came of it and the requests.
fn ask(responses: &'static [&'static str]) -> (Result<Completion, Unanswered>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || responses.iter().map(|response| serve(&listener, response)).collect());
    let endpoint = Endpoint::new(&format!("http://{address}/v1/"), Some("planted-key".into()), "asked".into());
    let outcome = endpoint.complete(&serde_json::json!([{ "role": "user", "content": "why?" }]));
    (outcome, server.join().unwrap())
}

fn serve(listener: &TcpListener, response: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = String::new();
    let mut buffer = [0; 4096];
    while !request.ends_with('}') {
        let read = stream.read(&mut buffer).unwrap();
        request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
    stream.write_all(response.as_bytes()).unwrap();
    request
}

const STREAM: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n\
data: {\"model\":\"answered\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
data: {\"model\":\"answered\",\"choices\":[{\"delta\":{\"content\":\"Because \"}}]}\n\n\
data: {\"model\":\"answered\",\"choices\":[{\"delta\":{\"content\":\"so [1].\"}}],\"usage\":null}\n\n\
data: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":4,\"prompt_tokens_details\":{\"cached_tokens\":8}}}\n\n\
data: [DONE]\n\n";

const BUSY: &str = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 0\r\nconnection: close\r\n\r\n\
{\"error\":{\"message\":\"slow down\"}}";

#[test]
fn a_streamed_answer_is_put_together() {
    let (outcome, requests) = ask(&[STREAM]);
    let completion = outcome.unwrap();
    assert_eq!((completion.text.as_str(), completion.model.as_str()), ("Because so [1].", "answered"));
    let usage = completion.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.cached_input_tokens, usage.output_tokens), (12, 8, 4));
    assert_eq!(completion.attempts.len(), 1);
    assert!(requests[0].starts_with("POST /v1/chat/completions"));
    assert!(requests[0].contains("Bearer planted-key") && requests[0].contains("\"stream\":true"));
}

#[test]
fn a_busy_server_is_asked_again_and_every_try_is_told() {
    let completion = ask(&[BUSY, STREAM]).0.unwrap();
    let [refused, answered] = &completion.attempts[..] else { panic!("two tries") };
    assert_eq!((refused.number, refused.status), (1, Some(429)));
    assert_eq!(refused.error.as_deref(), Some("HTTP 429: slow down"));
    assert_eq!((answered.number, &answered.error), (2, &None));
}

#[test]
fn a_refusal_that_will_not_pass_is_not_repeated() {
    let (outcome, _) = ask(&["HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\nno such key"]);
    let error = outcome.unwrap_err();
    assert_eq!(error.attempts.len(), 1);
    assert_eq!(error.to_string(), "no answer from asked after 1 tries: HTTP 401: no such key");
}

#[test]
fn an_answer_that_is_not_streamed_is_read_too() {
    let completion = ask(&["HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n\
        {\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"Whole.\"}}]}"])
    .0
    .unwrap();
    assert_eq!((completion.text.as_str(), completion.model.as_str()), ("Whole.", "asked"));
}

#[test]
fn what_is_not_a_completion_is_an_error() {
    for response in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>hello</html>",
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: [DONE]\n\n",
    ] {
        assert!(ask(std::slice::from_ref(Box::leak(Box::new(response)))).0.is_err());
    }
}

#[test]
fn the_provider_is_the_host() {
    let provider = |base: &str| Endpoint::new(base, None, "m".into()).provider().to_owned();
    assert_eq!(provider("https://api.openai.com/v1"), "openai");
    assert_eq!(provider("http://localhost:11434/v1"), "localhost");
    assert_eq!(provider("nonsense"), "nonsense");
}

#[test]
fn the_key_is_not_shown() {
    let endpoint = Endpoint::new("http://localhost/v1", Some("planted-key".into()), "m".into());
    assert!(!format!("{endpoint:?}").contains("planted-key"));
}
