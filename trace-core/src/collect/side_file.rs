//! Large texts of model calls and validation errors, in files beside the document.

use crate::event::Body;
use crate::model::LlmCall;
use crate::names::file_component;
use serde::Serialize;
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Tries of finding a free number for a side file.
const NUMBERS: u32 = 100_000;

/// The side files of one trace.
pub(super) struct SideFiles {
    traces_dir: Option<PathBuf>,
    session: String,
    from_bytes: usize,
    next: u32,
}

impl SideFiles {
    pub(super) fn new(traces_dir: Option<PathBuf>, session_id: &str, from_bytes: usize) -> Self {
        Self { traces_dir, session: file_component(session_id), from_bytes, next: 1 }
    }

    /// Moves the texts of a large body to a side file and leaves its name, length and hash in their place. When that fails, the
    /// texts stay; what went wrong is returned.
    pub(super) fn move_large(&mut self, body: &mut Body, component: Option<&str>) -> Option<String> {
        self.traces_dir.as_ref()?;
        let moved = match body {
            Body::LlmInteraction(interaction) => match self.move_call(&mut interaction.llm, component) {
                Ok(name) => {
                    interaction.side_file = name;
                    Ok(())
                }
                Err(error) => Err(error),
            },
            Body::ObservationStart(start) => {
                start.llm.as_mut().map_or(Ok(()), |llm| self.move_call(llm, component).map(drop))
            }
            Body::ObservationEnd(end) => {
                end.llm.as_mut().map_or(Ok(()), |llm| self.move_call(llm, component).map(drop))
            }
            Body::ValidationError(error) => {
                let context = error.code_context.as_ref().map_or(0, String::len);
                if context + error.error_message.len() < self.from_bytes {
                    return None;
                }
                self.write("validation_error", component, &*error).map(|name| {
                    error.code_context = error.code_context.take().map(|text| placeholder(&name, &text).to_string());
                    error.side_file = Some(name);
                })
            }
            _ => return None,
        };
        moved.err().map(|error| format!("cannot write a side file: {error}; the text stays in the document"))
    }

    fn move_call(&mut self, call: &mut LlmCall, component: Option<&str>) -> io::Result<Option<String>> {
        let (messages, response) = (text_bytes(&call.messages), text_bytes(&call.response));
        if messages + response < self.from_bytes {
            return Ok(None);
        }
        let name = self.write("llm", component, call)?;
        for value in [&mut call.messages, &mut call.response] {
            if text_bytes(value) > 1024 {
                *value = placeholder(&name, &value.to_string());
            }
        }
        Ok(Some(name))
    }

    /// Writes `<kind>_<session>_<component>_<n>.json` under the next free number.
    fn write(&mut self, kind: &str, component: Option<&str>, what: &impl Serialize) -> io::Result<String> {
        let Some(dir) = &self.traces_dir else { return Err(io::ErrorKind::Unsupported.into()) };
        let component = file_component(component.unwrap_or("none"));
        let text = serde_json::to_vec_pretty(what).map_err(io::Error::other)?;
        std::fs::create_dir_all(dir)?;
        for _ in 0..NUMBERS {
            let name = format!("{kind}_{}_{component}_{}.json", self.session, self.next);
            self.next = self.next.wrapping_add(1).max(1);
            match create(&dir.join(&name), &text) {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::new(io::ErrorKind::AlreadyExists, "no free number for a side file"))
    }
}

fn create(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text).inspect_err(|_| {
        let _ = std::fs::remove_file(path);
    })
}

/// What stands in the document in place of a text.
fn placeholder(name: &str, text: &str) -> Value {
    json!({ "side_file": name, "bytes": text.len(), "blake3": blake3::hash(text.as_bytes()).to_hex().as_str() })
}

/// About how many bytes of text a value holds.
fn text_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Object(entries) => entries.values().map(text_bytes).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
