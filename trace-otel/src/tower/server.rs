//! Each request a trace.

use crate::headers::{continue_run, extract};
use http::{Request, Response};
use pin_project_lite::pin_project;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;
use trace_core::context::InContext;
use trace_core::model::ErrorInfo;
use trace_core::record::{Run, TraceContext, facts};

/// Makes each request of a server a trace of a project: it continues the trace of the caller, where the request names one, and is complete when
/// the head of the response is there. A status of 500 or above, or an error of the service, makes it failed; a caller that goes away, incomplete.
///
/// A `#[traced_run]` inside becomes a child trace. Handlers that start their run themselves find the caller, a `RemoteParent`, in the
/// request's extensions and need no layer but [`ServerLayer::parent_only`].
///
/// ```
/// let layer = trace_otel::ServerLayer::new("search-api");
/// ```
#[derive(Clone, Debug)]
pub struct ServerLayer {
    /// `None` leaves starting a run to the handler.
    project: Option<Arc<str>>,
}

impl ServerLayer {
    /// Each request is a trace of this project.
    #[must_use]
    pub fn new(project: &str) -> Self {
        Self { project: Some(project.into()) }
    }

    /// Starts no trace: only puts the caller into the request's extensions.
    #[must_use]
    pub const fn parent_only() -> Self {
        Self { project: None }
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> ServerService<S> {
        ServerService { inner, project: self.project.clone() }
    }
}

/// See [`ServerLayer`].
#[derive(Clone, Debug)]
pub struct ServerService<S> {
    inner: S,
    project: Option<Arc<str>>,
}

impl<S, B, R> Service<Request<B>> for ServerService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: std::fmt::Display,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ServerFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(parent) = extract(request.headers()) {
            request.extensions_mut().insert(parent);
        }
        let Some(project) = &self.project else {
            return ServerFuture {
                inner: trace_core::context::Ctx::current().in_future(self.inner.call(request)),
                trace: None,
            };
        };
        let query = format!("{} {}", request.method(), request.uri().path());
        let run = continue_run(Run::new(&**project), request.headers())
            .field("http.request.method", request.method().as_str())
            .field("url.path", request.uri().path())
            .query(query);
        let trace = TraceContext::start(run);
        // Services may do their work when they are called, not only when their future is polled.
        let future = trace.scope(|| self.inner.call(request));
        ServerFuture { inner: trace.in_future(future), trace: Some(trace) }
    }
}

pin_project! {
    /// The future of a [`ServerService`].
    pub struct ServerFuture<F: Future> {
        #[pin]
        inner: InContext<F>,
        trace: Option<TraceContext>,
    }
}

impl<F: Future> std::fmt::Debug for ServerFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerFuture")
    }
}

impl<F, R, E> Future for ServerFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: std::fmt::Display,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(context));
        if let Some(trace) = this.trace.take() {
            match &result {
                Ok(response) => {
                    let status = response.status();
                    trace.scope(|| facts::set("http.response.status_code", status.as_u16()));
                    match status.is_server_error() {
                        true => trace.mark_failed(error(status.as_str(), format!("the server answered {status}"))),
                        false => trace.mark_complete(),
                    }
                }
                Err(failure) => trace.mark_failed(error("service", failure.to_string())),
            }
        }
        Poll::Ready(result)
    }
}

fn error(kind: &str, message: String) -> ErrorInfo {
    ErrorInfo { kind: Some(kind.to_owned()), message, ..ErrorInfo::default() }
}
