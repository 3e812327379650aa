//! Interleaved rounds: each case once per round, so that a slow moment of the machine meets all of them alike.
//!
//! Comes in: cases. Goes out: the median of each over all rounds.

use crate::batch::{Case, Sample};
use crate::cases::{BARE, RECORDING, set_up_recording};
use crate::options::Options;
use crate::work;
use std::time::Duration;

/// What a case costs.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    /// Nanoseconds of a call.
    pub(crate) ns: f64,
    /// Nanoseconds of a call, with its share of the trace or root span around the batch.
    pub(crate) whole_ns: f64,
}

/// Measures what the options ask for: first the cases that need a process without peers, then the others.
pub(crate) fn measure_all(options: &Options) -> Vec<Measured> {
    work::whytrace::set_up();
    let mut measured = measure(&chosen(BARE, options), options.rounds);
    let recording = chosen(RECORDING, options);
    if !recording.is_empty() {
        set_up_recording();
        measured.extend(measure(&recording, options.rounds));
    }
    measured
}

fn chosen(cases: &'static [Case], options: &Options) -> Vec<&'static Case> {
    let Some(filter) = &options.filter else { return cases.iter().collect() };
    let exact = BARE.iter().chain(RECORDING).any(|case| case.name == filter);
    cases.iter().filter(|case| if exact { case.name == filter } else { case.name.contains(filter) }).collect()
}

fn measure(cases: &[&'static Case], rounds: usize) -> Vec<Measured> {
    let mut samples: Vec<Vec<Sample>> = cases.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for case in cases {
        case.run(); // warms caches, registers call sites, starts threads
    }
    for round in 0..rounds {
        // Each round begins with another case: nobody is always measured after the same neighbour's mess.
        for n in 0..cases.len() {
            let n = (n + round) % cases.len();
            samples[n].push(cases[n].run());
        }
    }
    cases.iter().zip(samples).map(|(case, samples)| summary(case, &samples)).collect()
}

fn summary(case: &Case, samples: &[Sample]) -> Measured {
    Measured {
        name: case.name,
        ns: median_ns(samples.iter().map(|sample| sample.calls), case.calls),
        whole_ns: median_ns(samples.iter().map(|sample| sample.whole), case.calls),
    }
}

/// The median, per call, in nanoseconds; NaN of nothing.
fn median_ns(times: impl Iterator<Item = Duration>, calls: u64) -> f64 {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |median| median.as_secs_f64() * 1e9 / calls as f64)
}
