//! Picks out of a trace what a diagnosis is made of.

use super::{Diagnosis, Failure, HealingRecord, ModelCall, Place, Transformation};
use serde_json::Value;
use trace_core::event::HealingAttempt;
use trace_core::model::{ErrorInfo, Kind, LlmCall, Observation, Trace};

pub(super) fn collect(trace: &Trace) -> Diagnosis {
    let mut diagnosis = Diagnosis {
        trace_id: trace.trace_id.clone(),
        status: trace.run.status,
        error: trace.run.error.clone(),
        ..Diagnosis::default()
    };
    let mut seen: Vec<(Place, &Observation)> = Vec::new();
    for (name, stage) in &trace.stages {
        for observation in &stage.observations {
            let place = Place {
                stage: name.clone(),
                component: observation.component.clone().or_else(|| stage.component.clone()),
                observation_id: observation.id.clone(),
                name: observation.name.clone(),
                at: observation.started_at,
            };
            seen.push((place, observation));
        }
    }
    // Stable: what began at the same moment stays in the order of the document.
    seen.sort_by_key(|(place, _)| place.at);
    for (place, observation) in seen {
        diagnosis.take(place, observation);
    }
    for (name, stage) in &trace.stages {
        if let Some(error) = &stage.error {
            let place = Place {
                stage: name.clone(),
                component: stage.component.clone(),
                at: stage.started_at,
                ..Place::default()
            };
            diagnosis.take_error(&place, error);
        }
    }
    diagnosis
}

impl Diagnosis {
    fn take(&mut self, place: Place, observation: &Observation) {
        if let Some(llm) = &observation.llm {
            self.calls.push(call(place.clone(), observation, llm));
        }
        if is_finding(observation) {
            return self.take_finding(place, observation);
        }
        if let Some(error) = &observation.error {
            self.take_error(&place, error);
        }
        self.transformations.extend(transformation(place, observation));
    }

    /// An error on its way up is told once, where it began.
    fn take_error(&mut self, place: &Place, error: &ErrorInfo) {
        if !self.errors.iter().any(|(_, known)| known.message == error.message) {
            self.errors.push((place.clone(), error.clone()));
        }
    }

    fn take_finding(&mut self, place: Place, observation: &Observation) {
        let failure = failure(place.clone(), observation);
        let is_same = |known: &Failure| {
            (&known.error_type, &known.message, &known.file) == (&failure.error_type, &failure.message, &failure.file)
                && (known.line, known.column) == (failure.line, failure.column)
        };
        let record = healing(place, observation);
        if !self.failures.iter().any(is_same) {
            self.failures.push(failure);
        }
        let Some(record) = record else { return };
        // A later report of the same healing says more than an earlier one.
        let of_same = |known: &&mut HealingRecord| {
            known.ended.is_none() && known.file == record.file && known.place.stage == record.place.stage
        };
        match self.healing.iter_mut().find(of_same) {
            Some(known) => *known = record,
            None => self.healing.push(record),
        }
    }
}

fn call(place: Place, observation: &Observation, llm: &LlmCall) -> ModelCall {
    ModelCall {
        place,
        prompt: llm.prompt_link(),
        model: llm.model.clone(),
        parameters: llm.parameters.clone(),
        messages: llm.messages.clone(),
        response: llm.response.clone(),
        attempts: llm.attempts.clone(),
        error: observation.error.clone(),
    }
}

/// Whether this is something that a check found, rather than the check.
fn is_finding(observation: &Observation) -> bool {
    observation.kind == Kind::Validation && observation.error.is_some() && observation.output.is_null()
}

fn failure(place: Place, observation: &Observation) -> Failure {
    let error = observation.error.clone().unwrap_or_default();
    let text = |key: &str| observation.input.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| observation.input.get(key).and_then(Value::as_u64);
    Failure {
        place,
        validation_type: attribute(observation, "validation_type"),
        error_type: error.kind,
        message: error.message,
        file: text("file"),
        line: number("line_number"),
        column: number("column"),
        context: text("code_context"),
    }
}

fn healing(place: Place, observation: &Observation) -> Option<HealingRecord> {
    let attempts: Vec<HealingAttempt> = observation
        .attributes
        .get("healing_attempts")
        .and_then(|attempts| serde_json::from_value(attempts.clone()).ok())
        .unwrap_or_default();
    let ended = attribute(observation, "healing_ended");
    (ended.is_some() || !attempts.is_empty()).then(|| HealingRecord {
        place,
        file: observation.input.get("file").and_then(Value::as_str).map(str::to_owned),
        attempts,
        final_status: attribute(observation, "final_status"),
        ended,
        reason: attribute(observation, "healing_reason"),
        last_error: observation.error.as_ref().map(|error| error.message.clone()).unwrap_or_default(),
    })
}

fn attribute(observation: &Observation, key: &str) -> Option<String> {
    observation.attributes.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// What turns one thing into another: templates, code, files, and functions of which both sides were captured.
fn transformation(place: Place, observation: &Observation) -> Option<Transformation> {
    let Observation { kind, input, output, .. } = observation;
    let (before, after) = match kind {
        // The content stands on the side of what was given.
        Kind::FileWrite => {
            (input.get("content").cloned().unwrap_or_default(), input.get("path").cloned().unwrap_or_default())
        }
        Kind::Template => (input.get("source").cloned().unwrap_or_default(), output.clone()),
        Kind::Codegen => (input.clone(), output.get("code").unwrap_or(output).clone()),
        Kind::Function | Kind::Tool if !input.is_null() && !output.is_null() => (input.clone(), output.clone()),
        _ => return None,
    };
    Some(Transformation { place, kind: kind.to_string(), before, after, error: observation.error.clone() })
}
