//! The sink that prints the scorecard on stderr.

use super::scorecard::{Style, render};
use std::ffi::OsStr;
use std::fmt;
use std::io::{IsTerminal, Write};
use std::str::FromStr;
use trace_core::sink::{FinishedTrace, Sink, SinkError, Stored};

/// Whether and how the scorecard is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ScorecardMode {
    /// Compact where stderr is a terminal, else not at all.
    #[default]
    Auto,
    /// Always, what came out.
    Compact,
    /// Always, with stages, scores, calls and decisions.
    Verbose,
    /// Never.
    Off,
}

impl ScorecardMode {
    /// The modes, as they are written.
    pub const NAMES: [&'static str; 4] = ["auto", "compact", "verbose", "off"];

    /// The word used in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Compact => "compact",
            Self::Verbose => "verbose",
            Self::Off => "off",
        }
    }
}

impl fmt::Display for ScorecardMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no mode of the scorecard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected auto, compact, verbose or off")]
pub struct ParseModeError;

impl FromStr for ScorecardMode {
    type Err = ParseModeError;

    fn from_str(text: &str) -> Result<Self, ParseModeError> {
        let modes = [Self::Auto, Self::Compact, Self::Verbose, Self::Off];
        modes.into_iter().find(|mode| mode.as_str().eq_ignore_ascii_case(text)).ok_or(ParseModeError)
    }
}

/// Prints the scorecard of each finished trace on stderr, in one write, so that cards of parallel runs do not mix.
///
/// A trace that is sent again because events came late is not printed again.
#[derive(Debug)]
pub struct ScorecardSink {
    style: Option<Style>,
}

impl ScorecardSink {
    /// The sink's name in reports.
    pub const NAME: &'static str = "scorecard";

    /// A sink for this process's stderr; `scale` is the top of the scale of scores.
    ///
    /// Colours appear only on a terminal, and not when `NO_COLOR` is set or `TERM` is `dumb`.
    #[must_use]
    pub fn new(mode: ScorecardMode, scale: f64) -> Self {
        let surroundings = Surroundings {
            terminal: std::io::stderr().is_terminal(),
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            dumb: std::env::var_os("TERM").is_some_and(|value| value == OsStr::new("dumb")),
        };
        Self { style: surroundings.style(mode, scale) }
    }

    /// Whether it prints anything; otherwise it need not be set up.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.style.is_some()
    }

    fn print(finished: &FinishedTrace, style: Style) -> Result<(), SinkError> {
        let card = render(&finished.trace, style);
        std::io::stderr().lock().write_all(card.as_bytes()).map_err(|cause| SinkError {
            sink: Self::NAME,
            message: format!("cannot print the scorecard on stderr: {cause}; WHYTRACE_SCORECARD=off turns it off"),
            database: None,
        })
    }
}

impl Sink for ScorecardSink {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn store(&self, traces: &[FinishedTrace]) -> Vec<Result<Stored, SinkError>> {
        let store = |finished: &FinishedTrace| match self.style {
            Some(style) if !finished.again => Self::print(finished, style).map(|()| Stored::default()),
            _ => Ok(Stored::default()),
        };
        traces.iter().map(store).collect()
    }
}

struct Surroundings {
    terminal: bool,
    no_color: bool,
    dumb: bool,
}

impl Surroundings {
    fn style(&self, mode: ScorecardMode, scale: f64) -> Option<Style> {
        let verbose = match mode {
            ScorecardMode::Off => return None,
            ScorecardMode::Auto if !self.terminal => return None,
            ScorecardMode::Auto | ScorecardMode::Compact => false,
            ScorecardMode::Verbose => true,
        };
        let colour = self.terminal && !self.no_color && !self.dumb;
        Some(Style { verbose, colour, scale, ..Style::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMINAL: Surroundings = Surroundings { terminal: true, no_color: false, dumb: false };
    const PIPE: Surroundings = Surroundings { terminal: false, ..TERMINAL };

    #[test]
    fn auto_prints_on_a_terminal_only() {
        assert!(TERMINAL.style(ScorecardMode::Auto, 3.0).is_some_and(|style| !style.verbose));
        assert!(PIPE.style(ScorecardMode::Auto, 3.0).is_none());
        assert!(PIPE.style(ScorecardMode::Compact, 3.0).is_some_and(|style| !style.verbose));
        assert!(PIPE.style(ScorecardMode::Verbose, 3.0).is_some_and(|style| style.verbose));
        assert!(TERMINAL.style(ScorecardMode::Off, 3.0).is_none());
    }

    #[test]
    fn colour_needs_a_terminal_that_wants_it() {
        let colour = |surroundings: &Surroundings| surroundings.style(ScorecardMode::Compact, 3.0).unwrap().colour;
        assert!(colour(&TERMINAL));
        assert!(!colour(&PIPE));
        assert!(!colour(&Surroundings { no_color: true, ..TERMINAL }));
        assert!(!colour(&Surroundings { dumb: true, ..TERMINAL }));
    }

    #[test]
    fn modes_are_read_as_they_are_written() {
        for name in ScorecardMode::NAMES {
            assert_eq!(name.parse::<ScorecardMode>().unwrap().as_str(), name);
        }
        assert_eq!("Verbose".parse(), Ok(ScorecardMode::Verbose));
        assert_eq!("loud".parse::<ScorecardMode>().unwrap_err().to_string(), "expected auto, compact, verbose or off");
    }
}
