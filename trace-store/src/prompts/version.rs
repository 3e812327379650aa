//! Versions of prompts as they come out of the registry, and as they go in.

use super::uri::PromptUri;
use super::{PromptDiff, RegistryError};
use crate::sql::prompts::{LabelRow, TemplateRow};
use serde::Serialize;
use std::collections::BTreeMap;
use trace_core::model::{Money, Object, PromptLink, Timestamp};
use trace_core::registry::{PromptError, Template, template_hash};

/// The longest system text and template, together, in bytes.
const MOST: usize = 1 << 20;

/// A version of a prompt. Its number and texts never change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PromptVersion {
    /// Unique among all versions of all prompts.
    pub id: String,
    /// The name as the user wrote it, `support_bot`.
    pub name: String,
    /// The name in the registry, `support_bot_prompt`, with its catalog where there is one.
    pub registry_name: String,
    /// From 1.
    pub version: u32,
    /// The system text.
    pub system: Option<String>,
    /// The template.
    pub template: String,
    /// The variables that both use, in the order in which they first appear.
    pub variables: Vec<String>,
    /// blake3 of both, 64 hex digits.
    pub template_hash: String,
    /// Whether it may be chosen for rendering.
    pub is_active: bool,
    /// The arm of the running experiment that it is: `A`, `B`, …
    pub ab_test_group: Option<String>,
    /// How much of the traffic that arm gets, in percent.
    pub traffic_percentage: Option<f64>,
    /// The version that was the newest when this one was added.
    pub parent_version_id: Option<String>,
    /// Why it was added.
    pub commit_message: Option<String>,
    /// Whatever was kept with it.
    pub metadata: Object,
    /// What was executed with it.
    pub statistics: TemplateStatistics,
    /// When it was added.
    pub created_at: Timestamp,
    /// The labels that point to it.
    pub labels: Vec<String>,
}

/// What was executed with a version: exact at any moment, whatever the number of writers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TemplateStatistics {
    /// All executions.
    pub total_executions: u64,
    /// Those that succeeded.
    pub success_count: u64,
    /// Those that did not.
    pub failure_count: u64,
    /// The mean of those that have a time, in milliseconds.
    pub avg_response_time_ms: Option<f64>,
    /// The mean of those that have a count, inclusive of caches and reasoning.
    pub avg_token_count: Option<f64>,
    /// The mean of those that have a price, rounded to the picodollar.
    pub avg_cost_usd: Option<Money>,
}

/// A prompt and its versions, as lists show it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PromptSummary {
    /// The name as the user wrote it.
    pub name: String,
    /// The name in the registry.
    pub registry_name: String,
    /// How many versions it has.
    pub versions: u32,
    /// The newest active version; `None` where all are inactive.
    pub latest: Option<u32>,
    /// The labels and the versions that they point to.
    pub labels: BTreeMap<String, u32>,
    /// When the first version was added.
    pub created_at: Timestamp,
    /// When the newest version was added.
    pub updated_at: Timestamp,
}

/// A version and what it changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// The version.
    pub version: PromptVersion,
    /// The difference to the version before it; `None` for the first.
    pub changes: Option<PromptDiff>,
}

/// A version to be added.
///
/// ```
/// use trace_store::prompts::NewVersion;
/// let version = NewVersion::new("Analyze: {{ ticket }}").system("You are a support bot.").commit_message("First try");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "give it to `register` or `add_version`"]
pub struct NewVersion {
    pub(super) system: Option<String>,
    pub(super) template: String,
    pub(super) metadata: Object,
    pub(super) commit_message: Option<String>,
}

impl NewVersion {
    /// A version with this template.
    pub fn new(template: impl Into<String>) -> Self {
        Self { template: template.into(), ..Self::default() }
    }

    /// The system text, itself a template.
    pub fn system(mut self, system: impl Into<String>) -> Self {
        self.system = Some(system.into());
        self
    }

    /// Why it is added.
    pub fn commit_message(mut self, message: impl Into<String>) -> Self {
        self.commit_message = Some(message.into());
        self
    }

    /// Something to keep with it, such as who asked for it.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// blake3 of system text and template, 64 hex digits.
    #[must_use]
    pub fn template_hash(&self) -> String {
        template_hash(self.system.as_deref(), &self.template)
    }

    /// The variables, if the texts can be parsed and are not too long.
    pub(super) fn variables(&self, name: &str) -> Result<Vec<String>, RegistryError> {
        let bytes = self.template.len() + self.system.as_ref().map_or(0, String::len);
        if bytes > MOST {
            return Err(RegistryError::TooLong { name: name.to_owned(), bytes, most: MOST });
        }
        Ok(Template::new(name, self.system.clone(), self.template.clone())?.variables().to_vec())
    }
}

impl PromptVersion {
    /// `prompts:/<registry name>/<version>`.
    #[must_use]
    pub fn uri(&self) -> PromptUri {
        PromptUri::new(self.registry_name.clone(), self.version)
    }

    /// What ties a model call to this version.
    #[must_use]
    pub fn link(&self) -> PromptLink {
        let hash = Some(self.template_hash.clone());
        PromptLink::new(&self.name, self.registry_name.clone(), Some(self.version), hash)
    }

    /// The parsed texts, to be rendered within the limits of every template.
    ///
    /// # Errors
    /// When a text is malformed, which the registry does not take.
    pub fn to_template(&self) -> Result<Template, PromptError> {
        Template::new(&self.name, self.system.clone(), self.template.clone())
    }

    pub(super) fn of_row(row: TemplateRow, labels: &[LabelRow]) -> Self {
        let count = |count: i64| count.max(0).unsigned_abs();
        let points_here = |label: &&LabelRow| label.registry_name == row.registry_name && label.version == row.version;
        Self {
            version: number(row.version),
            labels: labels.iter().filter(points_here).map(|label| label.label.clone()).collect(),
            statistics: TemplateStatistics {
                total_executions: count(row.total_executions),
                success_count: count(row.success_count),
                failure_count: count(row.failure_count),
                avg_response_time_ms: row.avg_response_time_ms,
                avg_token_count: row.avg_token_count,
                avg_cost_usd: row.avg_cost_usd,
            },
            // The registry writes objects only.
            metadata: serde_json::from_str(row.metadata.as_str()).unwrap_or_default(),
            id: row.id,
            name: row.name,
            registry_name: row.registry_name,
            system: row.system_text,
            template: row.template_text,
            variables: row.variables,
            template_hash: row.template_hash,
            is_active: row.is_active,
            ab_test_group: row.ab_test_group,
            traffic_percentage: row.traffic_percentage,
            parent_version_id: row.parent_version_id,
            commit_message: row.commit_message,
            created_at: row.created_at,
        }
    }
}

/// A version's number as the database holds it.
pub(super) fn number(version: i64) -> u32 {
    u32::try_from(version).unwrap_or(0)
}

/// Whether a text can be a label: no label reads as a number, and `latest` is not one.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 64
        && text != "latest"
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}
