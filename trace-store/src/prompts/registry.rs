//! The registry in the database.
//!
//! Comes in: names, texts, labels. Goes out: versions. Writers come one after the other, across processes, so two that register the same new
//! text at once make one version. A change is known to this process's renderings when the call returns.

use super::cache::Cache;
use super::experiment::ExperimentStatus;
use super::uri::{PromptUri, VersionRef};
use super::version::{is_label, number};
use super::{
    ArmSamples, Catalog, Experiment, ExperimentPlan, HistoryEntry, NewVersion, PromptDiff, PromptSummary,
    PromptVersion, RegistryError, StickyKey, TextDiff,
};
use crate::sql::prompts::{self as sql, ExperimentRow, LabelRow, TemplateRow};
use crate::sql::{DatabaseUrl, Json, Session, SqlError, now};
use std::collections::BTreeMap;
use tokio::sync::{Mutex, MutexGuard};
use trace_core::registry::{name_fault, registry_name};

/// The prompts of a database. Methods may be called from any task; they take turns on one connection. They need a tokio runtime with its timers and
/// I/O enabled.
///
/// Prompts are named as users write them (`support_bot`) or as they are registered (`support_bot_prompt`).
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # async fn example() -> Result<(), trace_store::prompts::RegistryError> {
/// use trace_store::prompts::{NewVersion, Registry};
/// let registry = Registry::open(&"sqlite:traces/whytrace.db".parse()?, None).await?;
/// let v1 = registry.register("support_bot", NewVersion::new("Analyze: {{ ticket }}")).await?;
/// let v2 = registry.add_version("support_bot", NewVersion::new("{{ ticket }}: cause, fix").commit_message("Concise")).await?;
/// println!("{}", registry.diff("support_bot", v1.version, v2.version).await?);
/// registry.set_label("support_bot", "production", v1.version).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Registry {
    url: DatabaseUrl,
    catalog: Option<Catalog>,
    session: Mutex<Session>,
}

