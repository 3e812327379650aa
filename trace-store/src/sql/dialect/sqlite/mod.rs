//! SQLite: a file that several processes may write to.
//!
//! Write-ahead log and `synchronous = NORMAL`: a commit survives the death of the process, and the last ones may be lost, whole, with the
//! power. Lists are JSON texts, moments are texts of one width, money is an integer of picodollars.

mod log;

use super::{Failure, cells, on_conflict};
use crate::sql::error::SqlError;
use crate::sql::time;
use crate::sql::url::{DatabaseKind, DatabaseUrl};
use crate::sql::value::{Column, Table, Value};
use log::Log;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection as _, Row as _, SqlStr, SqliteConnection};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A row of 2 KiB fills a page of 4 KiB alone; measured, larger pages write twice as many rows a second and take half the space.
const PAGE_SIZE: &str = "16384";

/// Kibibytes of pages kept in memory, as a negative number: the inner pages of a dozen indexes do not fit in the 2 MiB of the default.
const CACHE_SIZE: &str = "-32768";

/// Pages after which the write-ahead log goes into the file: pages that many batches change are then written once.
const CHECKPOINT: &str = "4096";

/// How many parameters one insert carries at most: beyond, larger statements are not faster.
const PARAMETERS: usize = 1024;

/// A sum of integers that gets too large becomes a float, which the cast brings back to the end of the range.
const CHANGE_STATISTICS: &str = "
    UPDATE prompt_templates AS t SET
        total_executions     = t.total_executions + c.executions,
        success_count        = t.success_count + c.successes,
        failure_count        = t.failure_count + c.executions - c.successes,
        timed_executions     = t.timed_executions + c.timed,
        response_time_us_sum = CAST(t.response_time_us_sum + c.micros AS INTEGER),
        counted_executions   = t.counted_executions + c.counted,
        token_count_sum      = CAST(t.token_count_sum + c.tokens AS INTEGER),
        priced_executions    = t.priced_executions + c.priced,
        cost_picodollars_sum = CAST(t.cost_picodollars_sum + c.picodollars AS INTEGER),
        avg_response_time_ms = CAST(t.response_time_us_sum + c.micros AS REAL) / NULLIF(t.timed_executions + c.timed, 0) / 1000,
        avg_token_count      = CAST(t.token_count_sum + c.tokens AS REAL) / NULLIF(t.counted_executions + c.counted, 0),
        avg_cost_picodollars = CAST((t.cost_picodollars_sum + c.picodollars + (t.priced_executions + c.priced) / 2)
                               / NULLIF(t.priced_executions + c.priced, 0) AS INTEGER)
    FROM (
        SELECT key AS id, value ->> 'executions' AS executions, value ->> 'successes' AS successes, value ->> 'timed' AS timed,
               value ->> 'micros' AS micros, value ->> 'counted' AS counted, value ->> 'tokens' AS tokens,
               value ->> 'priced' AS priced, value ->> 'picodollars' AS picodollars
        FROM json_each($1)
    ) AS c
    WHERE t.id = c.id";

/// A connection to a file.
#[derive(Debug)]
pub(crate) struct Sqlite {
    connection: SqliteConnection,
    file: Option<(PathBuf, FileId)>,
    /// Of a connection that only reads.
    limit: Option<Limit>,
    log: Log,
}

/// When the statement under way is given up.
#[derive(Debug)]
struct Limit {
    patience: Duration,
    opened: Instant,
    /// In milliseconds since `opened`.
    deadline: Arc<AtomicU64>,
}

/// After how many steps of SQLite's machine it is asked whether to go on: often enough, and at no cost.
const STEPS: i32 = 20_000;

/// The driver's reading of a URL.
pub(super) fn options(url: &DatabaseUrl) -> Result<SqliteConnectOptions, sqlx::Error> {
    let options = SqliteConnectOptions::from_str(url.secret())?;
    let says_mode =
        url.secret().split_once('?').is_some_and(|(_, query)| query.split('&').any(|p| p.starts_with("mode=")));
    Ok(if says_mode { options } else { options.create_if_missing(true) })
}

/// The file that a URL names; `None` for a database in memory.
fn file_of(url: &DatabaseUrl, options: &SqliteConnectOptions) -> Option<PathBuf> {
    let in_memory = url.secret().contains(":memory:") || url.secret().contains("mode=memory");
    (!in_memory).then(|| options.get_filename().to_owned())
}

/// What an error code says about the database.
pub(super) fn failure(code: &str) -> Failure {
    // The low byte is the primary code. Too big, constraint violated, wrong type, parameter out of range: the row is to blame.
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(18 | 19 | 20 | 25) => Failure::Refused,
        _ => Failure::Away,
    }
}

