//! The helpers for generation pipelines: the same results with and without a trace, and everything in the trace.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on stops where it stands")]

use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::Path;
use whytrace::generation::{
    Artifact, Broken, Diagnosis, Finding, Fix, Healing, HealingEnd, Unverified, chain, check, codegen, heal,
    heal_async, minijinja, render, render_text, validate, write_file,
};
use whytrace::model::{Observation, Outcome};
use whytrace::{Trace, testing};

/// All observations of a kind, in order.
fn observations<'a>(trace: &'a Trace, kind: &str) -> Vec<&'a Observation> {
    let all = trace.stages.values().flat_map(|stage| &stage.observations);
    all.filter(|observation| observation.kind.as_str() == kind).collect()
}

/// The one observation of a kind.
#[track_caller]
fn only<'a>(trace: &'a Trace, kind: &str) -> &'a Observation {
    let found = observations(trace, kind);
    assert_eq!(found.len(), 1, "{kind}: {found:#?}");
    found[0]
}

/// Braces must be closed; the finding is where the text ends.
fn braces(artifact: &Artifact) -> Vec<Finding> {
    let count = |brace| artifact.text.matches(brace).count();
    if count('{') == count('}') {
        return vec![];
    }
    let line = artifact.text.lines().count().max(1) as u64;
    vec![Finding::new("SyntaxError", "a brace is not closed").at(line, 1).within(&artifact.text)]
}

const BROKEN: &str = "fn main() {\n    if true {\n";

/// Heals `BROKEN` by a closure that says what each attempt gives.
fn heal_by(max: u32, fix: impl FnMut(Broken) -> Result<Fix, std::fmt::Error>) -> Healing<std::fmt::Error> {
    heal(Artifact::new("main.rs", BROKEN), max, &check("braces", "syntax", braces), fix)
}

fn add_brace(broken: Broken) -> Result<Fix, std::fmt::Error> {
    Ok(Fix::new(broken.artifact.text + "}\n").by("closed_brace"))
}

/// The record that closes the healing of a trace.
fn conclusion(trace: &Trace) -> &Observation {
    let ended = |found: &&&Observation| found.attributes.contains_key("healing_ended");
    observations(trace, "validation").iter().find(ended).copied().unwrap()
}

#[test]
fn a_file_is_written_checked_and_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("todo_store.rs");
    let run = testing::trace(|| write_file(&path, "pub struct TodoStore;\n").unwrap());
    assert!(run.value.created && run.value.atomic && run.value.verified);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "pub struct TodoStore;\n");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file is left");
    let write = only(run.trace(), "file_write");
    assert_eq!(write.outcome, Some(Outcome::Ok));
    assert_eq!(write.input["path"], path.to_str().unwrap());
    assert_eq!(write.input["content"], "pub struct TodoStore;\n");
    assert_eq!(write.output["bytes"], 22);
    let before = &write.attributes["checks_before"];
    assert_eq!((&before["exists"], &before["folder_exists"]), (&json!(false), &json!(true)));
    let after = &write.attributes["checks_after"];
    assert_eq!((&after["content_matches"], &after["bytes"]), (&json!(true), &json!(22)));
    if cfg!(unix) {
        assert!(before["free_bytes"].as_u64().is_some(), "{before}");
        assert!(write.output["permissions"].as_str().unwrap().starts_with("rw-"), "{:?}", write.output);
        assert!(write.output["owner"].as_str().unwrap().contains(':'), "{:?}", write.output);
    }
}

#[test]
fn what_a_validator_said_stands_among_the_checks_before_writing() {
    let dir = tempfile::tempdir().unwrap();
    let run = testing::trace(|| {
        let artifact = Artifact::new("main.rs", BROKEN);
        let report = validate(&check("braces", "syntax", braces), &artifact);
        whytrace::generation::FileWriter::new(dir.path().join("main.rs")).validated(&report).write(BROKEN).unwrap();
    });
    let validation = &only(run.trace(), "file_write").attributes["checks_before"]["validation"];
    assert_eq!(validation["valid"], false);
    assert_eq!(validation["error_lines"], json!([2]));
}

