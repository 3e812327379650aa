//! Calibration flags from the writing of a run to its row, document and alarm; and back: every flag found again from the rows.

use super::fixture::{finished, id, small, stage};
use super::{Database, eventually, on_every_database, store};
use crate::calibrate::ALERTS_FILE;
use crate::settings::CalibrationSettings;
use crate::sql::calibration::BasisRow;
use crate::sql::rows::FlagRow;
use crate::sql::value::{Column, Kind, Row, Value};
use crate::sql::{RowsOptions, RowsSink, SqlStore};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use trace_core::model::{CalibrationFlag, Score, Status, Timestamp, Trace};
use trace_core::sink::{DatabaseStatus, FinishedTrace, Sink};

/// A complete run that was judged: its end in seconds, its score, its gaps.
fn judged(n: u32, second: i64, score: f64, gaps: &[&str]) -> Trace {
    let mut trace = small(n);
    trace.run.completed_at = Some(at(second));
    let mut gate = stage(1, 1.0);
    gate.overall_score = Some(score);
    gate.passing = Some(score >= 2.0);
    gate.principle_scores = gaps.iter().map(|gap| Score::new(*gap, score)).collect();
    gate.gaps = gaps.iter().map(|gap| (*gap).to_owned()).collect();
    trace.stages.insert("quality_gate".into(), gate);
    trace
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_nanos((1_770_000_000 + i128::from(second)) * 1_000_000_000)
}

fn quiet() -> RowsOptions {
    RowsOptions { patience: Duration::from_secs(10), print_flags: false, ..RowsOptions::default() }
}

fn flags_of(sink: &RowsSink, finished: &FinishedTrace) -> Vec<CalibrationFlag> {
    sink.store(std::slice::from_ref(finished)).remove(0).unwrap().calibration_flags
}

/// A run kept in files too.
fn in_project(database: &Database, trace: Trace) -> FinishedTrace {
    FinishedTrace { project_dir: Some(database.traces_dir().join("cobot")), ..finished(trace) }
}

fn alerts(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join("cobot").join(ALERTS_FILE)).unwrap_or_default();
    text.lines().skip(2).map(str::to_owned).collect()
}

fn all<R: Row>(database: &Database, order: &'static str) -> Vec<R> {
    database.read(async |store: &mut SqlStore| {
        let connection = store.connection();
        let sql = format!("SELECT {} FROM {} ORDER BY {order}", connection.selection(&R::TABLE), R::TABLE.name);
        let rows = connection.fetch(sql, Vec::new(), R::TABLE.columns).await.unwrap();
        rows.into_iter().map(|cells| R::from_cells(cells).unwrap()).collect()
    })
}

/// What should have been flagged, found the slow way: each run against all rows recorded before it that had ended by then.
fn expected(database: &Database, settings: &CalibrationSettings) -> BTreeMap<String, Vec<String>> {
    let order = [Column { name: "write_order", kind: Kind::Int }];
    let orders = database.read(async |store: &mut SqlStore| {
        let sql = "SELECT write_order FROM traces ORDER BY write_order";
        store.connection().fetch(sql, Vec::new(), &order).await.unwrap()
    });
    let count = i64::try_from(orders.len()).unwrap();
    assert!(orders.into_iter().eq((1..=count).map(|n| vec![Value::Int(n)])), "numbered without gaps");
    let rows: Vec<BasisRow> = all(database, "write_order");
    let flags_of = |(index, run): (usize, &BasisRow)| {
        let mut before: Vec<&BasisRow> = rows[..index].iter().filter(|b| b.status == "complete").collect();
        before.retain(|before| before.completed_at <= run.completed_at);
        // The sort is stable, so of two that ended at once the one recorded later comes first.
        before.reverse();
        before.sort_by_key(|before| std::cmp::Reverse(before.completed_at));
        (run.trace_id.clone(), slow_flags(run, &before, settings))
    };
    rows.iter().enumerate().map(flags_of).filter(|(_, flags)| !flags.is_empty()).collect()
}

