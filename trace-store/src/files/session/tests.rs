use super::*;
use std::fs::{self, OpenOptions};
use std::io::Write;

/// A line of a stream.
fn line(seq: u64, event: &str, rest: &str) -> String {
    format!(
        "{{\"event\":\"{event}\",\"seq\":{seq},\"ts\":\"2026-02-13T14:30:2{}Z\",\"session_id\":\"job-1\",\"trace_id\":\"trc_1\"{rest}}}\n",
        seq % 10
    )
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq).collect()
}

/// A run with a stage, a model call, a validation error that is healed, and an error on its way up.
fn story() -> String {
    let call = r#""model":"m","usage":{"input_tokens":450,"output_tokens":320,"total_tokens":770},"cost_usd":0.0125"#;
    let found = r#","stage":"check","component":"todo_store","error_type":"SyntaxError","error_message":"expected `;`","line_number":178"#;
    let other =
        r#","stage":"check","component":"todo_store","error_type":"MissingMethod","error_message":"no method add""#;
    [
        line(0, "trace_start", r#","project_id":"codegen","query":"todo_store""#),
        line(1, "stage_start", r#","stage":"check","component":"todo_store","id":"01","name":"check""#),
        line(2, "llm_interaction", &format!(r#","stage":"check","id":"02","span_id":"01","llm":{{{call}}}"#)),
        line(3, "validation_error", &format!(r#"{found},"id":"03","span_id":"01","final_status":"healing""#)),
        line(
            4,
            "validation_error",
            &format!(r#"{other},"id":"04","span_id":"01","final_status":"healed","healing_ended":"healed""#),
        ),
        line(5, "cache", r#","stage":"check","span_id":"01","cache":"c","hit":true"#),
        line(6, "file_write", r#","stage":"check","id":"05","span_id":"01","path":"a.rs""#),
        line(
            7,
            "stage_end",
            r#","stage":"check","duration_ms":1500.0,"id":"01","outcome":"err","error":{"message":"no luck"}"#,
        ),
        line(8, "trace_end", r#","duration_ms":2000.0,"status":"failed","error":{"message":"no luck"}"#),
    ]
    .concat()
}

#[test]
fn a_summary_tells_events_stages_errors_calls_tokens_and_cost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session_job-1.jsonl");
    fs::write(&path, story() + "{\"event\":\"war").unwrap();
    let session = Session::load(&path).unwrap();
    assert_eq!((session.session_id.as_str(), session.events.len(), session.skipped_lines), ("job-1", 9, 1));
    let summary = session.generate_summary();
    assert_eq!((summary.total_events, summary.events["validation_error"], summary.events.len()), (9, 2, 8));
    let stage = &summary.traces[0].stages[0];
    assert_eq!((stage.stage.as_str(), stage.component.as_deref()), ("check", Some("todo_store")));
    assert_eq!((stage.duration_ms, summary.traces[0].duration_ms), (Some(1500.0), Some(2000.0)));
    assert_eq!((summary.llm_calls, summary.calls_without_cost), (1, 0));
    assert_eq!(summary.tokens.unwrap().total_tokens, 770);
    assert_eq!(summary.cost_usd.unwrap().to_string(), "0.0125");
    assert_eq!((summary.files_written, summary.cache_hits, summary.cache_misses), (1, 1, 0));
    let errors: Vec<_> =
        summary.errors.iter().map(|error| (error.error_message.as_str(), error.final_status.as_deref())).collect();
    let healed = Some("healed");
    assert_eq!(errors, [("expected `;`", healed), ("no method add", healed), ("no luck", None)], "each once");
    assert_eq!(summary.errors[0].line_number, Some(178));
    let shown = summary.to_string();
    for part in
        ["Session job-1: 9 events", "check (todo_store)  1.5s  err", "1 LLM call, 450 tokens in, 320 out", "line 178"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!((&json["total_events"], &json["events"]["stage_end"]), (&9.into(), &1.into()));
}

#[test]
fn a_session_that_is_not_there_is_an_error_and_an_empty_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Session::load(&dir.path().join("session_x.jsonl")).unwrap_err().to_string().contains("session_x.jsonl"));
    let path = session_path(dir.path(), "job/1");
    assert!(path.parent().unwrap().ends_with("_traces") && !path.file_name().unwrap().to_string_lossy().contains('/'));
    let empty = dir.path().join("session_empty.jsonl");
    fs::write(&empty, "").unwrap();
    assert_eq!(Session::load(&empty).unwrap().generate_summary(), SessionSummary::default());
}

#[test]
fn following_gives_whole_lines_only_and_each_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.jsonl");
    let mut follow = Follow::new(&path);
    assert!(follow.poll().unwrap().is_empty(), "it is not there yet");
    let second = line(1, "warning", r#","message":"b""#);
    let (half, rest) = second.split_at(20);
    append(&path, &(line(0, "warning", r#","message":"a""#) + half));
    assert_eq!(numbers(&follow.poll().unwrap()), [0]);
    assert!(follow.poll().unwrap().is_empty());
    append(&path, &format!("{rest}no event\n"));
    assert_eq!(numbers(&follow.poll().unwrap()), [1]);
    assert_eq!(follow.skipped_lines(), 1);
}

#[test]
fn following_survives_rotation_and_being_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.jsonl");
    let warning = |seq| line(seq, "warning", r#","message":"x""#);
    append(&path, &(warning(0) + &warning(1)));
    let mut follow = Follow::new(&path);
    assert_eq!(numbers(&follow.poll().unwrap()), [0, 1]);
    // The last lines of the old file are read before those of the new one; its unfinished line is given up.
    append(&path, &(warning(2) + "{\"event\":"));
    fs::rename(&path, dir.path().join("session.1.jsonl")).unwrap();
    assert_eq!(numbers(&follow.poll().unwrap()), [2]);
    append(&dir.path().join("session.1.jsonl"), &(String::from("\n") + &warning(3)));
    append(&path, &warning(4));
    assert_eq!(numbers(&follow.poll().unwrap()), [3, 4]);
    fs::write(&path, "").unwrap();
    assert!(follow.poll().unwrap().is_empty());
    append(&path, &warning(5));
    assert_eq!(numbers(&follow.poll().unwrap()), [5]);
    assert_eq!(follow.skipped_lines(), 1);
}

#[test]
fn the_iterator_waits_for_events_until_it_is_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.jsonl");
    let follow = Follow::new(&path);
    let stop = follow.stopper();
    let reader = std::thread::spawn(move || {
        let mut seen = Vec::new();
        for event in follow {
            let event = event.unwrap();
            seen.push(event.seq);
            if event.seq == 99 {
                stop.stop();
            }
        }
        seen
    });
    for seq in 0..100 {
        append(&path, &line(seq, "warning", r#","message":"x""#));
    }
    assert_eq!(reader.join().unwrap(), (0..100).collect::<Vec<u64>>());
}

#[test]
#[cfg(unix)]
fn a_pipe_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = dir.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(Follow::new(&pipe).poll().is_err());
    assert!(Session::load(&pipe).is_err());
}
