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

/// What other programs gave this trace to pass on, beside its parent: entries of other vendors in `tracestate`, and `baggage`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Carried {
    tracestate: Vec<String>,
    baggage: Vec<(String, String)>,
}

/// Members of one header that are passed on, and bytes of one of them: the limits of the W3C, which a receiver may hold us to.
const MEMBERS: usize = 32;
const MEMBER_BYTES: usize = 512;

impl Carried {
    /// Takes the entries of other vendors from a `tracestate` header; what is malformed or beyond the limits is left out.
    pub(crate) fn take_tracestate(&mut self, header: &str) {
        let foreign = |entry: &&str| !entry.starts_with("whytrace=") && is_member(entry);
        // One place is kept for our own entry, which goes first.
        self.tracestate =
            header.split(',').map(str::trim).filter(foreign).take(MEMBERS - 1).map(str::to_owned).collect();
    }

    /// Takes the members of a `baggage` header; what is malformed or beyond the limits is left out.
    pub(crate) fn take_baggage(&mut self, header: &str) {
        let member = |member: &str| {
            let (key, value) = member.split_once('=')?;
            Some((key.trim().to_owned(), value.trim().to_owned()))
        };
        self.baggage = header
            .split(',')
            .map(str::trim)
            .filter(|member| is_member(member))
            .filter_map(member)
            .take(MEMBERS)
            .collect();
    }

    /// The `tracestate` header of calls made by a trace.
    pub(crate) fn tracestate(&self, trace_id: &str) -> String {
        let own = format!("whytrace={trace_id}");
        std::iter::once(own).chain(self.tracestate.iter().cloned()).collect::<Vec<_>>().join(",")
    }

    /// The `baggage` header of calls made by a trace; `None` when there is nothing to pass on.
    pub(crate) fn baggage(&self) -> Option<String> {
        let members: Vec<String> = self.baggage.iter().map(|(key, value)| format!("{key}={value}")).collect();
        (!members.is_empty()).then(|| members.join(","))
    }

    /// A member of the baggage, percent-decoded, without its properties.
    pub(crate) fn baggage_value(&self, key: &str) -> Option<String> {
        let (_, value) = self.baggage.iter().find(|(name, _)| name == key)?;
        let value = value.split(';').next().unwrap_or_default().trim();
        Some(percent_decoded(value)).filter(|value| !value.is_empty())
    }
}

/// Whether this is `key=value` in visible ASCII, as both headers want it.
fn is_member(text: &str) -> bool {
    let visible = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    text.len() <= MEMBER_BYTES
        && text.bytes().all(visible)
        && text.split_once('=').is_some_and(|(key, value)| !key.trim().is_empty() && !value.is_empty())
}

/// Text with its percent-encoded bytes decoded, as W3C baggage and the variables of OpenTelemetry write it. What is no UTF-8 becomes U+FFFD.
///
/// ```
/// assert_eq!(trace_core::context::percent_decoded("Basic%20abc%"), "Basic abc%");
/// ```
#[must_use]
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let coded = match (first, tail) {
            (b'%', [high, low, ..]) => char::from(*high).to_digit(16).zip(char::from(*low).to_digit(16)),
            _ => None,
        };
        match coded.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_others_are_passed_on_behind_our_own() {
        let mut carried = Carried::default();
        carried.take_tracestate("vendor=1, whytrace=trc_old ,bad entry, rojo=00f067aa0ba902b7,é=1");
        assert_eq!(carried.tracestate("trc_new"), "whytrace=trc_new,vendor=1,rojo=00f067aa0ba902b7");
        carried.take_tracestate(&(0..40).map(|n| format!("v{n}=1")).collect::<Vec<_>>().join(","));
        assert_eq!(carried.tracestate("trc_new").split(',').count(), 32);
    }

    #[test]
    fn baggage_is_read_and_passed_on_as_it_came() {
        let mut carried = Carried::default();
        assert_eq!(carried.baggage(), None);
        carried.take_baggage("session.id=s%C3%A9ance%20%zz;ttl=1,user.id = u-7 ,novalue,\r\n=x");
        assert_eq!(carried.baggage().as_deref(), Some("session.id=s%C3%A9ance%20%zz;ttl=1,user.id=u-7"));
        assert_eq!(carried.baggage_value("session.id").as_deref(), Some("séance %zz"));
        assert_eq!(carried.baggage_value("user.id").as_deref(), Some("u-7"));
        assert_eq!(carried.baggage_value("other"), None);
    }

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
