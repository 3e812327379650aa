//! What a server takes from the writer, beside what it takes of the same rows from binary `COPY` and from inserts by hand.
//!
//! Comes in: `[--traces N] [--rounds N] [--connections N] [--batch N] [--shape whole|run]` and a Postgres server in
//! `WHYTRACE_TEST_DATABASE_URL`. Goes out: some lines for each round, and the medians of all. In each round the writer writes traces into a
//! fresh database; their rows are read from there, and written into two more by `COPY` and by inserts, over as many connections. Reading them is not timed, nor is making the traces; what the writer does to turn a
//! document into rows is. On one machine that takes time from the server: so the CPU time of both sides is told apart.

// A benchmark's output is its text.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod cpu;
#[path = "../load/generate.rs"]
mod generate;
mod rows;

use cpu::Server;
use generate::Plan;
use lexopt::prelude::*;
use rows::{Rows, execute};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use trace_core::model::Timestamp;
use trace_core::sink::{FinishedTrace, Sink};
use whytrace::sql::{DatabaseUrl, RowsOptions, RowsSink, SqlStore};

struct Options {
    traces: u64,
    rounds: u64,
    connections: usize,
    /// Traces in one transaction, if not as many as usual.
    batch: Option<usize>,
    shapes: Vec<Shape>,
    server: String,
}

/// What is kept of each trace.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// Everything: some thirty rows a trace.
    Whole,
    /// What sampling leaves: the row of the run, and its executions.
    Run,
}

impl std::str::FromStr for Shape {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "whole" => Ok(Self::Whole),
            "run" => Ok(Self::Run),
            other => Err(format!("`{other}` is no shape: `whole` or `run`")),
        }
    }
}

impl Options {
    fn from_args() -> Result<Self, String> {
        let server =
            std::env::var("WHYTRACE_TEST_DATABASE_URL").map_err(|_| "WHYTRACE_TEST_DATABASE_URL is not set")?;
        let shapes = vec![Shape::Whole, Shape::Run];
        let mut options = Self { traces: 4_000, rounds: 3, connections: 2, batch: None, shapes, server };
        let mut parser = lexopt::Parser::from_env();
        let mut parse = || -> Result<(), lexopt::Error> {
            while let Some(arg) = parser.next()? {
                match arg {
                    Long("traces") => options.traces = parser.value()?.parse()?,
                    Long("rounds") => options.rounds = parser.value()?.parse()?,
                    Long("connections") => options.connections = parser.value()?.parse::<usize>()?.max(1),
                    Long("batch") => options.batch = Some(parser.value()?.parse()?),
                    Long("shape") => options.shapes = vec![parser.value()?.parse()?],
                    Long("bench") => {} // cargo says this
                    other => return Err(other.unexpected()),
                }
            }
            Ok(())
        };
        parse().map_err(|error| error.to_string())?;
        Ok(options)
    }
}

fn main() -> ExitCode {
    match Options::from_args().and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("ingest: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    for shape in &options.shapes {
        let rounds: Result<Vec<Ratios>, String> =
            (0..options.rounds).map(|round| measure(options, *shape, round)).collect();
        let rounds = rounds?;
        println!("{shape:?}, median of {}: {}", rounds.len(), Ratios::median(&rounds));
    }
    Ok(())
}

/// How fast the writer was, beside the other ways.
#[derive(Clone, Copy, Debug)]
struct Ratios {
    of_copy: f64,
    by_hand: f64,
    /// In the CPU time of the server, where it is on this machine.
    of_copy_on_server: Option<f64>,
}

impl Ratios {
    fn median(rounds: &[Self]) -> Self {
        let of = |figure: &dyn Fn(&Self) -> Option<f64>| {
            let mut figures: Vec<f64> = rounds.iter().filter_map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied()
        };
        Self {
            of_copy: of(&|ratios| Some(ratios.of_copy)).unwrap_or(f64::NAN),
            by_hand: of(&|ratios| Some(ratios.by_hand)).unwrap_or(f64::NAN),
            of_copy_on_server: of(&|ratios| ratios.of_copy_on_server),
        }
    }
}

impl std::fmt::Display for Ratios {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2} of COPY, {:.2} of inserts by hand", self.of_copy, self.by_hand)?;
        self.of_copy_on_server.map_or(Ok(()), |ratio| write!(f, "; in the server's time {ratio:.2} of COPY"))
    }
}

