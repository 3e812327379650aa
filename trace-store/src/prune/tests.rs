use super::*;
use crate::files::DocumentSink;
use crate::sql::tests::fixture::{full, small};
use crate::sql::tests::{Database, block_on, on_every_database, store};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use trace_core::model::Trace;
use trace_core::sink::{FinishedTrace, Sink};

/// After the time in the ids of the fixtures, which says when a run began where it is not opened.
const OLD: &str = "2026-02-20T00:00:00Z";

/// A complete run with everything that a run leaves: rows, document, summary, side file, event stream.
fn keep(database: &Database, mut trace: Trace, began: &str) -> String {
    trace.run.started_at = Some(began.parse().unwrap());
    trace.session_id = "shared".into();
    let side_file = format!("llm_shared_{}_1.json", trace.trace_id);
    let stage = trace.stages.values_mut().next().unwrap();
    let attributes = serde_json::json!({ "side_file": side_file }).as_object().unwrap().clone();
    stage.observations.push(trace_core::model::Observation { attributes, ..Default::default() });
    let project_dir = database.traces_dir().join(&trace.project_id);
    let traces_dir = project_dir.join("_traces");
    fs::create_dir_all(&traces_dir).unwrap();
    fs::write(traces_dir.join(side_file), "{}").unwrap();
    let id = trace.trace_id.clone();
    fs::write(crate::files::summary_path(&project_dir, &id).unwrap(), "# Trace").unwrap();
    append(&traces_dir.join("session_shared.jsonl"), &format!("{{\"event\":\"trace_start\",\"trace_id\":\"{id}\"}}\n"));
    let finished =
        FinishedTrace { trace: Arc::new(trace), project_dir: Some(project_dir), sampled: true, again: false };
    DocumentSink::new().store(std::slice::from_ref(&finished)).pop().unwrap().unwrap();
    store(&database.sink(), &finished);
    id
}

fn append(path: &Path, line: &str) {
    let before = fs::read_to_string(path).unwrap_or_default();
    fs::write(path, before + line).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn prune(database: &Database, criteria: &Criteria) -> Removed {
    block_on(async {
        let store = Store::of_database(&database.url, Some(database.traces_dir())).await.unwrap();
        let sql = SqlStore::open(&database.url).await.unwrap();
        let mut pruner = Pruner { dir: database.traces_dir().to_owned(), store, sql: Some(sql) };
        let doomed = pruner.find(criteria).await.unwrap();
        let removed = pruner.remove(&doomed, |_| {}).await.unwrap();
        pruner.close().await;
        removed
    })
}

fn older_than(moment: &str) -> Criteria {
    Criteria { older_than: Some(moment.parse().unwrap()), ..Criteria::default() }
}

on_every_database! {
    fn an_old_run_goes_everywhere_and_a_young_one_stays_whole(database: Database) {
        let old = keep(database, full(1), "2026-01-01T00:00:00Z");
        let young = keep(database, full(2), "2026-03-01T00:00:00Z");
        let removed = prune(database, &older_than(OLD));
        assert_eq!((removed.traces, removed.files), (1, 3));
        let traces_dir = database.traces_dir().join("cobot/_traces");
        assert!(names(&traces_dir).iter().all(|name| !name.contains(&old)));
        assert_eq!(names(&traces_dir).iter().filter(|name| name.contains(&young)).count(), 3);
        let stream = fs::read_to_string(traces_dir.join("session_shared.jsonl")).unwrap();
        assert!(stream.contains(&young) && !stream.contains(&old));
        // The document and the side file of the young one.
        assert_eq!((database.count("traces"), database.count("trace_documents")), (1, 2));
        let differences = database.read(async |store| store.check_rollups().await.unwrap());
        assert!(differences.is_empty(), "{differences:?}");
    }

    fn a_session_whose_runs_are_all_gone_has_no_stream(database: Database) {
        keep(database, small(1), "2026-01-01T00:00:00Z");
        keep(database, small(2), "2026-01-02T00:00:00Z");
        assert_eq!(prune(database, &older_than(OLD)).traces, 2);
        assert_eq!(names(&database.traces_dir().join("cobot/_traces")), Vec::<String>::new());
        for table in ["traces", "stages", "decisions", "observations", "scores", "calibration_flags", "prompt_executions", "trace_documents"] {
            assert_eq!(database.count(table), 0, "{table}");
        }
    }

    fn a_document_without_rows_goes_too(database: Database) {
        let id = keep(database, small(1), "2026-01-01T00:00:00Z");
        database.read(async |store| store.delete_traces(vec![id]).await.unwrap());
        assert_eq!(prune(database, &older_than(OLD)).traces, 1);
        assert_eq!(names(&database.traces_dir().join("cobot/_traces")), Vec::<String>::new());
    }

    fn status_and_project_narrow_the_choice_and_a_running_one_is_never_chosen(database: Database) {
        let mut failed = small(1);
        failed.run.status = Status::Failed;
        keep(database, failed, "2026-01-01T00:00:00Z");
        keep(database, small(2), "2026-01-01T00:00:00Z");
        let mut running = small(3);
        running.run.status = Status::InProgress;
        keep(database, running, "2026-01-01T00:00:00Z");
        let other = Criteria { project: Some("other".into()), ..older_than(OLD) };
        assert_eq!(prune(database, &other).traces, 0);
        let failed = Criteria { statuses: vec![Status::Failed], ..older_than(OLD) };
        assert_eq!(prune(database, &failed).traces, 1);
        assert_eq!(prune(database, &older_than(OLD)).traces, 1);
        assert_eq!(database.count("traces"), 1);
    }
}
