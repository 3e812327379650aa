//! The registry of prompts: versions, labels, experiments, and what was executed with them.
//!
//! Declared prompts ([`prompt!`](crate::prompt)) register themselves when tracing is set up, in the background, and render what the registry
//! says. [`registry`] opens it for everything else: new versions, labels, rollback, experiments.
//!
//! ```no_run
//! # async fn example() -> Result<(), whytrace::prompts::RegistryError> {
//! use whytrace::prompts::{self, NewVersion};
//! let _guard = whytrace::init();
//! let registry = prompts::registry().await?;
//! let concise = NewVersion::new("{{ ticket }}: issue, cause, fix").commit_message("More concise");
//! let v2 = registry.add_version("support_bot", concise).await?;
//! registry.set_label("support_bot", "production", v2.version).await?;
//! # Ok(())
//! # }
//! ```

pub use trace_store::prompts::*;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use trace_core::diagnostics::say;
use trace_core::redact::{RedactConfig, Redactor};
use trace_core::registry::set_prompt_source;
use trace_store::prices::Prices;
use trace_store::settings::Settings;
use trace_store::sql::{DatabaseUrl, RowsSink};

/// The service of the tracer that is set up.
static SERVICE: RwLock<Option<Arc<PromptService>>> = RwLock::new(None);

/// Opens the registry in the database that tracing was set up with.
///
/// # Errors
/// [`RegistryError::NotSetUp`] before [`crate::init`] or without a database, else as [`Registry::open`].
pub async fn registry() -> Result<Registry, RegistryError> {
    let service = service().ok_or(RegistryError::NotSetUp)?;
    let (url, catalog) = service.place();
    Registry::open(url, catalog.cloned()).await
}

/// Waits until the declared prompts are registered and the registry is known; `within` at most. Whether they are.
///
/// A program that renders in its first milliseconds uses the code's own texts, and its calls get their versions later. One that must not,
/// such as a short job under an experiment, waits here first.
#[must_use]
pub fn ready(within: Duration) -> bool {
    service().is_some_and(|service| service.wait_ready(within))
}

fn service() -> Option<Arc<PromptService>> {
    SERVICE.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Sets the registry up beside a tracer; what cannot work is said and left out.
pub(crate) fn start(settings: &Settings, redaction: &RedactConfig, rows: Arc<RowsSink>, prices: Arc<Prices>) {
    if !settings.prompts.enabled {
        return;
    }
    match try_start(settings, redaction, rows, prices) {
        Ok(None) => {}
        Ok(Some(service)) => {
            set_prompt_source(Some(service.source()));
            *SERVICE.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(service));
        }
        Err(error) => say(&format!("prompts are what the code says, without the registry: {error}")),
    }
}

fn try_start(
    settings: &Settings,
    redaction: &RedactConfig,
    rows: Arc<RowsSink>,
    prices: Arc<Prices>,
) -> Result<Option<PromptService>, Box<dyn std::error::Error>> {
    let Some(url) = DatabaseUrl::of_settings(settings)? else { return Ok(None) };
    let variable = |name: &str| std::env::var(name).ok();
    let mut options = PromptServiceOptions::new(url, &settings.dir);
    options.catalog = Catalog::of_surroundings(settings.prompts.catalog.clone(), variable)?;
    options.ttl = settings.prompts.ttl;
    options.prices = Some(prices);
    Ok(Some(PromptService::start(options, rows, Redactor::new(redaction)?)?))
}

/// Waits until declared prompts are registered and what was logged outside any trace is kept.
pub(crate) fn flush(within: Duration) -> bool {
    service().is_none_or(|service| service.flush(within))
}

/// Ends the service; prompts are what the code says from now on.
pub(crate) fn stop(within: Duration) {
    let service = SERVICE.write().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(service) = service {
        set_prompt_source(None);
        service.stop(within);
    }
}
