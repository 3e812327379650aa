//! What the disk can do at most, with files of a document's size: the mark that documents are held against.

use crate::outcome::Outcome;
use crate::store;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// About what the document of one trace of [`crate::workload`] holds.
const BYTES: usize = 40 << 10;
/// As many as the document sink has.
const WRITERS: usize = 4;

/// Writes and syncs new files for a while.
pub(crate) fn measure(quick: bool) -> Result<Outcome, String> {
    let dir = store::folder()?;
    let time = Duration::from_millis(if quick { 300 } else { 3000 });
    let began = Instant::now();
    let written: Result<Vec<u64>, String> = thread::scope(|scope| {
        let write = |writer| {
            let dir = dir.path();
            scope.spawn(move || write_until(dir, writer, began + time))
        };
        let threads: Vec<_> = (0..WRITERS).map(write).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a writer panicked".to_owned())?.map_err(|error| error.to_string()))
            .collect()
    });
    let written: u64 = written?.iter().sum();
    Ok(Outcome::default().figure("rate", written as f64 / began.elapsed().as_secs_f64(), "files/s"))
}

fn write_until(dir: &Path, writer: usize, end: Instant) -> io::Result<u64> {
    let content = vec![b'x'; BYTES];
    let mut written = 0;
    while Instant::now() < end {
        let mut file = File::create_new(dir.join(format!("{writer}-{written}")))?;
        file.write_all(&content)?;
        file.sync_data()?;
        written += 1;
    }
    Ok(written)
}
