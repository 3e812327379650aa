//! What business code needs: `use whytrace::prelude::*;` and nothing else.

pub use trace_core::context::Ctx;
pub use trace_core::event::{FileWrite, HealingAttempt, PromptExecution, TemplateRender, ValidationError};
pub use trace_core::model::{Attempt, ErrorInfo, Evidence, Gate, GatePolicy, Kind, LlmCall, Money, Score, Usage};
pub use trace_core::record::{Run, TraceContext};
pub use trace_core::registry::TracingComponent;
pub use trace_macros::{TracingComponent, decision, observable, prompt, register_component, traced_run, traced_stage};
