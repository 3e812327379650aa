//! Reports: the same numbers from both databases.

use super::*;
use crate::query::reports::percentiles::Values;
use crate::query::{StageTiming, Window};
use crate::sql::rollups::{PROMPT, STAGE};
use crate::sql::tests::fixture::call;
use crate::sql::tests::on_every_database;
use trace_core::model::ErrorInfo;

/// Ten runs; the calls of `report` take 100, 200, … 1,000 ms twice each, and cost a tenth of a cent more each time.
fn several() -> Vec<Trace> {
    (1..=10_u32)
        .map(|n| {
            let mut trace = full(n);
            trace.run.started_at = Some(minutes_ago(i128::from(n)));
            for stage in trace.stages.values_mut() {
                stage.started_at = trace.run.started_at;
                for call in &mut stage.observations {
                    call.started_at = Some("2026-02-13T23:59:59.999999Z".parse().unwrap());
                    call.duration_ms = Some(f64::from(n) * 100.0);
                    let llm = call.llm.as_mut().unwrap();
                    llm.cost_usd = Some(format!("0.00{n:02}").parse().unwrap());
                }
            }
            if n % 2 == 0 {
                let message = format!("no answer within {n}s from `host-{n}`");
                trace.run.error = Some(ErrorInfo { kind: Some("Timeout".into()), message, ..ErrorInfo::default() });
            }
            trace
        })
        .collect()
}

on_every_database! {
    fn costs_by_day_are_exact(database: Database) {
        let mut traces = several();
        let mut later = call("late", "0.000000000001");
        later.started_at = Some("2026-02-14T00:00:00Z".parse().unwrap());
        later.llm.as_mut().unwrap().prompt_name = Some("other".into());
        traces[0].stages["synthesis"].observations.push(later);
        save(database, &traces);
        ask(database, async |store| {
            let costs = store.daily_costs(Window::all_time()).await.unwrap();
            let shown: Vec<_> = costs.iter().map(|c| (c.day.as_str(), c.prompt_name.as_str(), c.calls, c.cost_usd.map(|cost| cost.to_string()))).collect();
            assert_eq!(shown, [
                ("2026-02-14", "other", 1, Some("0.000000000001".to_owned())),
                ("2026-02-13", "report", 20, Some("0.011".to_owned())),
            ]);
            assert_eq!((costs[1].input_tokens, costs[1].output_tokens), (20 * 1_055, 20 * 230));
            assert_eq!(store.daily_costs(Window::last_days(0)).await.unwrap(), []);
            // Parts of the same days, counted call by call.
            let at = |text: &str| text.parse::<Timestamp>().unwrap();
            let parts = Window::since(at("2026-02-13T00:00:00.000001Z")).until(at("2026-02-14T00:00:00.000001Z"));
            assert_eq!(store.daily_costs(parts).await.unwrap(), costs);
            let first_day = Window::since(at("2026-02-13T12:00:00Z")).until(at("2026-02-14T00:00:00Z"));
            assert_eq!(store.daily_costs(first_day).await.unwrap(), costs[1..]);
        });
    }

    fn percentiles_lie_between_the_nearest_values(database: Database) {
        save(database, &several());
        ask(database, async |store| {
            let prompts = store.latency(Window::all_time()).await.unwrap();
            assert_eq!(prompts.len(), 1);
            let report = &prompts[0];
            assert_eq!((report.calls, report.avg_ms, report.p50_ms), (20, 550.0, 550.0));
            // The 20 values are 100, 100, 200, 200, …: place 18.05 lies between two of 1,000, place 9.5 between 500 and 600.
            assert_eq!((report.p95_ms, report.p99_ms), (1_000.0, 1_000.0));
            let mut uneven = several();
            uneven.truncate(3);
            for (trace, ms) in uneven.iter_mut().zip([1.1, 7.3, 1_000.7]) {
                trace.trace_id += "a";
                trace.stages.retain(|name, _| name == "synthesis");
                let call = &mut trace.stages["synthesis"].observations[0];
                call.duration_ms = Some(ms);
                call.llm.as_mut().unwrap().prompt_name = Some("uneven".into());
            }
            save(database, &uneven);
            let uneven = store.latency(Window::all_time()).await.unwrap().pop().unwrap();
            assert_eq!((uneven.calls, uneven.p50_ms), (3, 7.3));
            assert_eq!(uneven.p95_ms, 7.3 + (0.95 * 2.0 - 1.0) * (1_000.7 - 7.3));
            assert_eq!(uneven.p99_ms, 7.3 + (0.99 * 2.0 - 1.0) * (1_000.7 - 7.3));
        });
    }

    fn percentiles_of_buckets_are_those_of_the_values_within_a_hundredth(database: Database) {
        let mut traces = several();
        for (n, trace) in traces.iter_mut().enumerate() {
            trace.stages["synthesis"].observations[0].started_at = Some(format!("2026-02-{:02}T12:00:00Z", 10 + n % 3).parse().unwrap());
        }
        save(database, &traces);
        ask(database, async |store| {
            let of = |kind, table, group, value, moment| Values { kind, table, group, value, moment };
            let calls = of(PROMPT, "prompt_executions", "template_name", "response_time_ms", "executed_at");
            let stages = of(STAGE, "stages", "base_name", "duration_seconds", "started_at");
            let at = |text: &str| text.parse::<Timestamp>().unwrap();
            let part = Window::since(at("2026-02-10T11:00:00Z")).until(at("2026-02-12T13:00:00Z"));
            for (values, window) in [(calls, Window::all_time()), (stages, Window::all_time()), (calls, part)] {
                let exact = store.percentiles("asking", values, window, i64::MAX).await.unwrap();
                let read = store.percentiles("asking", values, window, 0).await.unwrap();
                assert!(!exact.is_empty() && exact.keys().eq(read.keys()), "{exact:?} {read:?}");
                for (name, exact) in &exact {
                    let read = &read[name];
                    assert_eq!((read.count, read.sum_micros, read.exact), (exact.count, exact.sum_micros, false), "{name}");
                    for (read, exact) in read.at.iter().zip(exact.at) {
                        assert!((read - exact).abs() <= exact * 0.008, "{name}: {read} {exact}");
                    }
                }
            }
        });
    }

    fn errors_that_say_the_same_are_one_pattern(database: Database) {
        save(database, &several());
        ask(database, async |store| {
            let patterns = store.error_patterns(Window::default()).await.unwrap();
            assert_eq!(patterns.len(), 1, "{patterns:?}");
            let pattern = &patterns[0];
            assert_eq!((pattern.error_type.as_deref(), pattern.message.as_str(), pattern.count), (Some("Timeout"), "no answer within #s from \"…\"", 5));
            assert_eq!(pattern.example_trace_id, id(10));
        });
    }

    fn stages_share_the_time(database: Database) {
        save(database, &several());
        ask(database, async |store| {
            let stages = store.stage_timing(Window::default()).await.unwrap();
            let first: &StageTiming = &stages[0];
            assert_eq!((first.stage.as_str(), first.count, first.p50_seconds, first.total_seconds), ("synthesis", 20, 30.25, 605.0));
            assert!((stages.iter().map(|stage| stage.share).sum::<f64>() - 1.0).abs() < 1e-9);
            assert_eq!(stages.len(), 4);
        });
    }
}
