//! Spans on their way, on disk until the backend has taken them.
//!
//! Comes in: requests, from programs that end or are killed at any moment. Goes out: the same requests, oldest first. One small file for
//! each, `{WHYTRACE_DIR}/.otlp/{backend}/{time}-{process}-{n}.otlp`: a line of JSON, then the protobuf. Several programs may share the
//! folder: files appear whole, one program at a time takes them out, and a file goes only after the backend has answered 2xx. A crash between that
//! answer and the removal sends the same spans, with the same ids, once more.

use super::deliver::RefusedSpan;
use crate::convert::OtlpRequest;
use crate::mlflow::PromptLinks;
use prost::Message;
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

/// How much an outbox holds at most.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// How many requests.
    pub entries: u64,
    /// How many bytes in all.
    pub bytes: u64,
}

impl Default for OutboxLimits {
    /// 50,000 requests and 1 GiB.
    fn default() -> Self {
        Self { entries: 50_000, bytes: 1 << 30 }
    }
}

/// Refused spans that are kept to be looked at; of further ones only the count is known.
const REFUSED: usize = 1000;

/// A temporary file as old as this was left by a program that died.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Why spans could not be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutboxError {
    #[error("{} is full ({entries} requests, {bytes} bytes): make the backend reachable, or raise the limits", folder.display())]
    Full { folder: PathBuf, entries: u64, bytes: u64 },
    #[error("cannot write {}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

#[derive(Debug)]
pub(crate) struct Outbox {
    folder: PathBuf,
    limits: OutboxLimits,
    /// Entries and bytes, as of the last look at the folder and what this program did since.
    known: Mutex<Option<(u64, u64)>>,
}

/// What one file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Entry {
    pub(crate) request: OtlpRequest,
    /// Links to be made when the spans have arrived.
    pub(crate) links: Vec<PromptLinks>,
}

/// A file that waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

/// While it lives, no other program takes entries out.
#[derive(Debug)]
pub(crate) struct OutboxLock(#[allow(dead_code)] File); // dropping it unlocks

impl Outbox {
    /// The outbox for a backend below a folder of traces. Nothing is made before something has to be kept.
    pub(crate) fn new(traces_dir: &Path, backend: &str, limits: OutboxLimits) -> Self {
        let name = &blake3::hash(backend.as_bytes()).to_hex()[..16];
        Self { folder: traces_dir.join(".otlp").join(name), limits, known: Mutex::new(None) }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps spans until they are sent.
    pub(crate) fn add(&self, entry: &Entry) -> Result<(), OutboxError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let bytes = entry.encode();
        let (entries, size) = self.size();
        if entries >= self.limits.entries || size.saturating_add(bytes.len() as u64) > self.limits.bytes {
            return Err(OutboxError::Full { folder: self.folder.clone(), entries, bytes: size });
        }
        let time = UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{time:020}-{}-{number:08}.otlp", std::process::id());
        write(&self.folder, &name, &bytes)?;
        self.adjust(|(entries, size)| (entries + 1, size + bytes.len() as u64));
        Ok(())
    }

    /// How much waits, in requests.
    pub(crate) fn waiting(&self) -> u64 {
        self.size().0
    }

    /// Keeps other programs from taking entries out; `None` while another one does, or when there is no folder yet.
    pub(crate) fn lock(&self) -> Option<OutboxLock> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(self.folder.join(".lock")).ok()?;
        file.try_lock().ok()?;
        Some(OutboxLock(file))
    }

    /// What waits, oldest first.
    pub(crate) fn list(&self, _lock: &OutboxLock) -> Vec<Waiting> {
        self.remove_abandoned();
        let mut files = self.files();
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        files
    }

    /// Removes an entry that is settled; whether it is gone.
    pub(crate) fn done(&self, waiting: &Waiting) -> bool {
        let gone = fs::remove_file(&waiting.path).is_ok();
        if gone {
            self.adjust(|(entries, size)| (entries.saturating_sub(1), size.saturating_sub(waiting.bytes)));
        }
        gone
    }

    /// Sets an entry aside that cannot be read.
    pub(crate) fn set_aside(&self, waiting: &Waiting) {
        let refused = self.refused();
        let name = waiting.path.file_name().unwrap_or_default();
        if fs::create_dir_all(&refused).is_ok() && fs::rename(&waiting.path, refused.join(name)).is_ok() {
            self.adjust(|(entries, size)| (entries.saturating_sub(1), size.saturating_sub(waiting.bytes)));
        }
    }

    /// Keeps spans that the backend refused, with its reason, for a person to look at.
    pub(crate) fn keep_refused(&self, spans: &[RefusedSpan]) {
        let kept = fs::read_dir(self.refused()).into_iter().flatten().count();
        for span in spans.iter().take(REFUSED.saturating_sub(kept)) {
            let text = json!({ "reason": span.reason, "span": span.span }).to_string();
            let name = format!("{}-{}.json", span.trace_id, span.span_id);
            // It is a copy of what the document has; without it, the reason is in the status.
            let _ = write(&self.refused(), &name, text.as_bytes());
        }
    }

    pub(crate) fn refused(&self) -> PathBuf {
        self.folder.join("refused")
    }

    fn size(&self) -> (u64, u64) {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.unwrap_or_else(|| {
            self.files();
            self.known.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default()
        })
    }

    fn adjust(&self, change: impl FnOnce((u64, u64)) -> (u64, u64)) {
        if let Some(known) = &mut *self.known.lock().unwrap_or_else(PoisonError::into_inner) {
            *known = change(*known);
        }
    }

    /// Looks into the folder; one that does not exist holds nothing.
    fn files(&self) -> Vec<Waiting> {
        let listed = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let waiting = |entry: fs::DirEntry| {
            let path = entry.path();
            let is_entry = path.extension().is_some_and(|ending| ending == "otlp");
            let metadata = entry.metadata().ok().filter(|metadata| is_entry && metadata.is_file())?;
            Some(Waiting { path, bytes: metadata.len() })
        };
        let files: Vec<Waiting> = listed.filter_map(waiting).collect();
        let size = (files.len() as u64, files.iter().map(|file| file.bytes).sum());
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(size);
        files
    }

    fn remove_abandoned(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|modified| modified.elapsed().ok());
            if path.extension().is_some_and(|ending| ending == "tmp") && age.is_some_and(|age| age > ABANDONED) {
                // Another program may have removed it first.
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// Writes a file that appears whole or not at all.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), OutboxError> {
    let path = folder.join(name);
    let temporary = folder.join(format!(".{name}.tmp"));
    let written = (|| {
        fs::create_dir_all(folder)?;
        let mut file = File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&temporary, &path)
    })();
    written.map_err(|source| {
        let _ = fs::remove_file(&temporary);
        OutboxError::Io { path, source }
    })
}

