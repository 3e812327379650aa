//! Spans and events of `tracing` in the current trace.
//!
//! Comes in: what code instrumented with `tracing` says while a trace is recorded. Goes out: an observation for each span, a model call where its
//! fields are `gen_ai.*`, errors, warnings and attributes for events. Outside any trace nothing is recorded.
//!
//! A `tracing` span also carries the trace: where it is entered, on whatever thread, its observation is the current one.

mod call;
mod entered;
mod fields;
mod log_ids;

pub use log_ids::{TraceIds, TraceIdsFormat};

use fields::Fields;
use std::sync::atomic::{AtomicU64, Ordering};
use trace_core::context::Ctx;
use trace_core::model::{ErrorInfo, Kind};
use trace_core::record::{ObservationGuard, facts};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Records spans and events of `tracing` into the current trace.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
/// use tracing_subscriber::filter::Targets;
/// use tracing::Level;
///
/// // Spans from INFO and events from WARN; of `rig` everything.
/// let layer = trace_otel::TraceLayer::new()
///     .spans(Targets::new().with_default(Level::INFO).with_target("rig", Level::TRACE));
/// let subscriber = tracing_subscriber::registry().with(layer);
/// # drop(subscriber);
/// ```
#[derive(Clone, Debug)]
pub struct TraceLayer {
    spans: Targets,
    events: Targets,
}

impl Default for TraceLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl TraceLayer {
    /// Takes spans from `INFO` and events from `WARN`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            spans: Targets::new().with_default(LevelFilter::INFO),
            events: Targets::new().with_default(LevelFilter::WARN),
        }
    }

    /// Which spans are taken, by target and level.
    #[must_use]
    pub fn spans(mut self, targets: Targets) -> Self {
        self.spans = targets;
        self
    }

    /// Which events are taken, by target and level.
    #[must_use]
    pub fn events(mut self, targets: Targets) -> Self {
        self.events = targets;
        self
    }

    fn takes(&self, metadata: &Metadata<'_>) -> bool {
        let targets = if metadata.is_span() { &self.spans } else { &self.events };
        // What a trace says of itself through `tracing` must not come back into one.
        metadata.target() != OWN && targets.would_enable(metadata.target(), metadata.level())
    }
}

/// The target of the events that `tracing_events()` of the facade emits.
const OWN: &str = "whytrace";

/// What a `tracing` span holds for us while it is open.
struct Observed {
    guard: ObservationGuard,
    kind: Kind,
    /// Fields recorded so far.
    fields: Fields,
    error: Option<ErrorInfo>,
}

impl Observed {
    fn begin(metadata: &Metadata<'_>, mut fields: Fields) -> Self {
        let kind = call::kind(metadata, &fields);
        let name = call::name(&kind, &mut fields).unwrap_or_else(|| metadata.name().to_owned());
        let input = call::input(&kind, &mut fields);
        fields.0.remove("otel.kind");
        // What is known of a call before it is made is told at once: a killed process then still shows it. The fields stay, for what
        // comes later belongs with them.
        let call = kind.is_model_call().then(|| call::call(&mut fields.clone()));
        let guard = ObservationGuard::start_with(name, kind.clone(), input, call);
        Self { guard, kind, fields, error: None }
    }

    fn end(mut self, metadata: &Metadata<'_>) {
        let unanswered = call::unanswered(metadata, &self.kind, &self.fields);
        // In a panic it is the panic that ended the call.
        let unanswered = unanswered.filter(|_| !std::thread::panicking());
        let error = call::error(&mut self.fields).or(self.error).or(unanswered);
        if self.kind.is_model_call() {
            self.guard.call(call::call(&mut self.fields));
        }
        if let Some(name) = call::name(&self.kind, &mut self.fields) {
            self.guard.name(name);
        }
        let (input, output) = (call::input(&self.kind, &mut self.fields), call::output(&self.kind, &mut self.fields));
        if !input.is_null() {
            self.guard.input(input);
        }
        if !output.is_null() {
            self.guard.output(output);
        }
        self.fields.parse_lists();
        for (key, value) in self.fields.0 {
            self.guard.attribute(key, value);
        }
        if let Some(error) = error {
            self.guard.error(error);
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TraceLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !self.takes(attributes.metadata()) {
            return;
        }
        let Some(span) = context.span(id) else { return };
        // A parent that is named wins over where the caller stands.
        let named = attributes.parent().and_then(|parent| context.span(parent)).and_then(|parent| place_of(&parent));
        let place = named.unwrap_or_else(Ctx::current);
        if !place.is_recording() {
            return;
        }
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let observed = place.scope(|| Observed::begin(attributes.metadata(), fields));
        span.extensions_mut().replace(observed);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(observed) = span.extensions_mut().get_mut::<Observed>()
        {
            values.record(&mut observed.fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !self.takes(event.metadata()) {
            return;
        }
        let span = context.event_span(event);
        let named = event.parent().and(span.as_ref()).and_then(place_of);
        let place = named.unwrap_or_else(Ctx::current);
        if !place.is_recording() {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        let failed = place.scope(|| note(event.metadata(), fields));
        if let (Some(error), Some(span)) = (failed, span)
            && let Some(observed) = span.extensions_mut().get_mut::<Observed>()
        {
            observed.error = Some(error);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if let Some(place) = context.span(id).and_then(|span| place_of(&span)) {
            entered::enter(id, &place);
        }
    }

    fn on_exit(&self, id: &Id, _context: Context<'_, S>) {
        entered::exit(id);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let observed = span.extensions_mut().remove::<Observed>();
        if let Some(observed) = observed {
            observed.end(span.metadata());
        }
    }
}

/// The place inside of a span's observation.
fn place_of<'a, R: LookupSpan<'a>>(span: &SpanRef<'a, R>) -> Option<Ctx> {
    span.extensions().get::<Observed>().map(|observed| observed.guard.ctx())
}

/// Records an event where the caller stands. One of level `ERROR` is also the error of the span it is said in.
fn note(metadata: &Metadata<'_>, mut fields: Fields) -> Option<ErrorInfo> {
    let message = fields.take_text("message");
    if *metadata.level() == Level::ERROR {
        let said = call::error(&mut fields);
        let error = fields.take_text("error").or_else(|| fields.take_text("err"));
        let kind = said.as_ref().and_then(|said| said.kind.clone());
        let texts = [message, error, said.map(|said| said.message)];
        let message = texts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        let error = ErrorInfo {
            kind: kind.or_else(|| Some(metadata.target().to_owned())),
            message: with_fields(message, &fields),
            location: location(metadata),
            ..ErrorInfo::default()
        };
        facts::error(error.clone());
        return Some(error);
    }
    let message = with_fields(message.unwrap_or_else(|| metadata.name().to_owned()), &fields);
    if *metadata.level() == Level::WARN {
        facts::warning(message);
    } else {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        // Attributes have one value each, and lines of a log may be the same.
        let key = format!("log.{:06}", NUMBER.fetch_add(1, Ordering::Relaxed));
        facts::attribute(key, format!("{} {}: {message}", metadata.level(), metadata.target()));
    }
    None
}

fn location(metadata: &Metadata<'_>) -> Option<String> {
    Some(format!("{}:{}", metadata.file()?, metadata.line()?))
}

/// `message (key=value, key=value)`
fn with_fields(message: String, fields: &Fields) -> String {
    if fields.0.is_empty() {
        return message;
    }
    let pairs: Vec<String> = fields.0.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{message} ({})", pairs.join(", "))
}
