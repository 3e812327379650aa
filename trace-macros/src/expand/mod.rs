//! Expansions. Each leaves a `static` that describes the call site, and a few calls into functions of `whytrace::__private`; what is generic
//! there is thin.
//!
//! Names that expansions bring in are hygienic (`mixed_site`) or begin with `__whytrace`; every path starts at the `whytrace` crate or
//! at `::core`. What the user wrote is emitted once, with its own spans.

pub(crate) mod component;
pub(crate) mod decision;
mod future;
mod impl_block;
pub(crate) mod prompt;
mod run;
mod stream;
mod sync;

use crate::args::{Input, Options, Output, Target};
use crate::item::{Function, Item, Shape, decisions_in, without_impl_trait};
use crate::source::first_span;
use crate::{check, fallback};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Expr, ExprClosure, Path, Type};

/// An attribute with its arguments, on an item.
pub(crate) fn attribute(target: Target, arguments: TokenStream, item: TokenStream) -> TokenStream {
    match try_attribute(target, arguments, &item) {
        Ok(expansion) => expansion,
        Err(mistakes) => fallback::item(item, &mistakes),
    }
}

fn try_attribute(target: Target, arguments: TokenStream, item: &TokenStream) -> syn::Result<TokenStream> {
    if target == Target::Observable && impl_block::is_skip(&arguments) {
        let message =
            "`skip` alone leaves a method out of an `impl` block with #[observable], and there is none around this one";
        return Err(syn::Error::new_spanned(arguments, message));
    }
    let parsed = syn::parse2::<Item>(item.clone());
    let options = Options::read(target, arguments.clone());
    let (parsed, options) = match (parsed, options) {
        (Ok(parsed), Ok(options)) => (parsed, options),
        (Err(mut first), Err(second)) => {
            first.combine(second);
            return Err(first);
        }
        (Err(mistake), _) | (_, Err(mistake)) => return Err(mistake),
    };
    match parsed {
        Item::Impl(block) => {
            check::impl_block(target, &options, &block)?;
            Ok(impl_block::expand(&options, &arguments, *block))
        }
        Item::Function(function) => {
            check::function(target, &options, &function)?;
            let call = Call { private: private(options.root.as_ref()), target, options: &options, function: &function };
            Ok(if cfg!(feature = "disabled") { call.unrecorded(item) } else { call.expand() })
        }
    }
}

/// The path of the crate itself.
pub(crate) fn root(root: Option<&Path>) -> TokenStream {
    root.map_or_else(|| quote!(::whytrace), ToTokens::to_token_stream)
}

