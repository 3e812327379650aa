//! Work handed to tokio that stays in its trace and stage.

use trace_core::context::Ctx;

/// [`tokio::spawn`], in the place of the caller.
pub fn spawn<F>(future: F) -> tokio::task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(Ctx::current().in_future(future))
}

/// [`tokio::task::spawn_blocking`], in the place of the caller.
pub fn spawn_blocking<F, R>(code: F) -> tokio::task::JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    tokio::task::spawn_blocking(Ctx::current().in_fn(code))
}
