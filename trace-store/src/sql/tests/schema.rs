//! Migrations: up, down, many at once, beside somebody else's tables, newer and changed ones.

use super::{Database, on_every_database};
use crate::sql::{SqlError, SqlStore};

fn migrate(database: &Database) -> Result<(), SqlError> {
    database.read(async |store: &mut SqlStore| store.migrate().await)
}

on_every_database! {
    fn ten_programs_at_once_make_one_schema(database: Database) {
        std::thread::scope(|scope| {
            let started: Vec<_> = (0..10).map(|_| scope.spawn(|| migrate(database))).collect();
            for program in started {
                program.join().unwrap().unwrap();
            }
        });
        let status = database.read(async |store: &mut SqlStore| store.migration_status().await.unwrap());
        assert!(!status.is_empty() && status.iter().all(|step| step.applied_at.is_some()), "{status:?}");
    }

    fn down_removes_everything_of_ours_and_nothing_else(database: Database) {
        database.execute("CREATE TABLE users_own (id BIGINT)");
        for _ in 0..2 {
            migrate(database).unwrap();
            database.read(async |store: &mut SqlStore| store.down(0).await.unwrap());
            let left = database.read(async |store: &mut SqlStore| store.connection().relations().await.unwrap());
            assert_eq!(left, ["users_own"]);
        }
        let status = database.read(async |store: &mut SqlStore| store.migration_status().await.unwrap());
        assert_eq!(status[0].applied_at, None);
    }

    fn a_version_that_does_not_exist_is_refused(database: Database) {
        let error = database.read(async |store: &mut SqlStore| store.down(99).await.unwrap_err());
        assert!(matches!(error, SqlError::NoSuchVersion { to: 99, .. }), "{error}");
    }

    fn tables_of_somebody_else_are_left_alone(database: Database) {
        database.execute("CREATE TABLE projects (name TEXT)");
        let error = migrate(database).unwrap_err();
        assert!(matches!(&error, SqlError::Foreign { tables, .. } if tables == "projects"), "{error}");
        let left = database.read(async |store: &mut SqlStore| store.connection().relations().await.unwrap());
        assert_eq!(left, ["projects"]);
    }

    fn a_newer_schema_says_to_update_the_program(database: Database) {
        migrate(database).unwrap();
        database.execute("INSERT INTO whytrace_migrations VALUES (99, 'later', 'c', '2030-01-01T00:00:00.000000Z')");
        let message = migrate(database).unwrap_err().to_string();
        assert!(message.contains("schema version 99") && message.contains("update the program"), "{message}");
    }

    fn a_changed_migration_is_an_error(database: Database) {
        migrate(database).unwrap();
        database.execute("UPDATE whytrace_migrations SET checksum = 'other' WHERE version = 1");
        assert!(matches!(migrate(database).unwrap_err(), SqlError::Changed { version: 1, .. }));
    }

    fn the_views_answer(database: Database) {
        migrate(database).unwrap();
        database.execute("SELECT * FROM trace_quality_gaps");
        database.execute("SELECT * FROM trace_intent_summary");
        database.execute("SELECT * FROM prompt_template_performance");
        database.execute("SELECT * FROM prompt_recent_errors");
    }
}

#[cfg(feature = "sqlite")]
#[test]
fn a_file_that_is_no_database_says_what_to_do() {
    let database = Database::sqlite();
    let path = database.traces_dir().join("not.db");
    std::fs::write(&path, "this is not a database, and longer than a header would be".repeat(100)).unwrap();
    let url = crate::sql::DatabaseUrl::sqlite_file(&path);
    let message = super::block_on(SqlStore::open(&url)).unwrap_err().to_string();
    assert!(message.contains("not.db") && message.contains("move it away"), "{message}");
}

#[cfg(feature = "sqlite")]
#[test]
fn new_files_have_large_pages_and_a_write_ahead_log() {
    use crate::sql::value::{Column, Kind, Value};
    let database = Database::sqlite();
    migrate(&database).unwrap();
    let column = |name| [Column { name, kind: Kind::Int }];
    let size = database.read(async |store: &mut SqlStore| {
        store.connection().fetch("PRAGMA page_size", Vec::new(), &column("page_size")).await.unwrap()
    });
    assert_eq!(size, [[Value::Int(16384)]]);
    let text = [Column { name: "journal_mode", kind: Kind::Text }];
    let mode = database.read(async |store: &mut SqlStore| {
        store.connection().fetch("PRAGMA journal_mode", Vec::new(), &text).await.unwrap()
    });
    assert_eq!(mode, [["wal".into()]]);
}
