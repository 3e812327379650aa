//! The model of whytrace and the road to it: recording, folding, event stream, recovery. It knows no database, no
//! runtime and no network. Depend on the `whytrace` crate, which re-exports what is meant for users.

pub mod atomic;
pub mod collect;
pub mod context;
pub mod diagnostics;
pub mod event;
pub mod fold;
pub mod import;
pub mod model;
pub mod names;
pub mod observe;
pub mod pricer;
#[doc(hidden)]
pub mod private;
pub mod record;
pub mod redact;
pub mod registry;
pub mod sink;
pub mod testing;
pub mod text;
mod tracer;

pub use tracer::{Options, Tracer, TracerError};
