//! Calibration flags end to end: one process sees them everywhere, ten processes agree on them.

#![cfg(all(feature = "sqlite", feature = "postgres", feature = "tokio"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on stops where it stands")]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::Child;
use whytrace::prelude::*;
use whytrace::sql::{DatabaseUrl, SqlStore};
use whytrace::{FinishReport, Run, TraceContext};

/// A run that scores a principle.
fn judged(project: &str, intent: &str, principle: &str, score: f64) -> FinishReport {
    let trace = TraceContext::start(Run::new(project).intent(intent));
    trace.scope(|| whytrace::quality_gate(&[Score::new(principle, score)]));
    trace.mark_complete();
    trace.finish().wait()
}

fn play(part: &str) {
    let _guard = whytrace::init();
    if let Some(process) = part.strip_prefix("process-") {
        return play_one_of_ten(process.parse().unwrap());
    }
    for n in 0..3 {
        let report = judged("cobot", "validating", "META-12", 1.0);
        assert_eq!(report.calibration_flags.len(), usize::from(n == 2), "{report:?}");
        // Whoever has the report finds the flags in the document.
        let document: Value = serde_json::from_slice(&std::fs::read(report.file_path.unwrap()).unwrap()).unwrap();
        assert_eq!(document["calibration_flags"].as_array().unwrap().len(), report.calibration_flags.len());
    }
}

#[test]
fn a_pattern_is_seen_in_every_place_and_once() {
    if let Some(part) = support::part() {
        return play(&part);
    }
    let test = "a_pattern_is_seen_in_every_place_and_once";
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("traces");
    let output = support::run(&mut support::program(test, "alone", dir.path()));
    let said = support::text(&output.stderr);
    let message = "Principle META-12 has scored below threshold 3 times in the last 7 days";
    assert_eq!(said.matches(&format!("[CALIBRATION] {message}\n")).count(), 1, "{said}");
    let alerts = std::fs::read_to_string(traces.join("cobot/_calibration_alerts.md")).unwrap();
    assert_eq!(alerts.matches(message).count(), 1, "{alerts}");
    let flagged: Vec<Value> =
        support::documents(&traces).into_iter().filter(|d| d["calibration_flags"][0].is_object()).collect();
    let [document] = &flagged[..] else { panic!("{flagged:#?}") };
    assert_eq!(document["calibration_flags"][0]["message"], message);
    assert_eq!(document["metadata"]["late_events"], 0);
    let events = support::events(&traces);
    let [event] = &events.iter().filter(|event| event["event"] == "flag").collect::<Vec<_>>()[..] else {
        panic!("{events:#?}")
    };
    assert_eq!((&event["trace_id"], &event["flag"]), (&document["trace_id"], &document["calibration_flags"][0]));
    let summary = traces.join("cobot/_traces").join(format!("{}_summary.md", document["trace_id"].as_str().unwrap()));
    assert!(std::fs::read_to_string(summary).unwrap().contains("META-12 has scored below threshold 3 times"));
    let rows = support::rows(
        &traces,
        "select t.flagged_for_review, f.kind, f.message from traces t join calibration_flags f using (trace_id)",
    );
    assert_eq!(rows, [["1", "repeated_principle_failure", message]]);
    let quiet = support::run(support::program(test, "alone", &fresh(&dir)).env("WHYTRACE_SCORECARD", "off"));
    assert!(!support::text(&quiet.stderr).contains("CALIBRATION"));
}

fn fresh(dir: &tempfile::TempDir) -> std::path::PathBuf {
    let fresh = dir.path().join("fresh");
    std::fs::create_dir(&fresh).unwrap();
    fresh
}