impl Sqlite {
    pub(super) async fn open(url: &DatabaseUrl, patience: Duration, create: bool) -> Result<Self, SqlError> {
        let refuse = |reason: String| SqlError::Open { url: url.clone(), reason };
        let mut options = options(url).map_err(|error| refuse(error.to_string()))?;
        let path = file_of(url, &options);
        let folder = path.as_deref().and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        if !create {
            options = options.create_if_missing(false);
        } else if let Some(folder) = folder {
            // A file that is opened read-only or must exist gets its own error below.
            let _ = std::fs::create_dir_all(folder);
        }
        let connected = options
            .pragma("page_size", PAGE_SIZE)
            .pragma("cache_size", CACHE_SIZE)
            .pragma("wal_autocheckpoint", CHECKPOINT)
            .busy_timeout(patience)
            .foreign_keys(false)
            .statement_cache_capacity(256)
            .thread_name(|_| "whytrace-sqlite".to_owned())
            .disable_statement_logging()
            .connect()
            .await;
        let mut connection = connected.map_err(|error| refuse(advice(&error, path.as_deref())))?;
        let settled = set_up(&mut connection, patience).await;
        settled.map_err(|error| refuse(advice(&error, path.as_deref())))?;
        let file = path.and_then(|path| FileId::of(&path).map(|id| (path, id)));
        let log = Log::of(file.as_ref().map(|(path, _)| path.as_path()), patience);
        Ok(Self { connection, file, limit: None, log })
    }

    /// Keeps the write-ahead log from getting long; who only reads leaves that to others.
    pub(super) async fn shorten_log(&mut self) {
        if self.limit.is_none() {
            self.log.shorten(&mut self.connection).await;
        }
    }

    pub(super) async fn only_read(&mut self, patience: Duration) -> Result<(), sqlx::Error> {
        sqlx::query("PRAGMA query_only = ON").execute(&mut self.connection).await?;
        let (opened, deadline) = (Instant::now(), Arc::new(AtomicU64::new(u64::MAX)));
        let shared = Arc::clone(&deadline);
        let go_on = move || opened.elapsed().as_millis() < u128::from(shared.load(Ordering::Relaxed));
        self.connection.lock_handle().await?.set_progress_handler(STEPS, go_on);
        self.limit = Some(Limit { patience, opened, deadline });
        Ok(())
    }

    /// A file that was deleted or replaced would go on taking rows that nobody will ever see.
    pub(super) fn is_current(&self) -> bool {
        self.file.as_ref().is_none_or(|(path, id)| FileId::of(path).as_ref() == Some(id))
    }

    pub(super) async fn run(&mut self, sql: SqlStr, arguments: Vec<Value>) -> Result<u64, sqlx::Error> {
        let done = bind_all(sqlx::query(sql), arguments)?.execute(&mut self.connection).await?;
        Ok(done.rows_affected())
    }

    pub(super) async fn script(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(sql).execute(&mut self.connection).await.map(|_| ())
    }

    pub(super) async fn fetch(
        &mut self,
        sql: SqlStr,
        arguments: Vec<Value>,
        columns: &[Column],
    ) -> Result<Vec<Vec<Value>>, sqlx::Error> {
        if let Some(Limit { patience, opened, deadline }) = &self.limit {
            let end = (opened.elapsed() + *patience).as_millis();
            deadline.store(u64::try_from(end).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        let rows = bind_all(sqlx::query(sql), arguments)?.fetch_all(&mut self.connection).await?;
        rows.iter().map(|row| cells(row, columns, list)).collect()
    }

    #[allow(clippy::unused_self)] // the same shape as the other dialect
    pub(super) fn select(&self) -> fn(&Column) -> Cow<'static, str> {
        stored_name
    }

    #[allow(clippy::unused_self)]
    pub(super) fn in_list(&self) -> &'static str {
        " IN (SELECT value FROM json_each($1))"
    }

    #[allow(clippy::unused_self)]
    pub(super) fn select_clock(&self) -> &'static str {
        "SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    }

    /// A transaction that would first read and then write could find the file changed in between, and fail.
    #[allow(clippy::unused_self)]
    pub(super) fn begin(&self) -> &'static str {
        "BEGIN IMMEDIATE"
    }

    /// The first statement that reads decides what the transaction sees.
    #[allow(clippy::unused_self)]
    pub(super) fn begin_snapshot(&self) -> &'static str {
        "BEGIN DEFERRED"
    }

    /// The transaction that may write is the only one.
    #[allow(clippy::unused_self)]
    pub(super) fn for_update(&self) -> &'static str {
        ""
    }

    #[allow(clippy::unused_self)]
    pub(super) fn change_statistics(&self) -> &'static str {
        CHANGE_STATISTICS
    }

    /// As above.
    #[allow(clippy::unused_self, clippy::unused_async)]
    pub(super) async fn lock_schema(&mut self) -> Result<(), sqlx::Error> {
        Ok(())
    }

    /// As above.
    #[allow(clippy::unused_self, clippy::unused_async)]
    pub(super) async fn lock_traces(&mut self, _ids: Vec<String>) -> Result<(), sqlx::Error> {
        Ok(())
    }

    #[allow(clippy::unused_self)]
    pub(super) fn list_relations(&self) -> &'static str {
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"
    }

    pub(super) async fn insert(&mut self, table: &'static Table, rows: Vec<Vec<Value>>) -> Result<(), sqlx::Error> {
        let most = (PARAMETERS / table.columns.len()).max(1);
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            // Powers of two, so that few different statements are prepared.
            let count = 1_usize << rows.len().min(most).ilog2();
            let sql = insert_statement(table, count);
            let arguments = rows.by_ref().take(count).flatten().collect();
            bind_all(sqlx::query(sql), arguments)?.execute(&mut self.connection).await?;
        }
        Ok(())
    }

    pub(super) async fn close(self) {
        // The file is as committed whether or not the last connection could tidy up the write-ahead log.
        let _ = self.connection.close().await;
    }
}

