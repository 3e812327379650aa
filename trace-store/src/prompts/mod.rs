//! The registry of prompts: immutable numbered versions, labels that point to them, experiments between them.
//!
//! Comes in: the prompts that a program declares, and what people add to them. Goes out: which version a rendering uses, from memory
//! ([`PromptService`]), and the whole history from the database ([`Registry`]). Executions and their statistics come from the traces, by the
//! writer of rows.

mod cache;
mod diff;
mod error;
mod experiment;
mod prices;
mod registry;
mod results;
mod service;
mod uri;
mod version;

pub use crate::settings::{Catalog, CatalogError};
pub use diff::{DiffLine, PromptDiff, TextDiff};
pub use error::RegistryError;
pub use experiment::{Arm, ArmSamples, Experiment, ExperimentPlan, ExperimentStatus, Sample, StickyKey};
pub use registry::Registry;
pub use results::{
    ArmResult, Comparison, ExperimentResult, Goals, Measures, Metric, MetricResult, Verdict, VersionFigures,
    VersionReport, VersionReportOptions,
};
pub use service::{PromptService, PromptServiceOptions};
pub use uri::{PromptUri, VersionRef};
pub use version::{HistoryEntry, NewVersion, PromptSummary, PromptVersion, TemplateStatistics};
