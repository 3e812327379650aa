//! What an event says, kind by kind.

use super::PromptExecution;
use crate::model::{
    Alternative, CalibrationFlag, ChildTrace, ErrorInfo, Evidence, Gate, Iteration, Kind, LlmCall, Object, Outcome,
    Score, Status,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Declares [`Body`] from one table: the variant, the word in the stream, the fields.
macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident($fields:ty) = $name:literal,)*) => {
        /// What happened: one variant for each kind of event.
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Body {
            $($(#[$doc])* $variant($fields),)*
            /// An event of a newer version or of another program, kept as it is.
            Unknown(Unknown),
        }

        impl Body {
            /// The kinds of this version, as they are written.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The word in the stream's `event` field.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $name,)*
                    Self::Unknown(unknown) => &unknown.event,
                }
            }

            /// Reads the fields of an event called `name` from its line.
            pub(super) fn parse(name: &str, line: &[u8]) -> serde_json::Result<Self> {
                match name {
                    $($name => serde_json::from_slice(line).map(|body| Self::$variant(body).without_envelope()),)*
                    _ => {
                        let mut fields: Object = serde_json::from_slice(line)?;
                        fields.retain(|key, _| !ENVELOPE.contains(&key.as_str()));
                        Ok(Self::Unknown(Unknown { event: name.to_owned(), fields }))
                    }
                }
            }

            /// Takes out of the unknown fields what belongs to the envelope.
            fn without_envelope(mut self) -> Self {
                let extra = match &mut self {
                    $(Self::$variant(body) => &mut body.extra,)*
                    Self::Unknown(unknown) => &mut unknown.fields,
                };
                extra.retain(|key, _| !ENVELOPE.contains(&key.as_str()));
                self
            }
        }
    };
}

/// The keys of a line that belong to its envelope.
const ENVELOPE: [&str; 13] = [
    "event",
    "seq",
    "ts",
    "session_id",
    "trace_id",
    "stage",
    "component",
    "duration_ms",
    "model",
    "prompt_length",
    "response_length",
    "tokens_in",
    "tokens_out",
];
bodies! {
    /// A run begins.
    TraceStart(TraceStart) = "trace_start",
    /// Something was said about the run, or about a span of it.
    TraceUpdate(TraceUpdate) = "trace_update",
    /// The run is over.
    TraceEnd(TraceEnd) = "trace_end",
    /// A stage begins.
    StageStart(StageStart) = "stage_start",
    /// A stage is over.
    StageEnd(StageEnd) = "stage_end",
    /// An observed call begins.
    ObservationStart(ObservationStart) = "observation_start",
    /// An observed call is over.
    ObservationEnd(ObservationEnd) = "observation_end",
    /// A choice was made.
    DecisionMade(DecisionMade) = "decision",
    /// A stage reports what it collected and kept.
    EvidenceFound(EvidenceFound) = "evidence",
    /// A model call, or more about the one that runs.
    LlmInteraction(LlmInteraction) = "llm_interaction",
    /// A model call that the program logged itself.
    PromptExecuted(PromptExecution) = "prompt_execution",
    /// A template was rendered.
    TemplateRender(TemplateRender) = "template_render",
    /// A check found something.
    ValidationError(ValidationError) = "validation_error",
    /// A file was written.
    FileWrite(FileWrite) = "file_write",
    /// A cache of the pipeline was asked.
    CacheAccess(CacheAccess) = "cache",
    /// How much memory the process uses.
    MemoryUse(MemoryUse) = "memory",
    /// An error that did not end the stage or observation.
    ErrorRaised(ErrorRaised) = "error",
    /// Scores were given, or a quality gate judged.
    ScoreGiven(ScoreGiven) = "score",
    /// A pass of the retry loop is over.
    IterationDone(IterationDone) = "iteration",
    /// The run, or a stage of it, produced something.
    OutputSet(OutputSet) = "output",
    /// A trace was started from this one.
    ChildStart(ChildStart) = "child_trace",
    /// A quality pattern was detected.
    FlagRaised(FlagRaised) = "flag",
    /// The tracer noticed something.
    Warning(Noted) = "warning",
}

