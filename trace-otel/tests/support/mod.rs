//! A backend of OTLP/JSON that misbehaves as told, and keeps what it took.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use trace_core::model::{Stage, Trace};
use trace_core::sink::{FinishedTrace, Sink};

/// What the backend does with a request.
pub(crate) enum Act {
    /// Takes the spans.
    Take,
    /// Takes the spans and answers with this body.
    TakeSaying(&'static str),
    /// Answers with a status, more headers, and a body.
    Answer(u16, &'static str, &'static str),
    /// Reads the request and closes the connection without a word.
    HangUp,
    /// Answers half of its head and closes.
    HalfAnswer,
    /// Waits, then answers nothing.
    Sleep(Duration),
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) at: Instant,
    /// In lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Arrived {
    /// The names of its spans.
    pub(crate) fn names(&self) -> Vec<String> {
        let request: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let mut names = Vec::new();
        for resource in list(&request["resourceSpans"]) {
            for scope in list(&resource["scopeSpans"]) {
                names.extend(list(&scope["spans"]).iter().map(|span| span["name"].as_str().unwrap().to_owned()));
            }
        }
        names
    }
}

type Judge = dyn FnMut(&Arrived) -> Act + Send;

pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    scheme: &'static str,
    state: Arc<State>,
}

struct State {
    tls: Option<Arc<rustls::ServerConfig>>,
    judge: Mutex<Box<Judge>>,
    arrived: Mutex<Vec<Arrived>>,
    taken: Mutex<Vec<String>>,
    ending: AtomicBool,
}

impl Backend {
    pub(crate) fn start(judge: impl FnMut(&Arrived) -> Act + Send + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), judge)
    }

    pub(crate) fn start_at(address: SocketAddr, judge: impl FnMut(&Arrived) -> Act + Send + 'static) -> Self {
        Self::start_with(address, None, judge)
    }

    /// A backend that speaks TLS and takes everything.
    pub(crate) fn start_tls(tls: rustls::ServerConfig) -> Self {
        Self::start_with("127.0.0.1:0".parse().unwrap(), Some(Arc::new(tls)), |_| Act::Take)
    }

    fn start_with(
        address: SocketAddr,
        tls: Option<Arc<rustls::ServerConfig>>,
        judge: impl FnMut(&Arrived) -> Act + Send + 'static,
    ) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            tls,
            judge: Mutex::new(Box::new(judge)),
            arrived: Mutex::default(),
            taken: Mutex::default(),
            ending: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.ending.load(Ordering::Relaxed) {
                    return;
                }
                let state = Arc::clone(&of_thread);
                std::thread::spawn(move || state.accept(stream.unwrap()));
            }
        });
        Self { address, scheme, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.address.port())
    }

    /// The names of the spans it took, sorted.
    pub(crate) fn taken(&self) -> Vec<String> {
        let mut taken = self.state.taken.lock().unwrap().clone();
        taken.sort();
        taken
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.state.arrived.lock().unwrap().clone()
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.state.ending.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl State {
    fn accept(&self, mut stream: TcpStream) {
        let Some(tls) = &self.tls else { return self.serve(&mut stream) };
        let mut stream = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::clone(tls)).unwrap(), stream);
        self.serve(&mut stream);
        stream.conn.send_close_notify();
        let _ = stream.conn.write_tls(&mut stream.sock);
        // What is closed with something unread is reset, and the other side would not see what was said last.
        let _ = stream.sock.shutdown(std::net::Shutdown::Write);
        let _ = std::io::copy(&mut stream.sock, &mut std::io::sink());
    }

    fn serve(&self, stream: &mut (impl Read + Write)) {
        let Some(arrived) = read(stream) else { return };
        let act = (self.judge.lock().unwrap())(&arrived);
        self.arrived.lock().unwrap().push(arrived.clone());
        let (status, headers, body) = match act {
            Act::Take => (200, "", "{}"),
            Act::TakeSaying(body) => (200, "", body),
            Act::Answer(status, headers, body) => (status, headers, body),
            Act::HangUp => return,
            Act::HalfAnswer => {
                let _ = stream.write_all(b"HTTP/1.1 20");
                return;
            }
            Act::Sleep(time) => return std::thread::sleep(time),
        };
        if status == 200 {
            self.taken.lock().unwrap().extend(arrived.names());
        }
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
        );
        let _ = stream.write_all(answer.as_bytes());
    }
}

fn read(stream: &mut impl Read) -> Option<Arrived> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    while bytes.len() < head_end + 4 + length.unwrap_or(0) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    Some(Arrived { at: Instant::now(), head, body: bytes.split_off(head_end + 4) })
}

/// A trace with a root span and a span for each stage, all with names of their own.
pub(crate) fn trace(n: usize, stages: usize) -> Trace {
    let mut trace = Trace {
        trace_id: format!("trc_20260213_143022_{n:016x}"),
        project_name: format!("run {n}"),
        session_id: format!("trc_20260213_143022_{n:016x}"),
        ..Trace::default()
    };
    for stage in 0..stages {
        let id = format!("{:016x}", 1 + n * 1000 + stage);
        trace.stages.insert(format!("stage {n}.{stage}"), Stage { id, ..Stage::default() });
    }
    trace
}

/// Gives traces to a sink, which takes them all.
#[track_caller]
pub(crate) fn store(sink: &trace_otel::OtlpSink, traces: &[Trace]) {
    let finished = |trace: &Trace| FinishedTrace {
        trace: Arc::new(trace.clone()),
        project_dir: None,
        sampled: true,
        again: false,
    };
    let finished: Vec<FinishedTrace> = traces.iter().map(finished).collect();
    assert!(sink.store(&finished).iter().all(Result::is_ok));
}

/// The names of the spans of such traces, sorted.
pub(crate) fn names(traces: &[Trace]) -> Vec<String> {
    let of = |trace: &Trace| std::iter::once(trace.project_name.clone()).chain(trace.stages.keys().cloned()).collect();
    let mut names: Vec<String> = traces.iter().flat_map(|trace| -> Vec<String> { of(trace) }).collect();
    names.sort();
    names
}

/// Waits until something is so; a failed test when it is not within a minute.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
