//! Reads documents back: one by its id, or those of a folder, newest first.
//!
//! Everything found is untrusted. A file that is no document costs one line in the list of problems, never the list; a
//! link that leads out of the traces is not followed; what is not a regular file is not opened.

use super::layout::{self, BadTraceId, TRACES_DIR};
use std::fs::{self, File};
use std::io::Read as _;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use trace_core::model::{Timestamp, Trace};

/// A larger file is no document of ours: values are limited, and so is their number.
const MAX_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Why a document could not be read, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The id is none.
    #[error(transparent)]
    Id(#[from] BadTraceId),
    /// The file or folder cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It is no document.
    #[error("{} is not a trace document: {reason}", path.display())]
    NotADocument {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// A document, and where it was found.
#[derive(Clone, Debug)]
pub struct StoredDocument {
    /// The file.
    pub path: PathBuf,
    /// What it says.
    pub trace: Trace,
}

/// A file that was passed over, and why: one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, naming it.
    pub message: String,
}

/// The documents of a folder.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// The documents, newest first.
    pub documents: Vec<StoredDocument>,
    /// The files that were passed over.
    pub problems: Vec<Problem>,
}

/// Finds the document of a trace among the projects below `traces_root` (`WHYTRACE_DIR`); `None` when no project has it.
///
/// # Errors
/// [`ReadError::Id`] for what is no trace id, [`ReadError::File`] when `traces_root` is there but cannot be read.
pub fn find(traces_root: &Path, trace_id: &str) -> Result<Option<PathBuf>, ReadError> {
    let name = layout::document_path(Path::new(""), trace_id)?;
    let Some(root) = canonical(traces_root)? else { return Ok(None) };
    let entries = fs::read_dir(&root).map_err(|cause| ReadError::File { path: root.clone(), cause })?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|project| project.path().join(&name))
        .filter(|path| is_inside(path, &root).unwrap_or(false))
        .collect();
    found.sort();
    Ok(found.into_iter().next())
}

/// Reads the document of a trace, whichever project below `traces_root` (`WHYTRACE_DIR`) has it; `None` when none has.
///
/// # Errors
/// As [`find`] and [`read_document`].
pub fn load(traces_root: &Path, trace_id: &str) -> Result<Option<StoredDocument>, ReadError> {
    let Some(path) = find(traces_root, trace_id)? else { return Ok(None) };
    let trace = read_document(&path)?;
    Ok(Some(StoredDocument { path, trace }))
}

/// Reads one document.
///
/// # Errors
/// [`ReadError::File`] when it cannot be read, [`ReadError::NotADocument`] when it is corrupt, foreign, or of another trace
/// than its name says.
pub fn read_document(path: &Path) -> Result<Trace, ReadError> {
    let file_error = |cause| ReadError::File { path: path.to_owned(), cause };
    let no_document = |reason: String| ReadError::NotADocument { path: path.to_owned(), reason };
    let mut json = Vec::new();
    open_document(path)?.read_to_end(&mut json).map_err(file_error)?;
    let trace: Trace =
        serde_json::from_slice(&json).map_err(|error| no_document(super::escape::one_line(&error.to_string(), 200)))?;
    if trace.trace_id.is_empty() {
        return Err(no_document("it has no `trace_id`".into()));
    }
    named_as_its_file(trace, path)
}

/// Asked before it is opened: opening a named pipe would wait for its writer.
fn open_document(path: &Path) -> Result<File, ReadError> {
    let file_error = |cause| ReadError::File { path: path.to_owned(), cause };
    let no_document = |reason: String| ReadError::NotADocument { path: path.to_owned(), reason };
    let meta = fs::metadata(path).map_err(file_error)?;
    if !meta.is_file() {
        return Err(no_document("it is not a regular file".into()));
    }
    if meta.len() > MAX_BYTES {
        return Err(no_document(format!("it has {} bytes, more than any document", meta.len())));
    }
    File::open(path).map_err(file_error)
}

/// A copy under another name would be the same trace twice.
fn named_as_its_file(trace: Trace, path: &Path) -> Result<Trace, ReadError> {
    if path.file_stem().is_some_and(|stem| stem == trace.trace_id.as_str()) {
        return Ok(trace);
    }
    let id = super::escape::one_line(&trace.trace_id, 128);
    let reason = format!("it holds the trace `{id}`; rename it to `{id}.json`");
    Err(ReadError::NotADocument { path: path.to_owned(), reason })
}

/// Reads the documents of a project's `_traces` folder, newest first, at most `limit`.
///
/// Documents beyond the limit are not opened. A folder that is not there holds none.
///
/// # Errors
/// [`ReadError::File`] when the folder cannot be read. A single bad file is a [`Problem`].
pub fn list(project_dir: &Path, limit: usize) -> Result<Listing, ReadError> {
    let folder = project_dir.join(TRACES_DIR);
    let Some(root) = canonical(&folder)? else { return Ok(Listing::default()) };
    let mut listing = Listing::default();
    for path in newest_first(&root)? {
        if listing.documents.len() >= limit {
            break;
        }
        match read_inside(&path, &root) {
            Ok(trace) => listing.documents.push(StoredDocument { path, trace }),
            // Deleted since the folder was read: nothing to tell.
            Err(ReadError::File { cause, .. }) if cause.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                let message = super::escape::one_line(&error.to_string(), 1_000);
                listing.problems.push(Problem { path, message });
            }
        }
    }
    Ok(listing)
}

