//! Statistics stay exact: many writers, traces sent again, versions that are known later.

use super::{Database, executions, on_every_database, template, with_registry};
use crate::prompts::{NewVersion, Registry};
use crate::sql::SqlStore;
use crate::sql::prompts::{TemplateRow, select};
use crate::sql::tests::fixture::{call, finished, id, small, stage};
use crate::sql::tests::store;
use crate::sql::value::{Column, Kind, Value};
use trace_core::model::{Money, Outcome, PromptLink, Trace, Usage};
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink};

const TEXTS: [&str; 2] = ["first {{ a }}", "second {{ a }}"];

async fn two_versions(registry: &Registry) {
    for text in TEXTS {
        registry.register("shared", NewVersion::new(text)).await.unwrap();
    }
}

/// A trace with calls of version 1 or 2 each; every number in it is another one.
fn trace(n: u32, calls: u32) -> Trace {
    let mut trace = small(n);
    let mut synthesis = stage(1, 1.0);
    for k in 0..calls {
        let number = n * calls + k;
        let mut call = call(&format!("c{k}"), "0");
        call.duration_ms = Some(f64::from(number) * 0.125);
        call.outcome = Some(if number.is_multiple_of(5) { Outcome::Err } else { Outcome::Ok });
        let llm = call.llm.as_mut().unwrap();
        let text = TEXTS[(number % 2) as usize];
        let hash = trace_core::registry::template_hash(None, text);
        **llm = std::mem::take(&mut **llm).prompt(PromptLink::new("shared", "shared_prompt", None, Some(hash)));
        llm.usage = Some(Usage::new(u64::from(number), 1));
        llm.cost_usd = (!number.is_multiple_of(3)).then(|| Money::from_picodollars(i64::from(number) * 1_000_003));
        synthesis.observations.push(call);
    }
    trace.stages.insert("synthesis".into(), synthesis);
    trace
}

/// What the statistics must be: read from every execution.
fn expected(database: &Database, version: i64) -> Vec<Value> {
    let id = template(database, version).id;
    let columns = [("n", Kind::Int), ("ok", Kind::Int), ("ms", Kind::Float), ("tokens", Kind::Float)]
        .map(|(name, kind)| Column { name, kind });
    let sql = "SELECT COUNT(*), SUM(CASE WHEN success THEN 1 ELSE 0 END), AVG(response_time_ms),
        CAST(AVG(total_token_count) AS DOUBLE PRECISION)
        FROM prompt_executions WHERE template_id = $1";
    let rows = database.read(async |store: &mut SqlStore| {
        store.connection().fetch(sql, vec![Value::Text(id)], &columns).await.unwrap()
    });
    rows.into_iter().next().unwrap()
}

#[track_caller]
fn assert_exact(database: &Database) {
    for version in [1, 2] {
        let row = template(database, version);
        let expected = expected(database, version);
        let [Value::Int(count), Value::Int(ok), Value::Float(ms), Value::Float(tokens)] = expected[..] else {
            panic!("{expected:?}")
        };
        assert_eq!((row.total_executions, row.success_count, row.failure_count), (count, ok, count - ok));
        assert!((row.avg_response_time_ms.unwrap() - ms).abs() < 1e-6, "{row:?} {ms}");
        assert!((row.avg_token_count.unwrap() - tokens).abs() < 1e-6, "{row:?} {tokens}");
    }
}

