//! What can go wrong with the registry: every message says what was asked for, and what to do.

use crate::sql::SqlError;
use trace_core::registry::PromptError;

/// A failure of the registry of prompts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// There is no database to open.
    #[error(
        "no registry of prompts is set up: call whytrace::init() with a database first, or open one with Registry::open"
    )]
    NotSetUp,
    /// The database.
    #[error(transparent)]
    Database(#[from] SqlError),
    /// A template that cannot be parsed.
    #[error(transparent)]
    Template(#[from] PromptError),
    /// A name that cannot be cleaned into a registry name.
    #[error("`{name}` cannot be a prompt's name: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two names that are the same once they are cleaned.
    #[error(
        "`{name}` registers as `{registry_name}`, which is taken by the prompt `{taken_by}`: give one of them another name"
    )]
    Collision {
        /// The name.
        name: String,
        /// What it registers as.
        registry_name: String,
        /// The prompt that was there first.
        taken_by: String,
    },
    /// A text that is too long for a template.
    #[error("the texts of `{name}` have {bytes} bytes, a prompt has at most {most}: pass the long part as a variable")]
    TooLong {
        /// The prompt.
        name: String,
        /// The length of system text and template.
        bytes: usize,
        /// The longest allowed.
        most: usize,
    },
    /// There is no such prompt.
    #[error("there is no prompt `{registry_name}` in the registry: register it, or run a program that declares it")]
    NoSuchPrompt {
        /// The name in the registry.
        registry_name: String,
    },
    /// There is no such version.
    #[error("the prompt `{registry_name}` has no version {version}")]
    NoSuchVersion {
        /// The name in the registry.
        registry_name: String,
        /// The version asked for.
        version: u32,
    },
    /// There is no such label.
    #[error("the prompt `{registry_name}` has no label `{label}`")]
    NoSuchLabel {
        /// The name in the registry.
        registry_name: String,
        /// The label asked for.
        label: String,
    },
    /// A text that cannot be a label.
    #[error(
        "`{label}` cannot be a label: use lower-case letters, digits, `_` and `-`, beginning with a letter; `latest` is taken"
    )]
    Label {
        /// The text.
        label: String,
    },
    /// A text that names no version.
    #[error("`{uri}` names no version of a prompt: {reason}")]
    Uri {
        /// The text.
        uri: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An experiment that cannot be.
    #[error("no experiment on `{registry_name}`: {reason}")]
    Experiment {
        /// The name in the registry.
        registry_name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such experiment.
    #[error("there is no experiment `{id}`")]
    NoSuchExperiment {
        /// The id asked for.
        id: String,
    },
}
