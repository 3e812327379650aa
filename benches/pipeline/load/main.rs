//! Loads traces of weeks into a database, through the same writer that programs use.
//!
//! Comes in: `[--traces N] [--days N] [--seed N] [--writers N] [--url URL] [--no-flags]`. Goes out: rows, a line each few seconds, the rate.
//! Without a URL: `WHYTRACE_TEST_DATABASE_URL`, else a SQLite file in the build's folder. The same seed gives the same traces, but for
//! their place in time: they end now.

// A benchmark's output is its text.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod generate;

use generate::{PROMPTS, Plan, VERSIONS, template};
use lexopt::prelude::*;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use trace_core::model::Timestamp;
use trace_core::sink::Sink;
use trace_store::prompts::{NewVersion, Registry};
use whytrace::sql::{DatabaseUrl, RowsOptions, RowsSink, SqlStore};

/// Traces written in one transaction.
const BATCH: u64 = 256;

struct Options {
    plan: Plan,
    writers: u64,
    url: DatabaseUrl,
    flags: bool,
}

impl Options {
    fn from_args() -> Result<Self, String> {
        let mut parser = lexopt::Parser::from_env();
        let mut plan = Plan { seed: 1, traces: 10_000, days: 90, until: Timestamp::now() };
        let (mut writers, mut url, mut flags) = (2, None, true);
        let parsed = (|| -> Result<(), lexopt::Error> {
            while let Some(arg) = parser.next()? {
                match arg {
                    Long("traces") => plan.traces = parser.value()?.parse()?,
                    Long("days") => plan.days = parser.value()?.parse()?,
                    Long("seed") => plan.seed = parser.value()?.parse()?,
                    Long("writers") => writers = parser.value()?.parse()?,
                    Long("url") => url = Some(parser.value()?.string()?),
                    Long("no-flags") => flags = false,
                    Long("bench") => {} // cargo says this
                    other => return Err(other.unexpected()),
                }
            }
            Ok(())
        })();
        parsed.map_err(|error| error.to_string())?;
        let of_tests = std::env::var("WHYTRACE_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty());
        let file = format!("sqlite://{}/load-{}.db", env!("CARGO_TARGET_TMPDIR"), std::process::id());
        let url = url.or(of_tests).unwrap_or(file).parse().map_err(|error| format!("{error}"))?;
        Ok(Self { plan, writers: std::cmp::max(writers, 1), url, flags })
    }
}

fn main() -> ExitCode {
    match Options::from_args().and_then(|options| load(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("load: {message}");
            ExitCode::FAILURE
        }
    }
}

fn load(options: &Options) -> Result<(), String> {
    println!("{} traces of {} days into {}", options.plan.traces, options.plan.days, options.url);
    prepare(&options.url)?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (next, done, refused) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let began = Instant::now();
    std::thread::scope(|scope| -> Result<(), String> {
        let work = || write(options, folder.path(), (&next, &done, &refused));
        let writers: Vec<_> = (0..options.writers).map(|_| scope.spawn(work)).collect();
        let mut told = Instant::now();
        while writers.iter().any(|writer| !writer.is_finished()) {
            std::thread::sleep(Duration::from_millis(50));
            if told.elapsed() > Duration::from_secs(5) {
                told = Instant::now();
                tell(done.load(Ordering::Relaxed), began);
            }
        }
        writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| "a writer panicked".to_owned())?)
    })?;
    tell(done.load(Ordering::Relaxed), began);
    match refused.into_inner() {
        0 => Ok(()),
        count => Err(format!("{count} traces were not written")),
    }
}

fn tell(done: u64, began: Instant) {
    println!("{done:>9} traces  {:>7.0} traces/s", done as f64 / began.elapsed().as_secs_f64());
}

/// Makes the schema, and registers the prompts that calls are made with.
fn prepare(url: &DatabaseUrl) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let mut store = SqlStore::open(url).await.map_err(|error| error.to_string())?;
        store.migrate().await.map_err(|error| error.to_string())?;
        store.close().await;
        let registry = Registry::open(url, None).await.map_err(|error| error.to_string())?;
        for (prompt, version) in PROMPTS.iter().flat_map(|prompt| (1..=VERSIONS).map(move |version| (prompt, version)))
        {
            let registered = registry.register(prompt, NewVersion::new(template(prompt, version))).await;
            registered.map_err(|error| error.to_string())?;
        }
        registry.close().await;
        Ok(())
    })
}

/// Takes batch after batch until all are taken.
fn write(
    options: &Options,
    folder: &std::path::Path,
    (next, done, refused): (&AtomicU64, &AtomicU64, &AtomicU64),
) -> Result<(), String> {
    let mut rows = RowsOptions::default();
    rows.batch = Some(BATCH as usize);
    rows.patience = Duration::from_secs(60);
    rows.print_flags = false;
    rows.calibration = rows.calibration.filter(|_| options.flags);
    let sink = RowsSink::new(&options.url, folder, rows).map_err(|error| error.to_string())?;
    loop {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        if first >= options.plan.traces {
            return Ok(());
        }
        let batch: Vec<_> = (first..options.plan.traces.min(first + BATCH)).map(|n| options.plan.trace(n)).collect();
        let outcomes = sink.store(&batch);
        for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            if refused.fetch_add(1, Ordering::Relaxed) == 0 {
                eprintln!("load: {error}");
            }
        }
        done.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }
}
