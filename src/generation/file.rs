//! Files: content in, a file on the disk out, whole, checked before and read back after.

use super::file_facts::{self as look, Look};
use super::finding::Report;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use trace_core::atomic::{Durability, Temporary};
use trace_core::event::FileWrite;
use trace_core::model::Object;
use trace_core::record::{facts, failure, recording};

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where.
    pub path: PathBuf,
    /// How much.
    pub bytes: u64,
    /// Whether there was no such file before.
    pub created: bool,
    /// Whether the new content took the place of the old at once; otherwise it was written into the file that was there.
    pub atomic: bool,
    /// Whether it was read back and held the content; not so for what cannot be read back, such as a pipe.
    pub verified: bool,
}

/// What was written is not what is in the file. It is inside an [`io::Error`] of the kind [`io::ErrorKind::InvalidData`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} does not hold what was written to it: another program may have changed it, or the disk is damaged",
    path.display()
)]
pub struct Unverified {
    path: PathBuf,
}

/// Writes a file as [`std::fs::write`] does, but whole or not at all, and records it; see [`FileWriter`].
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("todo_store.rs");
/// let written = whytrace::generation::write_file(&path, "pub struct TodoStore;\n")?;
/// assert!(written.created && written.atomic);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Those of the system, as they are, and [`Unverified`].
pub fn write_file(path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> io::Result<Written> {
    FileWriter::new(path).write(content)
}

/// Writes one file.
///
/// Before: what is there, its permissions and owner, the folder, the free space. Writing: to a temporary file beside it, which is
/// synced, gets the permissions and the owner of the file it replaces, and then its name; a reader never sees half a file, and a
/// failure leaves the former one. After: it is read back and compared. All of this is recorded in a `file_write`.
///
/// A link is followed. Into what is no regular file (a device, a pipe) the content is written directly, and so it is where the folder or
/// the owner allows no replacement but the file may be written. A file that may not be written is not replaced either.
#[derive(Clone, Debug)]
#[must_use = "nothing is written before `write`"]
pub struct FileWriter<'a> {
    path: PathBuf,
    validated: Option<&'a Report>,
}

impl<'a> FileWriter<'a> {
    /// Nothing is written yet.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), validated: None }
    }

    /// What a validator said of the content; recorded among the checks before writing. It does not keep the file from being written.
    pub fn validated(mut self, report: &'a Report) -> Self {
        self.validated = Some(report);
        self
    }

    /// Writes the file.
    ///
    /// # Errors
    /// Those of the system, as they are: the folder is missing, the file may not be written, the disk is full, … And
    /// [`Unverified`], when the file does not hold what was written.
    pub fn write(&self, content: impl AsRef<[u8]>) -> io::Result<Written> {
        let content = content.as_ref();
        if !recording() {
            return replace(&self.path, content).and_then(|written| verified(written, content));
        }
        let before = look::before(&self.path, self.validated);
        let outcome = replace(&self.path, content).and_then(|written| verified(written, content));
        facts::file_write(self.record(content, before, &outcome));
        outcome
    }

    fn record(&self, content: &[u8], checks_before: Object, outcome: &io::Result<Written>) -> FileWrite {
        let after = Look::at(&self.path);
        let mut checks_after = after.checks();
        if let Ok(written) = outcome {
            checks_after.insert("atomic".to_owned(), written.atomic.into());
            checks_after.insert("created".to_owned(), written.created.into());
            checks_after.insert("content_matches".to_owned(), written.verified.then_some(true).into());
        } else if let Err(error) = outcome
            && matches!(error.get_ref(), Some(inner) if inner.is::<Unverified>())
        {
            checks_after.insert("content_matches".to_owned(), false.into());
        }
        FileWrite {
            path: self.path.display().to_string(),
            // What is no text is told by its length alone.
            content: std::str::from_utf8(content).ok().map(str::to_owned),
            bytes: outcome.as_ref().ok().map(|written| written.bytes),
            checks_before,
            checks_after,
            permissions: after.permissions(),
            owner: after.owner(),
            error: outcome.as_ref().err().map(|error| failure::Failure::new(error).info()),
            ..FileWrite::default()
        }
    }
}

/// Puts the content where the path leads.
fn replace(path: &Path, content: &[u8]) -> io::Result<Written> {
    let real = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        Ok(_) | Err(_) => path.to_owned(),
    };
    let former = match fs::metadata(&real) {
        Ok(meta) => Some(meta),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let created = former.is_none();
    let bytes = content.len() as u64;
    let done = |atomic| Ok(Written { path: path.to_owned(), bytes, created, atomic, verified: false });
    // A link that leads nowhere yet is followed by creating what it names.
    if former.as_ref().is_some_and(|meta| !meta.is_file())
        || fs::symlink_metadata(&real).is_ok_and(|meta| meta.is_symlink())
    {
        fs::write(&real, content)?;
        return done(false);
    }
    // Fails as writing would, where the file may not be written although its folder may.
    if !created {
        drop(OpenOptions::new().write(true).open(&real)?);
    }
    match prepared(&real, former.as_ref()) {
        Ok(temporary) => {
            temporary.write(Durability::Synced, |out| out.write_all(content))?;
            temporary.rename_to(&real)?;
            done(true)
        }
        // The folder takes no new file, or the owner cannot be kept; the file that is there may be written.
        Err(error) if !created && matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound) => {
            let mut file = OpenOptions::new().write(true).truncate(true).open(&real)?;
            file.write_all(content)?;
            // EINVAL: what is written there needs no syncing, see fsync(2).
            file.sync_data()
                .or_else(|error| if error.kind() == io::ErrorKind::InvalidInput { Ok(()) } else { Err(error) })?;
            done(false)
        }
        Err(error) => Err(error),
    }
}

/// A temporary file that may take the place of the former one: with its permissions, and its owner.
fn prepared(real: &Path, former: Option<&fs::Metadata>) -> io::Result<Temporary> {
    let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = Temporary::create(folder)?;
    if let Some(former) = former {
        look::take_owner(temporary.file(), former)?;
        temporary.file().set_permissions(former.permissions())?;
    }
    Ok(temporary)
}

/// Reads the file back and compares. What is no regular file cannot be read back, and what may be written but not read was
/// written all the same.
fn verified(written: Written, content: &[u8]) -> io::Result<Written> {
    if !fs::metadata(&written.path).is_ok_and(|meta| meta.is_file()) {
        return Ok(written);
    }
    match holds(&written.path, content) {
        Ok(true) => Ok(Written { verified: true, ..written }),
        Ok(false) => Err(io::Error::new(io::ErrorKind::InvalidData, Unverified { path: written.path })),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(written),
        Err(error) => Err(error),
    }
}

fn holds(path: &Path, content: &[u8]) -> io::Result<bool> {
    let mut reader = BufReader::new(File::open(path)?);
    let (mut rest, mut buffer) = (content, [0; 16 * 1024]);
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if count == 0 {
            return Ok(rest.is_empty());
        }
        match rest.strip_prefix(&buffer[..count]) {
            Some(left) => rest = left,
            None => return Ok(false),
        }
    }
}
