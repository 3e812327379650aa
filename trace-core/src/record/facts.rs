//! Functions that record into the current trace what has no natural attribute.
//!
//! Each records one fact at the innermost stage or observation of the caller, and does nothing where no trace is recorded.

use super::capture;
use super::guards::{IterationGuard, hex};
use super::tape::Tape;
use super::{Record, recording};
use crate::context::local;
use crate::event::{
    Body, CacheAccess, ChildStart, ErrorRaised, EvidenceFound, FileWrite, LlmInteraction, MemoryUse, Noted, OutputSet,
    PromptExecution, ScoreGiven, TemplateRender, TraceUpdate, ValidationError,
};
use crate::model::{ChildTrace, ErrorInfo, Evidence, Gate, GatePolicy, Kind, LlmCall, Object, Score};
use serde::Serialize;
use std::fmt::Display;

/// Where a fact is recorded.
pub(crate) struct At {
    /// The innermost span; `None` directly under the trace.
    pub(crate) span_id: Option<String>,
    /// A fresh id.
    id: u64,
}

impl At {
    pub(super) fn id(&self) -> String {
        hex(self.id)
    }
}

/// Records a fact where the caller stands; `body` is called only when a trace is recorded.
pub(crate) fn record(body: impl FnOnce(&At) -> Body) {
    if !recording() {
        return;
    }
    local::with(|local| {
        let Some(trace) = local.trace() else { return };
        let (span, stage) = (local.span.get(), local.stage.get());
        let span_id = (span != trace.root_span).then(|| hex(span));
        let body = body(&At { span_id, id: local.next_id() });
        local.push(Record::fact(trace.key, span, stage, body), Tape::default());
    });
}

fn update(change: impl FnOnce(&mut TraceUpdate)) {
    record(|_| {
        let mut update = TraceUpdate::default();
        change(&mut update);
        Body::TraceUpdate(update)
    });
}

/// Sets a field of the run, such as `tier_config` or `retrieval_method`; the last value wins.
pub fn set(key: impl Into<String>, value: impl Serialize) {
    update(|update| {
        update.fields.insert(key.into(), capture::to_value(&value));
    });
}

/// Adds a label to the trace.
pub fn tag(key: impl Into<String>, value: impl Display) {
    update(|update| {
        update.tags.insert(key.into(), capture::display(&value));
    });
}

/// What the asker wants to do with the run, once it is known.
pub fn set_intent(intent: impl Display) {
    update(|update| update.intent = Some(capture::display(&intent)));
}

/// The subject area, once it is known.
pub fn set_domain(domain: impl Display) {
    update(|update| update.domain = Some(capture::display(&domain)));
}

/// What the run was asked, once it is known.
pub fn set_query(query: impl Display) {
    update(|update| update.query = Some(capture::display(&query)));
}

/// The sort of report wanted, once it is known.
pub fn set_report_type(report_type: impl Display) {
    update(|update| update.report_type = Some(capture::display(&report_type)));
}

/// The sort of research done, once it is known.
pub fn set_research_type(research_type: impl Display) {
    update(|update| update.research_type = Some(capture::display(&research_type)));
}

/// Who the run is for, once it is known.
pub fn set_user(user: impl Display) {
    update(|update| {
        let user = capture::display(&user);
        local::with(|local| local.trace().inspect(|trace| trace.set_user(user.clone())));
        update.user_id = Some(user);
    });
}

/// Says something of the innermost stage or observation.
pub fn attribute(key: impl Into<String>, value: impl Serialize) {
    record(|at| {
        let attributes = Object::from_iter([(key.into(), capture::to_value(&value))]);
        Body::TraceUpdate(TraceUpdate { span_id: at.span_id.clone(), attributes, ..TraceUpdate::default() })
    });
}

/// Reports what the stage collected, kept and filtered out. Several reports of one stage add up.
pub fn evidence(evidence: Evidence) {
    record(|at| {
        Body::EvidenceFound(EvidenceFound { span_id: at.span_id.clone(), evidence, ..EvidenceFound::default() })
    });
}

/// Gives a score; a later one of the same principle in the same stage replaces it.
pub fn score(score: Score) {
    record(|at| {
        Body::ScoreGiven(ScoreGiven { span_id: at.span_id.clone(), scores: vec![score], ..ScoreGiven::default() })
    });
}

/// Judges scores by the tracer's [`GatePolicy`] and records scores and verdict. The verdict is the same when nothing is recorded,
/// except that the default policy is used where there is no tracer.
pub fn quality_gate(scores: &[Score]) -> Gate {
    let policy = local::with(|local| local.tracer().map(|tracer| tracer.options().gate)).flatten();
    let policy = policy.or_else(|| crate::Tracer::global().map(|tracer| tracer.options().gate));
    quality_gate_by(&policy.unwrap_or_default(), scores)
}

/// Judges scores by a policy of the caller's and records scores and verdict, and a warning for each score that is not on the scale.
pub fn quality_gate_by(policy: &GatePolicy, scores: &[Score]) -> Gate {
    let gate = policy.judge(scores);
    for score in scores.iter().filter(|score| !policy.is_on_scale(score.score)) {
        let (id, value, scale) = (&score.id, score.score, policy.scale);
        warning(format!(
            "the score {value} of principle `{id}` is not on the scale 0..={scale}; the gate counts the nearest end"
        ));
    }
    record(|at| {
        let (scores, gate) = (scores.to_vec(), Some(gate.clone()));
        Body::ScoreGiven(ScoreGiven { span_id: at.span_id.clone(), scores, gate, ..ScoreGiven::default() })
    });
    gate
}