/// The path of what expansions call.
pub(crate) fn private(path: Option<&Path>) -> TokenStream {
    let root = root(path);
    quote!(#root::__private)
}

/// A local variable that no code of the user's can see.
fn hidden(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Where the compiler shows a mistake in something of the user's, seen from our code.
pub(crate) fn at(value: &impl ToTokens) -> Span {
    Span::call_site().located_at(first_span(value))
}

/// Our tokens, shown at something of the user's.
pub(crate) fn located(tokens: TokenStream, span: Span) -> TokenStream {
    let shown = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    tokens.into_iter().map(shown).collect()
}

/// `&` before an expression of the user's, in parentheses only where it needs them: lints would complain of others.
pub(crate) fn reference(value: &Expr) -> TokenStream {
    let reference = quote_spanned! { at(value) => & };
    match value {
        Expr::Binary(_) | Expr::Cast(_) | Expr::Range(_) | Expr::Assign(_) | Expr::Closure(_) | Expr::Let(_) => {
            quote! { #reference(#value) }
        }
        _ => quote! { #reference #value },
    }
}

/// A text of the user's by reference, whatever holds or prints it.
pub(crate) fn worded(private: &TokenStream, value: &Expr) -> TokenStream {
    let (worded, value) = (located(quote! { #private::Worded::new }, at(value)), reference(value));
    let text = quote_spanned! { at(&value) => .text() };
    quote_spanned! { at(&value) => #worded(#value)#text }
}

/// Writes a value of any type to a tape, which is looked up after the value was evaluated.
pub(crate) fn capture(private: &TokenStream, value: &Expr, tape: &TokenStream) -> TokenStream {
    let value = reference(value);
    quote! { #private::Captured::new(#value).write(#tape); }
}

/// One function to be instrumented.
struct Call<'a> {
    /// The path of `__private`.
    private: TokenStream,
    target: Target,
    options: &'a Options,
    function: &'a Function,
}

impl Call<'_> {
    fn expand(&self) -> TokenStream {
        let is_async = self.function.sig.asyncness.is_some();
        let shape = Shape::of(&self.function.returned());
        match (self.target, is_async, shape) {
            (Target::Run, true, _) => self.async_run(),
            (Target::Run, false, Shape::Future { output, .. }) => self.run_of_async_block(output.as_ref()),
            (Target::Run, false, _) => self.sync_run(),
            (_, true, Shape::Never) => self.async_never(),
            (_, true, _) if self.options.stream.is_some() => self.async_stream(),
            (_, true, _) => self.async_fn(),
            (_, false, Shape::Future { output, is_boxed }) => self.future_fn(output.as_ref(), is_boxed),
            (_, false, Shape::Stream { item, is_boxed }) => self.stream_fn(item.as_ref(), is_boxed),
            (_, false, _) => self.sync_fn(),
        }
    }

    /// The item as it is, except for what the program could not be compiled without: a future on the heap.
    fn unrecorded(&self, item: &TokenStream) -> TokenStream {
        let is_boxed = self.options.boxed.is_some() && self.function.sig.asyncness.is_some();
        if is_boxed { self.boxed_only() } else { item.clone() }
    }

    /// The static that describes the call site, registered.
    fn site(&self) -> TokenStream {
        let private = &self.private;
        let function = self.function.sig.ident.to_string();
        let function = function.trim_start_matches("r#");
        let kind = match self.target {
            Target::Stage => quote!(Stage),
            Target::Observable => quote!(Observation),
            Target::Run => quote!(Run),
        };
        let name = match (self.target, &self.options.name) {
            (Target::Run, _) => run::name(self.options, function),
            (_, Some(name)) => name.to_token_stream(),
            (_, None) => function.to_token_stream(),
        };
        let observes = self.options.kind.as_ref().map(|kind| quote!(.observes(#kind)));
        let component = self
            .options
            .component
            .as_ref()
            .map(|component| quote!(.component(#private::ComponentDecl::of::<#component>())));
        let decisions = decisions_in(&self.function.body.statements);
        let decisions = (!decisions.is_empty()).then(|| quote!(.decisions(&[#(#decisions),*])));
        quote! {
            static __WHYTRACE_SITE: #private::Site = #private::Site::new(
                #private::SiteKind::#kind,
                #name,
                #function,
                ::core::module_path!(),
                ::core::file!(),
                ::core::line!(),
                ::core::column!(),
            )#observes #component #decisions;
            #private::inventory::submit! { #private::SiteRef(&__WHYTRACE_SITE) }
        }
    }

    /// What is captured of the arguments: those named, then those of `input_all` and `redact` that are not named.
    fn inputs(&self) -> Vec<(String, Option<Expr>)> {
        let Options { inputs, redact, skip, input_all, .. } = self.options;
        let is_redacted =
            |value: &Expr| matches!(value, Expr::Path(path) if redact.iter().any(|name| path.path.is_ident(name)));
        let mut captured: Vec<(String, Option<Expr>)> = inputs
            .iter()
            .map(|Input { key, value }| (key.clone(), (!is_redacted(value)).then(|| value.clone())))
            .collect();
        for parameter in self.function.parameters() {
            let key = parameter.to_string().trim_start_matches("r#").to_owned();
            let is_named = captured.iter().any(|(named, _)| *named == key);
            let is_wanted = input_all.is_some() && !skip.contains(&parameter);
            if redact.contains(&parameter) && !is_named {
                captured.push((key, None));
            } else if is_wanted && !is_named {
                captured.push((key, Some(syn::parse_quote!(#parameter))));
            }
        }
        captured
    }

    /// The statements that capture arguments, prompt and model into a `Begin`; nothing when there is nothing to capture.
    fn captures(&self, begin: &Ident) -> Option<TokenStream> {
        let private = &self.private;
        let inputs = self.inputs();
        let inputs = inputs.iter().map(|(key, value)| match value {
            Some(value) => {
                let captured = capture(private, value, &quote!(#begin.input(#key)));
                quote! { #[allow(clippy::used_underscore_binding)] #captured }
            }
            None => quote! { #begin.input(#key).str("[redacted]"); },
        });
        let prompt = self.options.prompt.as_ref().map(|prompt| match prompt {
            Expr::Reference(prompt) => quote! { #begin.prompt(#prompt); },
            prompt => {
                let prompt = reference(prompt);
                quote! { #begin.prompt(#prompt); }
            }
        });
        let model = self.options.model.as_ref().map(|model| {
            let model = reference(model);
            quote! { #begin.model(#model); }
        });
        let captures: TokenStream = quote! { #(#inputs)* #prompt #model };
        (!captures.is_empty()).then_some(captures)
    }

    /// An `Option<Begin>` with everything captured.
    fn begun(&self) -> Option<TokenStream> {
        let (private, begin) = (&self.private, hidden("begin"));
        let captures = self.captures(&begin)?;
        Some(quote! {
            match #private::begin(&__WHYTRACE_SITE) {
                ::core::option::Option::Some(mut #begin) => {
                    #captures
                    ::core::option::Option::Some(#begin)
                }
                ::core::option::Option::None => ::core::option::Option::None,
            }
        })
    }

    /// The statement inside of a future that begins its span with everything captured.
    fn attached(&self) -> Option<TokenStream> {
        let (private, begin) = (&self.private, hidden("begin"));
        let captures = self.captures(&begin)?;
        Some(quote! {
            if let ::core::option::Option::Some(mut #begin) = #private::begin(&__WHYTRACE_SITE) {
                #captures
                #begin.attach();
            }
        })
    }

    /// The statements that tell an `End` what there is to say of a result.
    fn look(&self, returned: &Ident, end: &Ident) -> TokenStream {
        let private = &self.private;
        let value = hidden("value");
        let Options { output, usage, response, .. } = self.options;
        let output = match output {
            Output::Nothing => None,
            Output::Whole => Some(quote! { #private::Captured::new(#value).write(#end.output()); }),
            Output::Of(closure) => {
                let captured = applied(closure, &value);
                let captured = capture(private, &syn::parse_quote!({ #captured }), &quote!(#end.output()));
                Some(captured)
            }
        };
        let usage = usage.as_ref().map(|closure| {
            let usage = applied(closure, &value);
            quote! { #end.usage({ #usage }); }
        });
        let response = response.as_ref().map(|closure| {
            let response = applied(closure, &value);
            quote! { #end.response({ #response }); }
        });
        let values = (output.is_some() || usage.is_some() || response.is_some()).then(|| {
            quote! {
                if let ::core::option::Option::Some(#value) = #private::Returned::new(#returned).value() {
                    #end.describe(|#end: &mut #private::End| {
                        #output
                        #usage
                        #response
                    });
                }
            }
        });
        let failed = self.look_for_error(returned, end);
        quote! { #failed #values }
    }

    /// The statement that tells an `End` whether a result is an error.
    fn look_for_error(&self, returned: &Ident, end: &Ident) -> TokenStream {
        let (private, error) = (&self.private, hidden("error"));
        quote! {
            if let ::core::option::Option::Some(#error) = #private::Returned::new(#returned).error() {
                #end.describe(|#end: &mut #private::End| {
                    #end.error_at(&__WHYTRACE_SITE, #private::Failure::new(#error).info());
                });
            }
        }
    }

    /// The closure that looks at what a future gave or a stream yielded, of the type written in the signature.
    fn done(&self, returned: Option<&Type>) -> TokenStream {
        let private = &self.private;
        if returned.is_some_and(is_unit) {
            return quote! { |_: &(), _: &mut #private::End| {} };
        }
        let (result, end) = (hidden("result"), hidden("end"));
        let returned = returned.map_or_else(|| quote!(_), without_impl_trait);
        let look = self.look(&result, &end);
        quote! { |#result: &#returned, #end: &mut #private::End| { #look } }
    }
}

/// The user's closure written out, so that its parameter's type is known: `let pattern = value; body`.
fn applied(closure: &ExprClosure, value: &Ident) -> TokenStream {
    let (pattern, body) = (&closure.inputs[0], &closure.body);
    quote! { let #pattern = #value; #body }
}

/// Whether a type is `()`, of which there is nothing to say.
fn is_unit(returned: &Type) -> bool {
    matches!(returned, Type::Tuple(tuple) if tuple.elems.is_empty())
}
