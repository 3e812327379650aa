//! What a call site fills in before its record is pushed.

use super::capture;
use super::decision::DecisionTape;
use super::tape::Tape;
use crate::event::Body;
use crate::model::{ErrorInfo, LlmCall, Object, Outcome, Usage};
use crate::registry::{LinkedPrompt, Prompt, Site};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Text as a call site gives it: a literal costs nothing.
pub type Text = Cow<'static, str>;

/// The beginning of a span, while its arguments are captured.
#[derive(Debug)]
pub struct Begin {
    pub(super) site: &'static Site,
    /// The entries of a map, without its frame.
    pub(super) inputs: Tape,
    pub(super) opening: Option<Box<Opening>>,
}

/// What is known when a span begins and finds no room in the rings. On the heap: most spans have none of it.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    /// Inputs too large for the ring of bytes.
    pub(crate) inputs: Tape,
    pub(crate) prompt: Option<Box<LinkedPrompt>>,
    pub(crate) model: Option<String>,
}

impl Opening {
    pub(super) fn size(&self) -> usize {
        self.inputs.len() + self.model.as_ref().map_or(0, String::len)
    }
}

impl Begin {
    /// Nothing is captured yet.
    #[must_use]
    pub fn new(site: &'static Site) -> Self {
        Self { site, inputs: Tape::default(), opening: None }
    }

    /// Writes the name of a captured argument; exactly one value must be written to the tape after it.
    pub fn input(&mut self, name: &'static str) -> &mut Tape {
        self.inputs.key(name);
        &mut self.inputs
    }

    /// The prompt that the call is made with.
    pub fn prompt(&mut self, prompt: &'static Prompt) {
        self.opening.get_or_insert_default().prompt = Some(Box::new(prompt.linked()));
    }

    /// The model that the call is made to.
    pub fn model(&mut self, model: impl Display) {
        self.opening.get_or_insert_default().model = Some(capture::display(&model));
    }
}

/// The end of a span, while its result is looked at. Small, and on the heap only what there is to say: most calls return with
/// nothing to be kept.
#[derive(Debug, Default)]
pub struct End {
    outcome: Option<Outcome>,
    /// One value, or nothing.
    output: Tape,
    ending: Option<Box<Ending>>,
}

/// What is known when a span ends and finds no room in the rings.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// What was returned, too large for the ring of bytes.
    pub(crate) output: Tape,
    /// Of an observation: name and arguments that were not known at its start.
    pub(crate) name: Option<String>,
    pub(crate) input: Value,
    pub(crate) error: Option<ErrorInfo>,
    pub(crate) llm: Option<Box<LlmCall>>,
    pub(crate) attributes: Object,
}

impl Ending {
    pub(super) fn size(&self) -> usize {
        self.output.len() + value_size(&self.input) + self.llm.as_ref().map_or(0, |llm| llm_size(llm))
    }
}

impl End {
    /// An end of which nothing but the outcome is known.
    pub(super) fn of(outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), ..Self::default() }
    }

    /// An end by a panic.
    #[cold]
    pub(super) fn panicked(error: ErrorInfo) -> Self {
        let mut end = Self::default();
        end.error(error);
        end.set_outcome(Outcome::Panicked);
        end
    }

    /// Says of a result what code of the user's finds out. That may panic: it is recorded and does not reach the program.
    #[inline]
    pub fn describe(&mut self, say: impl FnOnce(&mut Self)) {
        let mut say = Some(say);
        self.guarded(&mut |end| say.take().into_iter().for_each(|say| say(end)));
    }

    fn guarded(&mut self, say: &mut dyn FnMut(&mut Self)) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| say(self))) {
            self.capture_panicked(&*payload);
        }
    }

    pub(super) fn set_outcome(&mut self, outcome: Outcome) {
        self.outcome = Some(outcome);
    }

    /// The outcome, unless another was said.
    pub(super) fn or_outcome(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
    }

    /// The call ended with an error.
    pub fn error(&mut self, error: ErrorInfo) {
        self.set_outcome(Outcome::Err);
        self.ending().error = Some(error);
    }

    /// The call ended with an error that is known where the site is.
    pub fn error_at(&mut self, site: &Site, mut error: ErrorInfo) {
        error.location = Some(site.location());
        self.error(error);
    }

    /// Where to write the one captured value.
    pub fn output(&mut self) -> &mut Tape {
        self.output.clear();
        &mut self.output
    }

    /// The name of the observation, which was not known at its start.
    pub(super) fn name(&mut self, name: String) {
        self.ending().name = Some(name);
    }

    /// The arguments of the observation, which were not known at its start.
    pub(super) fn late_input(&mut self, input: Value) {
        self.ending().input = input;
    }

    /// What tokens the call used. In a stream this is called for every item, and the last answer counts.
    pub fn usage(&mut self, usage: impl IntoUsage) {
        if let Some(usage) = usage.into_usage() {
            self.llm().usage = Some(usage.totalled());
        }
    }

    /// What the model answered. In a stream this is called for every item, and pieces of text are joined.
    pub fn response(&mut self, response: impl IntoResponse) {
        match (response.into_response(), &mut self.llm().response) {
            (Value::Null, _) => {}
            (Value::String(piece), Value::String(text)) => text.push_str(&piece),
            (piece, response) => *response = piece,
        }
    }

    /// What is known of the model call when it is over.
    pub(super) fn call(&mut self, call: LlmCall) {
        self.llm().merge(call);
    }

    fn ending(&mut self) -> &mut Ending {
        self.ending.get_or_insert_default()
    }

    fn llm(&mut self) -> &mut LlmCall {
        self.ending().llm.get_or_insert_default()
    }

    /// Says how long the first token of a model call took, if a response or usage was seen.
    pub(super) fn first_token_after(&mut self, millis: Option<f64>) {
        if let Some(llm) = self.ending.as_mut().and_then(|ending| ending.llm.as_mut()) {
            llm.time_to_first_token_ms = millis;
        }
    }

    /// An expression of the user's that describes the result has panicked.
    #[cold]
    fn capture_panicked(&mut self, payload: &(dyn std::any::Any + Send)) {
        self.attribute("capture_error", format!("describing the result panicked: {}", capture::panic_message(payload)));
    }

    pub(super) fn attribute(&mut self, name: &str, value: impl Into<Value>) {
        self.ending().attributes.insert(name.to_owned(), value.into());
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.outcome.unwrap_or(Outcome::Ok)
    }

    /// Whether there is nothing to say but the outcome.
    pub(super) fn is_bare(&self) -> bool {
        self.output.is_empty() && self.ending.is_none()
    }

    /// What was returned, and what there is to say beside it.
    pub(super) fn into_parts(self) -> (Tape, Option<Box<Ending>>) {
        (self.output, self.ending)
    }
}

