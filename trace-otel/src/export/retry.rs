//! How long a backend asks to be left alone, in the three ways there are to say it.
//!
//! Comes in: a header of HTTP, or the details of a status of gRPC. Goes out: a time to wait, none for what cannot be read.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use std::time::Duration;

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3), which is past where the two clocks differ.
pub(super) fn after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTimeParser::new().parse_timestamp(header).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// `google.rpc.RetryInfo` among the details of a status, which are a `google.rpc.Status`
/// (<https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>).
#[cfg(feature = "grpc")]
pub(super) fn info(details: &[u8]) -> Option<Duration> {
    use prost::Message;
    let status = wire::Status::decode(details).ok()?;
    let info = status.details.iter().find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = wire::RetryInfo::decode(info.value.as_slice()).ok()?.retry_delay.unwrap_or_default();
    let (seconds, nanos) = (u64::try_from(delay.seconds), u32::try_from(delay.nanos));
    // A negative time is none.
    Some(seconds.ok().zip(nanos.ok()).map_or(Duration::ZERO, |(seconds, nanos)| {
        Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos.into()))
    }))
}

/// The messages of `google.rpc` that are read, with the fields that are.
#[cfg(feature = "grpc")]
mod wire {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Status {
        #[prost(message, repeated, tag = "3")]
        pub(super) details: Vec<Any>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Any {
        #[prost(string, tag = "1")]
        pub(super) type_url: String,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) value: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        pub(super) retry_delay: Option<Delay>,
    }

    #[derive(Clone, Copy, PartialEq, prost::Message)]
    pub(super) struct Delay {
        #[prost(int64, tag = "1")]
        pub(super) seconds: i64,
        #[prost(int32, tag = "2")]
        pub(super) nanos: i32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_seconds_or_a_date() {
        let now: Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        let of = |header| after(header, now);
        assert_eq!(of(" 120 "), Some(Duration::from_secs(120)));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(of("Sun, 06 Nov 1994 08:00:00 GMT"), Some(Duration::ZERO), "a time that is over");
        for header in ["", "-1", "1.5", "soon", "Sun, 06 Nov"] {
            assert_eq!(of(header), None, "{header}");
        }
    }

    #[cfg(feature = "grpc")]
    #[test]
    fn details_that_cannot_be_read_ask_for_nothing() {
        use prost::Message;
        let details = |type_url: &str, value: Vec<u8>| {
            wire::Status { details: vec![wire::Any { type_url: type_url.to_owned(), value }] }.encode_to_vec()
        };
        let delay =
            |seconds, nanos| wire::RetryInfo { retry_delay: Some(wire::Delay { seconds, nanos }) }.encode_to_vec();
        let url = "type.googleapis.com/google.rpc.RetryInfo";
        assert_eq!(info(&details(url, delay(2, 500_000_000))), Some(Duration::from_millis(2500)));
        assert_eq!(info(&details(url, delay(-2, 0))), Some(Duration::ZERO));
        assert_eq!(info(&details(url, vec![0xff])), None);
        assert_eq!(info(&details("type.googleapis.com/google.rpc.DebugInfo", delay(2, 0))), None);
        assert_eq!(info(&[]), None);
        assert_eq!(info(b"nonsense"), None);
    }
}
