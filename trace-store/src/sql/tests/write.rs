//! Writing and reading back.

use super::fixture::{call, decision, finished, full, hostile, id, small};
use super::{Database, on_every_database, store};
use crate::sql::{SqlStore, TraceRow};
use trace_core::model::Money;
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink};

fn row(database: &Database, n: u32) -> TraceRow {
    database.read(async |store: &mut SqlStore| store.trace_row(&id(n)).await.unwrap().unwrap())
}

on_every_database! {
    fn every_column_says_what_the_document_says(database: Database) {
        assert_eq!(store(&database.sink(), &finished(full(1))), DatabaseStatus::Saved);
        let row = row(database, 1);
        assert_eq!((row.status.as_str(), row.quality_gate_passed), ("complete", Some(true)));
        assert_eq!(row.overall_quality_score, Some(2.4));
        assert_eq!(row.started_at, Some("2026-02-13T14:30:22.123456Z".parse().unwrap()));
        assert_eq!(row.synthesis_duration, Some(60.5));
        assert_eq!(row.quality_gate_duration, Some(4.0));
        assert_eq!(row.rubric_duration, None);
        assert_eq!((row.evidence_collected, row.evidence_passed, row.evidence_filtered), (Some(28), Some(18), Some(10)));
        assert_eq!((row.evidence_retrieved, row.evidence_used), (Some(9), Some(4)));
        assert_eq!(row.synthesis_model.as_deref(), Some("gpt-4o"));
        assert_eq!((row.synthesis_input_tokens, row.synthesis_output_tokens), (Some(2 * 1_055), Some(2 * 230)));
        assert_eq!(row.synthesis_cost_usd, Some("0.3".parse().unwrap()));
        assert_eq!(row.total_cost_usd, Some("0.300000000007".parse().unwrap()));
        assert_eq!((row.total_input_tokens, row.total_output_tokens), (Some(3 * 1_055), Some(3 * 230)));
        assert_eq!((row.retrieval_tokens, row.retrieval_cost_usd), (Some(1_285), Some(Money::from_picodollars(7))));
        assert_eq!((row.llm_calls, row.decision_count), (2, 2));
        assert_eq!((row.iteration_count, row.quality_gate_failures, row.qg_iteration_count), (2, 1, Some(2)));
        let scores: serde_json::Value = serde_json::from_str(row.principle_scores.as_str()).unwrap();
        assert_eq!(scores, serde_json::json!({"META-1": 3.0, "META-12": 1.0}));
        assert_eq!((row.gap_principles, row.strength_principles), (vec!["META-12".into()], vec!["META-1".into()]));
        assert_eq!(row.output_file_paths, ["out/report.md", "out/\"data\".json"]);
        assert_eq!(row.retrieval_method.as_deref(), Some("bm25"));
        assert!(row.flagged_for_review && row.review_notes.is_none());
        assert_eq!((row.warning_count, row.error_type), (1, None));
        let counts = database.read(async |store: &mut SqlStore| store.counts().await.unwrap());
        let expected = [
            ("calibration_flags", 1), ("decisions", 2), ("observations", 3), ("projects", 1), ("prompt_executions", 2),
            ("scores", 4), ("stages", 6), ("trace_documents", 1), ("traces", 1),
        ];
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    }

    fn the_document_comes_back_whole(database: Database) {
        let trace = full(1);
        store(&database.sink(), &finished(trace.clone()));
        let read = database.read(async |store: &mut SqlStore| store.document(&id(1)).await.unwrap());
        assert_eq!(read, Some(trace));
        assert_eq!(database.read(async |store: &mut SqlStore| store.document("trc_none").await.unwrap()), None);
    }

    fn a_trace_sent_twice_is_one_trace(database: Database) {
        let sink = database.sink();
        let trace = finished(full(1));
        let both = [trace.clone(), trace.clone()];
        assert!(sink.store(&both).iter().all(Result::is_ok));
        let first = database.read(async |store: &mut SqlStore| store.counts().await.unwrap());
        store(&sink, &trace);
        assert_eq!(database.read(async |store: &mut SqlStore| store.counts().await.unwrap()), first);
        assert_eq!(first["traces"], 1);
    }

    fn a_newer_version_replaces_the_rows_and_an_older_one_does_not(database: Database) {
        let sink = database.sink();
        let old = full(1);
        let mut new = old.clone();
        new.metadata.late_events = 1;
        new.stages["collection"].decisions = vec![decision("d3", "late")];
        for version in [&old, &new, &old] {
            store(&sink, &FinishedTrace { again: true, ..finished(version.clone()) });
        }
        assert_eq!(database.count("decisions"), 1);
        assert_eq!(row(database, 1).late_events, 1);
    }

    fn what_reviewers_and_judges_wrote_survives(database: Database) {
        let sink = database.sink();
        store(&sink, &finished(full(1)));
        let created = row(database, 1).created_at;
        database.execute("UPDATE traces SET flagged_for_review = (1 = 0), review_notes = 'looked at'");
        database.execute("INSERT INTO scores (trace_id, id, source, principle_id, score, created_at)
            SELECT trace_id, 'h1', 'human', 'META-12', 2, created_at FROM traces");
        database.execute("UPDATE prompt_executions SET template_id = 't1'");
        store(&sink, &finished(full(1)));
        let row = row(database, 1);
        assert_eq!((row.flagged_for_review, row.review_notes.as_deref()), (false, Some("looked at")));
        assert_eq!(row.created_at, created);
        assert!(row.updated_at > created);
        assert_eq!(database.count("scores"), 5);
        assert_eq!(resolved_executions(database), 2);
    }

    fn sampling_keeps_row_executions_and_costs_only(database: Database) {
        store(&database.sink(), &FinishedTrace { sampled: false, ..finished(full(1)) });
        let counts = database.read(async |store: &mut SqlStore| store.counts().await.unwrap());
        let kept: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(kept, [("calibration_flags", 1), ("projects", 1), ("prompt_executions", 2), ("traces", 1)]);
        let row = row(database, 1);
        assert_eq!((row.sampled, row.trace_file_path), (false, None));
        assert_eq!(row.total_cost_usd, Some("0.300000000007".parse().unwrap()));
    }

    fn hostile_values_neither_break_nor_vanish(database: Database) {
        let sink = database.sink();
        let outcome = sink.store(&[finished(hostile(1)), finished(full(2))]);
        assert!(outcome.iter().all(Result::is_ok), "{outcome:?}");
        let row = row(database, 1);
        assert_eq!(row.query.map(|query| query.len()), Some(10 << 20));
        assert!(row.user_id.unwrap().contains("\\u0000 ␀ \u{1} 🤖"));
        assert_eq!((row.intent.map(|i| i.len()), row.session_id.len()), (Some(256), 256));
        assert_eq!((row.duration_seconds, row.collection_duration), (None, None));
        assert_eq!(row.started_at, Some("0001-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(row.evidence_collected, Some(i64::MAX));
        assert_eq!(row.output_file_paths[1..], ["", "NULL", "{}"]);
        assert!(row.rubric_scores.unwrap().as_str().contains("DROP TABLE"));
        assert!(row.warning_count > 10, "{}", row.warning_count);
        assert_eq!(database.count("decisions"), 4 + 2);
    }

    fn far_years_and_long_names_are_stored_visibly(database: Database) {
        let mut trace = full(1);
        let long = "n".repeat(1_000);
        (trace.project_id, trace.project_name) = (long.clone(), long.clone());
        (trace.run.intent, trace.run.domain) = (Some(long.clone()), Some(format!("{long}2")));
        trace.run.started_at = Some("9999-12-30T21:59:59.999999Z".parse().unwrap());
        trace.run.completed_at = trace.run.started_at;
        // What a document of another program may hold: half of a surrogate pair.
        let text = trace_core::text::sanitize_json_surrogates(r#""half \ud83d of it""#).into_owned();
        trace.run.query = Some(serde_json::from_str(&text).unwrap());
        for stage in trace.stages.values_mut() {
            stage.principle_scores.iter_mut().for_each(|score| score.id = format!("{}{long}", score.id));
            stage.gaps.iter_mut().for_each(|gap| *gap = format!("{gap}{long}"));
        }
        assert_eq!(store(&database.sink(), &finished(trace.clone())), DatabaseStatus::Saved);
        let row = row(database, 1);
        assert_eq!(row.completed_at, trace.run.completed_at);
        assert_eq!(row.query.as_deref(), Some("half \u{fffd} of it"));
        assert_eq!((row.project_id.len(), row.gap_principles[0].len()), (256, 256));
        assert!(row.intent != row.domain && row.intent.unwrap().starts_with("nnn") && row.warning_count > 4);
        let read = database.read(async |store: &mut SqlStore| store.document(&id(1)).await.unwrap());
        assert_eq!(read, Some(trace), "the document has them whole");
        let sums = database.read(async |store: &mut SqlStore| store.check_rollups().await.unwrap());
        assert_eq!(sums, []);
    }

    fn money_is_exact(database: Database) {
        let mut trace = small(1);
        let costs = ["0.1", "0.2", "8191.123456789012", "0.000000000001"];
        for (index, cost) in costs.iter().enumerate() {
            let call = call(&format!("c{index}"), cost);
            trace.stages["intake"].observations.push(call);
        }
        store(&database.sink(), &finished(trace));
        assert_eq!(row(database, 1).total_cost_usd.unwrap().to_string(), "8191.423456789013");
    }

    fn side_files_are_in_the_database_too(database: Database) {
        let project = database.traces_dir().join("cobot");
        std::fs::create_dir_all(project.join("_traces")).unwrap();
        std::fs::write(project.join("_traces/llm_s_c_1.json"), "\"large\"").unwrap();
        let mut trace = full(1);
        let call = &mut trace.stages["collection"].observations[0];
        call.attributes.insert("side_file".into(), "llm_s_c_1.json".into());
        store(&database.sink(), &FinishedTrace { project_dir: Some(project), ..finished(trace) });
        let file = async |store: &mut SqlStore| store.side_file(&id(1), "llm_s_c_1.json").await.unwrap();
        assert_eq!(database.read(file).as_deref(), Some(&b"\"large\""[..]));
    }

    fn a_large_batch_lands_whole(database: Database) {
        let traces: Vec<FinishedTrace> = (0..300).map(|n| finished(full(n))).collect();
        assert!(database.sink().store(&traces).iter().all(Result::is_ok));
        assert_eq!((database.count("traces"), database.count("stages")), (300, 1800));
    }

    fn several_programs_write_to_one_database(database: Database) {
        std::thread::scope(|scope| {
            for program in 0..4 {
                scope.spawn(move || {
                    let patience = std::time::Duration::from_secs(10);
                    let sink = database.sink_with(crate::sql::RowsOptions { patience, ..Default::default() });
                    for n in 0..20 {
                        // Half of the traces are everybody's.
                        let number = if n % 2 == 0 { n } else { 1_000 * (program + 1) + n };
                        assert_eq!(store(&sink, &finished(full(number))), DatabaseStatus::Saved);
                    }
                });
            }
        });
        assert_eq!((database.count("traces"), database.count("decisions")), (50, 100));
    }
}

fn resolved_executions(database: &Database) -> usize {
    use crate::sql::value::{Column, Kind};
    let column = [Column { name: "template_id", kind: Kind::Text }];
    let sql = "SELECT template_id FROM prompt_executions WHERE template_id = 't1'";
    database.read(async |store: &mut SqlStore| store.connection().fetch(sql, Vec::new(), &column).await.unwrap()).len()
}

#[cfg(feature = "sqlite")]
#[test]
fn the_dollars_beside_the_picodollars_are_the_same_money() {
    use crate::sql::value::{Column, Kind, Value};
    let database = Database::sqlite();
    store(&database.sink(), &finished(full(1)));
    let column = [Column { name: "total_cost_usd", kind: Kind::Float }];
    let sql = "SELECT total_cost_usd FROM traces";
    let usd =
        database.read(async |store: &mut SqlStore| store.connection().fetch(sql, Vec::new(), &column).await.unwrap());
    assert_eq!(usd, [[Value::Float(0.300_000_000_007)]]);
}

/// The sink may be dropped inside somebody else's runtime, as the guard of an asynchronous `main` is.
#[cfg(feature = "sqlite")]
#[test]
fn a_sink_dropped_inside_a_runtime_does_not_panic() {
    let database = Database::sqlite();
    super::block_on(async {
        let sink = std::sync::Arc::new(database.sink());
        assert_eq!(store(&sink, &finished(small(1))), DatabaseStatus::Saved);
        sink.flush();
        drop(sink);
    });
    assert!(!database.traces_dir().join("deep/er/whytrace.db-wal").exists(), "closed properly");
}

/// The three analytics queries of the reference implementation, as they are printed there.
#[cfg(feature = "postgres")]
#[test]
fn the_analytics_queries_run_verbatim_on_postgres() {
    let Some(database) = Database::postgres() else { return };
    store(&database.sink(), &finished(full(1)));
    database.execute(
        "SELECT DATE(executed_at), template_name, SUM(cost_usd), COUNT(*)
FROM prompt_executions e
JOIN prompt_templates t ON e.template_id = t.id
WHERE executed_at > NOW() - INTERVAL '30 days'
GROUP BY DATE(executed_at), template_name
ORDER BY SUM(cost_usd) DESC;",
    );
    database.execute(
        "SELECT name,
       PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY response_time_ms) as p95_ms
FROM prompt_templates t
JOIN prompt_executions e ON t.id = e.template_id
WHERE e.executed_at > NOW() - INTERVAL '24 hours'
GROUP BY name
ORDER BY p95_ms DESC;",
    );
    database.execute(
        "SELECT version, ab_test_group,
       AVG(CASE WHEN success THEN 1.0 ELSE 0.0 END) as success_rate,
       AVG(response_time_ms) as avg_latency,
       AVG(cost_usd) as avg_cost
FROM prompt_templates t
JOIN prompt_executions e ON t.id = e.template_id
WHERE t.name = 'nlu_extraction_gemini_25'
GROUP BY version, ab_test_group;",
    );
}

/// A batch is copied in binary, a single trace is not; what arrives must be the same.
#[cfg(feature = "postgres")]
#[test]
fn rows_that_are_copied_are_the_rows_that_are_inserted() {
    use crate::sql::value::{Column, Kind, Value};
    let Some(database) = Database::postgres() else { return };
    let sink = database.sink();
    let nasty = |n: u32| {
        let mut trace = full(n);
        let text = "\u{1} \\u0000 \"quoted\" {a,NULL} 🤖";
        trace.run.query = Some(text.into());
        let stage = &mut trace.stages["collection"];
        stage.gaps = vec![text.into(), "NULL".into(), String::new()];
        stage.inputs = serde_json::json!({ text: [text, -0.0, 1e300] });
        stage.observations.push(call("neg", "-8191.000000000001"));
        stage.observations.push(call("one", "1"));
        stage.observations.push(call("zero", "0"));
        stage.started_at = Some("0001-01-01T00:00:00Z".parse().unwrap());
        finished(trace)
    };
    assert_eq!(store(&sink, &nasty(1)), DatabaseStatus::Saved);
    let batch: Vec<FinishedTrace> = (2..600).map(nasty).collect();
    assert!(sink.store(&batch).iter().all(Result::is_ok));
    for (table, count) in [("stages", 6), ("decisions", 2), ("observations", 6), ("scores", 4)] {
        let column = [Column { name: "n", kind: Kind::Int }];
        let sql = format!("SELECT COUNT(DISTINCT to_jsonb(rows) - 'trace_id') AS n FROM {table} AS rows");
        let found = database
            .read(async |store: &mut SqlStore| store.connection().fetch(sql, Vec::new(), &column).await.unwrap());
        assert_eq!(found, [[Value::Int(count)]], "{table}");
    }
    let (one, other) = (row(&database, 1), row(&database, 300));
    let same = |row: TraceRow| TraceRow {
        trace_id: String::new(),
        created_at: one.created_at,
        updated_at: one.updated_at,
        write_order: None,
        ..row
    };
    assert_eq!(same(one.clone()), same(other));
}
