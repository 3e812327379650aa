//! The connections that questions are asked over: a few, opened when needed, kept, and replaced when one was lost.
//!
//! They only read, and give up a statement that takes too long. A question that is dropped before its answer takes its connection along. The
//! private index of a folder is the exception: it has one connection, whose end is the end of the index.

use super::statement::Statement;
use crate::sql::dialect::{Connection, Failure, failure, was_given_up};
use crate::sql::value::{Row, Value};
use crate::sql::{DatabaseUrl, SqlError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// How long a question may take unless told otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How many questions are answered at once; further ones wait.
const CONNECTIONS: usize = 4;

/// Connections to one database.
#[derive(Debug)]
pub(crate) struct Pool {
    url: DatabaseUrl,
    /// How long a question may take, and a connection may take to open.
    patience: Duration,
    connections: Connections,
}

#[derive(Debug)]
enum Connections {
    Several { idle: Mutex<Vec<Connection>>, permits: Semaphore },
    One(tokio::sync::Mutex<Connection>),
}

type Answer = Result<Vec<Vec<Value>>, sqlx::Error>;

impl Pool {
    /// The pool of a database, with a first connection to it.
    pub(crate) async fn open(url: &DatabaseUrl, patience: Duration) -> Result<Self, SqlError> {
        let idle = Mutex::new(vec![connect(url, patience).await?]);
        let connections = Connections::Several { idle, permits: Semaphore::new(CONNECTIONS) };
        Ok(Self { url: url.clone(), patience, connections })
    }

    /// A pool of nothing but this connection, which only reads from now on.
    pub(crate) async fn of(connection: Connection, url: DatabaseUrl, patience: Duration) -> Result<Self, SqlError> {
        let connection = settled(connection, &url, patience).await?;
        Ok(Self { url, patience, connections: Connections::One(tokio::sync::Mutex::new(connection)) })
    }

    /// The database.
    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Asks, and reads the answer as rows.
    pub(crate) async fn fetch<R: Row>(&self, doing: &'static str, ask: Statement) -> Result<Vec<R>, SqlError> {
        let failed = |source| match was_given_up(&source) {
            true => SqlError::TooLong { doing, url: self.url.clone(), patience: self.patience },
            false => SqlError::Statement { doing, url: self.url.clone(), source },
        };
        let answer = match &self.connections {
            Connections::One(connection) => fetch::<R>(&mut *connection.lock().await, ask).await,
            Connections::Several { idle, permits } => {
                // The semaphore is never closed.
                let _permit = permits.acquire().await;
                self.fetch_from::<R>(idle, ask).await?
            }
        };
        let row = |cells| R::from_cells(cells).ok_or_else(|| sqlx::Error::Decode("a column is not of its type".into()));
        answer.and_then(|rows| rows.into_iter().map(row).collect()).map_err(failed)
    }

    async fn fetch_from<R: Row>(&self, idle: &Mutex<Vec<Connection>>, ask: Statement) -> Result<Answer, SqlError> {
        let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop().filter(Connection::is_current);
        let reused = kept.is_some();
        let mut connection = match kept {
            Some(connection) => connection,
            None => connect(&self.url, self.patience).await?,
        };
        let mut answer = fetch::<R>(&mut connection, ask.clone()).await;
        // A server ends connections that were idle for long, or moves; asking again is safe, for a question changes nothing.
        if reused && is_lost(&answer) {
            connection = connect(&self.url, self.patience).await?;
            answer = fetch::<R>(&mut connection, ask).await;
        }
        if !is_lost(&answer) {
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
        Ok(answer)
    }

    /// Closes the connections properly.
    pub(crate) async fn close(self) {
        match self.connections {
            Connections::One(connection) => connection.into_inner().close().await,
            Connections::Several { idle, .. } => {
                for connection in idle.into_inner().unwrap_or_else(PoisonError::into_inner) {
                    connection.close().await;
                }
            }
        }
    }
}

async fn fetch<R: Row>(connection: &mut Connection, ask: Statement) -> Answer {
    connection.fetch(ask.sql, ask.arguments, R::TABLE.columns).await
}

fn is_lost(answer: &Answer) -> bool {
    matches!(answer, Err(error) if failure(error) == Failure::Lost)
}

async fn connect(url: &DatabaseUrl, patience: Duration) -> Result<Connection, SqlError> {
    settled(Connection::open_existing(url, patience).await?, url, patience).await
}

async fn settled(mut connection: Connection, url: &DatabaseUrl, patience: Duration) -> Result<Connection, SqlError> {
    let doing = "setting a connection up for reading";
    let settled = connection.only_read(patience).await;
    settled.map_err(|source| SqlError::Statement { doing, url: url.clone(), source })?;
    Ok(connection)
}