fn measure(options: &Options, shape: Shape, round: u64) -> Result<Ratios, String> {
    let plan = Plan { seed: round, traces: options.traces, days: 7, until: Timestamp::now() };
    let keep = |trace: FinishedTrace| FinishedTrace { sampled: matches!(shape, Shape::Whole), ..trace };
    let traces: Vec<FinishedTrace> = (0..options.traces).map(|n| keep(plan.trace(n))).collect();

    let written = Fresh::new(options, "writer")?;
    let server = Server::of(&options.server)?;
    let timed = |work: &dyn Fn() -> Result<(), String>| Cost::of(&server, work);
    let by_writer = timed(&|| by_writer(&written.url, &traces, options))?;
    let rows = Rows::read(&written.url, options.connections)?;
    let copied = Fresh::new(options, "copy")?;
    let by_copy = timed(&|| rows.copy(&copied.url))?;
    let inserted = Fresh::new(options, "hand")?;
    let by_hand = timed(&|| rows.insert(&inserted.url))?;

    let count = rows.count();
    println!("{shape:?} {round}: {count} rows of {} traces in {:.2} s", traces.len(), by_writer.seconds);
    for (way, cost) in [("writer", &by_writer), ("COPY", &by_copy), ("inserts by hand", &by_hand)] {
        println!("    {way:<16} {:>7.0} rows/s | {}", count as f64 / cost.seconds, cost.cpu(count));
    }
    let ratios = Ratios {
        of_copy: by_copy.seconds / by_writer.seconds,
        by_hand: by_hand.seconds / by_writer.seconds,
        of_copy_on_server: by_copy.server.zip(by_writer.server).map(|(copy, writer)| copy / writer),
    };
    println!("    writer: {ratios}");
    Ok(ratios)
}

/// What a way of writing took.
struct Cost {
    seconds: f64,
    /// CPU seconds of this process.
    own: f64,
    /// CPU seconds of the server, where it is on this machine.
    server: Option<f64>,
}

impl Cost {
    fn of(server: &Server, work: &dyn Fn() -> Result<(), String>) -> Result<Self, String> {
        let (began, own, used) = (Instant::now(), cpu::own_time(), server.cpu_time());
        work()?;
        let used = used.zip(server.cpu_time()).map(|(before, after)| after.saturating_sub(before).as_secs_f64());
        Ok(Self { seconds: began.elapsed().as_secs_f64(), own: (cpu::own_time() - own).as_secs_f64(), server: used })
    }

    /// CPU time for each row.
    fn cpu(&self, rows: usize) -> String {
        let micros = |seconds: f64| seconds * 1e6 / rows as f64;
        let server = self.server.map_or_else(|| "-".to_owned(), |server| format!("{:.1}", micros(server)));
        format!("CPU {:.1} µs a row, server {server} µs a row", micros(self.own))
    }
}

fn by_writer(url: &str, traces: &[FinishedTrace], bench: &Options) -> Result<(), String> {
    let url: DatabaseUrl = url.parse().map_err(|error| format!("{error}"))?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut options = RowsOptions::default();
    options.patience = Duration::from_secs(60);
    options.print_flags = false;
    options.batch = bench.batch;
    let store = |part: &[FinishedTrace]| -> Result<(), String> {
        let sink = RowsSink::new(&url, folder.path(), options).map_err(|error| error.to_string())?;
        for batch in part.chunks(sink.batch()) {
            sink.store(batch)
                .into_iter()
                .try_for_each(|stored| stored.map(|_| ()))
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let parts = traces.chunks(traces.len().div_ceil(bench.connections).max(1));
        let writers: Vec<_> = parts.map(|part| scope.spawn(|| store(part))).collect();
        writers.into_iter().try_for_each(|writer| writer.join().map_err(|_| "a writer panicked".to_owned())?)
    })
}

/// A database of its own with the schema in it; gone when dropped.
struct Fresh {
    server: String,
    name: String,
    url: String,
}

impl Fresh {
    fn new(options: &Options, way: &str) -> Result<Self, String> {
        let server = options.server.clone();
        let (place, _) = server.rsplit_once('/').ok_or("WHYTRACE_TEST_DATABASE_URL names no database")?;
        let name = format!("whytrace_ingest_{way}_{}", std::process::id());
        let url = format!("{place}/{name}");
        execute(&server, &format!("CREATE DATABASE {name}"))?;
        let fresh = Self { name, url, server };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        runtime.block_on(async {
            let url = fresh.url.parse().map_err(|error| format!("{error}"))?;
            let mut store = SqlStore::open(&url).await.map_err(|error| error.to_string())?;
            store.migrate().await.map_err(|error| error.to_string())?;
            store.close().await;
            Ok(fresh)
        })
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Err(error) = execute(&self.server, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)) {
            eprintln!("ingest: {error}");
        }
    }
}
