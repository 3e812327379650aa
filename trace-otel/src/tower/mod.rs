//! Traces across HTTP, for everything built on tower: axum, hyper, tonic, reqwest with tower.
//!
//! On the server, [`ServerLayer`] makes each request a trace, which continues the caller's where the headers name one. On the client,
//! [`ClientLayer`] makes each request an observation of the current trace, and tells the server about it.

mod client;
mod server;

pub use client::{ClientFuture, ClientLayer, ClientService};
pub use server::{ServerFuture, ServerLayer, ServerService};
