//! OTLP over HTTP. `ureq` blocks, which is what a thread of its own is for: no runtime is needed.

use super::answer::Answer;
use super::options::{ExportOptions, OptionsError, Protocol};
use super::{retry, tls};
use crate::convert::OtlpRequest;
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse};
use prost::Message;
use std::io::Write;
use std::time::Duration;
use ureq::http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use ureq::http::{HeaderName, HeaderValue, Request, Uri};
use ureq::{Agent, Body};

/// How much of an answer is read; more is of no use.
const ANSWER_BYTES: u64 = 64 << 10;

/// A client with its headers.
#[derive(Debug)]
pub(crate) struct Http {
    agent: Agent,
    endpoint: Uri,
    headers: Vec<(HeaderName, HeaderValue)>,
    json: bool,
    gzip: bool,
}

/// What came back from a request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    retry_after: Option<Duration>,
    is_json: bool,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn new(options: &ExportOptions) -> Result<Self, OptionsError> {
        let endpoint: Uri = options.endpoint().parse().map_err(|_| OptionsError::Endpoint(options.shown_endpoint()))?;
        if endpoint.host().is_none() || !matches!(endpoint.scheme_str(), Some("http" | "https")) {
            return Err(OptionsError::Endpoint(options.shown_endpoint()));
        }
        let header = |(name, value): (String, String)| {
            let pair = name.parse::<HeaderName>().ok().zip(HeaderValue::from_str(&value).ok());
            pair.map(|(name, mut value)| {
                value.set_sensitive(true);
                (name, value)
            })
            .ok_or(OptionsError::Header(name))
        };
        let headers = options.headers().into_iter().map(header).collect::<Result<_, _>>()?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirect could carry the headers to somebody else.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(options.timeout))
            .user_agent(concat!("whytrace/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls::TlsFiles::read(options)?.for_http())
            .build();
        let json = options.protocol == Protocol::HttpJson;
        Ok(Self { agent: config.new_agent(), endpoint, headers, json, gzip: options.gzip })
    }

    pub(crate) fn send(&self, request: &OtlpRequest) -> Answer {
        let (content_type, body) = if self.json {
            match serde_json::to_vec(&request.0) {
                Ok(body) => ("application/json", body),
                Err(error) => return Answer::Refused(format!("cannot be written as JSON: {error}")),
            }
        } else {
            ("application/x-protobuf", request.to_protobuf())
        };
        let mut post = Request::post(self.endpoint.clone()).header(CONTENT_TYPE, content_type);
        let body = match self.gzip.then(|| gzipped(&body)).flatten() {
            Some(smaller) => {
                post = post.header(CONTENT_ENCODING, "gzip");
                smaller
            }
            None => body,
        };
        let reply = match post.body(body) {
            Ok(request) => self.run(request),
            Err(error) => return Answer::Denied(error.to_string()),
        };
        match reply {
            Ok(reply) if reply.is_success() => reply.accepted(),
            Ok(reply) => Answer::of_status(reply.status, reply.retry_after, &reply.body),
            Err(error) => no_answer(&error),
        }
    }

    /// A request to another interface of the same backend.
    ///
    /// # Errors
    /// When there was no answer, with the reason.
    pub(crate) fn json(&self, method: &str, url: &str, body: &serde_json::Value) -> Result<Reply, String> {
        let request = Request::builder().method(method).uri(url).header(CONTENT_TYPE, "application/json");
        let body = if method == "GET" { Vec::new() } else { body.to_string().into_bytes() };
        let request = request.body(body).map_err(|error| error.to_string())?;
        self.run(request).map_err(|error| error.to_string())
    }

    fn run(&self, mut request: Request<Vec<u8>>) -> Result<Reply, ureq::Error> {
        for (name, value) in &self.headers {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let response =
            if request.method() == "GET" { self.agent.run(request.map(|_| ())) } else { self.agent.run(request) };
        response.map(Reply::read)
    }
}

impl Reply {
    /// The status counts as soon as it is there: a backend that then breaks off has taken, or refused, the spans.
    fn read(mut response: ureq::http::Response<Body>) -> Self {
        let text = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let retry_after = text(RETRY_AFTER).and_then(|text| retry::after(text, Timestamp::now()));
        let is_json = text(CONTENT_TYPE).is_some_and(|text| text.starts_with("application/json"));
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec().unwrap_or_default();
        Self { status, retry_after, is_json, body }
    }

    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the answer says of spans that were left out.
    fn accepted(self) -> Answer {
        if self.is_json {
            return partial_json(&serde_json::from_slice(&self.body).unwrap_or_default());
        }
        partial(&ExportTraceServiceResponse::decode(self.body.as_slice()).unwrap_or_default())
    }
}

/// What it means that nothing came back.
fn no_answer(error: &ureq::Error) -> Answer {
    // `ureq` does not name what its own errors come from.
    let untrusted = if let ureq::Error::Io(error) = error { tls::failure(error) } else { None };
    untrusted.map_or_else(|| Answer::Later(error.to_string(), None), Answer::Denied)
}

/// The same in JSON, where protobuf writes a large number as a text.
fn partial_json(response: &serde_json::Value) -> Answer {
    let partial = &response["partialSuccess"];
    let rejected = &partial["rejectedSpans"];
    let rejected_spans = rejected.as_i64().or_else(|| rejected.as_str()?.parse().ok()).unwrap_or(0);
    let error_message = partial["errorMessage"].as_str().unwrap_or_default().to_owned();
    partial_success(&ExportTracePartialSuccess { rejected_spans, error_message })
}

/// What a response of OTLP says.
pub(crate) fn partial(response: &ExportTraceServiceResponse) -> Answer {
    partial_success(&response.partial_success.clone().unwrap_or_default())
}

fn partial_success(partial: &ExportTracePartialSuccess) -> Answer {
    Answer::Accepted {
        left_out: u64::try_from(partial.rejected_spans).unwrap_or(0),
        message: partial.error_message.chars().take(300).collect(),
    }
}

/// The body compressed; `None` when that fails, which in memory it does not.
fn gzipped(body: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}
