//! The command line: four options, all with a default.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
Researches a question in a folder of documents and explains how it came to its answer.

Usage: cargo run --example research -- [OPTIONS]

Options:
  --corpus DIR     folder (or file) of Markdown and text to search  [default: this repository's documentation]
  --query TEXT     the question                                     [default: a question about whytrace]
  --project NAME   the project that the trace is filed under        [default: research]
  --verbose        print the report and every score
  --help           print this

With OPENAI_BASE_URL or OPENAI_API_KEY set, a model writes the answer (OPENAI_MODEL, default gpt-4o-mini);
without, an extractive summariser on this machine does.";

/// The question when none is asked.
const DEFAULT_QUERY: &str =
    "How does whytrace record decisions, and what happens to a trace when the process is killed?";

/// What the user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    /// Where the documents are; none means this repository's own documentation.
    pub corpus: Option<PathBuf>,
    /// The question.
    pub query: String,
    /// The project that the trace is filed under.
    pub project: String,
    /// Whether to print the report.
    pub verbose: bool,
}

/// What the command line asks the program to do.
#[derive(Debug, PartialEq)]
pub enum Command {
    /// Research a question.
    Run(Args),
    /// Explain the options.
    Help,
}

/// Reads the arguments (without the program's name).
///
/// # Errors
/// An unknown option, a missing value, or a value that is empty or not Unicode where text is needed.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, lexopt::Error> {
    use lexopt::prelude::*;

    let mut args =
        Args { corpus: None, query: DEFAULT_QUERY.to_owned(), project: "research".to_owned(), verbose: false };
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("corpus") => args.corpus = Some(PathBuf::from(parser.value()?)),
            Long("query") => args.query = text("--query", parser.value()?)?,
            Long("project") => args.project = text("--project", parser.value()?)?,
            Long("verbose") => args.verbose = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Run(args))
}

fn text(option: &str, value: OsString) -> Result<String, lexopt::Error> {
    let value = value.into_string()?;
    if value.trim().is_empty() { Err(format!("{option} needs some text").into()) } else { Ok(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Command, String> {
        parse(words.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn every_option_has_a_default() {
        let Ok(Command::Run(args)) = parse_words(&[]) else { panic!("expected a run") };
        assert_eq!((args.corpus, args.project.as_str(), args.verbose), (None, "research", false));
        assert!(args.query.contains("whytrace"));
    }

    #[test]
    fn options_take_their_values() {
        let words = ["--corpus", "notes", "--query=Why?", "--project", "p", "--verbose"];
        let Ok(Command::Run(args)) = parse_words(&words) else { panic!("expected a run") };
        let expected = Args { corpus: Some("notes".into()), query: "Why?".into(), project: "p".into(), verbose: true };
        assert_eq!(args, expected);
        assert_eq!(parse_words(&["-h"]), Ok(Command::Help));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(parse_words(&["--qury", "x"]).unwrap_err().contains("--qury"));
        assert!(parse_words(&["--query"]).unwrap_err().contains("--query"));
        assert!(parse_words(&["--query", " "]).unwrap_err().contains("--query"));
        assert!(parse_words(&["stray"]).unwrap_err().contains("stray"));
    }
}
