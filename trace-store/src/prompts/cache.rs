//! What renderings need of the registry, in memory.
//!
//! Comes in: the registry, read whenever it has changed. Goes out: which version a rendering uses, without waiting for anything. While the
//! database is away, the last that was known goes on being used.

use super::Catalog;
use super::experiment::{Experiment, StickyKey};
use super::registry::qualified;
use super::version::number;
use crate::sql::prompts::{self as sql, IndexRow};
use crate::sql::{Connection, DatabaseUrl};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};
use trace_core::context::Ctx;
use trace_core::diagnostics::say;
use trace_core::model::PromptLink;
use trace_core::registry::{Choice, LinkedPrompt, Prompt, PromptArm, PromptVersionText, Template};

/// The label of the version that renderings use.
const PRODUCTION: &str = "production";

/// The cache of a registry.
#[derive(Debug)]
pub(crate) struct Cache {
    url: DatabaseUrl,
    catalog: Option<Catalog>,
    /// The prompts whose texts are kept, by registry name.
    declared: BTreeMap<String, &'static Prompt>,
    known: RwLock<Arc<Known>>,
    /// One reads the registry at a time, so that what is read later is known later.
    loading: tokio::sync::Mutex<()>,
    reachable: AtomicBool,
    /// Whether the registry was read, and declared prompts registered, at least once.
    ready: Mutex<bool>,
    became_ready: Condvar,
}

/// The registry, as it was at one moment.
#[derive(Debug, Default)]
struct Known {
    revision: Option<i64>,
    prompts: HashMap<String, KnownPrompt>,
}

/// A prompt, as far as renderings need it.
#[derive(Debug, Default)]
struct KnownPrompt {
    versions: Vec<IndexRow>,
    /// The version of the label `production`, else the latest active one.
    usual: Option<u32>,
    experiment: Option<Experiment>,
    /// The texts of what can be chosen, if the prompt is declared.
    texts: HashMap<u32, Arc<PromptVersionText>>,
}

