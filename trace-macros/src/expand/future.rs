//! Functions that give a future. An `async fn` becomes `fn -> impl Future`: the span begins at the first poll, and the future is no larger
//! than without us.
//!
//! This crate's edition is 2024, and the `impl Future` that it writes captures every lifetime in scope by that edition's rules, also in crates
//! of older editions.

use super::{Call, hidden, is_unit};
use crate::item::without_impl_trait;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, Pat, Signature, Type};

impl Call<'_> {
    pub(super) fn async_fn(&self) -> TokenStream {
        let private = &self.private;
        let (sig, bindings) = self.future_signature();
        let attached = self.attached();
        let how = if attached.is_some() { quote!(future_begun) } else { quote!(future) };
        let future = self.async_block(&bindings, attached.as_ref());
        let done = self.done(Some(&self.function.returned()));
        let site = self.site();
        self.with_signature(
            &sig,
            &quote! {
                #site
                #private::#how(&__WHYTRACE_SITE, #future, #done)
            },
        )
    }

    /// An `async fn` whose future is on the heap and not recorded.
    pub(super) fn boxed_only(&self) -> TokenStream {
        let (sig, bindings) = self.future_signature();
        self.with_signature(&sig, &self.async_block(&bindings, None))
    }

    /// `async fn … -> !` stays one: the output of a future cannot be written as `!`.
    pub(super) fn async_never(&self) -> TokenStream {
        let (private, site) = (&self.private, self.site());
        let attached = self.attached();
        let how = if attached.is_some() { quote!(future_begun) } else { quote!(future) };
        let block = self.function.body.block(attached.unwrap_or_default());
        self.function.with_body(&quote! {
            #site
            #private::#how(&__WHYTRACE_SITE, async move #block, |_: &(), _: &mut #private::End| {}).await;
            ::core::unreachable!("a function that never returns has returned")
        })
    }

    /// A function that returns `impl Future` or a boxed future.
    pub(super) fn future_fn(&self, output: Option<&Type>, is_boxed: bool) -> TokenStream {
        let (private, site) = (&self.private, self.site());
        let done = self.done(output);
        if let Some((call, body)) = self.function.body.as_async_block() {
            let attached = self.attached();
            let how = if attached.is_some() { quote!(future_begun) } else { quote!(future) };
            let block = body.block(attached.unwrap_or_default());
            let future = self.on_heap(quote! { async move #block });
            let future = quote! { #private::#how(&__WHYTRACE_SITE, #future, #done) };
            let future = call.map_or_else(|| future.clone(), |call| quote! { #call(#future) });
            return self.function.with_body(&quote! { #site #future });
        }
        let body = self.closure(&self.function.returned());
        let made = quote! { #private::call_once(#body) };
        let made = if is_boxed { made } else { self.on_heap(made) };
        let (begin, begun) = (hidden("begin"), self.begun());
        let begun = begun.map(|begun| quote! { let #begin = #begun; });
        let future = match &begun {
            None => quote! { #private::future(&__WHYTRACE_SITE, #made, #done) },
            Some(_) => quote! { #private::future_with(&__WHYTRACE_SITE, #begin, #made, #done) },
        };
        let future = if is_boxed {
            quote! { #private::Box::pin(#future) }
        } else {
            future
        };
        self.function.with_body(&quote! { #site #begun #future })
    }

    /// The signature of an `async fn` as one that returns `impl Future`, and how its parameters are bound inside.
    pub(super) fn future_signature(&self) -> (Signature, Bindings) {
        let mut sig = self.function.sig.clone();
        sig.asyncness = None;
        let returned = self.function.returned();
        sig.output = syn::parse_quote!(-> impl ::core::future::Future<Output = #returned>);
        let bindings = Bindings::of(&mut sig);
        (sig, bindings)
    }

    pub(super) fn with_signature(&self, sig: &Signature, body: &TokenStream) -> TokenStream {
        let crate::item::Function { attrs, vis, modifier, .. } = self.function;
        quote! { #(#attrs)* #vis #modifier #sig { #body } }
    }

    /// The body of an `async fn` as a future, on the heap if that is wanted.
    pub(super) fn async_block(&self, bindings: &Bindings, begin: Option<&TokenStream>) -> TokenStream {
        let Bindings { held, bound } = bindings;
        let typed = returns_type(&self.function.returned());
        let block = self.function.body.block(quote! { #held #bound #typed #begin });
        self.on_heap(quote! { async move #block })
    }

    fn on_heap(&self, future: TokenStream) -> TokenStream {
        let private = &self.private;
        if self.options.boxed.is_some() {
            quote! { #private::Box::pin(#future) }
        } else {
            future
        }
    }
}

/// How an async block takes over a function's parameters.
pub(super) struct Bindings {
    /// Statements that mention every parameter, so that all of them move into the future and are dropped with it, in the order
    /// in which a function's are: the last first.
    held: TokenStream,
    /// Statements that bind patterns to parameters. What a pattern binds is dropped before what the future only holds, so what comes after
    /// a pattern is bound as well.
    bound: TokenStream,
}

impl Bindings {
    /// Gives every parameter that is a pattern a name in the signature.
    fn of(sig: &mut Signature) -> Self {
        let (mut held, mut bound) = (Vec::new(), TokenStream::new());
        for (at, input) in sig.inputs.iter_mut().enumerate() {
            let (attrs, name) = match input {
                FnArg::Receiver(receiver) => {
                    (conditions(&receiver.attrs), Ident::new("self", receiver.self_token.span))
                }
                FnArg::Typed(parameter) => {
                    let attrs = conditions(&parameter.attrs);
                    let (name, binding) = bind(&mut parameter.pat, at, !bound.is_empty());
                    bound.extend(binding.map(|binding| quote! { #(#attrs)* #binding }));
                    (attrs, name)
                }
            };
            held.push(quote! { #(#attrs)* #[allow(clippy::used_underscore_binding)] let _ = &#name; });
        }
        let held = held.into_iter().rev().collect();
        Self { held, bound }
    }
}

/// The name of a parameter, and the statement that binds what it stands for, if it needs one.
fn bind(pattern: &mut Pat, at: usize, must_bind: bool) -> (Ident, Option<TokenStream>) {
    match pattern {
        Pat::Ident(plain) if plain.by_ref.is_none() && plain.subpat.is_none() => {
            let name = plain.ident.clone();
            let mutability = if must_bind { plain.mutability.take() } else { None };
            let binding = must_bind.then(|| {
                quote! { #[allow(unused_mut, clippy::used_underscore_binding)] let #mutability #name = #name; }
            });
            (name, binding)
        }
        pattern => {
            let name = format_ident!("__whytrace_arg{at}", span = Span::mixed_site());
            let bound = std::mem::replace(pattern, syn::parse_quote!(#name));
            let binding = match bound {
                // What nothing is bound to is dropped in its place among the others.
                Pat::Wild(_) if must_bind => {
                    let held = hidden("_held");
                    Some(quote! { let #held = #name; })
                }
                Pat::Wild(_) => None,
                bound => Some(quote! { let #bound = #name; }),
            };
            (name, binding)
        }
    }
}

/// The attributes that decide whether a parameter exists at all.
fn conditions(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect()
}

/// A statement that never runs and tells the compiler what an async block returns: without it, `Box::new(error)` would not become the
/// `Box<dyn Error>` that the signature promises.
pub(super) fn returns_type(returned: &Type) -> TokenStream {
    if is_unit(returned) {
        return TokenStream::new();
    }
    let (never, returned) = (hidden("never"), without_impl_trait(returned));
    quote! {
        #[allow(unknown_lints, unreachable_code, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
        if false {
            let #never: #returned = loop {};
            return #never;
        }
    }
}
