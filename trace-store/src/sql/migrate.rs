//! The schema and its versions.
//!
//! Comes in: a connection. Goes out: a database with the tables that this program writes to. Several programs may start at once: one
//! applies what is missing, the others wait for it. Tables that are not ours are never touched.

use super::dialect::{Connection, Sql};
use super::error::SqlError;
use super::rollups;
use super::time;
use super::url::{DatabaseKind, DatabaseUrl};
use super::value::{Column, Kind, Value};
use trace_core::model::Timestamp;

/// One step of the schema.
#[derive(Debug)]
struct Migration {
    version: i64,
    name: &'static str,
    up: &'static str,
    down: &'static str,
}

macro_rules! migrations {
    ($folder:literal: $($version:literal $name:literal),*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            up: include_str!(concat!("migrations/", $folder, "/000", $version, "_", $name, ".up.sql")),
            down: include_str!(concat!("migrations/", $folder, "/000", $version, "_", $name, ".down.sql")),
        }),*]
    };
}

fn migrations(kind: DatabaseKind) -> &'static [Migration] {
    match kind {
        DatabaseKind::Sqlite => {
            migrations!("sqlite": 1 "schema", 2 "calibration", 3 "prompts", 4 "query_indexes", 5 "write_order_index",
                6 "report_rollups", 7 "query_head", 8 "text_search", 9 "flagged_index")
        }
        DatabaseKind::Postgres => {
            migrations!("postgres": 1 "schema", 2 "calibration", 3 "prompts", 4 "query_indexes", 5 "write_order_index",
                6 "report_rollups", 7 "query_head", 8 "text_search", 9 "flagged_index")
        }
    }
}

/// The table of applied migrations; the same text for both databases.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS whytrace_migrations (
    version    BIGINT NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    checksum   TEXT   NOT NULL,
    applied_at TEXT   NOT NULL
)";

const NAME: &str = "whytrace_migrations";

/// The last migration that makes tables of rollups, which only a program can fill.
const ROLLUPS_SINCE: usize = 6;

/// A step of the schema, and whether a database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// 1 for the first.
    pub version: i64,
    /// What it is called.
    pub name: String,
    /// When it was applied, RFC 3339 in UTC; `None` while it is missing.
    pub applied_at: Option<String>,
}

/// A row of `whytrace_migrations`.
struct Applied {
    version: i64,
    name: String,
    checksum: String,
    applied_at: String,
}

/// Works on the schema of one connection.
pub(crate) struct Migrator<'a> {
    connection: &'a mut Connection,
    url: &'a DatabaseUrl,
}

impl<'a> Migrator<'a> {
    pub(crate) fn new(connection: &'a mut Connection, url: &'a DatabaseUrl) -> Self {
        Self { connection, url }
    }

