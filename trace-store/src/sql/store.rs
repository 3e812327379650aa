//! Reading back, and looking after the schema.
//!
//! Comes in: the URL of a database. Goes out: single traces, as rows and as documents, and the state of the schema. Everything is asynchronous and
//! needs a tokio runtime with its timers and I/O enabled.

use super::dialect::{Connection, Sql};
use super::error::SqlError;
use super::migrate::{MigrationStatus, Migrator};
use super::rollups::{self, RollupDifference};
use super::rows::{DocumentRow, TraceRow};
use super::url::DatabaseUrl;
use super::value::{Column, Kind, Row, Value};
use super::{document, flags, writer};
use std::collections::BTreeMap;
use std::time::Duration;
use trace_core::model::{Timestamp, Trace};

/// How long a statement waits for a lock, and a connection for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The tables whose rows belong to traces.
const COUNTED: [&str; 9] = [
    "traces",
    "projects",
    "stages",
    "decisions",
    "observations",
    "scores",
    "calibration_flags",
    "prompt_executions",
    "trace_documents",
];

/// A database of traces.
#[derive(Debug)]
pub struct SqlStore {
    url: DatabaseUrl,
    pub(super) connection: Connection,
}

impl SqlStore {
    /// Connects. A SQLite file is made when it is missing; its tables are not, see [`SqlStore::migrate`].
    ///
    /// # Errors
    /// [`SqlError::Open`].
    pub async fn open(url: &DatabaseUrl) -> Result<Self, SqlError> {
        let connection = Connection::open(url, PATIENCE).await?;
        Ok(Self { url: url.clone(), connection })
    }

    /// Brings the schema up to date. Safe when many programs do so at once.
    ///
    /// # Errors
    /// [`SqlError::Newer`], [`SqlError::Changed`], [`SqlError::Foreign`], or [`SqlError::Statement`].
    pub async fn migrate(&mut self) -> Result<(), SqlError> {
        Migrator::new(&mut self.connection, &self.url).up().await
    }

    /// Takes the schema back to a version. **0 removes every table of whytrace, and all traces in them.**
    ///
    /// # Errors
    /// [`SqlError::NoSuchVersion`], and as [`SqlStore::migrate`].
    pub async fn down(&mut self, to: i64) -> Result<(), SqlError> {
        Migrator::new(&mut self.connection, &self.url).down(to).await
    }

    /// Every step of the schema that this program knows, in order, and whether the database has it.
    ///
    /// # Errors
    /// As [`SqlStore::migrate`].
    pub async fn migration_status(&mut self) -> Result<Vec<MigrationStatus>, SqlError> {
        Migrator::new(&mut self.connection, &self.url).status().await
    }

    /// The row of a trace.
    ///
    /// # Errors
    /// [`SqlError::Statement`], or [`SqlError::Damaged`].
    pub async fn trace_row(&mut self, trace_id: &str) -> Result<Option<TraceRow>, SqlError> {
        let rows = self.rows_of::<TraceRow>(trace_id, "reading a trace", "").await?;
        Ok(rows.into_iter().next())
    }

    /// The whole trace, from the copy in the database; `None` where there is none.
    ///
    /// # Errors
    /// [`SqlError::Statement`], or [`SqlError::Damaged`].
    pub async fn document(&mut self, trace_id: &str) -> Result<Option<Trace>, SqlError> {
        let Some(json) = self.file(trace_id, document::DOCUMENT).await? else { return Ok(None) };
        let trace = serde_json::from_slice(&json);
        let mut trace = trace.map_err(|error| self.damaged("the document", trace_id, error.to_string()))?;
        flags::complete(&mut trace, self.rows_of(trace_id, "reading flags", "").await?);
        Ok(Some(trace))
    }

    /// A side file that the document of a trace names, from the copy in the database; `None` where there is none.
    ///
    /// # Errors
    /// [`SqlError::Statement`], or [`SqlError::Damaged`].
    pub async fn side_file(&mut self, trace_id: &str, name: &str) -> Result<Option<Vec<u8>>, SqlError> {
        if name.ends_with(".json") { self.file(trace_id, name).await } else { Ok(None) }
    }