fn slow_flags(run: &BasisRow, before: &[&BasisRow], settings: &CalibrationSettings) -> Vec<String> {
    let mut flags = Vec::new();
    let itself = (run.status == "complete").then_some(run);
    let week: Vec<&BasisRow> = itself
        .into_iter()
        .chain(before.iter().copied())
        .filter(|b| {
            run.completed_at.unwrap().seconds_since(b.completed_at.unwrap()) < f64::from(settings.days) * 86_400.0
        })
        .collect();
    for gap in &run.gap_principles {
        let count = week.iter().filter(|b| b.gap_principles.contains(gap)).count();
        if count as u64 >= settings.repeated_failures {
            let shown = count.min(settings.window + usize::from(itself.is_some()));
            let at_least = if shown > settings.window { "at least " } else { "" };
            flags
                .push(format!("Principle {gap} has scored below threshold {at_least}{shown} times in the last 7 days"));
        }
    }
    let window: Vec<&BasisRow> = itself.into_iter().chain(before.iter().copied().take(settings.window - 1)).collect();
    let mean = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len() as f64;
    let overall = mean(window.iter().filter_map(|b| b.overall_quality_score).collect());
    for what in ["intent", "domain"] {
        let of = |b: &BasisRow| if what == "intent" { b.intent.clone() } else { b.domain.clone() };
        let Some(name) = of(run) else { continue };
        let own = mean(window.iter().filter(|b| of(b) == of(run)).filter_map(|b| b.overall_quality_score).collect());
        if itself.is_some() && run.overall_quality_score.is_some() && own - overall < -settings.disparity - 1e-9 {
            let (word, quality) = if what == "intent" { (" intent", " quality") } else { (" domain", "") };
            flags.push(format!("{name}{word} runs average {own:.1}{quality} vs {overall:.1} overall"));
        }
    }
    let previous = before.iter().find(|b| b.project_id == run.project_id);
    if run.quality_gate_passed == Some(false) && previous.is_some_and(|b| b.quality_gate_passed == Some(true)) {
        flags.push(format!("Quality regression detected for project {}", run.project_id));
    }
    flags.sort();
    flags
}

fn raised(database: &Database) -> BTreeMap<String, Vec<String>> {
    let mut flags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for flag in all::<FlagRow>(database, "trace_id, message") {
        assert!(flag.basis.is_some(), "{flag:?}");
        flags.entry(flag.trace_id).or_default().push(flag.message);
    }
    flags.values_mut().for_each(|flags| flags.sort());
    flags
}

fn assert_same(raised: &BTreeMap<String, Vec<String>>, expected: &BTreeMap<String, Vec<String>>) {
    for (trace, flags) in expected {
        assert_eq!(raised.get(trace), Some(flags), "{trace}");
    }
    assert_eq!(raised.len(), expected.len());
}

/// A run of number `n` in a sequence that only `seed` decides: projects, intents, ends out of order, gaps rare and frequent.
fn random(n: u32, seed: u64) -> Trace {
    let mut state = seed ^ (u64::from(n) << 32);
    let mut next = |below: u64| {
        // splitmix64
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    };
    let mut gaps = vec!["META-1"];
    gaps.truncate(usize::from(next(2) == 0));
    gaps.extend((next(10) == 0).then_some("RARE-1"));
    let low = next(4) == 0;
    // Of many digits, so that no average lies between two that are shown alike.
    let score = [2.513_71, 2.277_93, 2.010_19, 1.734_57][next(4) as usize] - if low { 1.500_03 } else { 0.0 };
    // A day apart or at the very same second, and now and then from a fortnight ago.
    let second = i64::from(n / 4) * 7_200 - if next(12) == 0 { 14 * 86_400 } else { 0 };
    let mut trace = judged(n, second, score, &gaps);
    trace.project_id = format!("project-{}", next(3));
    trace.project_name.clone_from(&trace.project_id);
    trace.run.intent = Some(if low { "low".into() } else { format!("intent-{}", next(3)) });
    trace.run.domain = (next(3) > 0).then(|| format!("domain-{}", next(4)));
    if next(8) == 0 {
        trace.run.status = Status::Failed;
    }
    if next(8) == 0 {
        trace.stages["quality_gate"].overall_score = None;
    }
    trace
}

