//! Instrumentation for AI pipelines that records *why*: every stage, every decision with its reason, confidence and
//! alternatives, every model call with the prompt version behind it, every score, in one trace.

pub mod generation;
#[cfg(all(feature = "store", feature = "tokio"))]
pub mod guide;
pub mod observe;
pub mod prelude;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub mod prompts;
#[cfg(feature = "store")]
mod setup;
#[cfg(feature = "tokio")]
mod spawn;
#[cfg(feature = "tracing")]
mod tracing_events;

#[cfg(feature = "store")]
pub use setup::{Guard, InitError, Shutdown, Tracer, TracerBuilder, flush, init, recover, try_init};
#[cfg(feature = "tokio")]
pub use spawn::{spawn, spawn_blocking};

pub use trace_core::Options;
pub use trace_core::collect::{RecoverError, Recovered};
pub use trace_core::context::{Ctx, Entered, InContext};
pub use trace_core::event::{FileWrite, HealingAttempt, PromptExecution, TemplateRender, ValidationError};
pub use trace_core::model;
pub use trace_core::model::{
    Alternative, Attempt, ErrorInfo, Evidence, Gate, GatePolicy, Kind, LlmCall, Money, Outcome, Score, Status, Trace,
    Usage,
};
pub use trace_core::names::project_folder;
pub use trace_core::observe::Observer;
pub use trace_core::pricer;
pub use trace_core::record::facts::*;
pub use trace_core::record::{
    Finish, IterationGuard, ObservationGuard, Run, SpanFuture, SpanStream, StageGuard, TraceContext,
};
pub use trace_core::redact;
pub use trace_core::registry::{self, TracingComponent, registry};
pub use trace_core::sink::{self, DatabaseStatus, FinishReport};
pub use trace_core::testing;
pub use trace_core::{event, import};
#[cfg(feature = "otel")]
#[doc = "[configuration]: crate::guide::configuration\n"]
#[doc = include_str!("../docs/opentelemetry.md")]
pub mod otel {
    pub use trace_otel::*;
}
#[cfg(feature = "store")]
pub use trace_store::{files, prices, settings};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use trace_store::{query, sql};

pub use trace_core::registry::{Prompt, PromptError, RenderedPrompt};
#[doc = include_str!("../docs/macros/tracing_component.md")]
pub use trace_macros::TracingComponent;
#[doc = include_str!("../docs/macros/decision.md")]
pub use trace_macros::decision;
#[doc = include_str!("../docs/macros/observable.md")]
pub use trace_macros::observable;
#[doc = include_str!("../docs/macros/prompt.md")]
pub use trace_macros::prompt;
#[doc = include_str!("../docs/macros/register_component.md")]
pub use trace_macros::register_component;
#[doc = include_str!("../docs/macros/traced_run.md")]
pub use trace_macros::traced_run;
#[doc = include_str!("../docs/macros/traced_stage.md")]
pub use trace_macros::traced_stage;

/// What macro expansions call. Not public API.
#[doc(hidden)]
pub use trace_core::private as __private;
