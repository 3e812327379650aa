//! Traces as rows, in SQLite or Postgres: the schema, the writer, the outbox for when the database is away.
//!
//! Comes in: finished traces, through [`RowsSink`]. Goes out: rows for every question that is asked of many traces, and a compressed copy of
//! each document, so that another machine reads the whole trace. [`SqlStore`] reads single traces back and looks after the schema.
//!
//! A trace takes this way: `rows` and `document` make plain structs of it, `value` describes their tables once, `writer` decides what is
//! written in which order, and `dialect` alone knows what differs between the databases. `link` opens and reopens the
//! database, `outbox` keeps on disk what it could not take, `sink` is the thread that joins them.

mod calibration;
pub(crate) mod dialect;
pub(crate) mod document;
mod error;
pub(crate) mod flags;
mod link;
pub(crate) mod migrate;
mod newest;
mod outbox;
pub(crate) mod prices;
pub(crate) mod prompts;
mod review;
pub(crate) mod rollups;
pub(crate) mod rows;
mod session;
mod sink;
mod store;
mod sync;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod time;
mod turn;
mod url;
pub(crate) mod value;
mod waiting;
mod worker;
pub(crate) mod writer;

pub(crate) use dialect::Connection;
pub use error::SqlError;
pub use migrate::MigrationStatus;
pub use outbox::{Outbox, OutboxError, OutboxLimits, OutboxStatus};
pub use review::{HumanScore, ScoreSource};
pub use rollups::RollupDifference;
pub use rows::TraceRow;
pub(crate) use session::Session;
pub use sink::{RowsOptions, RowsSink, RowsStatus};
pub use store::SqlStore;
pub use sync::{SyncReport, sync};
pub(crate) use time::now;
pub use url::{DatabaseKind, DatabaseUrl};
pub use value::Json;
