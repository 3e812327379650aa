//! What is said of the run as a whole: identity, end, outputs, passes of the retry loop, children, flags, warnings.

use super::place::{Loc, Room};
use super::spans::merge_outputs;
use super::{At, Fold};
use crate::event::{
    Body, ChildStart, Event, FlagRaised, IterationDone, OutputSet, TraceAccount, TraceEnd, TraceStart, TraceUpdate,
    Unknown,
};
use crate::model::{CalibrationFlag, Metadata, Object, RUN_STAGE, Timestamp, Warning};
use serde_json::Value;

/// Where events of unknown kinds are kept in the document.
const UNKNOWN_EVENTS: &str = "unknown_events";

impl Fold {
    /// Takes the identity from the envelope of the first event, in case the start of the trace was lost.
    pub(super) fn introduce(&mut self, event: &Event) {
        self.trace.trace_id.clone_from(&event.trace_id);
        self.trace.session_id.clone_from(&event.session_id);
        self.trace.run.started_at = Some(event.ts);
    }

    /// Counts what arrives after the end, but for what belongs there.
    pub(super) fn count_late(&mut self, body: &Body) {
        let belongs = match body {
            Body::FlagRaised(_) => true,
            Body::TraceUpdate(update) => update.metadata.is_some(),
            Body::TraceStart(_) => self.started,
            _ => false,
        };
        if self.ended && !belongs {
            self.trace.metadata.late_events += 1;
        }
    }

    pub(super) fn trace_start(&mut self, at: &At, start: TraceStart) {
        if self.started {
            return;
        }
        self.started = true;
        if let Some(max_items) = start.max_items {
            self.limits.max_items = usize::try_from(max_items).unwrap_or(usize::MAX);
        }
        self.index.root = start.root_span_id;
        let trace = &mut self.trace;
        if start.schema_version != 0 {
            trace.schema_version = start.schema_version;
        }
        trace.otel_trace_id = start.otel_trace_id;
        trace.parent_trace_id = start.parent_trace_id;
        trace.parent_span_id = start.parent_span_id;
        trace.user_id = start.user_id;
        trace.tags = start.tags;
        trace.project_id = start.project_id;
        trace.project_name = start.project_name;
        let run = &mut trace.run;
        run.query = start.query;
        run.intent = start.intent;
        run.domain = start.domain;
        run.report_type = start.report_type;
        run.research_type = start.research_type;
        run.started_at = Some(at.ts);
        run.fields = start.fields;
        trace.metadata.trace_version = start.trace_version;
        trace.metadata.generator = start.generator;
        trace.metadata.root_span_id = Some(self.index.root.clone()).filter(|id| !id.is_empty());
        keep(&mut trace.metadata, start.extra);
        if let Some(stage) = trace.stages.get_mut(RUN_STAGE) {
            stage.id.clone_from(&self.index.root);
            stage.started_at = Some(at.ts);
        }
    }

    pub(super) fn trace_update(&mut self, at: &At, update: TraceUpdate) {
        if !update.attributes.is_empty()
            && let Some(loc) = self.locate(at, update.span_id.as_deref())
        {
            self.attributes_mut(loc).extend(update.attributes);
        }
        let trace = &mut self.trace;
        let run = &mut trace.run;
        for (field, value) in [
            (&mut trace.user_id, update.user_id),
            (&mut run.query, update.query),
            (&mut run.intent, update.intent),
            (&mut run.domain, update.domain),
            (&mut run.report_type, update.report_type),
            (&mut run.research_type, update.research_type),
        ] {
            if value.is_some() {
                *field = value;
            }
        }
        trace.tags.extend(update.tags);
        run.fields.extend(update.fields);
        if let Some(account) = update.metadata {
            self.account(account);
        }
        keep(&mut self.trace.metadata, update.extra);
    }

    pub(super) fn trace_end(&mut self, at: &At, end: TraceEnd) {
        if self.ended && end.recovered {
            // The run had ended by itself; its own word stands.
            return;
        }
        self.account(end.metadata);
        keep(&mut self.trace.metadata, end.extra);
        self.ended = true;
        let run = &mut self.trace.run;
        run.status = end.status;
        run.completed_at = Some(at.ts);
        let since_start = run.started_at.map(|started| at.ts.seconds_since(started).max(0.0));
        run.duration_seconds = at.seconds().or(since_start);
        run.error = end.error;
        if end.recovered {
            self.trace.metadata.extra.insert("recovered".to_owned(), Value::Bool(true));
        }
        self.end_run_stage();
    }

    fn account(&mut self, account: TraceAccount) {
        self.trace.metadata.dropped_events = account.dropped_events;
        self.trace.metadata.tracing_overhead_ms = account.tracing_overhead_ms;
    }

    pub(super) fn outputs(&mut self, set: OutputSet) {
        match self.find(set.span_id.as_deref()) {
            Some(Loc::Stage(stage)) => merge_outputs(&mut self.stage_mut(stage).outputs, Value::Object(set.outputs)),
            Some(Loc::Observation(..)) | None => self.trace.outputs.extend(set.outputs),
        }
    }

    pub(super) fn iteration(&mut self, done: IterationDone) {
        self.trace.iteration_count = self.trace.iteration_count.saturating_add(1);
        if self.admit_one(Room::Reserved) {
            let mut iteration = done.iteration;
            if iteration.index == 0 {
                iteration.index = self.trace.iteration_count;
            }
            self.trace.iterations.push(iteration);
        }
    }

    pub(super) fn child_trace(&mut self, start: ChildStart) {
        if self.admit_one(Room::Reserved) {
            self.trace.child_traces.push(start.child);
        }
    }

    /// A flag is in the document once: those that are raised long after the end carry no number to know them by.
    pub(super) fn flag(&mut self, raised: FlagRaised) {
        let same = |flag: &CalibrationFlag| flag.kind == raised.flag.kind && flag.message == raised.flag.message;
        if !self.trace.calibration_flags.iter().any(same) && self.admit_one(Room::Reserved) {
            self.trace.calibration_flags.push(raised.flag);
        }
    }

    pub(super) fn warn(&mut self, ts: Timestamp, stage: Option<String>, message: String) {
        if self.admit_one(Room::Ordinary) {
            self.trace.warnings.push(Warning { timestamp: Some(ts), stage, message });
        }
    }

    /// Keeps an event of a kind this version does not know.
    pub(super) fn unknown(&mut self, at: &At, unknown: Unknown) {
        if !self.admit_one(Room::Ordinary) {
            return;
        }
        let mut event = unknown.fields;
        event.insert("event".to_owned(), Value::String(unknown.event));
        event.insert("seq".to_owned(), at.seq.into());
        event.insert("ts".to_owned(), Value::String(at.ts.to_string()));
        event.insert("stage".to_owned(), at.stage.clone().into());
        event.insert("component".to_owned(), at.component.clone().into());
        event.insert("duration_ms".to_owned(), at.duration_ms.into());
        let events = self.trace.extra.entry(UNKNOWN_EVENTS).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(events) = events {
            events.push(Value::Object(event));
        }
    }
}

/// Keeps fields of newer versions, but for those that would be in the document twice.
fn keep(metadata: &mut Metadata, extra: Object) {
    const OWN: [&str; 7] = [
        "trace_version",
        "generator",
        "root_span_id",
        "tracing_overhead_ms",
        "dropped_events",
        "stream_only",
        "late_events",
    ];
    metadata.extra.extend(extra.into_iter().filter(|(key, _)| !OWN.contains(&key.as_str())));
}
