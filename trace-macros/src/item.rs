//! The item under an attribute, as far as an expansion needs to know it. A function's body stays what the user wrote, token by token.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{
    Attribute, Error, FnArg, GenericArgument, ItemImpl, Pat, PathArguments, Result, ReturnType, Signature, Token, Type,
    TypeParamBound, Visibility,
};

/// What an attribute may stand on.
pub(crate) enum Item {
    Function(Box<Function>),
    Impl(Box<ItemImpl>),
}

/// A function or method with a body.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    /// `default`, of a specializable method.
    pub(crate) modifier: Option<Ident>,
    pub(crate) sig: Signature,
    pub(crate) body: Body,
}

/// What stands between a function's braces.
pub(crate) struct Body {
    pub(crate) statements: TokenStream,
    /// Of the braces. It carries the edition by whose rules the statements are compiled.
    pub(crate) span: Span,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        let _: Visibility = ahead.parse()?;
        while ahead.peek(Token![unsafe]) || ahead.peek(Token![default]) {
            let _: TokenTree = ahead.parse()?;
        }
        if ahead.peek(Token![impl]) {
            return Ok(Self::Impl(Box::new(input.parse()?)));
        }
        if let Some(what) = other_item(&ahead) {
            return Err(ahead.error(format!("this goes on a function or a method, not on {what}")));
        }
        Ok(Self::Function(Box::new(input.parse()?)))
    }
}

/// What an item is that is no function.
fn other_item(input: ParseStream<'_>) -> Option<&'static str> {
    let is_function_ahead = input.peek2(Token![fn]) || input.peek2(Token![unsafe]) || input.peek2(Token![async]);
    Some(match () {
        () if input.peek(Token![struct]) => "a struct",
        () if input.peek(Token![enum]) => "an enum",
        () if input.peek(Token![trait]) => "a trait: put it on the methods that have a body",
        () if input.peek(Token![mod]) => "a module",
        () if input.peek(Token![type]) => "a type alias",
        () if input.peek(Token![static]) => "a static",
        () if input.peek(Token![use]) => "a `use`",
        () if input.peek(Token![let]) || input.peek(syn::token::Brace) => "a statement: move the code into a function",
        () if input.peek(Token![const]) && !is_function_ahead && !input.peek2(Token![extern]) => "a constant",
        () if input.peek(Token![move]) || input.peek(Token![|]) || input.peek(Token![||]) => "a closure",
        () => return None,
    })
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let modifier = input.peek(Token![default]).then(|| input.call(syn::ext::IdentExt::parse_any)).transpose()?;
        let sig: Signature = input.parse()?;
        if input.peek(Token![;]) {
            return Err(Error::new(
                sig.ident.span(),
                "this method has no body to observe: put the attribute on the methods that implement it",
            ));
        }
        let braces: Group = input.parse()?;
        if braces.delimiter() != Delimiter::Brace || !input.is_empty() {
            return Err(Error::new(braces.span(), "expected the function's body"));
        }
        let split = |body: ParseStream<'_>| Ok((body.call(Attribute::parse_inner)?, body.parse::<TokenStream>()?));
        let (inner, statements) = split.parse2(braces.stream())?;
        attrs.extend(inner.into_iter().map(|mut attribute| {
            attribute.style = syn::AttrStyle::Outer;
            attribute
        }));
        Ok(Self { attrs, vis, modifier, sig, body: Body { statements, span: braces.span() } })
    }
}

impl Function {
    /// The type that is returned; `()` where none is written.
    pub(crate) fn returned(&self) -> Type {
        match &self.sig.output {
            ReturnType::Default => syn::parse_quote!(()),
            ReturnType::Type(_, returned) => (**returned).clone(),
        }
    }

    /// The names that the parameters bind, without `self`.
    pub(crate) fn parameters(&self) -> Vec<Ident> {
        let mut names = Vec::new();
        for input in &self.sig.inputs {
            if let FnArg::Typed(parameter) = input {
                bound_names(&parameter.pat, &mut names);
            }
        }
        names
    }

    /// The function with another body.
    pub(crate) fn with_body(&self, body: &TokenStream) -> TokenStream {
        let Self { attrs, vis, modifier, sig, .. } = self;
        quote! { #(#attrs)* #vis #modifier #sig { #body } }
    }
}

impl Body {
    /// The statements in braces of their own, after some of ours.
    pub(crate) fn block(&self, before: TokenStream) -> TokenStream {
        let mut tokens = before;
        tokens.extend(self.statements.clone());
        let mut block = Group::new(Delimiter::Brace, tokens);
        block.set_span(self.span);
        TokenTree::Group(block).into()
    }

