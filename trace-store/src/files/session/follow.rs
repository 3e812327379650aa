//! A stream as it grows.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use trace_core::event::Event;

/// How long the iterator rests when there is nothing new.
const REST: Duration = Duration::from_millis(50);

/// A longer line is no event: values are limited, and so is their number.
const LONGEST_LINE: usize = 256 << 20;

/// Follows a stream: an iterator over its events, those already there first, that waits for more. Like `tail -F`.
///
/// Only whole lines are given; a line that is being written waits for its end. The file may not be there yet, may be cut off, or may be
/// replaced by another (rotated): then what is left of the old one is read, and the new one from its start. Lines that are no
/// events are passed over and counted.
///
/// ```no_run
/// # use trace_store::files::Follow;
/// let mut follow = Follow::new("traces/codegen/_traces/session_job-1.jsonl");
/// for event in &mut follow {
///     let event = event?;
///     println!("{} {} {}", event.ts, event.trace_id, event.body.name());
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    open: Option<Open>,
    ready: VecDeque<Event>,
    skipped: u64,
    stop: Stop,
}

/// Ends a [`Follow`] from elsewhere: another thread, a signal handler.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ends it once it has given what is there.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Open {
    file: File,
    identity: Option<(u64, u64)>,
    position: u64,
    /// The line that has no end yet.
    partial: Vec<u8>,
    /// It is too long and passed over.
    overlong: bool,
}

impl Follow {
    /// Follows the stream at a path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), open: None, ready: VecDeque::new(), skipped: 0, stop: Stop::default() }
    }

    /// What ends the iterator.
    #[must_use]
    pub fn stopper(&self) -> Stop {
        self.stop.clone()
    }

    /// How many lines were no events.
    #[must_use]
    pub fn skipped_lines(&self) -> u64 {
        self.skipped
    }

    /// The events that are there and were not given yet, without waiting.
    ///
    /// # Errors
    /// When the file cannot be read. One that is not there has no events.
    pub fn poll(&mut self) -> io::Result<Vec<Event>> {
        self.read()?;
        Ok(self.ready.drain(..).collect())
    }

    fn read(&mut self) -> io::Result<()> {
        // A file is finished before the one that took its place is looked at.
        while self.read_open()? {}
        Ok(())
    }

    /// Reads the open file to its end; whether another one has taken its place.
    fn read_open(&mut self) -> io::Result<bool> {
        let named = match fs::metadata(&self.path) {
            Ok(meta) if !meta.is_file() => {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "it is no regular file"));
            }
            Ok(meta) => Some(meta),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let mut open = match (self.open.take(), &named) {
            (Some(open), _) => open,
            (None, Some(_)) => Open::new(File::open(&self.path)?)?,
            (None, None) => return Ok(false),
        };
        let read = open.read(&mut self.ready, &mut self.skipped);
        let is_replaced = named.as_ref().is_some_and(|named| identity(named) != open.identity);
        if is_replaced && read.is_ok() {
            self.skipped += u64::from(!open.partial.is_empty());
        } else {
            self.open = Some(open);
        }
        read.map(|()| is_replaced)
    }
}

impl Open {
    fn new(file: File) -> io::Result<Self> {
        let identity = identity(&file.metadata()?);
        Ok(Self { file, identity, position: 0, partial: Vec::new(), overlong: false })
    }

    fn read(&mut self, ready: &mut VecDeque<Event>, skipped: &mut u64) -> io::Result<()> {
        if self.file.metadata()?.len() < self.position {
            // Cut off, and begun anew.
            io::Seek::rewind(&mut self.file)?;
            *skipped += u64::from(!self.partial.is_empty());
            (self.position, self.overlong) = (0, false);
            self.partial.clear();
        }
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = match self.file.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            self.position += count as u64;
            for piece in buffer[..count].split_inclusive(|byte| *byte == b'\n') {
                self.take(piece, ready, skipped);
            }
        }
    }

    /// A piece of a line, perhaps its last.
    fn take(&mut self, piece: &[u8], ready: &mut VecDeque<Event>, skipped: &mut u64) {
        self.overlong |= self.partial.len() + piece.len() > LONGEST_LINE;
        if self.overlong {
            self.partial.clear();
        } else {
            self.partial.extend_from_slice(piece);
        }
        if piece.ends_with(b"\n") {
            let line = std::mem::take(&mut self.partial);
            match Event::from_line(&String::from_utf8_lossy(&line)) {
                Ok(event) if !self.overlong => ready.push_back(event),
                Ok(_) | Err(_) => *skipped += 1,
            }
            self.overlong = false;
        }
    }
}

impl Iterator for Follow {
    type Item = io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            // Asked before reading: what was there when it was stopped is given.
            let is_last = self.stop.0.load(Ordering::Relaxed);
            if let Err(error) = self.read() {
                return Some(Err(error));
            }
            if self.ready.is_empty() {
                if is_last {
                    return None;
                }
                std::thread::sleep(REST);
            }
        }
    }
}

/// Which file this is, whatever its name.
#[cfg(unix)]
fn identity(meta: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    Some((meta.dev(), meta.ino()))
}

/// Here only a file that has become shorter is seen to be another.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Option<(u64, u64)> {
    None
}
