//! What others should know, as `tracing` events: events of traces in, events of the log pipeline out.

use crate::observe::{Kinds, Observer};
use trace_core::event::{
    Body, DecisionMade, ErrorRaised, Event, FileWrite, Noted, StageEnd, TemplateRender, TraceEnd, ValidationError,
};
use trace_core::model::{ErrorInfo, Outcome, Status};
use tracing::Level;

/// Emits a [`tracing`] event for what an existing log pipeline should know of a trace: the end of a stage and of the run, decisions, errors.
/// With the feature `log`, they reach `log` where no `tracing` subscriber is set.
///
/// Every event has the target `whytrace` (for filters: `RUST_LOG=whytrace=info`) and the fields `trace_id`, `session_id`, `stage`, `component`, `at` (when it happened) and,
/// where something took time, `duration_ms`; then what its kind says. They are emitted on a thread of their own, so they stand in no
/// span of `tracing`.
///
/// | event | level | further fields |
/// |---|---|---|
/// | `stage_end` | info, error when it failed | `outcome`, `error` |
/// | `trace_end` | info, warn when incomplete, error when failed | `status`, `error` |
/// | `decision` | info | `decision`, `what`, `why`, `confidence` |
/// | `validation_error` | warn, info once healed | `error_type`, `error`, `file`, `line`, `column`, `final_status` |
/// | `error`, failed `file_write`, failed `template_render` | error | `error`, `error_type`, and `path` or `template` |
/// | `warning` | warn | |
///
/// ```no_run
/// let _guard = whytrace::Tracer::builder().tracing_events().init();
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingEvents(());

impl TracingEvents {
    /// The events of the table above.
    #[must_use]
    pub fn new() -> Self {
        Self(())
    }
}

/// Emits an event at a level that is known at run time only: `tracing` wants one call site for each.
macro_rules! emit {
    ($level:expr, $event:expr, $message:literal $(, $($field:ident = $value:expr),+)?) => {{
        let event: &Event = $event;
        let (at, stage, component) = (event.ts.to_string(), event.stage.as_deref(), event.component.as_deref());
        emit!(@at $level, event, at, stage, component, $message $(, $($field = $value),+)?)
    }};
    (@at $level:expr, $event:ident, $at:ident, $stage:ident, $component:ident, $message:literal $(, $($field:ident = $value:expr),+)?) => {
        match $level {
            Level::ERROR => emit!(@one error, $event, $at, $stage, $component, $message $(, $($field = $value),+)?),
            Level::WARN => emit!(@one warn, $event, $at, $stage, $component, $message $(, $($field = $value),+)?),
            _ => emit!(@one info, $event, $at, $stage, $component, $message $(, $($field = $value),+)?),
        }
    };
    (@one $name:ident, $event:ident, $at:ident, $stage:ident, $component:ident, $message:literal $(, $($field:ident = $value:expr),+)?) => {
        tracing::$name!(
            target: "whytrace",
            trace_id = $event.trace_id.as_str(),
            session_id = $event.session_id.as_str(),
            stage = $stage,
            component = $component,
            at = $at.as_str(),
            duration_ms = $event.duration_ms,
            $($($field = $value,)+)?
            $message
        )
    };
}

impl Observer for TracingEvents {
    fn name(&self) -> &str {
        "tracing"
    }

    fn kinds(&self) -> Kinds {
        Kinds::only([
            "stage_end",
            "trace_end",
            "decision",
            "validation_error",
            "error",
            "file_write",
            "template_render",
            "warning",
        ])
    }

    fn event(&self, event: &Event) {
        match &event.body {
            Body::StageEnd(end) => stage_end(event, end),
            Body::TraceEnd(end) => trace_end(event, end),
            Body::DecisionMade(made) => decision(event, made),
            Body::ValidationError(error) => validation_error(event, error),
            Body::ErrorRaised(ErrorRaised { error, .. }) => failed(event, error),
            Body::FileWrite(write) => file_write(event, write),
            Body::TemplateRender(render) => template_render(event, render),
            Body::Warning(Noted { message, .. }) => emit!(Level::WARN, event, "warning", warning = line(message)),
            _ => {}
        }
    }
}

/// A text as one line of a log: bounded, and without anything that acts on a terminal.
fn line(text: &str) -> String {
    trace_core::redact::log_line(text)
}

fn message(error: Option<&ErrorInfo>) -> Option<String> {
    error.map(|error| line(&error.message))
}

fn stage_end(event: &Event, end: &StageEnd) {
    let is_failed = matches!(end.outcome, Some(Outcome::Err | Outcome::Panicked));
    let level = if is_failed { Level::ERROR } else { Level::INFO };
    let (outcome, error) = (end.outcome.map(Outcome::as_str), message(end.error.as_ref()));
    emit!(level, event, "stage ended", outcome = outcome, error = error);
}

fn trace_end(event: &Event, end: &TraceEnd) {
    let level = match end.status {
        Status::Complete | Status::InProgress => Level::INFO,
        Status::Incomplete => Level::WARN,
        Status::Failed => Level::ERROR,
    };
    emit!(level, event, "trace ended", status = end.status.as_str(), error = message(end.error.as_ref()));
}

fn decision(event: &Event, made: &DecisionMade) {
    let (what, why) = (line(&made.what), line(&made.why));
    emit!(
        Level::INFO,
        event,
        "decision",
        decision = made.decision.as_str(),
        what = what,
        why = why,
        confidence = made.confidence
    );
}

fn validation_error(event: &Event, found: &ValidationError) {
    let status = found.final_status.as_deref();
    let level = if status == Some("healed") { Level::INFO } else { Level::WARN };
    emit!(
        level,
        event,
        "validation error",
        error_type = line(&found.error_type),
        error = line(&found.error_message),
        file = found.file.as_deref().map(line),
        line = found.line_number,
        column = found.column,
        final_status = status
    );
}

fn failed(event: &Event, error: &ErrorInfo) {
    emit!(Level::ERROR, event, "error", error_type = error.kind.as_deref(), error = line(&error.message));
}

fn file_write(event: &Event, write: &FileWrite) {
    if let Some(error) = &write.error {
        emit!(Level::ERROR, event, "file not written", path = line(&write.path), error = line(&error.message));
    }
}

fn template_render(event: &Event, render: &TemplateRender) {
    if let Some(error) = &render.error {
        let template = line(&render.template);
        emit!(Level::ERROR, event, "template not rendered", template = template, error = line(&error.message));
    }
}
