//! The command line, child processes, and what the kernel says of a process.

use lexopt::prelude::*;
use rustix::time::{ClockId, clock_gettime};
use std::process::Command;
use std::time::Duration;

/// What to measure.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// A smoke run of seconds.
    pub(crate) quick: bool,
    /// Only cases with this in their names.
    pub(crate) filter: Option<String>,
    /// This process was started by [`in_child`], for this case.
    pub(crate) child: Option<String>,
}

impl Options {
    pub(crate) fn from_args() -> Result<Self, String> {
        Self::parse(lexopt::Parser::from_env()).map_err(|error| error.to_string())
    }

    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut options = Self::default();
        while let Some(arg) = parser.next()? {
            match arg {
                Long("quick") => options.quick = true,
                Long("child") => options.child = Some(parser.value()?.string()?),
                Long("bench") => {} // cargo says this
                Value(name) if options.filter.is_none() => options.filter = Some(name.string()?),
                other => return Err(other.unexpected()),
            }
        }
        Ok(options)
    }
}

/// Runs a case in a process of its own; the line that it prints last.
pub(crate) fn in_child(case: &str, quick: bool) -> Result<String, String> {
    let failed = |what: &dyn std::fmt::Display| format!("the process for {case:?} failed: {what}");
    let program = std::env::current_exe().map_err(|error| failed(&error))?;
    let mut command = Command::new(program);
    command.args(["--child", case]).args(quick.then_some("--quick"));
    let output = command.output().map_err(|error| failed(&error))?;
    if !output.status.success() {
        // What a child says while it does well is not wanted: one line for each trace while the database is away.
        return Err(failed(&format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr))));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().last().map(str::to_owned).ok_or_else(|| failed(&"it printed nothing"))
}

/// The CPU time of this process.
pub(crate) fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

/// The most memory that this process ever held, in MiB.
pub(crate) fn peak_memory() -> Result<f64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| format!("/proc/self/status: {error}"))?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.map(|kib: f64| kib / 1024.0).ok_or_else(|| "/proc/self/status says no VmHWM".to_owned())
}
