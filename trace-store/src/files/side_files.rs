//! Side files: which ones a document names, and their texts put back where they belong.
//!
//! Comes in: a document whose large texts were moved to `llm_….json` and `validation_error_….json` beside it. Goes out: the same
//! document with the texts in it. Names and contents are untrusted: only a plain name is looked for, only beside the document, and a
//! text is taken only when it has the length and the hash that the document says.

use super::read::{Problem, ReadError, read_document};
use serde_json::Value;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use trace_core::model::{Observation, Trace};

/// A larger side file is none of ours: its values are limited.
const MAX_BYTES: u64 = 256 << 20;

/// The side files that a document names, each once; a name that is more than a file name is not one of ours.
pub(crate) fn named(trace: &Trace) -> Vec<String> {
    let mut names: Vec<String> = trace
        .stages
        .values()
        .flat_map(|stage| &stage.observations)
        .flat_map(|call| texts(call).into_iter().map(|place| place.name).chain(attribute(call)))
        .filter(|name| is_plain(name))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn attribute(call: &Observation) -> Option<String> {
    call.attributes.get("side_file")?.as_str().map(str::to_owned)
}

fn is_plain(name: &str) -> bool {
    name.ends_with(".json") && name.len() <= 255 && !name.starts_with('.') && !name.contains(['/', '\\', ':', '\0'])
}

/// Reads a document, and the texts of its side files back into it; see [`restore_texts`].
///
/// # Errors
/// As [`read_document`].
pub fn read_whole(path: &Path) -> Result<(Trace, Vec<Problem>), ReadError> {
    let mut trace = read_document(path)?;
    let problems = restore_texts(&mut trace, path.parent().unwrap_or(Path::new(".")));
    Ok((trace, problems))
}

/// Puts the texts of side files back into a document. A text whose file is gone, or is not the one that the document means, stays out, and
/// is told.
pub fn restore_texts(trace: &mut Trace, traces_dir: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    for call in trace.stages.values_mut().flat_map(|stage| &mut stage.observations) {
        for place in texts(call) {
            match read(traces_dir, &place) {
                Ok(text) => put_back(call, place.field, text),
                Err(reason) => {
                    let name = super::escape::one_line(&place.name, 128);
                    let message = format!("the text of {} is not in the side file {name}: {reason}", place.field.key());
                    problems.push(Problem { path: traces_dir.join(name), message });
                }
            }
        }
    }
    problems
}

/// A text that is elsewhere.
struct Moved {
    field: Field,
    name: String,
    bytes: u64,
    blake3: String,
}

#[derive(Clone, Copy)]
enum Field {
    Messages,
    Response,
    CodeContext,
}

impl Field {
    /// The key in the side file.
    fn key(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Response => "response",
            Self::CodeContext => "code_context",
        }
    }
}

/// The texts of an observation that are elsewhere.
fn texts(call: &Observation) -> Vec<Moved> {
    let mut moved = Vec::new();
    if let Some(llm) = &call.llm {
        moved.extend(placeholder(Field::Messages, &llm.messages));
        moved.extend(placeholder(Field::Response, &llm.response));
    }
    // In a text, the note is itself a text.
    let context = call.input.get("code_context").and_then(Value::as_str).filter(|text| text.starts_with("{\""));
    if let Some(note) = context.and_then(|text| serde_json::from_str(text).ok()) {
        moved.extend(placeholder(Field::CodeContext, &note));
    }
    moved
}

/// Reads `{"side_file": …, "bytes": …, "blake3": …}`.
fn placeholder(field: Field, value: &Value) -> Option<Moved> {
    let members = value.as_object().filter(|members| members.len() == 3)?;
    Some(Moved {
        field,
        name: members.get("side_file")?.as_str()?.to_owned(),
        bytes: members.get("bytes")?.as_u64()?,
        blake3: members.get("blake3")?.as_str()?.to_owned(),
    })
}

fn read(traces_dir: &Path, place: &Moved) -> Result<Value, String> {
    if !is_plain(&place.name) {
        return Err("it is no name of a side file".to_owned());
    }
    let path = traces_dir.join(&place.name);
    // A link could lead anywhere, and opening a named pipe would wait.
    if !fs::symlink_metadata(&path).map_err(|error| error.to_string())?.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let mut json = Vec::new();
    let file = File::open(&path).map_err(|error| error.to_string())?;
    file.take(MAX_BYTES).read_to_end(&mut json).map_err(|error| error.to_string())?;
    let mut content: Value = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
    let text = content.get_mut(place.field.key()).map(Value::take).ok_or("it has no such field")?;
    // Of a text of a validation error the text itself was hashed, of a value of a model call its JSON.
    let hashed = match (place.field, &text) {
        (Field::CodeContext, Value::String(text)) => text.clone(),
        _ => text.to_string(),
    };
    let is_meant = hashed.len() as u64 == place.bytes && trace_core::text::hash(&hashed) == place.blake3;
    if is_meant { Ok(text) } else { Err("its text is not the one that the document means".to_owned()) }
}

fn put_back(call: &mut Observation, field: Field, text: Value) {
    match (field, &mut call.llm) {
        (Field::Messages, Some(llm)) => llm.messages = text,
        (Field::Response, Some(llm)) => llm.response = text,
        (Field::CodeContext, _) => {
            if let Value::Object(input) = &mut call.input {
                input.insert(field.key().to_owned(), text);
            }
        }
        (Field::Messages | Field::Response, None) => {}
    }
}
