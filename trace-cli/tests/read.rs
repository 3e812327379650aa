//! The reading commands of the real program, over runs of really traced code.

#![allow(clippy::unwrap_used)]

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::process::Stdio;
use support::{HOSTILE, ask, ask_documents, ids, store, whytrace};

#[test]
fn lists_are_the_same_from_database_and_documents() {
    let database = ask(store(), &["list", "--json"]).json();
    let documents = ask_documents(store(), &["list", "--json"]).json();
    assert_eq!(database["items"].as_array().unwrap().len(), 3);
    // Where its document is stands in the row that the program wrote; everything else is the same.
    assert_eq!(database["items"], documents["items"]);
}

#[test]
fn every_reading_command_answers_for_people_and_for_programs() {
    let [good, weak, _] = ids();
    let commands: &[(&[&str], &str)] = &[
        (&["list"], "items next_cursor"),
        (&["query", "intent = validating"], "items next_cursor"),
        (&["failures"], "items next_cursor"),
        (&["show", &good], "schema_version trace_id run stages"),
        (
            &["compare", &good, &weak],
            "a b quality_delta cost_delta_usd gaps_b_only first_differing_decision differing_prompts",
        ),
        (&["why", &weak], "trace outcome gate errors decisions prompts flags previous_good"),
        (&["summary"], "total_runs complete failed avg_quality total_cost_usd"),
        (&["summary", "--by", "intent"], "0/key 0/figures"),
        (&["patterns", "--min-runs", "1"], "0/principle_id 0/fail_count 0/fail_rate"),
        (&["costs"], "0/day 0/prompt_name 0/cost_usd"),
        (&["latency"], "0/prompt_name 0/p95_ms"),
        (&["stages"], "0/stage 0/p95_seconds 0/share"),
        (&["errors"], "0/message 0/count 0/example_trace_id"),
        (&["components"], "0/name 0/decisions 0/outputs"),
        (&["doctor"], "ok checks/0/name checks/0/state checks/0/found checks/0/advice"),
        (&["migrate", "status"], "0/version 0/name 0/applied_at"),
    ];
    for (command, paths) in commands {
        let people = ask(store(), command);
        assert_eq!(people.code, 0, "{command:?}: {}", people.err);
        assert!(!people.out.is_empty(), "{command:?}");
        let json = ask(store(), &[command, &["--json"][..]].concat()).json();
        for path in paths.split(' ') {
            assert!(json.pointer(&format!("/{path}")).is_some(), "{command:?} has no {path}: {json:#}");
        }
    }
}

#[test]
fn a_listed_run_has_the_fields_that_are_documented() {
    let listed = ask(store(), &["list", "--json"]).json();
    let fields: BTreeSet<&str> = listed["items"][0].as_object().unwrap().keys().map(String::as_str).collect();
    let page = include_str!("../../docs/cli.md");
    let documented = page.split("<!-- fields of a run -->").nth(1).expect("docs/cli.md lists the fields of a run");
    let documented: BTreeSet<&str> = documented.split('`').skip(1).step_by(2).collect();
    assert_eq!(fields, documented);
}

#[test]
fn a_run_is_shown_in_every_form() {
    let [good, weak, _] = ids();
    let card = ask(store(), &["show", &good]).out;
    assert!(card.contains("Quality: 3.0/3.0  PASS") && card.contains("Evidence: 28->18"), "{card}");
    let verbose = ask(store(), &["show", "-v", &weak]).out;
    assert!(verbose.contains("META-12: 0.5 <gap"), "{verbose}");
    let markdown = ask(store(), &["show", "--markdown", &good]).out;
    assert!(markdown.starts_with("# Trace"), "{markdown}");
    let tree = ask(store(), &["show", "--tree", &good]).out;
    for part in [
        "├─ collection",
        "◆ source_selected = exa  0.90",
        "why: it fits best",
        "instead of: google (0.60)",
        "generate (llm)  m-1  answer@",
        "━",
    ] {
        assert!(tree.contains(part), "no `{part}` in\n{tree}");
    }
    let beginning = &good[..good.len() - 2];
    assert_eq!(ask(store(), &["show", "--json", beginning]).json()["trace_id"], good.as_str());
}

#[test]
fn why_names_gap_reason_and_what_the_good_run_did() {
    let [good, weak, _] = ids();
    let why = ask(store(), &["why", &weak]).out;
    for part in [
        "META-12: two claims without a source",
        "source_selected = reddit",
        "why: it fits best",
        &good,
        "then  exa",
        "now   reddit",
    ] {
        assert!(why.contains(part), "no `{part}` in\n{why}");
    }
    let compared = ask(store(), &["compare", &good, &weak]).out;
    for part in
        ["quality gate", "gaps in B only: META-12", "collection, source_selected", "A  exa", "B  reddit", "the same: "]
    {
        assert!(compared.contains(part), "no `{part}` in\n{compared}");
    }
}

/// Whether a text could act on a terminal: control characters but line breaks, overrides of direction, invisible characters.
fn acts(text: &str) -> Option<char> {
    let hazard = |c: &char| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().find(hazard)
}

