//! What a generation pipeline leaves in files: enough to answer seven questions of a failed run, and every text in full.

#![cfg(all(feature = "sqlite", feature = "tokio"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

mod support;
#[path = "support/generation.rs"]
mod texts;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use texts::{PROMPT, RESPONSE, TEMPLATE, ask, passes};
use trace_core::Options;
use whytrace::files::{DocumentSink, Follow, Session, document_path, read_whole, session_path};
use whytrace::generation::{
    Artifact, Broken, Diagnosis, Fix, QUESTIONS, check, codegen, heal, render_text, write_file,
};
use whytrace::redact::RedactConfig;
use whytrace::{Run, TraceContext};

const SPECIFICATION: &str = "todo_store, two methods";

/// What a run writes, asks and finds; the texts may be as large as one likes.
struct Texts {
    prompt: String,
    response: String,
    out: PathBuf,
}

/// A run that fails: its code cannot be healed.
fn failing(texts: &Texts) {
    let trace = TraceContext::start(Run::new("gen").session("job-1").query("todo_store"));
    let id = trace.trace_id().to_owned();
    trace.scope(|| {
        let generation = whytrace::stage_for("generation", "todo_store");
        let text = generation.scope(|| {
            let code = codegen("todo_store", &SPECIFICATION);
            let text = code.scope(|| {
                let answer = ask(&texts.prompt, &texts.response);
                render_text("module.j2", TEMPLATE, &serde_json::json!({ "name": "todo", "body": answer })).unwrap()
            });
            code.finish(&text, &whytrace::generation::Report::default());
            write_file(&texts.out, &text).unwrap();
            text
        });
        drop(generation);
        let mut validation = whytrace::stage_for("validation", "todo_store");
        validation.scope(|| {
            let validator = check("bodies", "logic", passes);
            let fix = |broken: Broken| Ok::<_, std::fmt::Error>(Fix::new(broken.artifact.text + "\n").by("blank_line"));
            heal(Artifact::new("todo_store.py", text), 2, &validator, fix)
        });
        validation.error(std::io::Error::other("todo_store is of no use"));
    });
    trace.mark_failed(std::io::Error::other("todo_store is of no use"));
    drop(trace);
    assert!(id.starts_with("trc_"));
}

/// Runs code with documents and streams below a folder, and nothing else.
fn recorded(dir: &Path, code: impl FnOnce()) {
    let mut options = Options::default();
    options.dir = Some(dir.to_owned());
    let sinks: Vec<Arc<dyn whytrace::sink::Sink>> = vec![Arc::new(DocumentSink::new())];
    let tracer = trace_core::Tracer::new(options, &RedactConfig::default(), sinks).unwrap();
    tracer.scope(code);
    assert!(tracer.close(Duration::from_secs(60)));
}

/// The files of a failed run; those who read them know nothing else of it.
struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn of(prompt: &str, response: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("todo_store.py");
        let texts = Texts { prompt: prompt.to_owned(), response: response.to_owned(), out };
        recorded(&dir.path().join("traces"), || failing(&texts));
        Self { dir }
    }

    fn project(&self) -> PathBuf {
        self.dir.path().join("traces/gen")
    }

    fn session(&self) -> Session {
        Session::load(&session_path(&self.project(), "job-1")).unwrap()
    }

    /// By the document and its side files.
    fn diagnosis(&self) -> Diagnosis {
        let id = self.session().traces()[0].trace_id.clone();
        let (trace, problems) = read_whole(&document_path(&self.project(), &id).unwrap()).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        Diagnosis::of(&trace)
    }
}

static FAILED: LazyLock<Files> = LazyLock::new(|| Files::of(PROMPT, RESPONSE));

/// The answer to the n-th question, from 1; the document gives it, and so does the stream alone.
#[track_caller]
fn answer(number: usize) -> String {
    let answer = FAILED.diagnosis().answers()[number - 1].clone();
    assert_eq!(answer.question, QUESTIONS[number - 1]);
    let of_stream = Diagnosis::of(&FAILED.session().traces()[0]).answers()[number - 1].clone();
    assert_eq!(answer, of_stream);
    answer.answer
}

#[test]
fn question_1_what_prompt_was_sent() {
    let answer = answer(1);
    assert!(
        answer.contains(PROMPT) && answer.contains("model small-1") && answer.contains("temperature 0.2"),
        "{answer}"
    );
}

#[test]
fn question_2_what_the_model_responded() {
    let answer = answer(2);
    assert!(answer.contains(RESPONSE) && answer.contains("try 1 failed: busy"), "{answer}");
}

#[test]
fn question_3_how_the_response_was_transformed() {
    let answer = answer(3);
    let rendered = format!("# todo\n{RESPONSE}");
    assert!(answer.contains(TEMPLATE) && answer.contains(&rendered), "{answer}");
    assert!(answer.contains("todo_store.py, in") || answer.contains("file_write"), "{answer}");
    assert!(answer.contains(SPECIFICATION), "{answer}");
}