impl Registry {
    /// Opens the registry of a database, and brings its schema up to date.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn open(url: &DatabaseUrl, catalog: Option<Catalog>) -> Result<Self, RegistryError> {
        let registry = Self { url: url.clone(), catalog, session: Mutex::new(Session::new(url.clone())) };
        registry.session().await.connection("opening the registry of prompts").await?;
        Ok(registry)
    }

    pub(super) async fn session(&self) -> MutexGuard<'_, Session> {
        let mut session = self.session.lock().await;
        session.abandon();
        session
    }

    /// Adds a version if none has this text, and gives the newest version with this text. A program that registers what it declares at
    /// every start makes one version for each text it ever had.
    ///
    /// # Errors
    /// [`RegistryError::Name`], [`RegistryError::Collision`], [`RegistryError::Template`], [`RegistryError::TooLong`], or
    /// [`RegistryError::Database`].
    pub async fn register(&self, name: &str, version: NewVersion) -> Result<PromptVersion, RegistryError> {
        let registry_name = self.checked_name(name)?;
        let mut session = self.session().await;
        let found = registered(&mut session, name, &registry_name, &version.template_hash()).await?;
        if let Some(row) = found {
            return with_labels(&mut session, row).await;
        }
        let variables = version.variables(name)?;
        session.begin("registering a prompt").await?;
        let added = async {
            // Another process may have been faster.
            let found = registered(&mut session, name, &registry_name, &version.template_hash()).await?;
            match found {
                Some(row) => Ok(row),
                None => add(&mut session, name, &registry_name, version, variables).await,
            }
        }
        .await;
        let row = self.end(&mut session, added).await?;
        with_labels(&mut session, row).await
    }

    /// Adds a version, whether or not one has this text.
    ///
    /// # Errors
    /// As [`Registry::register`].
    pub async fn add_version(&self, name: &str, version: NewVersion) -> Result<PromptVersion, RegistryError> {
        let registry_name = self.checked_name(name)?;
        let variables = version.variables(name)?;
        let mut session = self.session().await;
        session.begin("adding a version of a prompt").await?;
        let added = async {
            newest(&mut session, name, &registry_name).await?;
            add(&mut session, name, &registry_name, version, variables).await
        }
        .await;
        let row = self.end(&mut session, added).await?;
        with_labels(&mut session, row).await
    }

    /// Adds a version with the texts of an earlier one.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchVersion`], and as [`Registry::register`].
    pub async fn rollback(&self, name: &str, to: u32) -> Result<PromptVersion, RegistryError> {
        let old = self.get(name, to).await?;
        let version = NewVersion {
            system: old.system,
            template: old.template,
            commit_message: Some(format!("Roll back to version {to}")),
            ..NewVersion::default()
        };
        self.add_version(&old.name, version.metadata("rollback_to", to)).await
    }

    /// The newest active version.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchPrompt`], or [`RegistryError::Database`].
    pub async fn get_latest(&self, name: &str) -> Result<PromptVersion, RegistryError> {
        let registry_name = self.name(name);
        let mut session = self.session().await;
        let connection = session.connection("reading the latest version of a prompt").await?;
        let found = sql::newest_active(connection, &registry_name).await;
        match session.done(found)? {
            Some(row) => with_labels(&mut session, row).await,
            None => Err(RegistryError::NoSuchPrompt { registry_name }),
        }
    }

    /// One version.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchVersion`], or [`RegistryError::Database`].
    pub async fn get(&self, name: &str, version: u32) -> Result<PromptVersion, RegistryError> {
        let registry_name = self.name(name);
        let mut session = self.session().await;
        let connection = session.connection("reading a version of a prompt").await?;
        let found = sql::version(connection, &registry_name, version).await;
        match session.done(found)? {
            Some(row) => with_labels(&mut session, row).await,
            None => Err(RegistryError::NoSuchVersion { registry_name, version }),
        }
    }

    /// The version that a label points to.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchLabel`], or [`RegistryError::Database`].
    pub async fn get_by_label(&self, name: &str, label: &str) -> Result<PromptVersion, RegistryError> {
        let registry_name = self.name(name);
        let labels = self.labels(name).await?;
        match labels.get(label) {
            Some(version) => self.get(&registry_name, *version).await,
            None => Err(RegistryError::NoSuchLabel { registry_name, label: label.to_owned() }),
        }
    }

    /// The version that a URI names.
    ///
    /// # Errors
    /// As [`Registry::get`] and [`Registry::get_by_label`].
    pub async fn get_by_uri(&self, uri: &PromptUri) -> Result<PromptVersion, RegistryError> {
        match &uri.version {
            VersionRef::Version(version) => self.get(&uri.registry_name, *version).await,
            VersionRef::Label(label) => self.get_by_label(&uri.registry_name, label).await,
        }
    }

    /// All versions, the oldest first; none for a prompt that does not exist.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn list_versions(&self, name: &str) -> Result<Vec<PromptVersion>, RegistryError> {
        let registry_name = self.name(name);
        let mut session = self.session().await;
        let connection = session.connection("listing the versions of a prompt").await?;
        let read = async {
            let labels = sql::labels(connection, Some(&registry_name)).await?;
            Ok((sql::versions(connection, &registry_name).await?, labels))
        }
        .await;
        let (rows, labels) = session.done(read)?;
        Ok(rows.into_iter().map(|row| PromptVersion::of_row(row, &labels)).collect())
    }

    /// All versions with what each changed, the newest first.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn history(&self, name: &str) -> Result<Vec<HistoryEntry>, RegistryError> {
        let versions = self.list_versions(name).await?;
        let changes = |index: usize| Some(difference(versions.get(index.checked_sub(1)?)?, &versions[index]));
        let entries: Vec<_> = (0..versions.len()).map(changes).collect();
        let entry = |(version, changes)| HistoryEntry { version, changes };
        Ok(versions.into_iter().zip(entries).map(entry).rev().collect())
    }

    /// What version `to` changes of version `from`.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchVersion`], or [`RegistryError::Database`].
    pub async fn diff(&self, name: &str, from: u32, to: u32) -> Result<PromptDiff, RegistryError> {
        Ok(difference(&self.get(name, from).await?, &self.get(name, to).await?))
    }

    /// All prompts, by registry name.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn list_prompts(&self) -> Result<Vec<PromptSummary>, RegistryError> {
        let mut session = self.session().await;
        let connection = session.connection("listing the prompts").await?;
        let read = async { Ok((sql::index(connection).await?, sql::labels(connection, None).await?)) }.await;
        let (rows, labels) = session.done(read)?;
        let mut prompts: BTreeMap<String, PromptSummary> = BTreeMap::new();
        for row in rows {
            let prompt = prompts.entry(row.registry_name.clone()).or_insert_with(|| PromptSummary {
                name: row.name.clone(),
                registry_name: row.registry_name.clone(),
                versions: 0,
                latest: None,
                labels: BTreeMap::new(),
                created_at: row.created_at,
                updated_at: row.created_at,
            });
            prompt.versions += 1;
            prompt.updated_at = row.created_at;
            prompt.latest = if row.is_active { Some(number(row.version)) } else { prompt.latest };
        }
        for label in labels {
            if let Some(prompt) = prompts.get_mut(&label.registry_name) {
                prompt.labels.insert(label.label, number(label.version));
            }
        }
        Ok(prompts.into_values().collect())
    }

    /// The labels of a prompt and the versions that they point to.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn labels(&self, name: &str) -> Result<BTreeMap<String, u32>, RegistryError> {
        let registry_name = self.name(name);
        let mut session = self.session().await;
        let connection = session.connection("reading the labels of a prompt").await?;
        let rows = sql::labels(connection, Some(&registry_name)).await;
        Ok(session.done(rows)?.into_iter().map(|row| (row.label, number(row.version))).collect())
    }

    /// Lets a label point to a version; `production` is the one that renderings use.
    ///
    /// # Errors
    /// [`RegistryError::Label`], [`RegistryError::NoSuchVersion`], or [`RegistryError::Database`].
    pub async fn set_label(&self, name: &str, label: &str, version: u32) -> Result<(), RegistryError> {
        if !is_label(label) {
            return Err(RegistryError::Label { label: label.to_owned() });
        }
        let registry_name = self.name(name);
        let mut session = self.session().await;
        session.begin("setting a label").await?;
        let set = async {
            exists(&mut session, &registry_name, version).await?;
            let label = label.to_owned();
            let row = LabelRow { registry_name, label, version: version.into(), updated_at: now() };
            let set = sql::set_label(session.open("setting a label")?, row).await;
            Ok(session.done(set)?)
        }
        .await;
        self.end(&mut session, set).await
    }

    /// Removes a label.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchLabel`], or [`RegistryError::Database`].
    pub async fn remove_label(&self, name: &str, label: &str) -> Result<(), RegistryError> {
        let registry_name = self.name(name);
        let mut session = self.session().await;
        session.begin("removing a label").await?;
        let removed = async {
            let removed = sql::remove_label(session.open("removing a label")?, &registry_name, label).await;
            if session.done(removed)? {
                Ok(())
            } else {
                Err(RegistryError::NoSuchLabel { registry_name, label: label.to_owned() })
            }
        }
        .await;
        self.end(&mut session, removed).await
    }

    /// Says whether a version may be chosen for rendering; what was made with it stays.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchVersion`], or [`RegistryError::Database`].
    pub async fn set_active(&self, name: &str, version: u32, is_active: bool) -> Result<(), RegistryError> {
        let registry_name = self.name(name);
        let mut session = self.session().await;
        session.begin("switching a version of a prompt on or off").await?;
        let set = async {
            let doing = "switching a version of a prompt on or off";
            let set = sql::set_active(session.open(doing)?, &registry_name, version, is_active).await;
            if session.done(set)? { Ok(()) } else { Err(RegistryError::NoSuchVersion { registry_name, version }) }
        }
        .await;
        self.end(&mut session, set).await
    }

    /// Starts an experiment. A prompt has one at a time.
    ///
    /// # Errors
    /// [`RegistryError::Experiment`], [`RegistryError::NoSuchVersion`], or [`RegistryError::Database`].
    pub async fn start_experiment(&self, plan: ExperimentPlan) -> Result<Experiment, RegistryError> {
        let registry_name = self.name(&plan.prompt);
        let arms = plan.checked_arms(&registry_name)?;
        let mut session = self.session().await;
        session.begin("starting an experiment").await?;
        let started = async {
            for arm in &arms {
                exists(&mut session, &registry_name, arm.version).await?;
            }
            let earlier = sql::experiments_of(session.open("starting an experiment")?, &registry_name).await;
            let earlier = session.done(earlier)?;
            if let Some(running) = earlier.iter().find(|row| row.status == "running") {
                let reason = format!("`{}` ({}) is running: stop it first", running.name, running.id);
                return Err(RegistryError::Experiment { registry_name, reason });
            }
            let id = format!("exp_{registry_name}_{}", earlier.len() + 1);
            let experiment = Experiment {
                name: if plan.name.is_empty() { id.clone() } else { plan.name },
                id,
                registry_name,
                arms,
                key: plan.key,
                status: ExperimentStatus::Running,
                started_at: now(),
                ended_at: None,
            };
            write(&mut session, &experiment).await?;
            Ok(experiment)
        }
        .await;
        self.end(&mut session, started).await
    }

    /// Stops an experiment; one that is over stays as it is. Renderings go back to label and latest version.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchExperiment`], or [`RegistryError::Database`].
    pub async fn stop_experiment(&self, id: &str) -> Result<Experiment, RegistryError> {
        let mut session = self.session().await;
        session.begin("stopping an experiment").await?;
        let stopped = async {
            let mut experiment = find(&mut session, id).await?;
            if experiment.status == ExperimentStatus::Running {
                (experiment.status, experiment.ended_at) = (ExperimentStatus::Stopped, Some(now()));
                write(&mut session, &experiment).await?;
            }
            Ok(experiment)
        }
        .await;
        self.end(&mut session, stopped).await
    }

    /// One experiment.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchExperiment`], or [`RegistryError::Database`].
    pub async fn experiment(&self, id: &str) -> Result<Experiment, RegistryError> {
        let mut session = self.session().await;
        session.connection("reading an experiment").await?;
        find(&mut session, id).await
    }

    /// The experiments of a prompt, or of all, the newest first.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn list_experiments(&self, name: Option<&str>) -> Result<Vec<Experiment>, RegistryError> {
        let registry_name = name.map(|name| self.name(name));
        let mut session = self.session().await;
        let connection = session.connection("listing experiments").await?;
        let rows = match &registry_name {
            Some(name) => sql::experiments_of(connection, name).await,
            None => sql::experiments(connection).await,
        };
        Ok(session.done(rows)?.into_iter().map(Experiment::of_row).collect())
    }

    /// What was measured in an experiment so far, arm by arm.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchExperiment`], or [`RegistryError::Database`].
    pub async fn arm_samples(&self, id: &str) -> Result<Vec<ArmSamples>, RegistryError> {
        let mut session = self.session().await;
        session.connection("reading the samples of an experiment").await?;
        let experiment = find(&mut session, id).await?;
        let rows = sql::samples::of_experiment(session.open("reading the samples of an experiment")?, id).await;
        Ok(experiment.sorted(session.done(rows)?))
    }

    /// Links executions and observations that were stored before the registry knew their text. Programs do so by themselves after they
    /// registered what they declare; this is for whoever repairs. Returns how many executions were linked.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn link_executions(&self) -> Result<usize, RegistryError> {
        let mut session = self.session().await;
        let connection = session.connection("linking executions to versions of prompts").await?;
        let linked = sql::executions::link_all_later(connection).await;
        Ok(session.done(linked)?)
    }

    /// Reads what renderings need into the cache.
    pub(super) async fn refresh(&self, cache: &Cache) -> Result<bool, SqlError> {
        let mut session = self.session().await;
        refresh(&mut session, cache).await
    }

    /// Closes the connection properly.
    pub async fn close(self) {
        self.session.into_inner().close().await;
    }

    /// Ends a change of the registry. This process's renderings know it when this returns.
    async fn end<T>(&self, session: &mut Session, changed: Result<T, RegistryError>) -> Result<T, RegistryError> {
        let changed = session.end(changed).await?;
        if let Some(cache) = Cache::of_process(&self.url, self.catalog.as_ref()) {
            // The change is made; a cache that could not be refreshed is so after its time to live.
            let _ = refresh(session, &cache).await;
        }
        Ok(changed)
    }

    /// The registry name of a prompt given by its plain or its registry name.
    pub(super) fn name(&self, name: &str) -> String {
        qualified(self.catalog.as_ref(), name)
    }

    fn checked_name(&self, name: &str) -> Result<String, RegistryError> {
        let plain = without_catalog(self.catalog.as_ref(), name);
        match name_fault(plain) {
            None => Ok(self.name(name)),
            Some(reason) => Err(RegistryError::Name { name: name.to_owned(), reason }),
        }
    }
}

