//! The generation of code, from its specification to the code and what a parser says of it.

use super::finding::Report;
use super::validate::verdict;
use serde::Serialize;
use serde_json::json;
use trace_core::context::InContext;
use trace_core::model::ErrorInfo;
use trace_core::record::ObservationGuard;

/// A generation that runs; see [`codegen`].
#[derive(Debug)]
#[must_use = "the generation ends when this is finished or dropped"]
pub struct Codegen(ObservationGuard);

/// Begins the generation of `name` from a specification. It is recorded as an observation of the kind `codegen`, in which everything
/// stands that happens inside of [`Codegen::scope`].
///
/// ```
/// use whytrace::generation::{Artifact, check, codegen, validate};
/// let generation = codegen("todo_store", &serde_json::json!({ "fields": ["title"] }));
/// let code = generation.scope(|| "struct TodoStore { title: String }".to_owned());
/// let syntax = check("syntax", "syntax", |_: &Artifact| vec![]);
/// let report = generation.scope(|| validate(&syntax, &Artifact::new("todo_store.rs", code.as_str())));
/// generation.finish(&code, &report);
/// ```
pub fn codegen(name: impl Into<String>, specification: &impl Serialize) -> Codegen {
    #[derive(Serialize)]
    struct Input<'a, S> {
        specification: &'a S,
    }
    Codegen(ObservationGuard::start_with_input(name, "codegen", Input { specification }))
}

impl Codegen {
    /// Runs a closure inside of the generation.
    pub fn scope<R>(&self, code: impl FnOnce() -> R) -> R {
        self.0.scope(code)
    }

    /// A future that runs inside of the generation.
    pub fn in_future<F: Future>(&self, future: F) -> InContext<F> {
        self.0.in_future(future)
    }

    /// The code is there, and this is what a parser says of it.
    pub fn finish(mut self, code: &str, syntax: &Report) {
        self.0.output(json!({ "code": code, "syntax": verdict(syntax) }));
    }

    /// There is no code.
    pub fn fail(mut self, error: impl Into<ErrorInfo>) {
        self.0.error(error);
    }
}
