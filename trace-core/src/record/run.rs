//! Whole traces: `#[traced_run]`, and [`TraceContext`] for code without macros.

use super::capture::{self, panic_message};
use super::draft::{End, Ending};
use super::guards::{ObservationGuard, StageGuard};
use crate::collect;
use crate::context::local::{self, Place, random_u64};
use crate::context::shared::Shared;
use crate::context::{Ctx, Entered, RemoteParent, Swapped, TraceparentError, notice, parse_traceparent};
use crate::event::{Body, ChildStart, TraceAccount, TraceEnd, TraceStart};
use crate::model::{ChildTrace, ErrorInfo, Object, Outcome, SCHEMA_VERSION, Status};
use crate::names;
use crate::registry::Site;
use crate::sink::FinishReport;
use crate::tracer::Tracer;
use pin_project_lite::pin_project;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

/// What a run is about, to start a trace with.
///
/// ```
/// use trace_core::record::Run;
/// let run = Run::new("cobot").query("Which competitors sell collaborative robots?").intent("validating").tag("tier", "free");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Run {
    project: String,
    query: Option<String>,
    intent: Option<String>,
    domain: Option<String>,
    report_type: Option<String>,
    research_type: Option<String>,
    session: Option<String>,
    user: Option<String>,
    tags: BTreeMap<String, String>,
    fields: Object,
    remote: Option<RemoteParent>,
    warning: Option<String>,
}

impl Run {
    /// A run of a project.
    #[must_use]
    pub fn new(project: impl Into<String>) -> Self {
        Self { project: project.into(), ..Self::default() }
    }

    /// What the run was asked.
    #[must_use]
    pub fn query(mut self, query: impl Display) -> Self {
        self.query = Some(capture::display(&query));
        self
    }

    /// What the asker wants to do with it, such as `validating`.
    #[must_use]
    pub fn intent(mut self, intent: impl Display) -> Self {
        self.intent = Some(capture::display(&intent));
        self
    }

    /// The subject area.
    #[must_use]
    pub fn domain(mut self, domain: impl Display) -> Self {
        self.domain = Some(capture::display(&domain));
        self
    }

    /// The sort of report wanted.
    #[must_use]
    pub fn report_type(mut self, report_type: impl Display) -> Self {
        self.report_type = Some(capture::display(&report_type));
        self
    }

    /// The sort of research done.
    #[must_use]
    pub fn research_type(mut self, research_type: impl Display) -> Self {
        self.research_type = Some(capture::display(&research_type));
        self
    }

    /// The conversation or job it belongs to; without one the trace is its own session.
    #[must_use]
    pub fn session(mut self, session: impl Display) -> Self {
        self.session = Some(capture::display(&session)).filter(|session| !session.is_empty());
        self
    }

    /// Who it is run for.
    #[must_use]
    pub fn user(mut self, user: impl Display) -> Self {
        self.user = Some(capture::display(&user));
        self
    }

    /// A free label.
    #[must_use]
    pub fn tag(mut self, key: impl Into<String>, value: impl Display) -> Self {
        self.tags.insert(key.into(), capture::display(&value));
        self
    }

    /// A field of the run, such as `tier_config`.
    #[must_use]
    pub fn field(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        self.fields.insert(key.into(), capture::to_value(&value));
        self
    }

    /// The parent in another process, from its `traceparent` header. A malformed header is recorded as a warning.
    #[must_use]
    pub fn traceparent(mut self, header: &str) -> Self {
        match parse_traceparent(header, None) {
            Ok(parent) => {
                let trace_id = self.remote.take().and_then(|remote| remote.trace_id);
                self.remote = Some(RemoteParent { trace_id, ..parent });
            }
            Err(error) => self.warning = Some(TraceparentError::to_string(&error)),
        }
        self
    }

    /// The parent's `tracestate` header, which carries its trace id; call it after [`Run::traceparent`].
    #[must_use]
    pub fn tracestate(mut self, header: &str) -> Self {
        if let Some(remote) = &mut self.remote {
            let traceparent = format!("00-{}-{}-01", remote.otel_trace_id, remote.span_id);
            remote.trace_id = parse_traceparent(&traceparent, Some(header)).ok().and_then(|parent| parent.trace_id);
        }
        self
    }
}