/// The registry name of a prompt, with the catalog.
pub(super) fn qualified(catalog: Option<&Catalog>, name: &str) -> String {
    let clean = registry_name(without_catalog(catalog, name));
    match catalog {
        Some(catalog) => format!("{catalog}.{clean}"),
        None => clean,
    }
}

fn without_catalog<'a>(catalog: Option<&Catalog>, name: &'a str) -> &'a str {
    let rest = catalog.and_then(|catalog| name.strip_prefix(catalog.as_str())?.strip_prefix('.'));
    rest.unwrap_or(name)
}

async fn refresh(session: &mut Session, cache: &Cache) -> Result<bool, SqlError> {
    let connection = session.connection("reading the registry of prompts").await?;
    let loaded = cache.load(connection).await;
    let loaded = session.done(loaded);
    cache.set_reachable(loaded.is_ok());
    loaded
}

/// The newest version with this text, if the prompt has one; an error where the name belongs to another prompt.
async fn registered(
    session: &mut Session,
    name: &str,
    registry_name: &str,
    hash: &str,
) -> Result<Option<TemplateRow>, RegistryError> {
    let connection = session.connection("looking for a version of a prompt").await?;
    let found = sql::version_with_text(connection, registry_name, hash).await;
    let found = session.done(found)?;
    if let Some(found) = &found {
        same_prompt(name, found)?;
    }
    Ok(found)
}

