//! Stages, observations and passes of a loop for code without macros.

use super::Record;
use super::capture;
use super::draft::{End, IntoUsage};
use super::span;
use super::tape::Tape;
use crate::context::Ctx;
use crate::context::local::{self, Place};
use crate::event::{Body, IterationDone, ObservationStart, StageStart};
use crate::model::{ErrorInfo, Gate, Iteration, Kind, LlmCall, Outcome};
use fastant::Instant;
use serde::Serialize;
use serde_json::Value;
use std::sync::atomic::Ordering;

/// A running span that was begun without a macro. It can move between threads; the code that belongs inside runs in
/// [`scope`](StageGuard::scope) or [`in_future`](StageGuard::in_future).
#[derive(Debug, Default)]
struct OpenSpan {
    id: u64,
    is_stage: bool,
    ctx: Ctx,
    end: Option<End>,
}

impl OpenSpan {
    fn start(is_stage: bool, body: impl FnOnce(String, Option<String>) -> Body) -> Self {
        local::with(|local| {
            let Some(trace) = local.trace().filter(|_| local::key() != 0) else { return Self::default() };
            let id = local.next_id();
            let parent = local.span.get();
            let parent_id = (parent != trace.root_span).then(|| hex(parent));
            let stage = if is_stage { id } else { local.stage.get() };
            local.push(Record::fact(trace.key, id, stage, body(hex(id), parent_id)), Tape::default());
            let place = Place { trace: Some(trace), span: id, stage, ..Place::default() };
            Self { id, is_stage, ctx: Ctx::from_place(place), end: None }
        })
        .unwrap_or_default()
    }

    fn end(&mut self) -> &mut End {
        self.end.get_or_insert_default()
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if self.id == 0 {
            return;
        }
        let (id, is_stage) = (self.id, self.is_stage);
        let mut end = self.end.take().unwrap_or_default();
        if std::thread::panicking() {
            end.or_outcome(Outcome::Panicked);
        }
        self.ctx.scope(|| {
            local::with(|local| span::finish(local, local::key(), id, local.stage.get(), is_stage, &mut end))
        });
    }
}

/// An id as documents show it.
pub(super) fn hex(id: u64) -> String {
    format!("{id:016x}")
}

macro_rules! guard_methods {
    ($what:literal) => {
        /// Its place, to be carried elsewhere.
        #[must_use]
        pub fn ctx(&self) -> Ctx {
            self.0.ctx.clone()
        }

        #[doc = concat!("Runs a closure inside of the ", $what, ".")]
        pub fn scope<R>(&self, code: impl FnOnce() -> R) -> R {
            if self.0.id == 0 { code() } else { self.0.ctx.scope(code) }
        }

        #[doc = concat!("A future that runs inside of the ", $what, ".")]
        pub fn in_future<F: Future>(&self, future: F) -> crate::context::InContext<F> {
            let ctx = if self.0.id == 0 { Ctx::current() } else { self.0.ctx.clone() };
            ctx.in_future(future)
        }

        #[doc = concat!("The ", $what, " ended with an error.")]
        pub fn error(&mut self, error: impl Into<ErrorInfo>) {
            self.0.end().error(error.into());
        }

        #[doc = concat!("The ", $what, " was cancelled.")]
        pub fn cancelled(&mut self) {
            self.0.end().set_outcome(Outcome::Cancelled);
        }

        #[doc = concat!("Says something of the ", $what, ".")]
        pub fn attribute(&mut self, key: impl AsRef<str>, value: impl Serialize) {
            if self.0.id != 0 {
                self.0.end().attribute(key.as_ref(), capture::to_value(&value));
            }
        }

        #[doc = concat!("Whether the ", $what, " is recorded.")]
        #[must_use]
        pub fn is_recording(&self) -> bool {
            self.0.id != 0
        }

        #[doc = concat!("What the ", $what, " produced.")]
        pub fn output(&mut self, output: impl Serialize) {
            if self.0.id != 0 {
                capture::serialize(&output, self.0.end().output());
            }
        }
    };
}

/// A running stage; it ends, as ok unless told otherwise, when this is dropped.
#[derive(Debug)]
#[must_use = "the stage ends when the guard is dropped"]
pub struct StageGuard(OpenSpan);

impl StageGuard {
    /// Begins a stage where the caller stands.
    pub fn start(name: impl Into<String>) -> Self {
        Self(OpenSpan::start(true, |id, parent_id| {
            Body::StageStart(StageStart { id, parent_id, name: name.into(), ..StageStart::default() })
        }))
    }

