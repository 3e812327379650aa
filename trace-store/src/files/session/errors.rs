//! What went wrong in a session: each error once, where it began.

use serde::Serialize;
use std::collections::HashSet;
use trace_core::event::{Body, Event, ValidationError};
use trace_core::model::{ErrorInfo, Timestamp};

/// One thing that went wrong.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SessionError {
    /// The kind of the event that tells it.
    pub event: String,
    /// When.
    pub ts: Option<Timestamp>,
    /// In which trace.
    pub trace_id: String,
    /// In which stage.
    pub stage: Option<String>,
    /// In which component.
    pub component: Option<String>,
    /// The sort of error.
    pub error_type: Option<String>,
    /// The exact message.
    pub error_message: String,
    /// The line in what was checked, from 1.
    pub line_number: Option<u64>,
    /// The lines around it.
    pub code_context: Option<String>,
    /// For what validation found: whether it was `healed`, …
    pub final_status: Option<String>,
}

/// The errors that events tell, in their order. An error that a call, its stage and its trace ended with is told once; so is what
/// validation found again in every attempt to heal it, as it stood last.
pub(super) fn of(events: &[Event]) -> Vec<SessionError> {
    let mut told: HashSet<(String, String)> = HashSet::new();
    let mut errors: Vec<SessionError> = Vec::new();
    for event in events {
        let Some(error) = error(event) else { continue };
        if let Body::ValidationError(found) = &event.body {
            if let (Some(_), Some(status)) = (&found.healing_ended, &found.final_status) {
                conclude(&mut errors, &error, status);
            }
            let same = |known: &&mut SessionError| {
                known.event == error.event
                    && (&known.trace_id, &known.stage, &known.error_type)
                        == (&error.trace_id, &error.stage, &error.error_type)
                    && (&known.error_message, known.line_number) == (&error.error_message, error.line_number)
            };
            match errors.iter_mut().find(same) {
                Some(known) => *known = error,
                None => errors.push(error),
            }
        } else if told.insert((error.trace_id.clone(), error.error_message.clone())) {
            errors.push(error);
        }
    }
    errors
}

/// Healing has ended: so stands now what was found on its way.
fn conclude(errors: &mut [SessionError], conclusion: &SessionError, status: &str) {
    let is_part = |error: &&mut SessionError| {
        error.final_status.as_deref() == Some("healing")
            && (&error.trace_id, &error.stage) == (&conclusion.trace_id, &conclusion.stage)
    };
    errors.iter_mut().filter(is_part).for_each(|error| error.final_status = Some(status.to_owned()));
}

fn error(event: &Event) -> Option<SessionError> {
    match &event.body {
        Body::ValidationError(found) => Some(of_validation(event, found)),
        Body::StageEnd(end) => plain(event, end.error.as_ref()),
        Body::ObservationEnd(end) => plain(event, end.error.as_ref()),
        Body::TraceEnd(end) => plain(event, end.error.as_ref()),
        Body::ErrorRaised(raised) => plain(event, Some(&raised.error)),
        Body::TemplateRender(render) => plain(event, render.error.as_ref()),
        Body::FileWrite(write) => plain(event, write.error.as_ref()),
        _ => None,
    }
}

fn plain(event: &Event, error: Option<&ErrorInfo>) -> Option<SessionError> {
    let error = error?;
    Some(SessionError {
        error_type: error.kind.clone(),
        error_message: error.message.clone(),
        line_number: error.extra.get("line_number").and_then(serde_json::Value::as_u64),
        code_context: error.extra.get("code_context").and_then(serde_json::Value::as_str).map(str::to_owned),
        ..at(event)
    })
}

fn of_validation(event: &Event, found: &ValidationError) -> SessionError {
    SessionError {
        error_type: Some(found.error_type.clone()),
        error_message: found.error_message.clone(),
        line_number: found.line_number,
        code_context: found.code_context.clone(),
        final_status: found.final_status.clone(),
        ..at(event)
    }
}

fn at(event: &Event) -> SessionError {
    SessionError {
        event: event.body.name().to_owned(),
        ts: Some(event.ts),
        trace_id: event.trace_id.clone(),
        stage: event.stage.clone(),
        component: event.component.clone(),
        ..SessionError::default()
    }
}