impl Entry {
    fn encode(&self) -> Vec<u8> {
        let links: Vec<Value> = self.links.iter().map(PromptLinks::to_json).collect();
        let mut bytes = json!({ "version": 1, "links": links }).to_string().into_bytes();
        bytes.push(b'\n');
        bytes.extend(self.request.to_protobuf());
        bytes
    }

    /// Reads an entry; the error says what is wrong with the file.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        let line = bytes.iter().position(|byte| *byte == b'\n').ok_or("no header")?;
        let header: Value = serde_json::from_slice(&bytes[..line]).map_err(|error| error.to_string())?;
        if header["version"] != 1 {
            return Err(format!("written by a newer version: {}", header["version"]));
        }
        let request = Message::decode(&bytes[line + 1..]).map_err(|error| error.to_string())?;
        let links = header["links"].as_array().into_iter().flatten().filter_map(PromptLinks::from_json).collect();
        Ok(Self { request: OtlpRequest(request), links })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvertOptions, convert};
    use trace_core::model::Trace;

    fn entry(n: u32) -> Entry {
        let trace = Trace { trace_id: format!("trc_{n}"), ..Trace::default() };
        let links = vec![PromptLinks { trace_id: "ab".repeat(16), prompts: vec![("bot_prompt".to_owned(), n)] }];
        Entry { request: convert([&trace], &ConvertOptions::default()), links }
    }

    fn outbox(dir: &Path, limits: OutboxLimits) -> Outbox {
        Outbox::new(dir, "http://127.0.0.1:1", limits)
    }

    #[test]
    fn what_is_kept_comes_back_in_order_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let first = outbox(dir.path(), OutboxLimits::default());
        assert_eq!(first.waiting(), 0);
        for n in 0..3 {
            first.add(&entry(n)).unwrap();
        }
        // Another program, later.
        let second = outbox(dir.path(), OutboxLimits::default());
        assert_eq!(second.waiting(), 3);
        let lock = second.lock().unwrap();
        assert!(first.lock().is_none(), "one program at a time");
        let files = second.list(&lock);
        let read: Vec<Entry> = files.iter().map(|file| Entry::read(&file.path).unwrap()).collect();
        assert_eq!(read, [entry(0), entry(1), entry(2)]);
        second.done(&files[0]);
        assert_eq!((second.waiting(), second.list(&lock).len()), (2, 2));
    }

    #[test]
    fn it_holds_no_more_than_its_limits() {
        let dir = tempfile::tempdir().unwrap();
        let full = outbox(dir.path(), OutboxLimits { entries: 1, ..OutboxLimits::default() });
        full.add(&entry(0)).unwrap();
        assert!(full.add(&entry(1)).unwrap_err().to_string().contains("is full (1 requests"));
        let dir = tempfile::tempdir().unwrap();
        let small = outbox(dir.path(), OutboxLimits { bytes: 10, ..OutboxLimits::default() });
        assert!(small.add(&entry(0)).is_err());
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_no_panic() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.otlp");
        for bytes in [&b""[..], b"{}", b"{}\n", b"{\"version\":2}\n", b"{\"version\":1}\n\xff\xff\xff"] {
            fs::write(&path, bytes).unwrap();
            assert!(Entry::read(&path).is_err(), "{bytes:?}");
        }
    }
}