    /// The body as a future that is written out: nothing but `async move { … }`, or that inside of `Box::pin(…)`. Then the call around the
    /// block comes first, if there is one.
    pub(crate) fn as_async_block(&self) -> Option<(Option<TokenStream>, Body)> {
        let mut tokens: Vec<TokenTree> = self.statements.clone().into_iter().collect();
        let mut call = None;
        if let Some(TokenTree::Group(arguments)) = tokens.last()
            && arguments.delimiter() == Delimiter::Parenthesis
        {
            let inside = arguments.stream();
            tokens.pop();
            if !is_box_pin(&tokens) {
                return None;
            }
            call = Some(tokens.into_iter().collect());
            tokens = inside.into_iter().collect();
        }
        match &tokens[..] {
            [TokenTree::Ident(a), TokenTree::Ident(m), TokenTree::Group(block)]
                if a == "async" && m == "move" && block.delimiter() == Delimiter::Brace =>
            {
                Some((call, Body { statements: block.stream(), span: block.span() }))
            }
            _ => None,
        }
    }
}

/// Whether tokens are a path that ends in `Box::pin`.
fn is_box_pin(tokens: &[TokenTree]) -> bool {
    let mut names = tokens.iter().rev().filter_map(|token| match token {
        TokenTree::Ident(name) => Some(name.to_string()),
        _ => None,
    });
    let is_path = tokens.iter().all(|token| match token {
        TokenTree::Ident(_) => true,
        TokenTree::Punct(punct) => punct.as_char() == ':',
        _ => false,
    });
    is_path && names.next().as_deref() == Some("pin") && names.next().as_deref() == Some("Box")
}

fn bound_names(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(bound) => {
            names.push(bound.ident.clone());
            if let Some((_, inside)) = &bound.subpat {
                bound_names(inside, names);
            }
        }
        Pat::Paren(inside) => bound_names(&inside.pat, names),
        Pat::Reference(inside) => bound_names(&inside.pat, names),
        Pat::Type(inside) => bound_names(&inside.pat, names),
        Pat::Slice(inside) => inside.elems.iter().for_each(|pattern| bound_names(pattern, names)),
        Pat::Tuple(inside) => inside.elems.iter().for_each(|pattern| bound_names(pattern, names)),
        Pat::TupleStruct(inside) => inside.elems.iter().for_each(|pattern| bound_names(pattern, names)),
        Pat::Struct(inside) => inside.fields.iter().for_each(|field| bound_names(&field.pat, names)),
        _ => {}
    }
}

/// What a function gives back, as far as its signature says.
pub(crate) enum Shape {
    /// A value, now or (`async fn`) later.
    Value,
    /// `!`.
    Never,
    /// `impl Future`, or a pinned box of one; with the type of its output, where that is written.
    Future { output: Option<Type>, is_boxed: bool },
    /// `impl Stream`, or a pinned box of one; with the type of its items, where that is written.
    Stream { item: Option<Type>, is_boxed: bool },
}

impl Shape {
    pub(crate) fn of(returned: &Type) -> Self {
        match returned {
            Type::Never(_) => Self::Never,
            Type::ImplTrait(opaque) => Self::of_bounds(opaque.bounds.iter(), false),
            Type::Paren(inside) => Self::of(&inside.elem),
            Type::Group(inside) => Self::of(&inside.elem),
            Type::Path(path) => Self::of_path(&path.path),
            _ => Self::Value,
        }
    }

    fn of_bounds<'a>(bounds: impl Iterator<Item = &'a TypeParamBound>, is_boxed: bool) -> Self {
        for bound in bounds {
            let TypeParamBound::Trait(bound) = bound else { continue };
            let Some(last) = bound.path.segments.last() else { continue };
            if last.ident == "Future" {
                return Self::Future { output: associated(&last.arguments, "Output"), is_boxed };
            }
            if last.ident == "Stream" {
                return Self::Stream { item: associated(&last.arguments, "Item"), is_boxed };
            }
        }
        Self::Value
    }

    fn of_path(path: &syn::Path) -> Self {
        let Some(last) = path.segments.last() else { return Self::Value };
        let inside = first_type(&last.arguments);
        match last.ident.to_string().as_str() {
            "BoxFuture" | "LocalBoxFuture" => Self::Future { output: inside, is_boxed: true },
            "BoxStream" | "LocalBoxStream" => Self::Stream { item: inside, is_boxed: true },
            "Pin" => inside.map_or(Self::Value, |inside| Self::of_pinned(&inside)),
            _ => Self::Value,
        }
    }

    fn of_pinned(pinned: &Type) -> Self {
        let Type::Path(path) = pinned else { return Self::Value };
        let Some(last) = path.path.segments.last().filter(|last| last.ident == "Box") else { return Self::Value };
        match first_type(&last.arguments) {
            Some(Type::TraitObject(object)) => Self::of_bounds(object.bounds.iter(), true),
            _ => Self::Value,
        }
    }
}

/// `T` in `Trait<Name = T>`.
fn associated(arguments: &PathArguments, name: &str) -> Option<Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(associated) if associated.ident == name => Some(associated.ty.clone()),
        _ => None,
    })
}

/// `T` in `Name<'a, T, …>`.
pub(crate) fn first_type(arguments: &PathArguments) -> Option<Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(inside) => Some(inside.clone()),
        _ => None,
    })
}

