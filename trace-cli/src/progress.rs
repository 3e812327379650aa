//! How far long work is, on a terminal; nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};

/// A bar on stderr.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar of `all` steps, which are called `what`; a count where it is not known how many there are.
    pub(crate) fn new(all: Option<u64>, what: &'static str) -> Self {
        let target = if stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(all, target);
        // The template is a literal; where it could not be read, the default one does.
        let known = "{wide_bar} {human_pos}/{human_len} {msg}  {eta} left";
        let template = if all.is_some() { known } else { "{spinner} {human_pos} {msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self(bar)
    }

    /// Further steps are done.
    pub(crate) fn step(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// So many steps are done in all.
    pub(crate) fn reach(&self, steps: u64) {
        self.0.set_position(steps);
    }

    /// The work is done; the bar goes away.
    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
