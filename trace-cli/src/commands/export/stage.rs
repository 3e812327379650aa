//! The hidden file in which an export grows, and the note of how far it is.
//!
//! Beside `runs.jsonl` lie `.runs.jsonl.part` (lines) and `.runs.jsonl.note` (what is exported, where the next page begins, how many bytes
//! count). A page is on the disk before the note says so; what lies behind the noted bytes is cut off when the export is taken up again.

use crate::args::Format;
use crate::failure::Failure;
use crate::words::one_line;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use trace_store::query::Window;

/// What an export is asked for; one with other wishes cannot be taken up again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) format: Format,
    pub(super) filter: String,
    pub(super) since: Option<String>,
    pub(super) until: Option<String>,
}

/// How far an export is.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    plan: Plan,
    /// As it was when the export began.
    window: Window,
    cursor: Option<String>,
    complete: bool,
    bytes: u64,
    runs: u64,
}

/// A growing export.
#[derive(Debug)]
pub(super) struct Stage {
    part: PathBuf,
    note_path: PathBuf,
    out: BufWriter<File>,
    note: Note,
}

impl Stage {
    /// Begins an export, or takes up the one that was interrupted, if it was the same.
    pub(super) fn open(target: &Path, plan: Plan, window: Window) -> Result<Self, Failure> {
        let Some(name) = target.file_name() else {
            return Err(Failure::Usage(format!("{} names no file", shown(target))));
        };
        let beside = |ending: &str| target.with_file_name(format!(".{}.{ending}", name.to_string_lossy()));
        let (part, note_path) = (beside("part"), beside("note"));
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&part).map_err(|error| {
                Failure::Failed(format!(
                    "cannot write beside {}: {error}; name a file in a folder that is there and can be written",
                    shown(target)
                ))
            })?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Failed(format!(
                    "another export to {} is running; wait for it, or name another file",
                    shown(target)
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &part, &error)),
        }
        let former = fs::read(&note_path).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
        let length = file.metadata().map_err(|error| failed("read", &part, &error))?.len();
        let note = former.filter(|note| note.plan == plan && note.bytes <= length).unwrap_or(Note {
            plan,
            window,
            cursor: None,
            complete: false,
            bytes: 0,
            runs: 0,
        });
        let ready = file.set_len(note.bytes).and_then(|()| file.seek(SeekFrom::Start(note.bytes)));
        ready.map_err(|error| failed("write", &part, &error))?;
        Ok(Self { part, note_path, out: BufWriter::with_capacity(256 * 1024, file), note })
    }

    pub(super) fn format(&self) -> Format {
        self.note.plan.format
    }

    pub(super) fn window(&self) -> Window {
        self.note.window
    }

    pub(super) fn cursor(&self) -> Option<&str> {
        self.note.cursor.as_deref()
    }

    pub(super) fn is_complete(&self) -> bool {
        self.note.complete
    }

    pub(super) fn runs(&self) -> u64 {
        self.note.runs
    }

    /// Adds a line.
    pub(super) fn push(&mut self, line: &str) -> Result<(), Failure> {
        let written = self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|error| failed("write", &self.part, &error))?;
        self.note.bytes += line.len() as u64 + 1;
        Ok(())
    }

    /// Notes a page that is there whole, and where the next one begins.
    pub(super) fn note(&mut self, cursor: Option<String>, runs: u64) -> Result<(), Failure> {
        self.out
            .flush()
            .and_then(|()| self.out.get_ref().sync_data())
            .map_err(|error| failed("write", &self.part, &error))?;
        self.note.complete = cursor.is_none();
        self.note.cursor = cursor;
        self.note.runs += runs;
        let text = serde_json::to_vec(&self.note).map_err(Failure::of)?;
        let new = self.note_path.with_extension("note-new");
        let noted = fs::write(&new, text).and_then(|()| fs::rename(&new, &self.note_path));
        noted.map_err(|error| failed("write", &self.note_path, &error))
    }

    /// Gives the lines their name.
    pub(super) fn rename_to(self, target: &Path) -> Result<(), Failure> {
        fs::rename(&self.part, target).map_err(|error| failed("write", target, &error))?;
        self.forget_note();
        Ok(())
    }

    /// Makes another format of the lines, which then gets the name.
    #[cfg(feature = "parquet")]
    pub(super) fn convert(
        self,
        target: &Path,
        write: impl FnOnce(std::io::BufReader<File>, File) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let converted = self.part.with_extension("converted");
        let from = File::open(&self.part).map_err(|error| failed("read", &self.part, &error))?;
        let to = File::create(&converted).map_err(|error| failed("write", &converted, &error))?;
        write(std::io::BufReader::with_capacity(256 * 1024, from), to)?;
        fs::rename(&converted, target).map_err(|error| failed("write", target, &error))?;
        fs::remove_file(&self.part).map_err(|error| failed("remove", &self.part, &error))?;
        self.forget_note();
        Ok(())
    }

    fn forget_note(&self) {
        // A note without its lines counts for nothing.
        let _ = fs::remove_file(&self.note_path);
    }
}

fn failed(doing: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!("cannot {doing} {}: {error}; the same command goes on where this one stopped", shown(path)))
}

fn shown(path: &Path) -> String {
    one_line(&path.display().to_string(), 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(filter: &str) -> Plan {
        Plan { format: Format::Jsonl, filter: filter.to_owned(), since: None, until: None }
    }

    fn open(target: &Path, filter: &str) -> Stage {
        Stage::open(target, plan(filter), Window::all_time()).unwrap()
    }

    #[test]
    fn what_was_noted_counts_and_what_came_after_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("runs.jsonl");
        let mut stage = open(&target, "");
        stage.push("one").unwrap();
        stage.note(Some("after one".into()), 1).unwrap();
        stage.push("half a page").unwrap();
        drop(stage);
        assert!(!target.exists());
        let mut stage = open(&target, "");
        assert_eq!((stage.runs(), stage.cursor()), (1, Some("after one")));
        stage.push("two").unwrap();
        stage.note(None, 1).unwrap();
        assert!(stage.is_complete());
        stage.rename_to(&target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_export_with_other_wishes_begins_anew() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("runs.jsonl");
        let mut stage = open(&target, "status = failed");
        stage.push("one").unwrap();
        stage.note(Some("after one".into()), 1).unwrap();
        drop(stage);
        assert_eq!(open(&target, "").runs(), 0);
    }

    #[test]
    fn two_exports_to_one_file_do_not_mix() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("runs.jsonl");
        let _first = open(&target, "");
        let Err(Failure::Failed(message)) = Stage::open(&target, plan(""), Window::all_time()) else { panic!() };
        assert!(message.contains("another export"), "{message}");
    }
}
