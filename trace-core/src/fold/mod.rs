//! The one fold: events become the document.
//!
//! Comes in: the events of a trace, in the order in which the collector accepted them. Goes out: the
//! [`Trace`], consistent after every event. The live collector, recovery after a crash, import and replay all use this
//! fold, and it looks at nothing but the events: folding the written stream gives the same document, bit for bit.
//!
//! Streams come from outside. No sequence of events makes the fold fail: an event that came before is skipped, what
//! was lost on the way is marked where it is missing, and what has no room in the document is counted.

mod facts;
mod leaves;
mod place;
mod run;
mod seen;
mod spans;
#[cfg(test)]
mod tests;
mod totals;
mod weight;

pub use leaves::EXECUTION;

use crate::event::{Body, Event};
use crate::model::{Timestamp, Trace};
use indexmap::IndexMap;
use place::{Index, Room, StageState};
use seen::Seen;
pub(crate) use weight::of as event_bytes;

/// How much of a run the document holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoldLimits {
    /// Stages, observations, decisions, evidence items, scores, iterations and whatever else a document lists, together. What a
    /// `trace_start` says goes before this, so that a stream folds the same way everywhere.
    pub max_items: usize,
}

impl Default for FoldLimits {
    fn default() -> Self {
        Self { max_items: 100_000 }
    }
}

/// The fold of one trace.
///
/// ```
/// use trace_core::event::Event;
/// use trace_core::fold::{Fold, FoldLimits};
/// let mut fold = Fold::new(FoldLimits::default());
/// for line in [
///     r#"{"event":"trace_start","seq":0,"ts":"2026-02-13T14:30:22Z","trace_id":"t","project_id":"cobot"}"#,
///     r#"{"event":"stage_start","seq":1,"ts":"2026-02-13T14:30:23Z","trace_id":"t","stage":"intake","id":"1","name":"intake"}"#,
/// ] {
///     fold.apply(Event::from_line(line).unwrap());
/// }
/// assert!(fold.trace().stages.contains_key("intake"));
/// assert!(!fold.is_ended());
/// ```
#[derive(Debug)]
pub struct Fold {
    trace: Trace,
    limits: FoldLimits,
    index: Index,
    /// What is known of each stage beyond the document, in the order of `trace.stages`.
    states: Vec<StageState>,
    seen: Seen,
    /// How many items the document lists.
    items: usize,
    bytes: usize,
    started: bool,
    ended: bool,
}

/// What the envelope of an event says of the fact in it.
#[derive(Clone, Debug)]
struct At {
    seq: u64,
    ts: Timestamp,
    stage: Option<String>,
    component: Option<String>,
    duration_ms: Option<f64>,
}

impl At {
    fn seconds(&self) -> Option<f64> {
        self.duration_ms.map(|millis| millis / 1e3)
    }

    /// When that which is reported at its end began.
    fn began(&self) -> Timestamp {
        #[allow(clippy::cast_possible_truncation)] // saturates, and `from_nanos` stops at the ends of its range
        let nanos = (self.duration_ms.unwrap_or(0.0).max(0.0) * 1e6).round() as i128;
        Timestamp::from_nanos(self.ts.as_nanos().saturating_sub(nanos))
    }
}

impl Fold {
    /// Nothing folded yet.
    #[must_use]
    pub fn new(limits: FoldLimits) -> Self {
        let mut trace = Trace::default();
        trace.run.tracing_enabled = true;
        Self {
            trace,
            limits,
            index: Index::default(),
            states: Vec::new(),
            seen: Seen::default(),
            items: 0,
            bytes: 0,
            started: false,
            ended: false,
        }
    }

    /// Adds one event to the document.
    ///
    /// An event of another trace is not folded in, but noted as a warning. One whose number was folded in before is skipped: it is
    /// the same event, read again. (Events numbered 0 other than `trace_start` come from writers that do not number.)
    pub fn apply(&mut self, event: Event) {
        if self.trace.trace_id.is_empty() {
            self.introduce(&event);
        } else if event.trace_id != self.trace.trace_id {
            let message = format!("event {} of trace {:?} does not belong here", event.seq, event.trace_id);
            return self.warn(event.ts, event.stage, message);
        }
        if event.seq != 0 && !self.seen.first_time(event.seq) {
            return;
        }
        let left_out = self.trace.metadata.stream_only;
        let bytes = weight::of(&event.body);
        self.count_late(&event.body);
        let Event { seq, ts, stage, component, duration_ms, body, .. } = event;
        // The stream holds no NaN; what it would hold is what is folded.
        let duration_ms = duration_ms.filter(|millis| millis.is_finite());
        self.fold(&At { seq, ts, stage, component, duration_ms }, body);
        if self.trace.metadata.stream_only == left_out {
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }

    fn fold(&mut self, at: &At, body: Body) {
        match body {
            Body::TraceStart(start) => self.trace_start(at, start),
            Body::TraceUpdate(update) => self.trace_update(at, update),
            Body::TraceEnd(end) => self.trace_end(at, end),
            Body::StageStart(start) => self.stage_start(at, start),
            Body::StageEnd(end) => self.stage_end(at, end),
            Body::ObservationStart(start) => self.observation_start(at, start),
            Body::ObservationEnd(end) => self.observation_end(at, end),
            Body::DecisionMade(decision) => self.decision(at, decision),
            Body::EvidenceFound(found) => self.evidence(at, found),
            Body::LlmInteraction(interaction) => self.llm_interaction(at, interaction),
            Body::PromptExecuted(execution) => self.prompt_execution(at, execution),
            Body::TemplateRender(render) => self.template_render(at, render),
            Body::ValidationError(error) => self.validation_error(at, error),
            Body::FileWrite(write) => self.file_write(at, write),
            Body::CacheAccess(access) => self.cache_access(at, access),
            Body::MemoryUse(memory) => self.memory_use(at, &memory),
            Body::ErrorRaised(raised) => self.error_raised(at, &raised),
            Body::ScoreGiven(given) => self.scores(at, given),
            Body::IterationDone(done) => self.iteration(done),
            Body::OutputSet(set) => self.outputs(set),
            Body::ChildStart(start) => self.child_trace(start),
            Body::FlagRaised(raised) => self.flag(raised),
            Body::Warning(noted) => self.warn(at.ts, at.stage.clone(), noted.message),
            Body::Unknown(unknown) => self.unknown(at, unknown),
        }
    }

    /// The document so far.
    #[must_use]
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The document.
    #[must_use]
    pub fn into_trace(self) -> Trace {
        self.trace
    }

    /// How many flags the document still has room for.
    pub(crate) fn room_for_flags(&self) -> usize {
        self.room(Room::Reserved)
    }

    /// Whether a `trace_end` was folded in.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// About how much memory the document takes, for bounding that of open traces: within a factor of two for documents that
    /// hold more than a few items.
    #[must_use]
    pub fn approximate_bytes(&self) -> usize {
        self.bytes
    }
}

/// Folds the events of a stream that may hold several traces; the traces are in the order of their first events.
#[must_use]
pub fn replay(events: impl IntoIterator<Item = Event>) -> Vec<Trace> {
    let mut folds: IndexMap<String, Fold> = IndexMap::new();
    for event in events {
        match folds.get_mut(&event.trace_id) {
            Some(fold) => fold.apply(event),
            None => {
                let mut fold = Fold::new(FoldLimits::default());
                let trace_id = event.trace_id.clone();
                fold.apply(event);
                folds.insert(trace_id, fold);
            }
        }
    }
    folds.into_values().map(Fold::into_trace).collect()
}
