//! A complete research pipeline on real documents: it answers a question, and its trace says why the answer is what it is.
//!
//! ```text
//! cargo run --example research -- --query "Where do secrets get removed?"
//! ```
//!
//! Read [`pipeline::run`] first: it is the whole pipeline on one screen. The stages are in the order of the modules
//! [`intake`], [`rubric`], [`retrieval`], [`synthesis`], [`gate`]; each is ordinary code with an attribute on the stage, and a
//! `decision!` where something was chosen.
#![allow(unreachable_pub, reason = "a program has no outside; `pub` says what a module offers to the others")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to people")]

mod args;
mod choice;
mod corpus;
mod error;
mod gate;
mod intake;
mod pipeline;
mod places;
mod plan;
mod report;
mod retrieval;
mod rubric;
mod synthesis;
mod text;
#[path = "../shared/tokens.rs"]
mod tokens;

use args::{Args, Command};
use places::Places;
use report::Report;
use std::error::Error as _;
use std::process::ExitCode;
use synthesis::Endpoint;
use whytrace::Tracer;
use whytrace::files::ScorecardMode;
use whytrace::settings::Settings;

fn main() -> ExitCode {
    match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(args)) => research(&args),
        Ok(Command::Help) => {
            println!("{}", args::HELP);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("research: {error}\n\n{}", args::HELP);
            ExitCode::from(2)
        }
    }
}

fn research(args: &Args) -> ExitCode {
    let (settings, _) = Settings::load();
    let places = Places::of(&settings, &args.project);
    // `whytrace::init()` would do; but here one came for the scorecard, also where stderr is no terminal.
    let guard = Tracer::builder().scorecard(scorecard(settings.scorecard, args.verbose)).init();
    let outcome = pipeline::run(args, &places, Endpoint::from_env());
    // Waits until the trace is kept and the scorecard printed.
    drop(guard);
    match outcome {
        Ok(report) => {
            tell(&report, &places, args.verbose);
            ExitCode::SUCCESS
        }
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            eprintln!("research: {error}{cause}");
            ExitCode::FAILURE
        }
    }
}

/// What the user set, else a scorecard in any case.
fn scorecard(set: ScorecardMode, verbose: bool) -> ScorecardMode {
    match set {
        ScorecardMode::Auto if verbose => ScorecardMode::Verbose,
        ScorecardMode::Auto => ScorecardMode::Compact,
        other => other,
    }
}

/// Tells what was written, and what to look at next.
fn tell(report: &Report, places: &Places, verbose: bool) {
    if verbose {
        println!("{}", report.text);
    }
    println!("Report:   {}", report.path.display());
    let Some(trace_id) = &report.trace_id else { return };
    let mut next = Vec::new();
    if let Some(path) = places.document(trace_id) {
        let path = path.display();
        println!("Document: {path}");
        next.push(format!(
            "why these sources, and which others were considered: stages.collection.decisions in\n    {path}"
        ));
    }
    if let Some(path) = places.database() {
        let path = path.display();
        println!("Rows:     {path}");
        next.push(format!(
            "why it came out as it did, the least certain decisions first:\n    cargo run -p trace-cli -- why {trace_id}"
        ));
    }
    if let Some(path) = places.summary(trace_id) {
        println!("Summary:  {}", path.display());
        next.push(format!("the whole run on one page:\n    {}", path.display()));
    }
    println!("\nNext:");
    for suggestion in next.iter().take(2) {
        println!("  {suggestion}");
    }
}
