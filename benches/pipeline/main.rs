//! What whole traces cost on their way to disk and database.
//!
//! Comes in: `[--quick] [NAME]`, and a Postgres server in `WHYTRACE_TEST_DATABASE_URL`, if there is one. Goes out: tables. Each case runs
//! in a child process of its own, so that its peak of memory is its own. `docs/performance.md` says what each row means.

// A benchmark's output is its text.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod disk;
mod large;
mod open;
mod outcome;
mod process;
mod slow_disk;
mod store;
mod throughput;
mod workload;

use outcome::Outcome;
use std::process::ExitCode;

/// One case: a name, and what a child process does for it; `true` when it shall be quick.
struct Case {
    name: &'static str,
    run: fn(quick: bool) -> Result<Outcome, String>,
}

const CASES: &[Case] = &[
    Case { name: "nothing, 1 producer", run: |quick| throughput::measure(&[], 1, quick) },
    Case { name: "nothing, 2 producers", run: |quick| throughput::measure(&[], 2, quick) },
    Case { name: "document, 1 producer", run: |quick| throughput::measure(&[store::Kept::Document], 1, quick) },
    Case { name: "document, 2 producers", run: |quick| throughput::measure(&[store::Kept::Document], 2, quick) },
    Case {
        name: "document + SQLite, 1 producer",
        run: |quick| throughput::measure(&[store::Kept::Document, store::Kept::Sqlite], 1, quick),
    },
    Case {
        name: "document + SQLite, 2 producers",
        run: |quick| throughput::measure(&[store::Kept::Document, store::Kept::Sqlite], 2, quick),
    },
    Case { name: "SQLite alone, 1 producer", run: |quick| throughput::measure(&[store::Kept::Sqlite], 1, quick) },
    Case {
        name: "document + Postgres, 1 producer",
        run: |quick| throughput::measure(&[store::Kept::Document, store::Kept::Postgres], 1, quick),
    },
    Case {
        name: "document + Postgres, 2 producers",
        run: |quick| throughput::measure(&[store::Kept::Document, store::Kept::Postgres], 2, quick),
    },
    Case { name: "the disk: 4 writers, write + fdatasync", run: disk::measure },
    Case { name: "3,000 observations in one trace", run: |_| large::measure(3_000) },
    Case { name: "30,000 observations in one trace", run: |_| large::measure(30_000) },
    Case { name: "10,000 open traces, database away", run: open::measure },
    Case { name: "slow disk, default max_wait", run: slow_disk::with_default_wait },
    Case { name: "slow disk, unlimited max_wait", run: slow_disk::with_unlimited_wait },
];

fn main() -> ExitCode {
    let result = process::Options::from_args().and_then(|options| run(&options));
    if let Err(message) = &result {
        eprintln!("pipeline: {message}");
    }
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(options: &process::Options) -> Result<(), String> {
    if let Some(name) = &options.child {
        let case = CASES.iter().find(|case| case.name == name).ok_or("no such case")?;
        let outcome = (case.run)(options.quick)?;
        println!("{}", outcome.with_peak_memory()?.to_line());
        return Ok(());
    }
    let chosen = |case: &&Case| options.filter.as_ref().is_none_or(|filter| case.name.contains(filter));
    for case in CASES.iter().filter(chosen) {
        if case.name.contains("Postgres") && store::postgres_url().is_none() {
            println!("{:40} not measured: WHYTRACE_TEST_DATABASE_URL is not set", case.name);
            continue;
        }
        println!("{:40} {}", case.name, process::in_child(case.name, options.quick)?);
    }
    Ok(())
}
