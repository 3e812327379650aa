//! OTLP over gRPC, on a small runtime of its own.

use super::answer::Answer;
use super::http::partial;
use super::options::{ExportOptions, OptionsError};
use super::transport::Transport;
use super::{retry, tls};
use crate::convert::OtlpRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use std::error::Error;
use std::time::Duration;
use tokio::runtime::Runtime;
use tonic::codec::CompressionEncoding;
use tonic::metadata::{Ascii, MetadataKey, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// A connection that is made when it is first needed, and again when it broke.
#[derive(Debug)]
pub(crate) struct Grpc {
    runtime: Runtime,
    client: TraceServiceClient<Channel>,
    headers: Vec<(MetadataKey<Ascii>, MetadataValue<Ascii>)>,
    timeout: Duration,
}

impl Grpc {
    pub(crate) fn new(options: &ExportOptions) -> Result<Self, OptionsError> {
        let bad_endpoint = || OptionsError::Endpoint(options.shown_endpoint());
        let url = options.endpoint();
        let url = if url.contains("://") { url } else { format!("http://{url}") };
        let mut endpoint = Endpoint::from_shared(url.clone()).map_err(|_| bad_endpoint())?;
        endpoint = endpoint.timeout(options.timeout).connect_timeout(options.timeout);
        if url.starts_with("https://") {
            endpoint = endpoint.tls_config(tls::TlsFiles::read(options)?.for_grpc()).map_err(|_| bad_endpoint())?;
        }
        let header = |(name, value): (String, String)| {
            let pair = name.parse::<MetadataKey<Ascii>>().ok().zip(value.parse::<MetadataValue<Ascii>>().ok());
            pair.ok_or(OptionsError::Header(name))
        };
        let headers = options.headers().into_iter().map(header).collect::<Result<_, _>>()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|_| bad_endpoint())?;
        let channel = {
            let _inside = runtime.enter();
            endpoint.connect_lazy()
        };
        let mut client = TraceServiceClient::new(channel);
        if options.gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        Ok(Self { runtime, client, headers, timeout: options.timeout })
    }
}

impl Transport for Grpc {
    fn send(&mut self, request: &OtlpRequest) -> Answer {
        let mut call = tonic::Request::new(request.0.clone());
        for (name, value) in &self.headers {
            call.metadata_mut().insert(name.clone(), value.clone());
        }
        let (client, timeout) = (&mut self.client, self.timeout);
        let answer = self.runtime.block_on(async move { tokio::time::timeout(timeout, client.export(call)).await });
        match answer {
            Ok(Ok(response)) => partial(response.get_ref()),
            Ok(Err(status)) => of_status(&status),
            Err(_) => Answer::Later(format!("no answer within {timeout:?}"), None),
        }
    }
}

/// What a status means, by the rules of OTLP.
fn of_status(status: &Status) -> Answer {
    if let Some(reason) = tls::failure(status) {
        return Answer::Denied(reason);
    }
    let reason = described(status);
    match status.code() {
        Code::Cancelled | Code::DeadlineExceeded | Code::Aborted | Code::Unavailable | Code::DataLoss => {
            Answer::Later(reason, asked(status))
        }
        // Too much, which passes where the server says when, and is too large where it does not.
        Code::ResourceExhausted => match asked(status) {
            Some(time) => Answer::Later(reason, Some(time)),
            None => Answer::Refused(reason),
        },
        Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists => Answer::Refused(reason),
        // `OutOfRange` may be tried again, by OTLP, and is what tonic says of a message that is too large for it, which never helps.
        Code::Internal | Code::Unknown | Code::OutOfRange => Answer::Broken(reason),
        _ => Answer::Denied(reason),
    }
}

/// `Unavailable: the server's own words`, cut to what fits a message; of a connection that failed, with what it failed of.
fn described(status: &Status) -> String {
    let mut words = format!("{:?}: {}", status.code(), status.message());
    let mut cause = status.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.ends_with(&text) {
            words = format!("{words}: {text}");
        }
        cause = error.source();
    }
    words.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// How long the server asks to be left alone: as OTLP says it, else as gRPC does.
fn asked(status: &Status) -> Option<Duration> {
    let pushed_back = || {
        let millis = status.metadata().get("grpc-retry-pushback-ms")?.to_str().ok()?.parse().ok()?;
        Some(Duration::from_millis(millis))
    };
    retry::info(status.details()).or_else(pushed_back)
}
