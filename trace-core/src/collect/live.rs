//! Which traces this process is recording, in files that it holds locked: whoever can take such a lock knows that the process is gone.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder below `_traces` that holds the locked files.
pub(super) const LIVE_DIR: &str = ".live";

/// From how many bytes on a file is written anew with the traces that are still open.
const COMPACT_FROM: u64 = 1 << 20;

/// The locked files of this process, one for each `_traces` folder.
#[derive(Default)]
pub(super) struct Lives(HashMap<PathBuf, Live>);

struct Live {
    file: File,
    path: PathBuf,
    name: String,
    bytes: u64,
    /// The traces that have not ended, and the names of their streams.
    open: HashMap<String, String>,
}

impl Lives {
    /// Notes a trace and its stream; the name of the locked file.
    pub(super) fn note(&mut self, traces_dir: &Path, trace_id: &str, stream: &str) -> io::Result<String> {
        if self.0.get(traces_dir).is_some_and(|live| !live.path.exists()) {
            self.0.remove(traces_dir);
        }
        let live = match self.0.get_mut(traces_dir) {
            Some(live) => live,
            None => self.0.entry(traces_dir.to_owned()).or_insert(Live::create(traces_dir)?),
        };
        live.open.insert(trace_id.to_owned(), stream.to_owned());
        if live.bytes > COMPACT_FROM {
            live.compact()?;
        } else {
            live.write(&line(trace_id, stream))?;
        }
        Ok(live.name.clone())
    }

    /// A trace needs no recovery any more.
    pub(super) fn forget(&mut self, traces_dir: &Path, trace_id: &str) {
        if let Some(live) = self.0.get_mut(traces_dir) {
            live.open.remove(trace_id);
        }
    }

    /// Gives up the locks below a folder. A file is removed when all that it names is kept; else the next start looks after the rest.
    pub(super) fn release_below(&mut self, dir: &Path) {
        self.0.retain(|traces_dir, live| {
            let below = traces_dir.starts_with(dir);
            if below && live.open.is_empty() {
                let _ = std::fs::remove_file(&live.path);
            }
            !below
        });
    }
}

/// What the names of this process's files begin with: process ids alone are used again, and shared by containers.
fn own_prefix() -> &'static str {
    static PREFIX: OnceLock<String> = OnceLock::new();
    PREFIX.get_or_init(|| format!("{}_{:08x}", std::process::id(), random_u32()))
}

#[allow(clippy::cast_possible_truncation)] // half of the bits are enough
fn random_u32() -> u32 {
    crate::context::local::random_u64() as u32
}

/// Whether a locked file is this process's own.
pub(super) fn is_own(name: &str) -> bool {
    name.starts_with(own_prefix())
}

fn line(trace_id: &str, stream: &str) -> String {
    format!("{trace_id} {stream}\n")
}

impl Live {
    fn create(traces_dir: &Path) -> io::Result<Self> {
        let dir = traces_dir.join(LIVE_DIR);
        std::fs::create_dir_all(&dir)?;
        let name = format!("{}{:08x}", own_prefix(), random_u32());
        let path = dir.join(&name);
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        file.lock()?;
        Ok(Self { file, path, name, bytes: 0, open: HashMap::new() })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.bytes += text.len() as u64;
        self.file.write_all(text.as_bytes())
    }

    /// Replaces the file by one that names only what is open. The new one is locked before it takes the name, so at no moment
    /// does the name stand for a file that others could lock.
    fn compact(&mut self) -> io::Result<()> {
        let text: String = self.open.iter().map(|(trace_id, stream)| line(trace_id, stream)).collect();
        let temporary = self.path.with_extension("new");
        let mut file = OpenOptions::new().append(true).create_new(true).open(&temporary)?;
        file.lock()?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&temporary, &self.path)?;
        self.bytes = text.len() as u64;
        self.file = file;
        Ok(())
    }
}

/// Whether a running process notes this stream among those it writes to.
///
/// # Errors
/// When the folder of the notes is there and cannot be read.
pub fn is_stream_in_use(traces_dir: &Path, stream: &str) -> io::Result<bool> {
    let entries = match std::fs::read_dir(traces_dir.join(LIVE_DIR)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file())) {
        let Ok(file) = OpenOptions::new().read(true).append(true).open(entry.path()) else { continue };
        if file.try_lock().is_err() {
            let text = std::fs::read(entry.path())?;
            let names = String::from_utf8_lossy(&text);
            if names.lines().filter_map(|line| line.split_once(' ')).any(|(_, name)| name == stream) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A file left by a process that is gone, now locked by this one, and the traces that it names.
pub(super) struct Orphans {
    _file: File,
    path: PathBuf,
    /// Trace ids and the names of their streams.
    pub(super) traces: Vec<(String, String)>,
}

/// Takes the files of processes that are gone; those of running ones stay untouched.
pub(super) fn orphans(traces_dir: &Path) -> io::Result<Vec<Orphans>> {
    let mut found = Vec::new();
    let entries = match std::fs::read_dir(traces_dir.join(LIVE_DIR)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        Err(error) => return Err(error),
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(file) = OpenOptions::new().read(true).append(true).open(&path) else { continue };
        // Removed by its owner, or by another recovery, between listing and locking: nothing to do.
        if file.try_lock().is_err() || !path.exists() {
            continue;
        }
        let text = std::fs::read(&path)?;
        let traces = String::from_utf8_lossy(&text)
            .lines()
            .filter_map(|line| line.split_once(' '))
            // A name is only ever one of this folder.
            .filter(|(_, stream)| stream.starts_with("session_") && !stream.contains(['/', '\\']))
            .map(|(trace, stream)| (trace.to_owned(), stream.to_owned()))
            .collect();
        found.push(Orphans { _file: file, path, traces });
    }
    Ok(found)
}

impl Orphans {
    /// Everything it names is recovered.
    pub(super) fn done(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}