/// The newest version of a prompt; an error where the name belongs to another prompt.
async fn newest(session: &mut Session, name: &str, registry_name: &str) -> Result<Option<TemplateRow>, RegistryError> {
    let newest = sql::newest(session.open("reading the newest version of a prompt")?, registry_name).await;
    let newest = session.done(newest)?;
    if let Some(newest) = &newest {
        same_prompt(name, newest)?;
    }
    Ok(newest)
}

/// A prompt may be named as it was first, or by its registry name; another name that is cleaned to the same is another prompt.
fn same_prompt(name: &str, row: &TemplateRow) -> Result<(), RegistryError> {
    if row.name == name || row.registry_name == name || row.registry_name.rsplit('.').next() == Some(name) {
        return Ok(());
    }
    Err(RegistryError::Collision {
        name: name.to_owned(),
        registry_name: row.registry_name.clone(),
        taken_by: row.name.clone(),
    })
}

/// Adds a version, inside of a change.
async fn add(
    session: &mut Session,
    name: &str,
    registry_name: &str,
    version: NewVersion,
    variables: Vec<String>,
) -> Result<TemplateRow, RegistryError> {
    let newest = newest(session, name, registry_name).await?;
    let next = newest.as_ref().map_or(1, |newest| newest.version + 1);
    let row = TemplateRow {
        // The database holds each version once, so name and number are as good an id as a random one, and say where it came from.
        id: blake3::hash(format!("{registry_name}/{next}").as_bytes()).to_hex()[..32].to_owned(),
        name: newest.as_ref().map_or_else(|| name.to_owned(), |newest| newest.name.clone()),
        registry_name: registry_name.to_owned(),
        version: next,
        template_hash: version.template_hash(),
        system_text: version.system,
        template_text: version.template,
        variables,
        is_active: true,
        ab_test_group: None,
        traffic_percentage: None,
        parent_version_id: newest.map(|newest| newest.id),
        commit_message: version.commit_message,
        metadata: Json::of(&version.metadata),
        total_executions: 0,
        success_count: 0,
        failure_count: 0,
        avg_response_time_ms: None,
        avg_token_count: None,
        avg_cost_usd: None,
        created_at: now(),
    };
    let added = sql::add(session.open("adding a version of a prompt")?, row.clone()).await;
    session.done(added)?;
    Ok(row)
}

