//! A folder of documents without a database.

use super::*;
use crate::query::{Page, Window};
use crate::settings::{Database as Where, Settings};
use std::path::Path;

fn put(root: &Path, project: &str, name: &str, text: &[u8]) {
    let folder = root.join(project).join("_traces");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), text).unwrap();
}

fn put_trace(root: &Path, trace: &Trace) {
    put(root, &trace.project_id, &format!("{}.json", trace.trace_id), &serde_json::to_vec(trace).unwrap());
}

#[test]
fn a_folder_answers_as_a_database_does() {
    let root = tempfile::tempdir().unwrap();
    let traces: Vec<Trace> = (1..=600).map(|n| recent(n, i128::from(n))).collect();
    traces.iter().for_each(|trace| put_trace(root.path(), trace));
    let seed = r#"{"trace_id": "trc_20260213_143022_a1b2c3d4", "query": "why?", "status": "complete",
        "stages": {"collection": {"decisions": [{"decision": "source_selected", "what": "exa", "alternatives_considered": ["google (0.6)"]}]}}}"#;
    put(root.path(), "seed", "trc_20260213_143022_a1b2c3d4.json", seed.as_bytes());
    block_on(async {
        let settings = Settings { dir: root.path().to_owned(), database: Where::Off, ..Settings::default() };
        let store = Store::open(&settings).await.unwrap();
        assert_eq!(store.skipped(), []);
        let first = store.search(&"".parse().unwrap(), Window::default(), &Page::new(500)).await.unwrap();
        assert_eq!((first.items.len(), first.items[0].trace_id.clone()), (500, id(1)));
        let rest = store
            .search(&"".parse().unwrap(), Window::default(), &Page::new(500).after(first.next_cursor.unwrap()))
            .await;
        assert_eq!(rest.unwrap().items.len(), 100);
        let seed = store.by_project("seed", Window::all_time(), &Page::default()).await.unwrap();
        assert_eq!(seed.items[0].query.as_deref(), Some("why?"));
        assert_eq!(store.place(), root.path().display().to_string());
    });
}

#[test]
fn what_is_no_document_is_one_line_and_the_rest_is_served() {
    let root = tempfile::tempdir().unwrap();
    put_trace(root.path(), &recent(1, 1));
    put(root.path(), "cobot", "trc_half.json", b"{\"trace_id\": \"trc_half\", \"sta");
    put(root.path(), "cobot", "package.json", b"{\"name\": \"left-pad\"}");
    put(root.path(), "cobot", "trc_bytes.json", b"\xff\xfe");
    put(root.path(), "cobot", "deep.json", &b"[".repeat(100_000));
    put(root.path(), "cobot", "evil\x1b[2J.json", b"{}");
    put(root.path(), "cobot", "llm_s_c_1.json", b"a side file");
    block_on(async {
        let store = Store::of_folder(root.path()).await.unwrap();
        assert_eq!(store.skipped().len(), 5, "{:#?}", store.skipped());
        assert!(store.skipped().iter().all(|problem| !problem.message.chars().any(char::is_control)));
        let all = store.search(&"".parse().unwrap(), Window::default(), &Page::default()).await.unwrap();
        assert_eq!(ids(&all), [id(1)]);
        for folder in [root.path().join("cobot"), root.path().join("cobot/_traces")] {
            let store = Store::of_folder(&folder).await.unwrap();
            assert_eq!(
                store.search(&"".parse().unwrap(), Window::default(), &Page::default()).await.unwrap().items.len(),
                1
            );
        }
        let missing = Store::of_folder(&root.path().join("missing")).await.unwrap_err().to_string();
        assert!(missing.contains("there is no such folder"), "{missing}");
    });
}
