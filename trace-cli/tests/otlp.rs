//! Runs as spans: the real program, over really traced runs, against a server that counts.

#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use support::{ask, store};

/// A backend that answers every request with this status.
struct Backend {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Backend {
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if answer(stream.unwrap(), status).is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { url, requests }
    }
}

fn answer(stream: TcpStream, status: &str) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut stream = reader.into_inner();
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

#[test]
fn stored_runs_are_sent_as_spans() {
    let backend = Backend::start("200 OK");
    let said = ask(store(), &["export", "--otlp", &backend.url, "--profiles", "genai,phoenix"]);
    assert_eq!(said.code, 0, "{} {}", said.out, said.err);
    assert!(said.out.contains("delivered to http://127.0.0.1:"), "{}", said.out);
    assert!(backend.requests.load(Ordering::SeqCst) > 0);
    let none = ask(store(), &["export", "--otlp", &backend.url, "--filter", "project = nobody"]);
    assert_eq!(none.code, 1, "{} {}", none.out, none.err);
}

#[test]
fn what_a_backend_refuses_is_told_and_fails() {
    let backend = Backend::start("400 Bad Request");
    let said = ask(store(), &["export", "--otlp", &backend.url]);
    assert_eq!(said.code, 1, "{} {}", said.out, said.err);
    assert!(said.out.contains("refused"), "{} {}", said.out, said.err);
}

#[test]
fn mistakes_are_one_line_with_the_way_out() {
    for (arguments, word) in [
        (&["export", "--otlp", "ftp://host"][..], "http"),
        (&["export", "--otlp", "http://127.0.0.1:9", "--profiles", "jaeger"], "jaeger"),
        (&["export", "--otlp", "http://127.0.0.1:9", "--header", "x"], "NAME=VALUE"),
        (&["export", "--otlp", "http://127.0.0.1:9", "runs.jsonl"], "--otlp"),
    ] {
        let said = ask(store(), arguments);
        assert_eq!(said.code, 2, "{arguments:?}: {} {}", said.out, said.err);
        assert!(said.err.contains(word), "{arguments:?}: {}", said.err);
    }
}
