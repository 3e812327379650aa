//! The hot path: what a call site does on the caller's thread.

pub mod capture;
pub mod probe;
pub mod tape;