/// A run begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceStart {
    /// The version of the document format.
    pub schema_version: u32,
    /// The 128-bit W3C trace id, 32 hex digits.
    pub otel_trace_id: Option<String>,
    /// The span of the trace itself, 16 hex digits; it is also the id of the stage `_run`.
    pub root_span_id: String,
    /// The trace this one is a child of.
    pub parent_trace_id: Option<String>,
    /// The span of the parent that started it.
    pub parent_span_id: Option<String>,
    /// Who it is run for.
    pub user_id: Option<String>,
    /// Free labels.
    pub tags: BTreeMap<String, String>,
    /// The project's folder name.
    pub project_id: String,
    /// The project's name, as given.
    pub project_name: String,
    /// What the run was asked.
    pub query: Option<String>,
    /// What the asker wants to do with it.
    pub intent: Option<String>,
    /// The subject area.
    pub domain: Option<String>,
    /// The sort of report wanted.
    pub report_type: Option<String>,
    /// The sort of research done.
    pub research_type: Option<String>,
    /// Whatever else the pipeline set.
    pub fields: Object,
    /// The file under `_traces/.live/` that the recording process holds locked.
    pub live: Option<String>,
    /// The version of the recording crate.
    pub trace_version: String,
    /// What writes the document.
    pub generator: String,
    /// How many items the document holds at most.
    pub max_items: Option<u64>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// Something was said about the run, or about a span of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceUpdate {
    /// The span that `attributes` are said of.
    pub span_id: Option<String>,
    /// Said of that span.
    pub attributes: Object,
    /// Who it is run for.
    pub user_id: Option<String>,
    /// Labels to add.
    pub tags: BTreeMap<String, String>,
    /// What the run was asked.
    pub query: Option<String>,
    /// What the asker wants to do with it.
    pub intent: Option<String>,
    /// The subject area.
    pub domain: Option<String>,
    /// The sort of report wanted.
    pub report_type: Option<String>,
    /// The sort of research done.
    pub research_type: Option<String>,
    /// Fields to set.
    pub fields: Object,
    /// What recording has cost and lost so far; sent after late events.
    pub metadata: Option<TraceAccount>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// The run is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceEnd {
    /// How it ended.
    pub status: Status,
    /// What made it fail.
    pub error: Option<ErrorInfo>,
    /// What recording cost and lost.
    pub metadata: TraceAccount,
    /// Whether another process ended it, because its own had died.
    pub recovered: bool,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A stage begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageStart {
    /// 16 hex digits.
    pub id: String,
    /// The stage or observation it runs in.
    pub parent_id: Option<String>,
    /// Its name, before it was made unique.
    pub name: String,
    /// What it works on, where that is only known at run time; on its way to the envelope, where the stream has it.
    #[serde(skip)]
    pub component: Option<String>,
    /// The captured arguments.
    pub inputs: Value,
    /// `file:line:column` of the instrumented item.
    pub location: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A stage is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StageEnd {
    /// 16 hex digits.
    pub id: String,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The captured result.
    pub outputs: Value,
    /// What went wrong.
    pub error: Option<ErrorInfo>,
    /// What was learned of it on the way, such as the items of a stream.
    pub attributes: Object,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// An observed call begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObservationStart {
    /// 16 hex digits.
    pub id: String,
    /// The stage or observation it runs in.
    pub parent_id: Option<String>,
    /// Its name.
    pub name: String,
    /// What sort of call it is.
    pub kind: Kind,
    /// The captured arguments.
    pub input: Value,
    /// For a model call: prompt, model and what else is known before it.
    pub llm: Option<Box<LlmCall>>,
    /// `file:line:column` of the instrumented item.
    pub location: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// An observed call is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObservationEnd {
    /// 16 hex digits.
    pub id: String,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Its name, where it became known only after the start; wins over the one given there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The arguments, where they became known only after the start; win over those given there.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub input: Value,
    /// The captured result.
    pub output: Value,
    /// What went wrong.
    pub error: Option<ErrorInfo>,
    /// What was learned of it on the way, such as the items of a stream.
    pub attributes: Object,
    /// For a model call: response, usage and what else is known after it.
    pub llm: Option<Box<LlmCall>>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A choice was made.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DecisionMade {
    /// 16 hex digits.
    pub id: String,
    /// The innermost stage or observation it was made in.
    pub span_id: Option<String>,
    /// The decision point.
    pub decision: String,
    /// What was chosen.
    pub what: String,
    /// Why.
    pub why: String,
    /// How sure, 0..=1.
    pub confidence: Option<f64>,
    /// What else was on the table.
    pub alternatives_considered: Vec<Alternative>,
    /// What it was based on.
    pub inputs: Object,
    /// `file:line:column` of the `decision!`.
    pub location: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A stage reports what it collected and kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidenceFound {
    /// The innermost stage or observation.
    pub span_id: Option<String>,
    /// What it found.
    pub evidence: Evidence,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A model call, or more about the one that runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LlmInteraction {
    /// The id of a call that is no observation otherwise; absent when this adds to the observation `span_id`.
    pub id: Option<String>,
    /// The innermost stage or observation.
    pub span_id: Option<String>,
    /// What is known of the call.
    pub llm: Box<LlmCall>,
    /// The file beside the document that holds the texts, when they are large.
    pub side_file: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A template was rendered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TemplateRender {
    /// 16 hex digits.
    pub id: String,
    /// The innermost stage or observation.
    pub span_id: Option<String>,
    /// The template's name or path.
    pub template: String,
    /// What it was given.
    pub variables: Value,
    /// The text before.
    pub source: Option<String>,
    /// The text after.
    pub output: Option<String>,
    /// The levels of indentation that occur in the output, in columns.
    pub indentation: Vec<u32>,
    /// Why it could not be rendered.
    pub error: Option<ErrorInfo>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A check found something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ValidationError {
    /// 16 hex digits.
    pub id: String,
    /// The innermost stage or observation.
    pub span_id: Option<String>,
    /// What was checked: `syntax`, `import`, `logic`, …
    pub validation_type: Option<String>,
    /// The sort of error, such as `SyntaxError`.
    pub error_type: String,
    /// The exact message.
    pub error_message: String,
    /// The file it was found in.
    pub file: Option<String>,
    /// The line, from 1.
    pub line_number: Option<u64>,
    /// The column, from 1.
    pub column: Option<u64>,
    /// The lines around it.
    pub code_context: Option<String>,
    /// What was tried to mend it.
    pub healing_attempts: Vec<HealingAttempt>,
    /// How it ended: `healed`, `failed`; `healing` while more is tried.
    pub final_status: Option<String>,
    /// Why healing ended: `healed`, `gave_up`, `no_progress`, `error`.
    pub healing_ended: Option<String>,
    /// The same in a sentence.
    pub healing_reason: Option<String>,
    /// The file beside the document that holds the texts, when they are large.
    pub side_file: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A file was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileWrite {
    /// 16 hex digits.
    pub id: String,
    /// The innermost stage or observation.
    pub span_id: Option<String>,
    /// Where to.
    pub path: String,
    /// What was written.
    pub content: Option<String>,
    /// How much was written.
    pub bytes: Option<u64>,
    /// What was checked before writing, and how it came out.
    pub checks_before: Object,
    /// What was checked after writing, and how it came out.
    pub checks_after: Object,
    /// The file's permissions, such as `rw-r--r--`.
    pub permissions: Option<String>,
    /// The file's owner.
    pub owner: Option<String>,
    /// Why it could not be written.
    pub error: Option<ErrorInfo>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A cache of the pipeline was asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheAccess {
    /// The innermost stage or observation.
    pub span_id: Option<String>,
    /// Which cache.
    pub cache: String,
    /// What for.
    pub key: Option<String>,
    /// Whether it had it.
    pub hit: bool,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// How much memory the process uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryUse {
    /// The innermost stage or observation.
    pub span_id: Option<String>,
    /// Resident bytes.
    pub bytes: u64,
    /// What it was measured for.
    pub label: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// An error that did not end the stage or observation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorRaised {
    /// The innermost stage or observation.
    pub span_id: Option<String>,
    /// What went wrong.
    pub error: ErrorInfo,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// Scores were given, or a quality gate judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScoreGiven {
    /// The innermost stage or observation.
    pub span_id: Option<String>,
    /// The scores.
    pub scores: Vec<Score>,
    /// The gate's verdict on them.
    pub gate: Option<Gate>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A pass of the retry loop is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IterationDone {
    /// The pass.
    pub iteration: Iteration,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// The run, or a stage of it, produced something.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputSet {
    /// The stage whose output it is; absent for the run.
    pub span_id: Option<String>,
    /// What it produced.
    pub outputs: Object,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A trace was started from this one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChildStart {
    /// The child.
    pub child: ChildTrace,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A quality pattern was detected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FlagRaised {
    /// The pattern.
    pub flag: CalibrationFlag,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// Something the tracer noticed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Noted {
    /// What was noticed, and what to do.
    pub message: String,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// An event whose kind this version does not know.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Unknown {
    /// The word in the stream's `event` field.
    #[serde(skip)]
    pub event: String,
    /// All of its fields but those of the envelope.
    #[serde(flatten)]
    pub fields: Object,
}

/// What recording a trace cost and lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TraceAccount {
    /// Records made but not kept.
    pub dropped_events: u64,
    /// Time that callers waited for room, plus the collector's work on the trace, in milliseconds.
    pub tracing_overhead_ms: f64,
}

/// One try to mend what a check found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealingAttempt {
    /// 1 for the first try.
    pub attempt: u32,
    /// What was done.
    pub strategy: Option<String>,
    /// Whether it mended the error.
    pub success: bool,
    /// What was still wrong afterwards.
    pub error: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

impl Body {
    /// The model call in this event, if it has one.
    #[must_use]
    pub fn llm(&self) -> Option<&LlmCall> {
        match self {
            Self::ObservationStart(start) => start.llm.as_deref(),
            Self::ObservationEnd(end) => end.llm.as_deref(),
            Self::LlmInteraction(interaction) => Some(&interaction.llm),
            Self::PromptExecuted(execution) => Some(&execution.llm),
            _ => None,
        }
    }
}
