//! What a flag that is no thin evidence sets off: a line on stderr, and one in the project's file of alerts.

use crate::files::{markdown, one_line};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use trace_core::diagnostics::say;
use trace_core::model::{CalibrationFlag, Timestamp};

/// The file of alerts in a project's folder.
pub const ALERTS_FILE: &str = "_calibration_alerts.md";

/// The first line of a file of alerts.
const TITLE: &str = "# Calibration alerts\n\n";

/// How much of a message is shown.
const MESSAGE: usize = 400;

/// How many lines are printed within [`BURST`]: a pattern that lasts shows in every run, and a terminal is no log.
const LINES: u32 = 20;

const BURST: Duration = Duration::from_secs(10);

/// Raises alarms, and keeps a busy program's terminal readable.
#[derive(Debug)]
pub(crate) struct Alarms {
    print: bool,
    since: Instant,
    printed: u32,
    left_out: u64,
}

impl Alarms {
    /// Alarms of this process; `print` says whether on stderr too.
    pub(crate) fn new(print: bool) -> Self {
        Self { print, since: Instant::now(), printed: 0, left_out: 0 }
    }

    /// Raises an alarm for each of the flags of a trace but those that rest on too few runs.
    pub(crate) fn raise(&mut self, trace_id: &str, project_dir: Option<&Path>, flags: &[CalibrationFlag]) {
        let loud: Vec<&CalibrationFlag> = flags.iter().filter(|flag| !flag.thin).collect();
        if loud.is_empty() {
            return;
        }
        loud.iter().for_each(|flag| self.print(flag));
        let Some(path) = project_dir.map(|folder| folder.join(ALERTS_FILE)) else { return };
        let now = Timestamp::now();
        let lines: String = loud.iter().map(|flag| line(now, trace_id, flag)).collect();
        if let Err(error) = append(&path, &lines) {
            say(&format!(
                "cannot append to {}: {error}; the flags of {trace_id} are in its row and document",
                shown(&path)
            ));
        }
    }

    fn print(&mut self, flag: &CalibrationFlag) {
        if !self.print {
            return;
        }
        if self.since.elapsed() >= BURST {
            (self.since, self.printed) = (Instant::now(), 0);
        }
        if self.printed >= LINES {
            self.left_out += 1;
            return;
        }
        self.printed += 1;
        let more = match std::mem::take(&mut self.left_out) {
            0 => String::new(),
            count => format!(" ({count} further flags were not printed)"),
        };
        // A closed stderr is no reason to fail.
        let _ = writeln!(io::stderr().lock(), "[CALIBRATION] {}{more}", one_line(&flag.message, MESSAGE));
    }
}

fn shown(path: &Path) -> String {
    one_line(&path.to_string_lossy(), MESSAGE)
}

/// A list item: when, which pattern, in which trace, how sure.
fn line(now: Timestamp, trace_id: &str, flag: &CalibrationFlag) -> String {
    let text = |text: &str| markdown(&one_line(text, MESSAGE));
    let effect = flag.effect.map(|effect| format!(", effect {effect:.2}")).unwrap_or_default();
    let interval =
        flag.interval.map(|(low, high)| format!(", 95 % interval {low:.2} to {high:.2}")).unwrap_or_default();
    format!(
        "- {now} `{}` {} (n = {}{effect}{interval}; {})\n",
        flag.kind.replace('`', "'"),
        text(&flag.message),
        flag.n,
        text(trace_id),
    )
}

/// Appends whole lines; other processes may do the same at the same time.
fn append(path: &PathBuf, lines: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    // A file system without locks still appends; only the title could then be there twice.
    let locked = file.lock().is_ok();
    let title = if file.metadata()?.len() == 0 { TITLE } else { "" };
    let written = file.write_all(format!("{title}{lines}").as_bytes());
    if locked {
        file.unlock()?;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flag(message: &str, thin: bool) -> CalibrationFlag {
        CalibrationFlag {
            kind: "repeated_principle_failure".into(),
            message: message.into(),
            n: 5,
            effect: Some(0.5),
            interval: Some((0.25, 0.75)),
            thin,
            ..CalibrationFlag::default()
        }
    }

    #[test]
    fn alerts_are_whole_lines_however_many_write() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("cobot");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let project = &project;
                scope.spawn(move || {
                    let mut alarms = Alarms::new(false);
                    for n in 0..50 {
                        let flags = [flag(&format!("{writer} {n} {}", "x".repeat(300)), false), flag("thin", true)];
                        alarms.raise("trc_a", Some(project), &flags);
                    }
                });
            }
        });
        let text = std::fs::read_to_string(project.join(ALERTS_FILE)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0], lines[1]), (2 + 4 * 50, "# Calibration alerts", ""));
        let whole = |line: &&&str| line.starts_with("- 20") && line.ends_with("95 % interval 0.25 to 0.75; trc_a)");
        assert_eq!(lines.iter().filter(whole).count(), 4 * 50, "{}", lines[2]);
    }

    #[test]
    fn hostile_names_stay_in_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let hostile = "a\n- 2026 faked\u{1b}[2J <script> [x](y) `z`";
        Alarms::new(true).raise("trc_a", Some(folder.path()), &[flag(hostile, false)]);
        let text = std::fs::read_to_string(folder.path().join(ALERTS_FILE)).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(!text.contains(['\u{1b}']) && !text.contains("<script>") && !text.contains("[x](y)"), "{text}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        Alarms::new(false).raise("trc_a", Some(&folder.path().join("file")), &[flag("m", false)]);
    }
}
