//! The tracer's own voice: one line on stderr for what the program's owner must know, never more than once a minute for the same text.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long the same line is not repeated.
const QUIET: Duration = Duration::from_secs(60);

/// How many different lines are remembered.
const REMEMBERED: usize = 64;

static SAID: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());

/// The line without the ids of traces: what goes wrong for a thousand of them is one message.
fn without_ids(line: &str) -> String {
    let mut parts = line.split("trc_");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str("trc_");
        text.push_str(part.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '_'));
    }
    text
}

/// Prints `whytrace: <line>` on stderr, unless the same line, but for ids of traces, was printed within the last minute.
pub fn say(line: &str) {
    let now = Instant::now();
    let key = without_ids(line);
    let Ok(mut said) = SAID.lock() else { return };
    said.retain(|(_, at)| now.duration_since(*at) < QUIET);
    if said.len() >= REMEMBERED || said.iter().any(|(text, _)| *text == key) {
        return;
    }
    said.push((key, now));
    drop(said);
    use std::io::Write;
    // A closed stderr is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "whytrace: {line}");
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_about_different_traces_are_the_same_line() {
        let line = |id: &str| super::without_ids(&format!("the rows of {id} could not be queued: disk full"));
        assert_eq!(line("trc_20260213_143022_a1b2c3d4e5f60718"), line("trc_20260213_143023_0000000000000000"));
        assert_eq!(super::without_ids("no id"), "no id");
    }
}
