//! What the tests of the program share: a store that traced code really made, and the real binary.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::TempDir;
use whytrace::prelude::*;

/// What no terminal should act on: a title, a colour, a clear screen in one C1 character, a reversed text, a line break.
pub(crate) const HOSTILE: &str = "a\u{1b}]0;owned\u{7}b\u{1b}[31mc\u{9b}2Jd\u{202e}e\r\nf\u{200b}";

prompt! { ANSWER = "answer", template = "Answer {{question}}" }

#[derive(TracingComponent)]
#[component(name = "collector", decisions("source_selected"))]
struct Collector;

#[traced_run(project = "cobot", query = question, intent = "validating", domain = "robotics", tags = { "team": "search" })]
fn good(question: &str) {
    collect("exa");
    let _ = answer(question);
    judge(3.0);
}

#[traced_run(project = "cobot", query = question, intent = "exploring", domain = "robotics")]
fn weak(question: &str) {
    collect("reddit");
    judge(0.5);
}

#[traced_run(project = "hostile", query = HOSTILE, intent = HOSTILE, domain = HOSTILE)]
fn broken() -> Result<(), String> {
    decision!("source_selected", what = HOSTILE, why = HOSTILE, confidence = 0.2, alternatives = [HOSTILE => 0.1]);
    fails()
}

#[traced_stage("collection", component = Collector, input(source))]
fn collect(source: &str) {
    decision!("source_selected", what = source, why = "it fits best", confidence = 0.9, alternatives = ["google" => 0.6]);
    whytrace::evidence(Evidence::new().collected(28).passed(18));
}

#[traced_stage("synthesis")]
fn answer(question: &str) -> String {
    generate(question)
}

#[observable("generate", kind = llm, prompt = ANSWER, model = "m-1", usage(|_| Usage::new(300, 40)), response(|r| r))]
fn generate(question: &str) -> String {
    whytrace::llm(LlmCall::new().provider("local").message("user", question).cost("0.0042".parse().unwrap()));
    "because ".repeat(20_000)
}

#[traced_stage("quality_gate")]
fn judge(score: f64) {
    whytrace::quality_gate(&[
        Score::new("META-1", 3.0),
        Score::new("META-12", score).feedback("two claims without a source"),
    ]);
}

#[traced_stage("synthesis")]
fn fails() -> Result<(), String> {
    Err(HOSTILE.to_owned())
}

/// A folder of traces with its SQLite database: three runs of traced code, made once for each test binary.
pub(crate) fn store() -> &'static Path {
    static STORE: OnceLock<TempDir> = OnceLock::new();
    STORE.get_or_init(make).path()
}

fn make() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let guard = whytrace::Tracer::builder()
        .dir(dir.path())
        .scorecard(whytrace::files::ScorecardMode::Off)
        .max_wait(None)
        .settings(|settings| settings.database = whytrace::settings::Database::Embedded)
        .init();
    // Else the first call may not know its prompt's version yet, which then stands in the database alone.
    assert!(whytrace::prompts::ready(Duration::from_secs(60)));
    good("why do cobots sell?");
    // Runs that end at once may be recorded in either order, and a check sees what was recorded before.
    assert!(whytrace::flush(Duration::from_secs(60)));
    weak("who buys cobots?");
    let _ = broken();
    assert!(whytrace::flush(Duration::from_secs(60)));
    drop(guard);
    dir
}

/// A copy of the store, to change.
pub(crate) fn copy_of_store() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(store(), dir.path());
    dir
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The program, in surroundings that say nothing.
pub(crate) fn whytrace() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whytrace"));
    let ours = |name: &str| name.starts_with("WHYTRACE_") || matches!(name, "NO_COLOR" | "COLUMNS" | "TERM");
    for (name, _) in std::env::vars().filter(|(name, _)| ours(name)) {
        command.env_remove(name);
    }
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null());
    command
}

/// What the program said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// The answer of a reading command.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.err);
        serde_json::from_str(&self.out).unwrap()
    }
}

/// Runs the program on a folder.
#[track_caller]
pub(crate) fn ask(dir: &Path, arguments: &[&str]) -> Said {
    Said::of(&whytrace().arg("--dir").arg(dir).args(arguments).output().unwrap())
}

/// Runs it on the documents of a folder alone.
#[track_caller]
pub(crate) fn ask_documents(dir: &Path, arguments: &[&str]) -> Said {
    Said::of(&whytrace().arg("--dir").arg(dir).args(["--database", "off"]).args(arguments).output().unwrap())
}

/// The ids of the store's runs: good, weak, broken.
pub(crate) fn ids() -> [String; 3] {
    let listed = ask(store(), &["list", "--json"]).json();
    let id = |intent: &str| {
        let runs = listed["items"].as_array().unwrap();
        let run = runs.iter().find(|run| run["intent"].as_str().is_some_and(|found| found.starts_with(intent)));
        run.unwrap()["trace_id"].as_str().unwrap().to_owned()
    };
    [id("validating"), id("exploring"), id("a")]
}

/// The files below a folder whose names satisfy a condition.
pub(crate) fn files(dir: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, wanted));
        } else if wanted(&entry.file_name().to_string_lossy()) {
            found.push(path);
        }
    }
    found.sort();
    found
}
