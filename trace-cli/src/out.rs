//! Writing: answers to stdout, messages to stderr.

use crate::failure::Failure;
use crate::terminal::{Paint, Terminal};
use serde::Serialize;
use std::io::{self, BufWriter, Stdout, Write};
use trace_core::text::{escape_json, printable_block};

/// Where a command writes its answer.
pub(crate) struct Out {
    writer: BufWriter<Stdout>,
    /// What it is shown on.
    pub(crate) terminal: Terminal,
}

impl Out {
    pub(crate) fn new(terminal: Terminal) -> Self {
        Self { writer: BufWriter::with_capacity(64 * 1024, io::stdout()), terminal }
    }

    /// A value for programs: indented JSON, in which no text can act on a terminal.
    pub(crate) fn json(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
        writeln!(self.writer, "{}", escape_json(&text))?;
        Ok(())
    }

    /// A line, with colours where they are shown.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.writer, "{text}")?;
        Ok(())
    }

    /// Text as it is.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.writer.write_all(text.as_bytes())?;
        Ok(())
    }

    /// A heading over what follows.
    pub(crate) fn heading(&mut self, text: &str) -> Result<(), Failure> {
        let text = self.terminal.paint(Paint::Strong, text);
        self.line(&text)
    }

    /// Sends on what is held back.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.writer.flush()?;
        Ok(())
    }
}

/// Says something on stderr that is no answer: a mistake, a hint, what was passed over.
pub(crate) fn say(message: &str) {
    // Nowhere is left to say that stderr cannot be written.
    let _ = writeln!(io::stderr().lock(), "whytrace: {}", printable_block(message));
}
