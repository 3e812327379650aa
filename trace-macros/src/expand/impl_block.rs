//! `#[observable]` on an `impl` block: the attribute is handed down to each method, where other macros such as `async_trait` find it.

use super::root;
use crate::args::Options;
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, ImplItem, ImplItemFn, ItemImpl, Meta};

/// Whether the arguments are nothing but `skip`.
pub(super) fn is_skip(arguments: &TokenStream) -> bool {
    let mut tokens = arguments.clone().into_iter();
    matches!(tokens.next(), Some(TokenTree::Ident(word)) if word == "skip") && tokens.next().is_none()
}

/// The block with the attribute on each of its methods that has none of its own.
pub(super) fn expand(options: &Options, arguments: &TokenStream, mut block: ItemImpl) -> TokenStream {
    let root = root(options.root.as_ref());
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        if let Some(own) = method.attrs.iter().position(is_observable) {
            if says_skip(&method.attrs[own]) {
                method.attrs.remove(own);
            }
        } else if can_be_observed(method) && !cfg!(feature = "disabled") {
            let arguments = for_method(arguments, method);
            method.attrs.push(syn::parse_quote!(#[#root::observable(#arguments)]));
        }
    }
    block.into_token_stream()
}

fn is_observable(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "observable")
}

fn says_skip(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if is_skip(&list.tokens))
}

/// A `const fn` and a function of another ABI cannot be observed; in a block they are left alone.
fn can_be_observed(method: &ImplItemFn) -> bool {
    let has_attribute_of_ours = method.attrs.iter().any(|attribute| {
        attribute.path().segments.last().is_some_and(|last| last.ident == "traced_stage" || last.ident == "traced_run")
    });
    method.sig.constness.is_none()
        && method.sig.abi.is_none()
        && method.sig.variadic.is_none()
        && !has_attribute_of_ours
}

/// The block's options as a method can take them: without parameters there is nothing for `input_all` to capture.
fn for_method(arguments: &TokenStream, method: &ImplItemFn) -> TokenStream {
    let has_parameters = method.sig.inputs.iter().any(|input| matches!(input, syn::FnArg::Typed(_)));
    if has_parameters {
        return arguments.clone();
    }
    let mut kept = TokenStream::new();
    let mut tokens = arguments.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        if matches!(&token, TokenTree::Ident(word) if word == "input_all") {
            tokens.next_if(|next| matches!(next, TokenTree::Punct(comma) if comma.as_char() == ','));
            continue;
        }
        kept.extend(quote!(#token));
    }
    kept
}
