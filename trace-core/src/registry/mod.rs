//! What is declared before anything runs: call sites, components, prompts.
//!
//! Comes in: the statics that the macros submit through `inventory`. Goes out: [`registry()`], sorted lists without
//! running any of the program, and what does not fit together in them.

mod component;
mod conformance;
mod listing;
mod prompt;
mod site;

pub use component::{ComponentDecl, TracingComponent};
pub use conformance::{Problem, assert_conformance};
pub use listing::{DecisionPoint, Registry, registry};
pub(crate) use prompt::prompt_source;
pub use prompt::{
    Choice, LinkedPrompt, Prompt, PromptArm, PromptError, PromptSource, PromptVersionText, RenderedPrompt, Template,
    name_fault, registry_name, set_prompt_source, template_hash,
};
#[doc(hidden)]
pub use prompt::{PromptRef, TemplateValue, checked_prompt_name, template_value};
pub use site::{Site, SiteKind, SiteRef};
