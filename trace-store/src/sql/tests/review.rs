//! What people say about runs, and `sync`.

use super::fixture::{finished, full, id, small};
use super::{Database, on_every_database, store};
use crate::sql::{HumanScore, RowsOptions, RowsSink, ScoreSource, SqlError, SqlStore, SyncReport, sync};
use trace_core::sink::{FinishedTrace, Sink};

fn quiet() -> RowsOptions {
    RowsOptions { print_flags: false, ..RowsOptions::default() }
}

fn sync_now(database: &Database) -> SyncReport {
    sync(&database.url, database.traces_dir(), quiet(), |_| ()).unwrap()
}

on_every_database! {
    fn a_review_survives_what_the_pipeline_sends(database: Database) {
        let sink = database.sink();
        store(&sink, &finished(full(1)));
        let row = database.read(async |store: &mut SqlStore| {
            assert!(store.review(&id(1), Some("no \0 problem"), false).await.unwrap());
            assert!(store.trace_row(&id(1)).await.unwrap().unwrap().flagged_for_review);
            assert!(store.review(&id(1), None, true).await.unwrap());
            assert!(!store.review("trc_none", Some("x"), true).await.unwrap());
            store.trace_row(&id(1)).await.unwrap().unwrap()
        });
        assert_eq!((row.flagged_for_review, row.review_notes.as_deref()), (false, Some("no ␀ problem")));
        store(&sink, &FinishedTrace { again: true, ..finished(full(1)) });
        let row = database.read(async |store: &mut SqlStore| store.trace_row(&id(1)).await.unwrap().unwrap());
        assert_eq!((row.flagged_for_review, row.review_notes.as_deref()), (false, Some("no ␀ problem")));
    }

    fn scores_of_people_stay_and_replace_only_their_own(database: Database) {
        let sink = database.sink();
        store(&sink, &finished(full(1)));
        let score = |value, source, author| HumanScore { name: "META-12", value, source, author, feedback: Some("why") };
        database.read(async |store: &mut SqlStore| {
            for score in [
                score(1.0, ScoreSource::Human, Some("ann")), score(2.0, ScoreSource::Human, Some("ann")),
                score(2.5, ScoreSource::Human, Some("bob")), score(0.5, ScoreSource::Judge, Some("ann")),
            ] {
                assert!(store.score(&id(1), &score).await.unwrap());
            }
            assert!(!store.score("trc_none", &score(1.0, ScoreSource::Human, None)).await.unwrap());
            let error = store.score(&id(1), &score(f64::NAN, ScoreSource::Human, None)).await.unwrap_err();
            assert!(matches!(error, SqlError::NoNumber { .. }), "{error}");
        });
        store(&sink, &FinishedTrace { again: true, ..finished(full(1)) });
        assert_eq!(database.count("scores"), 4 + 3);
    }

    fn sync_writes_what_waits_and_what_has_no_rows(database: Database) {
        let away = RowsSink::new(&"postgres://nobody@127.0.0.1:1/nowhere".parse().unwrap(), database.traces_dir(), quiet());
        away.unwrap().store(&(0..5).map(|n| finished(small(n))).collect::<Vec<_>>());
        let folder = database.traces_dir().join("cobot/_traces");
        std::fs::create_dir_all(&folder).unwrap();
        for n in 3..8 {
            std::fs::write(folder.join(format!("{}.json", id(n))), serde_json::to_vec(&full(n)).unwrap()).unwrap();
        }
        std::fs::write(folder.join(format!("{}.json", id(8))), "{ torn").unwrap();
        std::fs::write(folder.join("notes.json"), "{}").unwrap();

        let mut steps = 0;
        let report = sync(&database.url, database.traces_dir(), quiet(), |_| steps += 1).unwrap();
        assert_eq!((report.drained, report.waiting, report.documents, report.written), (5, 0, 6, 3), "{report:?}");
        assert!(report.is_complete() && steps > 1, "{report:?}");
        assert!(report.problems.len() == 1 && report.problems[0].contains(&id(8)), "{report:?}");
        assert_eq!((database.count("traces"), database.count("calibration_flags")), (8, 3));
        assert_eq!(sync_now(database).written, 0);
    }

    fn sync_sets_aside_what_is_refused(database: Database) {
        let mut bad = full(17);
        bad.stages["collection"].decisions[0].what = "unwelcome".into();
        store(&database.sink(), &finished(bad.clone()));
        database.execute("CREATE UNIQUE INDEX picky ON decisions (what) WHERE what = 'unwelcome'");
        bad.trace_id = id(18);
        let away = RowsSink::new(&"postgres://nobody@127.0.0.1:1/nowhere".parse().unwrap(), database.traces_dir(), quiet());
        away.unwrap().store(&[finished(bad), finished(small(19))]);
        let report = sync_now(database);
        assert_eq!((report.drained, report.refused, report.waiting), (1, 1, 0));
        assert!(!report.is_complete() && report.last_error.is_some());
    }
}

#[test]
fn a_database_that_is_away_is_an_error_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let url = "postgres://ann:s3cret@127.0.0.1:1/traces".parse().unwrap();
    RowsSink::new(&url, folder.path(), quiet()).unwrap().store(&[finished(small(1))]);
    let error = sync(&url, folder.path(), quiet(), |_| ()).unwrap_err().to_string();
    assert!(error.contains("cannot open") && !error.contains("s3cret"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path().join(".outbox")).unwrap().count(), 1);
}
