//! The commands that look after traces, on folders, SQLite and Postgres, with processes that are killed in the middle.

#![allow(clippy::unwrap_used)]

#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use support::{Said, ask, ask_documents, copy_of_store, files, ids, store, whytrace};

const SEED: &str = r#"{"trace_id": "trc_20260213_143022_a1b2c3d4", "project_name": "cobot", "query": "why?", "status": "complete",
    "stages": {"collection": {"decisions": [{"decision": "source_selected", "what": "exa", "why": "best",
    "alternatives_considered": ["google (0.6)"]}]}}}"#;

#[test]
fn documents_of_ours_and_of_the_reference_and_streams_are_imported_once() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(from.path().join("seed.json"), SEED).unwrap();
    std::fs::write(from.path().join("broken.json"), "{").unwrap();
    let document = files(store(), &|name| name.starts_with("trc_") && name.ends_with(".json")).remove(0);
    std::fs::copy(&document, from.path().join("ours.json")).unwrap();
    let id = document.file_stem().unwrap().to_str().unwrap().to_owned();
    // The streams of all runs; that of `ours.json` is the same trace.
    for stream in files(store(), &|name| name.ends_with(".jsonl")) {
        std::fs::copy(&stream, from.path().join(stream.file_name().unwrap())).unwrap();
    }
    let first = ask(to.path(), &["import", from.path().to_str().unwrap()]);
    assert!(first.out.starts_with("4 traces imported; rows of 4 written; 1 skipped"), "{} {}", first.out, first.err);
    assert_eq!(first.err.lines().count(), 1, "{}", first.err);
    assert!(first.err.contains("broken.json"), "{}", first.err);
    let again = ask(to.path(), &["import", from.path().to_str().unwrap()]);
    assert!(again.out.starts_with("0 traces imported, 4 there already"), "{}", again.out);
    assert_eq!(ask(to.path(), &["list", "--all", "--json"]).json()["items"].as_array().unwrap().len(), 4);
    let seed = ask(to.path(), &["show", "trc_20260213_143022_a1b2c3d4", "--json"]).json();
    assert_eq!(seed["stages"]["collection"]["decisions"][0]["alternatives_considered"][0]["confidence"], 0.6);
    assert_eq!(ask(to.path(), &["show", &id, "--json"]).json(), ask(store(), &["show", &id, "--json"]).json());
}

#[test]
fn postgres_answers_as_sqlite_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(fresh) = postgres::Fresh::new(&runtime) else { return };
    let url = fresh.url();
    let dir = tempfile::tempdir().unwrap();
    let on_postgres = |arguments: &[&str]| {
        let mut command = whytrace();
        Said::of(&command.arg("--dir").arg(dir.path()).args(["--database", &url]).args(arguments).output().unwrap())
    };
    assert_eq!(on_postgres(&["migrate", "status"]).code, 1);
    assert_eq!(on_postgres(&["migrate"]).code, 0);
    let imported = on_postgres(&["import", store().to_str().unwrap()]);
    assert_eq!(imported.code, 0, "{} {}", imported.out, imported.err);
    let [good, weak, _] = ids();
    for command in [
        &["list", "--json"][..],
        &["compare", &good, &weak, "--json"],
        &["summary", "--json"],
        &["why", &weak, "--json"],
    ] {
        assert_eq!(on_postgres(command).json(), ask(store(), command).json(), "{command:?}");
    }
    let doctor = on_postgres(&["doctor", "--json"]).json();
    assert_eq!(doctor["ok"], true, "{doctor:#}");
    fresh.remove(&runtime);
}

