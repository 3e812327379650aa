//! A database of its own on the Postgres server of the tests.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::io::Write;
use tokio::runtime::Runtime;

const VARIABLE: &str = "WHYTRACE_TEST_DATABASE_URL";

/// A fresh database.
pub(crate) struct Fresh {
    admin: String,
    name: String,
}

impl Fresh {
    /// `None` without a server, which is said where test output is not captured.
    pub(crate) fn new(runtime: &Runtime) -> Option<Self> {
        let Ok(admin) = std::env::var(VARIABLE) else {
            let _ = writeln!(std::io::stderr(), "NOT TESTED on Postgres: {VARIABLE} is not set (scripts/test sets it)");
            return None;
        };
        let fresh = Self { admin, name: format!("whytrace_end_to_end_{}", std::process::id()) };
        fresh.as_admin(runtime, format!("CREATE DATABASE {}", fresh.name));
        Some(fresh)
    }

    pub(crate) fn url(&self) -> String {
        let (server, _) = self.admin.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    /// Removes it; a test that fails leaves it on the throw-away server.
    pub(crate) fn remove(self, runtime: &Runtime) {
        self.as_admin(runtime, format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }

    fn as_admin(&self, runtime: &Runtime, sql: String) {
        runtime.block_on(async {
            let mut connection = PgConnection::connect(&self.admin).await.unwrap();
            connection.execute(AssertSqlSafe(sql)).await.unwrap();
            connection.close().await.unwrap();
        });
    }
}
