//! Two processes, one trace: a client calls a server over real HTTP, and both leave documents on disk.

#![cfg(feature = "tower")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on stops where it stands")]

use axum::body::Body;
use axum::{Router, routing::get};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tower_layer::Layer;
use tower_service::Service;
use trace_core::model::{Outcome, Status, Trace};
use trace_core::record::{Run, TraceContext, facts};
use trace_core::redact::RedactConfig;
use trace_core::sink::{FinishedTrace, Sink, SinkError, Stored};
use trace_core::{Options, Tracer};
use trace_otel::{ClientLayer, ServerLayer};

/// The part that a process of this test plays.
const PART: &str = "END_TO_END_PART";
const DIR: &str = "END_TO_END_DIR";

/// Writes each document into a folder.
struct Documents(PathBuf);

impl Sink for Documents {
    fn name(&self) -> &'static str {
        "document"
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        for finished in traces {
            let path = self.0.join(format!("{}.json", finished.trace.project_id));
            std::fs::write(path, serde_json::to_vec(&*finished.trace).unwrap()).unwrap();
        }
        traces.iter().map(|_| Ok(Stored::default())).collect()
    }
}

fn install(dir: &Path) -> Tracer {
    let sinks: Vec<Arc<dyn Sink>> = vec![Arc::new(Documents(dir.to_owned()))];
    let tracer = Tracer::new(Options::default(), &RedactConfig::default(), sinks).unwrap();
    tracer.install().unwrap();
    tracer
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The server's process: says its address, answers two requests, and ends.
fn serve(dir: &Path) {
    let tracer = install(dir);
    runtime().block_on(async {
        let answered = Arc::new(tokio::sync::Semaphore::new(0));
        let of_route = Arc::clone(&answered);
        let found = || async {
            tokio::task::yield_now().await;
            facts::stage("looked up").scope(|| facts::set("found", 3));
            "three"
        };
        let routes = Router::new()
            .route("/find", get(found))
            .route("/broken", get(|| async { axum::http::StatusCode::BAD_GATEWAY }))
            .layer(axum::middleware::map_response(move |response: axum::response::Response| {
                of_route.add_permits(1);
                async move { response }
            }))
            .layer(ServerLayer::new("server"));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("listening {}", listener.local_addr().unwrap());
        let ended = async move {
            let _both = answered.acquire_many(2).await.unwrap();
        };
        axum::serve(listener, routes).with_graceful_shutdown(ended).await.unwrap();
    });
    assert!(tracer.close(Duration::from_secs(30)));
}

async fn call(address: &str, path: &str) -> axum::http::StatusCode {
    let client: Client<_, Body> = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let mut client = ClientLayer::new().layer(client);
    let request = axum::http::Request::get(format!("http://{address}{path}?key=s3cret")).body(Body::empty()).unwrap();
    client.call(request).await.unwrap().status()
}

fn read(path: &Path) -> Trace {
    serde_json::from_slice(&std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))).unwrap()
}

#[test]
fn a_call_over_http_is_one_trace_in_two_documents() {
    if std::env::var(PART).is_ok() {
        return serve(&PathBuf::from(std::env::var_os(DIR).unwrap()));
    }
    let dir = tempfile::tempdir().unwrap();
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_call_over_http_is_one_trace_in_two_documents", "--nocapture", "--test-threads=1"])
        .env(PART, "server")
        .env(DIR, dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.find_map(|line| Some(line.split_once("listening ")?.1.to_owned())).unwrap();

    let tracer = install(dir.path());
    runtime().block_on(async {
        let trace = TraceContext::start(Run::new("client").session("conv-7"));
        let calls = async {
            // The second first: the server keeps the last document of a project, which is to be the good one.
            assert_eq!(call(&address, "/broken").await, 502);
            assert_eq!(call(&address, "/find").await, 200);
        };
        trace.in_future(calls).await;
        trace.mark_complete();
    });
    assert!(tracer.close(Duration::from_secs(30)));
    for _ in lines {} // a full pipe would hold the server up
    assert!(server.wait().unwrap().success());

    let (client, server) = (read(&dir.path().join("client.json")), read(&dir.path().join("server.json")));
    let calls = &client.stages["_run"].observations;
    assert_eq!(client.otel_trace_id, server.otel_trace_id);
    assert_eq!(server.parent_trace_id.as_deref(), Some(client.trace_id.as_str()));
    assert_eq!(server.parent_span_id.as_deref(), Some(calls[1].id.as_str()));
    assert_eq!((server.run.status, server.run.query.as_deref()), (Status::Complete, Some("GET /find")));
    assert_eq!(
        (&server.run.fields["found"], &server.run.fields["http.response.status_code"]),
        (&3.into(), &200.into())
    );
    assert!(server.stages.contains_key("looked up"), "what the handler records is in the trace of its request");
    let outcomes: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.outcome)).collect();
    assert_eq!(outcomes, [("GET 127.0.0.1", Some(Outcome::Err)), ("GET 127.0.0.1", Some(Outcome::Ok))]);
    assert!(!serde_json::to_string(&client).unwrap().contains("s3cret"), "queries of URLs are not recorded");
}
