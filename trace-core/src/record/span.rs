//! Stages and observations of synchronous code, and decisions.

use super::draft::{Begin, DecisionDraft, End};
use super::tape::Tape;
use super::{Load, Record, Recorded, What, capture};
use crate::context::local::{self, Local};
use crate::context::notice;
use crate::context::shared::Gate;
use crate::model::ErrorInfo;
use crate::registry::{Site, SiteKind};
use fastant::Instant;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Whether a trace is recorded where the caller stands.
#[inline(always)]
#[must_use]
pub fn recording() -> bool {
    Gate::now().is_open() && local::key() != 0
}

/// Whether a site has anything to do: to record, or to say that it is not recorded. This is all that a call which is not recorded executes of
/// ours: a load and a branch, and once more that where others are in a trace. Whatever there is to do stands in functions that are not
/// inlined, each the only thing on its way, lest the caller saves registers for it.
#[inline(always)]
fn is_awake() -> bool {
    let gate = Gate::now();
    gate.is_open() && (local::key() != 0 || gate.notice_is_due())
}

/// Whether what a site has to say is recorded where the caller stands; says so once per process if not.
#[inline(always)]
pub(super) fn is_recorded(site: &'static Site) -> bool {
    is_awake() && (local::key() != 0 || outside_any_trace(site))
}

/// Says once per process that a site lies outside any trace; false, since it is not recorded.
#[cold]
#[inline(never)]
fn outside_any_trace(site: &'static Site) -> bool {
    // A thread that is being torn down is in no trace for another reason.
    if local::with(|local| !local.is_muted()).unwrap_or(false) {
        notice::outside_any_trace(site);
    }
    false
}

/// Runs the body of an annotated function: in its span, with nothing captured, if that is recorded.
#[inline(always)]
pub fn observed<R>(site: &'static Site, body: impl FnOnce() -> R, look: impl FnOnce(&R, &mut End)) -> R {
    if is_awake() { observe(site, Starts::Bare, |_| body(), look) } else { body() }
}

/// Runs the body of an annotated function that captures arguments. The body is told whether it is recorded; if so its first statements begin
/// its span ([`Begin::attach`]).
#[inline(always)]
pub fn observed_begun<R>(site: &'static Site, body: impl FnOnce(bool) -> R, look: impl FnOnce(&R, &mut End)) -> R {
    if is_awake() { observe(site, Starts::Inside, body, look) } else { body(false) }
}

/// Runs a body and looks at what it returned. A panic is recorded with its message and goes on unwinding. Compiled for every annotated
/// function, so all that does not depend on its types is elsewhere.
#[cold]
#[inline(never)]
fn observe<R>(site: &'static Site, starts: Starts, body: impl FnOnce(bool) -> R, look: impl FnOnce(&R, &mut End)) -> R {
    let stay = Stay::arrive(site, starts);
    let is_recorded = stay.key != 0;
    match catch_unwind(AssertUnwindSafe(|| body(is_recorded))) {
        Ok(returned) => {
            let id = stay.span();
            if id != 0 {
                // With the span's place still in force.
                let mut end = End::default();
                look(&returned, &mut end);
                stay.leave(site, id, &mut end);
            }
            returned
        }
        Err(payload) => stay.unwind(site, payload),
    }
}

/// The beginning of a span whose arguments are to be captured; `None` where nothing is recorded.
#[inline(always)]
pub fn begin(site: &'static Site) -> Option<Begin> {
    is_recorded(site).then(|| Begin::new(site))
}

/// Records a decision as `fill` says, if it is recorded.
#[inline(always)]
pub fn decision(site: &'static Site, fill: impl FnOnce(&mut DecisionDraft)) {
    if is_awake() {
        decide(site, fill);
    }
}

#[cold]
#[inline(never)]
fn decide(site: &'static Site, fill: impl FnOnce(&mut DecisionDraft)) {
    if let Some(mut draft) = decision_draft(site) {
        fill(&mut draft);
        draft.hand_over();
    }
}

/// A decision to be filled in and recorded by the caller; `None` where nothing is recorded.
#[inline(always)]
pub fn decision_draft(site: &'static Site) -> Option<DecisionDraft> {
    is_recorded(site).then(|| DecisionDraft::new(site))
}

/// Records that a span begins with nothing captured, and makes it the current one.
#[inline]
pub(super) fn start_bare(local: &Local, site: &'static Site) -> u64 {
    let (id, make) = beginning(local, site);
    local.push_plain(make, &mut Tape::default());
    id
}

/// Records that a span begins, and makes it the current one.
pub(super) fn start(local: &Local, mut begin: Begin) -> u64 {
    let (id, make) = beginning(local, begin.site);
    match begin.opening {
        None => local.push_plain(make, &mut begin.inputs),
        Some(opening) => local.push(Recorded { record: make(), load: Some(Load::Opening(opening)) }, begin.inputs),
    }
    id
}

