//! A whole trace: the document, and the side files that it names.

use super::error::QueryError;
use super::store::Store;
use crate::files::{self, ReadError};
use crate::sql::rows::{DocumentRow, FlagRow};
use crate::sql::value::row;
use crate::sql::{SqlError, document, flags};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use trace_core::model::Trace;

/// A whole trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FullTrace {
    /// Which of the two copies it is.
    pub source: Source,
    /// The document's file.
    pub path: Option<PathBuf>,
    /// The document.
    pub trace: Trace,
    /// The side files that it names, by name. One that is gone is missing here.
    pub side_files: BTreeMap<String, Value>,
}

/// Which copy of a document was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The file.
    File,
    /// The copy in the database.
    Database,
}

row! {
    struct PlaceRow in "traces", key [trace_id], keep [] {
        trace_file_path: Option<String>,
        sampled: bool,
    }
}

impl Store {
    /// A whole trace, by its id or the beginning of it: the document on disk where there is one, else the copy in the database.
    ///
    /// # Errors
    /// As [`Store::trace`]; [`QueryError::NoDocument`] when both copies are missing, [`QueryError::File`] or [`QueryError::Sql`] when they cannot
    /// be read.
    pub async fn full_trace(&self, id: &str) -> Result<FullTrace, QueryError> {
        let trace_id = match self.trace(id).await {
            Ok(item) => item.trace_id,
            // Its rows may still wait in the outbox.
            Err(error @ QueryError::NoSuchTrace { .. }) => match self.on_disk(id.trim(), None) {
                Ok(Some(found)) => return Ok(found),
                _ => return Err(error),
            },
            Err(error) => return Err(error),
        };
        let place = self.recorded_place(&trace_id).await?;
        let recorded = place.as_ref().and_then(|place| place.trace_file_path.as_deref());
        let unreadable = match self.on_disk(&trace_id, recorded.map(Path::new)) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        match (self.in_database(&trace_id).await?, unreadable) {
            (Some(found), _) => Ok(found),
            (None, Some(error)) => Err(error.into()),
            (None, None) => {
                let reason = if place.is_some_and(|place| !place.sampled) {
                    "sampling left its document out".to_owned()
                } else {
                    format!("its document is not here, and {} has no copy of it", self.place())
                };
                Err(QueryError::NoDocument { trace_id, reason })
            }
        }
    }

    async fn recorded_place(&self, trace_id: &str) -> Result<Option<PlaceRow>, QueryError> {
        let mut ask = self.statement();
        ask.select::<PlaceRow>().of_trace::<PlaceRow>(trace_id);
        Ok(self.fetch("looking for a document", ask).await?.pop())
    }

    /// The document in the folder. Where the database says it is counts only below the folder: it may speak of another machine.
    fn on_disk(&self, trace_id: &str, recorded: Option<&Path>) -> Result<Option<FullTrace>, ReadError> {
        let Some(dir) = self.dir() else { return Ok(None) };
        let inside = |path: &&Path| {
            let root = std::fs::canonicalize(dir);
            let path = std::fs::canonicalize(path);
            matches!((root, path), (Ok(root), Ok(path)) if path.starts_with(&root))
        };
        let path = match recorded.filter(inside) {
            Some(path) => path.to_owned(),
            None => match files::find(dir, trace_id) {
                Ok(Some(path)) => path,
                // An id that can be no file name has no file.
                Ok(None) | Err(ReadError::Id(_)) => return Ok(None),
                Err(error) => return Err(error),
            },
        };
        let trace = files::import_inside(&path, dir)?;
        let folder = path.parent().unwrap_or(dir);
        let read = |name: String| document::read_side_file(&folder.join(&name)).map(|text| (name, parsed(&text)));
        let side_files = files::side_files_of(&trace).into_iter().filter_map(read).collect();
        Ok(Some(FullTrace { source: Source::File, path: Some(path), trace, side_files }))
    }

    async fn in_database(&self, trace_id: &str) -> Result<Option<FullTrace>, QueryError> {
        let mut ask = self.statement();
        ask.select::<DocumentRow>().of_trace::<DocumentRow>(trace_id);
        ask.push(" ORDER BY trace_documents.file, trace_documents.part");
        let mut files: BTreeMap<String, Vec<DocumentRow>> = BTreeMap::new();
        for piece in self.fetch::<DocumentRow>("reading a document", ask).await? {
            files.entry(piece.file.clone()).or_default().push(piece);
        }
        let damaged = |reason: String| SqlError::Damaged {
            what: "the document",
            trace_id: trace_id.to_owned(),
            url: self.url().clone(),
            reason,
        };
        let Some(pieces) = files.remove(document::DOCUMENT) else { return Ok(None) };
        let json = document::assemble(&pieces).map_err(damaged)?;
        let mut trace: Trace = serde_json::from_slice(&json).map_err(|error| damaged(error.to_string()))?;
        let mut ask = self.statement();
        ask.select::<FlagRow>().of_trace::<FlagRow>(trace_id);
        flags::complete(&mut trace, self.fetch("reading flags", ask).await?);
        let mut side_files = BTreeMap::new();
        for (name, pieces) in files {
            side_files.insert(name, parsed(&document::assemble(&pieces).map_err(damaged)?));
        }
        Ok(Some(FullTrace { source: Source::Database, path: None, trace, side_files }))
    }
}

/// What a side file says; one that is no JSON is shown as the text it is.
fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