/// What `std::fs::write` says and what `write_file` says, without and with a trace.
#[track_caller]
fn assert_same_error(path: &Path, kind: ErrorKind) {
    let plain = std::fs::write(path, "x").unwrap_err();
    assert_eq!(plain.kind(), kind, "{plain}");
    let bare = write_file(path, "x").unwrap_err();
    let run = testing::trace(|| write_file(path, "x").unwrap_err());
    for error in [&bare, &run.value] {
        assert_eq!((error.kind(), error.raw_os_error()), (plain.kind(), plain.raw_os_error()), "{error}");
    }
    let write = only(run.trace(), "file_write");
    assert_eq!(write.outcome, Some(Outcome::Err));
    assert_eq!(write.error.as_ref().unwrap().message, plain.to_string());
}

#[test]
fn what_cannot_be_written_fails_as_it_would_without_the_helper() {
    let dir = tempfile::tempdir().unwrap();
    assert_same_error(&dir.path().join("missing/file"), ErrorKind::NotFound);
    assert_same_error(dir.path(), ErrorKind::IsADirectory);
    std::fs::write(dir.path().join("file"), "").unwrap();
    assert_same_error(&dir.path().join("file/below"), ErrorKind::NotADirectory);
    #[cfg(target_os = "linux")]
    assert_same_error(Path::new("/dev/full"), ErrorKind::StorageFull);
}

#[test]
#[cfg(unix)]
fn permissions_and_links_survive_being_written() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let dir = tempfile::tempdir().unwrap();
    let (file, link, dangling) = (dir.path().join("file"), dir.path().join("link"), dir.path().join("dangling"));
    std::fs::write(&file, "old").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o750)).unwrap();
    symlink(&file, &link).unwrap();
    symlink(dir.path().join("not yet"), &dangling).unwrap();
    assert!(!write_file(&link, "new").unwrap().created);
    assert!(link.is_symlink());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o750);
    assert!(write_file(&dangling, "made").unwrap().created);
    assert_eq!(std::fs::read_to_string(dir.path().join("not yet")).unwrap(), "made");
}

#[test]
fn content_that_is_no_text_is_written_and_told_by_its_length() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bytes");
    let run = testing::trace(|| write_file(&path, [0xff, 0, 0xfe]).unwrap());
    assert_eq!(std::fs::read(&path).unwrap(), [0xff, 0, 0xfe]);
    let write = only(run.trace(), "file_write");
    assert_eq!((write.input.get("content"), &write.output["bytes"]), (None, &json!(3)));
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_does_not_hold_what_was_written_is_an_error() {
    // The kernel keeps 15 bytes of what is written there: the name of this thread.
    let path = Path::new("/proc/thread-self/comm");
    let run = testing::trace(|| write_file(path, "far more than fifteen bytes").unwrap_err());
    assert_eq!(run.value.kind(), ErrorKind::InvalidData);
    assert!(run.value.get_ref().unwrap().is::<Unverified>());
    assert_eq!(only(run.trace(), "file_write").attributes["checks_after"]["content_matches"], false);
}

#[test]
fn a_template_is_recorded_with_its_text_before_and_after() {
    let mut environment = minijinja::Environment::new();
    environment
        .add_template("class.j2", "class {{ name }}:\n{% for f in fields %}    {{ f }}: str\n{% endfor %}")
        .unwrap();
    let variables = json!({ "name": "Robot", "fields": ["id", "maker"] });
    let bare = render(&environment, "class.j2", &variables).unwrap();
    let run = testing::trace(|| render(&environment, "class.j2", &variables).unwrap());
    assert_eq!(run.value, bare);
    let template = only(run.trace(), "template");
    assert_eq!(template.name, "class.j2");
    assert_eq!(template.input["variables"], variables);
    assert!(template.input["source"].as_str().unwrap().starts_with("class {{ name }}"));
    assert_eq!(template.output, bare);
    assert_eq!(template.attributes["indentation"], json!([0, 4]));
}