    /// How many rows each table has that traces are written to.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub async fn counts(&mut self) -> Result<BTreeMap<&'static str, u64>, SqlError> {
        let column = [Column { name: "count", kind: Kind::Int }];
        let mut counts = BTreeMap::new();
        for table in COUNTED {
            let sql: Sql = format!("SELECT COUNT(*) FROM {table}").into();
            let rows = self.connection.fetch(sql, Vec::new(), &column).await;
            let rows = rows.map_err(|source| self.failed("counting rows", source))?;
            if let Some([Value::Int(count)]) = rows.first().map(Vec::as_slice) {
                counts.insert(table, count.unsigned_abs());
            }
        }
        Ok(counts)
    }

    /// Removes every row of these traces, in one transaction; returns how many traces there were.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub async fn delete_traces(&mut self, trace_ids: Vec<String>) -> Result<u64, SqlError> {
        let deleted = writer::delete(&mut self.connection, trace_ids).await;
        deleted.map_err(|source| self.failed("removing traces", source))
    }

    /// What the database's clock says: that of the server, or of this machine for SQLite.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub async fn clock(&mut self) -> Result<Timestamp, SqlError> {
        let column = [Column { name: "clock", kind: Kind::Text }];
        let sql = self.connection.select_clock();
        let rows = self.connection.fetch(sql, Vec::new(), &column).await;
        let rows = rows.map_err(|source| self.failed("reading the clock", source))?;
        let text = rows.into_iter().flatten().next();
        let clock = text.and_then(|text| if let Value::Text(text) = text { text.parse().ok() } else { None });
        let no_time = || self.failed("reading the clock", sqlx::Error::Decode("the answer is no time".into()));
        clock.ok_or_else(no_time)
    }

    /// Counts the traces anew, and says which sums of the daily rollups are not what that gives. Writers go on meanwhile.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub async fn check_rollups(&mut self) -> Result<Vec<RollupDifference>, SqlError> {
        let checked = self.connection.in_snapshot(async |connection| rollups::differences(connection).await).await;
        checked.map_err(|source| self.failed("checking the rollups", source))
    }

    /// Counts the traces anew, and puts that in the place of the daily rollups. Writers wait for it, or queue what they have.
    ///
    /// # Errors
    /// [`SqlError::Statement`].
    pub async fn rebuild_rollups(&mut self) -> Result<(), SqlError> {
        let rebuilt = self.connection.in_transaction(async |connection| rollups::rebuild(connection).await).await;
        rebuilt.map_err(|source| self.failed("rebuilding the rollups", source))
    }

    /// Closes the connection properly.
    pub async fn close(self) {
        self.connection.close().await;
    }

    /// The connection itself, for tests that play another program.
    #[cfg(test)]
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    async fn file(&mut self, trace_id: &str, name: &str) -> Result<Option<Vec<u8>>, SqlError> {
        let mut pieces = self.rows_of::<DocumentRow>(trace_id, "reading a document", " ORDER BY file, part").await?;
        pieces.retain(|piece| piece.file == name);
        if pieces.is_empty() {
            return Ok(None);
        }
        let bytes = document::assemble(&pieces);
        bytes.map(Some).map_err(|reason| self.damaged("the document", trace_id, reason))
    }

    async fn rows_of<R: Row>(
        &mut self,
        trace_id: &str,
        doing: &'static str,
        order: &'static str,
    ) -> Result<Vec<R>, SqlError> {
        let columns = self.connection.selection(&R::TABLE);
        let sql = format!("SELECT {columns} FROM {} WHERE trace_id = $1{order}", R::TABLE.name);
        let rows = self.connection.fetch(sql, vec![trace_id.into()], R::TABLE.columns).await;
        let rows = rows.map_err(|source| self.failed(doing, source))?;
        let row = |cells| {
            R::from_cells(cells)
                .ok_or_else(|| self.damaged("a row", trace_id, "a column is not of its type".to_owned()))
        };
        rows.into_iter().map(row).collect()
    }

    pub(super) fn failed(&self, doing: &'static str, source: sqlx::Error) -> SqlError {
        SqlError::Statement { doing, url: self.url.clone(), source }
    }

    fn damaged(&self, what: &'static str, trace_id: &str, reason: String) -> SqlError {
        SqlError::Damaged { what, trace_id: trace_id.to_owned(), url: self.url.clone(), reason }
    }
}