on_every_database! {
    fn ten_writers_of_a_thousand_executions_stay_exact(database: Database) {
        with_registry(database, two_versions);
        // A hundred traces of ten calls; each is sent by two programs, in batches that hold them in other orders.
        std::thread::scope(|scope| {
            for writer in 0..10_u32 {
                scope.spawn(move || {
                    let sink = database.sink_with(crate::sql::RowsOptions {
                        patience: std::time::Duration::from_secs(30),
                        ..crate::sql::RowsOptions::default()
                    });
                    let mut numbers: Vec<u32> = (0..20).map(|n| (writer * 10 + n) % 100).collect();
                    if writer % 2 == 0 {
                        numbers.reverse();
                    }
                    for batch in numbers.chunks(4) {
                        let traces: Vec<FinishedTrace> = batch.iter().map(|n| finished(trace(*n, 10))).collect();
                        for outcome in sink.store(&traces) {
                            assert_eq!(outcome.unwrap().database, Some(DatabaseStatus::Saved));
                        }
                    }
                });
            }
        });
        assert_eq!(database.count("prompt_executions"), 1_000);
        assert_exact(database);
        let (one, two) = (template(database, 1), template(database, 2));
        assert_eq!((one.total_executions, two.total_executions), (500, 500));
        // 0, 2, 4, … 998 cost a million and three picodollars each a number, but for multiples of 3.
        let priced: Vec<i64> = (0..1_000).step_by(2).filter(|n| n % 3 != 0).collect();
        let sum: i64 = priced.iter().map(|n| n * 1_000_003).sum();
        let count = i64::try_from(priced.len()).unwrap();
        assert_eq!(one.avg_cost_usd, Some(Money::from_picodollars((sum + count / 2) / count)));
    }

    fn a_newer_version_of_a_trace_is_counted_in_place_of_the_older(database: Database) {
        with_registry(database, two_versions);
        let sink = database.sink();
        let old = trace(1, 4);
        let mut new = old.clone();
        new.metadata.late_events = 1;
        for call in &mut new.stages["synthesis"].observations {
            call.outcome = Some(Outcome::Err);
            call.duration_ms = Some(1_000.0);
        }
        for version in [&old, &new, &old, &new] {
            store(&sink, &FinishedTrace { again: true, ..finished(version.clone()) });
        }
        let row = template(database, 1);
        assert_eq!((row.total_executions, row.failure_count, row.avg_response_time_ms), (2, 2, Some(1_000.0)));
        assert_exact(database);
    }

    fn what_is_written_before_its_text_is_known_is_linked_and_counted_later(database: Database) {
        let sink = database.sink();
        store(&sink, &finished(trace(1, 4)));
        assert!(executions(database).iter().all(|row| row.template_id.is_none()));
        with_registry(database, async |registry: &Registry| {
            two_versions(registry).await;
            assert_eq!(registry.link_executions().await.unwrap(), 4);
            assert_eq!(registry.link_executions().await.unwrap(), 0);
        });
        assert_exact(database);
        assert_eq!(template(database, 1).total_executions, 2);
        let columns = [("v", Kind::Int), ("u", Kind::Text)].map(|(name, kind)| Column { name, kind });
        let sql = "SELECT prompt_version, prompt_uri FROM observations ORDER BY id";
        let rows = database.read(async |store: &mut SqlStore| {
            store.connection().fetch(sql, Vec::new(), &columns).await.unwrap()
        });
        assert_eq!(rows[0], [Value::Int(1), "prompts:/shared_prompt/1".into()]);
        // Sending it again keeps all of it.
        store(&sink, &finished(trace(1, 4)));
        assert_exact(database);
    }

    fn nonsense_does_not_break_the_sums(database: Database) {
        with_registry(database, two_versions);
        let mut traces = Vec::new();
        for n in 0..40 {
            let mut trace = trace(n, 1);
            let call = &mut trace.stages["synthesis"].observations[0];
            call.duration_ms = Some([f64::NAN, 1e300, -1e300, f64::INFINITY][n as usize % 4]);
            let llm = call.llm.as_mut().unwrap();
            llm.usage = Some(Usage::new(u64::MAX, u64::MAX));
            llm.cost_usd = Some(Money::from_picodollars(i64::MAX));
            traces.push(finished(trace));
        }
        assert!(database.sink().store(&traces).iter().all(Result::is_ok));
        assert_eq!(template(database, 1).total_executions + template(database, 2).total_executions, 40);
        let all: Vec<TemplateRow> =
            database.read(async |store: &mut SqlStore| select(store.connection(), "", Vec::new()).await.unwrap());
        assert!(all.iter().all(|row| row.avg_cost_usd.is_some()));
    }

    fn the_views_show_performance_and_errors(database: Database) {
        with_registry(database, two_versions);
        let mut trace = trace(1, 10);
        for call in &mut trace.stages["synthesis"].observations {
            call.started_at = Some(trace_core::model::Timestamp::now());
        }
        store(&database.sink(), &finished(trace));
        let count = |sql: &'static str| {
            let column = [Column { name: "n", kind: Kind::Int }];
            let rows = database.read(async |store: &mut SqlStore| store.connection().fetch(sql, Vec::new(), &column).await.unwrap());
            rows[0][0].clone()
        };
        let performance = "SELECT COUNT(*) FROM prompt_template_performance
            WHERE total_executions = 5 AND success_rate = 0.8 AND last_executed_at IS NOT NULL AND name = 'shared'";
        assert_eq!(count(performance), Value::Int(2));
        let errors = "SELECT COUNT(*) FROM prompt_recent_errors WHERE version IN (1, 2) AND template_name = 'shared'";
        assert_eq!(count(errors), Value::Int(2));
        assert_eq!(id(1), executions(database)[0].trace_id);
    }
}
