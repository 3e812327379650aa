//! What the user wrote, as text and as a place.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::{Expr, Result};

/// An expression and the tokens it was read from.
pub(crate) fn with_source(input: ParseStream<'_>) -> Result<(Expr, TokenStream)> {
    let before = input.fork();
    let value: Expr = input.parse()?;
    let mut source = TokenStream::new();
    while before.cursor() != input.cursor() {
        source.extend([before.parse::<TokenTree>()?]);
    }
    Ok((value, source))
}

/// How long a key made from an expression may be, in characters.
const MAX_KEY: usize = 64;

/// Tokens as a person would write them, cut when they are long.
pub(crate) fn source_text(tokens: TokenStream) -> String {
    let mut text = String::new();
    write_source(tokens, &mut text);
    if text.chars().count() > MAX_KEY {
        text = text.chars().take(MAX_KEY - 1).chain(['…']).collect();
    }
    text
}

fn write_source(tokens: TokenStream, text: &mut String) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    proc_macro2::Delimiter::Parenthesis => ("(", ")"),
                    proc_macro2::Delimiter::Brace => ("{ ", " }"),
                    proc_macro2::Delimiter::Bracket => ("[", "]"),
                    proc_macro2::Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write_source(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) if punct.as_char() == ',' => text.push_str(", "),
            TokenTree::Punct(punct) => text.push(punct.as_char()),
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                if text.chars().next_back().is_some_and(|last| last.is_alphanumeric() || last == '_') {
                    text.push(' ');
                }
                text.push_str(&token.to_string());
            }
        }
    }
}

/// The span of the first token, which is what a stable compiler can say of several.
pub(crate) fn first_span(tokens: &impl ToTokens) -> Span {
    tokens.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Ident;
    use quote::quote;

    #[test]
    fn keys_read_like_the_expression() {
        let text = |tokens| source_text(tokens);
        assert_eq!(text(quote!(b.len())), "b.len()");
        assert_eq!(text(quote!(self.config.limits[0] as f64)), "self.config.limits[0]as f64");
        assert_eq!(text(quote!(a.get(b, &c))), "a.get(b, &c)");
        let long = "x".repeat(100);
        let ident = Ident::new(&long, Span::call_site());
        assert_eq!(text(quote!(#ident)).chars().count(), MAX_KEY);
    }
}
