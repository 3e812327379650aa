//! The tracer's own voice: one line on stderr for what the program's owner must know, never more than once a second for the same text.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long the same line is not repeated.
const QUIET: Duration = Duration::from_secs(60);

/// How many different lines are remembered.
const REMEMBERED: usize = 64;

static SAID: Mutex<Vec<(String, Instant)>> = Mutex::new(Vec::new());

/// Prints `whytrace: <line>` on stderr, unless the same line was printed within the last minute.
pub fn say(line: &str) {
    let now = Instant::now();
    let Ok(mut said) = SAID.lock() else { return };
    said.retain(|(_, at)| now.duration_since(*at) < QUIET);
    if said.len() >= REMEMBERED || said.iter().any(|(text, _)| text == line) {
        return;
    }
    said.push((line.to_owned(), now));
    drop(said);
    use std::io::Write;
    // A closed stderr is no reason to fail.
    let _ = writeln!(std::io::stderr().lock(), "whytrace: {line}");
}
