//! The documents: files of a folder in, passages that can be retrieved and cited out.
//!
//! Files come from anywhere, so everything is bounded (number, size, depth), links are not followed, bytes that are not
//! text are not read as text, and what was left out is listed with the reason.

mod document;

pub use document::{Document, Passage};

use crate::error::Error;
use crate::text::printable;
use serde::Serialize;
use serde_json::json;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};
use whytrace::prelude::*;

/// At most this much of one file is read, in bytes.
const LARGEST_FILE: u64 = 256 << 10;

/// At most this much is read altogether, in bytes.
const LARGEST_CORPUS: usize = 2 << 20;

/// Folders nested deeper are not entered.
const DEEPEST: usize = 16;

/// Folders of this name hold what programs made, not what people wrote.
const BUILD_FOLDERS: &[&str] = &["target", "node_modules"];

/// A file that was left out, and why.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Skipped {
    /// The file, relative to the corpus.
    pub path: String,
    /// Why it was left out, or cut.
    pub reason: String,
}

/// All documents of a folder.
#[derive(Debug, Default)]
pub struct Corpus {
    /// The documents, sorted by path.
    pub documents: Vec<Document>,
    /// Their passages, in order; no two have the same text.
    pub passages: Vec<Passage>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
    /// The texts of all passages.
    seen: HashSet<String>,
}

impl Corpus {
    /// The document that a passage is from, given the passage's index.
    pub fn source(&self, passage: usize) -> &str {
        &self.documents[self.passages[passage].document].path
    }

    /// How much there is, for the trace.
    fn figures(&self) -> serde_json::Value {
        json!({ "documents": self.documents.len(), "passages": self.passages.len(), "skipped": self.skipped })
    }

    /// Reads a folder, or a single file.
    ///
    /// # Errors
    /// The path does not exist or cannot be opened. A file *inside* that cannot be read is skipped.
    #[observable("read_corpus", kind = tool, input(root), output(|corpus| corpus.figures()))]
    pub fn read(root: &Path) -> Result<Self, Error> {
        let metadata = root.metadata().map_err(|source| Error::Corpus { path: root.to_owned(), source })?;
        let mut corpus = Self::default();
        if metadata.is_file() {
            let name = root.file_name().unwrap_or(root.as_os_str());
            corpus.add_file(root, name.to_string_lossy().into_owned());
        } else {
            corpus.add_folder(root);
        }
        Ok(corpus)
    }

    fn add_folder(&mut self, root: &Path) {
        let walk = WalkDir::new(root).max_depth(DEEPEST).sort_by_file_name().into_iter();
        let mut read = 0;
        for entry in walk.filter_entry(|entry| entry.depth() == 0 || !is_private(entry)) {
            let relative = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned();
            match entry {
                Err(error) => {
                    let path = error.path().map(relative).unwrap_or_default();
                    self.skip(path, error.io_error().map_or_else(|| error.to_string(), io::Error::to_string));
                }
                Ok(entry) if entry.path_is_symlink() && entry.depth() > 0 => {
                    self.skip(relative(entry.path()), "a symbolic link");
                }
                Ok(entry) if entry.file_type().is_file() && is_text(entry.path()) => {
                    if read >= LARGEST_CORPUS {
                        self.skip(relative(entry.path()), "the corpus is full: 2 MiB were read before");
                    } else {
                        read += self.add_file(entry.path(), relative(entry.path()));
                    }
                }
                Ok(_) => {}
            }
        }
    }

    /// Reads one file and says how many bytes it took.
    fn add_file(&mut self, path: &Path, name: String) -> usize {
        match read_text(path) {
            Ok((text, cut)) => {
                if cut {
                    self.skip(name.clone(), "cut: only the first 256 KiB were read");
                }
                let bytes = text.len();
                self.add(name, &text);
                bytes
            }
            Err(error) => {
                self.skip(name, error.to_string());
                0
            }
        }
    }

