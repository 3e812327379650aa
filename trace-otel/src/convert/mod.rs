//! Documents as OTLP.
//!
//! Comes in: documents, of any origin. Goes out: one OTLP request, with a resource for each project, a root span for each trace, and
//! spans for its stages and observations. The ids are the documents' own, so the same trace sent twice is the same spans.

pub(crate) mod attributes;
pub(crate) mod ids;
pub(crate) mod tree;

use crate::profile::{self, Profile, Profiles};
use attributes::Attributes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use trace_core::model::{Outcome, Trace};
use tree::{Node, Subject, Tree};

/// How documents become spans.
///
/// ```
/// use trace_otel::{ConvertOptions, Profile};
/// let options = ConvertOptions::new(Profile::Mlflow).resource("service.name", "research-api");
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConvertOptions {
    pub(crate) profiles: Profiles,
    decision_spans: Option<bool>,
    resource: Vec<(String, String)>,
}

impl ConvertOptions {
    /// Spans that speak these conventions.
    #[must_use]
    pub fn new(profiles: impl Into<Profiles>) -> Self {
        Self { profiles: profiles.into(), ..Self::default() }
    }

    /// Whether each decision is a span of its own, beside being an event of the span it was made in. Without this call it is where a
    /// profile of a backend for LLM applications is used: those show spans better than events.
    #[must_use]
    pub fn decision_spans(mut self, decision_spans: bool) -> Self {
        self.decision_spans = Some(decision_spans);
        self
    }

    /// An attribute of the resource; replaces what would stand there, `service.name` for one, which else is the project's name.
    #[must_use]
    pub fn resource(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.resource.push((key.into(), value.into()));
        self
    }
}

/// Spans in the form of OTLP, ready to be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OtlpRequest(pub(crate) ExportTraceServiceRequest);

impl OtlpRequest {
    /// How many spans there are.
    #[must_use]
    pub fn span_count(&self) -> usize {
        self.0.resource_spans.iter().flat_map(|resource| &resource.scope_spans).map(|scope| scope.spans.len()).sum()
    }

    /// The protobuf encoding, the body of `application/x-protobuf`.
    #[must_use]
    pub fn to_protobuf(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    /// The JSON encoding of the protocol, the body of `application/json`.
    ///
    /// # Errors
    /// Never for requests made by [`convert`]; the signature is that of `serde_json`.
    pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(&self.0)
    }
}

/// Documents as one request.
///
/// ```
/// use trace_core::model::Trace;
/// use trace_otel::{ConvertOptions, Profiles, convert};
/// let trace = Trace { trace_id: "trc_20260213_143022_a1b2c3d4e5f60718".to_owned(), ..Trace::default() };
/// let request = convert([&trace], &ConvertOptions::new(Profiles::all()));
/// assert_eq!(request.span_count(), 1);
/// ```
#[must_use]
pub fn convert<'a>(traces: impl IntoIterator<Item = &'a Trace>, options: &ConvertOptions) -> OtlpRequest {
    let mut resources: Vec<ResourceSpans> = Vec::new();
    for trace in traces {
        let resource = resource(trace, options);
        let spans = spans(trace, options);
        match resources.iter_mut().find(|known| known.resource.as_ref() == Some(&resource)) {
            Some(known) => known.scope_spans.iter_mut().for_each(|scope| scope.spans.extend_from_slice(&spans)),
            None => resources.push(ResourceSpans {
                resource: Some(resource),
                scope_spans: vec![ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() }],
                ..ResourceSpans::default()
            }),
        }
    }
    OtlpRequest(ExportTraceServiceRequest { resource_spans: resources })
}

fn resource(trace: &Trace, options: &ConvertOptions) -> Resource {
    let mut attributes = Attributes::default();
    // A key that is given twice has the value given last.
    for (key, value) in options.resource.iter().rev() {
        attributes.text(key.as_str(), value.as_str());
    }
    attributes.text("service.name", profile::project(trace));
    attributes.text("telemetry.sdk.name", "whytrace");
    attributes.text("telemetry.sdk.language", "rust");
    attributes.text("telemetry.sdk.version", env!("CARGO_PKG_VERSION"));
    if options.profiles.has(Profile::Phoenix) {
        attributes.text("openinference.project.name", profile::project(trace));
    }
    Resource { attributes: attributes.into_list(), ..Resource::default() }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: "whytrace".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    }
}

fn spans(trace: &Trace, options: &ConvertOptions) -> Vec<Span> {
    let decision_spans = options.decision_spans.unwrap_or_else(|| options.profiles.shows_content());
    let tree = Tree::of(trace, decision_spans);
    tree.nodes.iter().map(|node| span(&tree, node, options.profiles)).collect()
}

/// W3C flags of a sampled span, with the two bits that say whether its parent is remote.
const SAMPLED: u32 = 0x1;
const KNOWS_REMOTE: u32 = 0x100;
const IS_REMOTE: u32 = 0x200;

fn span(tree: &Tree<'_>, node: &Node<'_>, profiles: Profiles) -> Span {
    let (events, dropped_events_count) = profile::events(tree, node);
    let is_remote = matches!(node.subject, Subject::Run(_)) && node.parent.is_some();
    Span {
        trace_id: tree.trace_id.to_vec(),
        span_id: node.id.to_vec(),
        parent_span_id: node.parent.map(|parent| parent.to_vec()).unwrap_or_default(),
        flags: SAMPLED | KNOWS_REMOTE | if is_remote { IS_REMOTE } else { 0 },
        name: profile::name(tree, node, profiles),
        kind: kind(node) as i32,
        start_time_unix_nano: node.start,
        end_time_unix_nano: node.end,
        attributes: profile::attributes(tree, node, profiles).into_list(),
        events,
        dropped_events_count,
        status: status(tree, node),
        ..Span::default()
    }
}

/// A call of a model goes out of the process; everything else happens inside.
fn kind(node: &Node<'_>) -> SpanKind {
    match node.subject {
        Subject::Observation(observation) if observation.kind.is_model_call() => SpanKind::Client,
        _ => SpanKind::Internal,
    }
}

/// What was cancelled neither worked nor failed: it has no status, and `whytrace.outcome` says what happened.
fn status(tree: &Tree<'_>, node: &Node<'_>) -> Option<Status> {
    let code = match profile::outcome_of(tree, node)? {
        Outcome::Ok => StatusCode::Ok,
        Outcome::Err | Outcome::Panicked => StatusCode::Error,
        Outcome::Cancelled => return None,
    };
    let error = profile::error_of(tree, node).filter(|_| code == StatusCode::Error);
    Some(Status { code: code as i32, message: error.map(|error| error.message.clone()).unwrap_or_default() })
}
