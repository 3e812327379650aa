//! Hostile values, names, disks and clocks: the program never notices, nothing leaves the folder, and what could not be kept is
//! counted and said.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::mem_forget,
    reason = "a test that cannot go on stops where it stands"
)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicI64, Ordering};
use whytrace::model::Timestamp;
use whytrace::prelude::*;
use whytrace::testing::Capture;
use whytrace::{DatabaseStatus, Options, Run, TraceContext};

/// More than any limit on one value.
const LONG: usize = 10 << 20;

fn hostile_texts() -> Vec<String> {
    vec![
        String::new(),
        "\0".into(),
        "before\0after".into(),
        "\u{1b}[2J\u{1b}]0;title\u{7}\r\n\u{8}\u{9b}31m".into(),
        "\u{202e}gnp.exe\u{2066}\u{feff}".into(),
        "'; drop table traces; --".into(),
        "\"},{\"event\":\"trace_end\"}\n{\"event\":\"x\"}".into(),
        "</script><script>alert(1)</script>".into(),
        "```\n# heading | cell | \n---\n$(reboot) `reboot` {{template}} {% raw %}".into(),
        "👩‍👩‍👧‍👦".repeat(100),
    ]
}

#[derive(serde::Serialize)]
struct Numbers {
    nan: f64,
    infinity: f64,
    least: i64,
    most: u64,
    more: u128,
}

const NUMBERS: Numbers =
    Numbers { nan: f64::NAN, infinity: f64::INFINITY, least: i64::MIN, most: u64::MAX, more: u128::MAX };

#[derive(serde::Serialize)]
struct Nested(Option<Box<Nested>>);

#[traced_stage("values", input(text, numbers), output)]
fn values<'a>(text: &'a str, numbers: &Numbers) -> &'a str {
    let _ = numbers;
    decision!(
        "chosen",
        what = text,
        why = text,
        confidence = f64::NAN,
        alternatives = [(text, f64::INFINITY), (text, -1.0)],
        inputs = { text, nan: f64::NAN },
    );
    whytrace::score(Score::new(text, f64::NEG_INFINITY));
    whytrace::evidence(Evidence::new().collected(u64::MAX).collected(u64::MAX).kept(text, text, f64::NAN, text));
    whytrace::llm(
        LlmCall::new().model(text).message("user", text).response(text).usage(Usage::new(u64::MAX, u64::MAX)),
    );
    whytrace::set(text, text);
    whytrace::tag(text, text);
    whytrace::output(text, text);
    whytrace::error(std::io::Error::other(text.to_owned()));
    drop(whytrace::observe(text, text));
    drop(whytrace::stage(text));
    text
}

#[traced_run(project = "long", input(text), output)]
fn run_long(text: &str) -> String {
    ask_long(text)
}

#[observable("ask", kind = llm, input(text), response(|answer| answer))]
fn ask_long(text: &str) -> String {
    decision!("chosen", what = text, why = "it is long");
    text.to_owned()
}

#[traced_run(project = "hostile", query = text, intent = text, session = text, user = text)]
fn run(text: &str) -> usize {
    let deep = (0..10_000).fold(Nested(None), |inner, _| Nested(Some(Box::new(inner))));
    whytrace::set("deep", &deep);
    std::mem::forget(deep); // dropping it would need as deep a stack
    values(text, &NUMBERS).len()
}

#[test]
fn hostile_values_are_kept_readable_and_the_program_sees_its_own() {
    if support::part().is_some() {
        let _guard = whytrace::init();
        for text in hostile_texts() {
            assert_eq!(run(&text), text.len());
        }
        return support::flush();
    }
    let dir = tempfile::tempdir().unwrap();
    let mut program =
        support::program("hostile_values_are_kept_readable_and_the_program_sees_its_own", "all", dir.path());
    let output = support::run(program.env("WHYTRACE_SCORECARD", "verbose"));

    let traces = dir.path().join("traces");
    let documents = support::documents(&traces);
    assert_eq!(documents.len(), hostile_texts().len());
    for document in &documents {
        assert_eq!(document["run"]["status"], "complete");
        assert_eq!(document["metadata"]["dropped_events"], 0);
        let values = &document["stages"]["values"];
        assert_eq!(values["inputs"]["numbers"]["nan"], "NaN");
        assert_eq!(values["inputs"]["numbers"]["infinity"], "Infinity");
        assert_eq!(values["inputs"]["numbers"]["least"], i64::MIN);
        assert_eq!(values["inputs"]["numbers"]["most"], u64::MAX);
        assert_eq!(values["decisions"][0]["confidence"], serde_json::Value::Null);
        assert!(!document["warnings"].as_array().unwrap().is_empty(), "a confidence outside 0..=1 is warned of");
    }
    let input = |document: &serde_json::Value| document["stages"]["values"]["inputs"]["text"].clone();
    let nul = documents.iter().find(|document| input(document) == "before␀after");
    assert!(nul.is_some(), "NUL is shown as a symbol");
    for file in support::files(&traces) {
        let text = std::fs::read(&file).unwrap();
        assert!(
            !text.contains(&0) || file.extension().is_some_and(|end| end != "json" && end != "jsonl" && end != "md")
        );
    }
    let count =
        "select cast(count(*) as text), cast(count(distinct trace_id) as text) from traces where status = 'complete'";
    assert_eq!(support::rows(&traces, count), [[documents.len().to_string(), documents.len().to_string()]]);
    no_control_characters(&output);
}

