//! Stages and observations of synchronous code, and decisions.

use super::draft::{Begin, DecisionDraft, End, Opening};
use super::{Record, capture};
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
    if gate_is_open() { enter_open(site, None) } else { None }
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

fn enter_open(site: &'static Site, opening: Option<Box<Opening>>) -> Option<Span> {
    local::with(|local| {
        let before = (local.span.get(), local.stage.get());
        let id = start_if_recorded(local, site, opening);
        (id != 0).then(|| Span { key: local.key(), id, site, before, end: None, _not_send: PhantomData })
    })?
}

/// Records that a span begins, and makes it the current one.
pub(super) fn start(local: &Local, site: &'static Site, opening: Option<Box<Opening>>) -> u64 {
    let id = local.next_id();
    let parent = local.span.replace(id);
    if site.kind == SiteKind::Stage {
        local.stage.set(id);
    }
    let record =
        Record::Start { trace: local.key(), at: Instant::now(), id, parent, stage: local.stage.get(), site, opening };
    local.push(record);
    id
}

/// Begins a span if there is a trace to record it in; 0 if not.
pub(super) fn start_if_recorded(local: &Local, site: &'static Site, opening: Option<Box<Opening>>) -> u64 {
    if local.key() != 0 {
        return start(local, site, opening);
    }
    if !local.is_muted() {
        notice::outside_any_trace(site);
    }
    0
}

/// Records that a span is over.
pub(super) fn finish(local: &Local, key: u64, id: u64, stage: u64, site: &'static Site, end: End) {
    let (outcome, ending) = end.into_parts();
    let is_stage = site.kind == SiteKind::Stage;
    local.push(Record::End { trace: key, at: Instant::now(), id, stage, outcome, is_stage, ending });
}

impl Begin {
    /// Begins the span on this thread; the guard ends it.
    pub fn enter(self) -> Option<Span> {
        enter_open(self.site, Some(self.opening))
    }

    /// Begins the span inside of the future that was given to [`super::future_begun`], as its first statement.
    pub fn attach(self) {
        local::with(|local| {
            let id = start(local, self.site, Some(self.opening));
            local.begun.set(id);
        });
    }
}

impl DecisionDraft {
    /// Records the decision.
    pub fn record(self) {
        local::with(|local| {
            local.push(Record::Decision {
                trace: local.key(),
                at: Instant::now(),
                id: local.next_id(),
                span: local.span.get(),
                stage: local.stage.get(),
                site: self.site,
                draft: self.draft,
            });
        });
    }
}

/// Why a [`Span`] is not `Send`: it belongs to the thread's stack.
#[derive(Debug)]
pub struct BelongsToItsThread(#[allow(dead_code)] *mut ());

/// A running stage or observation of synchronous code. Dropping it ends it: as panicked when nothing was returned.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    key: u64,
    id: u64,
    site: &'static Site,
    /// Span and stage around this one.
    before: (u64, u64),
    end: Option<End>,
    _not_send: PhantomData<BelongsToItsThread>,
}

impl Span {
    /// Runs the code of the span and looks at what it returned. A panic is recorded with its message and goes on unwinding.
    #[inline(never)]
    fn observe<R>(mut self, code: impl FnOnce() -> R, look: impl FnOnce(&R, &mut End)) -> R {
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(returned) => {
                self.end = Some(End::described(|end| look(&returned, end)));
                returned
            }
            Err(payload) => {
                self.end = Some(End::panicked(panic_info(&*payload, Some(self.site))));
                resume_unwind(payload)
            }
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        local::with(|local| {
            let stage = if self.site.kind == SiteKind::Stage { self.id } else { self.before.1 };
            if local.key() == self.key {
                local.span.set(self.before.0);
                local.stage.set(self.before.1);
            }
            finish(local, self.key, self.id, stage, self.site, self.end.take().unwrap_or_else(End::unsaid));
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
