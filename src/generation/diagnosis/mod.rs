//! Why a generation came out as it did, from its trace alone.
//!
//! Comes in: a [`Trace`], as it was captured or read from its file. Goes out: the model calls, the transformations of what they
//! gave, what validation found, what healing tried, and with these the answers to seven questions.

mod answers;
mod collect;

pub use answers::{Answer, QUESTIONS};

use serde_json::Value;
use trace_core::event::HealingAttempt;
use trace_core::model::{Attempt, ErrorInfo, Object, PromptLink, Status, Timestamp, Trace};

/// What there is to know of a generation.
///
/// ```
/// use whytrace::generation::{Artifact, Broken, Diagnosis, Finding, check, heal};
/// let run = whytrace::testing::trace(|| {
///     let never = check("never", "logic", |_: &Artifact| vec![Finding::new("Unfit", "it is never good enough")]);
///     heal(Artifact::new("a.rs", ""), 1, &never, |_: Broken| Ok::<_, std::io::Error>("fn a() {}".to_owned()));
/// });
/// let diagnosis = Diagnosis::of(run.trace());
/// assert_eq!(diagnosis.failures[0].message, "it is never good enough");
/// assert_eq!(diagnosis.healing[0].ended.as_deref(), Some("gave_up"));
/// assert_eq!(diagnosis.answers().len(), 7);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Diagnosis {
    /// The trace.
    pub trace_id: String,
    /// How it ended.
    pub status: Status,
    /// What made it fail, if it did.
    pub error: Option<ErrorInfo>,
    /// The model calls, in the order in which they began.
    pub calls: Vec<ModelCall>,
    /// What was made of their responses, in the same order.
    pub transformations: Vec<Transformation>,
    /// What validation found, each thing once.
    pub failures: Vec<Failure>,
    /// What other calls and stages failed with, each error once, where it began.
    pub errors: Vec<(Place, ErrorInfo)>,
    /// What was tried to mend the failures.
    pub healing: Vec<HealingRecord>,
}

/// Where in the trace something is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// The stage.
    pub stage: String,
    /// The component that was generated, or that did the work.
    pub component: Option<String>,
    /// The observation's id; empty for a stage.
    pub observation_id: String,
    /// The observation's name; empty for a stage.
    pub name: String,
    /// When it began.
    pub at: Option<Timestamp>,
}

/// A model call.
#[derive(Clone, Debug, Default)]
pub struct ModelCall {
    /// Where.
    pub place: Place,
    /// The prompt behind it.
    pub prompt: PromptLink,
    /// The model.
    pub model: Option<String>,
    /// As sent.
    pub parameters: Object,
    /// The exact messages sent.
    pub messages: Value,
    /// The exact response.
    pub response: Value,
    /// The tries it took.
    pub attempts: Vec<Attempt>,
    /// What went wrong.
    pub error: Option<ErrorInfo>,
}

/// Something that made one thing of another: a rendered template, an extraction, generated or mended code, a file.
#[derive(Clone, Debug, Default)]
pub struct Transformation {
    /// Where.
    pub place: Place,
    /// The kind of the observation.
    pub kind: String,
    /// What went in.
    pub before: Value,
    /// What came out.
    pub after: Value,
    /// What went wrong.
    pub error: Option<ErrorInfo>,
}

/// Something that validation found.
#[derive(Clone, Debug, Default)]
pub struct Failure {
    /// Where in the trace.
    pub place: Place,
    /// What was checked.
    pub validation_type: Option<String>,
    /// The sort of error.
    pub error_type: Option<String>,
    /// The exact message.
    pub message: String,
    /// The file it was found in.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u64>,
    /// The column, from 1.
    pub column: Option<u64>,
    /// The lines around it.
    pub context: Option<String>,
}

/// What was tried to mend a failure.
#[derive(Clone, Debug, Default)]
pub struct HealingRecord {
    /// Where in the trace.
    pub place: Place,
    /// What was to be mended.
    pub file: Option<String>,
    /// What was tried.
    pub attempts: Vec<HealingAttempt>,
    /// How it stands: `healed`, `failed`, `healing`.
    pub final_status: Option<String>,
    /// Why it ended.
    pub ended: Option<String>,
    /// The same in a sentence.
    pub reason: Option<String>,
    /// What was still wrong, or had been.
    pub last_error: String,
}

impl Diagnosis {
    /// Looks through a trace. Texts that are in side files are not in it: `whytrace::files::read_whole` reads a document with them.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        collect::collect(trace)
    }
}
