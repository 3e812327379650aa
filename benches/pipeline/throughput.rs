//! How many whole traces a second reach where they are kept, and what they cost their caller.

use crate::outcome::Outcome;
use crate::process::cpu_time;
use crate::store::{self, Kept};
use crate::workload::pipeline;
use std::thread;
use std::time::{Duration, Instant};
use trace_core::Tracer;
use whytrace::{Run, TraceContext};

/// Makes traces as fast as it can, and waits until all are kept. Unlimited `max_wait`: the rate of those who wait for their disk.
pub(crate) fn measure(kept: &[Kept], producers: u64, quick: bool) -> Result<Outcome, String> {
    let traces = if quick { 200 } else { 4_000 };
    let dir = store::folder()?;
    let tracer = store::tracer(kept, dir.path(), None)?;
    // The first trace opens files and databases.
    produce(&tracer, 1);
    store::settle(&tracer)?;
    let (cpu, began) = (cpu_time(), Instant::now());
    let times: Result<Vec<Vec<Duration>>, String> = thread::scope(|scope| {
        let produce = || produce(&tracer, traces / producers);
        let threads: Vec<_> = (0..producers).map(|_| scope.spawn(produce)).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| "a producer panicked".to_owned())).collect()
    });
    let times = times?.concat();
    store::settle(&tracer)?;
    let (wall, cpu) = (began.elapsed(), cpu_time().saturating_sub(cpu));
    let made = times.len() as f64;
    tracer.close(Duration::from_secs(10));
    Ok(Outcome::default()
        .figure("rate", made / wall.as_secs_f64(), "traces/s")
        .figure("CPU", cpu.as_secs_f64() * 1e6 / made, "µs/trace")
        .distribution(times)
        .count("failures", tracer.failures()))
}

/// The time on the caller of each trace.
fn produce(tracer: &Tracer, traces: u64) -> Vec<Duration> {
    (0..traces)
        .map(|n| {
            let began = Instant::now();
            let trace = tracer.scope(|| TraceContext::start(Run::new("bench")));
            trace.scope(|| pipeline(n));
            trace.mark_complete();
            drop(trace);
            began.elapsed()
        })
        .collect()
}
