//! A burst of decisions while the disk is slow: a named pipe in the place of the event stream, read at a few MiB/s.

use crate::outcome::Outcome;
use crate::store;
use crate::workload::decide;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use whytrace::{Options, Run, TraceContext};

/// What is read at once, and how often: 4 MiB/s.
const PIECE: usize = 64 << 10;
const PAUSE: Duration = Duration::from_micros(15_625);

pub(crate) fn with_default_wait(quick: bool) -> Result<Outcome, String> {
    measure(if quick { 200_000 } else { 5_000_000 }, Options::default().max_wait)
}

/// Fewer, since the producer goes as slowly as the disk.
pub(crate) fn with_unlimited_wait(quick: bool) -> Result<Outcome, String> {
    measure(if quick { 10_000 } else { 100_000 }, None)
}

fn measure(decisions: u64, max_wait: Option<Duration>) -> Result<Outcome, String> {
    let dir = store::folder()?;
    let reader = slow_stream(dir.path()).map_err(|error| format!("no pipe for the event stream: {error}"))?;
    let tracer = store::tracer(&[store::Kept::Document], dir.path(), max_wait)?;
    let began = Instant::now();
    let trace = tracer.scope(|| TraceContext::start(Run::new("bench").session("slow")));
    trace.scope(|| (0..decisions).for_each(|n| decide("source", n)));
    trace.mark_complete();
    let made = began.elapsed();
    let report = trace.finish().wait();
    store::settle(&tracer)?;
    let kept = began.elapsed();
    tracer.close(Duration::from_secs(60));
    let lines = reader.join().map_err(|_| "the reader panicked".to_owned())?.map_err(|error| error.to_string())?;
    Ok(Outcome::default()
        .figure("made in", made.as_secs_f64(), "s")
        .figure("kept in", kept.as_secs_f64(), "s")
        .count("made", decisions)
        .count("in the stream", lines.decisions)
        .count("counted", report.dropped)
        .count("trace ends", lines.ends))
}

/// What was in the stream.
struct Lines {
    decisions: u64,
    ends: u64,
}

/// Makes the pipe, and reads it slowly until its writer closes it.
fn slow_stream(dir: &Path) -> io::Result<JoinHandle<io::Result<Lines>>> {
    let traces_dir: PathBuf = dir.join("bench").join("_traces");
    std::fs::create_dir_all(&traces_dir)?;
    let path = traces_dir.join("session_slow.jsonl");
    let status = Command::new("mkfifo").arg(&path).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("mkfifo: {status}")));
    }
    Ok(thread::spawn(move || read_slowly(File::open(path)?)))
}

fn read_slowly(mut pipe: File) -> io::Result<Lines> {
    let (mut piece, mut rest) = (vec![0; PIECE], Vec::new());
    let mut lines = Lines { decisions: 0, ends: 0 };
    loop {
        let count = pipe.read(&mut piece)?;
        if count == 0 {
            return Ok(lines);
        }
        rest.extend_from_slice(&piece[..count]);
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        for line in rest[..whole].split_inclusive(|byte| *byte == b'\n') {
            let event: serde_json::Value = serde_json::from_slice(line).unwrap_or_default();
            match event["event"].as_str() {
                Some("decision") => lines.decisions += 1,
                Some("trace_end") => lines.ends += 1,
                _ => {}
            }
        }
        rest.drain(..whole);
        thread::sleep(PAUSE);
    }
}