/// What comes of starting a run.
enum Opened {
    /// It is recorded.
    Recorded(Arc<Shared>),
    /// It is not, on purpose: the project is off.
    Muted,
    /// There is no tracer.
    NoTracer,
}

/// Starts a trace: as a child of the current one, if there is one.
fn open(mut run: Run) -> Opened {
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
    let shared = Shared::new(trace_id, otel_trace_id, session_id, run.project, project_id, root_span, tracer);
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
        super::facts::record(|_| Body::ChildStart(ChildStart { child, ..ChildStart::default() }));
    }
    if let Some(message) = run.warning {
        Ctx::from_place(place_of(&shared)).scope(|| super::facts::warning(message));
    }
    Opened::Recorded(shared)
}

fn place_of(shared: &Arc<Shared>) -> Place {
    Place { trace: Some(Arc::clone(shared)), span: shared.root_span, ..Place::default() }
}

/// Ends a trace, once. A status marked by hand wins over `complete` and `incomplete`, not over `failed`.
fn end(shared: &Shared, status: Status, error: Option<ErrorInfo>) {
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
fn end_with(shared: &Shared, end_of: End) {
    let (outcome, ending) = end_of.into_parts();
    let Ending { output, error, .. } = ending.map_or_else(Ending::default, |ending| *ending);
    if !output.is_empty() {
        super::facts::output("result", output.into_value());
    }
    let status = match outcome {
        Outcome::Ok => Status::Complete,
        Outcome::Err | Outcome::Panicked => Status::Failed,
        Outcome::Cancelled => Status::Incomplete,
    };
    end(shared, status, error);
}

fn panic_end(payload: &(dyn std::any::Any + Send)) -> End {
    End::panicked(ErrorInfo { kind: Some("panic".to_owned()), message: panic_message(payload), ..ErrorInfo::default() })
}

/// Starts a run at a call site, and says once per process when there is no tracer to record it.
fn open_at(site: &'static Site, run: impl FnOnce() -> Run) -> Opened {
    let wanted = local::with(|local| !local.is_muted() && (local.tracer().is_some() || Tracer::global().is_some()));
    if wanted != Some(true) {
        if local::with(|local| !local.is_muted()) == Some(true) {
            notice::outside_any_trace(site);
        }
        return Opened::NoTracer;
    }
    open(run())
}

/// A synchronous function that is a whole trace. Dropping it ends the trace.
#[derive(Debug)]
#[must_use = "the trace ends when this is dropped"]
pub struct RunSpan {
    shared: Option<Arc<Shared>>,
    end: Option<End>,
    /// Dropped last: the end is recorded in the trace's own place.
    _entered: Option<Entered>,
}

/// Starts a trace and makes it the current one. `run` is called only when it will be recorded.
pub fn run_enter(site: &'static Site, run: impl FnOnce() -> Run) -> RunSpan {
    if cfg!(feature = "disabled") {
        return RunSpan { shared: None, end: None, _entered: None };
    }
    match open_at(site, run) {
        Opened::Recorded(shared) => {
            let entered = Ctx::from_place(place_of(&shared)).enter();
            RunSpan { shared: Some(shared), end: None, _entered: Some(entered) }
        }
        Opened::Muted => RunSpan { shared: None, end: None, _entered: Some(Ctx::muted().enter()) },
        Opened::NoTracer => RunSpan { shared: None, end: None, _entered: None },
    }
}

impl RunSpan {
    /// Runs the code of the trace and looks at what it returned. A panic is recorded with its message and goes on unwinding.
    pub fn observed<R>(mut self, code: impl FnOnce() -> R, look: impl FnOnce(&R, &mut End)) -> R {
        if self.shared.is_none() {
            return code();
        }
        match catch_unwind(AssertUnwindSafe(code)) {
            Ok(returned) => {
                self.end = Some(End::described(|end| look(&returned, end)));
                returned
            }
            Err(payload) => {
                self.end = Some(panic_end(&*payload));
                resume_unwind(payload)
            }
        }
    }
}

impl Drop for RunSpan {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            end_with(shared, self.end.take().unwrap_or_default());
        }
    }
}

