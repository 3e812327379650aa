//! A complete research pipeline on real documents, traced by whytrace.
#![allow(unreachable_pub, reason = "a program has no outside; `pub` says what a module offers to the others")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this program talks to people")]

mod args;
mod choice;
mod corpus;
mod error;
mod gate;
mod intake;
mod pipeline;
mod plan;
mod report;
mod retrieval;
mod rubric;
mod synthesis;
mod text;
mod tokens;

use args::Command;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Run(args)) => args,
        Ok(Command::Help) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("research: {error}\n\n{}", args::HELP);
            return ExitCode::from(2);
        }
    };
    match pipeline::run(&args) {
        Ok(report) => {
            println!("{}", report.text);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("research: {error}");
            ExitCode::FAILURE
        }
    }
}