    /// Begins a stage of a component that is only known at run time, such as the one that is being generated: its stages, observations
    /// and side files carry that name.
    pub fn start_for(name: impl Into<String>, component: impl Into<String>) -> Self {
        Self(OpenSpan::start(true, |id, parent_id| {
            let (name, component) = (name.into(), Some(component.into()));
            Body::StageStart(StageStart { id, parent_id, name, component, ..StageStart::default() })
        }))
    }

    guard_methods!("stage");
}

/// A running observation; it ends, as ok unless told otherwise, when this is dropped.
#[derive(Debug)]
#[must_use = "the observation ends when the guard is dropped"]
pub struct ObservationGuard(OpenSpan);

impl ObservationGuard {
    /// Begins an observation where the caller stands.
    pub fn start(name: impl Into<String>, kind: impl Into<Kind>) -> Self {
        Self::start_known(name, kind, || (Value::Null, None))
    }

    /// Begins an observation of a call with this input.
    pub fn start_with_input(name: impl Into<String>, kind: impl Into<Kind>, input: impl Serialize) -> Self {
        Self::start_known(name, kind, || (capture::to_value(&input), None))
    }

    /// Begins an observation of a model call, with what is known of the call before it is made.
    pub fn start_llm(name: impl Into<String>, call: LlmCall) -> Self {
        Self::start_known(name, Kind::Llm, || (Value::Null, Some(Box::new(call))))
    }

    /// Begins an observation with its input, and with what is known of a model call before it is made.
    pub fn start_with(name: impl Into<String>, kind: impl Into<Kind>, input: Value, call: Option<LlmCall>) -> Self {
        Self::start_known(name, kind, || (input, call.map(Box::new)))
    }

    fn start_known(
        name: impl Into<String>,
        kind: impl Into<Kind>,
        known: impl FnOnce() -> (Value, Option<Box<LlmCall>>),
    ) -> Self {
        Self(OpenSpan::start(false, |id, parent_id| {
            let (name, kind, (input, llm)) = (name.into(), kind.into(), known());
            Body::ObservationStart(ObservationStart {
                id,
                parent_id,
                name,
                kind,
                input,
                llm,
                ..ObservationStart::default()
            })
        }))
    }

    guard_methods!("observation");

    /// Its name, where it became known only after the start. Until the observation ends, the event stream has the one given there.
    pub fn name(&mut self, name: impl Into<String>) {
        if self.0.id != 0 {
            self.0.end().name(name.into());
        }
    }

    /// The arguments, where they became known only after the start; they take the place of those given there.
    pub fn input(&mut self, input: impl Serialize) {
        if self.0.id != 0 {
            self.0.end().late_input(capture::to_value(&input));
        }
    }

    /// More about the model call, as it is known when it is over; what was said before stands where this says nothing.
    pub fn call(&mut self, call: LlmCall) {
        self.0.end().call(call);
    }

    /// What tokens the call used.
    pub fn usage(&mut self, usage: impl IntoUsage) {
        self.0.end().usage(usage);
    }

    /// What the model answered.
    pub fn response(&mut self, response: impl super::draft::IntoResponse) {
        self.0.end().response(response);
    }
}

/// A running pass of a retry loop; it is recorded when it is finished or dropped.
#[derive(Debug)]
#[must_use = "the pass is recorded when the guard is finished or dropped"]
pub struct IterationGuard {
    open: Option<(Iteration, Instant)>,
}

impl IterationGuard {
    /// Begins the next pass of the current trace.
    pub fn start() -> Self {
        let open = local::with(|local| {
            let trace = local.trace().filter(|_| local::key() != 0)?;
            let index = trace.iterations.fetch_add(1, Ordering::Relaxed) + 1;
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            Some((Iteration { index, ..Iteration::default() }, Instant::now()))
        });
        Self { open: open.flatten() }
    }

    /// The pass is over, with this verdict.
    pub fn finish(mut self, gate: &Gate) {
        if let Some((iteration, _)) = &mut self.open {
            iteration.overall_score = gate.overall_score;
            iteration.passed = gate.passing;
            iteration.gaps.clone_from(&gate.gaps);
        }
    }
}

impl Drop for IterationGuard {
    fn drop(&mut self) {
        if let Some((mut iteration, began)) = self.open.take() {
            iteration.duration_seconds = Some(began.elapsed().as_secs_f64());
            super::facts::record(|_| Body::IterationDone(IterationDone { iteration, ..IterationDone::default() }));
        }
    }
}
