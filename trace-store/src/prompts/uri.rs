//! `prompts:/support_bot_prompt/2` and `prompts:/support_bot_prompt@production`.

use super::RegistryError;
use std::fmt;
use std::str::FromStr;

const SCHEME: &str = "prompts:/";

/// Names a version of a prompt, outright or by its label.
///
/// ```
/// use trace_store::prompts::{PromptUri, VersionRef};
/// let uri: PromptUri = "prompts:/main.default.support_bot_prompt@production".parse()?;
/// assert_eq!(uri.registry_name, "main.default.support_bot_prompt");
/// assert_eq!(uri.version, VersionRef::Label("production".into()));
/// assert_eq!(PromptUri::new("support_bot_prompt", 2).to_string(), "prompts:/support_bot_prompt/2");
/// # Ok::<(), trace_store::prompts::RegistryError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PromptUri {
    /// The name in the registry, with its catalog where there is one.
    pub registry_name: String,
    /// Which version.
    pub version: VersionRef,
}

/// Which version of a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum VersionRef {
    /// By its number, from 1.
    Version(u32),
    /// The one that a label points to.
    Label(String),
}

impl PromptUri {
    /// The URI of a version.
    #[must_use]
    pub fn new(registry_name: impl Into<String>, version: u32) -> Self {
        Self { registry_name: registry_name.into(), version: VersionRef::Version(version) }
    }
}

impl FromStr for PromptUri {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let refuse = |reason| RegistryError::Uri { uri: text.to_owned(), reason };
        let rest = text.trim().strip_prefix(SCHEME).ok_or_else(|| refuse("it does not begin with `prompts:/`"))?;
        let (name, version) = match (rest.rsplit_once('/'), rest.rsplit_once('@')) {
            (Some((name, version)), _) => {
                let number = version.parse().ok().filter(|number| *number > 0);
                (name, VersionRef::Version(number.ok_or_else(|| refuse("its version is no number from 1"))?))
            }
            (None, Some((name, label))) if super::version::is_label(label) => {
                (name, VersionRef::Label(label.to_owned()))
            }
            (None, Some(_)) => return Err(refuse("its label is none")),
            (None, None) => return Err(refuse("it names neither a version (`/2`) nor a label (`@production`)")),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if name.is_empty() || !name.chars().all(is_name) {
            return Err(refuse("its name is none that the registry gives"));
        }
        Ok(Self { registry_name: name.to_owned(), version })
    }
}

impl fmt::Display for PromptUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.version {
            VersionRef::Version(version) => write!(f, "{SCHEME}{}/{version}", self.registry_name),
            VersionRef::Label(label) => write!(f, "{SCHEME}{}@{label}", self.registry_name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back_and_the_rest_is_refused() {
        for text in ["prompts:/support_bot_prompt/2", "prompts:/a.b.c_prompt@production", "prompts:/x_prompt@v-1"] {
            assert_eq!(text.parse::<PromptUri>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "support_bot",
            "prompts:/",
            "prompts:/x",
            "prompts:/x/0",
            "prompts:/x/two",
            "prompts:/x@",
            "prompts:/a b/1",
            "prompts:/x@1",
            "http://x/1",
        ] {
            assert!(bad.parse::<PromptUri>().is_err(), "{bad}");
        }
    }
}
