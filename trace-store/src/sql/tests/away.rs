//! The database away: locked, deleted, not writable, refusing; and back.

use super::fixture::{finished, full, id, small};
use super::{eventually, on_every_database, store};
use crate::sql::{DatabaseUrl, OutboxLimits, RowsOptions, RowsSink, SqlStore};
use std::time::{Duration, Instant};
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink};

/// What makes a database refuse a second decision for the unwelcome.
const PICKY: &str = "CREATE UNIQUE INDEX picky ON decisions (what) WHERE what = 'unwelcome'";

/// A sink for a database that cannot be opened, because its folder is a file.
fn sink_without_database(folder: &std::path::Path, outbox: OutboxLimits) -> RowsSink {
    std::fs::write(folder.join("file"), "").unwrap();
    let url = unreachable(folder);
    RowsSink::new(&url, folder, RowsOptions { outbox, ..RowsOptions::default() }).unwrap()
}

#[cfg(feature = "sqlite")]
fn unreachable(folder: &std::path::Path) -> DatabaseUrl {
    DatabaseUrl::sqlite_file(&folder.join("file/whytrace.db"))
}

#[cfg(not(feature = "sqlite"))]
fn unreachable(_folder: &std::path::Path) -> DatabaseUrl {
    "postgres://nobody@127.0.0.1:1/nowhere".parse().unwrap()
}

on_every_database! {
    fn what_waits_survives_a_restart_and_is_written(database: Database) {
        let away = sink_without_database(database.traces_dir(), OutboxLimits::default());
        for n in 0..5 {
            assert_eq!(store(&away, &finished(full(n))), DatabaseStatus::Queued);
        }
        let status = away.outbox().status();
        assert_eq!((status.entries, status.poisoned), (5, 0));
        assert!(status.oldest.is_some() && status.last_error.unwrap().contains("cannot open"));
        drop(away);

        let back = database.sink();
        eventually("everything is written", || back.status().drained == 5);
        assert_eq!(back.outbox().status().entries, 0);
        assert_eq!((database.count("traces"), database.count("decisions")), (5, 10));
        let read = database.read(async |store: &mut SqlStore| store.document(&id(1)).await.unwrap());
        assert_eq!(read, Some(full(1)));
    }

    fn an_entry_points_to_the_document_that_is_on_disk(database: Database) {
        let project = database.traces_dir().join("cobot");
        std::fs::create_dir_all(project.join("_traces")).unwrap();
        let trace = full(1);
        let document = project.join("_traces").join(format!("{}.json", trace.trace_id));
        std::fs::write(&document, serde_json::to_vec(&trace).unwrap()).unwrap();
        let away = sink_without_database(database.traces_dir(), OutboxLimits::default());
        store(&away, &FinishedTrace { project_dir: Some(project), ..finished(trace) });
        let entry = away.outbox().folder().join(format!("{}.00000000.json", id(1)));
        assert!(std::fs::metadata(entry).unwrap().len() < 1_000);
        drop(away);

        let back = database.sink();
        back.flush();
        assert_eq!((back.outbox().status().entries, database.count("decisions")), (0, 2));
        let row = database.read(async |store: &mut SqlStore| store.trace_row(&id(1)).await.unwrap().unwrap());
        assert_eq!(row.trace_file_path.as_deref(), document.to_str());
    }

    fn two_programs_share_an_outbox(database: Database) {
        let away = sink_without_database(database.traces_dir(), OutboxLimits::default());
        let traces: Vec<FinishedTrace> = (0..200).map(|n| finished(small(n))).collect();
        away.store(&traces);
        drop(away);
        let (a, b) = (database.sink(), database.sink());
        eventually("the outbox is empty", || a.outbox().status().entries == 0);
        assert_eq!(a.outbox().status().poisoned + b.outbox().status().poisoned, 0);
        assert_eq!(database.count("traces"), 200);
    }

    fn a_trace_that_is_refused_stands_alone(database: Database) {
        let sink = database.sink();
        let mut bad = full(17);
        bad.stages["collection"].decisions[0].what = "unwelcome".into();
        let mut earlier = bad.clone();
        earlier.trace_id = id(1_000);
        store(&sink, &finished(earlier));
        database.execute(PICKY);
        let mut traces: Vec<FinishedTrace> = (1..40).map(|n| finished(full(n))).collect();
        traces[16] = finished(bad);
        let outcomes = sink.store(&traces);
        let refused: Vec<usize> = (0..39).filter(|n| outcomes[*n].is_err()).collect();
        assert_eq!(refused, [16]);
        let error = outcomes[16].as_ref().unwrap_err();
        assert!(error.database == Some(DatabaseStatus::Failed) && error.message.to_lowercase().contains("unique"), "{error}");
        assert_eq!(database.count("traces"), 39);
        let status = sink.outbox().status();
        assert_eq!((status.entries, status.poisoned), (0, 1));
        assert!(status.last_error.unwrap().to_lowercase().contains("unique"));

        database.execute("DROP INDEX picky");
        assert_eq!(sink.outbox().retry_poisoned().unwrap(), 1);
        sink.flush();
        assert_eq!((database.count("traces"), sink.outbox().status().poisoned), (40, 0));
    }

    fn a_refusal_in_the_outbox_is_set_aside(database: Database) {
        let mut bad = full(17);
        bad.stages["collection"].decisions[0].what = "unwelcome".into();
        store(&database.sink(), &finished(bad.clone()));
        database.execute(PICKY);
        bad.trace_id = id(18);
        let away = sink_without_database(database.traces_dir(), OutboxLimits::default());
        store(&away, &finished(bad));
        store(&away, &finished(full(19)));
        drop(away);
        let back = database.sink();
        back.flush();
        let status = back.outbox().status();
        assert_eq!((status.entries, status.poisoned, database.count("traces")), (0, 1, 2));
        assert!(status.last_error.unwrap().to_lowercase().contains("unique"), "the newer reason");
    }

    fn what_cannot_be_read_is_set_aside_and_the_rest_written(database: Database) {
        let away = sink_without_database(database.traces_dir(), OutboxLimits::default());
        store(&away, &finished(small(1)));
        let outbox = away.outbox().folder().to_owned();
        drop(away);
        std::fs::write(outbox.join("trc_00000000_000000_00.00000000.json"), "{ torn").unwrap();
        let back = database.sink();
        back.flush();
        let status = back.outbox().status();
        assert_eq!((status.entries, status.poisoned, database.count("traces")), (0, 1, 1));
        assert_eq!(back.status().poisoned, 1);
    }
}