#[test]
fn nothing_recorded_acts_on_the_terminal() {
    let [good, _, broken] = ids();
    let commands: &[&[&str]] = &[
        &["list"],
        &["list", "--intent", HOSTILE],
        &["query", "status = failed"],
        &["show", &broken],
        &["show", "-v", &broken],
        &["show", "--tree", &broken],
        &["show", "--markdown", &broken],
        &["show", "--json", &broken],
        &["why", &broken],
        &["why", "--json", &broken],
        &["compare", &good, &broken],
        &["compare", "--json", &good, &broken],
        &["summary", "--by", "domain"],
        &["summary", "--by", "domain", "--json"],
        &["errors"],
        &["export", "-"],
        &["show", HOSTILE],
        &["query", HOSTILE],
        &[HOSTILE],
        &["list", HOSTILE],
        &["import", HOSTILE],
        &["prompts", "show", HOSTILE],
    ];
    for command in commands {
        let said = ask(store(), command);
        for text in [&said.out, &said.err] {
            assert_eq!(acts(text), None, "{command:?}: {text:?}");
        }
    }
    assert_eq!(ask(store(), &["show", "--json", &broken]).json()["run"]["query"], HOSTILE);
}

#[test]
fn mistakes_are_one_line_with_the_way_out() {
    let [good, ..] = ids();
    let near = format!("{}x", &good[..good.len() - 1]);
    let nowhere = store().join("nowhere");
    let nowhere = nowhere.to_str().unwrap();
    let mistakes: &[(&[&str], i32, &str)] = &[
        (&["lst"], 2, "'list'"),
        (&["list", "--jsn"], 2, "'--json'"),
        (&["list", "--limit", "0"], 2, "1..=500"),
        (&["list", "--since", "yesterday"], 2, "-7d"),
        (&["list", "--cursor", "x"], 2, "next_cursor"),
        (&["list", "--prompt", "answer@new"], 2, "NAME@2"),
        (&["query", "intnet = x"], 2, "did you mean `intent`?"),
        (&["query", "status = "], 2, "column"),
        (&["show"], 2, "<ID>"),
        (&["show", &near], 1, &good),
        (&["show", "trc_"], 1, "give more of the id"),
        (&["compare", &good, "trc_19990101"], 1, "there is no trace"),
        (&["list", "--database", "mysql://root:hunter2@h/d"], 2, "expected sqlite://PATH"),
        (&["list", "--database", "postgres://u:hunter2@127.0.0.1:1/d"], 1, "127.0.0.1:1"),
        (&["list", "--dir", nowhere], 1, "nowhere"),
        (&["prune"], 2, "--older-than"),
        (&["prune", "--status", "good"], 2, "complete, failed or incomplete"),
        (&["prune", "--older-than", "soon"], 2, "90d"),
        (&["export", "runs.csv"], 2, "--format"),
        (&["migrate", "down", "--to", "99", "--yes"], 2, "99"),
        (&["import", nowhere], 2, "No such file"),
        (&["review", &good], 2, "--note"),
        (&["score", &good, "META-1", "high"], 2, "high"),
    ];
    for (command, code, expected) in mistakes {
        let said = ask(store(), command);
        assert_eq!(said.code, *code, "{command:?}: {} {}", said.out, said.err);
        assert_eq!(said.err.lines().count(), 1, "{command:?}: {}", said.err);
        assert!(said.err.starts_with("whytrace: ") && said.err.contains(expected), "{command:?}: {}", said.err);
        assert!(!said.err.contains("hunter2"), "{}", said.err);
    }
}

#[test]
fn nothing_found_is_exit_code_one() {
    for command in [
        &["list", "--project", "nobody"][..],
        &["query", "intent = nobody"],
        &["flags", "--until", "2020-01-01", "--since", "2019-01-01"],
    ] {
        let said = ask(store(), command);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{command:?}: {}", said.err);
    }
}

#[test]
fn columns_fit_the_terminal() {
    for width in [40, 60, 80, 120, 200] {
        let output = whytrace()
            .arg("--dir")
            .arg(store())
            .args(["list", "--no-color"])
            .env("COLUMNS", width.to_string())
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
            assert!(line.starts_with("trc_") || line.starts_with("TRACE"), "{line}");
        }
    }
}

#[test]
fn a_pipe_that_is_closed_ends_it_quietly() {
    let [good, ..] = ids();
    let mut child = whytrace()
        .arg("--dir")
        .arg(store())
        .args(["show", "--json", &good])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 10];
    child.stdout.as_mut().unwrap().read_exact(&mut some).unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn pages_join_to_the_whole_list() {
    let whole = ask(store(), &["list", "--json"]).json();
    let mut joined: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut arguments = vec!["list", "--json", "-n", "1"];
        if let Some(cursor) = &cursor {
            arguments.extend(["--cursor", cursor]);
        }
        let page = ask(store(), &arguments).json();
        joined.extend(page["items"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(Value::from(joined), whole["items"]);
}

#[test]
fn completions_and_the_manual_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(ask(store(), &["completion", shell]).out.contains("compare"), "{shell}");
    }
    let manual = ask(store(), &["man"]).out;
    for command in ["list", "doctor", "export"] {
        assert!(
            manual.contains(&format!("whytrace\\-{command}")) || manual.contains(&format!("whytrace {command}")),
            "{command}"
        );
    }
}
