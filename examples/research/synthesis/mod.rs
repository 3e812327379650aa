//! The fourth stage: evidence in, a draft of the answer out, written by a model or by the summariser on this machine.

mod draft;
mod endpoint;
#[cfg(test)]
mod endpoint_tests;
mod extractive;
mod prompt;
mod sse;

pub use draft::{Draft, Sentence};
pub use endpoint::Endpoint;

use crate::choice::Choice;
use crate::error::Error;
use crate::intake::Brief;
use crate::plan::Plan;
use crate::retrieval::Collection;
use crate::rubric::Rubric;
use prompt::Rendered;
use std::fmt;

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

impl Writers {
    /// A model writes from an endpoint, the summariser without one.
    pub fn new(endpoint: Option<Endpoint>) -> Self {
        Self { endpoint, answered: 0, failed: 0 }
    }

    /// Drafts an answer from the evidence.
    ///
    /// # Errors
    /// The prompt cannot be rendered. A model that does not answer is no error: the summariser takes over.
    pub fn synthesise(
        &mut self,
        brief: &Brief,
        rubric: &Rubric,
        plan: &Plan,
        collection: &Collection,
    ) -> Result<Draft, Error> {
        let prompt = prompt::render(brief, rubric, plan, collection)?;
        if self.choose(plan, collection) == Writer::Model
            && let Some(draft) = self.ask_model(&prompt)
        {
            return Ok(draft);
        }
        Ok(summarise(brief, rubric, plan, collection, &prompt))
    }

    /// A model is preferred four to one while it answers; without evidence it could only make something up.
    fn choose(&self, plan: &Plan, collection: &Collection) -> Writer {
        let available = self.endpoint.is_some() && !plan.local_only && !collection.evidence.is_empty();
        let reliability = f64::from(self.answered + 1) / f64::from(self.answered + 2 * self.failed + 1);
        let model = if available { 4.0 * reliability } else { 0.0 };
        Choice::between((Writer::Extractive, 1.0), [(Writer::Model, model)]).into_best()
    }

    fn ask_model(&mut self, prompt: &Rendered) -> Option<Draft> {
        let answer = ask(self.endpoint.as_ref()?, prompt);
        match answer {
            Ok(completion) => {
                self.answered += 1;
                Some(Draft::parse(&completion.text, completion.model))
            }
            Err(_) => {
                self.failed += 1;
                None
            }
        }
    }
}

fn ask(endpoint: &Endpoint, prompt: &Rendered) -> Result<endpoint::Completion, endpoint::Unanswered> {
    endpoint.complete(&prompt.system, &prompt.text)
}

fn summarise(brief: &Brief, rubric: &Rubric, plan: &Plan, collection: &Collection, _prompt: &Rendered) -> Draft {
    Draft { sentences: extractive::summarise(brief, rubric, plan, collection), model: "extractive".to_owned() }
}
