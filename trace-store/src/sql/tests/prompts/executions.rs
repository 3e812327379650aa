//! `log_prompt_execution`: the scenarios of the reference implementation, under its names; each inside of a trace and outside of any.

use super::{Database, LONG, Program, execution, executions, on_every_database, template, with_registry};
use crate::prompts::{NewVersion, Registry};
use crate::sql::rows::ExecutionRow;
use crate::sql::tests::eventually;
use serde_json::{Value, json};
use trace_core::event::PromptExecution;
use trace_core::model::{Kind, LlmCall, Outcome, Usage};
use trace_core::record::{Run, facts};
use trace_core::registry::Prompt;

static NLU: Prompt = Prompt::new("nlu_extraction", "Extract from: {{ text }}", Some("You extract."), "here:1");

/// Logs the same inside of a trace and outside of any, and gives both rows.
fn both(database: &Database, log: impl Fn() -> PromptExecution) -> [ExecutionRow<'static>; 2] {
    let program = Program::start(database, &[&NLU]);
    let outside = log().log().expect("the registry knows the prompt");
    program.settle();
    let mut inside = None;
    let trace = program.trace(Run::new("cobot").session("s-1"), || inside = log().log());
    let inside = inside.expect("the registry knows the prompt");
    let rows = executions(database);
    let row = |id: &str| rows.iter().find(|row| row.id == id).unwrap().clone();
    let [outside, inside] = [row(&outside), row(&inside)];
    assert_eq!((&*outside.trace_id, outside.session_id.as_deref()), ("", None));
    assert_eq!((&*inside.trace_id, inside.session_id.as_deref()), (trace.trace_id.as_str(), Some("s-1")));
    for row in [&outside, &inside] {
        assert_eq!(row.template_id, Some(template(database, 1).id.into()));
        assert_eq!(row.template_name, "nlu_extraction");
    }
    [outside, inside]
}

