//! A generation pipeline among many threads and processes, with secrets, and where nothing can be written: nothing is lost or mixed,
//! nothing leaks, nothing changes.

#![cfg(all(feature = "sqlite", feature = "tokio"))]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on stops where it stands")]

mod support;
#[path = "support/generation.rs"]
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use texts::{PROMPT, RESPONSE, TEMPLATE, ask, passes};
use whytrace::files::{Follow, Session, document_path, read_whole, session_path};
use whytrace::generation::{Artifact, Broken, Diagnosis, Finding, Fix, check, codegen, heal, render_text, write_file};
use whytrace::prelude::*;
use whytrace::{Ctx, Run, TraceContext};

const THREADS: usize = 10;
const PROCESSES: usize = 3;
const EACH: usize = 100;

/// One text for each thread and number, long enough to be torn apart.
fn payload(process: &str, thread: usize, n: usize) -> String {
    format!("{process}-{thread}-{n} {}", char::from(b'a' + thread as u8).to_string().repeat(2_000 + n))
}

/// Ten threads, each with a trace of its own and in one that they share, in one session.
fn crowd(process: &str) {
    let _guard = whytrace::init();
    let shared = TraceContext::start(Run::new("crowd").session("busy").query(process));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let ctx: Ctx = shared.ctx();
            scope.spawn(move || {
                let own = TraceContext::start(Run::new("crowd").session("busy").query(format!("{process}-{thread}")));
                for n in 0..EACH {
                    let record = || whytrace::warning(payload(process, thread, n));
                    if n % 2 == 0 { own.scope(record) } else { ctx.scope(record) }
                }
                own.mark_complete();
            });
        }
    });
    shared.mark_complete();
    drop(shared);
    support::flush();
}

#[test]
fn ten_threads_of_several_processes_lose_and_mix_nothing_in_one_session() {
    if let Some(part) = support::part() {
        return crowd(&part);
    }
    let test = "ten_threads_of_several_processes_lose_and_mix_nothing_in_one_session";
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..PROCESSES).map(|n| format!("p{n}")).collect();
    let running: Vec<_> = names
        .iter()
        .map(|name| support::program(test, name, dir.path()).env("WHYTRACE_MAX_WAIT_MS", "unlimited").spawn().unwrap())
        .collect();
    // It is followed while they write.
    let path = session_path(&dir.path().join("traces/crowd"), "busy");
    let follow = Follow::new(&path);
    let stop = follow.stopper();
    let follower = std::thread::spawn(move || follow.map(Result::unwrap).collect::<Vec<_>>());
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", support::text(&output.stderr));
    }
    stop.stop();
    let followed = follower.join().unwrap();

    let session = Session::load(&path).unwrap();
    assert_eq!(session.skipped_lines, 0, "no line is torn");
    assert_eq!(followed, session.events);
    let mut numbers: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut texts = BTreeSet::new();
    for event in &session.events {
        numbers.entry(&event.trace_id).or_default().push(event.seq);
        if let whytrace::event::Body::Warning(noted) = &event.body {
            assert!(texts.insert(noted.message.clone()), "{} is there twice", &noted.message[..20]);
        }
    }
    assert_eq!(numbers.len(), PROCESSES * (THREADS + 1));
    for (trace, numbers) in numbers {
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "{trace}");
    }
    let all = names
        .iter()
        .flat_map(|name| (0..THREADS).flat_map(move |thread| (0..EACH).map(move |n| payload(name, thread, n))));
    assert_eq!(texts, all.collect(), "each text whole, and none is lost");
}

/// None of them is real. What must not be found, and how it is planted.
const PLANTED: [(&str, &str); 4] = [
    ("Q7wZk3Xv9LpR2mTd", "sk-proj-Q7wZk3Xv9LpR2mTdAa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8"),
    ("b3p5Tm9uY2VTZWNy", "Bearer b3p5Tm9uY2VTZWNydGhpc2lzbG9uZ2Vub3VnaA"),
    ("pW3xTextPairZz", "password=pW3xTextPairZz"),
    ("hV9sLq4nUrlPw", "postgres://admin:hV9sLq4nUrlPw@db.internal:5432/prod"),
];

fn planted() -> String {
    PLANTED.map(|(_, text)| text).join("\n")
}

