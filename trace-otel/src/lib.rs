//! whytrace at home in the OpenTelemetry world.
//!
//! Three directions, each behind a feature of its own, so that a program takes only what it needs:
//!
//! | feature | what it is for |
//! |---|---|
//! | `export`, `grpc` | traces out as OTLP: a sink for finished traces, a function for stored documents |
//! | `layer` | spans and events of `tracing` into the current trace, and the trace's id into log lines |
//! | `http`, `tower` | traces across processes: W3C headers in and out, layers for servers and clients |
//!
//! No type of OpenTelemetry is in this crate's API: their versions move faster than ours.

#[cfg(feature = "export")]
mod convert;
#[cfg(feature = "export")]
mod export;
#[cfg(feature = "export")]
mod mlflow;
#[cfg(feature = "export")]
mod profile;

#[cfg(feature = "export")]
pub use convert::{ConvertOptions, OtlpRequest, convert};
#[cfg(feature = "export")]
pub use export::{
    ExportOptions, ExportReport, LinkPrompts, OptionsError, OtlpSink, OtlpStatus, OutboxLimits, Protocol, RefusedSpan,
    export,
};
#[cfg(feature = "export")]
pub use profile::{Profile, Profiles, UnknownProfile};

#[cfg(feature = "layer")]
mod layer;

#[cfg(feature = "layer")]
pub use layer::{TraceIds, TraceIdsFormat, TraceLayer};

#[cfg(feature = "http")]
mod headers;
#[cfg(feature = "tower")]
mod tower;

#[cfg(feature = "http")]
pub use headers::{continue_run, extract, inject, inject_from};
#[cfg(feature = "tower")]
pub use tower::{ClientFuture, ClientLayer, ClientService, ServerFuture, ServerLayer, ServerService};
