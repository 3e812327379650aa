//! One recorded fact, and its line in the event stream.
//!
//! Comes in: what the recorder saw, redacted. Goes out: one JSON object a line. [`crate::fold`] turns events into the
//! document; live view, recovery, import and replay read the same lines.
//!
//! A line carries the envelope (`event`, `seq`, `ts`, `session_id`, `trace_id`, `stage`, `component`, `duration_ms`,
//! for model calls also `model`, `prompt_length`, `response_length`, `tokens_in`, `tokens_out`) and the fields of its [`Body`].
//! Unknown events and fields are kept.

mod body;
mod execution;
mod length;

pub use body::{
    Body, CacheAccess, ChildStart, DecisionMade, ErrorRaised, EvidenceFound, FileWrite, FlagRaised, HealingAttempt,
    IterationDone, LlmInteraction, MemoryUse, Noted, ObservationEnd, ObservationStart, OutputSet, ScoreGiven, StageEnd,
    StageStart, TemplateRender, TraceAccount, TraceEnd, TraceStart, TraceUpdate, Unknown, ValidationError,
};

pub use execution::PromptExecution;

use crate::model::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

/// One fact about one trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The place in the trace, from 0, in the order in which the collector accepted events.
    pub seq: u64,
    /// When it happened.
    pub ts: Timestamp,
    /// The session of the trace.
    pub session_id: String,
    /// The trace.
    pub trace_id: String,
    /// The stage it happened in, under its unique name (`synthesis#2`); for the events of a stage, that stage.
    pub stage: Option<String>,
    /// The component of that stage.
    pub component: Option<String>,
    /// How long it took, for what takes time.
    pub duration_ms: Option<f64>,
    /// What happened.
    pub body: Body,
}

/// A line that is not an event.
#[derive(Debug, thiserror::Error)]
#[error("not an event of a trace: {0}")]
pub struct LineError(#[from] serde_json::Error);

#[derive(Deserialize)]
struct Envelope {
    event: String,
    #[serde(default)]
    seq: u64,
    ts: Timestamp,
    #[serde(default)]
    session_id: String,
    #[serde(default)]
    trace_id: String,
    #[serde(default)]
    stage: Option<String>,
    #[serde(default)]
    component: Option<String>,
    #[serde(default)]
    duration_ms: Option<f64>,
}

impl Event {
    /// Reads one line of an event stream.
    ///
    /// # Errors
    /// When the line is no JSON object, has no `event` or `ts`, or its fields are not those of its event.
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        let envelope: Envelope = serde_json::from_slice(line.as_bytes())?;
        let body = Body::parse(&envelope.event, line.as_bytes())?;
        Ok(Self {
            seq: envelope.seq,
            ts: envelope.ts,
            session_id: envelope.session_id,
            trace_id: envelope.trace_id,
            stage: envelope.stage,
            component: envelope.component,
            duration_ms: envelope.duration_ms,
            body,
        })
    }

    /// Appends this event's line, with its line break, to `out`.
    pub fn write_line(&self, out: &mut Vec<u8>) {
        let start = out.len();
        if serde_json::to_writer(&mut *out, self).is_err() {
            // Keys are strings and writing to memory cannot fail; were it to happen, say so in place of the event.
            out.truncate(start);
            let lost = Body::Warning(Noted {
                message: format!("event {} could not be written", self.body.name()),
                ..Noted::default()
            });
            let _ = serde_json::to_writer(&mut *out, &Self { body: lost, ..self.clone() });
        }
        out.push(b'\n');
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            event: &'a str,
            seq: u64,
            ts: Timestamp,
            session_id: &'a str,
            trace_id: &'a str,
            stage: Option<&'a str>,
            component: Option<&'a str>,
            duration_ms: Option<f64>,
            #[serde(flatten)]
            call: Option<CallSummary<'a>>,
            #[serde(flatten)]
            body: &'a Body,
        }
        #[derive(Serialize)]
        struct CallSummary<'a> {
            model: Option<&'a str>,
            prompt_length: u64,
            response_length: u64,
            tokens_in: Option<u64>,
            tokens_out: Option<u64>,
        }
        let call = self.body.llm().map(|llm| {
            let usage = llm.usage.map(|usage| usage.inclusive());
            CallSummary {
                model: llm.model.as_deref(),
                prompt_length: length::characters(&llm.messages),
                response_length: length::characters(&llm.response),
                tokens_in: usage.map(|usage| usage.input_tokens),
                tokens_out: usage.map(|usage| usage.output_tokens),
            }
        });
        Line {
            event: self.body.name(),
            seq: self.seq,
            ts: self.ts,
            session_id: &self.session_id,
            trace_id: &self.trace_id,
            stage: self.stage.as_deref(),
            component: self.component.as_deref(),
            duration_ms: self.duration_ms,
            call,
            body: &self.body,
        }
        .serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LlmCall, Usage};

    fn event(body: Body) -> Event {
        Event {
            seq: 7,
            ts: "2026-02-13T14:30:22.5Z".parse().unwrap(),
            session_id: "s".into(),
            trace_id: "t".into(),
            stage: Some("synthesis#2".into()),
            component: None,
            duration_ms: Some(1.5),
            body,
        }
    }

    fn round_trip(event: &Event) -> String {
        let mut line = Vec::new();
        event.write_line(&mut line);
        let line = String::from_utf8(line).unwrap();
        assert_eq!(&Event::from_line(&line).unwrap(), event);
        line
    }

    #[test]
    fn a_model_call_carries_its_summary_and_exact_money() {
        let llm = LlmCall::new()
            .model("m")
            .message("user", "h\u{e9}llo")
            .response("four")
            .usage(Usage { reasoning_tokens: 2, ..Usage::new(3, 4) })
            .cost("8191.123456789012".parse().unwrap());
        let line =
            round_trip(&event(Body::LlmInteraction(LlmInteraction { llm: Box::new(llm), ..Default::default() })));
        assert!(
            line.contains(r#""model":"m","prompt_length":5,"response_length":4,"tokens_in":3,"tokens_out":6"#),
            "{line}"
        );
        assert!(line.contains(r#""cost_usd":8191.123456789012"#), "{line}");
    }

    #[test]
    fn unknown_events_and_fields_are_kept() {
        let line = r#"{"event":"novelty","seq":1,"ts":"2026-02-13T14:30:22Z","trace_id":"t","colour":"red"}"#;
        let read = Event::from_line(line).unwrap();
        assert!(round_trip(&read).contains(r#""colour":"red""#));
        assert_eq!(read.body.name(), "novelty");

        let line = r#"{"event":"warning","seq":1,"ts":"2026-02-13T14:30:22Z","message":"m","colour":"red"}"#;
        assert!(round_trip(&Event::from_line(line).unwrap()).contains(r#""colour":"red""#));
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        for line in [
            "",
            "[]",
            "{}",
            r#"{"event":"warning"}"#,
            r#"{"event":"stage_end","ts":"2026-01-01T00:00:00Z","outcome":"fine"}"#,
        ] {
            assert!(Event::from_line(line).is_err(), "{line}");
        }
    }
}
