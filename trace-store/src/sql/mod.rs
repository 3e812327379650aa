//! Traces as rows, in SQLite or Postgres: the schema, the writer, the outbox for when the database is away.
//!
//! Comes in: finished traces, through [`RowsSink`]. Goes out: rows for every question that is asked of many traces, and a compressed copy of
//! each document, so that another machine reads the whole trace. [`SqlStore`] reads single traces back and looks after the schema.
//!
//! A trace takes this way: `rows` and `document` make plain structs of it, `value` describes their tables once, `writer` decides what is
//! written in which order, and `dialect` alone knows what differs between the databases. `link` opens and reopens the
//! database, `outbox` keeps on disk what it could not take, `sink` is the thread that joins them.

mod dialect;
mod document;
mod error;
mod link;
mod migrate;
mod outbox;
pub(crate) mod prices;
pub(crate) mod prompts;
mod rows;
mod session;
mod sink;
mod store;
#[cfg(test)]
mod tests;
mod time;
mod url;
mod value;
mod writer;

pub(crate) use dialect::Connection;
pub use error::SqlError;
pub use migrate::MigrationStatus;
pub use outbox::{Outbox, OutboxError, OutboxLimits, OutboxStatus};
pub use rows::TraceRow;
pub(crate) use session::Session;
pub use sink::{RowsOptions, RowsSink, RowsStatus};
pub use store::SqlStore;
pub(crate) use time::now;
pub use url::{DatabaseKind, DatabaseUrl};
pub use value::Json;
