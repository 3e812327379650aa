//! What business code needs: `use whytrace::prelude::*;` and nothing else.

pub use trace_core::model::{Evidence, LlmCall, Score, Usage};
pub use trace_core::registry::TracingComponent;
pub use trace_macros::{TracingComponent, decision, observable, prompt, register_component, traced_run, traced_stage};
