//! What is measured, in the two states in which a process can be.

use crate::batch::{Case, alone};
use crate::work::{emit, fastrace, opentelemetry, plain, tracing, whytrace};

/// Calls of a batch. Two records each fit twice into a thread's ring, and a root span of fastrace holds ten times as many.
const CALLS: u64 = 1000;
/// Calls of a batch that copies 64 KiB each.
const LARGE: u64 = 32;
/// Calls of a batch whose events hang on one OpenTelemetry span, which keeps 128 of them.
const EVENTS: u64 = 100;

/// No peer was set up: no subscriber, no reporter. This state cannot be come back to, since `tracing` remembers for each call site
/// that a subscriber wanted it. "Off" is without any trace in the process, "elsewhere" with one that this thread has no part in.
pub(crate) const BARE: &[Case] = &[
    Case { name: "plain, sync, before", calls: CALLS, around: alone, batch: plain::sync },
    Case { name: "plain, async, before", calls: CALLS, around: alone, batch: plain::ready },
    Case { name: "plain, three fields, before", calls: CALLS, around: alone, batch: plain::fields },
    Case { name: "plain, stream item, before", calls: CALLS, around: alone, batch: plain::stream },
    Case { name: "whytrace off, sync", calls: CALLS, around: alone, batch: whytrace::sync },
    Case { name: "whytrace off, async", calls: CALLS, around: alone, batch: whytrace::ready },
    Case { name: "whytrace elsewhere, sync", calls: CALLS, around: whytrace::elsewhere, batch: whytrace::sync },
    Case { name: "whytrace elsewhere, async", calls: CALLS, around: whytrace::elsewhere, batch: whytrace::ready },
    Case { name: "whytrace off, three fields", calls: CALLS, around: alone, batch: whytrace::fields },
    Case { name: "whytrace off, decision", calls: CALLS, around: alone, batch: whytrace::decisions },
    Case { name: "whytrace off, stream item", calls: CALLS, around: alone, batch: whytrace::stream },
    Case { name: "tracing off, sync", calls: CALLS, around: alone, batch: tracing::sync },
    Case { name: "tracing off, async", calls: CALLS, around: alone, batch: tracing::ready },
    Case { name: "tracing off, three fields", calls: CALLS, around: alone, batch: tracing::fields },
    Case { name: "tracing off, decision", calls: CALLS, around: alone, batch: tracing::decisions },
    Case { name: "fastrace off, sync", calls: CALLS, around: alone, batch: fastrace::sync },
    Case { name: "fastrace off, async", calls: CALLS, around: alone, batch: fastrace::ready },
    Case { name: "emit off, sync", calls: CALLS, around: alone, batch: emit::sync },
    Case { name: "emit off, async", calls: CALLS, around: alone, batch: emit::ready },
];

