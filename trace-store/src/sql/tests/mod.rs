//! The database side against real databases: SQLite files in temporary folders, and fresh databases of a Postgres server.

mod away;
pub(crate) mod fixture;
mod flags;
mod prompts;
mod review;
mod rollups;
mod schema;
mod write;

use super::{DatabaseUrl, RowsOptions, RowsSink, SqlStore};
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink};

/// A fresh database, and a folder for traces beside it; both go when it is dropped.
pub(crate) struct Database {
    pub(crate) url: DatabaseUrl,
    pub(crate) folder: TempDir,
    #[cfg(feature = "postgres")]
    _server: Option<server::Fresh>,
}

/// Runs the same test on every database that this build knows.
macro_rules! on_every_database {
    ($($(#[$meta:meta])* fn $name:ident($database:ident: Database) $body:block)*) => { $(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(#[$meta])*
            fn run($database: &$crate::sql::tests::Database) $body

            #[cfg(feature = "sqlite")]
            #[test]
            fn sqlite() {
                run(&$crate::sql::tests::Database::sqlite());
            }

            #[cfg(feature = "postgres")]
            #[test]
            fn postgres() {
                if let Some(database) = $crate::sql::tests::Database::postgres() {
                    run(&database);
                }
            }
        }
    )* };
}
pub(crate) use on_every_database;

impl Database {
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::sqlite_file(&folder.path().join("deep/er/whytrace.db"));
        Self {
            url,
            folder,
            #[cfg(feature = "postgres")]
            _server: None,
        }
    }

    /// `None` without a server, which is said where test output is not captured.
    #[cfg(feature = "postgres")]
    pub(crate) fn postgres() -> Option<Self> {
        let server = server::Fresh::new()?;
        let folder = tempfile::tempdir().unwrap();
        Some(Self { url: server.url.parse().unwrap(), folder, _server: Some(server) })
    }

    pub(crate) fn traces_dir(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn sink(&self) -> RowsSink {
        self.sink_with(RowsOptions {
            patience: Duration::from_millis(300),
            print_flags: false,
            ..RowsOptions::default()
        })
    }

    pub(crate) fn sink_with(&self, options: RowsOptions) -> RowsSink {
        RowsSink::new(&self.url, self.traces_dir(), options).unwrap()
    }

    /// Reads from the database.
    pub(crate) fn read<T>(&self, with: impl AsyncFnOnce(&mut SqlStore) -> T) -> T {
        block_on(async {
            let mut store = SqlStore::open(&self.url).await.unwrap();
            let read = with(&mut store).await;
            store.close().await;
            read
        })
    }

    /// Runs a statement as another program would.
    pub(crate) fn execute(&self, sql: &'static str) {
        self.read(async |store: &mut SqlStore| store.connection().script(sql).await.unwrap());
    }

    pub(crate) fn count(&self, table: &str) -> u64 {
        self.read(async |store: &mut SqlStore| store.counts().await.unwrap()[table])
    }
}

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// Stores one trace, and says what became of its rows.
pub(crate) fn store(sink: &RowsSink, finished: &FinishedTrace) -> DatabaseStatus {
    match &sink.store(std::slice::from_ref(finished))[0] {
        Ok(stored) => stored.database.unwrap(),
        Err(error) => error.database.unwrap(),
    }
}

/// Waits until something holds, for 20 s at most.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(feature = "postgres")]
mod server {
    use super::block_on;
    use crate::sql::dialect::Connection;
    use std::io::Write;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    const VARIABLE: &str = "WHYTRACE_TEST_DATABASE_URL";

    /// A database of its own on the server that the variable names.
    pub(crate) struct Fresh {
        admin: String,
        name: String,
        pub(crate) url: String,
    }

    impl Fresh {
        pub(crate) fn new() -> Option<Self> {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let Ok(admin) = std::env::var(VARIABLE) else {
                // Past the capture of test output: a skipped test must be seen.
                let _ =
                    writeln!(std::io::stderr(), "NOT TESTED on Postgres: {VARIABLE} is not set (scripts/test sets it)");
                return None;
            };
            let name = format!("whytrace_test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let (server, _) = admin.rsplit_once('/').unwrap();
            let fresh = Self { url: format!("{server}/{name}"), admin, name };
            fresh.as_admin(format!("CREATE DATABASE {}", fresh.name));
            Some(fresh)
        }

        fn as_admin(&self, sql: String) {
            block_on(async {
                let url = self.admin.parse().unwrap();
                let mut connection = Connection::open(&url, Duration::from_secs(10)).await.unwrap();
                connection.run(sql, Vec::new()).await.unwrap();
                connection.close().await;
            });
        }
    }

    impl Drop for Fresh {
        fn drop(&mut self) {
            self.as_admin(format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        }
    }
}
