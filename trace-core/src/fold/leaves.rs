//! Facts that are observations of their own, reported at once: model calls, rendered templates, failed checks, files.

use super::{At, Fold};
use crate::event::{FileWrite, LlmInteraction, PromptExecution, TemplateRender, ValidationError};
use crate::fold::place::Loc;
use crate::model::{ErrorInfo, Kind, LlmCall, Object, Observation, Outcome};
use serde::Serialize;
use serde_json::{Value, json};

/// The attribute of a model call that the program logged itself.
pub const EXECUTION: &str = "execution";

/// What a leaf has in common with the others.
struct Leaf {
    id: String,
    span_id: Option<String>,
    observation: Observation,
    extra: Object,
}

impl Fold {
    /// What is reported inside of an observed model call adds to that call, and so does a report without an id to any observation;
    /// otherwise it is an observation of its own.
    pub(super) fn llm_interaction(&mut self, at: &At, interaction: LlmInteraction) {
        let LlmInteraction { id, span_id, llm, side_file, extra } = interaction;
        let span = self.find(span_id.as_deref());
        if let Some(Loc::Observation(stage, index)) = span
            && (id.is_none() || self.observation_mut(stage, index).kind.is_model_call())
        {
            self.merge_call(stage, index, *llm);
            let attributes = &mut self.observation_mut(stage, index).attributes;
            attributes.extend(side_file.map(|file| ("side_file".to_owned(), Value::String(file))));
            attributes.extend(extra);
            return;
        }
        let failure = failure(&llm);
        let observation = Observation {
            name: "llm".to_owned(),
            kind: Kind::Llm,
            outcome: Some(if failure.is_some() { Outcome::Err } else { Outcome::Ok }),
            error: failure.map(|message| ErrorInfo { message, ..ErrorInfo::default() }),
            attributes: present([("side_file", json!(side_file))]),
            ..Observation::default()
        };
        let leaf = Leaf { id: id.unwrap_or_default(), span_id, observation, extra };
        if let Some((stage, index)) = self.insert_leaf(at, leaf) {
            self.merge_call(stage, index, *llm);
        }
    }

    /// What the program logged of a call that nothing observed: a model call under the prompt's name, with what was logged beside it as the
    /// attribute `execution`.
    pub(super) fn prompt_execution(&mut self, at: &At, execution: PromptExecution) {
        let PromptExecution { id, span_id, llm, success, response_time_ms, error, metadata, arm, extra, .. } =
            execution;
        let logged = json!({
            "input_tokens": execution.input_tokens,
            "output_tokens": execution.output_tokens,
            "metadata": metadata,
        });
        let mut attributes = arm;
        add_if_present(&mut attributes, EXECUTION, logged);
        let observation = Observation {
            name: llm.prompt_name.clone().unwrap_or_else(|| "llm".to_owned()),
            kind: Kind::Llm,
            outcome: Some(if success { Outcome::Ok } else { Outcome::Err }),
            error: error.map(|message| ErrorInfo { message, ..ErrorInfo::default() }),
            attributes,
            ..Observation::default()
        };
        let at = At { duration_ms: Some(response_time_ms).filter(|millis| millis.is_finite()), ..at.clone() };
        if let Some((stage, index)) = self.insert_leaf(&at, Leaf { id, span_id, observation, extra }) {
            self.merge_call(stage, index, *llm);
        }
    }

    pub(super) fn template_render(&mut self, at: &At, render: TemplateRender) {
        let observation = Observation {
            name: render.template,
            kind: Kind::Template,
            outcome: Some(outcome(render.error.as_ref())),
            input: Value::Object(present([("variables", render.variables), ("source", json!(render.source))])),
            output: json!(render.output),
            error: render.error,
            attributes: present([("indentation", json!(render.indentation))]),
            ..Observation::default()
        };
        self.insert_leaf(at, Leaf { id: render.id, span_id: render.span_id, observation, extra: render.extra });
    }

    pub(super) fn validation_error(&mut self, at: &At, found: ValidationError) {
        let healed = found.final_status.as_deref() == Some("healed");
        let observation = Observation {
            name: found.validation_type.clone().unwrap_or_else(|| "validation".to_owned()),
            kind: Kind::Validation,
            outcome: Some(if healed { Outcome::Ok } else { Outcome::Err }),
            input: Value::Object(present([
                ("file", json!(found.file)),
                ("line_number", json!(found.line_number)),
                ("column", json!(found.column)),
                ("code_context", json!(found.code_context)),
            ])),
            error: Some(ErrorInfo {
                kind: Some(found.error_type).filter(|kind| !kind.is_empty()),
                message: found.error_message,
                ..ErrorInfo::default()
            }),
            attributes: present([
                ("validation_type", json!(found.validation_type)),
                ("healing_attempts", list(&found.healing_attempts)),
                ("final_status", json!(found.final_status)),
                ("healing_ended", json!(found.healing_ended)),
                ("healing_reason", json!(found.healing_reason)),
                ("side_file", json!(found.side_file)),
            ]),
            ..Observation::default()
        };
        self.insert_leaf(at, Leaf { id: found.id, span_id: found.span_id, observation, extra: found.extra });
    }

    pub(super) fn file_write(&mut self, at: &At, write: FileWrite) {
        let observation = Observation {
            name: write.path.clone(),
            kind: Kind::FileWrite,
            outcome: Some(outcome(write.error.as_ref())),
            input: Value::Object(present([("path", json!(write.path)), ("content", json!(write.content))])),
            output: Value::Object(present([
                ("bytes", json!(write.bytes)),
                ("permissions", json!(write.permissions)),
                ("owner", json!(write.owner)),
            ])),
            error: write.error,
            attributes: present([
                ("checks_before", Value::Object(write.checks_before)),
                ("checks_after", Value::Object(write.checks_after)),
            ]),
            ..Observation::default()
        };
        self.insert_leaf(at, Leaf { id: write.id, span_id: write.span_id, observation, extra: write.extra });
    }

    fn insert_leaf(&mut self, at: &At, leaf: Leaf) -> Option<(usize, usize)> {
        let id = self.id_or_made(leaf.id, at);
        if self.index.spans.contains_key(&id) {
            return None;
        }
        let mut observation = leaf.observation;
        super::spans::note(&mut observation.attributes, None, leaf.extra);
        observation.id = id;
        observation.started_at = Some(at.began());
        observation.duration_ms = at.duration_ms;
        observation.component.clone_from(&at.component);
        observation.parent_id.clone_from(&leaf.span_id);
        self.insert_observation(at, leaf.span_id.as_deref(), observation)
    }
}

/// What made a model call fail: the error of its last try, when there is no response.
fn failure(call: &LlmCall) -> Option<String> {
    let last = call.attempts.last()?;
    last.error.clone().filter(|_| call.response.is_null())
}

fn outcome(error: Option<&ErrorInfo>) -> Outcome {
    if error.is_some() { Outcome::Err } else { Outcome::Ok }
}

fn list<T: Serialize>(items: &[T]) -> Value {
    serde_json::to_value(items).unwrap_or_default()
}

/// The fields that say something.
fn present<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Object {
    let mut object = Object::new();
    fields.into_iter().for_each(|(key, value)| add_if_present(&mut object, key, value));
    object
}

fn add_if_present(object: &mut Object, key: &str, value: Value) {
    let says = match &value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    };
    if says {
        object.insert(key.to_owned(), value);
    }
}
