//! The sums kept beside the traces: always what counting anew gives.

use super::fixture::{call, finished, full, hostile, small};
use super::{Database, on_every_database, store};
use crate::sql::value::{Column, Kind, Value};
use crate::sql::{RollupDifference, SqlStore};
use std::time::Duration;
use trace_core::model::{Status, Trace};
use trace_core::sink::{FinishedTrace, Sink};

fn differences(database: &Database) -> Vec<RollupDifference> {
    database.read(async |store: &mut SqlStore| store.check_rollups().await.unwrap())
}

/// Whole numbers that a query answers, row by row.
fn numbers(database: &Database, columns: &[&'static str], sql: &'static str) -> Vec<Vec<i64>> {
    let columns: Vec<Column> = columns.iter().map(|name| Column { name, kind: Kind::Int }).collect();
    let rows = database.read(async |store: &mut SqlStore| store.connection().fetch(sql, Vec::new(), &columns).await);
    let number = |cell: Value| if let Value::Int(number) = cell { number } else { panic!("{cell:?}") };
    rows.unwrap().into_iter().map(|row| row.into_iter().map(number).collect()).collect()
}

/// How many rows each table of sums has.
fn sizes(database: &Database) -> Vec<i64> {
    let columns = ["daily", "principles", "prompts", "durations"];
    let sql =
        "SELECT (SELECT COUNT(*) FROM daily_rollups) AS daily, (SELECT COUNT(*) FROM principle_rollups) AS principles,
        (SELECT COUNT(*) FROM prompt_rollups) AS prompts, (SELECT COUNT(*) FROM duration_rollups) AS durations";
    numbers(database, &columns, sql).remove(0)
}

/// Runs of several days, projects, intents and ends.
fn varied(n: u32) -> Trace {
    let mut trace = full(n);
    trace.project_id = ["cobot", "atlas"][n as usize % 2].into();
    trace.run.intent = (!n.is_multiple_of(3)).then(|| format!("intent-{}", n % 3));
    trace.run.started_at = Some(format!("2026-02-{:02}T23:59:59.9Z", 1 + n % 5).parse().unwrap());
    trace.run.status = [Status::Complete, Status::Failed, Status::Complete][n as usize % 3];
    trace.stages["quality_gate#2"].overall_score = Some(f64::from(n) / 7.0);
    trace
}

on_every_database! {
    fn the_sums_of_a_run_are_its_figures(database: Database) {
        store(&database.sink(), &finished(full(1)));
        let columns = [
            "runs", "gate_passed", "gate_failed", "gap_runs", "scored_runs", "quality_micros", "duration_micros", "llm_calls",
            "priced_runs", "cost_dollars", "cost_picodollars",
        ];
        let sql = "SELECT runs, gate_passed, gate_failed, gap_runs, scored_runs, quality_micros, duration_micros, llm_calls,
            priced_runs, cost_dollars, cost_picodollars FROM daily_rollups
            WHERE day = '2026-02-13' AND project_id = 'cobot' AND intent = 'validating' AND status = 'complete'";
        let expected = [[1, 1, 0, 1, 1, 2_400_000, 83_000_000, 2, 1, 0, 300_000_000_007]];
        assert_eq!(numbers(database, &columns, sql), expected);
        let columns = ["runs", "gap_runs", "strength_runs", "scored_runs", "score_micros"];
        let sql = "SELECT runs, gap_runs, strength_runs, scored_runs, score_micros FROM principle_rollups ORDER BY principle_id";
        assert_eq!(numbers(database, &columns, sql), [[1, 0, 1, 1, 3_000_000], [1, 1, 0, 1, 1_000_000]]);
        assert_eq!(differences(database), []);
    }

    fn a_trace_sent_again_counts_once_and_as_it_is_now(database: Database) {
        let sink = database.sink();
        let all: Vec<FinishedTrace> = (0..60).map(|n| finished(varied(n))).collect();
        sink.store(&all);
        sink.store(&all[10..30]);
        for n in 0..20 {
            let mut newer = varied(n);
            newer.metadata.late_events = 1;
            newer.run.domain = Some("moved".into());
            newer.stages["quality_gate#2"].gaps.clear();
            store(&sink, &FinishedTrace { again: true, ..finished(newer) });
        }
        store(&sink, &finished(varied(3)));
        assert_eq!(differences(database), []);
        let runs = numbers(database, &["runs"], "SELECT CAST(SUM(runs) AS BIGINT) AS runs FROM daily_rollups");
        assert_eq!(runs, [[60]]);
        let empty = numbers(database, &["rows"], "SELECT COUNT(*) AS rows FROM daily_rollups WHERE runs = 0");
        assert_eq!(empty, [[0]]);
        // 60 runs, two thirds of them complete, less 20 whose gaps were closed.
        let gaps = numbers(database, &["gaps"], "SELECT COUNT(*) AS gaps FROM principle_gaps");
        assert_eq!(gaps, [[40 - 13]]);
    }

    fn removed_traces_take_their_sums_along(database: Database) {
        let sink = database.sink();
        sink.store(&(0..20).map(|n| finished(varied(n))).collect::<Vec<_>>());
        let ids: Vec<String> = (0..20).map(crate::sql::tests::fixture::id).collect();
        database.read(async |store: &mut SqlStore| {
            assert_eq!(store.delete_traces(ids[..15].to_vec()).await.unwrap(), 15);
        });
        assert_eq!(differences(database), []);
        database.read(async |store: &mut SqlStore| store.delete_traces(ids[15..].to_vec()).await.unwrap());
        assert_eq!(sizes(database), [0, 0, 0, 0]);
    }

    fn what_is_wrong_is_found_and_repaired(database: Database) {
        let sink = database.sink();
        sink.store(&(0..30).map(|n| finished(varied(n))).collect::<Vec<_>>());
        database.execute("UPDATE daily_rollups SET quality_micros = quality_micros + 1 WHERE intent = 'intent-1'");
        database.execute("DELETE FROM principle_rollups WHERE principle_id = 'META-12'");
        database.execute("UPDATE prompt_rollups SET cost_picodollars = cost_picodollars + 1");
        database.execute("DELETE FROM duration_rollups WHERE kind = 'stage' AND name = 'synthesis'");
        let found = differences(database);
        assert!(found.iter().any(|d| d.column == "quality_micros" && d.stored == d.counted + 1), "{found:?}");
        assert!(found.iter().any(|d| d.table == "principle_rollups" && d.stored == 0), "{found:?}");
        assert!(found.iter().any(|d| d.column == "cost_picodollars" && d.stored == d.counted + 1), "{found:?}");
        assert!(found.iter().any(|d| d.table == "duration_rollups" && d.key[2] == "synthesis" && d.stored == 0), "{found:?}");
        database.read(async |store: &mut SqlStore| store.rebuild_rollups().await.unwrap());
        assert_eq!(differences(database), []);
        assert_eq!(numbers(database, &["gaps"], "SELECT COUNT(*) AS gaps FROM principle_gaps"), [[20]]);
    }

    fn hostile_figures_neither_overflow_nor_refuse(database: Database) {
        let sink = database.sink();
        let costly = |n| {
            let mut trace = hostile(n);
            trace.run.query = None;
            trace.stages["collection"].observations[0] = call("c", "9223372.036854775807");
            trace.stages["quality_gate#2"].overall_score = Some(1e300);
            finished(trace)
        };
        let outcomes = sink.store(&(0..50).map(costly).collect::<Vec<_>>());
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(differences(database), []);
    }

    fn traces_of_the_first_schema_are_counted_when_it_grows(database: Database) {
        let sink = database.sink();
        sink.store(&(0..30).map(|n| finished(varied(n))).collect::<Vec<_>>());
        drop(sink);
        let sums = "SELECT runs, quality_micros FROM daily_rollups ORDER BY day, project_id, intent, domain, status";
        let before = numbers(database, &["runs", "quality_micros"], sums);
        let sizes_before = sizes(database);
        assert!(sizes_before.iter().all(|rows| *rows > 0), "{sizes_before:?}");
        database.read(async |store: &mut SqlStore| store.down(1).await.unwrap());
        database.read(async |store: &mut SqlStore| store.migrate().await.unwrap());
        assert_eq!(numbers(database, &["runs", "quality_micros"], sums), before);
        assert_eq!(sizes(database), sizes_before);
        assert_eq!(differences(database), []);
        assert_eq!(numbers(database, &["gaps"], "SELECT COUNT(*) AS gaps FROM principle_gaps"), [[20]]);
        let order = numbers(database, &["n", "most"], "SELECT COUNT(DISTINCT write_order) AS n, MAX(write_order) AS most FROM traces");
        assert_eq!(order, [[30, 30]]);
        store(&database.sink(), &finished(varied(30)));
        assert_eq!(numbers(database, &["most"], "SELECT MAX(write_order) AS most FROM traces"), [[31]]);
    }

    fn the_same_new_traces_of_several_programs_count_once(database: Database) {
        let all: Vec<FinishedTrace> = (0..60).map(|n| finished(varied(n))).collect();
        let all = &all;
        std::thread::scope(|scope| {
            for program in 0..6 {
                scope.spawn(move || {
                    let patience = Duration::from_secs(10);
                    let sink = database.sink_with(crate::sql::RowsOptions { patience, print_flags: false, ..Default::default() });
                    for part in all.chunks(7 + program) {
                        assert!(sink.store(part).iter().all(Result::is_ok));
                    }
                    assert_eq!((sink.status().queued, sink.status().failed), (0, 0), "{:?}", sink.status());
                });
            }
        });
        assert_eq!(differences(database), []);
        let runs = numbers(database, &["runs"], "SELECT CAST(SUM(runs) AS BIGINT) AS runs FROM daily_rollups");
        assert_eq!(runs, [[60]]);
    }

    fn a_trace_that_another_program_is_about_to_commit_counts_once(database: Database) {
        let patience = Duration::from_secs(10);
        let sink = || database.sink_with(crate::sql::RowsOptions { patience, print_flags: false, ..Default::default() });
        let sinks = [sink(), sink()];
        for (sink, n) in sinks.iter().zip(20..) {
            store(sink, &finished(varied(n)));
        }
        std::thread::scope(|scope| {
            database.read(async |store: &mut SqlStore| {
                // The first has its rows written and waits for its turn when the second begins.
                let turn = store.connection();
                turn.begin().await.unwrap();
                turn.run("UPDATE write_order SET last = last WHERE id = 1", Vec::new()).await.unwrap();
                for (sink, numbers) in sinks.iter().zip([&[8][..], &[1, 8]]) {
                    scope.spawn(move || {
                        let traces: Vec<FinishedTrace> = numbers.iter().map(|n| finished(varied(*n))).collect();
                        assert!(sink.store(&traces).iter().all(Result::is_ok));
                    });
                    std::thread::sleep(Duration::from_millis(500));
                }
                store.connection().rollback().await.unwrap();
            });
        });
        for sink in &sinks {
            assert_eq!((sink.status().queued, sink.status().failed), (0, 0), "{:?}", sink.status());
        }
        assert_eq!(differences(database), []);
        let runs = numbers(database, &["runs"], "SELECT CAST(SUM(runs) AS BIGINT) AS runs FROM daily_rollups");
        assert_eq!(runs, [[4]]);
    }

    fn several_programs_add_to_the_same_sums(database: Database) {
        std::thread::scope(|scope| {
            for program in 0..4 {
                scope.spawn(move || {
                    let patience = Duration::from_secs(10);
                    let sink = database.sink_with(crate::sql::RowsOptions { patience, print_flags: false, ..Default::default() });
                    for n in 0..15 {
                        // Half of the traces are everybody's.
                        let number = if n % 2 == 0 { n } else { 1_000 * (program + 1) + n };
                        assert!(sink.store(&[finished(small(number)), finished(varied(number + 100))]).iter().all(Result::is_ok));
                    }
                });
            }
        });
        assert_eq!(differences(database), []);
    }
}

/// Compiling it is the test.
#[allow(dead_code)]
fn checks_and_repairs_can_be_moved_between_threads(store: &mut SqlStore) {
    fn is_send(_: &impl Send) {}
    is_send(&store.check_rollups());
    is_send(&store.rebuild_rollups());
}
