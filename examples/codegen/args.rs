//! The command line: four options, all with a default.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
Generates Rust components from specifications and explains why those that failed did.

Usage: cargo run --example codegen -- [OPTIONS]

Options:
  --specs DIR    folder of specifications (JSON)          [default: those of this example]
  --out DIR      where the components go                  [default: generated, in the project's folder of traces]
  --lines N      lines shown of each of the seven answers [default: 14]
  --help         print this

With OPENAI_BASE_URL or OPENAI_API_KEY set, a model writes the components (OPENAI_MODEL, default gpt-4o-mini);
without, templates with seeded faults do.";

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    /// Where the specifications are; none means those of this example.
    pub specs: Option<PathBuf>,
    /// Where the components go.
    pub out: Option<PathBuf>,
    /// How many lines of each answer are shown.
    pub lines: usize,
}

/// What the command line asks the program to do.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Generate.
    Run(Args),
    /// Explain the options.
    Help,
}

/// Reads the arguments (without the program's name).
///
/// # Errors
/// An unknown option, or a missing or unreadable value.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    use lexopt::prelude::*;

    let mut args = Args { specs: None, out: None, lines: 14 };
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("specs") => args.specs = Some(PathBuf::from(parser.value()?)),
            Long("out") => args.out = Some(PathBuf::from(parser.value()?)),
            Long("lines") => args.lines = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Run(args))
}
