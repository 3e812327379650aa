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

/// Macros that do no more than make a value of what they are given.
const VALUE_MACROS: [&str; 10] =
    ["column", "concat", "env", "file", "format", "format_args", "json", "line", "module_path", "vec"];

/// Whether an expression may go elsewhere than to its end (`?`, `return`, `.await`, a macro that may hide one) or assigns to a variable: then
/// it does not mean the same in a closure. Says so rather too often.
pub(crate) fn may_leave(value: &Expr) -> bool {
    leaves(value.to_token_stream())
}

fn leaves(tokens: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => leaves(group.stream()),
        TokenTree::Ident(word) => ["await", "break", "continue", "return", "yield"].iter().any(|leave| word == leave),
        TokenTree::Punct(punct) => match (punct.as_char(), &tokens[..at], tokens.get(at + 1)) {
            ('?', ..) => true,
            ('!', [.., TokenTree::Ident(name)], Some(TokenTree::Group(_))) => {
                !VALUE_MACROS.iter().any(|value_macro| name == value_macro)
            }
            ('=', before, after) => assigns(before.last(), after),
            _ => false,
        },
        TokenTree::Literal(_) => false,
    })
}

/// Whether an `=` between these is no part of a comparison or of `=>`.
fn assigns(before: Option<&TokenTree>, after: Option<&TokenTree>) -> bool {
    let is = |token: Option<&TokenTree>, signs: &str| matches!(token, Some(TokenTree::Punct(punct)) if signs.contains(punct.as_char()));
    !is(before, "=!<>") && !is(after, "=>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::Ident;
    use quote::quote;
    use syn::parse_quote;

    #[test]
    fn an_expression_that_may_leave_is_told_from_one_that_makes_a_value() {
        let leaves: [Expr; 9] = [
            parse_quote!(a?),
            parse_quote!(f(a.await)),
            parse_quote!(if a { return 1 } else { 2 }),
            parse_quote!(format!("{}", a?)),
            parse_quote!(ready!(a)),
            parse_quote!({
                a = 1;
                a
            }),
            parse_quote!({
                a += 1;
                a
            }),
            parse_quote!(loop {
                break 1;
            }),
            parse_quote!(vec![todo!()]),
        ];
        assert_eq!(leaves.iter().filter(|value| !may_leave(value)).count(), 0);
        let stays: [Expr; 6] = [
            parse_quote!("a"),
            parse_quote!(format!("{a} of {}", b.len())),
            parse_quote!(serde_json::json!({"a": [a, !b]})),
            parse_quote!(if a == b || a <= c || a != d { 1 } else { 2 }),
            parse_quote!(match a {
                1 => x,
                _ => y,
            }),
            parse_quote!(list.iter().map(|(a, b)| (a, *b)).collect::<Vec<_>>()),
        ];
        assert_eq!(stays.iter().filter(|value| may_leave(value)).count(), 0);
    }

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
