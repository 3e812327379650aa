use super::*;
use crate::files::{DocumentSink, SummarySink};
use std::fs;
use std::sync::Mutex;
use trace_core::sink::SinkError;

const SEED: &str = r#"{"trace_id": "trc_20260213_143022_a1b2c3d4", "project_name": "cobot", "query": "why?", "status": "complete",
    "stages": {"collection": {"decisions": [{"decision": "source_selected", "what": "exa", "why": "best",
    "alternatives_considered": ["google (0.6)"]}]}}}"#;

/// Keeps the ids of what it got.
#[derive(Default)]
struct Rows(Mutex<Vec<String>>);

impl Sink for Rows {
    fn name(&self) -> &'static str {
        "rows"
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        self.0.lock().unwrap().extend(traces.iter().map(|finished| finished.trace.trace_id.clone()));
        traces.iter().map(|_| Ok(Stored::default())).collect()
    }
}

fn import(from: &Path, dir: &Path) -> (Report, Vec<String>) {
    let rows = Arc::new(Rows::default());
    let documents: Vec<Arc<dyn Sink>> = vec![Arc::new(DocumentSink::new()), Arc::new(SummarySink::new(3.0))];
    let mut importer = Importer::new(dir, documents, Some(Arc::clone(&rows) as Arc<dyn Sink>));
    for source in find(from).unwrap() {
        importer.take(&source);
    }
    let report = importer.finish();
    let ids = rows.0.lock().unwrap().clone();
    (report, ids)
}

fn counts(report: &Report) -> (u64, u64, u64, usize) {
    (report.imported, report.present, report.saved, report.skipped.len())
}

#[test]
fn a_document_of_the_reference_implementation_is_imported_once() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(from.path().join("trc_20260213_143022_a1b2c3d4.json"), SEED).unwrap();
    let (first, ids) = import(from.path(), to.path());
    assert_eq!((counts(&first), ids.len()), ((1, 0, 1, 0), 1));
    let document = to.path().join("cobot/_traces/trc_20260213_143022_a1b2c3d4.json");
    let trace = files::read_document(&document).unwrap();
    let decision = &trace.stages["collection"].decisions[0];
    assert_eq!(decision.alternatives_considered[0].confidence, Some(0.6));
    let before = fs::read(&document).unwrap();
    let (again, _) = import(from.path(), to.path());
    assert_eq!(counts(&again), (0, 1, 1, 0));
    assert_eq!(fs::read(&document).unwrap(), before);
}

#[test]
fn a_folder_imported_into_itself_fills_the_database_and_changes_no_document() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(from.path().join("any name.json"), SEED).unwrap();
    let _ = import(from.path(), to.path());
    let (report, ids) = import(to.path(), to.path());
    assert_eq!(counts(&report), (0, 1, 1, 0));
    assert_eq!(ids, ["trc_20260213_143022_a1b2c3d4"]);
}

#[test]
fn side_files_come_along() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let text = SEED.replace(
        r#""decisions""#,
        r#""observations": [{"name": "c", "attributes": {"side_file": "llm_s_c_1.json"}}], "decisions""#,
    );
    fs::write(from.path().join("a.json"), text).unwrap();
    fs::write(from.path().join("llm_s_c_1.json"), "\"large\"").unwrap();
    let (report, _) = import(from.path(), to.path());
    assert_eq!(counts(&report), (1, 0, 1, 0), "{report:?}");
    assert_eq!(fs::read_to_string(to.path().join("cobot/_traces/llm_s_c_1.json")).unwrap(), "\"large\"");
}

#[test]
fn what_cannot_be_taken_costs_one_line_each() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let put = |name: &str, text: &str| fs::write(from.path().join(name), text).unwrap();
    put("half.json", "{\"trace_id\": \"trc_a\", \"sta");
    put("list.json", "[1]");
    put("outside.json", r#"{"trace_id": "../../etc/passwd", "status": "complete"}"#);
    put("running.json", r#"{"trace_id": "trc_b", "status": "in_progress"}"#);
    put("no_events.jsonl", "nothing\n");
    put("notes.txt", "no trace");
    put("evil\u{1b}[2J.json", "{}");
    let (report, ids) = import(from.path(), to.path());
    assert_eq!((counts(&report), ids.len()), ((0, 0, 0, 6), 0), "{report:#?}");
    assert!(report.skipped.iter().all(|problem| !problem.message.chars().any(char::is_control)));
    assert!(report.skipped.iter().any(|problem| problem.message.contains("whytrace recover")));
    assert_eq!(fs::read_dir(to.path()).unwrap().count(), 0);
}