#[test]
fn neither_database_nor_outbox_is_failed() {
    let folder = tempfile::tempdir().unwrap();
    // The outbox's place is taken by a file.
    std::fs::write(folder.path().join(".outbox"), "").unwrap();
    let sink = sink_without_database(folder.path(), OutboxLimits::default());
    let outcome = sink.store(&[finished(small(1))]).remove(0).unwrap_err();
    assert_eq!(outcome.database, Some(DatabaseStatus::Failed));
    assert!(outcome.message.contains("could not be queued either"), "{}", outcome.message);
    assert_eq!(sink.status().failed, 1);
}

#[test]
fn a_full_outbox_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let sink = sink_without_database(folder.path(), OutboxLimits { entries: 3, bytes: 1 << 20 });
    let outcomes: Vec<_> = (0..5).map(|n| store(&sink, &finished(small(n)))).collect();
    let queued = DatabaseStatus::Queued;
    assert_eq!(outcomes, [queued, queued, queued, DatabaseStatus::Failed, DatabaseStatus::Failed]);
    assert!(sink.status().last_error.unwrap().contains("is full (3 traces"));
}

#[test]
fn nothing_waits_for_a_database_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let sink = sink_without_database(folder.path(), OutboxLimits::default());
    store(&sink, &finished(small(0)));
    let begun = Instant::now();
    for n in 1..20 {
        store(&sink, &finished(small(n)));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::super::{Database, block_on};
    use super::*;

    #[test]
    fn a_locked_file_queues_and_a_free_one_is_written_to() {
        let database = Database::sqlite();
        let sink = database.sink();
        assert_eq!(store(&sink, &finished(full(0))), DatabaseStatus::Saved);
        block_on(async {
            let mut other = SqlStore::open(&database.url).await.unwrap();
            other.connection().script("BEGIN EXCLUSIVE").await.unwrap();
            assert_eq!(store(&sink, &finished(full(1))), DatabaseStatus::Queued);
            assert_eq!(store(&sink, &finished(full(2))), DatabaseStatus::Queued);
            assert!(sink.status().last_error.unwrap().contains("locked"));
            other.connection().rollback().await.unwrap();
        });
        eventually("the outbox is empty", || sink.outbox().status().entries == 0);
        assert_eq!(database.count("traces"), 3);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_deleted_while_running_is_made_anew() {
        let database = Database::sqlite();
        let sink = database.sink();
        store(&sink, &finished(full(0)));
        std::fs::remove_dir_all(database.traces_dir().join("deep")).unwrap();
        assert_eq!(store(&sink, &finished(full(1))), DatabaseStatus::Saved);
        assert_eq!(database.count("traces"), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_schema_that_is_broken_keeps_the_traces_waiting() {
        let database = Database::sqlite();
        let sink = database.sink();
        store(&sink, &finished(full(0)));
        database.execute("ALTER TABLE decisions RENAME TO decisions_gone");
        assert_eq!(store(&sink, &finished(full(1))), DatabaseStatus::Queued);
        database.execute("ALTER TABLE decisions_gone RENAME TO decisions");
        eventually("the outbox is empty", || sink.outbox().status().entries == 0);
        assert_eq!(database.count("traces"), 2);
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::super::Database;
    use super::*;

    #[test]
    fn a_connection_that_the_server_ended_is_replaced_at_once() {
        let Some(database) = Database::postgres() else { return };
        let sink = database.sink();
        assert_eq!(store(&sink, &finished(full(0))), DatabaseStatus::Saved);
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        assert_eq!(store(&sink, &finished(full(1))), DatabaseStatus::Saved);
        assert_eq!(database.count("traces"), 2);
    }

    #[test]
    fn a_server_that_is_not_there_names_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let url = "postgres://ann:s3cret@127.0.0.1:1/traces".parse().unwrap();
        let sink = RowsSink::new(&url, folder.path(), RowsOptions::default()).unwrap();
        let error = sink.store(&[finished(small(1))]).remove(0).unwrap_err();
        assert_eq!(error.database, Some(DatabaseStatus::Queued));
        assert!(error.message.contains("ann:***@127.0.0.1:1") && !error.message.contains("s3cret"), "{error}");
    }
}