#[test]
fn question_4_where_validation_failed() {
    let answer = answer(4);
    assert!(answer.starts_with("todo_store.py:3:3 (logic), in validation / logic (todo_store)"), "{answer}");
    assert!(answer.contains("> 3 |   pass"), "{answer}");
}

#[test]
fn question_5_what_the_exact_error_was() {
    let answer = answer(5);
    assert!(answer.starts_with("EmptyBody: the body is empty (line 3)"), "{answer}");
    assert!(answer.contains("todo_store is of no use"), "{answer}");
}

#[test]
fn question_6_what_healing_was_attempted() {
    let answer = answer(6);
    assert!(answer.starts_with("todo_store.py: 2 attempts, failed"), "{answer}");
    assert!(
        answer.contains("attempt 1 (blank_line): EmptyBody") && answer.contains("attempt 2 (blank_line)"),
        "{answer}"
    );
}

#[test]
fn question_7_why_healing_failed() {
    let answer = answer(7);
    assert!(
        answer.starts_with("todo_store.py: gave_up: all 2 attempts were used up; still wrong: EmptyBody"),
        "{answer}"
    );
}

#[test]
fn the_summary_of_a_session_tells_its_stages_errors_and_calls() {
    let session = FAILED.session();
    let summary = session.generate_summary();
    assert_eq!(summary.total_events, session.events.len() as u64);
    assert_eq!(summary.events.values().sum::<u64>(), summary.total_events);
    let stages: Vec<_> =
        summary.traces[0].stages.iter().map(|stage| (stage.stage.as_str(), stage.component.as_deref())).collect();
    assert_eq!(stages, [("generation", Some("todo_store")), ("validation", Some("todo_store"))]);
    assert!(summary.traces[0].stages.iter().all(|stage| stage.duration_ms.is_some()));
    assert_eq!((summary.llm_calls, summary.tokens.unwrap().total_tokens, summary.calls_without_cost), (1, 50, 1));
    let errors: Vec<_> = summary.errors.iter().map(|error| error.error_message.as_str()).collect();
    assert_eq!(errors, ["the body is empty", "todo_store is of no use"]);
    // Following gives the same events.
    assert_eq!(Follow::new(&session.path).poll().unwrap(), session.events);
}

/// Texts of every kind, as they were sent and written.
#[track_caller]
fn assert_whole(files: &Files, prompt: &str, response: &str) {
    let diagnosis = files.diagnosis();
    assert_eq!(diagnosis.calls[0].messages[0]["content"], prompt);
    assert_eq!(diagnosis.calls[0].response, response);
    let written = std::fs::read_to_string(files.dir.path().join("todo_store.py")).unwrap();
    assert_eq!(written, format!("# todo\n{response}"));
    let file = diagnosis.transformations.iter().find(|step| step.kind == "file_write").unwrap();
    assert_eq!(file.before, written);
}

#[test]
fn texts_are_kept_as_they_were_sent_and_written() {
    assert_whole(&FAILED, PROMPT, RESPONSE);
}

#[test]
fn large_texts_are_read_back_from_their_side_files() {
    let (prompt, response) = (PROMPT.repeat(3_000), RESPONSE.repeat(10_000));
    assert!(prompt.len() > 100_000 && response.len() > 100_000);
    let files = Files::of(&prompt, &response);
    let names = format!("{:?}", support::files(&files.project()));
    assert!(names.contains("/llm_job-1_todo_store_1.json"), "{names}");
    assert_whole(&files, &prompt, &response);
    // A side file that is not the one that was meant is not believed.
    let document = document_path(&files.project(), &files.session().traces()[0].trace_id).unwrap();
    let side_file = support::files(&files.project())
        .into_iter()
        .find(|path| path.ends_with("llm_job-1_todo_store_1.json"))
        .unwrap();
    let forged = std::fs::read_to_string(&side_file).unwrap().replace("TodoStore", "TodoStare");
    std::fs::write(&side_file, forged).unwrap();
    let (trace, problems) = read_whole(&document).unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(!format!("{trace:?}").contains("TodoStare"));
}

#[test]
fn beyond_the_limit_length_and_hash_of_the_whole_text_are_kept() {
    let prompt = "x".repeat(3 << 20);
    let files = Files::of(&prompt, RESPONSE);
    let kept = files.diagnosis().calls[0].messages[0]["content"].as_str().unwrap().to_owned();
    let clipped = trace_core::text::Clipped::parse(&kept).unwrap();
    assert_eq!((clipped.bytes, clipped.hash), (prompt.len() as u64, blake3::hash(prompt.as_bytes()).to_hex().as_str()));
    assert!(clipped.head.len() > 1_000_000 && prompt.starts_with(clipped.head));
}
