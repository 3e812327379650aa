//! What `prompt_versions` answers.

use schemars::JsonSchema;
use serde::Serialize;
use trace_store::prompts::{PromptSummary, PromptVersion, Registry, RegistryError};

/// Prompts, or the versions of one.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Prompts {
    /// All prompts; empty when one was asked for.
    prompts: Vec<PromptSummary>,
    /// The versions of the prompt that was asked for, newest first.
    versions: Vec<PromptVersion>,
}

impl Prompts {
    pub(crate) async fn of(registry: &Registry, name: Option<&str>) -> Result<Self, RegistryError> {
        let Some(name) = name else {
            return Ok(Self { prompts: registry.list_prompts().await?, versions: Vec::new() });
        };
        let mut versions = registry.list_versions(name).await?;
        versions.sort_by_key(|version| std::cmp::Reverse(version.version));
        if versions.is_empty() {
            return Err(RegistryError::NoSuchPrompt { registry_name: name.to_owned() });
        }
        Ok(Self { prompts: Vec::new(), versions })
    }
}
