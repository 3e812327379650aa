//! A collector of OTLP over gRPC that answers as told, and keeps what it took.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use crate::certificates::{Authority, Signed};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::sync::oneshot;
use tonic::codec::CompressionEncoding;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};

type Judge = dyn FnMut(&[String]) -> Result<(), Status> + Send;

pub(crate) struct Collector {
    scheme: &'static str,
    port: u16,
    state: Arc<State>,
    /// Dropping it ends the server.
    _end: oneshot::Sender<()>,
}

struct State {
    judge: Mutex<Box<Judge>>,
    arrived: Mutex<Vec<Instant>>,
    taken: Mutex<Vec<String>>,
}

struct Service(Arc<State>);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans;
        let scopes = resources.into_iter().flat_map(|resource| resource.scope_spans);
        let names: Vec<String> = scopes.flat_map(|scope| scope.spans).map(|span| span.name).collect();
        self.0.arrived.lock().unwrap().push(Instant::now());
        (self.0.judge.lock().unwrap())(&names)?;
        self.0.taken.lock().unwrap().extend(names);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// A collector that is asked what to make of each request, by the names of its spans.
    pub(crate) fn start(judge: impl FnMut(&[String]) -> Result<(), Status> + Send + 'static) -> Self {
        Self::start_with(Server::builder(), "http", judge)
    }

    /// A collector that speaks TLS and takes everything.
    pub(crate) fn start_tls(own: &Signed, clients: Option<&Authority>) -> Self {
        let read = |path| std::fs::read(path).unwrap();
        let mut tls = ServerTlsConfig::new().identity(Identity::from_pem(read(&own.certificate), read(&own.key)));
        if let Some(clients) = clients {
            tls = tls.client_ca_root(Certificate::from_pem(read(&clients.file())));
        }
        Self::start_with(Server::builder().tls_config(tls).unwrap(), "https", |_| Ok(()))
    }

    fn start_with(
        mut server: Server,
        scheme: &'static str,
        judge: impl FnMut(&[String]) -> Result<(), Status> + Send + 'static,
    ) -> Self {
        let state =
            Arc::new(State { judge: Mutex::new(Box::new(judge)), arrived: Mutex::default(), taken: Mutex::default() });
        let service = TraceServiceServer::new(Service(Arc::clone(&state))).accept_compressed(CompressionEncoding::Gzip);
        let (end, ended) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
                tell.send(incoming.local_addr().unwrap().port()).unwrap();
                let end = async {
                    let _ = ended.await;
                };
                server.add_service(service).serve_with_incoming_shutdown(incoming, end).await.unwrap();
            });
        });
        Self { scheme, port: told.recv().unwrap(), state, _end: end }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.port)
    }

    /// The names of the spans it took, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = self.state.taken.lock().unwrap().clone();
        names.sort();
        names
    }

    /// When requests arrived.
    pub(crate) fn arrived(&self) -> Vec<Instant> {
        self.state.arrived.lock().unwrap().clone()
    }
}
