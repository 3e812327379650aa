//! Which traces this process is recording, in files that it holds locked: whoever can take such a lock knows that the process is gone.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The folder below `_traces` that holds the locked files.
pub(super) const LIVE_DIR: &str = ".live";

/// The locked files of this process, one for each `_traces` folder.
#[derive(Default)]
pub(super) struct Lives(Mutex<HashMap<PathBuf, Live>>);

struct Live {
    file: File,
    path: PathBuf,
    name: String,
}

impl Lives {
    /// Notes a trace and its stream; the name of the locked file.
    pub(super) fn note(&self, traces_dir: &Path, trace_id: &str, stream: &str) -> io::Result<String> {
        let mut lives = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if lives.get(traces_dir).is_some_and(|live| !live.path.exists()) {
            lives.remove(traces_dir);
        }
        let live = match lives.entry(traces_dir.to_owned()) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(Live::create(traces_dir)?),
        };
        live.file.write_all(format!("{trace_id} {stream}\n").as_bytes())?;
        Ok(live.name.clone())
    }

    /// Gives up the locks below a folder. The files are removed: what they name has ended.
    pub(super) fn release_below(&self, dir: &Path) {
        let mut lives = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        lives.retain(|traces_dir, live| {
            let below = traces_dir.starts_with(dir);
            if below {
                let _ = std::fs::remove_file(&live.path);
            }
            !below
        });
    }
}

impl Live {
    fn create(traces_dir: &Path) -> io::Result<Self> {
        let dir = traces_dir.join(LIVE_DIR);
        std::fs::create_dir_all(&dir)?;
        let name = format!("{}_{:016x}", std::process::id(), crate::context::local::random_u64());
        let path = dir.join(&name);
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        file.lock()?;
        Ok(Self { file, path, name })
    }
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
