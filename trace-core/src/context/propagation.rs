/// The parent of a trace in another process, from W3C headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteParent {
    /// The 128-bit trace id, 32 lower-case hex digits; the new trace takes it over.
    pub otel_trace_id: String,
    /// The span that made the call, 16 lower-case hex digits.
    pub span_id: String,
    /// The parent's own trace id (`trc_…`), where `tracestate` carries it.
    pub trace_id: Option<String>,
}

/// A header that is no `traceparent`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no W3C traceparent: expected 00-<32 hex digits>-<16 hex digits>-<2 hex digits>, ids not all zero")]
pub struct TraceparentError(String);

/// Reads `traceparent` and `tracestate` as [W3C Trace Context](https://www.w3.org/TR/trace-context/) defines them.
///
/// # Errors
/// When the header is not of that form. A `tracestate` without an entry of ours is no error.
///
/// ```
/// let parent = trace_core::context::parse_traceparent(
///     "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
///     Some("vendor=1,whytrace=trc_20260213_143022_a1b2c3d4e5f60718"),
/// ).unwrap();
/// assert_eq!(parent.span_id, "00f067aa0ba902b7");
/// assert_eq!(parent.trace_id.as_deref(), Some("trc_20260213_143022_a1b2c3d4e5f60718"));
/// ```
pub fn parse_traceparent(traceparent: &str, tracestate: Option<&str>) -> Result<RemoteParent, TraceparentError> {
    let error = || TraceparentError(traceparent.chars().take(80).collect());
    let mut parts = traceparent.trim().split('-');
    let mut part = || parts.next().ok_or_else(error);
    let (version, trace, span, flags) = (part()?, part()?, part()?, part()?);
    let hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let nonzero = |text: &str| text.bytes().any(|b| b != b'0');
    // Version 00 has exactly four parts; a later one may have more.
    let well_formed =
        hex(version, 2) && version != "ff" && hex(flags, 2) && (version != "00" || parts.next().is_none());
    if !(well_formed && hex(trace, 32) && hex(span, 16) && nonzero(trace) && nonzero(span)) {
        return Err(error());
    }
    let trace_id = tracestate.and_then(|state| {
        state.split(',').find_map(|entry| entry.trim().strip_prefix("whytrace=")).and_then(|id| {
            let plausible = id.starts_with("trc_") && id.len() <= 64;
            (plausible && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then(|| id.to_owned())
        })
    });
    Ok(RemoteParent { otel_trace_id: trace.to_owned(), span_id: span.to_owned(), trace_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn malformed_headers_are_refused() {
        for header in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert!(parse_traceparent(header, None).is_err(), "{header}");
        }
    }

    #[test]
    fn a_later_version_may_have_more_parts() {
        assert!(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", None).is_ok());
    }

    #[test]
    fn a_hostile_tracestate_gives_no_parent() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for state in ["whytrace=trc_../../etc/passwd", "whytrace=", "whytrace=trc_\u{0}", "x"] {
            assert_eq!(parse_traceparent(header, Some(state)).unwrap().trace_id, None);
        }
    }
}
