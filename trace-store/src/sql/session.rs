//! A connection for whoever comes and goes: opened when it is first needed, again after it was lost.
//!
//! Comes in: the URL of a database. Goes out: a connection whose schema is up to date, and errors that say what was being done.

use super::dialect::{Connection, Failure, failure};
use super::error::SqlError;
use super::migrate::Migrator;
use super::prompts;
use super::url::DatabaseUrl;
use std::time::{Duration, Instant};

/// How long a statement waits for a lock, and a connection for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// After how long it is asked whether the connection is still there.
const IDLE: Duration = Duration::from_secs(1);

/// A connection that is opened again when it was lost.
#[derive(Debug)]
pub(crate) struct Session {
    url: DatabaseUrl,
    connection: Option<Connection>,
    used: Instant,
    doing: &'static str,
    /// A change was begun and not ended.
    in_change: bool,
}

impl Session {
    pub(crate) fn new(url: DatabaseUrl) -> Self {
        Self { url, connection: None, used: Instant::now(), doing: "", in_change: false }
    }

    /// The connection, opened where that is needed; `doing` is what a failure is said of.
    pub(crate) async fn connection(&mut self, doing: &'static str) -> Result<&mut Connection, SqlError> {
        self.doing = doing;
        self.drop_if_lost().await;
        let open = match self.connection.take() {
            Some(open) if open.is_current() => open,
            stale => {
                if let Some(stale) = stale {
                    stale.close().await;
                }
                let mut fresh = Connection::open(&self.url, PATIENCE).await?;
                Migrator::new(&mut fresh, &self.url).up().await?;
                fresh
            }
        };
        Ok(self.connection.insert(open))
    }

    /// What whoever gave up in the middle of a change left behind is undone with its connection.
    pub(crate) fn abandon(&mut self) {
        if std::mem::take(&mut self.in_change) {
            self.connection = None;
        }
    }

    /// A server ends connections that were idle for long: that alone is no reason to fail.
    async fn drop_if_lost(&mut self) {
        if !self.in_change
            && self.used.elapsed() > IDLE
            && let Some(connection) = &mut self.connection
            && connection.run("SELECT 1", Vec::new()).await.is_err()
        {
            self.connection = None;
        }
        self.used = Instant::now();
    }

    /// The connection inside of a transaction: one that is lost takes the transaction with it.
    pub(crate) fn open(&mut self, doing: &'static str) -> Result<&mut Connection, SqlError> {
        self.doing = doing;
        let lost = || SqlError::Open { url: self.url.clone(), reason: "the connection was lost".to_owned() };
        self.connection.as_mut().ok_or_else(lost)
    }

    /// Begins a change of the registry of prompts.
    pub(crate) async fn begin(&mut self, doing: &'static str) -> Result<(), SqlError> {
        let connection = self.connection(doing).await?;
        let begun = async {
            connection.begin().await?;
            prompts::begin_change(connection).await
        }
        .await;
        self.in_change = true;
        match begun {
            Ok(()) => Ok(()),
            Err(error) => {
                let error = self.done(Err(error));
                self.end(error).await
            }
        }
    }

    /// Keeps what a change did, or undoes it after an error.
    pub(crate) async fn end<T, E: From<SqlError>>(&mut self, changed: Result<T, E>) -> Result<T, E> {
        self.in_change = false;
        let Some(connection) = &mut self.connection else { return changed };
        match changed {
            Ok(changed) => {
                let kept = connection.commit().await;
                self.done(kept)?;
                Ok(changed)
            }
            Err(error) => {
                if connection.rollback().await.is_err() {
                    self.connection = None;
                }
                Err(error)
            }
        }
    }

    /// What became of a statement; a connection that was lost is let go.
    pub(crate) fn done<T>(&mut self, done: Result<T, sqlx::Error>) -> Result<T, SqlError> {
        done.map_err(|source| {
            if failure(&source) == Failure::Lost {
                self.connection = None;
            }
            SqlError::Statement { doing: self.doing, url: self.url.clone(), source }
        })
    }

    /// Closes the connection properly.
    pub(crate) async fn close(self) {
        if let Some(connection) = self.connection {
            connection.close().await;
        }
    }
}
