//! Stages and observations of synchronous code, and decisions.

use super::draft::{Begin, DecisionDraft, End};
use super::{Load, Record, Recorded, What, capture};
use crate::context::local::{self, Local};
use crate::context::notice;
use crate::context::shared::gate_is_open;
use crate::model::ErrorInfo;
use crate::registry::{Site, SiteKind};
use fastant::Instant;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Whether a trace is recorded where the caller stands.
#[inline]
#[must_use]
pub fn recording() -> bool {
    gate_is_open() && local::with(|local| local.key() != 0).unwrap_or(false)
}

/// Begins a span with nothing captured; `None` where nothing is recorded.
#[inline]
pub fn enter(site: &'static Site) -> Option<Span> {
    if gate_is_open() { enter_bare(site) } else { None }
}

/// The beginning of a span whose arguments are to be captured; `None` where nothing is recorded.
#[inline]
pub fn begin(site: &'static Site) -> Option<Begin> {
    if gate_is_open() { begin_open(site) } else { None }
}

/// A decision to be filled in; `None` where nothing is recorded.
#[inline]
pub fn decision(site: &'static Site) -> Option<DecisionDraft> {
    if gate_is_open() && is_recorded(site) { Some(DecisionDraft::new(site)) } else { None }
}

fn begin_open(site: &'static Site) -> Option<Begin> {
    is_recorded(site).then(|| Begin::new(site))
}

/// Whether a site's records go anywhere; says so once per process if not.
pub(super) fn is_recorded(site: &'static Site) -> bool {
    local::with(|local| {
        let recorded = local.key() != 0;
        if !recorded && !local.is_muted() {
            notice::outside_any_trace(site);
        }
        recorded
    })
    .unwrap_or(false)
}

fn enter_bare(site: &'static Site) -> Option<Span> {
    enter_open(site, start_bare)
}

#[inline(always)]
fn enter_open(site: &'static Site, start: impl FnOnce(&Local, &'static Site) -> u64) -> Option<Span> {
    local::with(|local| {
        let key = local.key();
        if key == 0 {
            not_recorded(local, site);
            return None;
        }
        let before = (local.span.get(), local.stage.get());
        Some(Span { key, id: start(local, site), site, before, _not_send: PhantomData })
    })?
}

/// Says once per process that a site lies outside any trace.
#[cold]
fn not_recorded(local: &Local, site: &'static Site) {
    if !local.is_muted() {
        notice::outside_any_trace(site);
    }
}

/// Makes a new span the current one: its id, and the record of its beginning.
#[inline(always)]
fn beginning(local: &Local, site: &'static Site) -> (u64, Record) {
    let id = local.next_id();
    let parent = local.span.replace(id);
    if site.kind == SiteKind::Stage {
        local.stage.set(id);
    }
    let record = Record::new(local.key(), Instant::now(), local.stage.get(), What::Start { id, parent, site });
    (id, record)
}

/// Records that a span begins with nothing captured, and makes it the current one.
#[inline]
pub(super) fn start_bare(local: &Local, site: &'static Site) -> u64 {
    let (id, record) = beginning(local, site);
    local.push_bare(record);
    id
}

/// Records that a span begins, and makes it the current one.
pub(super) fn start(local: &Local, begin: Begin) -> u64 {
    let (id, record) = beginning(local, begin.site);
    local.push(Recorded { record, load: begin.opening.map(Load::Opening) }, begin.inputs);
    id
}

/// Begins a span if there is a trace to record it in; 0 if not.
#[inline]
pub(super) fn start_if_recorded(local: &Local, site: &'static Site, start: impl FnOnce(&Local) -> u64) -> u64 {
    if local.key() != 0 {
        return start(local);
    }
    not_recorded(local, site);
    0
}

/// Records that a span is over.
pub(super) fn finish(local: &Local, key: u64, id: u64, stage: u64, is_stage: bool, end: End) {
    let (outcome, output, ending) = end.into_parts();
    let record = Record::new(key, Instant::now(), stage, What::End { id, outcome, is_stage });
    if output.is_empty() && ending.is_none() {
        local.push_bare(record);
    } else {
        local.push(Recorded { record, load: ending.map(Load::Ending) }, output);
    }
}

impl Begin {
    /// Begins the span on this thread; the guard ends it.
    pub fn enter(self) -> Option<Span> {
        enter_open(self.site, |local, _| start(local, self))
    }

    /// Begins the span inside of the future that was given to [`super::future_begun`], as its first statement.
    pub fn attach(self) {
        local::with(|local| {
            let id = start(local, self);
            local.begun.set(id);
        });
    }
}

impl DecisionDraft {
    /// Records the decision.
    pub fn record(self) {
        local::with(|local| {
            let what = What::Decision { id: local.next_id(), span: local.span.get(), site: self.site };
            let record = Record::new(local.key(), Instant::now(), local.stage.get(), what);
            local.push(Recorded { record, load: None }, self.tape.0);
        });
    }
}

/// Why a [`Span`] is not `Send`: it belongs to the thread's stack.
#[derive(Debug)]
pub struct BelongsToItsThread(#[allow(dead_code)] *mut ());

/// A running stage or observation of synchronous code; [`observed`] ends it.
#[derive(Debug)]
#[must_use = "a span is ended by `observed`"]
pub struct Span {
    key: u64,
    id: u64,
    site: &'static Site,
    /// Span and stage around this one.
    before: (u64, u64),
    _not_send: PhantomData<BelongsToItsThread>,
}

impl Span {
    /// Runs the code of the span and looks at what it returned. A panic is recorded with its message and goes on unwinding.
    #[inline(never)]
    fn observe<R>(self, code: impl FnOnce() -> R, look: impl FnOnce(&R, &mut End)) -> R {
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(returned) => {
                let mut look = Some(look);
                self.end(End::described(&mut |end| look.take().into_iter().for_each(|look| look(&returned, end))));
                returned
            }
            Err(payload) => {
                let end = End::panicked(panic_info(&*payload, Some(self.site)));
                self.end(end);
                resume_unwind(payload)
            }
        }
    }

    fn end(self, end: End) {
        local::with(|local| {
            let is_stage = self.site.kind == SiteKind::Stage;
            let stage = if is_stage { self.id } else { self.before.1 };
            if local.key() == self.key {
                local.span.set(self.before.0);
                local.stage.set(self.before.1);
            }
            finish(local, self.key, self.id, stage, is_stage, end);
        });
    }
}

/// Runs the body of an annotated function: in its span, if there is one. Inlined into the function up to here, so that one which is not
/// recorded is a comparison and its body.
#[inline(always)]
pub fn observed<R>(span: Option<Span>, body: impl FnOnce() -> R, look: impl FnOnce(&R, &mut End)) -> R {
    match span {
        None => body(),
        Some(span) => span.observe(body, look),
    }
}

/// Calls a closure; inferring it as `FnOnce` lets its result borrow from what it captured.
#[inline(always)]
pub fn call_once<R>(code: impl FnOnce() -> R) -> R {
    code()
}

/// What a caught panic has to say.
pub(super) fn panic_info(payload: &(dyn std::any::Any + Send), site: Option<&'static Site>) -> ErrorInfo {
    ErrorInfo {
        kind: Some("panic".to_owned()),
        message: capture::panic_message(payload),
        location: site.map(Site::location),
        ..ErrorInfo::default()
    }
}
