//! Event stream files: whole lines, in one write, in files that other processes may append to as well.

use super::live::Lives;
use crate::context::shared::Shared;
use crate::names::file_component;
use crate::tracer::Tracer;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Stream files kept open.
const OPEN_FILES: usize = 64;

/// Bytes that wait for one file that cannot be written; further lines are lost to the stream, and counted.
const UNWRITTEN: usize = 8 << 20;

/// How long a file that could not be written is left alone.
const RETRY: Duration = Duration::from_millis(500);

/// The name of a session's stream: `session_<id>.jsonl`.
#[must_use]
pub fn stream_file_name(session_id: &str) -> String {
    format!("session_{}.jsonl", file_component(session_id))
}

/// Which stream a trace writes to.
#[derive(Clone, Debug)]
pub(super) struct StreamId {
    traces_dir: PathBuf,
    path: Arc<Path>,
    /// Other traces, and other processes, may write to it too.
    shared: bool,
}

impl StreamId {
    pub(super) fn new(traces_dir: &Path, session_id: &str, shared: bool) -> Self {
        let path = traces_dir.join(stream_file_name(session_id)).into();
        Self { traces_dir: traces_dir.to_owned(), path, shared }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.path.to_path_buf()
    }
}

/// All streams of the process.
#[derive(Default)]
pub(super) struct Streams {
    files: HashMap<Arc<Path>, Stream>,
    lives: Lives,
    rounds: u64,
}

struct Stream {
    id: StreamId,
    tracer: Tracer,
    /// Whole lines that are not in the file yet.
    buffer: Vec<u8>,
    file: Option<File>,
    /// The round it was last written in.
    used: u64,
    not_before: Option<Instant>,
    lost: u64,
}

impl Streams {
    /// Notes, in a file that this process holds locked, that it is recording this trace; that file's name.
    pub(super) fn note_live(&mut self, stream: &StreamId, shared: &Shared) -> Option<String> {
        let stream_name = stream.path.file_name()?.to_str()?;
        match self.lives.note(&stream.traces_dir, &shared.trace_id, stream_name) {
            Ok(name) => Some(name),
            Err(error) => {
                shared.tracer.failed(&format!(
                    "cannot lock a file in {}: {error}; a crash of this process would leave its traces unrecovered",
                    stream.traces_dir.join(".live").display()
                ));
                None
            }
        }
    }

    /// A trace needs no recovery any more.
    pub(super) fn forget_live(&mut self, stream: &StreamId, trace_id: &str) {
        self.lives.forget(&stream.traces_dir, trace_id);
    }

    /// Appends a line, to be written in this round.
    pub(super) fn append(&mut self, id: &StreamId, line: &[u8], tracer: &Tracer) {
        let stream = self.files.entry(Arc::clone(&id.path)).or_insert_with(|| Stream {
            id: id.clone(),
            tracer: tracer.clone(),
            buffer: Vec::new(),
            file: None,
            used: 0,
            not_before: None,
            lost: 0,
        });
        if stream.buffer.len() + line.len() > UNWRITTEN && stream.not_before.is_some() {
            stream.lost += 1;
        } else {
            stream.buffer.extend_from_slice(line);
        }
    }

    pub(super) fn has_unwritten(&self) -> bool {
        self.files.values().any(|stream| !stream.buffer.is_empty())
    }

    /// Writes what waits.
    pub(super) fn write_all(&mut self) {
        self.rounds += 1;
        for stream in self.files.values_mut() {
            if !stream.buffer.is_empty() {
                stream.used = self.rounds;
                stream.write();
            }
        }
        self.limit_open_files();
    }

    /// Writes what waits for one stream; whether everything is in the file now.
    pub(super) fn write(&mut self, id: &StreamId) -> bool {
        let Some(stream) = self.files.get_mut(&id.path) else { return true };
        stream.write();
        stream.buffer.is_empty() && stream.lost == 0
    }

    /// Closes the files that were not used for longest, and forgets streams with nothing to write and no file.
    fn limit_open_files(&mut self) {
        let mut used: Vec<u64> =
            self.files.values().filter(|stream| stream.file.is_some()).map(|stream| stream.used).collect();
        if used.len() > OPEN_FILES {
            used.sort_unstable_by(|a, b| b.cmp(a));
            let oldest = used[OPEN_FILES - 1];
            let mut room = OPEN_FILES;
            for stream in self.files.values_mut().filter(|stream| stream.file.is_some()) {
                if stream.used < oldest || room == 0 {
                    stream.file = None;
                } else {
                    room -= 1;
                }
            }
        }
        self.files.retain(|_, stream| stream.file.is_some() || !stream.buffer.is_empty() || stream.lost > 0);
    }

    /// Closes all files below a folder, and gives up this process's lock there.
    pub(super) fn close_below(&mut self, dir: &Path) {
        self.files.retain(|path, stream| !path.starts_with(dir) || !stream.buffer.is_empty());
        self.lives.release_below(dir);
    }
}

impl Stream {
    fn write(&mut self) {
        if self.not_before.is_some_and(|at| Instant::now() < at) {
            return;
        }
        match self.try_write() {
            Ok(()) => {
                self.not_before = None;
                if self.lost > 0 {
                    let lost = std::mem::take(&mut self.lost);
                    let path = self.id.path.display();
                    self.tracer
                        .failed(&format!("{lost} events are missing in {path}: it could not be written for too long"));
                }
            }
            Err(error) => {
                self.file = None;
                self.not_before = Some(Instant::now() + RETRY);
                self.tracer.failed(&format!(
                    "cannot write the event stream {}: {error}; what is recorded is kept in memory and tried again",
                    self.id.path.display()
                ));
            }
        }
    }

    fn try_write(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            // A file deleted under us would swallow lines silently.
            Some(file) if self.id.path.exists() => file,
            _ => self.file.insert(open(&self.id)?),
        };
        if self.id.shared {
            file.lock()?;
        }
        let written = append(file, &self.buffer);
        if self.id.shared {
            file.unlock()?;
        }
        let (count, result) = written;
        self.buffer.drain(..count);
        result
    }
}

/// Opens a stream for appending. A line that a killed process left unfinished is closed first.
fn open(id: &StreamId) -> io::Result<File> {
    std::fs::create_dir_all(&id.traces_dir)?;
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(&id.path)?;
    let len = file.metadata()?.len();
    if len > 0 {
        let mut last = [0];
        file.seek(SeekFrom::Start(len - 1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

/// Appends whole lines. When the file takes only a part, what is left of a line is cut off again. Gives the bytes that are in
/// the file for good.
fn append(file: &mut File, lines: &[u8]) -> (usize, io::Result<()>) {
    let before = match file.metadata() {
        Ok(metadata) => metadata.len(),
        Err(error) => return (0, Err(error)),
    };
    let mut count = 0;
    while count < lines.len() {
        match file.write(&lines[count..]) {
            Ok(0) => return cut_back(file, before, &lines[..count], io::ErrorKind::WriteZero.into()),
            Ok(n) => count += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return cut_back(file, before, &lines[..count], error),
        }
    }
    (count, Ok(()))
}

fn cut_back(file: &File, before: u64, written: &[u8], error: io::Error) -> (usize, io::Result<()>) {
    let whole = written.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    match file.set_len(before + whole as u64) {
        Ok(()) => (whole, Err(error)),
        // Then the rest of the line must follow.
        Err(_) => (written.len(), Err(error)),
    }
}
