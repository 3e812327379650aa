//! The connections: they only read, are replaced when lost, give up what takes too long, and serve many at once.

use super::*;
use crate::query::pool::Pool;
use crate::query::statement::Statement;
use crate::query::{Page, Window};
#[cfg(feature = "sqlite")]
use crate::settings::Settings;
use crate::sql::SqlError;
use crate::sql::dialect::Connection;
use crate::sql::tests::on_every_database;
use crate::sql::value::row;
use std::time::Duration;

row! {
    struct Number in "", key [], keep [] {
        number: i64,
    }
}

const FOREVER: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT COUNT(*) FROM n";

on_every_database! {
    fn what_takes_too_long_is_given_up_and_the_next_question_answered(database: Database) {
        save(database, &[small(1)]);
        block_on(async {
            let pool = Pool::open(&database.url, Duration::from_millis(100)).await.unwrap();
            let asked = |sql: &str| Statement { sql: sql.to_owned(), ..Statement::new(database.url.kind()) };
            let error = pool.fetch::<Number>("counting", asked(FOREVER)).await.unwrap_err();
            assert!(matches!(error, SqlError::TooLong { .. }), "{error}");
            assert!(error.to_string().contains("took longer than 100ms and was given up"), "{error}");
            let count = pool.fetch::<Number>("counting", asked("SELECT COUNT(*) FROM traces")).await.unwrap();
            assert_eq!(count[0].number, 1);
        });
    }

    fn questions_change_nothing(database: Database) {
        save(database, &[small(1)]);
        ask(database, async |store| {
            let mut delete = store.statement();
            delete.push("DELETE FROM traces RETURNING 1");
            let error = store.fetch::<Number>("deleting", delete).await.unwrap_err().to_string();
            assert!(error.contains("read"), "{error}");
        });
        assert_eq!(database.count("traces"), 1);
    }

    fn many_ask_at_once(database: Database) {
        save(database, &(1..=20).map(|n| recent(n, i128::from(n))).collect::<Vec<_>>());
        ask(database, async |store| {
            let (filter, page) = (crate::query::Filter::all(), Page::default());
            let asked = || async { store.search(&filter, Window::default(), &page).await.unwrap().items.len() };
            let (a, b, c, d, e, f) = tokio::join!(asked(), asked(), asked(), asked(), asked(), asked());
            assert_eq!([a, b, c, d, e, f], [20; 6]);
        });
    }

    fn a_store_that_was_opened_sees_what_is_written_later(database: Database) {
        save(database, &[recent(1, 1)]);
        ask(database, async |store| {
            assert_eq!(store.summary(Window::default()).await.unwrap().total_runs, 1);
            let mut writer = Connection::open(&database.url, Duration::from_secs(5)).await.unwrap();
            crate::sql::writer::write(&mut writer, &[finished(recent(2, 1))], &mut Default::default()).await.unwrap();
            assert_eq!(store.summary(Window::default()).await.unwrap().total_runs, 2);
        });
    }
}

#[cfg(feature = "postgres")]
#[test]
fn a_lost_connection_is_replaced() {
    let Some(database) = Database::postgres() else { return };
    save(&database, &[recent(1, 1)]);
    ask(&database, async |store| {
        assert_eq!(store.summary(Window::default()).await.unwrap().total_runs, 1);
        let mut admin = Connection::open(&database.url, Duration::from_secs(5)).await.unwrap();
        let others = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity \
                      WHERE datname = current_database() AND pid <> pg_backend_pid()";
        admin.run(others, Vec::new()).await.unwrap();
        assert_eq!(store.summary(Window::default()).await.unwrap().total_runs, 1);
        admin.close().await;
    });
}

#[cfg(feature = "sqlite")]
#[test]
fn the_configured_database_is_asked_and_a_missing_one_is_not_made() {
    let root = tempfile::tempdir().unwrap();
    let mut settings = Settings { dir: root.path().to_owned(), ..Settings::default() };
    block_on(async {
        let folder = Store::open(&settings).await.unwrap();
        assert_eq!(folder.place(), root.path().display().to_string());
        assert!(!root.path().join("whytrace.db").exists());
        let url = crate::sql::DatabaseUrl::sqlite_file(&root.path().join("none.db"));
        let missing = Store::of_database(&url, None).await.unwrap_err().to_string();
        assert!(missing.contains("none.db") && !root.path().join("none.db").exists(), "{missing}");
        let mut writer =
            crate::sql::SqlStore::open(&crate::sql::DatabaseUrl::sqlite_file(&root.path().join("whytrace.db")))
                .await
                .unwrap();
        writer.migrate().await.unwrap();
        writer.close().await;
        assert!(Store::open(&settings).await.unwrap().place().ends_with("whytrace.db"));
        settings.dir = root.path().join("missing");
        assert!(Store::open(&settings).await.unwrap_err().to_string().contains("there is no such folder"));
    });
}
