//! `{ key: value, … }`, as tags, fields and the inputs of a decision are written.

use crate::mistakes::Mistakes;
use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, LitStr, Result, Token};

/// `key: value` in `tags`, `fields` and a decision's `inputs`.
pub(crate) struct Entry {
    pub(crate) key: LitStr,
    pub(crate) value: Expr,
}

/// `{ key: value, "key": value, variable }`.
pub(crate) fn entries(input: ParseStream<'_>) -> Result<Vec<Entry>> {
    if !input.peek(syn::token::Brace) {
        return Err(input.error("expected `{ key: expression, … }`"));
    }
    let content;
    syn::braced!(content in input);
    let entries = Punctuated::<Entry, Token![,]>::parse_terminated_with(&content, Entry::read)?;
    let entries: Vec<Entry> = entries.into_iter().collect();
    let mut mistakes = Mistakes::default();
    for (at, entry) in entries.iter().enumerate() {
        if entries[..at].iter().any(|before| before.key.value() == entry.key.value()) {
            mistakes.add(Error::new(entry.key.span(), format!("the key `{}` is given twice", entry.key.value())));
        }
    }
    mistakes.or(entries)
}

impl Entry {
    fn read(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            let key = input.parse()?;
            input.parse::<Token![:]>()?;
            return Ok(Self { key, value: input.parse()? });
        }
        let is_named = input.peek(Ident::peek_any) && input.peek2(Token![:]) && !input.peek2(Token![::]);
        if is_named {
            let ident = input.call(Ident::parse_any)?;
            input.parse::<Token![:]>()?;
            return Ok(Self { key: LitStr::new(&ident.unraw().to_string(), ident.span()), value: input.parse()? });
        }
        let ident: Ident =
            input.parse().map_err(|mistake| Error::new(mistake.span(), "expected a variable or `key: expression`"))?;
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(Error::new(ident.span(), "give it a key: `key: expression`"));
        }
        Ok(Self { key: LitStr::new(&ident.unraw().to_string(), ident.span()), value: syn::parse_quote!(#ident) })
    }
}
