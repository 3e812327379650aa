//! The fourth stage: evidence in, a draft of the answer out, written by a model or by the summariser on this machine.

#[path = "../../shared/chat/mod.rs"]
mod chat;
mod draft;
mod extractive;
mod prompt;

pub use chat::Endpoint;
pub use draft::{Draft, Sentence};

use crate::choice::Choice;
use crate::error::Error;
use crate::intake::Brief;
use crate::plan::Plan;
use crate::retrieval::Collection;
use crate::rubric::Rubric;
use crate::tokens;
use chat::{Completion, Unanswered};
use prompt::{Messages, SYNTHESIS};
use serde_json::json;
use std::fmt;
use whytrace::prelude::*;

/// Who can write an answer, and how reliable the model has been in this run.
#[derive(Debug, Default)]
pub struct Writers {
    /// The model, if there is one.
    pub endpoint: Option<Endpoint>,
    answered: u32,
    failed: u32,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writer {
    /// The summariser on this machine.
    Extractive,
    /// The model behind the endpoint.
    Model,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Extractive => "extractive",
            Self::Model => "model",
        })
    }
}

/// The stage's decisions and outputs, as declared.
#[derive(TracingComponent)]
#[component(
    name = "synthesizer",
    decisions("synthesizer_selected", "summary_length_chosen", "outline_ordered"),
    outputs("draft")
)]
struct Synthesizer;

impl Writers {
    /// A model writes if there is an endpoint, else the summariser.
    pub fn new(endpoint: Option<Endpoint>) -> Self {
        Self { endpoint, answered: 0, failed: 0 }
    }

    /// Drafts an answer from the evidence.
    ///
    /// # Errors
    /// The prompt cannot be rendered. A model that does not answer is no error: the summariser takes over.
    #[traced_stage(
        "synthesis",
        component = Synthesizer,
        output(|draft| json!({ "draft": draft.to_string() }))
    )]
    pub fn synthesise(
        &mut self,
        brief: &Brief,
        rubric: &Rubric,
        plan: &Plan,
        collection: &Collection,
    ) -> Result<Draft, Error> {
        let messages = prompt::render(brief, rubric, plan, collection)?;
        let draft = loop {
            match self.choose(plan, collection) {
                Writer::Extractive => break summarise(brief, rubric, plan, collection, &messages),
                // A model that does not answer loses its preference, so this ends.
                Writer::Model => {
                    if let Some(draft) = self.ask_model(&messages) {
                        break draft;
                    }
                }
            }
        };
        whytrace::evidence(Evidence::new().used(draft.citations().len() as u64));
        Ok(draft)
    }

    /// A model is preferred two to one while it answers; without evidence it could only make something up.
    fn choose(&self, plan: &Plan, collection: &Collection) -> Writer {
        let available = self.endpoint.is_some() && !plan.local_only && !collection.evidence.is_empty();
        let reliability = f64::from(self.answered + 1) / f64::from(self.answered + 2 * self.failed + 1);
        let model = if available { 2.0 * reliability } else { 0.0 };
        let choice = Choice::between((Writer::Extractive, 1.0), [(Writer::Model, model)]);
        decision!(
            "synthesizer_selected",
            what = choice.best(),
            why = match (choice.best(), available) {
                (Writer::Model, _) => "a model writes more fluently than extracts read, and it is there",
                (Writer::Extractive, true) => "the model does not answer reliably in this run",
                (Writer::Extractive, false) if self.endpoint.is_none() => "no model is configured",
                (Writer::Extractive, false) => "there is no evidence to write from, or only quotes are wanted",
            },
            confidence = choice.confidence(),
            alternatives = choice.alternatives(),
            inputs = { configured: self.endpoint.is_some(), evidence: collection.evidence.len(), reliability },
        );
        choice.into_best()
    }

    fn ask_model(&mut self, messages: &Messages) -> Option<Draft> {
        match ask(self.endpoint.as_ref()?, messages) {
            Ok(completion) => {
                self.answered += 1;
                Some(Draft::parse(&completion.text, completion.model))
            }
            Err(unanswered) => {
                self.failed += 1;
                whytrace::warning(unanswered.to_string());
                None
            }
        }
    }
}

/// Asks the model; everything about the call goes into the trace, also when it fails.
#[observable("ask_model", kind = llm, prompt = SYNTHESIS, model = endpoint.model)]
fn ask(endpoint: &Endpoint, messages: &Messages) -> Result<Completion, Unanswered> {
    let call = LlmCall::new().provider(endpoint.provider()).parameter("temperature", 0).messages(messages.to_json());
    whytrace::llm(call);
    let outcome = endpoint.complete(&messages.to_json());
    whytrace::llm(match &outcome {
        Ok(completion) => completion.to_call(&format!("{}{}", messages.system, messages.user), tokens::count),
        Err(unanswered) => LlmCall { attempts: unanswered.attempts.clone(), ..LlmCall::new() },
    });
    outcome
}

/// Lets the summariser write. To the trace it is a model like any other, only that it costs nothing.
#[observable("summarise", kind = llm, prompt = SYNTHESIS, model = "extractive", response(|draft| draft.to_string()))]
fn summarise(brief: &Brief, rubric: &Rubric, plan: &Plan, collection: &Collection, messages: &Messages) -> Draft {
    whytrace::llm(LlmCall::new().provider("local").messages(messages.to_json()));
    let sentences = extractive::summarise(brief, rubric, plan, collection);
    let draft = Draft { sentences, model: "extractive".to_owned() };
    let usage = Usage::new(messages.tokens() as u64, tokens::count(&draft.to_string()) as u64);
    whytrace::llm(LlmCall::new().usage(usage));
    draft
}
