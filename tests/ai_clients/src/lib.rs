//! A model behind HTTP, as OpenAI shapes it, for clients that must believe they talk to one.
//!
//! Comes in: requests on a loopback port. Goes out: fixed answers with usage, whole or as a stream. The model `busy` refuses everything; a
//! request that offers tools is answered with a call of the first of them, until the tool's answer is among the messages.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

/// A running server; it ends with the process.
#[derive(Clone, Copy, Debug)]
pub struct Server(SocketAddr);

impl Server {
    /// Starts a server on a free port.
    ///
    /// # Errors
    /// When there is no port to be had.
    pub fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || serve(stream));
            }
        });
        Ok(Self(address))
    }

    /// Where clients find it, with a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1/", self.0)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port()
    }
}

/// Answers one request and closes the connection.
fn serve(mut stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        length = line.strip_prefix("content-length:").map_or(Some(length), |value| value.trim().parse().ok())?;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (status, content_type, answer) = answer(&first, &serde_json::from_slice(&body).unwrap_or_default());
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nx-request-id: req_1\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        answer.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(answer.as_bytes()).ok()
}

fn answer(first: &str, request: &Value) -> (&'static str, &'static str, String) {
    if request["model"] == "busy" {
        let error = json!({ "error": { "message": "slow down", "type": "rate_limit_error" } });
        return ("429 Too Many Requests", "application/json", error.to_string());
    }
    if first.contains("/embeddings") {
        let data = json!([{ "object": "embedding", "index": 0, "embedding": [0.25, 0.5] }]);
        let usage = json!({ "prompt_tokens": 3, "total_tokens": 3 });
        let body = json!({ "object": "list", "model": request["model"], "data": data, "usage": usage });
        return ("200 OK", "application/json", body.to_string());
    }
    if request["stream"] == true {
        return ("200 OK", "text/event-stream", streamed());
    }
    let messages = request["messages"].as_array();
    let was_answered = messages.is_some_and(|messages| messages.iter().any(|message| message["role"] == "tool"));
    let tool = request["tools"][0]["function"]["name"].as_str().filter(|_| !was_answered);
    let (message, reason) = match tool {
        Some(name) => {
            let function = json!({ "name": name, "arguments": r#"{"id":7}"# });
            let call = json!({ "id": "call_1", "type": "function", "function": function });
            (json!({ "role": "assistant", "content": null, "tool_calls": [call] }), "tool_calls")
        }
        None => (json!({ "role": "assistant", "content": "Hello there." }), "stop"),
    };
    let choice = json!({ "index": 0, "message": message, "finish_reason": reason });
    let body = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": ANSWERING,
        "choices": [choice],
        "usage": usage(),
    });
    ("200 OK", "application/json", body.to_string())
}

/// The model that says it has answered, whichever was asked for.
pub const ANSWERING: &str = "gpt-4o-mini-2024-07-18";

/// 120 tokens in, 40 of them cached; 34 out, 10 of them for reasoning.
fn usage() -> Value {
    json!({
        "prompt_tokens": 120,
        "completion_tokens": 34,
        "total_tokens": 154,
        "prompt_tokens_details": { "cached_tokens": 40 },
        "completion_tokens_details": { "reasoning_tokens": 10 },
    })
}

fn streamed() -> String {
    let part = |delta: Value, reason: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": reason });
        json!({ "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": ANSWERING, "choices": [choice] })
    };
    let mut last = part(json!({}), json!("stop"));
    last["choices"] = json!([]);
    last["usage"] = usage();
    let parts = [
        part(json!({ "role": "assistant", "content": "Hello " }), Value::Null),
        part(json!({ "content": "there." }), Value::Null),
        part(json!({}), json!("stop")),
        last,
    ];
    parts.iter().map(|part| format!("data: {part}\n\n")).chain(["data: [DONE]\n\n".to_owned()]).collect()
}
