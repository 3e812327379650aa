//! A file written whole or not at all.
//!
//! The content goes to a temporary file in the same folder, which then takes the final name: a reader sees the old file or
//! the new one. The writer holds a lock on its temporary file, so a clean-up can tell what a dead process left behind
//! from what a living one is writing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// How the names of temporary files begin.
pub const PREFIX: &str = ".whytrace-";

/// How the names of temporary files end.
pub const ENDING: &str = ".tmp";

/// Whether the content must be on the disk before the file gets its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Yes: the file is the record.
    Synced,
    /// No: the file can be made again.
    Unsynced,
}

/// A locked file under a name of its own; gone when dropped, unless it got its final name.
#[derive(Debug)]
pub struct Temporary {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl Temporary {
    /// Creates an empty one in a folder, where its final name will be too.
    ///
    /// # Errors
    /// When the folder is not there or cannot be written.
    pub fn create(folder: &Path) -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!("{PREFIX}{}-{number}{ENDING}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    // A file system without locks has no clean-up either.
                    let _ = file.lock();
                    return Ok(Self { path, file, renamed: false });
                }
                // Containers that share a folder share process ids too.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The file, for its permissions.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Writes its content.
    ///
    /// # Errors
    /// When `fill` fails, or the disk does.
    pub fn write(&self, durability: Durability, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(64 * 1024, &self.file);
        fill(&mut out)?;
        out.flush()?;
        drop(out);
        if durability == Durability::Synced { self.file.sync_data() } else { Ok(()) }
    }

    /// Gives it its final name, replacing what has it.
    ///
    /// # Errors
    /// When the name cannot be taken, or the temporary file was deleted meanwhile.
    pub fn rename_to(mut self, path: &Path) -> io::Result<()> {
        fs::rename(&self.path, path)?;
        self.renamed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}
