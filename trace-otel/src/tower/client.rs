//! Each request that is made an observation, and its server told.

use crate::headers::inject_from;
use http::{Request, Response};
use pin_project_lite::pin_project;
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tower_layer::Layer;
use tower_service::Service;
use trace_core::context::{Ctx, InContext};
use trace_core::model::{ErrorInfo, Kind};
use trace_core::record::ObservationGuard;

/// Makes each request an observation of the trace it is made in, and puts the trace into its headers, so that the server continues it.
/// Outside any trace, requests go out unchanged.
///
/// What follows `?` in the URL is not recorded.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientLayer;

impl ClientLayer {
    /// The layer.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> ClientService<S> {
        ClientService { inner }
    }
}

/// See [`ClientLayer`].
#[derive(Clone, Debug)]
pub struct ClientService<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for ClientService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: std::fmt::Display,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ClientFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if !Ctx::current().is_recording() {
            return ClientFuture { inner: Ctx::current().in_future(self.inner.call(request)), observation: None };
        }
        let uri = request.uri();
        let host = uri.host().unwrap_or_default();
        let input = json!({ "method": request.method().as_str(), "host": host, "path": uri.path() });
        let name = format!("{} {host}", request.method());
        let observation = ObservationGuard::start_with(name.trim_end(), Kind::Function, input, None);
        inject_from(&observation.ctx(), request.headers_mut());
        let future = observation.scope(|| self.inner.call(request));
        ClientFuture { inner: observation.in_future(future), observation: Some(observation) }
    }
}

pin_project! {
    /// The future of a [`ClientService`]. Dropped before the response is there, the observation is cancelled.
    pub struct ClientFuture<F: Future> {
        #[pin]
        inner: InContext<F>,
        observation: Option<ObservationGuard>,
    }

    impl<F: Future> PinnedDrop for ClientFuture<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(observation) = this.project().observation {
                observation.cancelled();
            }
        }
    }
}

impl<F: Future> std::fmt::Debug for ClientFuture<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientFuture")
    }
}

impl<F, R, E> Future for ClientFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    E: std::fmt::Display,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = ready!(this.inner.poll(context));
        if let Some(mut observation) = this.observation.take() {
            let failure = match &result {
                Ok(response) => {
                    let status = response.status();
                    observation.attribute("http.response.status_code", Value::from(status.as_u16()));
                    let failed = status.is_client_error() || status.is_server_error();
                    failed.then(|| (status.as_str().to_owned(), format!("the server answered {status}")))
                }
                Err(failure) => Some(("client".to_owned(), failure.to_string())),
            };
            if let Some((kind, message)) = failure {
                observation.error(ErrorInfo { kind: Some(kind), message, ..ErrorInfo::default() });
            }
        }
        Poll::Ready(result)
    }
}