on_every_database! {
    fn log_successful_execution_with_all_metrics(database: Database) {
        let log = || {
            PromptExecution::new("nlu_extraction", true, 812.5)
                .input_tokens(420)
                .output_tokens(96)
                .cost("0.0031".parse().unwrap())
                .model("gemini-2.5-flash")
                .provider("google")
                .metadata(json!({ "user": "u1" }))
        };
        for row in both(database, log) {
            assert_eq!((row.success, row.response_time_ms), (true, Some(812.5)));
            assert_eq!((row.input_token_count, row.output_token_count, row.total_token_count), (Some(420), Some(96), Some(516)));
            assert_eq!(row.cost_usd, Some("0.0031".parse().unwrap()));
            assert_eq!((row.model.as_deref(), row.provider.as_deref()), (Some("gemini-2.5-flash"), Some("google")));
            assert_eq!(row.error_message, None);
        }
    }

    fn log_successful_execution_minimal_data(database: Database) {
        for row in both(database, || PromptExecution::new("nlu_extraction", true, 10.0)) {
            assert!(row.success);
            assert_eq!((row.input_token_count, row.output_token_count, row.total_token_count), (None, None, None));
            assert_eq!((row.cost_usd, row.model, row.error_message, row.metadata), (None, None, None, None));
        }
    }

    fn log_failed_execution_with_error(database: Database) {
        for row in both(database, || PromptExecution::new("nlu_extraction", false, 30_000.0).error("Timeout after 30 s")) {
            assert_eq!((row.success, row.error_message.as_deref()), (false, Some("Timeout after 30 s")));
        }
        let row = template(database, 1);
        assert_eq!((row.success_count, row.failure_count), (0, 2));
    }

    fn log_execution_error_message_truncation(database: Database) {
        let error = "é🤖".repeat(2_500);
        for row in both(database, || PromptExecution::new("nlu_extraction", false, 1.0).error(error.clone())) {
            assert_eq!(row.error_message.unwrap(), "é🤖".repeat(500));
        }
    }

    fn log_execution_template_not_in_database(database: Database) {
        let program = Program::start(database, &[&NLU]);
        assert_eq!(PromptExecution::new("nobody_knows", true, 1.0).log(), None);
        program.settle();
        let row = execution(database);
        assert_eq!((row.template_id, &*row.template_name), (None, "nobody_knows"), "it is kept all the same");
        let stream = std::fs::read_to_string(database.traces_dir().join("prompt_executions.jsonl")).unwrap();
        assert!(stream.contains(r#""event":"prompt_execution""#) && stream.contains("nobody_knows"), "{stream}");
    }

    fn log_execution_database_unavailable(database: Database) {
        let program = Program::start(database, &[&NLU]);
        database.execute("ALTER TABLE prompt_registry RENAME TO gone_too");
        database.execute("ALTER TABLE prompt_executions RENAME TO gone");
        // The first may not know yet that the database is away.
        let _ = PromptExecution::new("nlu_extraction", true, 1.0).log();
        assert!(program.service.flush(LONG));
        assert_eq!(PromptExecution::new("nlu_extraction", true, 2.0).log(), None);
        assert!(program.service.flush(LONG));
        assert!(program.rows.outbox().status().entries >= 1);
        // What is known goes on being used.
        assert_eq!(NLU.render(&json!({ "text": "x" })).unwrap().link.prompt_version, Some(1));

        database.execute("ALTER TABLE gone_too RENAME TO prompt_registry");
        database.execute("ALTER TABLE gone RENAME TO prompt_executions");
        eventually("the outbox is empty", || {
            program.settle();
            program.rows.outbox().status().entries == 0
        });
        assert_eq!(executions(database).len(), 2);
        assert_eq!(template(database, 1).total_executions, 2);
        eventually("the database is known to be back", || PromptExecution::new("nlu_extraction", true, 3.0).log().is_some());
    }

    fn log_execution_with_token_count_calculation(database: Database) {
        let usage = Usage { cached_input_tokens: 50, reasoning_tokens: 30, ..Usage::new(1_000, 200) };
        for row in both(database, || PromptExecution::new("nlu_extraction", true, 1.0).usage(usage)) {
            assert_eq!((row.input_token_count, row.output_token_count, row.total_token_count), (Some(1_050), Some(230), Some(1_280)));
        }
    }

    fn log_execution_with_only_input_tokens(database: Database) {
        for row in both(database, || PromptExecution::new("nlu_extraction", true, 1.0).input_tokens(500)) {
            assert_eq!((row.input_token_count, row.output_token_count, row.total_token_count), (Some(500), None, Some(500)));
        }
    }

    fn execution_updates_template_statistics(database: Database) {
        let program = Program::start(database, &[&NLU]);
        for (success, ms, tokens, cost) in [(true, 100.0, 10, "0.001"), (true, 200.0, 20, "0.002"), (false, 600.0, 60, "0.0045")] {
            PromptExecution::new("nlu_extraction", success, ms).input_tokens(tokens).cost(cost.parse().unwrap()).log();
        }
        program.settle();
        let row = template(database, 1);
        assert_eq!((row.total_executions, row.success_count, row.failure_count), (3, 2, 1));
        assert_eq!((row.avg_response_time_ms, row.avg_token_count), (Some(300.0), Some(30.0)));
        assert_eq!(row.avg_cost_usd, Some("0.0025".parse().unwrap()));
    }

    fn log_execution_with_complex_metadata(database: Database) {
        let metadata = json!({ "user": { "id": 7, "tags": ["a", "é", null] }, "depth": { "of": { "it": [1.5, true] } }, "nul": "a\u{0}b" });
        for row in both(database, || PromptExecution::new("nlu_extraction", true, 1.0).metadata(&metadata)) {
            let mut expected = metadata.clone();
            expected["nul"] = "a␀b".into();
            let kept: Value = serde_json::from_str(row.metadata.unwrap().as_str()).unwrap();
            assert_eq!(kept, expected);
        }
    }

    fn concurrent_logging_no_race_conditions(database: Database) {
        let program = Program::start(database, &[&NLU]);
        let ids = std::thread::scope(|scope| {
            let log = || PromptExecution::new("nlu_extraction", true, 2.0).log().unwrap();
            let threads: Vec<_> = (0..5).map(|_| scope.spawn(move || (0..200).map(|_| log()).collect::<Vec<_>>())).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<std::collections::BTreeSet<_>>()
        });
        program.settle();
        assert_eq!(ids.len(), 1_000);
        let stored: std::collections::BTreeSet<_> = executions(database).into_iter().map(|row| row.id.into_owned()).collect();
        assert_eq!(stored, ids);
        let row = template(database, 1);
        assert_eq!((row.total_executions, row.success_count, row.avg_response_time_ms), (1_000, 1_000, Some(2.0)));
    }

    fn log_execution_with_accurate_cost(database: Database) {
        let program = Program::start(database, &[&NLU]);
        for _ in 0..10 {
            PromptExecution::new("nlu_extraction", true, 1.0).cost("0.000000100001".parse().unwrap()).log();
        }
        program.settle();
        let sum: i64 = executions(database).iter().map(|row| row.cost_usd.unwrap().picodollars()).sum();
        assert_eq!(sum, 1_000_010, "no float has touched it");
        assert_eq!(template(database, 1).avg_cost_usd, Some("0.000000100001".parse().unwrap()));
    }

    fn complete_execution_logging_workflow(database: Database) {
        let program = Program::start(database, &[&NLU]);
        let trace = program.trace(Run::new("vividly"), || {
            let rendered = NLU.render(&json!({ "text": "photosynthesis" })).unwrap();
            assert_eq!(rendered.link.prompt_uri.as_deref(), Some("prompts:/nlu_extraction_prompt/1"));
            let secret = "sk-ant-REDACTED";
            let failed = PromptExecution::new("", false, 2_000.0).rendered(&rendered).error(format!("quota of {secret}"));
            failed.log().unwrap();
            let observed = facts::observe("nlu", Kind::Llm);
            let call = LlmCall::new().prompt(rendered.link.clone()).usage(Usage::new(9, 4)).model("gemini-2.5-flash");
            observed.scope(|| facts::llm(call));
        });
        let logged = &trace.stages["_run"].observations[0];
        assert_eq!((logged.kind.as_str(), logged.outcome, logged.duration_ms), ("llm", Some(Outcome::Err), Some(2_000.0)));
        with_registry(database, async |registry: &Registry| {
            let second = NewVersion::new("Extract the topic from: {{ text }}").system("You extract.");
            registry.add_version("nlu_extraction", second).await.unwrap();
        });
        PromptExecution::new("nlu_extraction", true, 500.0).log();
        program.settle();
        let (one, two) = (template(database, 1), template(database, 2));
        assert_eq!((one.total_executions, one.success_count), (2, 1));
        assert_eq!((two.total_executions, two.avg_response_time_ms), (1, Some(500.0)));
        let rows = executions(database);
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().all(|row| !row.error_message.as_deref().unwrap_or("").contains("AAAA")));
    }
}

/// The three analytics queries, as they are printed in the reference implementation, return rows.
#[cfg(feature = "postgres")]
#[test]
fn the_analytics_queries_return_rows() {
    use crate::sql::SqlStore;
    use crate::sql::value::{Column, Kind};
    static GEMINI: Prompt = Prompt::new("nlu_extraction_gemini_25", "{{ text }}", None, "here:1");
    let Some(database) = Database::postgres() else { return };
    let program = Program::start(&database, &[&GEMINI]);
    for ms in [100.0, 200.0] {
        PromptExecution::new("nlu_extraction_gemini_25", true, ms).cost("0.25".parse().unwrap()).log().unwrap();
    }
    program.settle();
    let rows = |sql: &'static str, wrap: &str, kinds: &[Kind]| {
        let columns: Vec<Column> = kinds.iter().map(|kind| Column { name: "", kind: *kind }).collect();
        // Read as text where a column is of a type that rows have none of.
        let sql = if wrap.is_empty() { sql.to_owned() } else { format!("SELECT {wrap} FROM ({sql}) AS q") };
        database.read(async |store: &mut SqlStore| store.connection().fetch(sql, Vec::new(), &columns).await.unwrap())
    };
    let by_day = rows(
        "SELECT DATE(executed_at), template_name, SUM(cost_usd), COUNT(*)
FROM prompt_executions e
JOIN prompt_templates t ON e.template_id = t.id
WHERE executed_at > NOW() - INTERVAL '30 days'
GROUP BY DATE(executed_at), template_name
ORDER BY SUM(cost_usd) DESC",
        "template_name, sum::float8, count",
        &[Kind::Text, Kind::Float, Kind::Int],
    );
    assert_eq!(
        by_day,
        [["nlu_extraction_gemini_25".into(), crate::sql::value::Value::Float(0.5), crate::sql::value::Value::Int(2)]]
    );
    let p95 = rows(
        "SELECT name,
       PERCENTILE_CONT(0.95) WITHIN GROUP (ORDER BY response_time_ms) as p95_ms
FROM prompt_templates t
JOIN prompt_executions e ON t.id = e.template_id
WHERE e.executed_at > NOW() - INTERVAL '24 hours'
GROUP BY name
ORDER BY p95_ms DESC;",
        "",
        &[Kind::Text, Kind::Float],
    );
    assert_eq!(p95, [["nlu_extraction_gemini_25".into(), crate::sql::value::Value::Float(195.0)]]);
    let by_version = rows(
        "SELECT version, ab_test_group,
       AVG(CASE WHEN success THEN 1.0 ELSE 0.0 END) as success_rate,
       AVG(response_time_ms) as avg_latency,
       AVG(cost_usd) as avg_cost
FROM prompt_templates t
JOIN prompt_executions e ON t.id = e.template_id
WHERE t.name = 'nlu_extraction_gemini_25'
GROUP BY version, ab_test_group",
        "version, avg_latency",
        &[Kind::Int, Kind::Float],
    );
    assert_eq!(by_version, [[crate::sql::value::Value::Int(1), crate::sql::value::Value::Float(150.0)]]);
}