#[test]
fn a_long_text_is_cut_at_a_character_with_its_length_and_hash() {
    let text = "é".repeat(LONG / 2);
    if support::part().is_some() {
        let _guard = whytrace::init();
        assert_eq!(run_long(&text), text);
        return support::flush();
    }
    let dir = tempfile::tempdir().unwrap();
    support::run(&mut support::program(
        "a_long_text_is_cut_at_a_character_with_its_length_and_hash",
        "long",
        dir.path(),
    ));
    let document = support::document(dir.path());
    let what = support::decisions(&document)[0]["what"].as_str().unwrap().to_owned();
    assert!(what.starts_with("éééé") && what.len() < 1_100_000, "{:.100} with {} bytes", what, what.len());
    let hash = blake3::hash(text.as_bytes()).to_hex().to_string();
    assert!(what.contains(&hash) && what.contains(&LONG.to_string()), "{}", &what[what.len() - 200..]);
    // The model's answer is in a file of its own, cut as well.
    let side = support::files(dir.path())
        .into_iter()
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("llm_"));
    let side = std::fs::read_to_string(side.unwrap()).unwrap();
    assert!(side.contains(&hash) && side.len() < 3_000_000);
}

/// A terminal obeys control characters; none of those recorded may reach it.
#[track_caller]
fn no_control_characters(output: &Output) {
    let text = support::text(&output.stderr);
    let hostile = |c: char| {
        (c.is_control() && c != '\n')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    assert!(!text.contains(hostile), "{text:?}");
}

fn hostile_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "..\\..\\x",
        "a/b",
        "CON",
        "nul.txt",
        "~",
        "$HOME",
        "-rf",
        "a b",
        " a",
        "A",
        "a",
        "ä",
        "日本語",
        "👻",
        "a\0b",
        "a\nb",
        "_traces",
        ".live",
        "whytrace.db",
        "%2e%2e%2f",
        "a:b",
        "a|b*?<>\"",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("n".repeat(300));
    names.push("👻".repeat(300));
    names
}