/// What `usage(|r| …)` may give: [`Usage`], or an option of it.
#[diagnostic::on_unimplemented(
    message = "`usage(|r| …)` must give a `whytrace::Usage` or an `Option` of it, not `{Self}`",
    note = "build one with `Usage::new(input, output)`"
)]
pub trait IntoUsage {
    /// The usage, if there is one.
    fn into_usage(self) -> Option<Usage>;
}

impl IntoUsage for Usage {
    fn into_usage(self) -> Option<Usage> {
        Some(self)
    }
}

impl<T: IntoUsage> IntoUsage for Option<T> {
    fn into_usage(self) -> Option<Usage> {
        self.and_then(T::into_usage)
    }
}

impl IntoUsage for &Usage {
    fn into_usage(self) -> Option<Usage> {
        Some(*self)
    }
}

/// What `response(|r| …)` may give: text, JSON, or an option of these.
#[diagnostic::on_unimplemented(
    message = "`response(|r| …)` must give text, a `serde_json::Value` or an `Option` of these, not `{Self}`",
    note = "use `.to_string()`, or `serde_json::json!(…)` for more than text"
)]
pub trait IntoResponse {
    /// The response; null for none.
    fn into_response(self) -> Value;
}

impl IntoResponse for String {
    fn into_response(self) -> Value {
        Value::String(self)
    }
}

impl IntoResponse for &str {
    fn into_response(self) -> Value {
        Value::String(self.to_owned())
    }
}

impl IntoResponse for &String {
    fn into_response(self) -> Value {
        Value::String(self.clone())
    }
}

impl IntoResponse for Cow<'_, str> {
    fn into_response(self) -> Value {
        Value::String(self.into_owned())
    }
}

impl IntoResponse for Value {
    fn into_response(self) -> Value {
        self
    }
}

impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Value {
        self.map_or(Value::Null, T::into_response)
    }
}

/// A decision, while its parts are evaluated.
#[derive(Debug)]
pub struct DecisionDraft {
    pub(super) site: &'static Site,
    pub(super) tape: DecisionTape,
}

impl DecisionDraft {
    pub(super) fn new(site: &'static Site) -> Self {
        Self { site, tape: DecisionTape::default() }
    }

    /// What was chosen.
    pub fn what(&mut self, what: &str) {
        self.tape.what(what);
    }

    /// Why.
    pub fn why(&mut self, why: &str) {
        self.tape.why(why);
    }

    /// How sure, 0..=1; something outside becomes null with a warning.
    pub fn confidence(&mut self, confidence: f64) {
        self.tape.confidence(confidence);
    }

    /// What else was considered, and how good it looked.
    pub fn alternative(&mut self, option: &str, confidence: f64) {
        self.tape.alternative(option, confidence);
    }

    /// Writes the name of an input; exactly one value must be written to the tape after it.
    pub fn input(&mut self, name: &'static str) -> &mut Tape {
        self.tape.input(name)
    }
}

/// About how many bytes the texts of a body hold.
pub(super) fn body_size(body: &Body) -> usize {
    match body {
        Body::LlmInteraction(interaction) => llm_size(&interaction.llm),
        Body::PromptExecuted(execution) => llm_size(&execution.llm) + value_size(&execution.metadata),
        Body::ObservationStart(start) => value_size(&start.input) + start.llm.as_ref().map_or(0, |llm| llm_size(llm)),
        Body::ObservationEnd(end) => {
            value_size(&end.input) + value_size(&end.output) + end.llm.as_ref().map_or(0, |llm| llm_size(llm))
        }
        Body::StageStart(start) => value_size(&start.inputs),
        Body::StageEnd(end) => value_size(&end.outputs),
        Body::TemplateRender(render) => {
            value_size(&render.variables)
                + render.source.as_ref().map_or(0, String::len)
                + render.output.as_ref().map_or(0, String::len)
        }
        Body::FileWrite(write) => write.content.as_ref().map_or(0, String::len),
        Body::ValidationError(error) => error.code_context.as_ref().map_or(0, String::len),
        Body::OutputSet(output) => object_size(&output.outputs),
        Body::TraceUpdate(update) => object_size(&update.fields) + object_size(&update.attributes),
        Body::EvidenceFound(found) => found.evidence.items.len() * 256,
        _ => 0,
    }
}

fn llm_size(llm: &LlmCall) -> usize {
    value_size(&llm.messages) + value_size(&llm.response) + object_size(&llm.parameters)
}

fn object_size(object: &Object) -> usize {
    object.iter().map(|(key, value)| key.len() + value_size(value)).sum()
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 16,
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(value_size).sum(),
        Value::Object(object) => object_size(object),
    }
}