/// Begins a pass of the retry loop around the quality gate; [`IterationGuard::finish`] records it.
#[must_use = "the pass is recorded when the guard is finished or dropped"]
pub fn iteration() -> IterationGuard {
    IterationGuard::start()
}

/// Something the run produced, such as `report_file_path` or `output_file_paths`.
pub fn output(key: impl Into<String>, value: impl Serialize) {
    record(|_| {
        let outputs = Object::from_iter([(key.into(), capture::to_value(&value))]);
        Body::OutputSet(OutputSet { outputs, ..OutputSet::default() })
    });
}

/// Something the innermost stage produced.
pub fn stage_output(key: impl Into<String>, value: impl Serialize) {
    let stage = local::with(|local| local.stage.get()).filter(|stage| *stage != 0);
    record(|_| {
        let outputs = Object::from_iter([(key.into(), capture::to_value(&value))]);
        Body::OutputSet(OutputSet { span_id: stage.map(hex), outputs, ..OutputSet::default() })
    });
}

/// A trace that was started from this one, elsewhere. Traces started inside of it in this process are noted by themselves.
pub fn child_trace(trace_id: impl Into<String>, output_type: impl Into<String>, path: Option<String>) {
    record(|_| {
        let output_type = Some(output_type.into());
        let child = ChildTrace { trace_id: trace_id.into(), output_type, path, ..ChildTrace::default() };
        Body::ChildStart(ChildStart { child, ..ChildStart::default() })
    });
}

/// An error that did not end the stage or observation.
pub fn error(error: impl Into<ErrorInfo>) {
    record(|at| {
        Body::ErrorRaised(ErrorRaised { span_id: at.span_id.clone(), error: error.into(), ..ErrorRaised::default() })
    });
}

/// Something that whoever reads the trace should know.
pub fn warning(message: impl Into<String>) {
    record(|_| Body::Warning(Noted { message: message.into(), ..Noted::default() }));
}

/// More about the model call that is being observed; outside of one, a model call of its own.
pub fn llm(call: LlmCall) {
    record(|at| {
        let (id, span_id) = (Some(at.id()), at.span_id.clone());
        Body::LlmInteraction(LlmInteraction { id, span_id, llm: Box::new(call), ..LlmInteraction::default() })
    });
}

/// A model call made with a prompt that no `#[observable(kind = llm)]` observes; see [`PromptExecution::log`].
#[allow(clippy::must_use_candidate)] // most callers log and go on
pub fn log_prompt_execution(execution: PromptExecution) -> Option<String> {
    execution.log()
}

/// The rendering of a template. Ids are filled in.
pub fn template_render(render: TemplateRender) {
    record(|at| Body::TemplateRender(TemplateRender { id: at.id(), span_id: at.span_id.clone(), ..render }));
}

/// What a check found. Ids are filled in.
pub fn validation_error(error: ValidationError) {
    record(|at| Body::ValidationError(ValidationError { id: at.id(), span_id: at.span_id.clone(), ..error }));
}

/// A file that was written, or should have been. Ids are filled in.
pub fn file_write(write: FileWrite) {
    record(|at| Body::FileWrite(FileWrite { id: at.id(), span_id: at.span_id.clone(), ..write }));
}

/// A cache of the pipeline had what was asked for.
pub fn cache_hit(cache: impl Into<String>, key: impl Display) {
    cache_access(cache.into(), &key, true);
}

/// A cache of the pipeline did not have what was asked for.
pub fn cache_miss(cache: impl Into<String>, key: impl Display) {
    cache_access(cache.into(), &key, false);
}

fn cache_access(cache: String, key: &dyn Display, hit: bool) {
    record(|at| {
        let key = Some(capture::display(key));
        Body::CacheAccess(CacheAccess { span_id: at.span_id.clone(), cache, key, hit, ..CacheAccess::default() })
    });
}

/// How much memory the process uses, in resident bytes; measured by the caller.
pub fn memory(bytes: u64) {
    record(|at| Body::MemoryUse(MemoryUse { span_id: at.span_id.clone(), bytes, ..MemoryUse::default() }));
}

/// Begins a stage; code belongs inside with [`StageGuard::scope`](super::StageGuard::scope).
#[must_use = "the stage ends when the guard is dropped"]
pub fn stage(name: impl Into<String>) -> super::StageGuard {
    super::StageGuard::start(name)
}

/// Begins a stage of a component that is only known at run time, such as the one that is being generated. It stands in the `component`
/// field of everything recorded inside, and in the names of side files.
#[must_use = "the stage ends when the guard is dropped"]
pub fn stage_for(name: impl Into<String>, component: impl Into<String>) -> super::StageGuard {
    super::StageGuard::start_for(name, component)
}

/// Begins an observation; code belongs inside with [`ObservationGuard::scope`](super::ObservationGuard::scope).
#[must_use = "the observation ends when the guard is dropped"]
pub fn observe(name: impl Into<String>, kind: impl Into<Kind>) -> super::ObservationGuard {
    super::ObservationGuard::start(name, kind)
}

/// The id of the trace that is recorded here.
#[must_use]
pub fn trace_id() -> Option<String> {
    crate::context::Ctx::current().trace_id().map(str::to_owned)
}