/// Starts the trace of the future that was given to [`run_future`], as that future's first statement.
pub fn run_begin(site: &'static Site, run: impl FnOnce() -> Run) {
    let mut place = match open_at(site, run) {
        Opened::Recorded(shared) => place_of(&shared),
        Opened::Muted => Place { muted: true, ..Place::default() },
        Opened::NoTracer => return,
    };
    local::with(|local| local.swap(&mut place));
}

/// A future that is a whole trace; its first statement is [`run_begin`].
pub fn run_future<F, D>(site: &'static Site, future: F, done: D) -> RunFuture<F, D>
where
    F: Future,
    D: FnOnce(&F::Output, &mut End),
{
    RunFuture { inner: Some(future), done: Some(done), site, place: None, shared: None, panicked: None }
}

pin_project! {
    /// A future that is a whole trace: complete when it is ready, failed when it gives an `Err` or panics, incomplete when it is
    /// dropped before.
    pub struct RunFuture<F: Future, D> {
        #[pin]
        inner: Option<F>,
        done: Option<D>,
        site: &'static Site,
        place: Option<Place>,
        shared: Option<Arc<Shared>>,
        panicked: Option<End>,
    }

    impl<F: Future, D> PinnedDrop for RunFuture<F, D> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let (Some(place), Some(shared)) = (this.place, this.shared.take()) else { return };
            let _in_place = Swapped::new(place);
            this.inner.set(None);
            end_with(&shared, this.panicked.take().unwrap_or_else(|| End::of(Outcome::Cancelled)));
        }
    }
}

impl<F: Future, D> std::fmt::Debug for RunFuture<F, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunFuture").field("site", &self.site.name).finish_non_exhaustive()
    }
}

impl<F, D> Future for RunFuture<F, D>
where
    F: Future,
    D: FnOnce(&F::Output, &mut End),
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else { return Poll::Pending };
        // At the first poll the trace is started inside, by `run_begin`, which changes the thread's place.
        let first = this.place.is_none();
        let mut elsewhere = this.place.take().or_else(|| local::with(local::Local::place)).unwrap_or_default();
        let outer = first.then(|| elsewhere.trace.as_ref().map(|trace| trace.key));
        if !first {
            local::with(|local| local.swap(&mut elsewhere));
        }
        let polled = catch_unwind(AssertUnwindSafe(|| inner.poll(cx)));
        if let Some(outer) = outer {
            let started = local::with(local::Local::trace).flatten();
            *this.shared = started.filter(|trace| Some(trace.key) != outer);
        }
        if let Some(shared) = &*this.shared {
            match &polled {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(output)) => {
                    let look = this.done.take();
                    end_with(shared, End::described(|end| look.into_iter().for_each(|look| look(output, end))));
                }
                Err(payload) => *this.panicked = Some(panic_end(&**payload)),
            }
        }
        local::with(|local| local.swap(&mut elsewhere));
        *this.place = Some(elsewhere);
        match polled {
            Ok(polled) => polled,
            Err(payload) => resume_unwind(payload),
        }
    }
}

/// A trace, for code without macros: start it, record through it, finish it.
///
/// The trace is the current one only where [`TraceContext::enter`], [`TraceContext::scope`] or [`TraceContext::in_future`] make it so; the
/// methods of this type record into it from anywhere. Dropping it without [`TraceContext::finish`] ends the trace without
/// waiting: as it was marked, else as incomplete.
#[derive(Debug)]
pub struct TraceContext {
    shared: Option<Arc<Shared>>,
    /// Whether dropping this ends the trace.
    owner: bool,
}

impl TraceContext {
    /// Starts a trace; as a child of the current one, if there is one. Without a tracer, or for a project that is off, nothing is
    /// recorded and every method does nothing.
    #[must_use]
    pub fn start(run: Run) -> Self {
        let shared = match open(run) {
            Opened::Recorded(shared) if !cfg!(feature = "disabled") => Some(shared),
            _ => None,
        };
        Self { shared, owner: true }
    }