#[test]
fn a_template_that_fails_is_recorded_with_the_line() {
    let source = "one\n{{ 1 / nothing }}\n";
    let run = testing::trace(|| {
        assert!(render(&minijinja::Environment::new(), "gone.j2", &json!({})).is_err());
        assert!(render_text("broken.j2", "a\n{% if %}", &json!({})).is_err());
        render_text("bad.j2", source, &json!({})).unwrap_err()
    });
    assert_eq!(run.value.line(), Some(2));
    let found = observations(run.trace(), "template");
    assert_eq!(
        found.iter().map(|template| template.name.as_str()).collect::<Vec<_>>(),
        ["gone.j2", "broken.j2", "bad.j2"]
    );
    for (template, location) in found.iter().zip([None, Some("broken.j2:2"), Some("bad.j2:2")]) {
        assert_eq!(template.outcome, Some(Outcome::Err));
        let error = template.error.as_ref().unwrap();
        assert_eq!(error.location.as_deref(), location, "{error:?}");
    }
    let error = found[2].error.as_ref().unwrap();
    assert_eq!(error.extra["line_number"], 2);
    assert!(error.extra["code_context"].as_str().unwrap().contains("> 2 | {{ 1 / nothing }}"), "{error:?}");
    assert_eq!(found[2].input["source"], source);
}

#[test]
fn a_validation_is_recorded_with_each_finding() {
    let run = testing::trace(|| validate(&check("braces", "syntax", braces), &Artifact::new("main.rs", BROKEN)));
    let [check, finding] = observations(run.trace(), "validation")[..] else { panic!("{}", run.tree()) };
    assert_eq!(
        (check.name.as_str(), &check.output["valid"], &check.output["findings"]),
        ("braces", &json!(false), &json!(1))
    );
    assert_eq!(finding.parent_id.as_deref(), Some(check.id.as_str()));
    assert_eq!(finding.error.as_ref().unwrap().message, "a brace is not closed");
    assert_eq!((&finding.input["file"], &finding.input["line_number"]), (&json!("main.rs"), &json!(2)));
    assert!(finding.input["code_context"].as_str().unwrap().contains("> 2 |     if true {"));
    assert_eq!(
        run.value,
        validate(&whytrace::generation::check("braces", "syntax", braces), &Artifact::new("main.rs", BROKEN))
    );
}

#[test]
fn a_chain_stops_where_something_is_wrong() {
    let syntax = check("braces", "syntax", braces);
    let logic = check("never", "logic", |_: &Artifact| vec![Finding::new("Unfit", "never")]);
    let both = chain("both", [&syntax, &logic]);
    let types = |text: &str| validate(&both, &Artifact::new("a", text)).findings[0].validation_type.clone();
    assert_eq!((types("{"), types("{}")), ("syntax".to_owned(), "logic".to_owned()));
}

#[test]
fn healing_ends_when_it_is_healed() {
    let run = testing::trace(|| heal_by(3, add_brace));
    assert_eq!((run.value.ended, run.value.attempts.len()), (HealingEnd::Healed, 2));
    assert!(run.value.is_valid());
    let end = conclusion(run.trace());
    assert_eq!(end.outcome, Some(Outcome::Ok));
    assert_eq!(
        (&end.attributes["final_status"], &end.attributes["healing_ended"]),
        (&json!("healed"), &json!("healed"))
    );
    let attempts = end.attributes["healing_attempts"].as_array().unwrap();
    assert_eq!(attempts.iter().map(|one| one["success"].clone()).collect::<Vec<_>>(), [false, true]);
    assert_eq!(attempts[0]["strategy"], "closed_brace");
    assert!(attempts[0]["error"].as_str().unwrap().contains("a brace is not closed"));
    // Each attempt with the text it gave.
    let texts: Vec<&Value> = observations(run.trace(), "codegen").iter().map(|fix| &fix.output["code"]).collect();
    assert_eq!(texts, [&json!(format!("{BROKEN}}}\n")), &json!(format!("{BROKEN}}}\n}}\n"))]);
}

