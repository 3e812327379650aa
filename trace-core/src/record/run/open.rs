//! How a trace begins and ends.
//!
//! Comes in: a [`Run`], and what its function returned. Goes out: the trace's start and end, to the collector.

use super::Run;
use crate::collect;
use crate::context::local::{self, Place, random_u64};
use crate::context::shared::Shared;
use crate::context::{Ctx, RemoteParent, notice};
use crate::event::{Body, ChildStart, TraceAccount, TraceEnd, TraceStart};
use crate::model::{ChildTrace, ErrorInfo, Outcome, SCHEMA_VERSION, Status};
use crate::names;
use crate::record::draft::End;
use crate::record::{capture::panic_message, facts};
use crate::registry::Site;
use crate::tracer::Tracer;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What comes of starting a run.
pub(super) enum Opened {
    /// It is recorded.
    Recorded(Arc<Shared>),
    /// It is not, on purpose: the project is off.
    Muted,
    /// There is no tracer.
    NoTracer,
}

/// Starts a trace: as a child of the current one, if there is one.
pub(super) fn open(mut run: Run) -> Opened {
    let around = local::with(|local| (local.tracer(), local.trace(), local.span.get(), local.is_muted()));
    let (tracer, parent, parent_span, muted) = around.unwrap_or_default();
    if muted {
        return Opened::Muted;
    }
    let Some(tracer) = tracer.or_else(Tracer::global) else { return Opened::NoTracer };
    // Project and session become names of folders and files: redacted before that.
    let redactor = &tracer.inner().redactor;
    redactor.name(&mut run.project);
    if let Some(session) = &mut run.session {
        redactor.name(session);
    }
    let project_id = names::project_folder(&run.project);
    if !tracer.records(&run.project, &project_id) {
        return Opened::Muted;
    }
    let now = (tracer.options().wall_clock)();
    let trace_id = format!("trc_{}_{:016x}", now.compact(), random_u64());
    let remote = run.remote.or_else(|| {
        parent.as_ref().map(|parent| RemoteParent {
            otel_trace_id: parent.otel_trace_id.clone(),
            span_id: format!("{parent_span:016x}"),
            trace_id: Some(parent.trace_id.clone()),
        })
    });
    let otel_trace_id = match &remote {
        Some(remote) => remote.otel_trace_id.clone(),
        None => format!("{:016x}{:016x}", random_u64(), random_u64()),
    };
    let session = run.session.or_else(|| {
        parent.as_ref().filter(|parent| parent.session_id != parent.trace_id).map(|parent| parent.session_id.clone())
    });
    let session_id = session.unwrap_or_else(|| trace_id.clone());
    let root_span = random_u64();
    let carried = run.carried.or_else(|| parent.as_ref().map(|parent| parent.carried.clone())).unwrap_or_default();
    let shared = Shared::new(trace_id, otel_trace_id, session_id, run.project, project_id, root_span, carried, tracer);
    if let Some(user) = &run.user {
        shared.set_user(user.clone());
    }
    let start = TraceStart {
        schema_version: SCHEMA_VERSION,
        otel_trace_id: Some(shared.otel_trace_id.clone()),
        root_span_id: format!("{root_span:016x}"),
        parent_trace_id: remote.as_ref().and_then(|remote| remote.trace_id.clone()),
        parent_span_id: remote.map(|remote| remote.span_id),
        user_id: run.user,
        tags: run.tags,
        project_id: shared.project_id.clone(),
        project_name: shared.project_name.clone(),
        query: run.query,
        intent: run.intent,
        domain: run.domain,
        report_type: run.report_type,
        research_type: run.research_type,
        fields: run.fields,
        trace_version: env!("CARGO_PKG_VERSION").to_owned(),
        generator: concat!("whytrace ", env!("CARGO_PKG_VERSION")).to_owned(),
        max_items: Some(shared.tracer.options().max_items),
        ..TraceStart::default()
    };
    collect::open(&shared, now, start);
    if parent.is_some() {
        let child = ChildTrace { trace_id: shared.trace_id.clone(), ..ChildTrace::default() };
        facts::record(|_| Body::ChildStart(ChildStart { child, ..ChildStart::default() }));
    }
    if let Some(message) = run.warning {
        Ctx::from_place(place_of(&shared)).scope(|| facts::warning(message));
    }
    Opened::Recorded(shared)
}

pub(super) fn place_of(shared: &Arc<Shared>) -> Place {
    Place { trace: Some(Arc::clone(shared)), span: shared.root_span, ..Place::default() }
}

/// Ends a trace, once. A status marked by hand wins over `complete` and `incomplete`, not over `failed`.
pub(super) fn end(shared: &Shared, status: Status, error: Option<ErrorInfo>) {
    if shared.ended.swap(true, Ordering::AcqRel) {
        return;
    }
    let marked = shared.marked();
    let status = if status == Status::Failed { status } else { marked.unwrap_or(status) };
    let error = error.or_else(|| shared.take_error());
    let metadata = TraceAccount::default(); // the collector knows
    collect::end(shared, TraceEnd { status, error, metadata, ..TraceEnd::default() });
}

/// Ends the trace of the current place with what its function returned.
pub(super) fn end_with(shared: &Shared, end_of: End) {
    let (outcome, (output, ending)) = (end_of.outcome(), end_of.into_parts());
    let error = ending.and_then(|ending| ending.error);
    if !output.is_empty() {
        facts::output("result", output.into_value());
    }
    let status = match outcome {
        Outcome::Ok => Status::Complete,
        Outcome::Err | Outcome::Panicked => Status::Failed,
        Outcome::Cancelled => Status::Incomplete,
    };
    end(shared, status, error);
}

pub(super) fn panic_end(payload: &(dyn std::any::Any + Send)) -> End {
    End::panicked(ErrorInfo { kind: Some("panic".to_owned()), message: panic_message(payload), ..ErrorInfo::default() })
}

/// Starts a run at a call site, and says once per process when there is no tracer to record it.
pub(super) fn open_at(site: &'static Site, run: impl FnOnce() -> Run) -> Opened {
    let wanted = local::with(|local| !local.is_muted() && (local.tracer().is_some() || Tracer::global().is_some()));
    if wanted != Some(true) {
        if local::with(|local| !local.is_muted()) == Some(true) {
            notice::outside_any_trace(site);
        }
        return Opened::NoTracer;
    }
    open(run())
}