/// A run that has secrets in prompts, headers, variables, code, files and errors; an observer writes down what it sees.
fn vault(dir: &Path) {
    let seen = dir.join("observed.txt");
    let observer = move |event: &whytrace::event::Event| {
        use std::io::Write;
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&seen).unwrap();
        writeln!(file, "{event:?}").unwrap();
    };
    let guard = whytrace::Tracer::builder().observer(observer).init();
    let trace = TraceContext::start(Run::new("vault").session("s-1").query(planted()));
    let long = format!("{}\n{}\n{}", planted(), "ordinary ".repeat(20_000), planted());
    trace.scope(|| {
        whytrace::stage_for("generation", planted()).scope(|| {
            ask(&planted(), &long);
            whytrace::llm(
                LlmCall::new().parameter("headers", serde_json::json!({ "Authorization": "fLdAuthorization03" })),
            );
            let code = codegen(planted(), &serde_json::json!({ "api_key": "fLdApiKey02", "text": planted() }));
            code.finish(&planted(), &whytrace::generation::Report::default());
            render_text(
                "t.j2",
                "{{ text }} {{ password }}",
                &serde_json::json!({ "text": planted(), "password": "fLdPassword01" }),
            )
            .unwrap_or_default();
            render_text(&planted(), &format!("{}\n{{% if %}}", planted()), &()).unwrap_err();
            write_file(dir.join("out.env"), planted()).unwrap();
            write_file(dir.join("missing").join("password=pW3xTextPairZz"), &long).unwrap_err();
            let never = check("never", "logic", |artifact: &Artifact| {
                vec![Finding::new(planted(), planted()).at(1, 1).within(&artifact.text)]
            });
            let fix = |_: Broken| Ok::<_, std::fmt::Error>(Fix::new(long.clone()).by(planted()));
            heal(Artifact::new(planted(), planted()), 1, &never, fix);
            heal(Artifact::new("a", planted()), 1, &never, |_| Err::<Fix, _>(std::io::Error::other(planted())));
        });
        whytrace::cache_miss("pages", planted());
        // Into a side file.
        whytrace::validation_error(ValidationError { code_context: Some(long.clone()), ..ValidationError::default() });
    });
    trace.mark_failed(std::io::Error::other(planted()));
    drop(trace);
    support::flush();
    let traces = dir.join("traces/vault");
    let session = Session::load(&session_path(&traces, "s-1")).unwrap();
    let began = std::time::Instant::now();
    while guard.observers()[0].seen < session.events.len() as u64 {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", guard.observers());
        std::thread::sleep(Duration::from_millis(5));
    }
    let summary = session.generate_summary();
    println!("{summary}\n{}", serde_json::to_string(&summary).unwrap());
    let document = document_path(&traces, &session.traces()[0].trace_id).unwrap();
    println!("{}", Diagnosis::of(&read_whole(&document).unwrap().0));
}

#[test]
fn no_secret_is_in_any_artefact() {
    let dir = tempfile::tempdir().unwrap();
    if support::part().is_some() {
        return vault(&std::env::current_dir().unwrap());
    }
    let output = support::run(&mut support::program("no_secret_is_in_any_artefact", "vault", dir.path()));
    let mut artefacts: Vec<_> = support::files(dir.path())
        .into_iter()
        .filter(|path| !path.ends_with("out.env")) // that is the program's own
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    artefacts.push(("stdout".to_owned(), output.stdout));
    artefacts.push(("stderr".to_owned(), output.stderr));
    artefacts.push(("names".to_owned(), format!("{:?}", support::files(dir.path())).into_bytes()));
    let fields = ["fLdAuthorization03", "fLdApiKey02", "fLdPassword01"];
    for (place, bytes) in &artefacts {
        let text = String::from_utf8_lossy(bytes);
        for secret in PLANTED.map(|(core, _)| core).iter().chain(&fields) {
            assert!(!text.contains(secret), "{secret} in {place}");
        }
    }
    // It looked at something, in every kind of artefact.
    let of = |part: &str| artefacts.iter().filter(|(name, bytes)| name.contains(part) && !bytes.is_empty()).count();
    for part in [
        "observed.txt",
        "session_s-1.jsonl",
        "/llm_s-1_",
        "/validation_error_s-1_",
        "_summary.md",
        "whytrace.db",
        "stdout",
    ] {
        assert!(of(part) > 0, "no {part} among {:?}", artefacts.iter().map(|(name, _)| name).collect::<Vec<_>>());
    }
    let observed = artefacts.iter().find(|(name, _)| name.ends_with("observed.txt")).unwrap();
    assert!(support::text(&observed.1).contains("[redacted]"));
}

