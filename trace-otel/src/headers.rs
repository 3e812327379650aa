//! W3C trace context in the headers of HTTP.
//!
//! Comes in: headers of a request that arrived. Goes out: a run that continues its trace; and the other way round, headers for the
//! requests that a run makes. Everything that arrives is untrusted: what is malformed counts as absent.

use http::{HeaderMap, HeaderName, HeaderValue};
use trace_core::context::{Ctx, RemoteParent, parse_traceparent};
use trace_core::record::Run;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Puts `traceparent`, `tracestate` and `baggage` of the current trace into the headers of a request; without a trace they stay as they are.
///
/// ```
/// let mut headers = http::HeaderMap::new();
/// trace_otel::inject(&mut headers);
/// assert!(headers.is_empty(), "no trace is recorded here");
/// ```
pub fn inject(headers: &mut HeaderMap) {
    inject_from(&Ctx::current(), headers);
}

/// The same for a place that is not the current one.
pub fn inject_from(place: &Ctx, headers: &mut HeaderMap) {
    let Some(traceparent) = place.traceparent().filter(|_| place.is_recording()) else { return };
    let headers_of_trace =
        [(TRACEPARENT, Some(traceparent)), (TRACESTATE, place.tracestate()), (BAGGAGE, place.baggage())];
    for (name, value) in headers_of_trace {
        if let Some(Ok(value)) = value.as_deref().map(HeaderValue::from_str) {
            headers.insert(name, value);
        }
    }
}

/// The parent that headers name; `None` without a well-formed `traceparent`.
#[must_use]
pub fn extract(headers: &HeaderMap) -> Option<RemoteParent> {
    let traceparent = headers.get(TRACEPARENT)?.to_str().ok()?;
    parse_traceparent(traceparent, joined(headers, &TRACESTATE).as_deref()).ok()
}

/// A run that continues the trace that headers name, passes on what they ask it to, and takes session and user from their baggage where it
/// names none itself.
///
/// ```
/// use trace_core::record::Run;
/// let mut headers = http::HeaderMap::new();
/// headers.insert("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap());
/// let run = trace_otel::continue_run(Run::new("search"), &headers);
/// ```
#[must_use]
pub fn continue_run(mut run: Run, headers: &HeaderMap) -> Run {
    if extract(headers).is_some()
        && let Some(Ok(traceparent)) = headers.get(TRACEPARENT).map(HeaderValue::to_str)
    {
        run = run.traceparent(traceparent);
        if let Some(tracestate) = joined(headers, &TRACESTATE) {
            run = run.tracestate(&tracestate);
        }
    }
    match joined(headers, &BAGGAGE) {
        Some(baggage) => run.baggage(&baggage),
        None => run,
    }
}

/// A header that may come in several lines.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trace_core::record::TraceContext;
    use trace_core::testing;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn what_arrives_is_continued_and_passed_on() {
        let arrived = headers(&[
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
            ("tracestate", "whytrace=trc_20260213_143022_a1b2c3d4e5f60718"),
            ("tracestate", "vendor=1"),
            ("baggage", "session.id=conv-7,user.id=u-42"),
        ]);
        let mut sent = HeaderMap::new();
        let captured = testing::capture(|| {
            let trace = TraceContext::start(continue_run(Run::new("server"), &arrived));
            trace.scope(|| inject(&mut sent));
            trace.mark_complete();
        });
        let trace = captured.trace();
        assert_eq!(trace.otel_trace_id.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(trace.parent_span_id.as_deref(), Some("00f067aa0ba902b7"));
        assert_eq!(trace.parent_trace_id.as_deref(), Some("trc_20260213_143022_a1b2c3d4e5f60718"));
        assert_eq!((trace.session_id.as_str(), trace.user_id.as_deref()), ("conv-7", Some("u-42")));
        assert_eq!(sent["tracestate"], format!("whytrace={},vendor=1", trace.trace_id));
        assert_eq!(sent["baggage"], "session.id=conv-7,user.id=u-42");
        let root = trace.metadata.root_span_id.as_deref().unwrap();
        assert_eq!(sent["traceparent"], format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{root}-01"));
    }

    #[test]
    fn malformed_headers_count_as_absent() {
        for value in ["", "00-x-y-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01"] {
            let arrived = headers(&[("traceparent", value), ("tracestate", "whytrace=trc_1")]);
            assert_eq!(extract(&arrived), None);
            let captured = testing::capture(|| {
                TraceContext::start(continue_run(Run::new("server"), &arrived)).mark_complete();
            });
            let trace = captured.trace();
            assert_eq!((&trace.parent_span_id, &trace.parent_trace_id), (&None, &None), "{value}");
            assert!(trace.warnings.is_empty());
        }
    }
}
