//! What cannot work, said before anything is expanded: one mistake each, at the user's own token.

use crate::args::{Input, Options, RunOption, Target};
use crate::item::{Function, Shape, first_type};
use crate::mistakes::Mistakes;
use crate::source::first_span;
use proc_macro2::Ident;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Error, Expr, ItemImpl, Result, Type};

/// Whether an attribute with these options can work on this function.
pub(crate) fn function(target: Target, options: &Options, function: &Function) -> Result<()> {
    let mut mistakes = Mistakes::default();
    check_kind_of_function(target, function, &mut mistakes);
    check_parameters(options, function, &mut mistakes);
    check_doubled_inputs(options, &mut mistakes);
    check_component(options, &mut mistakes);
    check_name(options, &mut mistakes);
    check_shape(target, options, function, &mut mistakes);
    if target == Target::Run {
        check_run(options, function, &mut mistakes);
    }
    mistakes.or(())
}

fn check_kind_of_function(target: Target, function: &Function, mistakes: &mut Mistakes) {
    let sig = &function.sig;
    if let Some(constness) = sig.constness {
        let message = format!(
            "#[{}] cannot observe a `const fn`: it may run while the program is compiled; take `const` away or leave the function unobserved",
            target.name()
        );
        mistakes.add(Error::new(constness.span, message));
    }
    if let Some(abi) = sig.abi.as_ref().filter(|abi| abi.name.as_ref().is_none_or(|name| name.value() != "Rust")) {
        let message = format!("#[{}] cannot observe a function of another ABI: observe what it calls", target.name());
        mistakes.add(Error::new(abi.extern_token.span, message));
    }
    if let Some(variadic) = &sig.variadic {
        mistakes.add(Error::new(first_span(variadic), "a function with `...` cannot be observed"));
    }
}

/// `skip` and `redact` name parameters; `skip` means something only beside `input_all`.
fn check_parameters(options: &Options, function: &Function, mistakes: &mut Mistakes) {
    let parameters = function.parameters();
    for name in options.skip.iter().chain(&options.redact) {
        if !parameters.contains(name) {
            mistakes.add(Error::new(name.span(), no_parameter(name, &parameters)));
        }
    }
    if let (Some(skip), None) = (options.given("skip"), options.input_all) {
        mistakes.add(Error::new(
            skip.span(),
            "`skip` leaves a parameter out of `input_all`: give that too, or take `skip` away",
        ));
    }
    if let (Some(all), true) = (options.input_all, parameters.is_empty()) {
        mistakes
            .add(Error::new(all, "`input_all` has nothing to capture: the function has no parameters beside `self`"));
    }
}

fn no_parameter(name: &Ident, parameters: &[Ident]) -> String {
    if parameters.is_empty() {
        return format!("there is no parameter `{name}`: the function has none");
    }
    let list = parameters.iter().map(|parameter| format!("`{parameter}`")).collect::<Vec<_>>().join(", ");
    format!("there is no parameter `{name}`; the parameters are {list}")
}

fn check_doubled_inputs(options: &Options, mistakes: &mut Mistakes) {
    for (at, Input { key, value }) in options.inputs.iter().enumerate() {
        if options.inputs[..at].iter().any(|before| before.key == *key) {
            mistakes.add(Error::new(first_span(value), format!("the input `{key}` is given twice")));
        }
    }
}

fn check_component(options: &Options, mistakes: &mut Mistakes) {
    let is_self = |component: &&Type| first_span_is_self(component);
    if let Some(component) = options.component.as_ref().filter(is_self) {
        let message = "write the name of the type: `Self` is not known where the component is declared";
        mistakes.add(Error::new(component.span(), message));
    }
}

fn first_span_is_self(component: &Type) -> bool {
    component.to_token_stream().into_iter().next().is_some_and(|token| token.to_string() == "Self")
}

