//! Summaries, groups and principles: exact, from whole days and from parts of days alike.

use super::*;
use crate::query::{GroupBy, Window};
use crate::sql::tests::on_every_database;

/// Twelve runs, seven hours apart, from the midnight of 2026-02-10 on; every third failed its gate.
fn several() -> Vec<Trace> {
    let begin: Timestamp = "2026-02-10T00:00:00Z".parse().unwrap();
    (0..12_u32)
        .map(|n| {
            let mut trace = full(n + 1);
            let hours = std::time::Duration::from_secs(7 * 3600 * u64::from(n));
            trace.run.started_at = Some(begin.plus(hours));
            trace.run.intent = (n % 4 != 0).then(|| format!("intent-{}", n % 2));
            let gate = &mut trace.stages["quality_gate#2"];
            gate.overall_score = Some(f64::from(n) / 7.0);
            if n % 3 == 0 {
                gate.passing = Some(false);
                trace.run.status = Status::Failed;
            }
            trace
        })
        .collect()
}

fn window(since: &str, until: &str) -> Window {
    Window { since: Some(since.parse().unwrap()), until: Some(until.parse().unwrap()) }
}

on_every_database! {
    fn a_summary_is_exact(database: Database) {
        save(database, &several());
        ask(database, async |store| {
            let all = store.summary(Window::all_time()).await.unwrap();
            assert_eq!((all.total_runs, all.complete, all.failed, all.in_progress), (12, 8, 4, 0));
            assert_eq!((all.gate_passed, all.gate_failed, all.gate_pass_rate), (8, 4, Some(8.0 / 12.0)));
            assert_eq!(all.total_cost_usd.unwrap().to_string(), "3.600000000084");
            assert_eq!(all.avg_cost_usd.unwrap().to_string(), "0.300000000007");
            assert!((all.avg_quality.unwrap() - 66.0 / 7.0 / 12.0).abs() < 1e-6, "{all:?}");
            assert_eq!(all.avg_duration_seconds, Some(83.0));
            assert_eq!(store.summary(window("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")).await.unwrap(), crate::query::Figures::default());
            let json = serde_json::to_string(&all).unwrap();
            assert_eq!(serde_json::from_str::<crate::query::Figures>(&json).unwrap(), all);
        });
    }

    fn parts_of_days_and_whole_days_add_up(database: Database) {
        save(database, &several());
        ask(database, async |store| {
            // 2026-02-10 has the hours 0, 7, 14, 21; 02-11: 4, 11, 18; 02-12: 1, 8, 15, 22; 02-13: 5.
            for (since, until, runs) in [
                ("2026-02-10T00:00:00Z", "2026-02-11T00:00:00Z", 4),
                ("2026-02-10T07:00:00Z", "2026-02-10T21:00:00Z", 2),
                ("2026-02-10T07:00:00Z", "2026-02-12T08:00:00.000001Z", 8),
                ("2026-02-10T23:00:00Z", "2026-02-11T01:00:00Z", 0),
                ("2026-02-12T00:00:00Z", "2026-02-14T00:00:00Z", 5),
                ("2026-02-13T00:00:00Z", "2026-02-12T00:00:00Z", 0),
            ] {
                let window = window(since, until);
                assert_eq!(store.summary(window).await.unwrap().total_runs, runs, "{since} {until}");
                let groups = store.summary_by(GroupBy::Project, window).await.unwrap();
                assert_eq!(groups.iter().map(|group| group.figures.total_runs).sum::<i64>(), runs);
                let patterns = store.principle_patterns(1, window).await.unwrap();
                assert_eq!(patterns.iter().map(|pattern| pattern.fail_count).sum::<i64>(), runs, "{patterns:?}");
            }
        });
    }

    fn groups_come_largest_first_and_days_newest_first(database: Database) {
        save(database, &several());
        ask(database, async |store| {
            let shown = async |group| -> Vec<(Option<String>, i64)> {
                let groups = store.summary_by(group, Window::all_time()).await.unwrap();
                groups.into_iter().map(|group| (group.key, group.figures.total_runs)).collect()
            };
            let key = |text: &str| Some(text.to_owned());
            assert_eq!(shown(GroupBy::Intent).await, [(key("intent-1"), 6), (None, 3), (key("intent-0"), 3)]);
            assert_eq!(shown(GroupBy::Status).await, [(key("complete"), 8), (key("failed"), 4)]);
            let days = ["2026-02-13", "2026-02-12", "2026-02-11", "2026-02-10"].map(key);
            assert_eq!(shown(GroupBy::Day).await, days.into_iter().zip([1, 4, 3, 4]).collect::<Vec<_>>());
            assert_eq!(shown(GroupBy::Project).await, [(key("cobot"), 12)]);
            assert_eq!(shown(GroupBy::Domain).await, [(key("robotics"), 12)]);
        });
    }

    fn patterns_say_how_often_a_principle_failed(database: Database) {
        save(database, &several());
        ask(database, async |store| {
            let patterns = store.principle_patterns(3, Window::all_time()).await.unwrap();
            assert_eq!(patterns.len(), 1, "only gaps: {patterns:?}");
            let pattern = &patterns[0];
            assert_eq!((pattern.principle_id.as_str(), pattern.fail_count, pattern.runs), ("META-12", 12, 12));
            assert_eq!((pattern.fail_rate, pattern.strength_count, pattern.avg_score), (1.0, 0, Some(1.0)));
            assert_eq!(store.principle_patterns(13, Window::all_time()).await.unwrap(), []);
        });
    }
}
