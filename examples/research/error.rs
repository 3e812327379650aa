//! What can stop a run. A question without an answer does not: that is a low score.

use std::io;
use std::path::PathBuf;

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to search.
    #[error("cannot read the corpus {}: give an existing folder or file with --corpus", path.display())]
    Corpus {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The prompt could not be filled in.
    #[error("cannot render the prompt")]
    Prompt(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer could not be kept.
    #[error("cannot write the report {}: check that the folder is writable, or set WHYTRACE_DIR to another", path.display())]
    Report {
        /// Where it should have gone.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
