//! `#[traced_run]`: the function is a whole trace.

use super::{Call, at, hidden, reference, worded};
use crate::args::{Options, RunOption};
use crate::entries::Entry;
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Expr, Lit, Type};

/// The name by which the registry lists a run: its project, if that is a literal, else its function.
pub(super) fn name(options: &Options, function: &str) -> TokenStream {
    match project(options) {
        Some(Expr::Lit(literal)) => literal.to_token_stream(),
        _ => function.to_token_stream(),
    }
}

fn project(options: &Options) -> Option<&Expr> {
    options.run.iter().find_map(|option| match option {
        RunOption::Text(name, value) if name == "project" => Some(value),
        _ => None,
    })
}

impl Call<'_> {
    pub(super) fn sync_run(&self) -> TokenStream {
        let (private, run) = (&self.private, self.run());
        self.in_trace(&quote! { #private::run_enter(&__WHYTRACE_SITE, #run) })
    }

    pub(super) fn async_run(&self) -> TokenStream {
        let (private, run, site) = (&self.private, self.run(), self.site());
        let (sig, bindings) = self.future_signature();
        let future = self.async_block(&bindings, Some(&quote! { #private::run_begin(&__WHYTRACE_SITE, #run); }));
        let done = self.done(Some(&self.function.returned()));
        self.with_signature(
            &sig,
            &quote! {
                #site
                #private::run_future(&__WHYTRACE_SITE, #future, #done)
            },
        )
    }

    /// A run whose body is one async block, boxed or not.
    pub(super) fn run_of_async_block(&self, output: Option<&Type>) -> TokenStream {
        let Some((call, body)) = self.function.body.as_async_block() else { return self.sync_run() };
        let (private, run, site) = (&self.private, self.run(), self.site());
        let block = body.block(quote! { #private::run_begin(&__WHYTRACE_SITE, #run); });
        let done = self.done(output);
        let future = quote! { #private::run_future(&__WHYTRACE_SITE, async move #block, #done) };
        let future = call.map_or_else(|| future.clone(), |call| quote! { #call(#future) });
        self.function.with_body(&quote! { #site #future })
    }

    /// The closure that says what the run is about; it is called only when the run will be recorded.
    fn run(&self) -> TokenStream {
        let (private, run) = (&self.private, hidden("run"));
        let project = project(self.options).map(|project| self.text(project));
        let parts = self.options.run.iter().map(|option| match option {
            RunOption::Text(name, _) if name == "project" => TokenStream::new(),
            RunOption::Text(name, value) => self.said(name.to_string().as_str(), value),
            RunOption::Tags(entries) => entries.iter().map(|entry| self.tag(entry)).collect(),
            RunOption::Fields(entries) => {
                entries.iter().map(|Entry { key, value }| self.field(&key.value(), Some(value))).collect()
            }
        });
        let inputs = self.inputs();
        let inputs = inputs.iter().map(|(key, value)| self.field(key, value.as_ref()));
        quote! {
            || {
                #[allow(unused_mut)]
                let mut #run = #private::Run::new(#project);
                #(#parts)*
                #(#inputs)*
                #run
            }
        }
    }

    /// A literal as it is, anything else as the text it holds or prints.
    fn text(&self, value: &Expr) -> TokenStream {
        if let Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. }) = value {
            return text.to_token_stream();
        }
        worded(&self.private, value)
    }

    /// `query`, `intent`, …: a text, something printable, or an `Option` of these.
    fn said(&self, name: &str, value: &Expr) -> TokenStream {
        let (private, run, text) = (&self.private, hidden("run"), hidden("text"));
        let method = quote::format_ident!("{name}");
        let argument = if name.starts_with("trace") { quote!(&#text) } else { quote!(#text) };
        let (given, value) = (proc_macro2::Ident::new("text", at(value)), reference(value));
        quote! {
            if let ::core::option::Option::Some(#text) = #private::Given::new(#value).#given() {
                #run = #run.#method(#argument);
            }
        }
    }

    fn tag(&self, Entry { key, value }: &Entry) -> TokenStream {
        let (run, value) = (hidden("run"), self.text(value));
        quote! { #run = #run.tag(#key, #value); }
    }

    /// A field with a value of any type; without a value, one that is not shown.
    fn field(&self, key: &str, value: Option<&Expr>) -> TokenStream {
        let (private, run) = (&self.private, hidden("run"));
        match value.map(reference) {
            Some(value) => quote! { #run = #run.field(#key, #private::Captured::new(#value).to_value()); },
            None => quote! { #run = #run.field(#key, "[redacted]"); },
        }
    }
}
