//! What can be wrong with a template or with what is passed to it.

use super::template::MAX_TEXT;

/// Why a prompt could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// Variables that the template uses were not given.
    #[error(
        "prompt `{prompt}`: line {line} of its {part} uses {}, which {} not given: pass a field of that name",
        quoted(variables),
        if variables.len() == 1 { "was" } else { "were" }
    )]
    Missing {
        /// The prompt's name.
        prompt: String,
        /// `template` or `system`.
        part: &'static str,
        /// The line of the part, from 1; 0 if it is not known.
        line: usize,
        /// All variables that the prompt uses and that were not given.
        variables: Vec<String>,
    },
    /// The template is malformed, or something in it failed.
    #[error("prompt `{prompt}`: line {line} of its {part} cannot be rendered: {reason}")]
    Template {
        /// The prompt's name.
        prompt: String,
        /// `template` or `system`.
        part: &'static str,
        /// The line of the part, from 1; 0 if it is not known.
        line: usize,
        /// What the template engine says.
        reason: String,
    },
    /// The text got too long.
    #[error("prompt `{prompt}`: its {part} gives more than {} MiB of text: shorten what is passed to it", MAX_TEXT >> 20)]
    TooLong {
        /// The prompt's name.
        prompt: String,
        /// `template` or `system`.
        part: &'static str,
    },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