#[test]
fn healing_says_why_it_gave_up() {
    type Heal<'a> = &'a dyn Fn() -> Healing<std::fmt::Error>;
    let cases: [(HealingEnd, &str, Heal<'_>); 3] = [
        (HealingEnd::GaveUp, "the one attempt was used up", &|| heal_by(1, add_brace)),
        (HealingEnd::NoProgress, "found broken before", &|| heal_by(5, |broken| Ok(Fix::new(broken.artifact.text)))),
        (HealingEnd::Error, "attempt 1 could not be made", &|| heal_by(5, |_| Err(std::fmt::Error))),
    ];
    for (ended, why, heal) in cases {
        let run = testing::trace(heal);
        assert_eq!((run.value.ended, run.value.attempts.len()), (ended, 1), "{why}");
        assert!(!run.value.is_valid());
        assert!(
            run.value.reason().contains(why) && run.value.reason().contains("still wrong: SyntaxError"),
            "{}",
            run.value.reason()
        );
        assert_eq!(run.value.error.is_some(), ended == HealingEnd::Error);
        let end = conclusion(run.trace());
        assert_eq!(end.outcome, Some(Outcome::Err));
        assert_eq!(
            (&end.attributes["final_status"], &end.attributes["healing_ended"]),
            (&json!("failed"), &json!(ended.as_str()))
        );
        assert_eq!(end.attributes["healing_reason"], run.value.reason());
        let healing = &Diagnosis::of(run.trace()).healing;
        assert_eq!(healing.len(), 1, "{healing:?}");
        assert_eq!(healing[0].reason.as_deref(), Some(run.value.reason().as_str()));
    }
}

#[test]
fn healing_does_the_same_where_nothing_is_recorded() {
    let (bare, traced) = (heal_by(3, add_brace), testing::trace(|| heal_by(3, add_brace)).value);
    assert_eq!(
        (bare.artifact, bare.report, bare.ended, bare.attempts),
        (traced.artifact, traced.report, traced.ended, traced.attempts)
    );
    let valid = heal(
        Artifact::new("a", "{}"),
        3,
        &check("braces", "syntax", braces),
        |_: Broken| -> Result<Fix, std::fmt::Error> { panic!("there is nothing to mend") },
    );
    assert_eq!(valid.ended, HealingEnd::Valid);
}

#[cfg(feature = "tokio")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asynchronous_healing_is_the_same_and_can_be_spawned() {
    let healing = || async {
        let validator = check("braces", "syntax", braces);
        heal_async(Artifact::new("main.rs", BROKEN), 3, &validator, |broken: Broken| async move {
            tokio::task::yield_now().await;
            add_brace(broken)
        })
        .await
    };
    let run = testing::trace_async(async { whytrace::spawn(healing()).await.unwrap() }).await;
    assert_eq!((run.value.ended, run.value.attempts.len()), (HealingEnd::Healed, 2));
    assert_eq!(testing::trace(|| heal_by(3, add_brace)).tree(), run.tree());
}

#[test]
fn generated_code_stands_beside_its_specification_and_what_the_parser_said() {
    let specification = json!({ "name": "todo_store", "fields": ["title"] });
    let run = testing::trace(|| {
        let generation = codegen("todo_store", &specification);
        let report = generation.scope(|| validate(&check("braces", "syntax", braces), &Artifact::new("a.rs", BROKEN)));
        generation.finish(BROKEN, &report);
        codegen("other", &specification).fail(std::fmt::Error);
    });
    let [done, failed] = observations(run.trace(), "codegen")[..] else { panic!("{}", run.tree()) };
    assert_eq!(done.input["specification"], specification);
    assert_eq!(done.output["code"], BROKEN);
    assert_eq!((&done.output["syntax"]["valid"], &done.output["syntax"]["error_lines"]), (&json!(false), &json!([2])));
    assert_eq!(failed.outcome, Some(Outcome::Err));
}

#[test]
fn a_component_named_at_run_time_stands_in_all_that_is_recorded_in_its_stage() {
    let run =
        testing::trace(|| whytrace::stage_for("generation", "todo_store").scope(|| whytrace::observe("x", "tool")));
    let stage = &run.trace().stages["generation"];
    assert_eq!(stage.component.as_deref(), Some("todo_store"));
    assert_eq!(stage.observations[0].component.as_deref(), Some("todo_store"));
}
