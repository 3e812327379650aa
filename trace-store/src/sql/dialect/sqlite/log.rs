//! The write-ahead log of a file, which must not outgrow it.
//!
//! Comes in: a connection that has just committed. Goes out: a log that is emptied into the file once it is long.

use super::is_locked;
use sqlx::SqliteConnection;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How many bytes long the write-ahead log may get. What is written during a checkpoint makes the next one longer: two writers that never
/// pause, on a disk that is busy, were seen to make a log longer than the database.
const MOST: u64 = 256 << 20;

/// How long a writer of a longer one waits for others, and when it tries again if they did not let it through.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(60);

/// How often it asks whether somebody else's checkpoint is done, for which SQLite does not wait.
const RETRY: Duration = Duration::from_millis(20);

/// The write-ahead log of a file.
#[derive(Debug)]
pub(super) struct Log {
    path: Option<PathBuf>,
    most: u64,
    /// How long a statement waits for locks.
    patience: Duration,
    /// When others did not let it be shortened.
    refused: Option<Instant>,
}

impl Log {
    /// That of a file; a database in memory has none.
    pub(super) fn of(file: Option<&Path>, patience: Duration) -> Self {
        let path = file.map(|file| [file.as_os_str(), OsStr::new("-wal")].into_iter().collect::<OsString>());
        Self { path: path.map(PathBuf::from), most: MOST, patience, refused: None }
    }

    /// Writes all of a long one into the file, before it gets longer. Nothing depends on it: whatever keeps it from doing so, rows that are
    /// committed are safe, and it is tried again.
    pub(super) async fn shorten(&mut self, connection: &mut SqliteConnection) {
        let length = self.path.as_ref().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |log| log.len());
        let is_refused = self.refused.is_some_and(|refused| refused.elapsed() < PAUSE);
        if length <= self.most || is_refused {
            return;
        }
        wait_for_locks(connection, PATIENCE).await;
        let began = Instant::now();
        self.refused = loop {
            let refused = sqlx::query_scalar::<_, i64>("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection);
            match refused.await {
                Ok(0) => break None,
                Err(error) if !is_locked(&error) => break Some(began),
                _ if began.elapsed() >= PATIENCE => break Some(began),
                _ => tokio::time::sleep(RETRY).await,
            }
        };
        wait_for_locks(connection, self.patience).await;
    }
}

async fn wait_for_locks(connection: &mut SqliteConnection, patience: Duration) {
    let sql = format!("PRAGMA busy_timeout = {}", patience.as_millis());
    let _ = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(connection).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::dialect::sqlite::Sqlite;
    use crate::sql::url::DatabaseUrl;
    use sqlx::SqlSafeStr;

    async fn open(url: &DatabaseUrl) -> Sqlite {
        Sqlite::open(url, Duration::from_secs(5), true).await.unwrap()
    }

    async fn do_all(sqlite: &mut Sqlite, statements: &[&'static str]) {
        for sql in statements {
            sqlite.run(sql.into_sql_str(), Vec::new()).await.unwrap();
        }
    }

    /// How long the write-ahead log is, in bytes.
    fn log_length(sqlite: &Sqlite) -> u64 {
        std::fs::metadata(sqlite.log.path.as_ref().unwrap()).unwrap().len()
    }

    #[tokio::test]
    async fn a_long_log_is_shortened_once_nobody_reads_what_it_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite_file(&folder.path().join("a.db"));
        let (mut writer, mut reader) = (open(&url).await, open(&url).await);
        let fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
            INSERT INTO t SELECT randomblob(1000) FROM n";
        do_all(&mut writer, &["CREATE TABLE t (x BLOB)", fill]).await;
        let length = log_length(&writer);
        writer.shorten_log().await;
        assert_eq!(log_length(&writer), length, "it is not long yet");

        writer.log.most = length - 1;
        do_all(&mut reader, &["BEGIN", "SELECT COUNT(*) FROM t"]).await;
        do_all(&mut writer, &[fill]).await;
        let began = Instant::now();
        writer.shorten_log().await;
        assert!(writer.log.refused.is_some() && began.elapsed() >= PATIENCE && log_length(&writer) > length);
        writer.shorten_log().await;
        assert!(log_length(&writer) > length, "it is not tried again at once");

        do_all(&mut reader, &["COMMIT"]).await;
        writer.log.refused = None;
        writer.shorten_log().await;
        assert_eq!((log_length(&writer), writer.log.refused), (0, None));
        do_all(&mut reader, &["SELECT COUNT(*) FROM t"]).await;
    }
}
