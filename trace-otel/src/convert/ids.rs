//! The ids of OTLP, from those of a document.
//!
//! A document's ids are W3C ids already and go out as they are. What a document lacks or spells in another way (the 8 hex digits of
//! the reference implementation, a span whose start was lost) gets an id derived from the trace's: always the same one, so
//! that a trace sent twice is one trace.

use trace_core::model::Trace;

pub(crate) type SpanId = [u8; 8];
pub(crate) type TraceId = [u8; 16];

/// The trace's own W3C id.
pub(crate) fn trace_id(trace: &Trace) -> TraceId {
    let own = trace.otel_trace_id.as_deref().and_then(hex::<16>);
    own.unwrap_or_else(|| derived(&trace.trace_id, "trace", 0))
}

/// A span id as documents write it, else one derived from the text.
pub(crate) fn span_id(trace: &Trace, text: &str) -> SpanId {
    hex::<8>(text).unwrap_or_else(|| derived(&trace.trace_id, text, 0))
}

/// An id made of a trace and of what it is for; another `turn` gives another id.
pub(crate) fn derived<const N: usize>(trace_id: &str, what: &str, turn: u64) -> [u8; N] {
    let mut hasher = blake3::Hasher::new();
    for part in [trace_id.as_bytes(), b"\0", what.as_bytes(), b"\0", &turn.to_le_bytes()] {
        hasher.update(part);
    }
    let mut id = [0; N];
    hasher.finalize_xof().fill(&mut id);
    if id == [0; N] {
        id[N - 1] = 1;
    }
    id
}

/// Exactly `2 * N` hex digits that are not all zero.
pub(crate) fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut id = [0; N];
    for (byte, pair) in id.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    (id != [0; N]).then_some(id)
}

/// An id as lower-case hex digits.
pub(crate) fn to_hex(id: &[u8]) -> String {
    use std::fmt::Write;
    id.iter().fold(String::with_capacity(2 * id.len()), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_goes_out_as_it_is_and_anything_else_gets_one() {
        let trace = Trace { trace_id: "trc_1".to_owned(), ..Trace::default() };
        assert_eq!(to_hex(&span_id(&trace, "00f067aa0ba902b7")), "00f067aa0ba902b7");
        for odd in ["", "a1b2c3d4", "0000000000000000", "zzzzzzzzzzzzzzzz", "ü0f067aa0ba902b", "00f067aa0ba902b7ff"] {
            assert_eq!(span_id(&trace, odd), span_id(&trace, odd), "{odd}");
            assert_ne!(span_id(&trace, odd), [0; 8], "{odd}");
        }
        assert_ne!(span_id(&trace, "a"), span_id(&trace, "b"));
        assert_ne!(derived::<8>("trc_1", "root", 0), derived::<8>("trc_1", "root", 1));
    }
}
