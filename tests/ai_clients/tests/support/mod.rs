//! A trace around code that calls a model, with the layer as a program sets it up.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use ai_clients::Server;
use std::sync::Once;
use trace_core::model::{Observation, Trace, Usage};
use trace_core::testing;
use trace_otel::TraceLayer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What is recorded while the code runs; it is told where the server is.
pub(crate) fn recorded<F: Future<Output = ()>>(code: impl FnOnce(Server) -> F) -> Trace {
    static LAYER: Once = Once::new();
    LAYER.call_once(|| tracing_subscriber::registry().with(TraceLayer::new()).init());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let captured = testing::trace(|| runtime.block_on(code(Server::start().unwrap())));
    captured.trace().clone()
}

/// All observations, in the order of their beginning.
pub(crate) fn observations(trace: &Trace) -> Vec<&Observation> {
    trace.stages.values().flat_map(|stage| &stage.observations).collect()
}

/// The only observation of a trace.
#[track_caller]
pub(crate) fn only(trace: &Trace) -> &Observation {
    let all = observations(trace);
    assert_eq!(all.len(), 1, "{all:#?}");
    all[0]
}

#[track_caller]
pub(crate) fn named<'a>(trace: &'a Trace, name: &str) -> &'a Observation {
    let all = observations(trace);
    all.iter().find(|observation| observation.name == name).unwrap_or_else(|| panic!("no {name} in {all:#?}"))
}

/// What the server says that an answer used: 120 in, 40 of them cached; 34 out, 10 of them for reasoning.
pub(crate) fn usage() -> Usage {
    Usage {
        input_tokens: 80,
        cached_input_tokens: 40,
        output_tokens: 24,
        reasoning_tokens: 10,
        total_tokens: 154,
        ..Usage::default()
    }
}
