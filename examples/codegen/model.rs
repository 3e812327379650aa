//! Who writes the code: a model behind an endpoint, or templates with seeded faults.

use crate::chat::{Endpoint, Unanswered};
use crate::error::Error;
use crate::spec::Spec;
use crate::tokens;
use serde_json::json;
use whytrace::RenderedPrompt;
use whytrace::generation::{Broken, render_text};
use whytrace::prelude::*;

prompt! {
    /// Asks for a component.
    pub COMPONENT = "codegen_component",
    system = "You write Rust. Answer with one block of code and nothing else.",
    template = "\
Write the Rust struct {{ type_name }}: {{ purpose }}

Its public fields:
{{ fields }}
Its methods, in one impl block:
{{ methods }}
Use the standard library only, without `use` lines; write full paths.",
}

prompt! {
    /// Asks to mend what a validator found.
    pub MEND = "codegen_mend",
    system = "You mend Rust. Answer with the whole file in one block of code and nothing else.",
    template = "\
This file is not valid: {{ finding }}

{{ context }}

The whole file:
{{ code }}",
}

/// What templates do wrong, one fault for each response about a component; after the last they do it right.
const FAULTS: [(&str, &[&str]); 3] = [
    ("event_log", &["python"]),
    ("retry_policy", &["unclosed_brace", "forgotten_method"]),
    ("session_cache", &["python", "unclosed_brace", "wrong_name", "forgotten_method"]),
];

/// Who writes.
#[derive(Debug)]
pub enum Writer {
    /// A model.
    Model(Endpoint),
    /// Templates.
    Templates,
}

impl Writer {
    /// The model that the environment names, else the templates.
    pub fn from_env() -> Self {
        Endpoint::from_env().map_or(Self::Templates, Self::Model)
    }

    /// The model's name.
    fn model(&self) -> &str {
        if let Self::Model(endpoint) = self { &endpoint.model } else { "templates" }
    }

    /// The first draft of a component.
    ///
    /// # Errors
    /// There is no answer.
    pub fn draft(&self, spec: &Spec) -> Result<String, Error> {
        let fields: String = spec.fields.iter().map(|field| format!("- {}: {}\n", field.name, field.kind)).collect();
        let method = |method: &crate::spec::Method| format!("- `{}`: {}\n", method.signature, method.purpose);
        let methods: String = spec.methods.iter().map(method).collect();
        let variables =
            json!({ "type_name": spec.type_name(), "purpose": spec.purpose, "fields": fields, "methods": methods });
        ask_for_component(self, spec, &COMPONENT.render(&variables)?)
    }

    /// A mended file.
    ///
    /// # Errors
    /// There is no answer.
    pub fn mend(&self, spec: &Spec, broken: &Broken) -> Result<String, Error> {
        let finding = broken.report.first().map(ToString::to_string).unwrap_or_default();
        let context = broken.report.first().and_then(|finding| finding.context.clone()).unwrap_or_default();
        let variables = json!({ "finding": finding, "context": context, "code": broken.artifact.text });
        ask_to_mend(self, spec, &MEND.render(&variables)?, broken.attempt)
    }

    /// Sends a prompt; everything about the call goes into the trace, also when it fails.
    fn send(&self, spec: &Spec, prompt: &RenderedPrompt, attempt: u32) -> Result<String, Error> {
        let messages = json!([
            { "role": "system", "content": prompt.system },
            { "role": "user", "content": prompt.text },
        ]);
        whytrace::llm(LlmCall::new().messages(messages.clone()).parameter("temperature", 0));
        match self {
            Self::Model(endpoint) => {
                whytrace::llm(LlmCall::new().provider(endpoint.provider()));
                let outcome = endpoint.complete(&messages);
                whytrace::llm(match &outcome {
                    Ok(completion) => completion.to_call(&messages.to_string(), tokens::count),
                    Err(Unanswered { attempts, .. }) => LlmCall { attempts: attempts.clone(), ..LlmCall::new() },
                });
                Ok(outcome?.text)
            }
            Self::Templates => {
                let response = respond(spec, attempt)?;
                let usage = Usage::new(tokens::count(prompt) as u64, tokens::count(&response) as u64);
                whytrace::llm(
                    LlmCall::new().provider("local").usage(usage).cost(Money::ZERO).response(response.as_str()),
                );
                Ok(response)
            }
        }
    }
}

#[observable("ask_for_component", kind = llm, prompt = COMPONENT, model = writer.model())]
fn ask_for_component(writer: &Writer, spec: &Spec, prompt: &RenderedPrompt) -> Result<String, Error> {
    writer.send(spec, prompt, 0)
}

#[observable("ask_to_mend", kind = llm, prompt = MEND, model = writer.model())]
fn ask_to_mend(writer: &Writer, spec: &Spec, prompt: &RenderedPrompt, attempt: u32) -> Result<String, Error> {
    writer.send(spec, prompt, attempt)
}

/// What the templates answer when they are asked about a component for the n-th time, from 0.
fn respond(spec: &Spec, asked: u32) -> Result<String, Error> {
    let faults = FAULTS.iter().find(|(name, _)| *name == spec.name).map_or(&[][..], |(_, faults)| faults);
    let fault = faults.get(asked as usize).copied().unwrap_or_default();
    let variables = json!({ "spec": spec, "type_name": spec.type_name(), "fault": fault });
    Ok(render_text("response.md.j2", include_str!("templates/response.md.j2"), &variables)?)
}