/// A pipeline that tells what came of it.
fn pipeline(dir: &Path) {
    let guard = whytrace::Tracer::builder().observer(|_: &whytrace::event::Event| {}).init();
    let trace = TraceContext::start(Run::new("full").session("s"));
    let results: Vec<String> = trace.scope(|| {
        (0..20)
            .map(|n| {
                let answer = ask(PROMPT, &RESPONSE.repeat(n));
                let text = render_text("t", TEMPLATE, &serde_json::json!({ "name": n, "body": answer })).unwrap();
                let fix = |broken: Broken| {
                    Ok::<_, std::fmt::Error>(Fix::new(broken.artifact.text.replacen("pass", "go()", 1)))
                };
                let healing = heal(Artifact::new("a.py", text), 3, &check("bodies", "logic", passes), fix);
                let written = write_file(dir.join("out").join(format!("{n}.py")), &healing.artifact.text);
                let refused = write_file(dir.join("nowhere/a.py"), "x").unwrap_err();
                format!("{} {:?} {}", healing.reason(), written.map(|written| written.bytes), refused.kind())
            })
            .collect()
    });
    trace.mark_complete();
    let _ = trace.finish().wait();
    drop(guard);
    for result in results {
        println!("RESULT {result}");
    }
}

fn results(output: &Output) -> Vec<String> {
    let lines = support::text(&output.stdout);
    lines.lines().filter_map(|line| line.split_once("RESULT ").map(|(_, result)| result.to_owned())).collect()
}

/// Plays the pipeline with its traces in `traces`, started by `wrap` (a shell line that ends in `exec "$@"`).
fn played(traces: &Path, wrap: &str) -> (Vec<String>, Vec<Vec<u8>>, Output) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("out")).unwrap();
    let program = support::program("a_full_disk_or_an_unwritable_folder_changes_nothing", "full", dir.path());
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", wrap, "sh"]).arg(program.get_program()).args(program.get_args()).current_dir(dir.path());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = support::run(shell.env("WHYTRACE_DIR", traces).stdin(std::process::Stdio::null()));
    let files = support::files(&dir.path().join("out")).iter().map(|path| std::fs::read(path).unwrap()).collect();
    (results(&output), files, output)
}

#[test]
#[cfg(unix)]
fn a_full_disk_or_an_unwritable_folder_changes_nothing() {
    if support::part().is_some() {
        return pipeline(&std::env::current_dir().unwrap());
    }
    let dir = tempfile::tempdir().unwrap();
    let good = played(&dir.path().join("good"), "exec \"$@\"");
    assert_eq!((good.0.len(), good.1.len()), (20, 20), "{}", support::text(&good.2.stderr));
    assert!(good.0[1].contains("mended"), "{:?}", good.0);

    // No file may grow beyond 8 or 4 KiB (the unit of `ulimit -f` depends on the shell): what a full disk does to every file of ours.
    let limited = played(&dir.path().join("limited"), "trap '' XFSZ; ulimit -f 8; exec \"$@\"");
    // A file where the folder should be: not even root may write there.
    std::fs::write(dir.path().join("file"), "").unwrap();
    let unwritable = played(&dir.path().join("file/traces"), "exec \"$@\"");
    for (name, (results, files, output)) in [("limited", &limited), ("unwritable", &unwritable)] {
        assert_eq!((results, files), (&good.0, &good.1), "{name}");
        assert!(support::text(&output.stderr).contains("whytrace: "), "{name}: it says nothing of what was lost");
    }
    full_disk(&good.0, &good.1);
}

/// The same on a disk that is full, where this user may mount one.
#[cfg(unix)]
fn full_disk(results: &[String], files: &[Vec<u8>]) {
    let disk = tempfile::tempdir().unwrap();
    let mount = |args: &[&str]| std::process::Command::new(args[0]).args(&args[1..]).arg(disk.path()).output();
    let mounted = mount(&["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]);
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!(
            "NOT TESTED on a full disk: this user may not mount one (tested with a limit on the size of files instead)"
        );
        return;
    }
    let full = played(&disk.path().join("traces"), "exec \"$@\"");
    let unmounted = mount(&["umount"]);
    assert!(unmounted.is_ok_and(|output| output.status.success()), "{} is still mounted", disk.path().display());
    assert_eq!((&full.0[..], &full.1[..]), (results, files), "{}", support::text(&full.2.stderr));
}