/// Thirty runs, of which those of one intent are low, one principle often a gap and another seldom.
fn play_one_of_ten(process: u32) {
    for n in 0..30 {
        let key = (process * 30 + n).wrapping_mul(2_654_435_761) >> 8;
        // Scores of many digits: no average lies between two that are shown alike.
        let low = key.is_multiple_of(4);
        let score = [2.513_71, 2.277_93, 2.010_19, 1.734_57][(key / 4) as usize % 4] - if low { 1.200_03 } else { 0.0 };
        let intent = if low { "low".to_owned() } else { format!("intent-{}", key % 3) };
        let principle = if key.is_multiple_of(17) { "RARE-1" } else { "META-1" };
        judged(&format!("project-{}", key % 5), &intent, principle, score);
    }
}

/// A run as its row says.
#[derive(Debug)]
struct Row {
    trace_id: String,
    completed_at: String,
    project: String,
    intent: String,
    score: f64,
    passed: bool,
    gaps: Vec<String>,
}

const WINDOW: usize = 60;

fn slow_flags(run: &Row, before: &[&Row]) -> Vec<String> {
    let mut flags = Vec::new();
    for gap in &run.gaps {
        let all = 1 + before.iter().filter(|b| b.gaps.contains(gap)).count();
        let (at_least, shown) = if all > WINDOW { ("at least ", WINDOW + 1) } else { ("", all) };
        let message = format!("Principle {gap} has scored below threshold {at_least}{shown} times in the last 7 days");
        flags.extend((all >= 3).then_some(message));
    }
    let window: Vec<&Row> = std::iter::once(run).chain(before.iter().copied().take(WINDOW - 1)).collect();
    let mean = |scores: Vec<f64>| scores.iter().sum::<f64>() / scores.len() as f64;
    let overall = mean(window.iter().map(|row| row.score).collect());
    let own = mean(window.iter().filter(|row| row.intent == run.intent).map(|row| row.score).collect());
    if overall - own > 0.5 {
        flags.push(format!("{} intent runs average {own:.1} quality vs {overall:.1} overall", run.intent));
    }
    if !run.passed && before.iter().find(|b| b.project == run.project).is_some_and(|previous| previous.passed) {
        flags.push(format!("Quality regression detected for project {}", run.project));
    }
    flags.sort();
    flags
}

/// What should have been flagged: each run against the rows recorded before it that had ended by then. `rows` are in the order of recording.
fn expected(rows: &[Row]) -> BTreeMap<String, Vec<String>> {
    let flags_of = |(index, run): (usize, &Row)| {
        let mut before: Vec<&Row> = rows[..index].iter().filter(|b| b.completed_at <= run.completed_at).collect();
        before.reverse();
        before.sort_by(|a, b| b.completed_at.cmp(&a.completed_at));
        (run.trace_id.clone(), slow_flags(run, &before))
    };
    rows.iter().enumerate().map(flags_of).filter(|(_, flags)| !flags.is_empty()).collect()
}

fn row(cells: Vec<String>) -> Row {
    let [trace_id, completed_at, project, intent, score, passed, gaps] = <[String; 7]>::try_from(cells).unwrap();
    Row {
        trace_id,
        completed_at,
        project,
        intent,
        score: score.parse().unwrap(),
        passed: passed == "1",
        gaps: serde_json::from_str(&gaps).unwrap(),
    }
}

fn ten_at_once(test: &str, dir: &Path, database: &str) {
    let start = |n: u32| {
        let mut program = support::program(test, &format!("process-{n}"), dir);
        program.env("WHYTRACE_DATABASE_URL", database).env("WHYTRACE_CALIBRATION_WINDOW", WINDOW.to_string());
        program.spawn().unwrap()
    };
    let processes: Vec<Child> = (0..10).map(start).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}\n{}", support::text(&output.stdout), support::text(&output.stderr));
    }
    // What a busy database did not take in time waited in the outbox, which one more start empties.
    for _ in 0..20 {
        if support::files(&dir.join("traces/.outbox")).iter().all(|path| path.extension().is_none()) {
            break;
        }
        let mut program = support::program(test, "process-none", dir);
        support::run(program.env("WHYTRACE_DATABASE_URL", database).env("WHYTRACE_CALIBRATION_WINDOW", "60"));
    }
}

