//! One request and what becomes of every span in it.
//!
//! Backends refuse a request as a whole when one span of it is not acceptable. So what is refused is halved until the span that is to blame
//! stands alone; it is set aside with the backend's reason, and all others arrive.

use super::answer::Answer;
use super::transport::Transport;
use crate::convert::OtlpRequest;
use crate::convert::ids::to_hex;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::time::Duration;

/// A span that the backend will not take.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RefusedSpan {
    /// The W3C id of its trace, 32 hex digits.
    pub trace_id: String,
    /// Its own id, 16 hex digits.
    pub span_id: String,
    /// Its name.
    pub name: String,
    /// The backend's words.
    pub reason: String,
    /// The span as OTLP/JSON.
    pub span: serde_json::Value,
}

impl RefusedSpan {
    fn new(span: &Span, reason: &str) -> Self {
        Self {
            trace_id: to_hex(&span.trace_id),
            span_id: to_hex(&span.span_id),
            name: span.name.clone(),
            reason: reason.to_owned(),
            span: serde_json::to_value(span).unwrap_or_default(),
        }
    }
}

/// What became of a request.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Spans that the backend took.
    pub(crate) delivered: u64,
    /// Spans that the backend took no notice of, by its own word, and what it said.
    pub(crate) left_out: u64,
    pub(crate) words: Vec<String>,
    pub(crate) refused: Vec<RefusedSpan>,
    /// What is still to be sent, and why it was not.
    pub(crate) rest: Option<(OtlpRequest, Stop)>,
}

/// Why sending stopped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stop {
    /// The backend is away or busy.
    Later(String, Option<Duration>),
    /// It broke over this very request, or is broken as a whole.
    Broken(String),
    /// It does not let this program in.
    Denied(String),
}

impl Stop {
    pub(crate) fn reason(&self) -> &str {
        let (Self::Later(reason, _) | Self::Broken(reason) | Self::Denied(reason)) = self;
        reason
    }
}

/// Spans refused one by one, without any being taken, after which the others are not tried: then it is not about single spans.
const HOPELESS: usize = 16;

/// Sends a request, in halves where it is refused. `broken_is_refused` treats a backend that breaks over a request like one that refuses it.
pub(crate) fn deliver(transport: &mut dyn Transport, request: OtlpRequest, broken_is_refused: bool) -> Delivery {
    let mut delivery = Delivery::default();
    let mut waiting = vec![request];
    while let Some(part) = waiting.pop() {
        let count = part.span_count();
        if count == 0 {
            continue;
        }
        let (reason, stop) = match transport.send(&part) {
            Answer::Accepted { left_out, message } => {
                delivery.accept(count as u64, left_out, message);
                continue;
            }
            Answer::Refused(reason) => (reason, None),
            Answer::Broken(reason) if broken_is_refused => (reason, None),
            Answer::Broken(reason) => (String::new(), Some(Stop::Broken(reason))),
            Answer::Later(reason, after) => (String::new(), Some(Stop::Later(reason, after))),
            Answer::Denied(reason) => (String::new(), Some(Stop::Denied(reason))),
        };
        if let Some(stop) = stop {
            let mut rest = part;
            waiting.into_iter().rev().for_each(|part| rest.append(part));
            delivery.rest = Some((rest, stop));
            break;
        }
        let hopeless = delivery.delivered == 0 && delivery.refused.len() >= HOPELESS;
        if count == 1 || hopeless {
            delivery.refused.extend(part.spans().map(|span| RefusedSpan::new(span, &reason)));
        } else {
            let (first, second) = part.halves();
            waiting.extend([second, first]);
        }
    }
    delivery
}

impl Delivery {
    fn accept(&mut self, count: u64, left_out: u64, message: String) {
        let left_out = left_out.min(count);
        self.delivered += count - left_out;
        self.left_out += left_out;
        if !message.is_empty() && !self.words.contains(&message) {
            self.words.push(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConvertOptions, convert};
    use trace_core::model::Trace;

    /// A backend that judges each request.
    struct Judge<F>(F, Vec<usize>);

    impl<F: FnMut(&OtlpRequest) -> Answer + Send> Transport for Judge<F> {
        fn send(&mut self, request: &OtlpRequest) -> Answer {
            self.1.push(request.span_count());
            (self.0)(request)
        }
    }

    fn accepted() -> Answer {
        Answer::Accepted { left_out: 0, message: String::new() }
    }

    fn request(count: usize) -> OtlpRequest {
        let trace = |n: usize| Trace {
            trace_id: format!("trc_{n}"),
            project_name: if n.is_multiple_of(2) { "a".to_owned() } else { format!("{n}") },
            ..Trace::default()
        };
        convert(&(0..count).map(trace).collect::<Vec<_>>(), &ConvertOptions::new(crate::Profiles::NONE))
    }

    #[test]
    fn one_bad_span_costs_only_itself() {
        let bad = |request: &OtlpRequest| {
            if request.spans().any(|span| span.name == "13") { Answer::Refused("no".to_owned()) } else { accepted() }
        };
        let mut judge = Judge(bad, Vec::new());
        let delivery = deliver(&mut judge, request(100), false);
        assert_eq!((delivery.delivered, delivery.refused.len()), (99, 1));
        assert_eq!((delivery.refused[0].name.as_str(), delivery.refused[0].reason.as_str()), ("13", "no"));
        assert!(judge.1.len() <= 15, "found in {} requests", judge.1.len());
    }

    #[test]
    fn a_backend_that_refuses_everything_is_not_asked_for_every_span() {
        let mut judge = Judge(|_: &OtlpRequest| Answer::Refused("no".to_owned()), Vec::new());
        let delivery = deliver(&mut judge, request(1000), false);
        assert_eq!((delivery.delivered, delivery.refused.len()), (0, 1000));
        assert!(judge.1.len() < 60, "{} requests", judge.1.len());
    }

    #[test]
    fn what_is_too_large_is_sent_in_parts() {
        let small = |request: &OtlpRequest| {
            if request.span_count() > 7 { Answer::Refused("413".to_owned()) } else { accepted() }
        };
        let delivery = deliver(&mut Judge(small, Vec::new()), request(50), false);
        assert_eq!((delivery.delivered, delivery.refused.len(), delivery.rest.is_none()), (50, 0, true));
    }

    #[test]
    fn what_was_not_sent_is_given_back_whole() {
        let mut calls = 0;
        let busy = |request: &OtlpRequest| {
            calls += 1;
            match calls {
                1 => Answer::Refused("too large".to_owned()),
                2 => accepted(),
                _ => Answer::Later(format!("busy with {}", request.span_count()), None),
            }
        };
        let delivery = deliver(&mut Judge(busy, Vec::new()), request(10), false);
        let (rest, stop) = delivery.rest.unwrap();
        assert_eq!((delivery.delivered, rest.span_count(), stop.reason()), (5, 5, "busy with 5"));
    }

    #[test]
    fn what_the_backend_left_out_is_not_counted_as_delivered() {
        let partly = |_: &OtlpRequest| Answer::Accepted { left_out: 3, message: "three were too old".to_owned() };
        let delivery = deliver(&mut Judge(partly, Vec::new()), request(10), false);
        assert_eq!((delivery.delivered, delivery.left_out), (7, 3));
        assert_eq!(delivery.words, ["three were too old"]);
    }
}
