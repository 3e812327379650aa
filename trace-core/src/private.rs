//! What macro expansions call. Not public API: it changes with any version.

pub use crate::model::ErrorInfo;
pub use crate::record::capture::{self, Captured};
pub use crate::record::failure::Failure;
pub use crate::record::probe::{self, Given, Returned, Worded, alternative, confidence};
pub use crate::record::tape::Tape;
pub use crate::record::{
    Begin, DecisionDraft, End, IntoResponse, IntoUsage, Run, RunSpan, Text, begin, call_once, decision, decision_draft,
    future, future_begun, future_stream, future_with, observed, observed_begun, recording, run_begin, run_enter,
    run_future, stream,
};
pub use crate::registry::{
    ComponentDecl, Prompt, PromptError, PromptRef, RenderedPrompt, Site, SiteKind, SiteRef, TracingComponent,
    checked_prompt_name, template_value,
};
pub use inventory;
pub use serde::Serialize;
pub use std::boxed::Box;