on_every_database! {
    fn a_flag_is_in_row_document_alerts_and_answer(database: Database) {
        let sink = database.sink_with(quiet());
        let run = |n: u32| in_project(database, judged(n, i64::from(n), 2.5, &["META-12"]));
        assert!(flags_of(&sink, &run(1)).is_empty());
        assert!(flags_of(&sink, &run(2)).is_empty());
        let flags = flags_of(&sink, &run(3));
        let [flag] = &flags[..] else { panic!("{flags:?}") };
        assert_eq!(flag.message, "Principle META-12 has scored below threshold 3 times in the last 7 days");
        let (row, document, other) = database.read(async |store: &mut SqlStore| {
            let row = store.trace_row(&id(3)).await.unwrap().unwrap();
            (row, store.document(&id(3)).await.unwrap().unwrap(), store.trace_row(&id(2)).await.unwrap().unwrap())
        });
        assert!(row.flagged_for_review && !other.flagged_for_review);
        assert_eq!(document.calibration_flags, flags);
        let rows: Vec<FlagRow> = all(database, "id");
        assert_eq!((rows.len(), rows[0].n, rows[0].thin), (1, 3, false));
        let basis: serde_json::Value = serde_json::from_str(rows[0].basis.as_ref().unwrap().as_str()).unwrap();
        assert_eq!((&basis["principle"], &basis["judged_runs"]), (&"META-12".into(), &3.into()));
        let alerts = alerts(database.traces_dir());
        assert!(alerts.len() == 1 && alerts[0].contains("META-12 has scored below threshold 3 times"), "{alerts:?}");
    }

    fn sent_again_it_is_neither_checked_nor_announced_again(database: Database) {
        let sink = database.sink_with(quiet());
        for n in 1..=3 {
            sink.store(&[in_project(database, judged(n, i64::from(n), 2.5, &["META-12"]))]);
        }
        database.execute("UPDATE traces SET flagged_for_review = (1 = 0), review_notes = 'looked at'");
        // Once as it was, once with what came late; both without the flag, as after a crash before it reached the stream.
        for late_events in [0, 1] {
            let mut again = judged(3, 3, 2.5, &["META-12"]);
            again.metadata.late_events = late_events;
            let flags = flags_of(&sink, &FinishedTrace { again: true, ..in_project(database, again) });
            assert_eq!(flags.len(), 1, "the document lacks it");
        }
        let (row, document) = database.read(async |store: &mut SqlStore| {
            (store.trace_row(&id(3)).await.unwrap().unwrap(), store.document(&id(3)).await.unwrap().unwrap())
        });
        assert_eq!((row.flagged_for_review, row.review_notes.as_deref()), (false, Some("looked at")));
        assert_eq!((document.calibration_flags.len(), document.metadata.late_events), (1, 1));
        assert!(flags_of(&sink, &in_project(database, document)).is_empty(), "the document has it");
        assert_eq!((database.count("calibration_flags"), alerts(database.traces_dir()).len()), (1, 1));
        assert!(all::<FlagRow>(database, "id")[0].basis.is_some());
    }

    fn a_thin_disparity_is_kept_and_raises_no_alarm(database: Database) {
        let sink = database.sink_with(quiet());
        for n in 0..6 {
            sink.store(&[in_project(database, judged(n, i64::from(n), 2.5, &[]))]);
        }
        let mut low = judged(6, 6, 0.5, &[]);
        low.run.intent = Some("validating".into());
        // Of another project, so that it is no regression.
        low.project_id = "atlas".into();
        let flags = flags_of(&sink, &in_project(database, low));
        assert!(flags.len() == 1 && flags[0].thin, "{flags:?}");
        let row = database.read(async |store: &mut SqlStore| store.trace_row(&id(6)).await.unwrap().unwrap());
        assert!(!row.flagged_for_review);
        assert_eq!((database.count("calibration_flags"), alerts(database.traces_dir()).len()), (1, 0));
    }

    fn a_flagged_run_is_kept_whole_whatever_the_sampling_says(database: Database) {
        let sink = database.sink_with(quiet());
        for n in 1..=3 {
            let run = FinishedTrace { sampled: false, ..finished(judged(n, i64::from(n), 2.5, &["P"])) };
            assert_eq!(flags_of(&sink, &run).len(), usize::from(n == 3));
        }
        assert_eq!((database.count("traces"), database.count("stages"), database.count("trace_documents")), (3, 2, 1));
        let row = database.read(async |store: &mut SqlStore| store.trace_row(&id(3)).await.unwrap().unwrap());
        assert!(row.sampled);
    }

    fn without_calibration_nothing_is_checked(database: Database) {
        let calibration = Some(CalibrationSettings { enabled: false, ..CalibrationSettings::default() });
        for calibration in [None, calibration] {
            let sink = database.sink_with(RowsOptions { calibration, ..quiet() });
            for n in 1..=4 {
                assert!(flags_of(&sink, &finished(judged(n, i64::from(n), 2.5, &["P"]))).is_empty());
            }
        }
    }

    fn every_flag_follows_from_the_rows_recorded_before(database: Database) {
        let settings = CalibrationSettings { window: 25, ..CalibrationSettings::default() };
        let options = RowsOptions { calibration: Some(settings), ..quiet() };
        std::thread::scope(|scope| {
            for program in 0..4_u32 {
                scope.spawn(move || {
                    let sink = database.sink_with(options);
                    // Batches of many sizes, and each run in the order of nobody.
                    let mut runs: Vec<u32> = (0..75).map(|n| n * 4 + program).collect();
                    runs.sort_by_key(|n| (n / 40, n.wrapping_mul(2_654_435_761) % 97));
                    for (index, batch) in runs.chunks(1 + program as usize * 7).enumerate() {
                        let batch: Vec<FinishedTrace> = batch.iter().map(|n| finished(random(*n, 7))).collect();
                        assert!(sink.store(&batch).iter().all(Result::is_ok), "batch {index}");
                    }
                });
            }
        });
        let raised = raised(database);
        assert_same(&raised, &expected(database, &settings));
        let messages: Vec<&String> = raised.values().flatten().collect();
        for kind in ["RARE-1", "at least", "intent runs", "domain runs", "regression"] {
            assert!(messages.iter().any(|message| message.contains(kind)), "{kind}");
        }
    }

    fn a_batch_spread_over_weeks_is_checked_as_if_run_by_run(database: Database) {
        let settings = CalibrationSettings { window: 10, ..CalibrationSettings::default() };
        let sink = database.sink_with(RowsOptions { calibration: Some(settings), ..quiet() });
        // First what is newest, then in one batch what an outbox kept for long.
        let runs = |of: std::ops::Range<u32>| of.map(|n| finished(random(n, 3))).collect::<Vec<_>>();
        for batch in runs(600..900).chunks(100) {
            sink.store(batch);
        }
        sink.store(&runs(0..200));
        sink.store(&runs(200..420));
        assert_same(&raised(database), &expected(database, &settings));
    }

    fn flags_of_what_waited_are_raised_when_the_database_is_back(database: Database) {
        let project = database.traces_dir().join("cobot");
        let away = RowsSink::new(&"postgres://nobody@127.0.0.1:1/nowhere".parse().unwrap(), database.traces_dir(), quiet());
        let away = away.unwrap();
        for n in 1..=3 {
            let trace = judged(n, i64::from(n), 2.5, &["META-12"]);
            let folder = project.join("_traces");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("{}.json", trace.trace_id)), serde_json::to_vec(&trace).unwrap()).unwrap();
            let events = [
                serde_json::json!({"event": "trace_start", "seq": 0, "ts": "2026-02-13T14:30:22Z", "session_id": "",
                    "trace_id": trace.trace_id, "project_id": "cobot"}),
                serde_json::json!({"event": "trace_end", "seq": 1, "ts": "2026-02-13T14:30:23Z", "session_id": "",
                    "trace_id": trace.trace_id, "status": "complete"}),
            ];
            let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
            std::fs::write(folder.join(trace_core::collect::stream_file_name("")), lines).unwrap();
            assert_eq!(store(&away, &in_project(database, trace)), DatabaseStatus::Queued);
        }
        drop(away);
        let back = database.sink_with(quiet());
        eventually("everything is written", || back.status().drained == 3);
        back.flush();
        assert_eq!(alerts(database.traces_dir()).len(), 1);
        let document = std::fs::read(project.join("_traces").join(format!("{}.json", id(3)))).unwrap();
        let document: Trace = serde_json::from_slice(&document).unwrap();
        assert_eq!((document.calibration_flags.len(), document.metadata.late_events), (1, 0));
        let stream = project.join("_traces").join(trace_core::collect::stream_file_name(""));
        assert!(std::fs::read_to_string(stream).unwrap().contains(r#""event":"flag","seq":2"#));
        let row = database.read(async |store: &mut SqlStore| store.trace_row(&id(3)).await.unwrap().unwrap());
        assert!(row.flagged_for_review);
    }
}