    fn known(&self) -> &'static [Migration] {
        migrations(self.connection.kind())
    }

    fn newest(&self) -> i64 {
        self.known().last().map_or(0, |migration| migration.version)
    }

    fn failed(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> SqlError + use<> {
        let url = self.url.clone();
        move |source| SqlError::Statement { doing, url: url.clone(), source }
    }

    /// Brings the schema up to date; does nothing, and takes no lock, where it is.
    pub(crate) async fn up(&mut self) -> Result<(), SqlError> {
        let applied = self.applied().await?;
        self.verify(&applied)?;
        if applied.len() == self.known().len() {
            return Ok(());
        }
        self.begin().await?;
        let done = self.apply_missing().await;
        self.end(done).await?;
        if !applied.is_empty() {
            // Only speed hangs on it, and the server does it by itself one day.
            let _ = self.connection.settle().await;
        }
        Ok(())
    }

    /// Takes the schema back to a version; 0 removes every table of ours, and what is in them.
    pub(crate) async fn down(&mut self, to: i64) -> Result<(), SqlError> {
        if to < 0 || to > self.newest() {
            return Err(SqlError::NoSuchVersion { to, known: self.newest() });
        }
        self.begin().await?;
        let done = self.undo(to).await;
        self.end(done).await
    }

    /// Every known step, in order.
    pub(crate) async fn status(&mut self) -> Result<Vec<MigrationStatus>, SqlError> {
        let applied = self.applied().await?;
        self.verify(&applied)?;
        let applied_at = |version| applied.iter().find(|a| a.version == version).map(|a| a.applied_at.clone());
        let status = |known: &Migration| MigrationStatus {
            version: known.version,
            name: known.name.to_owned(),
            applied_at: applied_at(known.version),
        };
        Ok(self.known().iter().map(status).collect())
    }

    /// Begins a transaction in which nobody else changes the schema. (No closure for what happens inside: a future that holds one is not
    /// `Send`.)
    async fn begin(&mut self) -> Result<(), SqlError> {
        let doing = "waiting to change the schema";
        self.connection.begin().await.map_err(self.failed(doing))?;
        match self.connection.lock_schema().await.map_err(self.failed(doing)) {
            Ok(()) => Ok(()),
            locked => self.end(locked).await,
        }
    }

    /// Keeps what the transaction did, or undoes it after an error.
    async fn end(&mut self, done: Result<(), SqlError>) -> Result<(), SqlError> {
        match done {
            Ok(()) => self.connection.commit().await.map_err(self.failed("changing the schema")),
            Err(error) => {
                // The error that matters is the first one; a connection that cannot even roll back is dropped by its owner.
                let _ = self.connection.rollback().await;
                Err(error)
            }
        }
    }

    async fn apply_missing(&mut self) -> Result<(), SqlError> {
        // Another process may have been faster while this one waited for the lock.
        let applied = self.applied().await?;
        self.verify(&applied)?;
        if applied.is_empty() {
            self.refuse_foreign_tables().await?;
        }
        let doing = "making the table of migrations";
        self.connection.run(TABLE, Vec::new()).await.map_err(self.failed(doing))?;
        for migration in &self.known()[applied.len()..] {
            self.connection.script(migration.up).await.map_err(self.failed("applying a migration"))?;
            let row = vec![
                Value::Int(migration.version),
                migration.name.into(),
                Value::Text(checksum(migration)),
                Value::Text(time::fixed(Timestamp::now())),
            ];
            let sql = "INSERT INTO whytrace_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";
            self.connection.run(sql, row).await.map_err(self.failed("noting a migration"))?;
        }
        if applied.len() < ROLLUPS_SINCE {
            rollups::rebuild(self.connection).await.map_err(self.failed("filling the rollups"))?;
        }
        Ok(())
    }

    async fn undo(&mut self, to: i64) -> Result<(), SqlError> {
        let applied = self.applied().await?;
        self.verify(&applied)?;
        for migration in self.known()[..applied.len()].iter().rev().filter(|migration| migration.version > to) {
            self.connection.script(migration.down).await.map_err(self.failed("undoing a migration"))?;
            let sql = "DELETE FROM whytrace_migrations WHERE version = $1";
            let version = vec![Value::Int(migration.version)];
            self.connection.run(sql, version).await.map_err(self.failed("noting an undone migration"))?;
        }
        if to == 0 {
            let sql: Sql = "DROP TABLE IF EXISTS whytrace_migrations".into();
            self.connection.run(sql, Vec::new()).await.map_err(self.failed("removing the table of migrations"))?;
        }
        Ok(())
    }

    async fn applied(&mut self) -> Result<Vec<Applied>, SqlError> {
        let doing = "reading the schema version";
        let relations = self.connection.relations().await.map_err(self.failed(doing))?;
        if !relations.iter().any(|name| name == NAME) {
            return Ok(Vec::new());
        }
        let columns =
            [("version", Kind::Int), ("name", Kind::Text), ("checksum", Kind::Text), ("applied_at", Kind::Text)]
                .map(|(name, kind)| Column { name, kind });
        let sql = "SELECT version, name, checksum, applied_at FROM whytrace_migrations ORDER BY version";
        let rows = self.connection.fetch(sql, Vec::new(), &columns).await.map_err(self.failed(doing))?;
        let row = |row: Vec<Value>| match <[Value; 4]>::try_from(row) {
            Ok([Value::Int(version), Value::Text(name), Value::Text(checksum), Value::Text(applied_at)]) => {
                Some(Applied { version, name, checksum, applied_at })
            }
            _ => None,
        };
        Ok(rows.into_iter().filter_map(row).collect())
    }

    /// What is applied must be what this program knows, from the first on without a gap.
    fn verify(&self, applied: &[Applied]) -> Result<(), SqlError> {
        if let Some(found) = applied.last().map(|last| last.version).filter(|found| *found > self.newest()) {
            return Err(SqlError::Newer { url: self.url.clone(), found, known: self.newest() });
        }
        let changed = applied.iter().enumerate().find(|(index, applied)| {
            self.known().get(*index).is_none_or(|known| {
                known.version != applied.version || known.name != applied.name || checksum(known) != applied.checksum
            })
        });
        match changed {
            Some((_, applied)) => {
                Err(SqlError::Changed { url: self.url.clone(), version: applied.version, name: applied.name.clone() })
            }
            None => Ok(()),
        }
    }

    /// Names that a user's own tables may well have, such as `projects`: found before anything is made.
    async fn refuse_foreign_tables(&mut self) -> Result<(), SqlError> {
        let relations = self.connection.relations().await.map_err(self.failed("looking at what is there"))?;
        let ours = |name: &&String| self.known().iter().any(|migration| makes(migration.up, name));
        let foreign: Vec<&str> = relations.iter().filter(ours).map(String::as_str).collect();
        if foreign.is_empty() {
            return Ok(());
        }
        Err(SqlError::Foreign { url: self.url.clone(), tables: foreign.join(", ") })
    }
}

/// Whether a script makes a table or view of that name.
fn makes(script: &str, name: &str) -> bool {
    let mut made = script.lines().filter_map(|line| {
        let rest = line.strip_prefix("CREATE TABLE ").or_else(|| line.strip_prefix("CREATE VIEW "))?;
        rest.split_whitespace().next()
    });
    made.any(|made| made == name)
}

/// blake3 of the text; line ends do not count, a checkout may have changed them.
fn checksum(migration: &Migration) -> String {
    blake3::hash(migration.up.replace("\r\n", "\n").as_bytes()).to_hex().to_string()
}
