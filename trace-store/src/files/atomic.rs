//! Files of traces, written whole or not at all ([`trace_core::atomic`]), in folders that are made as they are needed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use trace_core::atomic::{ENDING, PREFIX, Temporary};

pub(crate) use trace_core::atomic::Durability;

/// How often a write begins anew because its folder or temporary file was deleted under it.
const RETRIES: u32 = 3;

/// Why a file could not be written, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {cause}; {}", path.display(), advice(cause.kind()))]
pub struct FileError {
    doing: &'static str,
    path: PathBuf,
    cause: io::Error,
}

impl FileError {
    fn new(doing: &'static str, path: &Path, cause: io::Error) -> Self {
        Self { doing, path: path.to_owned(), cause }
    }
}

fn advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "allow this user to write there, or set WHYTRACE_DIR to a folder where it may"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free some space there, or set WHYTRACE_DIR to a folder on another disk"
        }
        ErrorKind::InvalidFilename | ErrorKind::InvalidInput => {
            "set WHYTRACE_DIR to a folder with a shorter, plain path"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file is where a folder should be: move it away, or set WHYTRACE_DIR to another folder"
        }
        ErrorKind::IsADirectory => "a folder is where the file should be: move it away",
        _ => "see that the folder is there and can be written, or set WHYTRACE_DIR to another one",
    }
}

/// Writes what `fill` writes to `path`, replacing what is there; creates the folder where it is missing.
///
/// `fill` may be called again when the folder is deleted meanwhile. On failure the former file is untouched and the
/// temporary one removed.
pub(crate) fn replace(
    path: &Path,
    durability: Durability,
    fill: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut retries = RETRIES;
    loop {
        match replace_once(folder, path, durability, &fill) {
            Err(error) if error.cause.kind() == ErrorKind::NotFound && retries > 0 => {
                retries -= 1;
                fs::create_dir_all(folder).map_err(|cause| FileError::new("create the folder", folder, cause))?;
            }
            done => return done,
        }
    }
}

fn replace_once(
    folder: &Path,
    path: &Path,
    durability: Durability,
    fill: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let temporary = Temporary::create(folder).map_err(|cause| FileError::new("create a file in", folder, cause))?;
    let failed = |cause| FileError::new("write", path, cause);
    temporary.write(durability, fill).map_err(failed)?;
    temporary.rename_to(path).map_err(failed)
}

/// Copies a file, whole or not at all.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<(), FileError> {
    replace(to, Durability::Synced, |out| io::copy(&mut File::open(from)?, out).map(|_| ()))
}

/// Makes the names of a folder durable, where the system can.
pub(crate) fn sync_folder(folder: &Path) {
    if cfg!(unix) {
        // A failure leaves the documents as they are: written, and under their names.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
    }
}

/// Removes the temporary files that processes which died while writing left in a `_traces` folder; returns how many.
///
/// Files that a living process writes are left alone: their writer holds a lock. So is everything on a file system without locks.
///
/// # Errors
/// [`FileError`] when the folder cannot be read. A folder that is not there holds nothing.
pub fn remove_abandoned(traces_dir: &Path) -> Result<usize, FileError> {
    let entries = match fs::read_dir(traces_dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(cause) => return Err(FileError::new("read the folder", traces_dir, cause)),
    };
    let ours = |entry: &fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        // A link is not ours: it could point anywhere. Nor is a named pipe: opening it would wait.
        name.starts_with(PREFIX) && name.ends_with(ENDING) && entry.file_type().is_ok_and(|kind| kind.is_file())
    };
    Ok(entries.flatten().filter(ours).filter(|entry| remove_if_abandoned(&entry.path()).unwrap_or(false)).count())
}

/// A writer that is between creating and locking its file loses it here, notices when renaming, and writes it again.
fn remove_if_abandoned(path: &Path) -> io::Result<bool> {
    let file = OpenOptions::new().write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => fs::remove_file(path).map(|()| true),
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn write(path: &Path, text: &str) -> Result<(), FileError> {
        replace(path, Durability::Synced, |out| out.write_all(text.as_bytes()))
    }

    #[test]
    fn folders_are_created_and_a_file_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/file");
        write(&path, "one").unwrap();
        write(&path, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(names(path.parent().unwrap()), ["file"]);
    }

    #[test]
    fn a_failing_write_leaves_the_former_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, "one").unwrap();
        let error = replace(&path, Durability::Synced, |out| {
            out.write_all(b"half")?;
            out.flush()?;
            Err(io::Error::from(ErrorKind::StorageFull))
        })
        .unwrap_err();
        assert!(error.to_string().contains("free some space"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(names(dir.path()), ["file"]);
    }

    #[test]
    fn a_folder_deleted_while_writing_is_created_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("project/file");
        let calls = AtomicU64::new(0);
        replace(&path, Durability::Synced, |out| {
            if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                fs::remove_dir_all(dir.path().join("project"))?;
            }
            out.write_all(b"whole")
        })
        .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
        assert_eq!(names(path.parent().unwrap()), ["file"]);
    }

    #[test]
    fn errors_name_the_path_the_cause_and_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let error = write(&file.join("sub/x"), "").unwrap_err().to_string();
        assert!(error.contains("file") && error.contains("a file is where a folder should be"), "{error}");

        let folder = dir.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let error = write(&folder, "").unwrap_err().to_string();
        assert!(error.contains("a folder is where the file should be"), "{error}");

        let error = write(&dir.path().join("n".repeat(300)).join("x"), "").unwrap_err().to_string();
        assert!(error.contains("shorter"), "{error}");
        assert_eq!(names(dir.path()), ["file", "folder"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_said_so() {
        // Writing to this device fails as a full disk does.
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let cause = (&full).write_all(b"x").unwrap_err();
        let error = FileError::new("write", Path::new("/dev/full"), cause).to_string();
        assert!(error.contains("No space left") && error.contains("free some space"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn a_link_under_the_final_name_is_replaced_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        fs::write(&outside, "precious").unwrap();
        let path = dir.path().join("file");
        std::os::unix::fs::symlink(&outside, &path).unwrap();
        write(&path, "mine").unwrap();
        assert_eq!(fs::read_to_string(&outside).unwrap(), "precious");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn only_what_no_living_process_writes_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".whytrace-1-0.tmp"), "left behind").unwrap();
        fs::write(dir.path().join("trc_a.json"), "{}").unwrap();
        fs::write(dir.path().join(".other.tmp"), "").unwrap();
        let being_written = Temporary::create(dir.path()).unwrap();
        assert_eq!(remove_abandoned(dir.path()).unwrap(), 1);
        assert_eq!(names(dir.path()).len(), 3, "the one that is being written is still there");
        drop(being_written);
        assert_eq!(names(dir.path()), [".other.tmp", "trc_a.json"]);
        assert_eq!(remove_abandoned(&dir.path().join("missing")).unwrap(), 0);
    }

    #[test]
    fn a_temporary_file_cleaned_away_too_early_is_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let calls = AtomicU64::new(0);
        replace(&path, Durability::Synced, |out| {
            if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                for name in names(dir.path()) {
                    fs::remove_file(dir.path().join(name))?;
                }
            }
            out.write_all(b"whole")
        })
        .unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole");
    }
}
