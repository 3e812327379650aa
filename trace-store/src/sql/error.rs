//! What can go wrong with a database: every message says what was being done, with which database, and what to do.

use super::url::DatabaseUrl;

/// A failure of the database side. No message carries a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The URL names no database that this build can open.
    #[error(
        "`{url}` is not a database URL: {reason}; expected sqlite:path/to/file.db or postgres://user@host/database"
    )]
    Url {
        /// The URL without its password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The database cannot be reached or opened.
    #[error("cannot open {url}: {reason}")]
    Open {
        /// The database without its password.
        url: DatabaseUrl,
        /// What went wrong, and what to do.
        reason: String,
    },
    /// A statement failed.
    #[error("{doing} in {url}: {source}")]
    Statement {
        /// What was being done.
        doing: &'static str,
        /// The database without its password.
        url: DatabaseUrl,
        /// What the database said.
        source: sqlx::Error,
    },
    /// A question took too long and was given up.
    #[error("{doing} in {url} took longer than {patience:?} and was given up: narrow the window, or the filter")]
    TooLong {
        /// What was being done.
        doing: &'static str,
        /// The database without its password.
        url: DatabaseUrl,
        /// How long it was waited for.
        patience: std::time::Duration,
    },
    /// The schema was made by a newer version of this crate.
    #[error(
        "{url} has schema version {found}, this program knows up to {known}: update the program, or give it a database of its own"
    )]
    Newer {
        /// The database without its password.
        url: DatabaseUrl,
        /// The version in the database.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A migration was applied with another text than this program holds.
    #[error(
        "{url}: migration {version} ({name}) was applied with another text than this program holds: use the program that made the database, or a new database"
    )]
    Changed {
        /// The database without its password.
        url: DatabaseUrl,
        /// The migration.
        version: i64,
        /// The migration's name.
        name: String,
    },
    /// Tables of somebody else stand where ours should.
    #[error(
        "{url} already has tables or views that whytrace did not make ({tables}): give whytrace a database of its own, in Postgres or a schema of its own (?options[search_path]=whytrace)"
    )]
    Foreign {
        /// The database without its password.
        url: DatabaseUrl,
        /// The tables, joined by `, `.
        tables: String,
    },
    /// There is no such schema version to go down to.
    #[error("there is no schema version {to}: the newest is {known}, 0 removes everything")]
    NoSuchVersion {
        /// What was asked for.
        to: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A score is no number that can be compared.
    #[error("the score of `{name}` is {value}: expected a finite number")]
    NoNumber {
        /// What was scored.
        name: String,
        /// The score.
        value: f64,
    },
    /// What was stored cannot be read back.
    #[error("{what} of trace `{trace_id}` in {url} cannot be read: {reason}")]
    Damaged {
        /// What was being read.
        what: &'static str,
        /// The trace.
        trace_id: String,
        /// The database without its password.
        url: DatabaseUrl,
        /// What is wrong with it.
        reason: String,
    },
}
