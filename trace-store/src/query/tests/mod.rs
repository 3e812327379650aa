//! Questions against real databases: the same runs in SQLite, in Postgres and in a folder of documents, with the same answers.

mod aggregates;
mod components;
mod connections;
mod filter;
#[cfg(feature = "sqlite")]
mod folder;
mod lists;
mod plans;
mod reports;
mod search;
mod single;

use super::{Listing, Store, TraceItem};
use crate::sql::RowsOptions;
use crate::sql::tests::fixture::{finished, full, id, small};
use crate::sql::tests::{Database, block_on, store};
use trace_core::model::{Status, Timestamp, Trace};
use trace_core::sink::{DatabaseStatus, Sink};

/// Stores traces as a program does.
fn save(database: &Database, traces: &[Trace]) {
    let sink = database.sink_with(RowsOptions::default());
    let traces: Vec<_> = traces.iter().cloned().map(finished).collect();
    for stored in sink.store(&traces) {
        assert_eq!(stored.unwrap().database, Some(DatabaseStatus::Saved));
    }
}

/// Asks the database.
fn ask<T>(database: &Database, question: impl AsyncFnOnce(&Store) -> T) -> T {
    block_on(async {
        let store = Store::of_database(&database.url, Some(database.traces_dir())).await.unwrap();
        let answer = question(&store).await;
        store.close().await;
        answer
    })
}

/// The moment so many minutes ago, to the microsecond.
fn minutes_ago(minutes: i128) -> Timestamp {
    Timestamp::from_nanos((Timestamp::now().as_nanos() / 1000 - minutes * 60_000_000) * 1000)
}

/// A run that began so many minutes ago; its number is its id.
fn recent(n: u32, minutes: i128) -> Trace {
    let mut trace = small(n);
    trace.run.started_at = Some(minutes_ago(minutes));
    trace
}

fn ids(listing: &Listing<TraceItem>) -> Vec<&str> {
    listing.items.iter().map(|item| item.trace_id.as_str()).collect()
}
