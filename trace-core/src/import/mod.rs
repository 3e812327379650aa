//! Documents of older versions and of the reference implementation in Python.
//!
//! Comes in: the text of a document. Goes out: a [`Trace`] that holds everything the document said. What has another place
//! or another notation here is moved (a flat `query` to `run.query`, `collected_count` to `collected`, `"google (0.6)"` to
//! an option with its confidence); what this version does not know is kept in `extra`, and what does not have the type it
//! should is kept beside it as `<name>_imported`.

mod fit;
mod foreign;
mod words;

use crate::model::{Stage, Trace};
use crate::text::sanitize_json_surrogates;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

/// Text that is not the document of a trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It cannot be read as JSON.
    #[error("the document cannot be read as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON, but no trace.
    #[error("the document is not a trace: {} missing; a trace has a `trace_id`, and a `run`, `stages` or `status`", missing.join(" and "))]
    NotATrace {
        /// What is missing.
        missing: Vec<&'static str>,
    },
}

/// Reads a document of this version, of an older or newer one, or of the reference implementation.
///
/// It is lenient: a `null` stands for whatever a field is without a value, bare `NaN` and `Infinity` (as Python writes them) are read,
/// and a lone surrogate becomes U+FFFD.
///
/// ```
/// let text = r#"{"trace_id": "trc_20260213_143022_a1b2c3d4", "query": "why?", "status": "complete", "stages": null}"#;
/// let trace = trace_core::import::read_document(text)?;
/// assert_eq!(trace.run.query.as_deref(), Some("why?"));
/// # Ok::<(), trace_core::import::ImportError>(())
/// ```
///
/// # Errors
/// When the text is no JSON, or JSON that is no trace; the error names what is missing.
pub fn read_document(text: &str) -> Result<Trace, ImportError> {
    let text = text.trim_start_matches('\u{feff}');
    let text = sanitize_json_surrogates(text);
    let text = words::quote(&text);
    // Our own documents need no help. Reading them from text keeps every digit of their money. (From bytes, as everywhere: each
    // kind of input has the code of the whole model compiled once more, and the store reads bytes.)
    if let Ok(trace) = serde_json::from_slice::<Trace>(text.as_bytes())
        && trace.metadata.generator.starts_with("whytrace")
        && !trace.trace_id.is_empty()
    {
        return Ok(trace);
    }
    let document: Document = match serde_json::from_slice(text.as_bytes()) {
        Err(error) if error.is_data() => Document::default(),
        read => read?,
    };
    Ok(foreign::trace(document.check()?)?)
}

/// A document whose stages are still in its order.
#[derive(Default, Deserialize)]
struct Document {
    #[serde(default)]
    stages: Option<Stages>,
    #[serde(flatten)]
    rest: crate::model::Object,
}

/// Stages by name, or as a list of objects with a name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stages {
    Named(IndexMap<String, Value>),
    Listed(Vec<Value>),
    Other(Value),
}

impl Document {
    /// Refuses what is no trace.
    fn check(self) -> Result<Self, ImportError> {
        let has_id = self.rest.get("trace_id").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
        let has_run = self.stages.is_some() || ["run", "status"].iter().any(|key| self.rest.contains_key(*key));
        let missing: Vec<_> = [(has_id, "`trace_id`"), (has_run, "`run`, `stages` or `status`")]
            .into_iter()
            .filter_map(|(present, name)| (!present).then_some(name))
            .collect();
        if missing.is_empty() { Ok(self) } else { Err(ImportError::NotATrace { missing }) }
    }
}

/// Stages by their names.
type NamedStages = IndexMap<String, Stage>;
