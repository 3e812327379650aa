use super::{Iteration, Object, SCHEMA_VERSION, Stage, Timestamp};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One run of a pipeline: the whole document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// The version of the format, [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// `trc_YYYYMMDD_HHMMSS_<16 hex>`.
    pub trace_id: String,
    /// The 128-bit W3C trace id, 32 hex digits.
    pub otel_trace_id: Option<String>,
    /// The trace this one is a child of.
    pub parent_trace_id: Option<String>,
    /// The span of the parent that started it.
    pub parent_span_id: Option<String>,
    /// The conversation or job it belongs to; without one, the trace id.
    pub session_id: String,
    /// Who it was run for.
    pub user_id: Option<String>,
    /// Free labels.
    pub tags: BTreeMap<String, String>,
    /// The project's folder name.
    pub project_id: String,
    /// The project's name, as given.
    pub project_name: String,
    /// What was run, when, and how it ended.
    pub run: RunInfo,
    /// The stages, in the order in which they began.
    pub stages: IndexMap<String, Stage>,
    /// The passes of the retry loop.
    pub iterations: Vec<Iteration>,
    /// How many passes there were.
    pub iteration_count: u32,
    /// How many times the gate failed.
    pub quality_gate_failures: u32,
    /// What the run produced.
    pub outputs: Object,
    /// Traces started from this one.
    pub child_traces: Vec<ChildTrace>,
    /// Quality patterns detected after the run.
    pub calibration_flags: Vec<CalibrationFlag>,
    /// What the tracer has to say about this trace.
    pub warnings: Vec<Warning>,
    /// How the trace came about.
    pub metadata: Metadata,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

impl Default for Trace {
    fn default() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            trace_id: String::new(),
            otel_trace_id: None,
            parent_trace_id: None,
            parent_span_id: None,
            session_id: String::new(),
            user_id: None,
            tags: BTreeMap::new(),
            project_id: String::new(),
            project_name: String::new(),
            run: RunInfo::default(),
            stages: IndexMap::new(),
            iterations: Vec::new(),
            iteration_count: 0,
            quality_gate_failures: 0,
            outputs: Object::new(),
            child_traces: Vec::new(),
            calibration_flags: Vec::new(),
            warnings: Vec::new(),
            metadata: Metadata::default(),
            extra: Object::new(),
        }
    }
}

/// How a trace ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub enum Status {
    /// It runs, or its process died and nobody has recovered it yet.
    #[default]
    InProgress,
    /// It ran to its end.
    Complete,
    /// It was cancelled, or its process died.
    Incomplete,
    /// It ended with an error or a panic.
    Failed,
}

impl Status {
    /// The word used in documents and rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was run, when, and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunInfo {
    /// What the run was asked.
    pub query: Option<String>,
    /// What the asker wants to do with it, such as `validating`.
    pub intent: Option<String>,
    /// The subject area.
    pub domain: Option<String>,
    /// The sort of report wanted.
    pub report_type: Option<String>,
    /// The sort of research done.
    pub research_type: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// How long it took, by the monotonic clock.
    pub duration_seconds: Option<f64>,
    /// How it ended.
    pub status: Status,
    /// Always true in a document that exists.
    pub tracing_enabled: bool,
    /// What the pipeline set: `tier_config`, `rubric_scores`, `retrieval_method`, …
    pub fields: Object,
    /// What made the run fail.
    pub error: Option<super::ErrorInfo>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// A trace started from this one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChildTrace {
    /// The child's id.
    pub trace_id: String,
    /// What it makes.
    pub output_type: Option<String>,
    /// Where its document is.
    pub path: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// An automatically detected quality pattern.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CalibrationFlag {
    /// Which pattern.
    pub kind: String,
    /// The pattern in words.
    pub message: String,
    /// How many runs it rests on.
    pub n: u64,
    /// How large the effect is, in the unit of the message.
    #[serde(with = "super::number::option")]
    pub effect: Option<f64>,
    /// The 95 % interval of the effect.
    pub interval: Option<(f64, f64)>,
    /// Whether there are too few runs to raise an alarm.
    pub thin: bool,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// Something the tracer noticed about this trace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Warning {
    /// When it was noticed.
    pub timestamp: Option<Timestamp>,
    /// The stage it concerns.
    pub stage: Option<String>,
    /// What was noticed, and what to do.
    pub message: String,
}

/// How the trace came about.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The version of the recording crate.
    pub trace_version: String,
    /// What wrote the document, `whytrace <version>`.
    pub generator: String,
    /// The span of the trace itself, 16 hex digits: what calls made outside any stage name as their parent.
    pub root_span_id: Option<String>,
    /// What tracing cost this run: time that callers waited for room, plus the collector's work, in milliseconds.
    pub tracing_overhead_ms: f64,
    /// Records that were made but not kept, because there was no room within `max_wait`.
    pub dropped_events: u64,
    /// Items that are in the event stream but not in this document, because it was full.
    pub stream_only: u64,
    /// Events that arrived after the trace had ended.
    pub late_events: u64,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}
