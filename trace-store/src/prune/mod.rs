//! Removes old traces everywhere they are: rows, documents, summaries, side files, their lines in event streams, entries of the outbox.
//!
//! Comes in: which runs ([`Criteria`]). Goes out: first a list of them, then what was removed. Runs in progress are never removed. Rows go
//! before files, and the document goes last: an interrupted removal is finished by the next one with the same criteria.

mod files;
mod stream;
#[cfg(test)]
mod tests;

use crate::files::FileError;
use crate::query::{Filter, Page, QueryError, Store, Window};
use crate::settings::Settings;
use crate::sql::{Outbox, OutboxLimits, SqlError, SqlStore};
use std::collections::HashSet;
use std::path::PathBuf;
use trace_core::model::{Status, Timestamp, Trace};

/// How many traces are removed in one transaction.
const BATCH: usize = 200;

/// Which runs are removed: those that satisfy everything that is given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Criteria {
    /// Those that began before this moment.
    pub older_than: Option<Timestamp>,
    /// Those that ended so; empty for any end.
    pub statuses: Vec<Status>,
    /// Those of this project, by its folder name.
    pub project: Option<String>,
}

/// A run that satisfies the criteria.
#[derive(Clone, Debug, PartialEq)]
pub struct Doomed {
    /// The run.
    pub trace_id: String,
    /// Its project's folder name.
    pub project_id: String,
    /// Its session, which names its event stream.
    pub session_id: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// How it ended.
    pub status: Status,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Removed {
    /// Runs.
    pub traces: u64,
    /// Files: documents, summaries, side files, streams of which nothing was left.
    pub files: u64,
    /// Streams that a running process writes to: the lines of removed runs are still in them. The next removal tries again.
    pub streams_in_use: Vec<PathBuf>,
}

/// Why runs could not be removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// They could not be found.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Their rows could not be removed.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A stream could not be written anew.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file could not be removed.
    #[error("cannot remove {}: {cause}; allow this user to write there, then prune again", path.display())]
    Remove {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// Removes runs from a configuration's folder and database.
#[derive(Debug)]
pub struct Pruner {
    dir: PathBuf,
    store: Store,
    sql: Option<SqlStore>,
}

impl Pruner {
    /// Opens what the settings name.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open(settings: &Settings) -> Result<Self, PruneError> {
        let store = Store::open(settings).await?;
        let sql = match store.database() {
            Some(url) => Some(SqlStore::open(&url).await?),
            None => None,
        };
        Ok(Self { dir: settings.dir.clone(), store, sql })
    }

    /// The runs that satisfy the criteria, newest first for each status.
    ///
    /// # Errors
    /// [`PruneError::Query`].
    pub async fn find(&self, criteria: &Criteria) -> Result<Vec<Doomed>, PruneError> {
        let mut found = Vec::new();
        for status in criteria.ends() {
            let mut filter = Filter::equals("status", status.as_str()).map_err(QueryError::from)?;
            if let Some(project) = &criteria.project {
                filter = filter.and(Filter::equals("project_id", project).map_err(QueryError::from)?);
            }
            let window = Window { since: None, until: criteria.older_than };
            let mut page = Page::new(Page::MAX);
            loop {
                let listing = self.store.search(&filter, window, &page).await?;
                found.extend(listing.items.into_iter().map(|run| Doomed {
                    trace_id: run.trace_id,
                    project_id: run.project_id,
                    session_id: run.session_id,
                    started_at: run.started_at,
                    status: run.status,
                }));
                let Some(next) = listing.next_cursor else { break };
                page = page.after(next);
            }
        }
        if self.sql.is_some() {
            let known: HashSet<String> = found.iter().map(|run| run.trace_id.clone()).collect();
            found.extend(files::without_rows(&self.dir, criteria, &known).map_err(QueryError::from)?);
        }
        Ok(found)
    }

    /// Removes these runs; `done` is told how many of them are gone, batch by batch.
    ///
    /// # Errors
    /// [`PruneError`]: what was removed before stays removed, and the rest can be removed again.
    pub async fn remove(&mut self, doomed: &[Doomed], mut done: impl FnMut(u64)) -> Result<Removed, PruneError> {
        let mut removed = Removed::default();
        let outbox = Outbox::new(&self.dir, OutboxLimits::default());
        for batch in doomed.chunks(BATCH) {
            let ids: Vec<String> = batch.iter().map(|run| run.trace_id.clone()).collect();
            outbox.forget(&ids);
            if let Some(sql) = &mut self.sql {
                sql.delete_traces(ids).await?;
            }
            files::remove(&self.dir, batch, &mut removed)?;
            removed.traces += batch.len() as u64;
            done(batch.len() as u64);
        }
        removed.streams_in_use.sort();
        removed.streams_in_use.dedup();
        Ok(removed)
    }

    /// Closes the connections properly.
    pub async fn close(self) {
        self.store.close().await;
        if let Some(sql) = self.sql {
            sql.close().await;
        }
    }
}

impl Criteria {
    /// The ends that are asked for; a run in progress has none.
    fn ends(&self) -> Vec<Status> {
        let all = [Status::Complete, Status::Failed, Status::Incomplete];
        all.into_iter().filter(|status| self.statuses.is_empty() || self.statuses.contains(status)).collect()
    }

    fn fits(&self, trace: &Trace, project_id: &str) -> bool {
        let old = self.older_than.is_none_or(|moment| trace.run.started_at.is_some_and(|began| began < moment));
        old && self.ends().contains(&trace.run.status)
            && self.project.as_deref().is_none_or(|project| project == project_id)
    }
}
