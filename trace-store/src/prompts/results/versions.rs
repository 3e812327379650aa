use super::{Comparison, Measures, words};
use crate::prompts::version::number;
use crate::prompts::{Registry, RegistryError, Sample};
use crate::sql::prompts as sql;
use crate::statistics::Confidence;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use trace_core::model::Timestamp;

/// Which executions a report is about.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct VersionReportOptions {
    /// Since when; the last 30 days if it is not said.
    pub since: Timestamp,
    /// The newest of them, at most so many; 200,000 if it is not said.
    pub most: u32,
    /// How sure intervals are.
    pub confidence: Confidence,
}

impl Default for VersionReportOptions {
    fn default() -> Self {
        const DAYS: Duration = Duration::from_secs(30 * 24 * 60 * 60);
        let since =
            Timestamp::from_system(std::time::SystemTime::now().checked_sub(DAYS).unwrap_or(std::time::UNIX_EPOCH));
        Self { since, most: 200_000, confidence: Confidence::DEFAULT }
    }
}

impl VersionReportOptions {
    /// The last 30 days.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Executions since a time.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Self {
        self.since = since;
        self
    }

    /// The newest executions, so many at most.
    #[must_use]
    pub fn most(mut self, most: u32) -> Self {
        self.most = most;
        self
    }

    /// How sure intervals are.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }
}

/// A version, and how it differs from the one before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct VersionFigures {
    /// The version.
    pub version: u32,
    /// What was measured.
    pub measures: Measures,
    /// The version with executions that came before it.
    pub previous: Option<u32>,
    /// The difference to that one.
    pub change: Option<Comparison>,
    /// The same in words: `v2: 28 % faster (95 % interval 24 to 31), 20 % cheaper, quality unchanged (n = 100 / 100)`.
    pub words: Option<String>,
}

/// The versions of a prompt side by side. [`Display`](fmt::Display) prints a table, and a line of words for each change.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct VersionReport {
    /// The prompt's name in the registry.
    pub registry_name: String,
    /// Since when executions count.
    pub since: Timestamp,
    /// Whether there are more executions than were asked for: only the newest count.
    pub is_cut: bool,
    /// The versions that have executions, the oldest first.
    pub versions: Vec<VersionFigures>,
}

impl Registry {
    /// Compares the versions of a prompt by what was executed with them.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchPrompt`], or [`RegistryError::Database`].
    pub async fn version_report(
        &self,
        name: &str,
        options: &VersionReportOptions,
    ) -> Result<VersionReport, RegistryError> {
        let registry_name = self.name(name);
        let mut session = self.session().await;
        let connection = session.connection("reading the executions of a prompt").await?;
        let newest = sql::newest(connection, &registry_name).await;
        if session.done(newest)?.is_none() {
            return Err(RegistryError::NoSuchPrompt { registry_name });
        }
        let connection = session.connection("reading the executions of a prompt").await?;
        // One more than is wanted says whether there are more.
        let rows =
            sql::samples::of_prompt(connection, &registry_name, options.since, i64::from(options.most) + 1).await;
        let mut rows = session.done(rows)?;
        let is_cut = rows.len() > options.most as usize;
        rows.truncate(options.most as usize);
        let mut versions: BTreeMap<u32, Vec<Sample>> = BTreeMap::new();
        for row in rows {
            versions.entry(number(row.version)).or_default().push(Sample::of_row(row));
        }
        let versions =
            figures(versions.iter().map(|(version, samples)| (*version, Measures::of(samples))), options.confidence);
        Ok(VersionReport { registry_name, since: options.since, is_cut, versions })
    }
}

/// Versions in order, each compared with the one before.
pub(super) fn figures(versions: impl Iterator<Item = (u32, Measures)>, confidence: Confidence) -> Vec<VersionFigures> {
    let mut figures: Vec<VersionFigures> = Vec::new();
    for (version, measures) in versions {
        let before = figures.last();
        let change = before.map(|before| Comparison::new(&before.measures, &measures, confidence));
        let words = before.zip(change.as_ref()).map(|(before, change)| {
            words::sentence(version, change, (measures.executions, before.measures.executions))
        });
        let previous = before.map(|before| before.version);
        figures.push(VersionFigures { version, measures, previous, change, words });
    }
    figures
}

impl fmt::Display for VersionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let newest = if self.is_cut { " (the newest of them)" } else { "" };
        writeln!(f, "{}, executions since {}{newest}", self.registry_name, self.since.date())?;
        writeln!(f, "version  {}", Measures::HEADER)?;
        for VersionFigures { version, measures, .. } in &self.versions {
            writeln!(f, "v{version:<7} {}", measures.cells())?;
        }
        let mut lines = self.versions.iter().filter_map(|figures| figures.words.as_deref()).peekable();
        while let Some(line) = lines.next() {
            write!(f, "{line}{}", if lines.peek().is_some() { "\n" } else { "" })?;
        }
        Ok(())
    }
}
