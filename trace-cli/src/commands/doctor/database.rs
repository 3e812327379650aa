//! The database: whether it can be reached, whether its tables are up to date, whether its clock agrees with ours.

use super::Check;
use crate::place::Place;
use crate::words::{counted, one_line};
use trace_core::model::Timestamp;
use trace_store::sql::{DatabaseKind, SqlError, SqlStore};

/// Clocks that differ by more than this put runs of two machines in the wrong order.
const CLOCKS_APART: f64 = 5.0;

pub(super) async fn checks(place: &Place, repair: bool) -> Vec<Check> {
    let url = match place.database_url() {
        Ok(Some(url)) => url,
        Ok(None) => return vec![Check::off("database", "rows are not kept: documents only")],
        Err(_) => {
            return vec![Check::failed(
                "database",
                "the URL cannot be taken",
                "give sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE",
            )];
        }
    };
    // Opening SQLite would make the file.
    if place.settings.sqlite_path().is_some_and(|path| !path.exists()) {
        return vec![Check::ok("database", format!("{url} is not there yet; the first trace makes it"))];
    }
    let mut store = match SqlStore::open(&url).await {
        Ok(store) => store,
        Err(error) => {
            return vec![Check::failed("database", one_line(&error.to_string(), 500), unreachable(url.kind()))];
        }
    };
    let mut checks = Vec::new();
    let (tables, current) = tables(&mut store).await;
    checks.push(reached(&mut store, &url.to_string(), current).await);
    checks.push(tables);
    if current {
        checks.push(sums(&mut store, repair).await);
    }
    if url.kind() == DatabaseKind::Postgres {
        checks.push(clock(&mut store).await);
    }
    store.close().await;
    checks
}

const fn unreachable(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Sqlite => {
            "see that the file can be read and written and is a SQLite database; rows wait in the outbox meanwhile"
        }
        DatabaseKind::Postgres => {
            "see that the server runs and that host, user and password are right; rows wait in the outbox meanwhile"
        }
    }
}

async fn reached(store: &mut SqlStore, url: &str, current: bool) -> Check {
    if !current {
        return Check::ok("database", format!("{url} answers"));
    }
    match store.counts().await {
        Ok(counts) => {
            let traces = counts.get("traces").copied().unwrap_or_default();
            Check::ok("database", format!("{url}: {}", counted(traces, "trace")))
        }
        Err(error) => Check::failed("database", one_line(&error.to_string(), 500), "see what the database says"),
    }
}

/// The state of the tables, and whether they are up to date.
async fn tables(store: &mut SqlStore) -> (Check, bool) {
    let steps = match store.migration_status().await {
        Ok(steps) => steps,
        Err(error) => {
            let advice = "the traced program cannot write rows there";
            return (Check::failed("tables", one_line(&error.to_string(), 500), advice), false);
        }
    };
    let missing = steps.iter().filter(|step| step.applied_at.is_none()).count() as u64;
    let newest = steps.last().map_or(0, |step| step.version);
    if missing == 0 {
        return (Check::ok("tables", format!("version {newest}, up to date")), true);
    }
    let found = format!("{} of {newest} missing", counted(missing, "step"));
    (
        Check::warning(
            "tables",
            found,
            "`whytrace migrate` brings them up to date; so does the traced program with its next trace",
        ),
        false,
    )
}

/// The daily sums, which summaries are made of.
async fn sums(store: &mut SqlStore, repair: bool) -> Check {
    const NAME: &str = "daily sums";
    let failed = |error: SqlError| Check::failed(NAME, one_line(&error.to_string(), 500), "see what the database says");
    let differing = match store.check_rollups().await {
        Ok(differences) => differences.len() as u64,
        Err(error) => return failed(error),
    };
    if differing == 0 {
        return Check::ok(NAME, "as counted from the traces");
    }
    if !repair {
        let found = format!("{} not what the traces give", counted(differing, "sum"));
        return Check::failed(NAME, found, "`whytrace doctor --repair` counts them anew");
    }
    match store.rebuild_rollups().await {
        Ok(()) => Check::ok(NAME, format!("counted anew: {differing} differed")),
        Err(error) => failed(error),
    }
}

async fn clock(store: &mut SqlStore) -> Check {
    let before = Timestamp::now();
    let theirs = match store.clock().await {
        Ok(theirs) => theirs,
        Err(error) => return Check::failed("clock", one_line(&error.to_string(), 500), "see what the database says"),
    };
    let after = Timestamp::now();
    // What the answer took is no difference of clocks.
    let apart = if theirs < before { theirs.seconds_since(before) } else { theirs.seconds_since(after).max(0.0) };
    if apart.abs() <= CLOCKS_APART {
        return Check::ok("clock", "agrees with the database's");
    }
    let direction = if apart > 0.0 { "behind" } else { "ahead of" };
    let found = format!("this machine is {:.0} s {direction} the database", apart.abs());
    Check::warning("clock", found, "let a time service set both clocks; until then, lists mix the order of runs")
}
