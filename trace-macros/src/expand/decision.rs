//! `decision!`: a choice, with its reason. Its arguments stand in the caller's own control flow, so `?`, `.await` and `return` in them work
//! as written; those that do no such thing are evaluated in a closure. They are evaluated only when a trace is recording.

use super::{capture, hidden, located, private, worded};
use crate::entries::{Entry, entries};
use crate::fallback;
use crate::mistakes::{Mistakes, known};
use crate::source::{first_span, may_leave};
use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, Lit, LitStr, Path, Result, Token, UnOp, bracketed};

/// The expansion, or the mistakes.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    match syn::parse2::<Decision>(tokens) {
        Ok(decision) => decision.expand(),
        Err(mistakes) => fallback::expression(&mistakes),
    }
}

/// The keys that `decision!` knows.
const KEYS: [&str; 6] = ["what", "why", "confidence", "alternatives", "inputs", "crate"];

struct Decision {
    /// A literal or the path of a constant.
    point: Expr,
    /// In the order in which they were written, which is the order of evaluation.
    parts: Vec<Part>,
    root: Option<Path>,
}

enum Part {
    What(Expr),
    Why(Expr),
    Confidence(Expr),
    /// `["google" => 0.6, …]`.
    Listed(Vec<(Expr, Expr)>),
    /// Anything that can be iterated over.
    Iterated(Expr),
    Inputs(Vec<Entry>),
}

impl Parse for Decision {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut mistakes = Mistakes::default();
        let point = mistakes.take(point(input));
        let mut decision = Self { point: syn::parse_quote!(""), parts: Vec::new(), root: None };
        let mut given: Vec<Ident> = Vec::new();
        while !input.is_empty() {
            if mistakes.take(decision.read_one(input, &mut given)).is_none() {
                while !input.is_empty() && !input.peek(Token![,]) {
                    let _: TokenTree = input.parse()?;
                }
            }
            let _: Option<Token![,]> = input.parse()?;
        }
        for (key, what) in [("what", "was chosen: `what = \"…\"`"), ("why", "it was chosen: `why = \"…\"`")] {
            if point.is_some() && !given.iter().any(|given| given == key) {
                let span = point.as_ref().map_or_else(|| input.span(), first_span);
                let question = if key == "what" { "what" } else { "why" };
                mistakes.add(Error::new(span, format!("`{key}` is missing: say {question} {what}")));
            }
        }
        decision.point = point.unwrap_or_else(|| syn::parse_quote!(""));
        mistakes.or(decision)
    }
}

/// The name of the decision point, and the comma after it.
fn point(input: ParseStream<'_>) -> Result<Expr> {
    let missing = "a decision begins with the name of its point: `decision!(\"source_selected\", what = …, why = …)`";
    let names_key = input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]);
    if input.is_empty() || names_key {
        return Err(Error::new(input.span(), missing));
    }
    let point: Expr = input.parse().map_err(|mistake| Error::new(mistake.span(), missing))?;
    match &point {
        Expr::Lit(syn::ExprLit { lit: Lit::Str(name), .. }) if name.value().trim().is_empty() => {
            return Err(Error::new(name.span(), "the name of a decision point must not be empty"));
        }
        Expr::Lit(syn::ExprLit { lit: Lit::Str(_), .. }) | Expr::Path(_) => {}
        other => {
            let message = "the name of a decision point must be a text in quotes or the path of a constant";
            return Err(Error::new(first_span(other), message));
        }
    }
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(point)
}

impl Decision {
    fn read_one(&mut self, input: ParseStream<'_>, given: &mut Vec<Ident>) -> Result<()> {
        let expected = format!("expected one of the keys {}", known("", KEYS));
        let key = input.call(Ident::parse_any).map_err(|mistake| Error::new(mistake.span(), expected))?;
        let name = key.to_string();
        if !KEYS.contains(&name.as_str()) {
            let message = format!("unknown key `{name}`; known keys of decision! are {}", known(&name, KEYS));
            return Err(Error::new(key.span(), message));
        }
        if given.contains(&key) {
            return Err(Error::new(key.span(), format!("the key `{name}` is given twice")));
        }
        given.push(key.clone());
        if !input.peek(Token![=]) {
            return Err(Error::new(key.span(), format!("`{name}` needs a value: `{name} = …`")));
        }
        input.parse::<Token![=]>()?;
        match name.as_str() {
            "what" => self.parts.push(Part::What(input.parse()?)),
            "why" => self.parts.push(Part::Why(input.parse()?)),
            "confidence" => self.parts.push(Part::Confidence(confidence(input)?)),
            "alternatives" => self.parts.push(alternatives(input)?),
            "inputs" => self.parts.push(Part::Inputs(entries(input)?)),
            _ => self.root = Some(input.call(Path::parse_mod_style)?),
        }
        Ok(())
    }

