//! Why a component, or the whole job, came to nothing.

use crate::chat::Unanswered;
use std::io;
use std::path::PathBuf;
use whytrace::PromptError;
use whytrace::generation::minijinja;

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The specifications cannot be read.
    #[error("cannot read the specifications {}: give an existing folder with --specs", path.display())]
    Specifications {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is no specification.
    #[error("{} is no specification: {reason}", path.display())]
    Specification {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The prompt could not be filled in.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A template could not be rendered.
    #[error(transparent)]
    Template(#[from] minijinja::Error),
    /// The model did not answer.
    #[error(transparent)]
    Model(#[from] Unanswered),
    /// The code is wrong, and could not be mended.
    #[error("{component} is not valid: {reason}")]
    Invalid {
        /// The component.
        component: String,
        /// Why healing ended.
        reason: String,
    },
    /// The file could not be written.
    #[error("cannot write {}: check the folder given with --out", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
