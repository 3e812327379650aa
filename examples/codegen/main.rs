//! Generates Rust components from specifications; its traces say why those that failed did.
//!
//! ```text
//! cargo run --example codegen
//! ```
//!
//! Read [`pipeline::generate_all`] first. Every layer is one call of [`whytrace::generation`]: the code, the templates, the checks
//! and their mending, the files. At the end [`main`] asks the trace of each failed component the seven questions.
#![allow(unreachable_pub, reason = "a program has no outside; `pub` says what a module offers to the others")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to people")]

mod args;
#[path = "../shared/chat/mod.rs"]
mod chat;
mod check;
mod error;
mod model;
mod pipeline;
mod spec;
#[path = "../shared/tokens.rs"]
mod tokens;

use args::{Args, Command};
use error::Error;
use model::Writer;
use pipeline::{Made, PROJECT};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use whytrace::Tracer;
use whytrace::files::{ScorecardMode, Session, document_path, read_whole, session_path};
use whytrace::generation::Diagnosis;
use whytrace::settings::Settings;

fn main() -> ExitCode {
    match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(args)) => match run(&args) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("codegen: {error}");
                ExitCode::FAILURE
            }
        },
        Ok(Command::Help) => {
            println!("{}", args::HELP);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("codegen: {error}\n\n{}", args::HELP);
            ExitCode::from(2)
        }
    }
}

/// Generates, and tells what came of it.
fn run(args: &Args) -> Result<(), Error> {
    let (settings, _) = Settings::load();
    let project = settings.dir.join(whytrace::project_folder(PROJECT));
    let own = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/codegen/specs"));
    let specs = spec::read_all(&args.specs.clone().unwrap_or_else(own))?;
    let out = args.out.clone().unwrap_or_else(|| project.join("generated"));
    let session = format!("job-{}", std::process::id());

    // `whytrace::init()` would do; but six scorecards are too many here.
    let guard = Tracer::builder().scorecard(ScorecardMode::Off).init();
    let made = pipeline::generate_all(&session, &specs, &out, &Writer::from_env());
    drop(guard);

    for one in &made {
        let came = match &one.outcome {
            Ok((path, 0)) => format!("made    {}: {}", one.component, path.display()),
            Ok((path, attempts)) => format!("healed  {}: {}, attempt {attempts}", one.component, path.display()),
            Err(error) => format!("failed  {}: {error}", one.component),
        };
        println!("{came}");
    }
    if let Ok(session) = Session::load(&session_path(&project, &session)) {
        println!("\n{}", session.generate_summary());
    }
    made.iter().filter(|one| one.outcome.is_err()).for_each(|one| explain(&project, one, args.lines));
    Ok(())
}

/// Answers the seven questions from the files of a failed component alone.
fn explain(project: &Path, failed: &Made, lines: usize) {
    let Some(path) = failed.trace_id.as_ref().and_then(|id| document_path(project, id).ok()) else { return };
    match read_whole(&path) {
        Ok((trace, _)) => println!(
            "\nWhy {} failed, from {}\n\n{}",
            failed.component,
            path.display(),
            Diagnosis::of(&trace).brief(lines)
        ),
        Err(error) => eprintln!("codegen: {error}"),
    }
}