/// Makes a new span the current one: its id, and the record of its beginning.
#[inline(always)]
fn beginning(local: &Local, site: &'static Site) -> (u64, impl Fn() -> Record) {
    let id = local.next_id();
    let parent = local.span.replace(id);
    if site.kind == SiteKind::Stage {
        local.stage.set(id);
    }
    let (key, at, stage) = (local::key(), Instant::now(), local.stage.get());
    (id, move || Record::new(key, at, stage, What::Start { id, parent, site }))
}

/// Records that a span is over.
#[inline]
pub(super) fn finish(local: &Local, key: u64, id: u64, stage: u64, is_stage: bool, end: &mut End) {
    let (at, outcome) = (Instant::now(), end.outcome());
    let make = || Record::new(key, at, stage, What::End { id, outcome, is_stage });
    if end.is_bare() {
        local.push_plain(make, &mut Tape::default());
    } else {
        finish_with(local, make, std::mem::take(end));
    }
}

/// Records that a span is over, and what there is to say of its end.
#[inline(never)]
fn finish_with(local: &Local, make: impl Fn() -> Record, end: End) {
    let (mut output, ending) = end.into_parts();
    match ending {
        None => local.push_plain(make, &mut output),
        Some(ending) => local.push(Recorded { record: make(), load: Some(Load::Ending(ending)) }, output),
    }
}

impl Begin {
    /// Begins the span inside of the body that was given to [`observed_begun`], or of the future that was given to [`super::future_begun`], as
    /// one of its first statements.
    pub fn attach(self) {
        local::with(|local| {
            let id = start(local, self);
            local.begun.set(id);
        });
    }
}

impl DecisionDraft {
    /// Records the decision.
    pub fn record(mut self) {
        self.hand_over();
    }

    /// Where it stands: moving what was just written takes as long as writing it.
    fn hand_over(&mut self) {
        local::with(|local| {
            let (id, span, stage, site) = (local.next_id(), local.span.get(), local.stage.get(), self.site);
            let (key, at) = (local::key(), Instant::now());
            local.push_plain(|| Record::new(key, at, stage, What::Decision { id, span, site }), &mut self.tape.0);
        });
    }
}

/// Who begins the span of a synchronous function.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Starts {
    /// We do, before the body runs, with nothing captured.
    Bare,
    /// The body does.
    Inside,
}

/// The stay of a synchronous function in its span.
#[derive(Default)]
struct Stay {
    /// The key of the trace; 0 if nothing is recorded.
    key: u64,
    /// The span; 0 if the body is to begin it.
    id: u64,
    /// Span and stage around this one.
    before: (u64, u64),
    /// What the surrounding code had begun.
    begun_around: u64,
}

impl Stay {
    fn arrive(site: &'static Site, starts: Starts) -> Self {
        let key = local::key();
        if key == 0 {
            outside_any_trace(site);
            return Self::default();
        }
        local::with(|local| {
            let before = (local.span.get(), local.stage.get());
            let (id, begun_around) = match starts {
                Starts::Bare => (start_bare(local, site), 0),
                Starts::Inside => (0, local.begun.replace(0)),
            };
            Self { key, id, before, begun_around }
        })
        .unwrap_or_default()
    }

    /// The span, after the body ran; 0 if nothing is recorded, or the body came to its end before it began.
    #[inline]
    fn span(&self) -> u64 {
        if self.id != 0 || self.key == 0 { self.id } else { self.begun_inside() }
    }

    fn begun_inside(&self) -> u64 {
        local::with(|local| local.begun.replace(self.begun_around)).unwrap_or(0)
    }

    /// Ends the span, and brings the thread back to where it was.
    fn leave(&self, site: &'static Site, id: u64, end: &mut End) {
        local::with(|local| {
            let is_stage = site.kind == SiteKind::Stage;
            let stage = if is_stage { id } else { self.before.1 };
            if local::key() == self.key {
                local.span.set(self.before.0);
                local.stage.set(self.before.1);
            }
            finish(local, self.key, id, stage, is_stage, end);
        });
    }

    /// Records a panic, and lets it go on.
    #[cold]
    fn unwind(self, site: &'static Site, payload: Box<dyn Any + Send>) -> ! {
        let id = self.span();
        if id != 0 {
            self.leave(site, id, &mut End::panicked(panic_info(&*payload, Some(site))));
        }
        resume_unwind(payload)
    }
}

/// Calls a closure; inferring it as `FnOnce` lets its result borrow from what it captured.
#[inline(always)]
pub fn call_once<R>(code: impl FnOnce() -> R) -> R {
    code()
}

/// What a caught panic has to say.
pub(super) fn panic_info(payload: &(dyn Any + Send), site: Option<&'static Site>) -> ErrorInfo {
    ErrorInfo {
        kind: Some("panic".to_owned()),
        message: capture::panic_message(payload),
        location: site.map(Site::location),
        ..ErrorInfo::default()
    }
}
