//! Whole runs, captured: what the report says and what the trace says.

use super::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use whytrace::model::Trace;
use whytrace::settings::Settings;
use whytrace::testing::{Captured, capture};

/// A folder for corpus and report that is removed again.
struct Desk(PathBuf);

impl Desk {
    fn new(documents: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("whytrace-pipeline-{}-{number}", std::process::id()));
        fs::create_dir_all(folder.join("corpus")).unwrap();
        for (name, text) in documents {
            fs::write(folder.join("corpus").join(name), text).unwrap();
        }
        Self(folder)
    }

    fn ask(&self, corpus: &Path, query: &str, endpoint: Option<Endpoint>) -> Captured<Result<Report, Error>> {
        let mut settings = Settings::default();
        settings.dir = self.0.join("traces");
        let places = Places::of(&settings, "desk");
        let corpus = Some(self.0.join(corpus));
        let args = Args { corpus, query: query.to_owned(), project: "desk".to_owned(), verbose: false };
        capture(|| run(&args, &places, endpoint))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const DOCUMENTS: [(&str, &str); 3] = [
    (
        "stream.md",
        "The event stream of a trace is written while the process runs. A crash cannot take back what is written.",
    ),
    ("recovery.md", "After a crash, recovery folds the event stream into a document. The trace is then incomplete."),
    ("ducks.md", "Ducks swim on the lake in the evening. Nobody knows why they come back every year."),
];

const QUERY: &str = "What happens to a trace after a crash?";

fn decisions(trace: &Trace) -> Vec<&str> {
    trace.stages.values().flat_map(|stage| &stage.decisions).map(|decision| decision.decision.as_str()).collect()
}

#[test]
fn a_run_answers_from_its_sources_and_explains_itself() {
    let desk = Desk::new(&DOCUMENTS);
    let run = desk.ask("corpus".as_ref(), QUERY, None);
    let report = run.value.as_ref().unwrap();
    assert!(report.text.contains("recovery.md") && !report.text.contains("Ducks"), "{}", report.text);
    assert_eq!(fs::read_to_string(&report.path).unwrap(), report.text);
    assert!(report.text.contains(report.trace_id.as_ref().unwrap()), "the front matter names the trace");

    let trace = run.trace();
    for point in [
        "intent_classified",
        "domain_detected",
        "rubric_selected",
        "retrieval_method_selected",
        "query_expanded",
        "source_selected",
        "evidence_cutoff_chosen",
        "synthesizer_selected",
        "summary_length_chosen",
        "outline_ordered",
        "gate_verdict",
    ] {
        assert!(decisions(trace).contains(&point), "{point}");
    }
    let call = trace.stages["synthesis"].observations.iter().find(|seen| seen.name == "summarise").unwrap();
    let llm = call.llm.as_ref().unwrap();
    assert_eq!((llm.provider.as_deref(), llm.model.as_deref()), (Some("local"), Some("extractive")));
    assert_eq!(llm.prompt_name.as_deref(), Some("research_synthesis"));
    assert!(llm.messages.to_string().contains(QUERY) && llm.cost_usd.is_none());
    assert!(llm.usage.unwrap().input_tokens > 50);
}

#[test]
fn the_same_corpus_gives_the_same_answer() {
    let desk = Desk::new(&DOCUMENTS);
    let body = || {
        let report = desk.ask("corpus".as_ref(), QUERY, None).value.unwrap();
        report.text.split_once("# ").unwrap().1.to_owned()
    };
    assert_eq!(body(), body());
}

#[test]
fn a_question_without_a_match_is_tried_again_and_honestly_fails_the_gate() {
    for documents in [&DOCUMENTS[..], &[]] {
        let desk = Desk::new(documents);
        let run = desk.ask("corpus".as_ref(), "zxqv", None);
        assert!(run.value.as_ref().unwrap().text.contains("no passage"));
        let trace = run.trace();
        assert_eq!(trace.run.status, whytrace::Status::Complete);
        assert_eq!((trace.iterations.len(), trace.quality_gate_failures), (MOST_ITERATIONS, MOST_ITERATIONS as u32));
        assert_eq!(trace.stages["quality_gate#3"].overall_score, Some(0.0));
        assert!(decisions(trace).contains(&"retry_strategy_selected"));
    }
}

#[test]
fn a_corpus_that_is_not_there_fails_the_run() {
    let run = Desk::new(&[]).ask("nowhere".as_ref(), QUERY, None);
    assert!(matches!(run.value, Err(Error::Corpus { .. })));
    assert_eq!(run.trace().run.status, whytrace::Status::Failed);
}

#[test]
fn without_an_answer_from_the_model_the_summariser_takes_over() {
    // Nothing listens on this port: it was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = Endpoint::new(&format!("http://127.0.0.1:{port}/v1"), None, "absent".to_owned());
    let run = Desk::new(&DOCUMENTS).ask("corpus".as_ref(), QUERY, Some(endpoint));
    assert!(run.value.as_ref().unwrap().text.contains("recovery.md"));
    let synthesis = &run.trace().stages["synthesis"];
    let asked = synthesis.observations.iter().find(|seen| seen.name == "ask_model").unwrap();
    assert_eq!(asked.outcome, Some(whytrace::Outcome::Err));
    assert_eq!(asked.llm.as_ref().unwrap().attempts.len(), 3);
    let selected: Vec<_> = synthesis.decisions.iter().filter(|d| d.decision == "synthesizer_selected").collect();
    assert_eq!(selected.iter().map(|d| d.what.as_str()).collect::<Vec<_>>(), ["model", "extractive"]);
}

#[test]
fn the_code_decides_what_its_components_declare() {
    whytrace::testing::assert_conformance();
}