#[test]
fn an_interrupted_export_leaves_nothing_under_its_name_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let traces = many(dir.path(), 1_500);
    for name in ["runs.jsonl", "runs.parquet"] {
        let target = dir.path().join(name);
        let start = || {
            whytrace()
                .arg("--dir")
                .arg(&traces)
                .arg("export")
                .arg(&target)
                .stderr(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let mut child = start();
        let note = dir.path().join(format!(".{name}.note"));
        let began = Instant::now();
        while !note.exists() && began.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(note.exists() && !target.exists(), "it was to be killed in the middle");
        let ended = start().wait_with_output().unwrap();
        let said = Said::of(&ended);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.err.contains("going on after"), "{}", said.err);
        assert!(said.out.starts_with("1,500 runs in "), "{}", said.out);
        assert!(target.exists() && files(dir.path(), &|found| found.starts_with(&format!(".{name}"))).is_empty());
    }
    let text = std::fs::read_to_string(dir.path().join("runs.jsonl")).unwrap();
    let ids: BTreeSet<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["trace_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!((ids.len(), text.lines().count()), (1_500, 1_500));
    let parquet = std::fs::read(dir.path().join("runs.parquet")).unwrap();
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
    let there = ask(&traces, &["export", dir.path().join("runs.jsonl").to_str().unwrap()]);
    assert!(there.code == 2 && there.err.contains("--force"), "{}", there.err);
}

/// A folder with many documents, and their rows.
fn many(dir: &Path, count: u32) -> std::path::PathBuf {
    let (from, traces) = (dir.join("from"), dir.join("traces"));
    std::fs::create_dir_all(&from).unwrap();
    for n in 0..count {
        let text = SEED.replace("trc_20260213_143022_a1b2c3d4", &format!("trc_20260213_143022_{n:016x}"));
        std::fs::write(from.join(format!("{n}.json")), text).unwrap();
    }
    let imported = ask(&traces, &["import", from.to_str().unwrap()]);
    assert_eq!(imported.code, 0, "{}", imported.err);
    traces
}

#[test]
fn pruning_shows_first_and_removes_then() {
    let dir = copy_of_store();
    let [good, ..] = ids();
    let before = files(dir.path(), &|_| true).len();
    let shown = ask(dir.path(), &["prune", "--project", "cobot"]);
    assert!(shown.code == 0 && shown.out.contains("2 traces would be removed"), "{} {}", shown.out, shown.err);
    assert_eq!(files(dir.path(), &|_| true).len(), before);
    let removed = ask(dir.path(), &["prune", "--project", "cobot", "--yes"]);
    assert!(removed.code == 0 && removed.out.contains("2 traces and "), "{} {}", removed.out, removed.err);
    assert!(files(dir.path(), &|name| name.contains(&good)).is_empty());
    assert_eq!(ask(dir.path(), &["list", "--json"]).json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(ask_documents(dir.path(), &["list", "--json"]).json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(ask(dir.path(), &["doctor"]).code, 0);
    assert_eq!(ask(dir.path(), &["prune", "--project", "cobot", "--yes"]).code, 1);
}

#[test]
fn people_review_and_score() {
    let dir = copy_of_store();
    let [good, ..] = ids();
    let noted = ask(dir.path(), &["review", &good, "--note", "fine", "--clear"]);
    assert_eq!(noted.code, 0, "{}", noted.err);
    let run = ask(dir.path(), &["query", "review_notes = fine", "--json"]).json();
    assert_eq!(run["items"][0]["trace_id"], good.as_str());
    let scored = ask(dir.path(), &["score", &good, "helpful", "2.5", "--author", "ann"]);
    assert!(scored.code == 0 && scored.out.contains("helpful is 2.5 (human)"), "{} {}", scored.out, scored.err);
}

#[test]
fn a_lost_database_is_filled_again_by_sync() {
    let dir = copy_of_store();
    for file in files(dir.path(), &|name| name.starts_with("whytrace.db")) {
        std::fs::remove_file(file).unwrap();
    }
    let synced = ask(dir.path(), &["sync"]);
    assert!(synced.code == 0 && synced.out.contains("of 3 of 3 documents"), "{} {}", synced.out, synced.err);
    let runs = |dir: &Path| ask(dir, &["list", "--json"]).json()["items"].as_array().unwrap().len();
    assert_eq!((runs(dir.path()), runs(store())), (3, 3));
}

#[test]
fn prompts_have_versions_labels_and_differences() {
    let dir = copy_of_store();
    let listed = ask(dir.path(), &["prompts", "list", "--json"]).json();
    assert_eq!(listed[0]["name"], "answer");
    assert_eq!(ask(dir.path(), &["prompts", "rollback", "answer", "1"]).code, 0);
    assert_eq!(ask(dir.path(), &["prompts", "label", "answer", "production", "1"]).code, 0);
    let labelled = ask(dir.path(), &["prompts", "show", "answer@production", "--json"]).json();
    assert_eq!(labelled["version"], 1);
    assert_eq!(ask(dir.path(), &["prompts", "history", "answer", "--json"]).json().as_array().unwrap().len(), 2);
    assert!(ask(dir.path(), &["prompts", "diff", "answer", "1", "2"]).out.contains("the texts are the same"));
    let wrong = ask(dir.path(), &["prompts", "show", "anser"]);
    assert!(wrong.code == 1 && wrong.err.contains("answer"), "{}", wrong.err);
}

#[test]
fn doctor_says_what_is_wrong_and_repairs_what_it_can() {
    let dir = copy_of_store();
    let outbox = dir.path().join(".outbox");
    std::fs::create_dir_all(&outbox).unwrap();
    std::fs::write(outbox.join("trc_x.00000000.json"), "{}").unwrap();
    let said = ask(dir.path(), &["doctor"]);
    assert_eq!(said.code, 0, "{}", said.out);
    assert!(said.out.contains("rows of 1 trace wait") && said.out.contains("whytrace sync"), "{}", said.out);
    let settings = whytrace().arg("--dir").arg(dir.path()).arg("doctor").env("WHYTRACE_SAMPLE", "2").output().unwrap();
    let said = Said::of(&settings);
    assert!(said.code == 1 && said.out.contains("WHYTRACE_SAMPLE"), "{}", said.out);
    let file = dir.path().join("a_file");
    std::fs::write(&file, "").unwrap();
    let said = ask(&file, &["doctor"]);
    assert!(said.code == 1 && said.out.contains("a file is where a folder should be"), "{}", said.out);
}

#[test]
fn what_a_killed_process_left_open_is_recovered() {
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("cobot/_traces");
    std::fs::create_dir_all(traces.join(".live")).unwrap();
    // The stream of a run without its end, as a killed process leaves it.
    let stream = files(store(), &|name| name.ends_with(".jsonl")).remove(0);
    let text = std::fs::read_to_string(&stream).unwrap();
    let open: String =
        text.lines().filter(|line| !line.contains("\"trace_end\"")).map(|line| format!("{line}\n")).collect();
    let id = serde_json::from_str::<serde_json::Value>(open.lines().next().unwrap()).unwrap()["trace_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let name = stream.file_name().unwrap().to_str().unwrap();
    std::fs::write(traces.join(name), open).unwrap();
    std::fs::write(traces.join(".live/1_0"), format!("{id} {name}\n")).unwrap();
    // Beside it a run that ended and has its document: a process whose rows went to the outbox leaves its name too.
    let ended = "trc_20260213_143022_00000000000000aa";
    std::fs::write(traces.join("session_ended.jsonl"), text.replace(&id, ended)).unwrap();
    std::fs::write(traces.join(format!("{ended}.json")), "{}").unwrap();
    std::fs::write(traces.join(".live/2_0"), format!("{ended} session_ended.jsonl\n")).unwrap();
    let doctor = ask(dir.path(), &["doctor"]);
    assert!(doctor.out.contains("dead processes left 1 trace open"), "{}", doctor.out);
    let recovered = ask(dir.path(), &["recover"]);
    assert!(recovered.code == 0 && recovered.out.contains(&id), "{} {}", recovered.out, recovered.err);
    assert_eq!(ask(dir.path(), &["show", &id, "--json"]).json()["run"]["status"], "incomplete");
    assert!(ask(dir.path(), &["recover"]).out.contains("no process left a trace open"));
}
