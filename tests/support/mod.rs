//! What the end-to-end tests share: running a test again as a program of its own, and looking at what it left.
//!
//! A tracer belongs to a process, and some of what is tested kills, fills or ends that process. So such a test has two
//! parts: [`part`] says which one this process is to play, and [`program`] starts another process to play one.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// Names the part that a process plays; not `WHYTRACE_…`, for those are settings.
const PART: &str = "END_TO_END_PART";

/// The part that this process plays; `None` in the test itself.
pub(crate) fn part() -> Option<String> {
    std::env::var(PART).ok()
}

/// The test of this binary with that name, as a program that plays `part` and keeps its traces in `dir`.
pub(crate) fn program(test: &str, part: &str, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("WHYTRACE_") || name == "NO_COLOR") {
        command.env_remove(name);
    }
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .current_dir(dir)
        .env(PART, part)
        .env("WHYTRACE_DIR", dir.join("traces"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a program to its end, which must be a good one.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    output
}

/// Waits until everything recorded is kept: for longer than the guard does, because a debug build on a busy machine is slow.
pub(crate) fn flush() {
    assert!(whytrace::flush(Duration::from_secs(60)));
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// All files below a folder, in order of their paths.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(self::files(&entry.path())),
            false => files.push(entry.path()),
        }
    }
    files.sort();
    files
}

fn named(dir: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files(dir).into_iter().filter(|path| is_wanted(&name(path))).collect()
}

/// All documents below a folder.
pub(crate) fn documents(dir: &Path) -> Vec<Value> {
    let mut paths = named(dir, |name| name.starts_with("trc_") && name.ends_with(".json"));
    paths.retain(|path| path.parent().unwrap().ends_with("_traces"));
    paths.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect()
}

/// The one document below a folder.
#[track_caller]
pub(crate) fn document(dir: &Path) -> Value {
    let mut documents = documents(dir);
    assert_eq!(documents.len(), 1, "documents below {}: {:?}", dir.display(), files(dir));
    documents.remove(0)
}

/// All event streams below a folder.
pub(crate) fn streams(dir: &Path) -> Vec<PathBuf> {
    named(dir, |name| name.starts_with("session_") && name.ends_with(".jsonl"))
}

/// All events in whole lines below a folder, stream after stream.
pub(crate) fn events(dir: &Path) -> Vec<Value> {
    let mut events = Vec::new();
    for stream in streams(dir) {
        let text = std::fs::read_to_string(stream).unwrap();
        events.extend(
            text.split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .map(|line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error} in {line:?}"))),
        );
    }
    events
}

/// How many events of a kind there are.
pub(crate) fn count(events: &[Value], kind: &str) -> usize {
    events.iter().filter(|event| event["event"] == kind).count()
}

/// All decisions of a document.
pub(crate) fn decisions(document: &Value) -> Vec<&Value> {
    let stages = document["stages"].as_object().unwrap();
    stages.values().flat_map(|stage| stage["decisions"].as_array().unwrap()).collect()
}

/// What a query answers from the SQLite database of a folder of traces, as text; NULL is "NULL".
pub(crate) fn rows(traces: &Path, query: &'static str) -> Vec<Vec<String>> {
    use sqlx::{Column, Connection, Row, ValueRef};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(traces.join("whytrace.db"));
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
        let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
        let cell = |row: &sqlx::sqlite::SqliteRow, at: usize| {
            if row.try_get_raw(at).unwrap().is_null() {
                return "NULL".to_owned();
            }
            row.try_get_unchecked::<String, _>(at).unwrap_or_else(|_| format!("<{}>", row.column(at).name()))
        };
        rows.iter().map(|row| (0..row.len()).map(|at| cell(row, at)).collect()).collect()
    })
}