#[test]
fn no_project_name_leaves_the_folder_or_meets_another() {
    if support::part().is_some() {
        let _guard = whytrace::init();
        for name in hostile_names() {
            let trace = TraceContext::start(Run::new(name.clone()).session(&name));
            trace.mark_complete();
            let report = trace.finish().wait();
            assert!(report.file_path.is_some(), "{name:?}: {report:?}");
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("a/b/c");
    std::fs::create_dir_all(&inside).unwrap();
    support::run(&mut support::program("no_project_name_leaves_the_folder_or_meets_another", "all", &inside));

    let traces = inside.join("traces");
    for file in support::files(dir.path()) {
        assert!(file.starts_with(&traces), "{} is outside", file.display());
    }
    let documents = support::documents(&traces);
    assert_eq!(documents.len(), hostile_names().len());
    let folders: BTreeSet<&str> = documents.iter().map(|document| document["project_id"].as_str().unwrap()).collect();
    assert_eq!(folders.len(), hostile_names().len(), "two names share a folder: {folders:?}");
    for folder in folders {
        assert!(traces.join(folder).join("_traces").is_dir(), "{folder}");
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
        assert!(!folder.is_empty() && folder.bytes().all(plain), "{folder}");
    }
}

#[traced_stage("work", input(n), output)]
fn work(n: u64) -> u64 {
    decision!("doubled", what = (n * 2).to_string(), why = "as asked");
    whytrace::output("text", "x".repeat(1000));
    n * 2
}

#[traced_run(project = "stubborn", query = n, session = "full")]
fn double(n: u64) -> u64 {
    work(n)
}

/// Plays a program whose results must be right whatever becomes of its traces. Says what the tracer reports.
fn play_doubling(runs: u64) {
    let _guard = whytrace::init();
    for n in 0..runs {
        assert_eq!(double(n), n * 2);
    }
    let trace = TraceContext::start(Run::new("stubborn"));
    trace.mark_complete();
    let report = trace.finish().wait();
    println!("report: file {}, database {}", report.file_path.is_some(), report.database.as_str());
    assert!(report.file_path.is_some() || !report.errors.is_empty(), "{report:?}");
    assert!(report.database != DatabaseStatus::Failed || !report.errors.is_empty(), "{report:?}");
}

fn run_with_dir(test: &str, dir: &Path, traces: &Path) -> Output {
    let mut program: Command = support::program(test, "doubling", dir);
    support::run(program.env("WHYTRACE_DIR", traces))
}

#[test]
fn a_folder_that_cannot_be_written_is_said_and_harms_nothing() {
    if support::part().is_some() {
        return play_doubling(100);
    }
    let test = "a_folder_that_cannot_be_written_is_said_and_harms_nothing";
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "").unwrap();
    for traces in [dir.path().join("file/traces"), "/proc/nowhere/traces".into(), "/dev/null".into()] {
        let output = run_with_dir(test, dir.path(), &traces);
        assert!(support::text(&output.stdout).contains("report: file false"), "{}", support::text(&output.stdout));
        let said = support::text(&output.stderr);
        assert!(said.contains(&traces.display().to_string()), "{said:?} does not name {}", traces.display());
        assert!(said.lines().count() < 50, "{} lines for 101 traces", said.lines().count());
    }
}

#[test]
fn a_stream_on_a_full_disk_is_said_and_costs_neither_document_nor_row() {
    if support::part().is_some() {
        return play_doubling(20);
    }
    let test = "a_stream_on_a_full_disk_is_said_and_costs_neither_document_nor_row";
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("traces/stubborn/_traces");
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.join("session_full.jsonl")).unwrap();
    let output = run_with_dir(test, dir.path(), &dir.path().join("traces"));
    let said = support::text(&output.stderr);
    assert!(said.contains("session_full.jsonl"), "{said}");
    let complete =
        support::documents(dir.path()).iter().filter(|document| document["run"]["status"] == "complete").count();
    assert_eq!(complete, 21);
    assert_eq!(support::rows(&dir.path().join("traces"), "select cast(count(*) as text) from traces"), [["21"]]);
}

/// A file system of its own, unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    /// `None` where this process may not mount.
    fn mount(path: &'a Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(path).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(path))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_is_said_and_harms_nothing_and_no_half_document_is_left() {
    if support::part().is_some() {
        return play_doubling(500);
    }
    let test = "a_full_disk_is_said_and_harms_nothing_and_no_half_document_is_left";
    let dir = tempfile::tempdir().unwrap();
    let traces = dir.path().join("traces");
    let Some(_disk) = SmallDisk::mount(&traces, "512k") else {
        println!("skipped: this user may not mount a small disk");
        return;
    };
    let output = run_with_dir(test, dir.path(), &traces);
    let said = support::text(&output.stderr);
    assert!(said.contains("No space left"), "{said}");
    let documents = support::documents(&traces); // reads each: none is cut off
    assert!(documents.len() < 501, "the disk did not fill up");
}

/// A clock that runs backwards, an hour a look.
fn backwards() -> Timestamp {
    static LOOKS: AtomicI64 = AtomicI64::new(0);
    let hours = LOOKS.fetch_add(1, Ordering::Relaxed);
    Timestamp::from_nanos(i128::from(1_800_000_000 - hours * 3_600) * 1_000_000_000)
}

#[test]
fn a_clock_that_runs_backwards_gives_no_negative_duration() {
    let mut options = Options::default();
    options.wall_clock = backwards;
    let capture = Capture::with(options, &whytrace::redact::RedactConfig::default()).unwrap();
    capture.scope(|| (0..20).for_each(|n| assert_eq!(double(n), n * 2)));
    let traces = capture.finish();
    assert_eq!(traces.len(), 20);
    for trace in &traces {
        assert!(trace.run.duration_seconds.unwrap() >= 0.0);
        let work = &trace.stages["work"];
        assert!(work.duration_seconds.unwrap() >= 0.0);
        assert!(work.completed_at.unwrap() >= work.started_at.unwrap());
        assert!(trace.run.completed_at.unwrap() >= work.completed_at.unwrap());
        assert!(work.started_at.unwrap() >= trace.run.started_at.unwrap());
    }
}
