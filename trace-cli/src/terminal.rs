//! What the reader's terminal can show: how wide a line may be, and whether it may have colours.
//!
//! Escape codes go to a terminal only. Whatever was recorded is made harmless before it comes here, see `trace_store::files::one_line`.

use std::ffi::OsStr;
use std::io::{IsTerminal, stdout};

/// How output is laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    /// The columns of a line; `None` where lines may be as long as they are: in a pipe or a file.
    pub(crate) width: Option<usize>,
    /// Whether colours are shown.
    pub(crate) colour: bool,
}

/// No terminal is taken to be narrower: a trace id and its status would not fit.
const NARROWEST: usize = 40;

impl Terminal {
    /// What stdout is connected to.
    pub(crate) fn of_stdout(no_color: bool) -> Self {
        let is_terminal = stdout().is_terminal();
        let measured =
            || is_terminal.then(terminal_size::terminal_size).flatten().map(|(width, _)| usize::from(width.0));
        let given = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
        let plain = no_color
            || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == OsStr::new("dumb"));
        let width = given.or_else(measured).or(is_terminal.then_some(80));
        Self { width: width.map(|width| width.max(NARROWEST)), colour: is_terminal && !plain }
    }

    /// The width to lay out running text and bars in.
    pub(crate) fn page(&self) -> usize {
        self.width.unwrap_or(100).min(160)
    }

    /// The text in a colour, where colours are shown.
    pub(crate) fn paint(&self, paint: Paint, text: &str) -> String {
        match paint.code() {
            Some(code) if self.colour && !text.is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// What a colour says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Nothing.
    Plain,
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// Look here.
    Notice,
    /// Less important than the rest.
    Quiet,
    /// A heading or a name.
    Strong,
}

impl Paint {
    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Bad => Some("31"),
            Self::Notice => Some("33"),
            Self::Quiet => Some("2"),
            Self::Strong => Some("1"),
        }
    }
}
