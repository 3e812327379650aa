//! A file for each command.

mod complete;
mod doctor;
mod import;
mod migrate;
mod recover;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::out::Out;
use crate::place::Place;
use crate::terminal::Terminal;
use std::process::ExitCode;

/// What a command works with.
pub(crate) struct Context {
    pub(crate) place: Place,
    pub(crate) out: Out,
}

/// Runs the command; the exit code says whether it found what it was asked for.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let mut context = Context { place: Place::of(&cli.place)?, out: Out::new(Terminal::of_stdout(cli.no_color)) };
    if !matches!(cli.command, Command::Doctor(_) | Command::Completion { .. } | Command::Man) {
        context.place.say_problems();
    }
    let context_ref = &mut context;
    let code = match cli.command {
        Command::Doctor(args) => doctor::run(context_ref, &args),
        Command::Import(args) => import::run(context_ref, &args),
        Command::Recover => recover::run(context_ref),
        Command::Migrate(args) => migrate::run(context_ref, args.to),
        Command::Completion { shell } => complete::completion(context_ref, shell),
        Command::Man => complete::man(context_ref),
    }?;
    context.out.flush()?;
    Ok(code)
}
