//! The writer's way to its database: opened when it is first needed, reopened after failures, left alone for a while after each.
//!
//! Comes in: traces. Goes out: what became of each. The error of one trace never keeps another from being written.

use super::dialect::{Connection, Failure, failure};
use super::error::SqlError;
use super::migrate::Migrator;
use super::rows;
use super::url::DatabaseUrl;
use super::writer::{self, AllRaised, Checks, Raised};
use crate::settings::CalibrationSettings;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};
use trace_core::registry::registry;
use trace_core::sink::FinishedTrace;

/// How long the database is left alone after a first failure; doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why a trace was not written.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// The database is away; try again later.
    Away(String),
    /// The database works and refuses this trace.
    Refused(String),
}

/// The way to the database.
#[derive(Debug)]
pub(crate) struct Link {
    url: DatabaseUrl,
    patience: Duration,
    runtime: tokio::runtime::Runtime,
    connection: Option<Connection>,
    checks: Checks,
    failures: u32,
    /// When it may be tried again, and why not now.
    pause: Option<(Instant, String)>,
}

impl Link {
    /// A link that is not open yet; `patience` is how long one attempt waits for locks and answers.
    /// With calibration settings it checks what it writes.
    pub(crate) fn new(
        url: DatabaseUrl,
        patience: Duration,
        calibration: Option<CalibrationSettings>,
    ) -> std::io::Result<Self> {
        let checks = Checks::new(calibration.filter(|calibration| calibration.enabled));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { url, patience, runtime, connection: None, checks, failures: 0, pause: None })
    }

    /// When the database may be tried again; `None`: now.
    pub(crate) fn paused_until(&self) -> Option<Instant> {
        self.pause.as_ref().map(|(until, _)| *until).filter(|until| *until > Instant::now())
    }

    /// Tries the database at the next occasion, however lately it failed.
    pub(crate) fn end_pause(&mut self) {
        self.pause = None;
    }

    /// From now on nothing is checked.
    pub(crate) fn stop_checking(&mut self) {
        self.checks = Checks::default();
    }

    /// Which of these traces have no row.
    pub(crate) fn unknown(&mut self, ids: Vec<String>) -> Result<Vec<String>, SqlError> {
        let Self { runtime, url, connection, patience, .. } = self;
        runtime.block_on(async {
            let open = opened(connection, url, *patience).await?;
            let known = writer::stored_versions(open, ids.clone()).await;
            let known = known.map_err(|source| SqlError::Statement {
                doing: "looking for traces",
                url: url.clone(),
                source,
            })?;
            Ok(ids.into_iter().filter(|id| !known.contains_key(id)).collect())
        })
    }

    /// Writes the traces: together, and where the database refuses something, in halves until what it refuses stands alone.
    /// What was found out about each comes back.
    pub(crate) fn save(&mut self, traces: &[FinishedTrace]) -> Vec<Result<Raised, Trouble>> {
        let mut results: Vec<Result<Raised, Trouble>> = traces.iter().map(|_| Ok(Raised::default())).collect();
        let all = 0..traces.len();
        let mut ranges = vec![all];
        while let Some(range) = ranges.pop() {
            match self.attempt(&traces[range.clone()]) {
                Ok(mut raised) => {
                    for index in range {
                        results[index] = Ok(raised.remove(&rows::key(&traces[index].trace)).unwrap_or_default());
                    }
                }
                Err(Trouble::Refused(_)) if range.len() > 1 => {
                    let middle = range.start + range.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(Trouble::Away(reason)) => {
                    for untried in ranges.drain(..).chain([range]).flatten() {
                        results[untried] = Err(Trouble::Away(reason.clone()));
                    }
                }
                // It stands alone.
                Err(refused) => range.for_each(|index| results[index] = Err(refused.clone())),
            }
        }
        results
    }

    fn attempt(&mut self, traces: &[FinishedTrace]) -> Result<AllRaised, Trouble> {
        if let Some((until, reason)) = &self.pause
            && *until > Instant::now()
        {
            return Err(Trouble::Away(reason.clone()));
        }
        let had_connection = self.connection.is_some();
        let outcome = match self.try_once(traces) {
            // A server ends connections that were idle for long, or moves: that alone is no reason to queue.
            Err((Failure::Lost, _)) if had_connection => {
                self.connection = None;
                self.try_once(traces)
            }
            other => other,
        };
        match outcome {
            Ok(raised) => {
                (self.failures, self.pause) = (0, None);
                Ok(raised)
            }
            Err((Failure::Refused, reason)) => Err(Trouble::Refused(reason)),
            Err((Failure::Lost | Failure::Away, reason)) => {
                self.pause(reason.clone());
                Err(Trouble::Away(reason))
            }
        }
    }

    fn try_once(&mut self, traces: &[FinishedTrace]) -> Result<AllRaised, (Failure, String)> {
        // A document that no code of ours foresaw must not take the writer down with it.
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let Self { runtime, url, connection, patience, checks, .. } = self;
            runtime.block_on(async {
                let open =
                    opened(connection, url, *patience).await.map_err(|error| (Failure::Away, error.to_string()))?;
                writer::write(open, traces, checks).await.map_err(|source| {
                    let kind = failure(&source);
                    (kind, SqlError::Statement { doing: "writing traces", url: url.clone(), source }.to_string())
                })
            })
        }));
        tried.unwrap_or_else(|panic| {
            self.connection = None;
            Err((Failure::Refused, format!("its rows could not be made: {}", message(&*panic))))
        })
    }

    fn pause(&mut self, reason: String) {
        self.connection = None;
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(16)).min(LONGEST_PAUSE);
        self.failures += 1;
        self.pause = Some((Instant::now() + pause, reason));
    }

    /// Closes the connection properly.
    pub(crate) fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.runtime.block_on(connection.close());
        }
    }
}

/// The connection, opened and its schema brought up to date where that is needed.
async fn opened<'a>(
    connection: &'a mut Option<Connection>,
    url: &DatabaseUrl,
    patience: Duration,
) -> Result<&'a mut Connection, SqlError> {
    let usable = match connection.take() {
        Some(open) if open.is_current() => open,
        stale => {
            if let Some(stale) = stale {
                stale.close().await;
            }
            let mut fresh = Connection::open(url, patience).await?;
            Migrator::new(&mut fresh, url).up().await?;
            writer::write_declared(&mut fresh, &registry()).await.map_err(|source| SqlError::Statement {
                doing: "writing what the program declares",
                url: url.clone(),
                source,
            })?;
            fresh
        }
    };
    Ok(connection.insert(usable))
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}
