//! Every list is served by an index: the databases are asked how they would answer.

use super::*;
use crate::query::Filter;
use crate::query::Window;
use crate::query::lists::{Part, rows_of_runs, statement};
use crate::query::page::Cursor;
use crate::query::statement::Statement;
use crate::sql::DatabaseKind;
use crate::sql::tests::on_every_database;
use crate::sql::value::row;

row! {
    struct SqlitePlan in "", key [], keep [] {
        id: i64,
        parent: i64,
        notused: i64,
        detail: String,
    }
}

row! {
    struct Line in "", key [], keep [] {
        line: String,
    }
}

/// How the database would answer.
async fn plan(store: &Store, mut ask: Statement) -> String {
    match ask.kind {
        DatabaseKind::Sqlite => {
            ask.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
            let rows = store.fetch::<SqlitePlan>("explaining", ask).await.unwrap();
            rows.into_iter().map(|row| row.detail + "\n").collect()
        }
        DatabaseKind::Postgres => {
            // The table of a test is so small that reading all of it is cheaper than any index.
            let mut never = store.statement();
            never.push("SELECT set_config('enable_seqscan', 'off', false)");
            store.fetch::<Line>("explaining", never).await.unwrap();
            ask.sql.insert_str(0, "EXPLAIN ");
            let rows = store.fetch::<Line>("explaining", ask).await.unwrap();
            rows.into_iter().map(|row| row.line + "\n").collect()
        }
    }
}

fn page(store: &Store, filter: &str, part: Part) -> Statement {
    let cursor = Cursor { started_at: Some(minutes_ago(5)), trace_id: id(1) };
    let after = matches!(part, Part::Dated(_)).then_some(&cursor);
    statement(store.statement(), None, &filter.parse::<Filter>().unwrap(), Timestamp::now(), part, after, 51)
}

/// A run each minute, half of them of one intent and domain.
fn thousand() -> Vec<Trace> {
    let one = |n: u32| {
        let mut trace = recent(n, i128::from(n));
        trace.run.intent = Some(["validating", "exploring"][n as usize % 2].to_owned());
        trace.run.domain = Some(["robotics", "saas"][n as usize % 2].to_owned());
        trace
    };
    (1..1_000).map(one).collect()
}

on_every_database! {
    fn no_flagged_run_is_found_without_a_look_at_all_others(database: Database) {
        save(database, &thousand());
        ask(database, async |store| {
            for part in [Part::Dated(Window::default()), Part::Dated(Window::all_time())] {
                let plan = plan(store, page(store, "flagged_for_review = true", part)).await;
                assert!(plan.contains("traces_flagged_for_review_idx"), "{plan}");
            }
        });
    }

    fn lists_are_served_by_the_index_of_what_is_asked_for(database: Database) {
        save(database, &thousand());
        database.execute("ANALYZE traces");
        ask(database, async |store| {
            for (filter, index) in [
                ("", "traces_started_at_idx"),
                ("intent = validating", "traces_intent_idx"),
                ("domain = robotics", "traces_domain_idx"),
                ("project_id = cobot", "traces_project_id_idx"),
                ("session_id = 's-1'", "traces_session_id_idx"),
                ("status = failed", "traces_status_idx"),
                ("quality_gate_passed = false", "traces_quality_gate_passed_idx"),
                ("flagged_for_review = true", "traces_flagged_for_review_idx"),
            ] {
                for part in [Part::Dated(Window::default()), Part::Dated(Window::all_time())] {
                    let plan = plan(store, page(store, filter, part)).await;
                    // Of two indexes that both serve it a database may take either; that it takes one is what counts.
                    let served = plan.contains(index) || plan.contains("traces_started_at_idx");
                    assert!(served && !plan.contains("Seq Scan"), "{filter}:\n{plan}");
                    // What is expected to be one run may be sorted; the runs of a whole window may not.
                    let sorts = plan.contains("USE TEMP B-TREE FOR ORDER BY") || plan.contains("->  Sort");
                    assert!(!sorts || plan.contains("rows=1 "), "{filter}:\n{plan}");
                }
            }
            for (filter, index) in [
                ("prompt = report", "observations_prompt_idx"),
                ("decision.source_selected.confidence < 0.1", "decisions_confidence_idx"),
                ("query ~ 'no such text'", "traces_started_at_idx"),
                ("query ~ 'no such text'", "traces_long_query_idx"),
            ] {
                let filter = filter.parse::<Filter>().unwrap();
                for part in [Part::Dated(Window::default()), Part::Dated(Window::all_time())] {
                    let rows = rows_of_runs(store.statement(), &filter, Timestamp::now(), part).unwrap();
                    let plan = plan(store, rows).await;
                    let others = ["Seq Scan", "SCAN observations", "SCAN decisions", "pkey", "autoindex", "_name_idx"];
                    assert!(plan.contains(index) && !others.iter().any(|other| plan.contains(other)), "{plan}");
                }
            }
            // Where many runs have such rows, each run is asked for its own.
            for filter in ["prompt = report@2", "decision.source_selected.confidence < 0.9", "stage.synthesis.duration_seconds > 1s"] {
                let plan = plan(store, page(store, filter, Part::Dated(Window::default()))).await;
                let others = ["_prompt_idx", "_confidence_idx", "_decision_idx", "base_name_idx", "SCAN "];
                let sqlite = plan.contains("SEARCH");
                assert!(!sqlite || plan.contains("(trace_id=?") && !others.iter().any(|other| plan.contains(other)), "{filter}:\n{plan}");
            }
            let undated = plan(store, page(store, "", Part::Undated)).await;
            assert!(!undated.contains("Seq Scan") && !undated.contains("SCAN traces\n"), "{undated}");
        });
    }
}
