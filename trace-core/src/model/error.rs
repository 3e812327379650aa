use super::Object;
use serde::{Deserialize, Serialize};

/// How a stage or observation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It returned, and what it returned is no `Err`.
    Ok,
    /// It returned an `Err`.
    Err,
    /// It panicked; the panic went on.
    Panicked,
    /// Its future or stream was dropped before it was ready: a lost `select!`, an aborted task, a timeout.
    Cancelled,
}

impl Outcome {
    /// The word used in documents, rows and on the terminal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Err => "err",
            Self::Panicked => "panicked",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong, as far as the program said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorInfo {
    /// The error's Rust type (`panic` for a panic), or whatever type name a foreign document holds.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// The error's own message.
    pub message: String,
    /// The messages of its sources, outermost first, without the error itself.
    pub chain: Vec<String>,
    /// A backtrace, where the error carried one.
    pub backtrace: Option<String>,
    /// `file:line:column` of the instrumented item, or of the panic.
    pub location: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}