/// The documents below a folder, newest first: of every project when it holds projects, else of the project or `_traces` folder that it is.
#[cfg(feature = "_sql")]
pub(crate) fn documents(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let Some(root) = canonical(folder)? else {
        let cause = io::Error::new(ErrorKind::NotFound, "there is no such folder");
        return Err(ReadError::File { path: folder.to_owned(), cause });
    };
    let entries = fs::read_dir(&root).map_err(|cause| ReadError::File { path: root.clone(), cause })?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|entry| entry.path().join(TRACES_DIR)).collect();
    folders.push(root.join(TRACES_DIR));
    folders.retain(|folder| folder.is_dir() && is_inside(folder, &root).unwrap_or(false));
    if root.file_name().is_some_and(|name| name == TRACES_DIR) {
        folders.push(root);
    }
    let mut dated = Vec::new();
    for folder in folders {
        dated.extend(dated_in(&folder)?);
    }
    dated.sort_by(|a, b| b.cmp(a));
    Ok(dated.into_iter().map(|(_, path)| path).collect())
}

/// Reads one document below a folder, of this version, an older one, or the reference implementation.
#[cfg(feature = "_sql")]
pub(crate) fn import_inside(path: &Path, folder: &Path) -> Result<Trace, ReadError> {
    let file_error = |cause| ReadError::File { path: path.to_owned(), cause };
    let no_document = |reason: String| ReadError::NotADocument { path: path.to_owned(), reason };
    let root = fs::canonicalize(folder).map_err(file_error)?;
    if !is_inside(path, &root).map_err(file_error)? {
        return Err(no_document("it is a link that leads out of the folder".to_owned()));
    }
    named_as_its_file(import_document(path)?, path)
}

/// Reads one document of this version, an older one, or the reference implementation, whatever the file is called.
pub(crate) fn import_document(path: &Path) -> Result<Trace, ReadError> {
    let no_document = |reason: String| ReadError::NotADocument { path: path.to_owned(), reason };
    let mut text = String::new();
    open_document(path)?.read_to_string(&mut text).map_err(|cause| match cause.kind() {
        ErrorKind::InvalidData => no_document("it is not UTF-8".to_owned()),
        _ => ReadError::File { path: path.to_owned(), cause },
    })?;
    let trace = trace_core::import::read_document(&text);
    trace.map_err(|error| no_document(super::escape::one_line(&error.to_string(), 200)))
}

/// The folder's real path; `None` when it is not there.
fn canonical(folder: &Path) -> Result<Option<PathBuf>, ReadError> {
    match fs::canonicalize(folder) {
        Ok(path) => Ok(Some(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(ReadError::File { path: folder.to_owned(), cause }),
    }
}

fn is_inside(path: &Path, root: &Path) -> io::Result<bool> {
    Ok(fs::canonicalize(path)?.starts_with(root))
}

fn read_inside(path: &Path, root: &Path) -> Result<Trace, ReadError> {
    match is_inside(path, root) {
        Ok(true) => read_document(path),
        Ok(false) => Err(ReadError::NotADocument {
            path: path.to_owned(),
            reason: "it is a link that leads out of the folder".to_owned(),
        }),
        Err(cause) => Err(ReadError::File { path: path.to_owned(), cause }),
    }
}

/// The `.json` files that are not side files, by the time in their name, else by that of their last change.
fn newest_first(folder: &Path) -> Result<Vec<PathBuf>, ReadError> {
    let mut dated = dated_in(folder)?;
    dated.sort_by(|a, b| b.cmp(a));
    Ok(dated.into_iter().map(|(_, path)| path).collect())
}

fn dated_in(folder: &Path) -> Result<Vec<(String, PathBuf)>, ReadError> {
    let entries = fs::read_dir(folder).map_err(|cause| ReadError::File { path: folder.to_owned(), cause })?;
    let dated = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let stem = name.strip_suffix(".json").filter(|stem| !is_side_file(stem))?;
        Some((date_of(stem, &entry), entry.path()))
    });
    Ok(dated.collect())
}

/// Whether a name without its ending is that of a side file, or hidden.
pub(crate) fn is_side_file(stem: &str) -> bool {
    stem.starts_with('.') || stem.starts_with("llm_") || stem.starts_with("validation_error_")
}