/// A type with `_` for every `impl Trait` in it, to be written where that is not allowed.
pub(crate) fn without_impl_trait(returned: &Type) -> TokenStream {
    if matches!(returned, Type::ImplTrait(_)) {
        return quote!(_);
    }
    if !mentions_impl(returned.to_token_stream()) {
        return returned.to_token_stream();
    }
    match returned {
        Type::Path(path) => {
            let mut path = path.clone();
            for segment in &mut path.path.segments {
                if let PathArguments::AngleBracketed(arguments) = &mut segment.arguments {
                    for argument in &mut arguments.args {
                        if let GenericArgument::Type(inside) = argument {
                            *inside = Type::Verbatim(without_impl_trait(inside));
                        }
                    }
                }
            }
            path.to_token_stream()
        }
        Type::Tuple(tuple) => {
            let elements = tuple.elems.iter().map(without_impl_trait);
            quote! { (#(#elements,)*) }
        }
        _ => quote!(_),
    }
}

fn mentions_impl(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "impl",
        TokenTree::Group(group) => mentions_impl(group.stream()),
        _ => false,
    })
}

/// The literal names of the `decision!`s in a body, in order, each once.
pub(crate) fn decisions_in(body: &TokenStream) -> Vec<syn::LitStr> {
    fn visit(tokens: TokenStream, found: &mut Vec<syn::LitStr>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, token) in tokens.iter().enumerate() {
            let TokenTree::Group(group) = token else { continue };
            let is_decision = matches!(
                tokens[..at],
                [.., TokenTree::Ident(ref name), TokenTree::Punct(ref bang)] if name == "decision" && bang.as_char() == '!'
            );
            if let Some(name) = is_decision.then(|| first_text(group.stream())).flatten()
                && found.iter().all(|known| known.value() != name.value())
            {
                found.push(name);
            }
            visit(group.stream(), found);
        }
    }
    let mut found = Vec::new();
    visit(body.clone(), &mut found);
    found
}

fn first_text(tokens: TokenStream) -> Option<syn::LitStr> {
    let first = tokens.into_iter().next()?;
    syn::parse2(first.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn shapes_are_read_from_the_signature() {
        let is = |returned: Type| match Shape::of(&returned) {
            Shape::Value => "value",
            Shape::Never => "never",
            Shape::Future { is_boxed: false, .. } => "future",
            Shape::Future { is_boxed: true, .. } => "boxed future",
            Shape::Stream { is_boxed: false, .. } => "stream",
            Shape::Stream { is_boxed: true, .. } => "boxed stream",
        };
        assert_eq!(is(parse_quote!(Vec<u8>)), "value");
        assert_eq!(is(parse_quote!(!)), "never");
        assert_eq!(is(parse_quote!(impl Iterator<Item = u8>)), "value");
        assert_eq!(is(parse_quote!(impl Send + ::core::future::Future<Output = u8>)), "future");
        assert_eq!(is(parse_quote!(::core::pin::Pin<Box<dyn Future<Output = ()> + Send + 'a>>)), "boxed future");
        assert_eq!(is(parse_quote!(BoxFuture<'_, u8>)), "boxed future");
        assert_eq!(is(parse_quote!(Pin<Box<dyn Iterator<Item = ()>>>)), "value");
        assert_eq!(is(parse_quote!(impl futures::Stream<Item = u8> + 'static)), "stream");
        assert_eq!(is(parse_quote!(BoxStream<'static, Result<u8, E>>)), "boxed stream");
    }

    #[test]
    fn impl_trait_is_replaced_where_it_stands() {
        let written = |returned: Type| without_impl_trait(&returned).to_string().replace(' ', "");
        assert_eq!(written(parse_quote!(impl Display)), "_");
        assert_eq!(written(parse_quote!(Result<impl Stream<Item = u8>, E>)), "Result<_,E>");
        assert_eq!(written(parse_quote!((u8, Box<impl Fn()>))), "(u8,Box<_>,)");
        assert_eq!(written(parse_quote!(&'a str)), "&'astr");
    }

    #[test]
    fn decisions_are_found_at_any_depth_once() {
        let body = quote! {
            whytrace::decision!("a", what = "x");
            if true { decision! { "b" }; vec![decision!("a", what = decision!("c"))]; other!("d"); decision!(CONST) }
        };
        let names: Vec<_> = decisions_in(&body).iter().map(syn::LitStr::value).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn a_written_out_future_is_recognized() {
        let is = |statements: TokenStream| {
            let body = Body { statements, span: Span::call_site() };
            body.as_async_block().map(|(call, _)| call.is_some())
        };
        assert_eq!(is(quote! { async move { 1 } }), Some(false));
        assert_eq!(is(quote! { ::std::boxed::Box::pin(async move { 1 }) }), Some(true));
        assert_eq!(is(quote! { async { 1 } }), None);
        assert_eq!(is(quote! { wrap(async move { 1 }) }), None);
        assert_eq!(is(quote! { let a = 1; async move { a } }), None);
    }
}
