//! What all contexts of one trace share.

use super::propagation::Carried;
use crate::collect::Completion;
use crate::model::{ErrorInfo, Status};
use crate::tracer::Tracer;
use fastant::Instant;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Twice the number of traces alive in this process, plus one until the notice about recording outside any trace was
/// given or is not wanted. Zero means that no call site has anything to do: the only thing a disabled one reads.
static GATE: AtomicUsize = AtomicUsize::new(NOTICE);
const NOTICE: usize = 1;
const TRACE: usize = 2;

/// The gate as it was at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Gate(usize);

impl Gate {
    #[inline(always)]
    pub(crate) fn now() -> Self {
        if cfg!(feature = "disabled") { Self(0) } else { Self(GATE.load(Ordering::Relaxed)) }
    }

    /// Whether a call site has to look any further.
    #[inline(always)]
    pub(crate) fn is_open(self) -> bool {
        self.0 != 0
    }

    /// Whether the one notice of this process is still to be given.
    #[inline(always)]
    pub(crate) fn notice_is_due(self) -> bool {
        self.0 & NOTICE != 0
    }
}

/// Takes the one notice of this process; true for the first caller only.
pub(crate) fn take_notice() -> bool {
    GATE.fetch_and(!NOTICE, Ordering::Relaxed) & NOTICE != 0
}

/// One trace, as the recording side knows it.
pub(crate) struct Shared {
    /// Unique in this process, never 0.
    pub(crate) key: u64,
    pub(crate) trace_id: String,
    pub(crate) otel_trace_id: String,
    pub(crate) session_id: String,
    pub(crate) project_name: String,
    pub(crate) project_id: String,
    /// The span of the trace itself.
    pub(crate) root_span: u64,
    pub(crate) carried: Carried,
    pub(crate) tracer: Tracer,
    pub(crate) started: Instant,
    /// Records made but not kept.
    pub(crate) dropped: AtomicU64,
    /// Nanoseconds that callers waited for room.
    waited: AtomicU64,
    /// Passes of the retry loop begun.
    pub(crate) iterations: AtomicU64,
    /// Status and error set by hand.
    marked: Mutex<(Option<Status>, Option<ErrorInfo>)>,
    /// Who it is run for.
    user: Mutex<Option<String>>,
    pub(crate) ended: AtomicBool,
    /// Resolved when the sinks are done.
    pub(crate) completion: Arc<Completion>,
}

impl Shared {
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        trace_id: String,
        otel_trace_id: String,
        session_id: String,
        project_name: String,
        project_id: String,
        root_span: u64,
        carried: Carried,
        tracer: Tracer,
    ) -> Arc<Self> {
        static KEYS: AtomicU64 = AtomicU64::new(1);
        GATE.fetch_add(TRACE, Ordering::Relaxed);
        let completion = Completion::new(&trace_id);
        Arc::new(Self {
            key: KEYS.fetch_add(1, Ordering::Relaxed),
            trace_id,
            otel_trace_id,
            session_id,
            project_name,
            project_id,
            root_span,
            carried,
            tracer,
            started: Instant::now(),
            dropped: AtomicU64::new(0),
            waited: AtomicU64::new(0),
            iterations: AtomicU64::new(0),
            marked: Mutex::default(),
            user: Mutex::default(),
            ended: AtomicBool::new(false),
            completion,
        })
    }

    /// How much longer callers of this trace may wait for room; `None` without a limit.
    pub(crate) fn patience(&self) -> Option<Duration> {
        let limit = self.tracer.options().max_wait?;
        Some(limit.saturating_sub(self.waited()))
    }

    pub(crate) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited.load(Ordering::Relaxed))
    }

    pub(crate) fn add_wait(&self, waited: Duration) {
        self.waited.fetch_add(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    fn marks(&self) -> MutexGuard<'_, (Option<Status>, Option<ErrorInfo>)> {
        self.marked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn mark(&self, status: Status) {
        self.marks().0 = Some(status);
    }

    pub(crate) fn marked(&self) -> Option<Status> {
        self.marks().0
    }

    pub(crate) fn set_error(&self, error: ErrorInfo) {
        self.marks().1 = Some(error);
    }

    pub(crate) fn take_error(&self) -> Option<ErrorInfo> {
        self.marks().1.take()
    }

    pub(crate) fn set_user(&self, user: String) {
        *self.user.lock().unwrap_or_else(PoisonError::into_inner) = Some(user);
    }

    pub(crate) fn user(&self) -> Option<String> {
        self.user.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count_drop(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        GATE.fetch_sub(TRACE, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace").field("trace_id", &self.trace_id).finish_non_exhaustive()
    }
}
