//! The trace document: what a run was, as plain data.
//!
//! Comes in: events, through [`crate::fold`], or JSON that some version of this crate (or the
//! reference implementation in Python, see [`import`](crate::import)) wrote. Goes out: the JSON document, and every projection made
//! of it (rows, summary, scorecard, spans). This module knows nobody else.
//!
//! A pinned path without a value is `null` or empty, never absent; unknown fields and kinds are kept in
//! `extra`, so that reading and writing a newer document loses nothing.

mod decision;
mod error;
mod evidence;
mod llm;
mod money;
mod number;
mod observation;
mod quality;
mod response;
#[cfg(feature = "schemas")]
mod schemas;
mod stage;
mod time;
mod trace;

pub use decision::{Alternative, Decision};
pub use error::{ErrorInfo, Outcome};
pub use evidence::{Evidence, EvidenceItem};
pub use llm::{Attempt, LlmCall, PromptLink, TokenUsage, Usage};
pub use money::{Money, MoneyError};
pub use observation::{Kind, Observation};
pub use quality::{Gate, GatePolicy, Iteration, Score};
pub use response::ModelResponse;
pub use stage::Stage;
pub use time::Timestamp;
pub use trace::{CalibrationFlag, ChildTrace, Metadata, RunInfo, Status, Trace, Warning};

/// A JSON object, as captured values and unknown fields are kept.
pub type Object = serde_json::Map<String, serde_json::Value>;

/// The version of the document format written by this crate.
pub const SCHEMA_VERSION: u32 = 1;

/// The stage that holds what happened outside any stage.
pub const RUN_STAGE: &str = "_run";
