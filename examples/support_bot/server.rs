//! A server on the loopback interface that speaks OpenAI's chat completions: just enough HTTP for one client.

use crate::model;
use serde_json::{Value, json};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Longer requests are refused.
const LONGEST: usize = 1 << 20;

/// How long the server waits for a request that was begun.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running server; it ends with the program.
#[derive(Debug)]
pub(crate) struct Server {
    address: SocketAddr,
}

impl Server {
    /// Starts it on a free port.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        model::load();
        thread::Builder::new().name("model-server".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                // One client that breaks off is no reason to end.
                let _ = serve(&stream);
            }
        })?;
        Ok(Self { address })
    }

    /// Where completions are asked for.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1/chat/completions", self.address)
    }
}

/// Answers one request, and closes.
fn serve(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let answer = match read_body(&mut reader)?.and_then(|body| serde_json::from_slice::<Value>(&body).ok()) {
        Some(request) => ("200 OK", completion(&request)),
        None => ("400 Bad Request", json!({ "error": { "message": "expected a JSON body with a length" } })),
    };
    let (status, body) = (answer.0, answer.1.to_string());
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    let mut stream = stream;
    stream.write_all((head + &body).as_bytes())
}

/// The body of a request; `None` where it has no length, or too large a one.
fn read_body(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = None;
    loop {
        let mut line = String::new();
        if reader.by_ref().take(8_192).read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse::<usize>().ok();
        }
    }
    let Some(length) = length.filter(|length| *length <= LONGEST) else { return Ok(None) };
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(body))
}

fn completion(request: &Value) -> Value {
    let prompt = request["messages"][0]["content"].as_str().unwrap_or_default();
    let answer = model::answer(prompt);
    thread::sleep(answer.takes);
    json!({
        "id": "chatcmpl-local",
        "object": "chat.completion",
        // A snapshot of the model asked for, as OpenAI's server says it.
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": answer.text }, "finish_reason": "stop" }],
        "usage": {
            "prompt_tokens": answer.prompt_tokens,
            "completion_tokens": answer.completion_tokens,
            "total_tokens": answer.prompt_tokens + answer.completion_tokens,
            "prompt_tokens_details": { "cached_tokens": 0 },
            "completion_tokens_details": { "reasoning_tokens": 0 },
        },
    })
}
