//! What is declared before anything runs: call sites, components, prompts.
//!
//! Comes in: the statics that the macros submit through `inventory`. Goes out: [`registry()`], sorted lists without
//! running any of the program, and what does not fit together in them.

mod component;
mod prompt;
mod site;

pub use prompt::Prompt;
pub use component::{ComponentDecl, TracingComponent};
pub use site::{Site, SiteKind, SiteRef};