fn check(traces: &Path, url: &str, rows: Vec<Vec<String>>, raised: Vec<Vec<String>>) {
    let rows: Vec<Row> = rows.into_iter().map(row).collect();
    assert_eq!(rows.len(), 300);
    let mut flags: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for pair in raised {
        flags.entry(pair[0].clone()).or_default().push(pair[1].clone());
    }
    flags.values_mut().for_each(|flags| flags.sort());
    for (trace, expected) in expected(&rows) {
        assert_eq!(flags.get(&trace), Some(&expected), "{trace}");
    }
    assert_eq!(flags.len(), expected(&rows).len());
    assert!(flags.values().flatten().any(|message| message.contains("at least")));
    // Documents say the same.
    let documents = support::documents(traces);
    assert_eq!(documents.len(), 300);
    for document in &documents {
        let said = document["calibration_flags"].as_array().unwrap().iter();
        let mut said: Vec<&str> = said.map(|flag| flag["message"].as_str().unwrap()).collect();
        said.sort_unstable();
        let id = document["trace_id"].as_str().unwrap();
        assert_eq!(said, flags.get(id).cloned().unwrap_or_default(), "{id}");
    }
    let url: DatabaseUrl = url.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let differences = runtime.block_on(async { SqlStore::open(&url).await.unwrap().check_rollups().await.unwrap() });
    assert_eq!(differences, []);
}

#[test]
fn ten_processes_on_one_file_agree_on_every_flag() {
    if let Some(part) = support::part() {
        return if part == "process-none" { drop(whytrace::init()) } else { play(&part) };
    }
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("traces");
    std::fs::create_dir(&traces).unwrap();
    let url = format!("sqlite://{}", traces.join("whytrace.db").display());
    ten_at_once("ten_processes_on_one_file_agree_on_every_flag", dir.path(), &url);
    let rows = support::rows(
        &traces,
        "select trace_id, completed_at, project_id, intent, cast(overall_quality_score as text), quality_gate_passed,
            gap_principles from traces order by write_order",
    );
    let raised = support::rows(&traces, "select trace_id, message from calibration_flags");
    check(&traces, &url, rows, raised);
}

/// What a query answers, as text.
fn postgres_rows(url: &str, query: &'static str) -> Vec<Vec<String>> {
    use sqlx::{Connection, Row as _};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        let rows = sqlx::raw_sql(query).fetch_all(&mut connection).await.unwrap();
        let cells = |row: &sqlx::postgres::PgRow| (0..row.len()).map(|at| row.get_unchecked(at)).collect();
        rows.iter().map(cells).collect()
    })
}

#[test]
fn ten_processes_on_one_server_agree_on_every_flag() {
    if let Some(part) = support::part() {
        return if part == "process-none" { drop(whytrace::init()) } else { play(&part) };
    }
    let Ok(admin) = std::env::var("WHYTRACE_TEST_DATABASE_URL") else {
        let _ = writeln!(std::io::stderr(), "NOT TESTED on Postgres: WHYTRACE_TEST_DATABASE_URL is not set");
        return;
    };
    let (server, _) = admin.rsplit_once('/').unwrap();
    let url = format!("{server}/whytrace_calibration_{}", std::process::id());
    let as_admin = |sql: String| {
        use sqlx::Connection;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = sqlx::PgConnection::connect(&admin).await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        });
    };
    let name = url.rsplit_once('/').unwrap().1.to_owned();
    as_admin(format!("CREATE DATABASE {name}"));
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("traces");
    ten_at_once("ten_processes_on_one_server_agree_on_every_flag", dir.path(), &url);
    let rows = postgres_rows(
        &url,
        "select trace_id, to_char(completed_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), project_id, intent,
            overall_quality_score, quality_gate_passed::int, array_to_json(gap_principles)::text
         from traces order by write_order",
    );
    let raised = postgres_rows(&url, "select trace_id, message from calibration_flags");
    check(&traces, &url, rows, raised);
    as_admin(format!("DROP DATABASE {name} WITH (FORCE)"));
}