    fn expand(&self) -> TokenStream {
        let (private, draft, point) = (private(self.root.as_ref()), hidden("draft"), &self.point);
        let parts = self.parts.iter().map(|part| part.expand(&private, &draft));
        let site = quote! {
            static __WHYTRACE_SITE: #private::Site = #private::Site::new(
                #private::SiteKind::Decision,
                #point,
                "",
                ::core::module_path!(),
                ::core::file!(),
                ::core::line!(),
                ::core::column!(),
            );
        };
        // In a closure, so that code which records nothing steps over none of it.
        let recorded = if self.parts.iter().flat_map(Part::values).any(may_leave) {
            quote! {
                if let ::core::option::Option::Some(mut #draft) = #private::decision_draft(&__WHYTRACE_SITE) {
                    #(#parts)*
                    #draft.record();
                }
            }
        } else {
            quote! { #private::decision(&__WHYTRACE_SITE, |#draft: &mut #private::DecisionDraft| { #(#parts)* }); }
        };
        if cfg!(feature = "disabled") {
            return quote! { { if false { #site #recorded } } };
        }
        quote! {
            {
                #site
                #private::inventory::submit! { #private::SiteRef(&__WHYTRACE_SITE) }
                #recorded
            }
        }
    }
}

/// An expression that, if it is a number, lies between 0 and 1.
fn confidence(input: ParseStream<'_>) -> Result<Expr> {
    let value: Expr = input.parse()?;
    let outside = |span| Err(Error::new(span, "a confidence lies between 0 and 1"));
    match &value {
        Expr::Lit(literal) => match number(&literal.lit) {
            Some(number) if !(0.0..=1.0).contains(&number) => return outside(literal.lit.span()),
            None => return Err(Error::new(literal.lit.span(), "a confidence is a number between 0 and 1")),
            Some(_) => {}
        },
        Expr::Unary(negated) if matches!(negated.op, UnOp::Neg(_)) => {
            if let Expr::Lit(literal) = &*negated.expr
                && number(&literal.lit).is_some_and(|number| number != 0.0)
            {
                return outside(first_span(negated));
            }
        }
        _ => {}
    }
    Ok(value)
}

fn number(literal: &Lit) -> Option<f64> {
    match literal {
        Lit::Float(number) => number.base10_parse().ok(),
        Lit::Int(number) => number.base10_parse().ok(),
        _ => None,
    }
}

/// `["google" => 0.6, …]` or any other expression.
fn alternatives(input: ParseStream<'_>) -> Result<Part> {
    if input.peek(syn::token::Bracket) {
        let ahead = input.fork();
        let content;
        bracketed!(content in ahead);
        let is_list = content.is_empty() || content.parse::<TokenStream>()?.into_iter().any(|token| is_arrow(&token));
        if is_list && (ahead.is_empty() || ahead.peek(Token![,])) {
            let content;
            bracketed!(content in input);
            let pairs = Punctuated::<(Expr, Expr), Token![,]>::parse_terminated_with(&content, pair)?;
            return Ok(Part::Listed(pairs.into_iter().collect()));
        }
    }
    Ok(Part::Iterated(input.parse()?))
}

/// Whether a token is the `=` of `=>`.
fn is_arrow(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=' && punct.spacing() == proc_macro2::Spacing::Joint)
}

fn pair(input: ParseStream<'_>) -> Result<(Expr, Expr)> {
    let option: Expr = input.parse()?;
    if !input.peek(Token![=>]) {
        let message = "an alternative needs its confidence: `\"google\" => 0.6`";
        return Err(Error::new(first_span(&option), message));
    }
    input.parse::<Token![=>]>()?;
    Ok((option, confidence(input)?))
}

impl Part {
    /// What the user wrote.
    fn values(&self) -> Vec<&Expr> {
        match self {
            Self::What(value) | Self::Why(value) | Self::Confidence(value) | Self::Iterated(value) => vec![value],
            Self::Listed(pairs) => pairs.iter().flat_map(|(option, confidence)| [option, confidence]).collect(),
            Self::Inputs(entries) => entries.iter().map(|entry| &entry.value).collect(),
        }
    }

    fn expand(&self, private: &TokenStream, draft: &Ident) -> TokenStream {
        match self {
            Self::What(what) => {
                let what = text(private, what);
                quote! { #draft.what(&#what); }
            }
            Self::Why(why) => {
                let why = text(private, why);
                quote! { #draft.why(&#why); }
            }
            Self::Confidence(confidence) => quote! { #draft.confidence(#private::confidence(#confidence)); },
            Self::Listed(pairs) => {
                let pairs = pairs.iter().map(|(option, confidence)| {
                    let option = text(private, option);
                    quote! { #draft.alternative(&#option, #private::confidence(#confidence)); }
                });
                quote! { #(#pairs)* }
            }
            Self::Iterated(options) => {
                let item = Ident::new("item", hidden("item").span().located_at(first_span(options)));
                let (option, confidence) = (hidden("option"), hidden("confidence"));
                let pair = located(quote! { #private::alternative }, item.span());
                quote! {
                    for #item in ::core::iter::IntoIterator::into_iter(#options) {
                        let (#option, #confidence) = #pair(#item);
                        #draft.alternative(&#option, #confidence);
                    }
                }
            }
            Self::Inputs(inputs) => {
                inputs.iter().map(|Entry { key, value }| capture(private, value, &quote!(#draft.input(#key)))).collect()
            }
        }
    }
}

/// A text: a literal is borrowed, what `format!` makes is moved, anything else is looked at by reference.
fn text(private: &TokenStream, value: &Expr) -> TokenStream {
    match value {
        Expr::Lit(syn::ExprLit { lit: Lit::Str(literal), .. }) => borrowed(private, literal),
        Expr::Macro(call) if call.mac.path.segments.last().is_some_and(|last| last.ident == "format") => {
            quote! { #private::Text::Owned(#value) }
        }
        _ => worded(private, value),
    }
}

fn borrowed(private: &TokenStream, literal: &LitStr) -> TokenStream {
    let literal = literal.to_token_stream();
    quote! { #private::Text::Borrowed(#literal) }
}
