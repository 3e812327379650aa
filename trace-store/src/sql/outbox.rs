//! Traces whose rows could not be written, on disk until they can.
//!
//! Comes in: finished traces. Goes out: the same traces, oldest first. One small file per version of a trace, `{WHYTRACE_DIR}/.outbox/{trace_id}.{n}.json`,
//! points to the document or, where that is not on disk, carries it. Several programs may share the folder: files appear whole, one
//! program at a time takes them out, and they go only after their rows are written; a crash in between writes the same rows again.

use crate::files::{self, Durability, FileError, document_path};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use trace_core::model::{Timestamp, Trace};
use trace_core::sink::FinishedTrace;

/// How long a count of what lies in the folder is believed: other programs add to it too.
const COUNT_AGAIN: Duration = Duration::from_secs(10);

/// How much an outbox holds at most.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// How many entries, refused ones included.
    pub entries: u64,
    /// How many bytes in all.
    pub bytes: u64,
}

impl Default for OutboxLimits {
    /// 100,000 entries and 2 GiB.
    fn default() -> Self {
        Self { entries: 100_000, bytes: 2 << 30 }
    }
}

/// What lies in an outbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OutboxStatus {
    /// How many traces wait.
    pub entries: u64,
    /// Since when the oldest of them does.
    pub oldest: Option<Timestamp>,
    /// How many traces the database refused; they are kept, and not tried again by themselves.
    pub poisoned: u64,
    /// Why the last of all these is here.
    pub last_error: Option<String>,
}

/// Why a trace could not be put into the outbox, or the outbox not be read.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// It is full.
    #[error(
        "the outbox {folder} is full ({entries} traces, {bytes} bytes): make the database reachable; `whytrace sync` then writes the rows of all documents"
    )]
    Full {
        /// The folder.
        folder: PathBuf,
        /// How many entries it has.
        entries: u64,
        /// How large they are.
        bytes: u64,
    },
    /// An entry cannot be written.
    #[error(transparent)]
    Write(#[from] FileError),
    /// The disk refuses.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
}

/// The outbox in a folder of traces.
#[derive(Debug)]
pub struct Outbox {
    traces_dir: PathBuf,
    folder: PathBuf,
    limits: OutboxLimits,
    count: Mutex<Option<Count>>,
}

/// What lay in the folder when it was last looked at, and what this program did since.
#[derive(Clone, Copy, Debug)]
struct Count {
    at: Instant,
    waiting: u64,
    poisoned: u64,
    /// Of both.
    bytes: u64,
}

/// What a file of the outbox says.
#[derive(Debug, Serialize, Deserialize)]
struct Entry<T> {
    queued_at: Timestamp,
    reason: String,
    sampled: bool,
    again: bool,
    /// Relative to the folder of all traces where it lies inside.
    project_dir: Option<PathBuf>,
    /// Whether the document carries the facts; otherwise `trace` does.
    document: bool,
    trace_id: String,
    trace: Option<T>,
}

/// An entry that was taken out to be written.
#[derive(Debug)]
pub(crate) struct Pending {
    path: PathBuf,
    size: u64,
    /// The trace, or why it cannot be read.
    pub(crate) trace: Result<FinishedTrace, String>,
}

