//! What a backend says to a request, as far as it matters for what happens next.

use std::time::Duration;

/// A backend's answer, or the lack of one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// The spans are taken, but for so many that the backend itself left out.
    Accepted { left_out: u64, message: String },
    /// Something in this request is not acceptable; a part of it may be.
    Refused(String),
    /// The backend is away or busy: the same request may be taken later, not before the time it asked for.
    Later(String, Option<Duration>),
    /// The backend failed while it worked on this: all of it may be broken, or this request breaks it.
    Broken(String),
    /// This program may not send there, or there is nothing that takes traces: a person has to look.
    Denied(String),
}

impl Answer {
    /// What a status of HTTP means, by the rules of OTLP; those leave 500 open.
    pub(crate) fn of_status(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let reason = described(status, body);
        match status {
            200..=299 => Self::Accepted { left_out: 0, message: String::new() },
            429 | 502 | 503 | 504 | 408 => Self::Later(reason, retry_after),
            500..=599 => Self::Broken(reason),
            400 | 413 | 415 | 422 => Self::Refused(reason),
            _ => Self::Denied(reason),
        }
    }
}

/// `422 Unprocessable Entity: the server's own words`, cut to what fits a message.
fn described(status: u16, body: &[u8]) -> String {
    const WORDS: usize = 300;
    let text = String::from_utf8_lossy(body);
    let visible = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let words: String = visible.take(WORDS).collect();
    match words.trim() {
        "" => format!("status {status}"),
        words => format!("status {status}: {words}"),
    }
}

/// How long to wait between two tries: doubled each time, never less than the backend asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(500);
    const LONGEST: Duration = Duration::from_secs(60);
    /// A backend that asks for more is asked again before.
    const PATIENCE: Duration = Duration::from_secs(600);

    pub(crate) const fn new() -> Self {
        Self { next: Self::FIRST }
    }

    /// The next wait. Its last quarter depends on the moment, so that programs that were turned away together do not come back together.
    pub(crate) fn wait(&mut self, asked: Option<Duration>) -> Duration {
        let moment = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().subsec_nanos() % 1000;
        let wait = self.next.mul_f64(0.75 + f64::from(moment) / 4000.0);
        self.next = (self.next * 2).min(Self::LONGEST);
        wait.max(asked.unwrap_or_default().min(Self::PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_mean_what_otlp_says() {
        let of = |status| Answer::of_status(status, Some(Duration::from_secs(7)), b"no\n");
        for status in [400, 413, 422] {
            assert_eq!(of(status), Answer::Refused(format!("status {status}: no")));
        }
        for status in [429, 502, 503, 504] {
            assert!(matches!(of(status), Answer::Later(_, Some(asked)) if asked.as_secs() == 7));
        }
        assert!(matches!(of(500), Answer::Broken(_)));
        for status in [301, 401, 403, 404] {
            assert!(matches!(of(status), Answer::Denied(_)));
        }
        assert!(matches!(of(202), Answer::Accepted { .. }));
    }

    #[test]
    fn waits_grow_to_a_limit_and_heed_the_backend() {
        let mut backoff = Backoff::new();
        let waits: Vec<Duration> = (0..12).map(|_| backoff.wait(None)).collect();
        assert!(
            waits[0] < Duration::from_millis(501)
                && waits[11] > Duration::from_secs(44)
                && waits[11] <= Backoff::LONGEST
        );
        assert_eq!(Backoff::new().wait(Some(Duration::from_secs(9))), Duration::from_secs(9));
        assert_eq!(Backoff::new().wait(Some(Duration::MAX)), Backoff::PATIENCE);
    }
}
