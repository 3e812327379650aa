//! The work without any instrumentation.

use super::{Numbers, QUERY, SCORE, Worked, YieldOnce, depth, exhaust, work};
use crate::batch::{measured, poll_through};
use std::hint::black_box;
use std::time::Duration;

fn plain(n: u64) -> Worked {
    work(n)
}

async fn plain_async(n: u64) -> Worked {
    work(n)
}

async fn plain_pending(n: u64) -> Worked {
    YieldOnce::default().await;
    work(n)
}

fn plain_fields(query: &str, depth: i64, score: f64) -> Worked {
    black_box((query, score));
    work(depth.unsigned_abs())
}

pub(crate) fn sync(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(plain(black_box(n)))))
}

pub(crate) fn ready(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(poll_through(plain_async(black_box(n))))))
}

pub(crate) fn pending(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(poll_through(plain_pending(black_box(n))))))
}

pub(crate) fn fields(calls: u64) -> Duration {
    measured(calls, |n| drop(black_box(plain_fields(black_box(QUERY), depth(n), black_box(SCORE)))))
}

/// One stream with so many items.
pub(crate) fn stream(items: u64) -> Duration {
    measured(1, |_| exhaust(Numbers::below(black_box(items))))
}

/// A prompt or a response.
pub(crate) fn text() -> &'static str {
    static TEXT: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| "a word and ".repeat(3000)[..32 << 10].to_owned());
    &TEXT
}

/// Copies prompt and response, and keeps the copies until the batch is over: as long as a recorder does.
pub(crate) fn copy_and_keep(calls: u64) -> Duration {
    let (prompt, response) = (text(), text());
    let mut kept = Vec::with_capacity(usize::try_from(calls).unwrap_or(0));
    let time = measured(calls, |_| kept.push((black_box(prompt).to_owned(), black_box(response).to_owned())));
    black_box(kept);
    time
}

/// Copies prompt and response, and drops the copies at once.
pub(crate) fn copy_and_drop(calls: u64) -> Duration {
    let (prompt, response) = (text(), text());
    measured(calls, |_| drop(black_box((black_box(prompt).to_owned(), black_box(response).to_owned()))))
}