/// Turns on the write-ahead log, once for the life of the file.
async fn set_up(connection: &mut SqliteConnection, patience: Duration) -> Result<(), sqlx::Error> {
    let begun = Instant::now();
    let mode = loop {
        // Several processes that start at once get in each other's way here, and SQLite does not wait by itself.
        match sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL").fetch_one(&mut *connection).await {
            Err(error) if is_locked(&error) && begun.elapsed() < patience => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            // Where it may only be read, it is read as it is.
            Err(error) if primary_code(&error) == Some(8) => return Ok(()),
            other => break other?,
        }
    };
    // Without a write-ahead log (some file systems cannot have one) only FULL keeps the file sound when the power goes.
    let synchronous = if mode == "wal" { "PRAGMA synchronous = NORMAL" } else { "PRAGMA synchronous = FULL" };
    sqlx::query(synchronous).execute(&mut *connection).await.map(|_| ())
}

fn is_locked(error: &sqlx::Error) -> bool {
    matches!(primary_code(error), Some(5 | 6))
}

/// The low byte of an error code says what went wrong, the rest where.
fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code)?;
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// What to do about a file that cannot be opened.
fn advice(error: &sqlx::Error, path: Option<&Path>) -> String {
    let Some(path) = path else { return error.to_string() };
    let hint = match primary_code(error) {
        Some(5 | 6) => "another program keeps it locked; it is tried again later",
        Some(8) => "the file or its folder is read-only",
        Some(13) => "the disk is full",
        Some(14) => "check that its folder exists or can be made, and that this user may write there",
        Some(11 | 26) => "it is no SQLite database, or damaged: move it away, a new one is made",
        _ => return error.to_string(),
    };
    format!("{error} ({}: {hint})", path.display())
}

fn stored_name(column: &Column) -> Cow<'static, str> {
    DatabaseKind::Sqlite.stored(column)
}

/// The statement that inserts `count` rows; made once.
fn insert_statement(table: &'static Table, count: usize) -> SqlStr {
    static MADE: LazyLock<Mutex<HashMap<(&'static str, usize), SqlStr>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let statement = made.entry((table.name, count)).or_insert_with(|| {
        let names: Vec<_> = table.columns.iter().map(stored_name).collect();
        let row = format!("({})", vec!["?"; names.len()].join(", "));
        let sql = format!(
            "INSERT INTO {} ({}) VALUES {}{}",
            table.name,
            names.join(", "),
            vec![row.as_str(); count].join(", "),
            on_conflict(table, stored_name)
        );
        sqlx::SqlSafeStr::into_sql_str(sqlx::AssertSqlSafe(Arc::<str>::from(sql)))
    });
    statement.clone()
}

type SqliteQuery = Query<'static, sqlx::Sqlite, SqliteArguments>;

fn bind_all(mut query: SqliteQuery, arguments: Vec<Value>) -> Result<SqliteQuery, sqlx::Error> {
    for argument in arguments {
        query = match argument {
            Value::Null => query.bind(None::<i64>),
            Value::Text(text) => query.bind(text),
            Value::Time(moment) => query.bind(time::fixed(moment)),
            Value::Day(day) => query.bind(day.to_string()),
            Value::Int(number) => query.bind(number),
            Value::Float(number) => query.bind(number),
            Value::Bool(truth) => query.bind(truth),
            Value::List(list) => query.bind(serde_json::to_string(&list).map_err(|e| sqlx::Error::Encode(e.into()))?),
            Value::Bytes(bytes) => query.bind(bytes),
        };
    }
    Ok(query)
}

fn list(row: &SqliteRow, index: usize) -> Result<Option<Vec<String>>, sqlx::Error> {
    let text: Option<String> = row.try_get(index)?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))).transpose()
}

/// Which file stands under a path, apart from its name.
#[derive(Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(path).ok().map(|metadata| Self(metadata.dev(), metadata.ino()))
    }

    /// An open file cannot be deleted there.
    #[cfg(not(unix))]
    fn of(path: &Path) -> Option<Self> {
        path.exists().then_some(Self(0, 0))
    }
}