    /// Adds a document whose text is known.
    pub fn add(&mut self, path: String, text: &str) {
        let index = self.documents.len();
        let mut passages = document::passages(index, &path, text);
        passages.retain(|passage| self.seen.insert(passage.text.clone()));
        if passages.is_empty() {
            self.skip(path, "no text, or none that is not in another document already");
        } else {
            self.documents.push(Document { path });
            self.passages.append(&mut passages);
        }
    }

    fn skip(&mut self, path: String, reason: impl Into<String>) {
        self.skipped.push(Skipped { path, reason: reason.into() });
    }
}

/// Where this repository's own documentation is.
pub fn own_documentation() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Hidden folders, build output and what whytrace wrote itself are not documentation.
fn is_private(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    name.starts_with('.')
        || entry.file_type().is_dir() && (BUILD_FOLDERS.contains(&&*name) || entry.path().join("_traces").is_dir())
}

fn is_text(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    matches!(&*extension, "md" | "markdown" | "txt" | "text" | "rst")
}

/// The text of a file up to the limit, and whether it goes on after it.
fn read_text(path: &Path) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes)?;
    let cut = bytes.len() as u64 > LARGEST_FILE;
    bytes.truncate(LARGEST_FILE as usize);
    if bytes.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "binary: it has a zero byte"));
    }
    Ok((printable(&String::from_utf8_lossy(&bytes)), cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A folder that is removed again.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("whytrace-research-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
            self
        }

        fn read(&self) -> Corpus {
            Corpus::read(&self.0).unwrap()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn paths(corpus: &Corpus) -> Vec<&str> {
        corpus.documents.iter().map(|document| document.path.as_str()).collect()
    }

    #[test]
    fn an_empty_folder_is_an_empty_corpus_and_a_missing_one_an_error() {
        let folder = Folder::new("empty");
        assert!(folder.read().passages.is_empty());
        let error = Corpus::read(&folder.0.join("nowhere")).unwrap_err().to_string();
        assert!(error.contains("nowhere") && error.contains("--corpus"), "{error}");
    }

    #[test]
    fn a_single_file_is_a_corpus() {
        let folder = Folder::new("single").with("notes", "Some words about traces.");
        assert_eq!(paths(&Corpus::read(&folder.0.join("notes")).unwrap()), ["notes"]);
    }

    #[test]
    fn only_text_that_people_wrote_is_read() {
        let folder = Folder::new("mixed")
            .with("a.md", "# Title\n\nSome words.")
            .with("b.txt", b"caf\xe9 \x1b[31mis open. And more words follow here.")
            .with("image.md", b"\x89PNG\0\0")
            .with("program.exe", "not text")
            .with(".hidden/c.md", "Hidden words.")
            .with("target/doc/d.md", "Built words.")
            .with("out/_traces/x.txt", "Traced words.")
            .with("out/report.md", "Our own report.");
        let corpus = folder.read();
        assert_eq!(paths(&corpus), ["a.md", "b.txt"]);
        assert!(corpus.passages[1].text.contains("caf\u{fffd}  [31mis open"));
        assert_eq!(corpus.skipped.len(), 1);
        assert!(corpus.skipped[0].reason.contains("binary"));
    }

    #[test]
    fn huge_files_are_cut_and_said_so() {
        let folder = Folder::new("huge").with("huge.txt", "A sentence of some length. ".repeat(40_000));
        let corpus = folder.read();
        assert!(corpus.skipped[0].reason.contains("256 KiB"));
        assert!(corpus.passages.iter().map(|passage| passage.text.len()).sum::<usize>() <= LARGEST_FILE as usize);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = Folder::new("links").with("sub/a.md", "Some words.");
        std::os::unix::fs::symlink(&folder.0, folder.0.join("sub/loop")).unwrap();
        let corpus = folder.read();
        assert_eq!(paths(&corpus), ["sub/a.md"]);
        assert_eq!(corpus.skipped[0].reason, "a symbolic link");
    }

    #[test]
    fn a_text_that_occurs_twice_is_kept_once() {
        let folder = Folder::new("twice").with("a.md", "The same words.").with("b.md", "The same words.");
        let corpus = folder.read();
        assert_eq!(paths(&corpus), ["a.md"]);
        assert_eq!(corpus.skipped[0].path, "b.md");
    }
}
