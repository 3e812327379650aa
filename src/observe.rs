//! Code of your own that sees every event as it is recorded: `whytrace::Tracer::builder().observer(…)`.

#[cfg(feature = "tracing")]
pub use crate::tracing_events::TracingEvents;
pub use trace_core::observe::{CAPACITY, CAPACITY_BYTES, Kinds, Observer, ObserverReport, Only, PANICS, only};
