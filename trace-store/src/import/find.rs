//! Which files of a folder are documents and event streams.

use crate::files::is_side_file;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A file that traces are read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A document: one trace.
    Document(PathBuf),
    /// An event stream: the traces of a session.
    Stream(PathBuf),
}

impl Source {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        let (Self::Document(path) | Self::Stream(path)) = self;
        path
    }
}

/// The documents (`.json`) and event streams (`.jsonl`) of a file or folder: documents first, each in the order of their names.
///
/// Folders are searched to their ends; hidden files and folders, side files and links inside are passed over.
///
/// # Errors
/// When the file or folder is not there or cannot be read.
///
/// ```
/// use trace_store::import::{Source, find};
/// # let dir = tempfile::tempdir()?;
/// # let folder = dir.path();
/// std::fs::write(folder.join("session_a.jsonl"), "")?;
/// std::fs::write(folder.join("trc_a.json"), "")?;
/// assert_eq!(find(folder)?, [Source::Document(folder.join("trc_a.json")), Source::Stream(folder.join("session_a.jsonl"))]);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn find(path: &Path) -> io::Result<Vec<Source>> {
    if !fs::metadata(path)?.is_dir() {
        // Named outright, a file is what its name says, and a document where it says nothing.
        return Ok(vec![source(path).unwrap_or_else(|| Source::Document(path.to_owned()))]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            match entry.file_type()? {
                kind if kind.is_dir() => folders.push(entry.path()),
                kind if kind.is_file() => found.extend(source(&entry.path())),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}

fn source(path: &Path) -> Option<Source> {
    let stem = path.file_stem()?.to_string_lossy();
    match path.extension()?.to_str()? {
        "json" if !is_side_file(&stem) => Some(Source::Document(path.to_owned())),
        "jsonl" => Some(Source::Stream(path.to_owned())),
        _ => None,
    }
}
