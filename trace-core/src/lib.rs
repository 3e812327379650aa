//! The model of whytrace and the road to it: recording, folding, event stream, recovery. It knows no database, no
//! runtime and no network. Depend on the `whytrace` crate, which re-exports what is meant for users.

pub mod event;
pub mod model;
pub mod names;
pub mod redact;
pub mod registry;
pub mod sink;
pub mod text;
