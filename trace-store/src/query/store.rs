//! Where questions are asked: a database, or a folder of documents.

use super::error::QueryError;
use super::folder;
use super::pool::{PATIENCE, Pool};
use super::statement::Statement;
use crate::files::Problem;
use crate::settings::{Database, Settings};
use crate::sql::dialect::Connection;
use crate::sql::migrate::Migrator;
use crate::sql::value::Row;
use crate::sql::{DatabaseUrl, SqlError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long bringing the schema up to date waits for locks and answers.
const SCHEMA_PATIENCE: Duration = Duration::from_secs(10);

/// Traces that can be asked about.
///
/// It takes questions from any number of tasks at once, and needs a tokio runtime with timers and I/O.
///
/// ```no_run
/// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
/// use trace_store::query::{Page, Store, Window};
/// use trace_store::settings::Settings;
///
/// let store = Store::open(&Settings::load().0).await?;
/// for run in store.quality_gate_failures(Window::default(), &Page::new(10)).await?.items {
///     println!("{} {:?} {:?}", run.trace_id, run.overall_quality_score, run.gap_principles);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Store {
    pool: Pool,
    dir: Option<PathBuf>,
    is_folder: bool,
    skipped: Vec<Problem>,
}

impl Store {
    /// The traces of the configured database; where there is none, or its file is not there, those of the configured folder.
    ///
    /// # Errors
    /// When the database cannot be opened or has a schema that this program does not know; [`QueryError::File`] when there is no folder either.
    pub async fn open(settings: &Settings) -> Result<Self, QueryError> {
        let url = match (&settings.database, settings.sqlite_path()) {
            (_, Some(path)) if path.exists() => Some(DatabaseUrl::sqlite_file(&path)),
            (Database::Postgres(url), _) => Some(url.expose().parse()?),
            _ => None,
        };
        match url {
            Some(url) => Self::of_database(&url, Some(&settings.dir)).await,
            None => Self::of_folder(&settings.dir).await,
        }
    }

    /// The traces of a database; `dir` is the folder with their documents, if there is one here. An older schema is brought up to date.
    ///
    /// # Errors
    /// When the database cannot be opened, or has a schema that this program does not know.
    pub async fn of_database(url: &DatabaseUrl, dir: Option<&Path>) -> Result<Self, QueryError> {
        url.compiled_in()?;
        let mut connection = Connection::open_existing(url, SCHEMA_PATIENCE).await?;
        let current = Migrator::new(&mut connection, url).up().await;
        connection.close().await;
        current?;
        let pool = Pool::open(url, PATIENCE).await?;
        Ok(Self { pool, dir: dir.map(Path::to_owned), is_folder: false, skipped: Vec::new() })
    }

    /// The traces of a folder of documents: of all its projects, or of the one project or `_traces` folder that it is. The documents are read once, now.
    /// Files that are no documents are passed over, see [`Store::skipped`].
    ///
    /// # Errors
    /// [`QueryError::File`] when the folder cannot be read; when this program was built without SQLite.
    pub async fn of_folder(dir: &Path) -> Result<Self, QueryError> {
        let (pool, skipped) = folder::index(dir).await?;
        Ok(Self { pool, dir: Some(dir.to_owned()), is_folder: true, skipped })
    }

    /// What it reads, for messages: the database without its password, or the folder.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.dir {
            Some(dir) if self.is_folder => dir.display().to_string(),
            _ => self.pool.url().to_string(),
        }
    }

    /// The database that it reads; `None` for a folder of documents.
    #[must_use]
    pub fn database(&self) -> Option<DatabaseUrl> {
        (!self.is_folder).then(|| self.pool.url().clone())
    }

    /// The files of the folder that were passed over, and why: one line each, in order of their paths. Empty for a database.
    #[must_use]
    pub fn skipped(&self) -> &[Problem] {
        &self.skipped
    }

    /// Closes the connections properly.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// The database.
    pub(crate) fn url(&self) -> &DatabaseUrl {
        self.pool.url()
    }

    /// The folder with the documents.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// An empty statement in the words of the database.
    pub(crate) fn statement(&self) -> Statement {
        Statement::new(self.pool.url().kind())
    }

    /// Asks, and reads the answer as rows.
    pub(crate) async fn fetch<R: Row>(&self, doing: &'static str, ask: Statement) -> Result<Vec<R>, SqlError> {
        self.pool.fetch(doing, ask).await
    }
}
