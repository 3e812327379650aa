//! A prompt with its variables filled in.

use super::PromptArm;
use crate::model::PromptLink;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::Deref;

/// A prompt with its variables filled in, and the link to the prompt it came from. It reads as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenderedPrompt {
    /// The system text, if the prompt has one.
    pub system: Option<String>,
    /// The text.
    pub text: String,
    /// The prompt behind it, with the version that was rendered, for `LlmCall::prompt`.
    pub link: PromptLink,
    /// The arm of the running experiment that chose this version.
    pub arm: Option<PromptArm>,
}

impl Deref for RenderedPrompt {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Display for RenderedPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for RenderedPrompt {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl From<RenderedPrompt> for String {
    fn from(rendered: RenderedPrompt) -> Self {
        rendered.text
    }
}

impl From<RenderedPrompt> for Cow<'_, str> {
    fn from(rendered: RenderedPrompt) -> Self {
        Cow::Owned(rendered.text)
    }
}
