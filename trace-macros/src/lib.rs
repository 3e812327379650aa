//! The attribute and function macros of whytrace. Depend on the `whytrace` crate, which re-exports and documents them.
//!
//! Comes in: tokens. `args` reads options by one table, `item` reads the item under an attribute, `check` says what cannot work, `expand`
//! writes the code, `fallback` emits the user's item beside the mistakes.

mod args;
mod check;
mod entries;
mod expand;
mod fallback;
mod item;
mod mistakes;
mod source;

use args::Target;
use proc_macro::TokenStream;

/// Times a function as a stage of the trace, with outcome and error.
#[proc_macro_attribute]
pub fn traced_stage(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(Target::Stage, arguments.into(), item.into()).into()
}

/// Observes a function, or each method of an `impl` block: duration, outcome, error, and for a model call its prompt, usage and response.
#[proc_macro_attribute]
pub fn observable(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(Target::Observable, arguments.into(), item.into()).into()
}

/// Makes a function a whole trace.
#[proc_macro_attribute]
pub fn traced_run(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::attribute(Target::Run, arguments.into(), item.into()).into()
}

/// Records a decision: what was chosen, why, how sure, and what else was considered.
#[proc_macro]
pub fn decision(tokens: TokenStream) -> TokenStream {
    expand::decision::expand(tokens.into()).into()
}

/// Declares a prompt: a named template.
#[proc_macro]
pub fn prompt(tokens: TokenStream) -> TokenStream {
    expand::prompt::expand(tokens.into()).into()
}

/// Declares a component of the pipeline with the decisions and outputs it may emit.
#[proc_macro_derive(TracingComponent, attributes(component))]
pub fn derive_tracing_component(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    expand::component::derive(&input).into()
}

/// Registers a component that implements `TracingComponent` by hand.
#[proc_macro]
pub fn register_component(tokens: TokenStream) -> TokenStream {
    expand::component::register(tokens.into()).into()
}
