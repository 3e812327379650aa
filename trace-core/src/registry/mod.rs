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
pub use prompt::{Prompt, PromptError, PromptRef, RenderedPrompt, name_fault, registry_name, template_hash};
pub use site::{Site, SiteKind, SiteRef};
