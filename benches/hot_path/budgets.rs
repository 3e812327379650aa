//! What the cases may cost, and whether they do.
//!
//! Comes in: what was measured. Goes out: a row for each budget both of whose sides were measured.

use crate::rounds::Measured;

/// A budget and what came of it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) case: String,
    /// Nanoseconds of a call or record; `None` where no time is measured.
    pub(crate) ns: Option<f64>,
    /// What it is compared with.
    pub(crate) peer: Option<&'static str>,
    pub(crate) peer_ns: Option<f64>,
    /// What the budget limits, unless that is the time itself.
    pub(crate) ratio: Option<f64>,
    pub(crate) budget: String,
    pub(crate) holds: bool,
}

/// What a case is measured against.
enum Limit {
    /// So many times the peer's time.
    Times(f64, &'static str),
    Nanoseconds(f64),
}

use Limit::{Nanoseconds, Times};

const BUDGETS: &[(&str, Limit)] = &[
    ("whytrace off, sync", Times(1.0, "tracing off, sync")),
    ("whytrace off, async", Times(1.0, "tracing off, async")),
    ("whytrace off, three fields", Times(1.0, "tracing off, three fields")),
    ("whytrace off, decision", Times(1.0, "tracing off, decision")),
    ("whytrace elsewhere, sync", Times(1.0, "tracing off, sync")),
    ("whytrace elsewhere, async", Times(1.0, "tracing off, async")),
    ("whytrace, sync", Times(1.1, "fastrace, sync")),
    ("whytrace, async", Times(0.5, "fastrace, async")),
    ("whytrace, sync", Times(0.3, "opentelemetry, sync")),
    ("whytrace, async", Times(0.3, "opentelemetry, async")),
    ("whytrace, three fields", Times(0.5, "fastrace, three fields")),
    ("whytrace, three fields, async", Times(0.5, "fastrace, three fields, async")),
    ("whytrace, three fields", Times(0.1, "tracing + opentelemetry, three fields")),
    ("whytrace, three fields, async", Times(0.1, "tracing + opentelemetry, three fields, async")),
    ("whytrace, decision", Nanoseconds(150.0)),
    ("whytrace, 2 x 32 KiB", Times(2.0, "copy 2 x 32 KiB and keep")),
];

/// The budgets that limit times.
pub(crate) fn of_times(measured: &[Measured]) -> Vec<Row> {
    let ns = |name: &str| measured.iter().find(|measured| measured.name == name).map(|measured| measured.ns);
    BUDGETS.iter().filter_map(|(case, limit)| row(case, limit, ns)).collect()
}

fn row(case: &str, limit: &Limit, ns_of: impl Fn(&str) -> Option<f64>) -> Option<Row> {
    let ns = ns_of(case)?;
    let case = case.to_owned();
    Some(match *limit {
        Times(times, peer) => {
            let peer_ns = ns_of(peer)?;
            let ratio = ns / peer_ns;
            Row {
                case,
                ns: Some(ns),
                peer: Some(peer),
                peer_ns: Some(peer_ns),
                ratio: Some(ratio),
                budget: format!("≤ {times} × peer"),
                holds: ratio <= times,
            }
        }
        Nanoseconds(most) => Row {
            case,
            ns: Some(ns),
            peer: None,
            peer_ns: None,
            ratio: None,
            budget: format!("≤ {most} ns"),
            holds: ns <= most,
        },
    })
}
