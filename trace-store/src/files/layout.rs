//! Which file is where.
//!
//! A trace id comes from outside (an imported document, a command line): only one that is a plain name becomes a path.

use std::path::{Path, PathBuf};

/// The folder of a project that holds its documents, summaries and event streams.
pub const TRACES_DIR: &str = "_traces";

/// The longest trace id that becomes a file name, in bytes.
const MAX_ID: usize = 128;

/// A text that is not a trace id, and so no file name either.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a trace id: expected `trc_` and at most 124 further letters, digits, `_` or `-`")]
pub struct BadTraceId(String);

/// Where the document of a trace is: `{project_dir}/_traces/{trace_id}.json`.
///
/// # Errors
/// [`BadTraceId`] when the id could name anything but a file in that folder.
///
/// ```
/// use trace_store::files::document_path;
/// let path = document_path("traces/cobot".as_ref(), "trc_20260213_143022_a1b2c3d4e5f60718")?;
/// assert!(path.ends_with("cobot/_traces/trc_20260213_143022_a1b2c3d4e5f60718.json"));
/// assert!(document_path("traces/cobot".as_ref(), "../../etc/passwd").is_err());
/// # Ok::<(), trace_store::files::BadTraceId>(())
/// ```
pub fn document_path(project_dir: &Path, trace_id: &str) -> Result<PathBuf, BadTraceId> {
    file(project_dir, trace_id, ".json")
}

/// Where the Markdown summary of a trace is: `{project_dir}/_traces/{trace_id}_summary.md`.
///
/// # Errors
/// As [`document_path`].
pub fn summary_path(project_dir: &Path, trace_id: &str) -> Result<PathBuf, BadTraceId> {
    file(project_dir, trace_id, "_summary.md")
}

fn file(project_dir: &Path, trace_id: &str, ending: &str) -> Result<PathBuf, BadTraceId> {
    if is_trace_id(trace_id) {
        Ok(project_dir.join(TRACES_DIR).join(format!("{trace_id}{ending}")))
    } else {
        Err(BadTraceId(super::escape::one_line(trace_id, 64)))
    }
}

/// Whether a text can be a trace id: the prefix, and nothing that means something in a path on any system.
pub(crate) fn is_trace_id(text: &str) -> bool {
    text.len() <= MAX_ID
        && text.strip_prefix("trc_").is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_leave_the_folder_are_refused() {
        let long = format!("trc_{}", "a".repeat(125));
        for bad in ["", "trc_", "trc_../x", "trc_a/b", "trc_a\\b", "trc_a\0", "trc_a.json", "CON", "..", "trc_é", &long]
        {
            assert!(document_path(Path::new("p"), bad).is_err(), "{bad}");
        }
        assert!(summary_path(Path::new("p"), "trc_20260213_143022_a1b2c3d4").is_ok());
    }

    #[test]
    fn the_refusal_shows_no_control_characters() {
        let error = document_path(Path::new("p"), "trc_\x1b[2J").unwrap_err();
        assert!(!error.to_string().contains('\x1b'), "{error}");
    }
}