/// Everything records.
pub(crate) const RECORDING: &[Case] = &[
    Case { name: "plain, sync", calls: CALLS, around: alone, batch: plain::sync },
    Case { name: "plain, async", calls: CALLS, around: alone, batch: plain::ready },
    Case { name: "plain, pending", calls: CALLS, around: alone, batch: plain::pending },
    Case { name: "plain, three fields", calls: CALLS, around: alone, batch: plain::fields },
    Case { name: "plain, stream item", calls: CALLS, around: alone, batch: plain::stream },
    Case { name: "copy 2 x 32 KiB and keep", calls: LARGE, around: alone, batch: plain::copy_and_keep },
    Case { name: "copy 2 x 32 KiB and drop", calls: LARGE, around: alone, batch: plain::copy_and_drop },
    Case { name: "whytrace, sync", calls: CALLS, around: whytrace::recorded, batch: whytrace::sync },
    Case { name: "whytrace, async", calls: CALLS, around: whytrace::recorded, batch: whytrace::ready },
    Case { name: "whytrace, pending", calls: CALLS, around: whytrace::recorded, batch: whytrace::pending },
    Case { name: "whytrace, three fields", calls: CALLS, around: whytrace::recorded, batch: whytrace::fields },
    Case {
        name: "whytrace, three fields, async",
        calls: CALLS,
        around: whytrace::recorded,
        batch: whytrace::fields_async,
    },
    Case { name: "whytrace, stream item", calls: CALLS, around: whytrace::recorded, batch: whytrace::stream },
    Case { name: "whytrace, decision", calls: CALLS, around: whytrace::recorded, batch: whytrace::decisions },
    Case { name: "whytrace, 2 x 32 KiB", calls: LARGE, around: whytrace::recorded, batch: whytrace::llm_calls },
    Case { name: "whytrace folded, sync", calls: CALLS, around: whytrace::folded, batch: whytrace::sync },
    Case { name: "whytrace folded, three fields", calls: CALLS, around: whytrace::folded, batch: whytrace::fields },
    Case { name: "whytrace folded, decision", calls: CALLS, around: whytrace::folded, batch: whytrace::decisions },
    Case { name: "whytrace written, sync", calls: CALLS, around: whytrace::written, batch: whytrace::sync },
    Case { name: "whytrace written, three fields", calls: CALLS, around: whytrace::written, batch: whytrace::fields },
    Case { name: "whytrace written, decision", calls: CALLS, around: whytrace::written, batch: whytrace::decisions },
    Case { name: "fastrace, sync", calls: CALLS, around: fastrace::recorded, batch: fastrace::sync },
    Case { name: "fastrace, async", calls: CALLS, around: fastrace::recorded, batch: fastrace::ready },
    Case { name: "fastrace, pending", calls: CALLS, around: fastrace::recorded, batch: fastrace::pending },
    Case { name: "fastrace, three fields", calls: CALLS, around: fastrace::recorded, batch: fastrace::fields },
    Case {
        name: "fastrace, three fields, async",
        calls: CALLS,
        around: fastrace::recorded,
        batch: fastrace::fields_async,
    },
    Case { name: "fastrace, stream item", calls: CALLS, around: fastrace::recorded, batch: fastrace::stream },
    Case { name: "fastrace, decision", calls: CALLS, around: fastrace::recorded, batch: fastrace::decisions },
    Case { name: "tracing, sync", calls: CALLS, around: tracing::recorded, batch: tracing::sync },
    Case { name: "tracing, async", calls: CALLS, around: tracing::recorded, batch: tracing::ready },
    Case { name: "tracing, pending", calls: CALLS, around: tracing::recorded, batch: tracing::pending },
    Case { name: "tracing, three fields", calls: CALLS, around: tracing::recorded, batch: tracing::fields },
    Case {
        name: "tracing, three fields, async",
        calls: CALLS,
        around: tracing::recorded,
        batch: tracing::fields_async,
    },
    Case { name: "tracing, decision", calls: CALLS, around: tracing::recorded, batch: tracing::decisions },
    Case { name: "tracing + opentelemetry, sync", calls: CALLS, around: tracing::exported, batch: tracing::sync },
    Case { name: "tracing + opentelemetry, async", calls: CALLS, around: tracing::exported, batch: tracing::ready },
    Case {
        name: "tracing + opentelemetry, three fields",
        calls: CALLS,
        around: tracing::exported,
        batch: tracing::fields,
    },
    Case {
        name: "tracing + opentelemetry, three fields, async",
        calls: CALLS,
        around: tracing::exported,
        batch: tracing::fields_async,
    },
    Case {
        name: "tracing + opentelemetry, decision",
        calls: EVENTS,
        around: tracing::exported,
        batch: tracing::decisions,
    },
    Case { name: "emit, sync", calls: CALLS, around: emit::recorded, batch: emit::sync },
    Case { name: "emit, async", calls: CALLS, around: emit::recorded, batch: emit::ready },
    Case { name: "emit, pending", calls: CALLS, around: emit::recorded, batch: emit::pending },
    Case { name: "emit, three fields", calls: CALLS, around: emit::recorded, batch: emit::fields },
    Case { name: "emit, three fields, async", calls: CALLS, around: emit::recorded, batch: emit::fields_async },
    Case { name: "emit, decision", calls: CALLS, around: emit::recorded, batch: emit::decisions },
    Case { name: "opentelemetry, sync", calls: CALLS, around: opentelemetry::recorded, batch: opentelemetry::sync },
    Case { name: "opentelemetry, async", calls: CALLS, around: opentelemetry::recorded, batch: opentelemetry::ready },
    Case {
        name: "opentelemetry, pending",
        calls: CALLS,
        around: opentelemetry::recorded,
        batch: opentelemetry::pending,
    },
    Case {
        name: "opentelemetry, three fields",
        calls: CALLS,
        around: opentelemetry::recorded,
        batch: opentelemetry::fields,
    },
    Case {
        name: "opentelemetry, three fields, async",
        calls: CALLS,
        around: opentelemetry::recorded,
        batch: opentelemetry::fields_async,
    },
    Case {
        name: "opentelemetry, decision",
        calls: EVENTS,
        around: opentelemetry::recorded,
        batch: opentelemetry::decisions,
    },
];

/// Turns every peer on.
pub(crate) fn set_up_recording() {
    tracing::set_up();
    fastrace::set_up();
    emit::set_up();
}