/// While it lives, no other program takes entries out.
#[derive(Debug)]
pub(crate) struct OutboxLock(#[allow(dead_code)] File); // dropping it unlocks

impl Outbox {
    /// The outbox of a folder of traces (`WHYTRACE_DIR`). Nothing is made before something has to be kept.
    #[must_use]
    pub fn new(traces_dir: &Path, limits: OutboxLimits) -> Self {
        let folder = traces_dir.join(".outbox");
        Self { traces_dir: traces_dir.to_owned(), folder, limits, count: Mutex::new(None) }
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What lies in it, of all programs that share it.
    #[must_use]
    pub fn status(&self) -> OutboxStatus {
        let (waiting, poisoned) = (self.files(&self.folder), self.files(&self.poisoned()));
        let newest = waiting.iter().chain(&poisoned).max_by_key(|file| file.modified);
        let reason = newest.and_then(|file| read_entry(&file.path).ok()).map(|entry| entry.reason);
        OutboxStatus {
            entries: waiting.len() as u64,
            oldest: waiting.iter().map(|file| file.modified).min().map(Timestamp::from_system),
            poisoned: poisoned.len() as u64,
            last_error: reason,
        }
    }

    /// Puts what the database refused back among what waits; returns how many traces that were.
    ///
    /// # Errors
    /// [`OutboxError::Io`] when an entry cannot be moved.
    pub fn retry_poisoned(&self) -> Result<u64, OutboxError> {
        let files = self.files(&self.poisoned());
        for file in &files {
            let to = self.folder.join(file.path.file_name().unwrap_or_default());
            fs::rename(&file.path, &to).map_err(io_error("move", &file.path))?;
        }
        self.forget_count();
        Ok(files.len() as u64)
    }

    /// Removes the entries of traces that are to be forgotten.
    pub(crate) fn forget(&self, trace_ids: &[String]) {
        let names: Vec<String> = trace_ids.iter().map(|id| format!("{}.", name_of(id))).collect();
        for file in self.files(&self.folder).into_iter().chain(self.files(&self.poisoned())) {
            let name = file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if names.iter().any(|beginning| name.starts_with(beginning)) {
                // Written by another program in the meantime: then its rows are there, and the next removal takes them.
                let _ = fs::remove_file(&file.path);
            }
        }
        self.forget_count();
    }

    /// Keeps a trace until its rows can be written.
    pub(crate) fn add(&self, finished: &FinishedTrace, reason: &str) -> Result<(), OutboxError> {
        let bytes = self.entry(finished, reason)?;
        self.make_room(bytes.len() as u64)?;
        self.write(&self.folder, &name(&finished.trace), &bytes)
    }

    /// Keeps a trace that the database refused, apart from what waits.
    pub(crate) fn add_poisoned(&self, finished: &FinishedTrace, reason: &str) -> Result<(), OutboxError> {
        let bytes = self.entry(finished, reason)?;
        self.make_room(bytes.len() as u64)?;
        self.write(&self.poisoned(), &name(&finished.trace), &bytes)
    }

    /// Whether nothing waits, as far as this program knows without looking again.
    pub(crate) fn is_empty(&self) -> bool {
        self.count().waiting == 0
    }

    /// Keeps other programs from taking entries out; `None` while another one does.
    pub(crate) fn lock(&self) -> Option<OutboxLock> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(self.folder.join(".lock")).ok()?;
        file.try_lock().ok()?;
        Some(OutboxLock(file))
    }

    /// The oldest entries, read.
    pub(crate) fn take(&self, _lock: &OutboxLock, most: usize) -> Vec<Pending> {
        let mut files = self.files(&self.folder);
        self.recount(&files);
        // What a dead program left half-written is worth nothing, and does no harm if it stays.
        let _ = files::remove_abandoned(&self.folder);
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        files.truncate(most);
        files.into_iter().map(|file| self.read(file)).collect()
    }

    /// Removes an entry whose rows are written; returns whether it is gone. One that stays is written once more, which changes nothing.
    pub(crate) fn done(&self, pending: &Pending) -> bool {
        let gone = fs::remove_file(&pending.path).is_ok();
        if gone {
            self.adjust(|count| {
                count.waiting = count.waiting.saturating_sub(1);
                count.bytes = count.bytes.saturating_sub(pending.size);
            });
        }
        gone
    }

    /// Sets an entry aside that will never be written as it is; returns whether it is.
    pub(crate) fn poison(&self, pending: &Pending, reason: &str) -> bool {
        let Some(name) = pending.path.file_name() else { return false };
        if let Ok(finished) = &pending.trace {
            // The same entry with the new reason; without room for that, the old entry has to do.
            let rewritten = self
                .entry(finished, reason)
                .is_ok_and(|bytes| self.write(&self.poisoned(), &name.to_string_lossy(), &bytes).is_ok());
            if rewritten {
                return self.done(pending);
            }
        }
        let moved = fs::create_dir_all(self.poisoned()).is_ok()
            && fs::rename(&pending.path, self.poisoned().join(name)).is_ok();
        if moved {
            self.adjust(|count| {
                count.waiting = count.waiting.saturating_sub(1);
                count.poisoned += 1;
            });
        }
        moved
    }

    fn poisoned(&self) -> PathBuf {
        self.folder.join("poisoned")
    }

    fn entry(&self, finished: &FinishedTrace, reason: &str) -> Result<Vec<u8>, OutboxError> {
        let document = has_document(finished);
        let inside =
            finished.project_dir.as_deref().map(|folder| folder.strip_prefix(&self.traces_dir).unwrap_or(folder));
        let entry = Entry {
            queued_at: Timestamp::now(),
            reason: reason.to_owned(),
            sampled: finished.sampled,
            again: finished.again,
            project_dir: inside.map(Path::to_owned),
            document,
            trace_id: finished.trace.trace_id.clone(),
            trace: (!document).then_some(&*finished.trace),
        };
        serde_json::to_vec(&entry).map_err(|error| io_error("write an entry to", &self.folder)(error.into()))
    }

    fn read(&self, file: Found) -> Pending {
        let trace = read_entry(&file.path).and_then(|entry| {
            // An absolute folder replaces the one it is joined to.
            let project_dir = entry.project_dir.map(|folder| self.traces_dir.join(folder));
            let trace = match (entry.trace, &project_dir) {
                (Some(trace), _) => trace,
                (None, Some(folder)) => {
                    read_document(&document_path(folder, &entry.trace_id).map_err(|error| error.to_string())?)?
                }
                (None, None) => return Err("the entry has neither a document nor a trace".to_owned()),
            };
            Ok(FinishedTrace { trace: Arc::new(trace), project_dir, sampled: entry.sampled, again: entry.again })
        });
        Pending { path: file.path, size: file.size, trace }
    }

    fn write(&self, folder: &Path, name: &str, bytes: &[u8]) -> Result<(), OutboxError> {
        files::replace(&folder.join(name), Durability::Synced, |out| out.write_all(bytes))?;
        self.adjust(|count| {
            *(if folder == self.folder { &mut count.waiting } else { &mut count.poisoned }) += 1;
            count.bytes += bytes.len() as u64;
        });
        Ok(())
    }

    fn make_room(&self, bytes: u64) -> Result<(), OutboxError> {
        let count = self.count();
        let entries = count.waiting + count.poisoned;
        if entries < self.limits.entries && count.bytes.saturating_add(bytes) <= self.limits.bytes {
            return Ok(());
        }
        Err(OutboxError::Full { folder: self.folder.clone(), entries, bytes: count.bytes })
    }

    fn count(&self) -> Count {
        let known = *self.count.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .filter(|count| count.at.elapsed() < COUNT_AGAIN)
            .unwrap_or_else(|| self.recount(&self.files(&self.folder)))
    }

    fn recount(&self, waiting: &[Found]) -> Count {
        let poisoned = self.files(&self.poisoned());
        let bytes = waiting.iter().chain(&poisoned).map(|file| file.size).sum();
        let count = Count { at: Instant::now(), waiting: waiting.len() as u64, poisoned: poisoned.len() as u64, bytes };
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) = Some(count);
        count
    }

    fn forget_count(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Keeps the count true between two looks at the folder.
    fn adjust(&self, change: impl FnOnce(&mut Count)) {
        if let Some(count) = &mut *self.count.lock().unwrap_or_else(PoisonError::into_inner) {
            change(count);
        }
    }

    /// The entries in a folder; one that does not exist has none.
    #[allow(clippy::unused_self)]
    fn files(&self, folder: &Path) -> Vec<Found> {
        let listed = fs::read_dir(folder).into_iter().flatten().flatten();
        let found = |entry: fs::DirEntry| {
            let path = entry.path();
            let is_entry = path.extension().is_some_and(|ending| ending == "json");
            let metadata = entry.metadata().ok().filter(|metadata| is_entry && metadata.is_file())?;
            let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            Some(Found { path, size: metadata.len(), modified })
        };
        listed.filter_map(found).collect()
    }
}

/// A file of the outbox.
#[derive(Debug)]
struct Found {
    path: PathBuf,
    size: u64,
    modified: SystemTime,
}

/// Whether the document on disk is this version of the trace. A trace that is sent again may have its older version there still.
fn has_document(finished: &FinishedTrace) -> bool {
    let path = finished.project_dir.as_deref().and_then(|folder| document_path(folder, &finished.trace.trace_id).ok());
    finished.sampled && !finished.again && is_plain(&finished.trace.trace_id) && path.is_some_and(|path| path.is_file())
}

fn is_plain(trace_id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !trace_id.is_empty() && trace_id.len() <= 128 && trace_id.bytes().all(plain)
}

/// The file name of an entry: a version of a trace is there once.
fn name(trace: &Trace) -> String {
    let id = &trace.trace_id;
    let id = match first_execution(trace) {
        // Executions outside any trace have no other name, and every batch of them is another one.
        Some(first) if id.is_empty() && is_plain(first) => format!("executions-{first}"),
        _ => name_of(id),
    };
    format!("{id}.{:08}.json", trace.metadata.late_events)
}

/// A trace's part of that name.
fn name_of(id: &str) -> String {
    if is_plain(id) { id.to_owned() } else { format!("foreign-{}", blake3::hash(id.as_bytes()).to_hex()) }
}

fn first_execution(trace: &Trace) -> Option<&str> {
    Some(&trace.stages.values().next()?.observations.first()?.id)
}

fn read_entry(path: &Path) -> Result<Entry<Trace>, String> {
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn read_document(path: &Path) -> Result<Trace, String> {
    let text = fs::read(path).map_err(|error| format!("the document {}: {error}", path.display()))?;
    serde_json::from_slice(&text).map_err(|error| format!("the document {}: {error}", path.display()))
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> OutboxError + use<> {
    let path = path.to_owned();
    move |source| OutboxError::Io { doing, path, source }
}