    /// The trace that is recorded where the caller stands. Dropping this handle does not end it.
    #[must_use]
    pub fn current() -> Option<Self> {
        let ctx = Ctx::current();
        ctx.is_recording().then(|| Self { shared: ctx.into_trace(), owner: false })
    }

    /// Whether it is recorded.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.shared.is_some()
    }

    /// The id, `trc_YYYYMMDD_HHMMSS_<16 hex>`; empty when nothing is recorded.
    #[must_use]
    pub fn trace_id(&self) -> &str {
        self.shared.as_ref().map_or("", |shared| &shared.trace_id)
    }

    /// The trace's own place, outside any stage.
    #[must_use]
    pub fn ctx(&self) -> Ctx {
        self.shared.as_ref().map_or_else(Ctx::default, |shared| Ctx::from_place(place_of(shared)))
    }

    /// Makes the trace the current one of this thread until the guard is dropped.
    #[must_use = "the trace is the current one until the guard is dropped"]
    pub fn enter(&self) -> Entered {
        self.ctx().enter()
    }

    /// Runs a closure with the trace as the current one.
    pub fn scope<R>(&self, code: impl FnOnce() -> R) -> R {
        self.ctx().scope(code)
    }

    /// A future with the trace as the current one.
    pub fn in_future<F: Future>(&self, future: F) -> crate::context::InContext<F> {
        self.ctx().in_future(future)
    }

    /// Begins a stage directly under the trace; it ends when the guard is dropped.
    #[must_use = "the stage ends when the guard is dropped"]
    pub fn stage(&self, name: impl Into<String>) -> StageGuard {
        self.scope(|| StageGuard::start(name))
    }

    /// Begins an observation directly under the trace; it ends when the guard is dropped.
    #[must_use = "the observation ends when the guard is dropped"]
    pub fn observe(&self, name: impl Into<String>, kind: impl Into<crate::model::Kind>) -> ObservationGuard {
        self.scope(|| ObservationGuard::start(name, kind))
    }

    /// The run did what it should.
    pub fn mark_complete(&self) {
        self.mark(Status::Complete);
    }

    /// The run ended early.
    pub fn mark_incomplete(&self) {
        self.mark(Status::Incomplete);
    }

    /// The run failed.
    pub fn mark_failed(&self, error: impl Into<ErrorInfo>) {
        if let Some(shared) = &self.shared {
            shared.set_error(error.into());
        }
        self.mark(Status::Failed);
    }

    fn mark(&self, status: Status) {
        if let Some(shared) = &self.shared {
            shared.mark(status);
        }
    }

    /// Ends the trace and waits until it is kept, 5 s at most. The future runs on any executor; [`Finish::wait`] blocks instead.
    #[must_use = "await it, or call `.wait()`"]
    pub fn finish(mut self) -> Finish {
        Finish { shared: self.shared.take().inspect(|shared| end(shared, Status::Incomplete, None)) }
    }
}

impl Drop for TraceContext {
    fn drop(&mut self) {
        if let (Some(shared), true) = (&self.shared, self.owner) {
            end(shared, Status::Incomplete, None);
        }
    }
}

/// How long a finished trace is waited for.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Becomes the [`FinishReport`] of a trace.
#[derive(Debug)]
pub struct Finish {
    shared: Option<Arc<Shared>>,
}

impl Finish {
    /// Blocks until the trace is kept, 5 s at most.
    #[must_use]
    pub fn wait(self) -> FinishReport {
        let Some(shared) = self.shared else { return FinishReport::default() };
        shared.completion.wait(FINISH_WITHIN)
    }
}

impl Future for Finish {
    type Output = FinishReport;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<FinishReport> {
        match &self.shared {
            // The collector resolves it with what is known when the time is over.
            Some(shared) => shared.completion.poll(cx, FINISH_WITHIN),
            None => Poll::Ready(FinishReport::default()),
        }
    }
}
