//! What is read of the registry.

use super::super::uri::{PromptUri, VersionRef};
use super::super::version::number;
use super::super::{HistoryEntry, PromptDiff, PromptSummary, PromptVersion, RegistryError, TextDiff};
use super::{Registry, with_labels};
use crate::sql::prompts as sql;
use std::collections::BTreeMap;

impl Registry {
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
