//! How a command ends when it cannot do what was asked: one line on stderr that names the mistake and the way out, and an exit code.

use crate::out::say;
use clap::error::ErrorKind;
use std::io;
use std::process::ExitCode;
use trace_core::text::printable;

/// Nothing was found, or a check failed.
pub(crate) const NOTHING: u8 = 1;

/// The arguments cannot be taken.
const USAGE: u8 = 2;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked cannot be taken as it is.
    Usage(String),
    /// It was understood and could not be done, or there is nothing of that kind.
    Failed(String),
    /// Nobody reads the output any more (`| head`): no failure at all.
    Closed,
}

impl Failure {
    /// A failure of something that was tried; the error says what, with what, and what to do.
    pub(crate) fn of(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }

    /// Says it, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Usage(message) => {
                say(&message);
                ExitCode::from(USAGE)
            }
            Self::Failed(message) => {
                say(&message);
                ExitCode::from(NOTHING)
            }
            Self::Closed => ExitCode::SUCCESS,
        }
    }
}

/// A failure to write the output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Closed;
        }
        Self::Failed(format!("cannot write the output: {error}"))
    }
}

/// Arguments that ask for help or the version, which is printed; or arguments that cannot be taken.
pub(crate) fn of_arguments(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        // A reader that went away needs no help.
        let _ = error.print();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
    }
    Failure::Usage(one_line(&error.render().to_string())).report()
}

/// Makes one line of the paragraphs of a message about arguments: the mistake, the tip, and where the help is.
fn one_line(rendered: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut help = "--help";
    let mut usage = false;
    for line in rendered.lines().map(str::trim) {
        if let Some(used) = line.strip_prefix("Usage: ") {
            usage = true;
            parts.push(format!("usage: {used}"));
        } else if line.starts_with("For more information") {
            help = if line.contains("'--help'") { "--help" } else { "-h" };
        } else if line.is_empty() || usage {
            usage = false;
        } else if let Some(mistake) = line.strip_prefix("error: ") {
            parts.push(mistake.to_owned());
        } else if let Some(tip) = line.strip_prefix("tip: ") {
            parts.push(tip.to_owned());
        } else if let Some(last) = parts.last_mut() {
            // What belongs to the line before: the missing arguments, the possible values.
            last.push(' ');
            last.push_str(line);
        }
    }
    printable(&format!("{}; `{help}` says more", parts.join("; "))).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_arguments_is_one_line_with_the_way_out() {
        let rendered = "error: unexpected argument '--jsn' found\n\n  tip: a similar argument exists: '--json'\n\n\
                        Usage: whytrace list --json\n\nFor more information, try '--help'.\n";
        assert_eq!(
            one_line(rendered),
            "unexpected argument '--jsn' found; a similar argument exists: '--json'; usage: whytrace list --json; `--help` says more"
        );
        let missing = "error: the following required arguments were not provided:\n  <ID>\n\nUsage: whytrace show <ID>\n\nFor more information, try '--help'.\n";
        assert_eq!(
            one_line(missing),
            "the following required arguments were not provided: <ID>; usage: whytrace show <ID>; `--help` says more"
        );
    }
}
