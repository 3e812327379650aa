//! The registry in the database.
//!
//! Comes in: names, texts, labels. Goes out: versions. Writers come one after the other, across processes, so two that register the same new
//! text at once make one version. A change is known to this process's renderings when the call returns.

mod experiments;
mod read;

use super::cache::Cache;
use super::version::is_label;
use super::{Catalog, NewVersion, PromptVersion, RegistryError};
use crate::sql::prompts::{self as sql, LabelRow, TemplateRow};
use crate::sql::{DatabaseUrl, Json, Session, SqlError, now};
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
