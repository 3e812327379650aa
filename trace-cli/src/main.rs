//! The `whytrace` program: what was recorded, listed, shown, compared, explained and looked after on a command line.
//!
//! Comes in: arguments. Goes out: text for people or JSON for programs on stdout, messages on stderr, and an exit code: 0, 1 when
//! nothing was found or a check failed, 2 when the arguments cannot be taken. Every question is answered by `trace-store`;
//! this crate asks and prints.
//!
//! The way through it: [`args`] says what can be asked, [`place`] where traces are, [`ask`] makes questions of arguments, [`commands`]
//! has a file for each command, and [`out`], [`terminal`], [`table`], [`runs`], [`tree`] and [`words`] print.

mod args;
mod ask;
mod commands;
mod failure;
mod out;
mod place;
mod progress;
mod runs;
mod table;
mod terminal;
mod tree;
mod words;

use args::Cli;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return failure::of_arguments(&error),
    };
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
