//! The document of a trace as rows: compressed pieces, from which another machine reads the whole trace.
//!
//! Comes in: the trace, and the side files it names. Goes out: rows of `trace_documents`, and the trace back from them.

use super::rows::DocumentRow;
use crate::files::side_files_of;
use lz4_flex::block::{CompressTable, compress, compress_into_with_table, decompress, get_maximum_output_size};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use trace_core::sink::FinishedTrace;

/// The `file` of the document's own pieces; those of a side file carry its name, which ends in `.json`.
pub(crate) const DOCUMENT: &str = "document";

/// How a piece is compressed: an LZ4 block.
const LZ4: &str = "lz4";

/// How much of a file one piece holds, before compression.
const PIECE: usize = 4 << 20;

/// The largest side file that is kept in the database; a larger one stays where it is, beside the document.
const MAX_SIDE_FILE: u64 = 64 << 20;

/// Makes pieces of documents, in room that it keeps from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    json: Vec<u8>,
    compressor: Compressor,
}

impl Packer {
    /// The pieces of a trace's document, and of the side files that it names.
    pub(crate) fn pack(&mut self, finished: &FinishedTrace, trace_id: &str) -> Vec<DocumentRow> {
        let Self { json, compressor } = self;
        json.clear();
        // Only a map with keys that are no text fails, and no document has one.
        if serde_json::to_writer(&mut *json, &*finished.trace).is_err() {
            json.clear();
        }
        let mut rows = compressor.pieces(trace_id, DOCUMENT, json);
        let Some(folder) = finished.project_dir.as_deref().map(|folder| folder.join("_traces")) else { return rows };
        for name in side_files_of(&finished.trace) {
            if let Some(text) = read_side_file(&folder.join(&name)) {
                rows.extend(compressor.pieces(trace_id, &name, &text));
            }
        }
        rows
    }
}

/// A side file is a second copy of what is on disk: one that is gone or too large is left out.
pub(crate) fn read_side_file(path: &Path) -> Option<Vec<u8>> {
    let file = File::open(path).ok()?;
    let size = file.metadata().ok().filter(std::fs::Metadata::is_file)?.len();
    let mut text = Vec::with_capacity(usize::try_from(size.min(MAX_SIDE_FILE)).ok()?);
    file.take(MAX_SIDE_FILE + 1).read_to_end(&mut text).ok()?;
    (text.len() as u64 <= MAX_SIDE_FILE).then_some(text)
}

/// Compresses pieces by way of a buffer that is large enough for any: what a piece needs is known only after.
#[derive(Default)]
struct Compressor {
    packed: Vec<u8>,
    table: CompressTable,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").field("room", &self.packed.len()).finish_non_exhaustive()
    }
}

impl Compressor {
    fn pieces(&mut self, trace_id: &str, file: &str, bytes: &[u8]) -> Vec<DocumentRow> {
        let piece = |(index, piece): (usize, &[u8])| DocumentRow {
            trace_id: trace_id.to_owned(),
            file: file.to_owned(),
            part: i64::try_from(index).unwrap_or(i64::MAX),
            encoding: LZ4.to_owned(),
            length: i64::try_from(piece.len()).unwrap_or(i64::MAX),
            blake3: blake3::hash(piece).to_hex().to_string(),
            body: self.compress(piece),
        };
        bytes.chunks(PIECE).enumerate().map(piece).collect()
    }

    fn compress(&mut self, piece: &[u8]) -> Vec<u8> {
        let Self { packed, table } = self;
        let most = get_maximum_output_size(piece.len());
        if packed.len() < most {
            packed.resize(most, 0);
        }
        match compress_into_with_table(piece, packed, table) {
            Ok(length) => packed[..length].to_vec(),
            // It says so itself when there is too little room.
            Err(_) => compress(piece),
        }
    }
}

/// Puts a file together from its pieces, in order; the error says what is wrong with them.
pub(crate) fn assemble(pieces: &[DocumentRow]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let part = piece.part;
        if usize::try_from(part).ok() != Some(index) {
            return Err(format!("part {index} is missing"));
        }
        if piece.encoding != LZ4 {
            return Err(format!("part {part} is encoded as `{}`, update the program", piece.encoding));
        }
        let length = usize::try_from(piece.length).ok().filter(|length| *length <= PIECE);
        let length = length.ok_or_else(|| format!("part {part} claims to hold {} bytes", piece.length))?;
        let plain =
            decompress(&piece.body, length).map_err(|error| format!("part {part} cannot be decompressed: {error}"))?;
        if blake3::hash(&plain).to_hex().as_str() != piece.blake3 {
            return Err(format!("part {part} is not what was written"));
        }
        bytes.extend_from_slice(&plain);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;
    use trace_core::model::{Observation, Stage, Trace};

    #[test]
    fn a_large_file_comes_back_from_its_pieces() {
        let bytes: Vec<u8> = (0..PIECE * 2 + 17).map(|n| (n % 251) as u8).collect();
        let mut rows = Compressor::default().pieces("trc_a", DOCUMENT, &bytes);
        assert_eq!(rows.len(), 3);
        assert!(rows.iter().map(|row| row.body.len()).sum::<usize>() < bytes.len() / 10);
        assert_eq!(assemble(&rows).unwrap(), bytes);
        rows[1].body[20] ^= 1;
        assert!(assemble(&rows).is_err());
        rows.remove(1);
        assert_eq!(assemble(&rows).unwrap_err(), "part 1 is missing");
    }

    #[test]
    fn side_files_go_along_and_no_other_file_does() {
        let project = tempfile::tempdir().unwrap();
        let folder = project.path().join("_traces");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("llm_s_c_1.json"), "\"large\"").unwrap();
        std::fs::write(project.path().join("secret.json"), "\"secret\"").unwrap();
        let naming = |name: &str| Observation {
            attributes: json!({ "side_file": name }).as_object().unwrap().clone(),
            ..Observation::default()
        };
        let mut trace = Trace::default();
        let names = ["llm_s_c_1.json", "llm_s_c_1.json", "../secret.json", "gone.json"];
        let observations = names.map(naming).to_vec();
        trace.stages.insert("s".into(), Stage { observations, ..Stage::default() });
        let finished = FinishedTrace {
            trace: Arc::new(trace),
            project_dir: Some(project.path().to_owned()),
            sampled: true,
            again: false,
        };
        let rows = Packer::default().pack(&finished, "trc_a");
        let files: Vec<&str> = rows.iter().map(|row| row.file.as_str()).collect();
        assert_eq!(files, [DOCUMENT, "llm_s_c_1.json"]);
        assert_eq!(assemble(&rows[1..]).unwrap(), b"\"large\"");
    }
}