/// `YYYYMMDD_HHMMSS`, which sorts as the time does.
fn date_of(stem: &str, entry: &fs::DirEntry) -> String {
    let in_name = stem.strip_prefix("trc_").and_then(|rest| rest.get(..15));
    let is_date = |text: &&str| {
        text.bytes().enumerate().all(|(at, byte)| if at == 8 { byte == b'_' } else { byte.is_ascii_digit() })
    };
    in_name.filter(is_date).map_or_else(
        || {
            let changed = entry.metadata().and_then(|meta| meta.modified());
            changed.map(|time| Timestamp::from_system(time).compact()).unwrap_or_default()
        },
        str::to_owned,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A project with documents of these ids.
    fn project(root: &Path, name: &str, ids: &[&str]) -> PathBuf {
        let project = root.join(name);
        fs::create_dir_all(project.join(TRACES_DIR)).unwrap();
        for id in ids {
            let text = format!(r#"{{"trace_id": "{id}", "field_of_tomorrow": 1, "project_name": "{name}"}}"#);
            fs::write(layout::document_path(&project, id).unwrap(), text).unwrap();
        }
        project
    }

    const OLD: &str = "trc_20250101_000000_a1b2c3d4";
    const NEW: &str = "trc_20260101_000000_a1b2c3d4e5f60718";
    const NEWEST: &str = "trc_20260102_000000_00b2c3d4e5f60718";

    #[test]
    fn a_document_is_found_in_whichever_project_has_it() {
        let root = tempfile::tempdir().unwrap();
        project(root.path(), "a", &[OLD]);
        project(root.path(), "b", &[NEW]);
        fs::write(root.path().join("whytrace.db"), "").unwrap();
        let found = load(root.path(), NEW).unwrap().unwrap();
        assert_eq!(found.trace.project_name, "b");
        assert_eq!(found.trace.extra["field_of_tomorrow"], 1);
        assert!(load(root.path(), NEWEST).unwrap().is_none());
        assert!(load(&root.path().join("missing"), NEW).unwrap().is_none());
        assert!(matches!(load(root.path(), "../a"), Err(ReadError::Id(_))));
    }

    #[test]
    fn documents_are_listed_newest_first_and_not_more_than_asked() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path(), "a", &[NEW, NEWEST, OLD]);
        let ids = |limit| -> Vec<String> {
            let listing = list(&project, limit).unwrap();
            assert!(listing.problems.is_empty());
            listing.documents.into_iter().map(|document| document.trace.trace_id).collect()
        };
        assert_eq!(ids(10), [NEWEST, NEW, OLD]);
        assert_eq!(ids(2), [NEWEST, NEW]);
        assert!(list(&root.path().join("missing"), 10).unwrap().documents.is_empty());
    }

    #[test]
    fn what_is_no_document_costs_one_line_and_never_the_list() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path(), "a", &[NEW]);
        let put = |name: &str, text: &[u8]| fs::write(project.join(TRACES_DIR).join(name), text).unwrap();
        put("llm_s_c_1.json", b"a side file");
        put("validation_error_s_c_1.json", b"a side file");
        put("session_x.jsonl", b"a stream");
        put("trc_a_summary.md", b"a summary");
        put("trc_half.json", b"{\"trace_id\": \"trc_half\", \"sta");
        put("package.json", b"{\"name\": \"left-pad\"}");
        put("list.json", b"[1, 2]");
        put("trc_copy.json", format!("{{\"trace_id\": \"{NEW}\"}}").as_bytes());
        put("trc_bytes.json", b"\xff\xfe");
        put("deep.json", &b"[".repeat(100_000));
        put("evil\x1b[2J.json", b"{}");
        fs::create_dir(project.join(TRACES_DIR).join("folder.json")).unwrap();
        let listing = list(&project, 100).unwrap();
        assert_eq!(listing.documents.len(), 1);
        assert_eq!(listing.problems.len(), 8, "{:#?}", listing.problems);
        for problem in &listing.problems {
            assert!(!problem.message.chars().any(char::is_control), "{problem:?}");
            assert!(problem.message.contains(".json is not a trace document: "), "{problem:?}");
        }
        let has = |text: &str| listing.problems.iter().any(|problem| problem.message.contains(text));
        assert!(has("package.json is not a trace document: it has no `trace_id`"));
        assert!(has(&format!("trc_copy.json is not a trace document: it holds the trace `{NEW}`")));
    }

    #[test]
    #[cfg(unix)]
    fn links_that_lead_out_are_not_followed() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let other = project(elsewhere.path(), "secret", &[NEW, OLD]);
        let inside = project(root.path(), "a", &[NEWEST]);
        symlink(layout::document_path(&other, NEW).unwrap(), layout::document_path(&inside, NEW).unwrap()).unwrap();
        symlink(&other, root.path().join("linked")).unwrap();
        symlink("trc_loop.json", inside.join(TRACES_DIR).join("trc_loop.json")).unwrap();
        assert!(load(root.path(), NEW).unwrap().is_none());
        assert!(load(root.path(), OLD).unwrap().is_none());
        let listing = list(&inside, 10).unwrap();
        assert_eq!(listing.documents.len(), 1);
        assert!(listing.problems.iter().any(|problem| problem.message.contains("leads out of the folder")));
    }

    #[test]
    #[cfg(unix)]
    fn a_named_pipe_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path(), "a", &[]);
        let pipe = layout::document_path(&project, NEW).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(load(root.path(), NEW).unwrap_err().to_string().contains("not a regular file"));
    }
}
