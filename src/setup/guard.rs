use super::FLUSH_WITHIN;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use trace_core::Tracer;
use trace_core::observe::ObserverReport;

/// Keeps tracing running; dropping it stops tracing and waits, 5 s at most, until everything is kept.
#[derive(Debug)]
#[must_use = "tracing stops when the guard is dropped: `let _guard = whytrace::init();`"]
pub struct Guard {
    tracer: Option<Tracer>,
    /// What processes of the past left open is being recovered.
    recovery: Option<JoinHandle<()>>,
}

impl Guard {
    pub(super) fn new(tracer: Tracer, recovery: Option<JoinHandle<()>>) -> Self {
        Self { tracer: Some(tracer), recovery }
    }

    /// The guard of a program that records nothing.
    pub(super) const fn idle() -> Self {
        Self { tracer: None, recovery: None }
    }

    /// Whether anything is recorded.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.tracer.is_some()
    }

    /// What became of the events that each observer wanted, in the order in which they were added.
    #[must_use]
    pub fn observers(&self) -> Vec<ObserverReport> {
        self.tracer.as_ref().map_or_else(Vec::new, Tracer::observers)
    }

    /// Stops tracing like dropping does, without blocking the executor. Gives whether everything was kept in time.
    pub fn shutdown(mut self) -> Shutdown {
        let done = Arc::new(Mutex::new(State { kept: None, waker: None }));
        let Some(tracer) = self.tracer.take() else {
            lock(&done).kept = Some(true);
            return Shutdown { state: done };
        };
        let (state, in_thread, recovery) = (Arc::clone(&done), tracer.clone(), self.recovery.take());
        let thread = std::thread::Builder::new().name("whytrace-shutdown".to_owned()).spawn(move || {
            finish(&state, stop(&in_thread, recovery.as_ref()));
        });
        if thread.is_err() {
            finish(&done, stop(&tracer, None));
        }
        Shutdown { state: done }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(tracer) = self.tracer.take()
            && !stop(&tracer, self.recovery.as_ref())
        {
            trace_core::diagnostics::say(
                "not everything was kept within 5 s; the next start completes what reached the event streams",
            );
        }
    }
}

/// Stops tracing; whether everything was kept in time. A program may be shorter than the recovery that it started, and then waits for it,
/// but for no more than half of the time: its own traces come first.
fn stop(tracer: &Tracer, recovery: Option<&JoinHandle<()>>) -> bool {
    let began = Instant::now();
    while recovery.is_some_and(|recovery| !recovery.is_finished()) && began.elapsed() < FLUSH_WITHIN / 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Before the rows of the last traces are written, which then find their prompts' versions.
    let logged = super::flush_prompts(FLUSH_WITHIN.saturating_sub(began.elapsed()) / 2);
    let kept = tracer.close(FLUSH_WITHIN.saturating_sub(began.elapsed()));
    super::stop_prompts(FLUSH_WITHIN.saturating_sub(began.elapsed()));
    kept && logged
}

struct State {
    kept: Option<bool>,
    waker: Option<Waker>,
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn finish(state: &Mutex<State>, kept: bool) {
    let waker = {
        let mut state = lock(state);
        state.kept = Some(kept);
        state.waker.take()
    };
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Ready when tracing has stopped: whether everything was kept.
#[must_use = "await it to wait until everything is kept"]
pub struct Shutdown {
    state: Arc<Mutex<State>>,
}

impl Future for Shutdown {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let mut state = lock(&self.state);
        match state.kept {
            Some(kept) => Poll::Ready(kept),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl std::fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shutdown")
    }
}