/// The cache of the process: a [`super::Registry`] refreshes it after each change.
static OF_PROCESS: Mutex<Weak<Cache>> = Mutex::new(Weak::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Cache {
    /// An empty cache of a database's registry, which becomes that of the process.
    pub(crate) fn install(url: DatabaseUrl, catalog: Option<Catalog>, declared: &[&'static Prompt]) -> Arc<Self> {
        let declared = declared.iter().map(|prompt| (qualified(catalog.as_ref(), prompt.name()), *prompt)).collect();
        let cache = Arc::new(Self {
            url,
            catalog,
            declared,
            known: RwLock::default(),
            loading: tokio::sync::Mutex::new(()),
            reachable: AtomicBool::new(false),
            ready: Mutex::new(false),
            became_ready: Condvar::new(),
        });
        *lock(&OF_PROCESS) = Arc::downgrade(&cache);
        cache
    }

    /// The cache of the process, if it is that of this registry.
    pub(crate) fn of_process(url: &DatabaseUrl, catalog: Option<&Catalog>) -> Option<Arc<Self>> {
        let cache = lock(&OF_PROCESS).upgrade()?;
        (cache.url == *url && cache.catalog.as_ref() == catalog).then_some(cache)
    }

    /// Reads the registry if it has changed; returns whether it had.
    pub(super) async fn load(&self, connection: &mut Connection) -> Result<bool, sqlx::Error> {
        let _one_at_a_time = self.loading.lock().await;
        // Read first: what changes meanwhile is found the next time.
        let revision = sql::revision(connection).await?;
        if self.known().revision == Some(revision) {
            return Ok(false);
        }
        let mut prompts: HashMap<String, KnownPrompt> = HashMap::new();
        for row in sql::index(connection).await? {
            prompts.entry(row.registry_name.clone()).or_default().versions.push(row);
        }
        for label in sql::labels(connection, None).await?.into_iter().filter(|label| label.label == PRODUCTION) {
            if let Some(prompt) = prompts.get_mut(&label.registry_name) {
                prompt.usual = Some(number(label.version)).filter(|version| prompt.is_active(*version));
            }
        }
        for experiment in sql::running(connection).await?.into_iter().map(Experiment::of_row) {
            if let Some(prompt) = prompts.get_mut(&experiment.registry_name) {
                prompt.experiment = Some(experiment);
            }
        }
        for prompt in prompts.values_mut() {
            let latest = || prompt.versions.iter().rev().find(|row| row.is_active).map(|row| number(row.version));
            prompt.usual = prompt.usual.or_else(latest);
        }
        self.load_texts(connection, &mut prompts).await?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Known { revision: Some(revision), prompts });
        Ok(true)
    }

    /// Reads the texts that can be chosen and are not here yet; a version's text never changes.
    async fn load_texts(
        &self,
        connection: &mut Connection,
        prompts: &mut HashMap<String, KnownPrompt>,
    ) -> Result<(), sqlx::Error> {
        let before = self.known();
        let mut missing = Vec::new();
        for (name, prompt) in prompts.iter_mut().filter(|(name, _)| self.declared.contains_key(*name)) {
            for version in prompt.choosable() {
                let Some(row) = prompt.version(version) else { continue };
                let kept = before.prompts.get(name).and_then(|known| known.texts.get(&version)).cloned();
                let kept = kept.filter(|text| text.link().template_hash.as_deref() == Some(row.template_hash.as_str()));
                match kept {
                    Some(text) => drop(prompt.texts.insert(version, text)),
                    None => missing.push(row.id.clone()),
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        for row in sql::by_ids(connection, missing).await? {
            let version = number(row.version);
            let link = PromptLink::new(&row.name, row.registry_name.clone(), Some(version), Some(row.template_hash));
            match Template::new(&row.name, row.system_text, row.template_text) {
                Ok(template) => {
                    if let Some(prompt) = prompts.get_mut(&row.registry_name) {
                        prompt.texts.insert(version, Arc::new(PromptVersionText::new(template, link)));
                    }
                }
                Err(error) => say(&format!(
                    "{} is not used, the code's own text is: {error}",
                    link.prompt_uri.unwrap_or_default()
                )),
            }
        }
        Ok(())
    }

    fn known(&self) -> Arc<Known> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What the last contact with the database came to.
    pub(super) fn set_reachable(&self, reachable: bool) {
        self.reachable.store(reachable, Ordering::Relaxed);
    }

    pub(super) fn is_reachable(&self) -> bool {
        self.reachable.load(Ordering::Relaxed)
    }

    /// Declared prompts are registered and the registry is read.
    pub(super) fn set_ready(&self) {
        *lock(&self.ready) = true;
        self.became_ready.notify_all();
    }

    /// Waits until the registry is known, for so long at most; whether it is.
    pub(super) fn wait_ready(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let mut ready = lock(&self.ready);
        while !*ready {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            ready = self.became_ready.wait_timeout(ready, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(super) fn registry_name(&self, name: &str) -> String {
        qualified(self.catalog.as_ref(), name)
    }

    /// See [`trace_core::registry::PromptSource::choose`].
    pub(super) fn choose(&self, prompt: &Prompt, key: Option<&str>) -> Option<Choice> {
        let known = self.known();
        let prompt = known.prompts.get(&self.registry_name(prompt.name()))?;
        let (version, arm) = prompt.choose(key)?;
        Some(Choice { version: Arc::clone(prompt.texts.get(&version)?), arm })
    }

    /// See [`trace_core::registry::PromptSource::linked`].
    pub(super) fn linked(&self, name: &str) -> Option<LinkedPrompt> {
        let known = self.known();
        let registry_name = self.registry_name(name);
        let prompt = known.prompts.get(&registry_name)?;
        let (mut version, mut arm) = prompt.choose(None)?;
        if let Some(declared) = self.declared.get(&registry_name)
            && prompt.texts.get(&version).is_none_or(|text| text.is_unfit())
        {
            // Renderings use the code's own text.
            (version, arm) = (prompt.version_with(declared.template_hash())?, None);
        }
        let row = prompt.version(version)?;
        let hash = Some(row.template_hash.clone());
        Some(LinkedPrompt { link: PromptLink::new(&row.name, registry_name, Some(version), hash), arm })
    }

    /// See [`trace_core::registry::PromptSource::version_of`].
    pub(super) fn version_of(&self, name: &str, template_hash: &str) -> Option<u32> {
        let known = self.known();
        known.prompts.get(&self.registry_name(name))?.version_with(template_hash)
    }
}

impl KnownPrompt {
    fn version(&self, version: u32) -> Option<&IndexRow> {
        self.versions.iter().find(|row| row.version == i64::from(version))
    }

    /// The newest version with this text.
    fn version_with(&self, template_hash: &str) -> Option<u32> {
        self.versions.iter().rev().find(|row| row.template_hash == template_hash).map(|row| number(row.version))
    }

    fn is_active(&self, version: u32) -> bool {
        self.version(version).is_some_and(|row| row.is_active)
    }

    /// The versions that [`KnownPrompt::choose`] can give.
    fn choosable(&self) -> Vec<u32> {
        let arms = self.experiment.iter().flat_map(|experiment| &experiment.arms).map(|arm| arm.version);
        self.usual.into_iter().chain(arms).collect()
    }

    /// The version for whoever the key or the current trace names, and the arm of the experiment that it is.
    fn choose(&self, key: Option<&str>) -> Option<(u32, Option<PromptArm>)> {
        if let Some(experiment) = &self.experiment
            && let Some(key) = key.map(str::to_owned).or_else(|| current_key(experiment.key))
            && let Some(arm) = experiment.assign(&key).filter(|arm| self.is_active(arm.version))
        {
            let named = PromptArm { experiment: experiment.id.clone(), group: arm.group.clone() };
            return Some((arm.version, Some(named)));
        }
        self.usual.map(|version| (version, None))
    }
}

/// What keeps the current trace in one arm; `None` outside any trace.
fn current_key(key: StickyKey) -> Option<String> {
    let ctx = Ctx::current();
    let user = if key == StickyKey::User { ctx.user_id() } else { None };
    user.or_else(|| ctx.session_id().map(str::to_owned))
}