async fn with_labels(session: &mut Session, row: TemplateRow) -> Result<PromptVersion, RegistryError> {
    let connection = session.connection("reading the labels of a prompt").await?;
    let labels = sql::labels(connection, Some(&row.registry_name)).await;
    Ok(PromptVersion::of_row(row, &session.done(labels)?))
}

async fn exists(session: &mut Session, registry_name: &str, version: u32) -> Result<(), RegistryError> {
    let found = sql::version(session.open("looking for a version of a prompt")?, registry_name, version).await;
    match session.done(found)? {
        Some(_) => Ok(()),
        None => Err(RegistryError::NoSuchVersion { registry_name: registry_name.to_owned(), version }),
    }
}

async fn find(session: &mut Session, id: &str) -> Result<Experiment, RegistryError> {
    let row = sql::experiment(session.open("reading an experiment")?, id).await;
    let found = session.done(row)?.map(Experiment::of_row);
    found.ok_or_else(|| RegistryError::NoSuchExperiment { id: id.to_owned() })
}

/// Writes an experiment, and notes its arms on the versions while it runs.
async fn write(session: &mut Session, experiment: &Experiment) -> Result<(), RegistryError> {
    let is_running = experiment.status == ExperimentStatus::Running;
    let row = ExperimentRow {
        id: experiment.id.clone(),
        registry_name: experiment.registry_name.clone(),
        name: experiment.name.clone(),
        arms: Json::of(&experiment.arms),
        status: if is_running { "running" } else { "stopped" }.to_owned(),
        started_at: experiment.started_at,
        ended_at: experiment.ended_at,
        metadata: Json::of(&serde_json::Map::new()),
        sticky_key: if experiment.key == StickyKey::User { "user" } else { "session" }.to_owned(),
    };
    let arms: Vec<(u32, &str, f64)> = if is_running {
        experiment.arms.iter().map(|arm| (arm.version, arm.group.as_str(), arm.percent)).collect()
    } else {
        Vec::new()
    };
    let connection = session.open("writing an experiment")?;
    let written = async {
        sql::write_experiment(connection, row).await?;
        sql::mark_arms(connection, &experiment.registry_name, &arms).await
    }
    .await;
    Ok(session.done(written)?)
}

fn difference(from: &PromptVersion, to: &PromptVersion) -> PromptDiff {
    let system = |version: &PromptVersion| version.system.clone().unwrap_or_default();
    PromptDiff {
        from: from.version,
        to: to.version,
        system: TextDiff::new(&system(from), &system(to)),
        template: TextDiff::new(&from.template, &to.template),
    }
}
