//! What a recorded call costs its caller, beside the same work with the peers.
//!
//! Comes in: options, see [`options`]. Goes out: the cost of each case, then one table of budgets, and the same table as JSON
//! in `target/hot_path.json`. `docs/performance.md` says what each row means.

// A benchmark's output is its text.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod batch;
mod budgets;
mod cases;
mod future_size;
mod lost;
mod options;
mod report;
mod rounds;
mod work;

use options::Options;
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = Options::from_args().and_then(|options| run(&options));
    if let Err(message) = &result {
        eprintln!("hot_path: {message}");
    }
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(options: &Options) -> Result<(), String> {
    if options.list {
        for case in cases::BARE.iter().chain(cases::RECORDING) {
            println!("{}", case.name);
        }
        return Ok(());
    }
    let measured = rounds::measure_all(options);
    report::print_costs(&measured);
    let mut rows = budgets::of_times(&measured);
    // What follows belongs to no case, so a filter leaves it out.
    if options.filter.is_none() {
        rows.extend(future_size::budgets());
        rows.extend(lost::budgets(options.records)?);
    }
    report::print_budgets(&rows);
    if options.filter.is_none() {
        println!("\nwritten to {}", report::write_json(&rows)?.display());
    } else if measured.is_empty() {
        return Err("no case has this in its name; --list prints all names".to_owned());
    }
    Ok(())
}
