//! How large an instrumented future is, with an argument of 1 KiB that lives over an `await`.

use crate::budgets::Row;
use crate::work::YieldOnce;
use std::hint::black_box;
use whytrace::prelude::*;

type Argument = [u8; 1024];

async fn plain(argument: Argument) {
    YieldOnce::default().await;
    black_box(&argument);
}

#[traced_stage("work")]
async fn ours(argument: Argument) {
    YieldOnce::default().await;
    black_box(&argument);
}

#[tracing::instrument(skip_all)]
async fn with_tracing(argument: Argument) {
    YieldOnce::default().await;
    black_box(&argument);
}

#[fastrace::trace]
async fn with_fastrace(argument: Argument) {
    YieldOnce::default().await;
    black_box(&argument);
}

/// Ours against each; the budget is the plain function.
pub(crate) fn budgets() -> Vec<Row> {
    let ours = size_of_val(&ours([0; 1024]));
    [
        ("plain async fn", size_of_val(&plain([0; 1024]))),
        ("tracing", size_of_val(&with_tracing([0; 1024]))),
        ("fastrace", size_of_val(&with_fastrace([0; 1024]))),
    ]
    .map(|(peer, theirs)| Row {
        case: format!("future, {ours} B against {theirs} B"),
        ns: None,
        peer: Some(peer),
        peer_ns: None,
        ratio: Some(ours as f64 / theirs as f64),
        budget: "≤ 1 × peer".to_owned(),
        holds: ours <= theirs,
    })
    .into()
}