fn check_name(options: &Options, mistakes: &mut Mistakes) {
    match &options.name {
        Some(Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(name), .. })) if name.value().trim().is_empty() => {
            mistakes
                .add(Error::new(name.span(), "the name must not be empty: leave it out for the function's own name"));
        }
        None | Some(Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(_), .. }) | Expr::Path(_)) => {}
        Some(other) => {
            mistakes.add(Error::new(first_span(other), "the name must be a text in quotes or the path of a constant"));
        }
    }
}

fn check_shape(target: Target, options: &Options, function: &Function, mistakes: &mut Mistakes) {
    let shape = Shape::of(&function.returned());
    let is_async = function.sig.asyncness.is_some();
    if let Some(span) = options.stream {
        let gives_stream = matches!(shape, Shape::Stream { .. }) || (is_async && holds_stream(&function.returned()));
        if !gives_stream {
            mistakes.add(Error::new(
                span,
                "`stream` goes on a function that returns `impl Stream`, a `BoxStream` or `Pin<Box<dyn Stream>>`, or on an \
                 `async fn` that returns one of these or a `Result` of one",
            ));
        }
    }
    let is_future = is_async || matches!(shape, Shape::Future { .. });
    if let (Some(span), false) = (options.boxed, is_future) {
        mistakes.add(Error::new(span, "`boxed` puts a future on the heap, and this function gives none"));
    }
    if target == Target::Run && matches!(shape, Shape::Stream { .. }) {
        let message =
            "a run cannot be a stream: put #[traced_run] on the function that consumes it, and #[observable] here";
        mistakes.add(Error::new(first_span(&function.sig.output), message));
    }
}

/// Whether a type is a stream or has one as its first argument, as `Result<impl Stream, E>` does.
pub(crate) fn holds_stream(returned: &Type) -> bool {
    if matches!(Shape::of(returned), Shape::Stream { .. }) {
        return true;
    }
    let Type::Path(path) = returned else { return false };
    let inside = path.path.segments.last().and_then(|last| first_type(&last.arguments));
    inside.is_some_and(|inside| matches!(Shape::of(&inside), Shape::Stream { .. }))
}

fn check_run(options: &Options, function: &Function, mistakes: &mut Mistakes) {
    let has_project = options.run.iter().any(|option| matches!(option, RunOption::Text(name, _) if name == "project"));
    if !has_project {
        let message = "#[traced_run] needs to know the project: `project = \"name\"`";
        mistakes.add(Error::new(proc_macro2::Span::call_site(), message));
    }
    let shape = Shape::of(&function.returned());
    if matches!(shape, Shape::Never) {
        let message =
            "a run ends when its function returns, and this one never does: put #[traced_run] on what it calls";
        mistakes.add(Error::new(first_span(&function.sig.output), message));
    }
    let is_future = matches!(shape, Shape::Future { .. });
    if is_future && function.sig.asyncness.is_none() && function.body.as_async_block().is_none() {
        let message = "a run that returns a future must be an `async fn`, or consist of nothing but `async move { … }` or \
                       `Box::pin(async move { … })`";
        mistakes.add(Error::new(function.sig.ident.span(), message));
    }
}

/// What an attribute on a whole `impl` block may say: what makes sense for each of its methods.
const FOR_EACH_METHOD: [&str; 6] = ["kind", "component", "input_all", "output", "no_output", "crate"];

/// Whether an attribute with these options can work on an `impl` block.
pub(crate) fn impl_block(target: Target, options: &Options, block: &ItemImpl) -> Result<()> {
    if target != Target::Observable {
        let message =
            format!("#[{}] goes on a method; on an `impl` block, #[observable] observes each method", target.name());
        return Err(Error::new(block.impl_token.span, message));
    }
    let mut mistakes = Mistakes::default();
    for given in &options.given {
        if !FOR_EACH_METHOD.iter().any(|name| given == name) {
            let known = FOR_EACH_METHOD.map(|name| format!("`{name}`")).join(", ");
            let message = format!("`{given}` goes on a method; options for a whole `impl` block are {known}");
            mistakes.add(Error::new(given.span(), message));
        }
    }
    check_component(options, &mut mistakes);
    mistakes.or(())
}
