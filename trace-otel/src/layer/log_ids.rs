//! The trace's id in the lines that `tracing_subscriber::fmt` writes, so that a line leads to its trace.
//!
//! It wraps the format of the lines, not the writer, so it works with every writer. Outside any trace, lines are as before.

use std::fmt;
use trace_core::context::Ctx;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceIdsFormat {
    /// As text: the ids stand before the line.
    Text,
    /// As JSON objects: the ids are their first fields.
    Json,
}

/// A format of lines that names the current trace and span.
///
/// ```
/// use tracing_subscriber::fmt::format;
/// tracing_subscriber::fmt().event_format(trace_otel::TraceIds::text(format())).finish();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TraceIds<F> {
    inner: F,
    format: TraceIdsFormat,
}

impl<F> TraceIds<F> {
    /// Around a format that writes text: `trace_id=trc_… span_id=…` and a space stand before each line.
    pub const fn text(inner: F) -> Self {
        Self { inner, format: TraceIdsFormat::Text }
    }

    /// Around a format that writes JSON objects, `format().json()`: with the fields `trace_id`, `span_id`, and `otel_trace_id`, the W3C id.
    pub const fn json(inner: F) -> Self {
        Self { inner, format: TraceIdsFormat::Json }
    }

    /// How lines are written.
    #[must_use]
    pub const fn format(&self) -> TraceIdsFormat {
        self.format
    }
}

impl<S, N, F> FormatEvent<S, N> for TraceIds<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let current = Ctx::current();
        let ids = current.trace_id().zip(current.traceparent());
        let Some((trace_id, traceparent)) = ids.filter(|_| current.is_recording()) else {
            return self.inner.format_event(context, writer, event);
        };
        // 00-<32 hex digits>-<16 hex digits>-01
        let mut parts = traceparent.split('-').skip(1);
        let (otel_trace_id, span_id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        match self.format {
            TraceIdsFormat::Text => {
                write!(writer, "trace_id={trace_id} span_id={span_id} ")?;
                self.inner.format_event(context, writer, event)
            }
            TraceIdsFormat::Json => {
                let mut line = String::new();
                self.inner.format_event(context, Writer::new(&mut line), event)?;
                let Some(fields) = line.strip_prefix('{') else { return writer.write_str(&line) };
                let comma = if fields.trim_start().starts_with('}') { "" } else { "," };
                write!(
                    writer,
                    r#"{{"trace_id":"{trace_id}","span_id":"{span_id}","otel_trace_id":"{otel_trace_id}"{comma}{fields}"#
                )
            }
        }
    }
}
