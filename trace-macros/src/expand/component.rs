//! `#[derive(TracingComponent)]` and `register_component!`: a component's declaration, known before anything runs.

use super::private;
use crate::fallback;
use crate::mistakes::{Mistakes, known};
use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{DeriveInput, Error, LitStr, Path, Result, Token, Type, parenthesized};

/// The keys of `#[component(…)]`.
const KEYS: [&str; 4] = ["name", "decisions", "outputs", "crate"];

#[derive(Default)]
struct Declaration {
    name: Option<LitStr>,
    decisions: Vec<LitStr>,
    outputs: Vec<LitStr>,
    root: Option<Path>,
    given: Vec<Ident>,
}

/// The implementation of `TracingComponent`, or the mistakes. After a mistake there is an implementation all the same, so that nothing
/// that relies on it complains as well.
pub(crate) fn derive(input: &DeriveInput) -> TokenStream {
    match Declaration::of(input) {
        Ok(declaration) => declaration.expand(input, true),
        Err(mistakes) => {
            let name = LitStr::new("", input.ident.span());
            let implementation = Declaration { name: Some(name), ..Declaration::default() }.expand(input, false);
            fallback::item(implementation, &mistakes)
        }
    }
}

impl Declaration {
    fn of(input: &DeriveInput) -> Result<Self> {
        let (mut declaration, mut mistakes) = (Self::default(), Mistakes::default());
        for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("component")) {
            let _ = mistakes.take(attribute.parse_args_with(|content: ParseStream<'_>| declaration.read(content)));
        }
        if declaration.name.is_none() && declaration.given.iter().all(|given| given != "name") {
            let message = "a component needs a name: `#[component(name = \"rubric_loader\")]`";
            mistakes.add(Error::new(input.ident.span(), message));
        }
        mistakes.or(declaration)
    }

    fn read(&mut self, content: ParseStream<'_>) -> Result<()> {
        while !content.is_empty() {
            self.read_one(content)?;
            if !content.is_empty() {
                content.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn read_one(&mut self, content: ParseStream<'_>) -> Result<()> {
        let key = content.call(Ident::parse_any)?;
        let name = key.to_string();
        if !KEYS.contains(&name.as_str()) {
            let message = format!("unknown key `{name}`; known keys of #[component] are {}", known(&name, KEYS));
            return Err(Error::new(key.span(), message));
        }
        if self.given.contains(&key) {
            return Err(Error::new(key.span(), format!("the key `{name}` is given twice")));
        }
        self.given.push(key.clone());
        match name.as_str() {
            "decisions" => self.decisions = names(&key, content)?,
            "outputs" => self.outputs = names(&key, content)?,
            _ => {
                if !content.peek(Token![=]) {
                    return Err(Error::new(key.span(), format!("`{name}` needs a value: `{name} = …`")));
                }
                content.parse::<Token![=]>()?;
                match name.as_str() {
                    "name" => self.name = Some(component_name(content)?),
                    _ => self.root = Some(content.call(Path::parse_mod_style)?),
                }
            }
        }
        Ok(())
    }

    fn expand(&self, input: &DeriveInput, is_registered: bool) -> TokenStream {
        let Self { name, decisions, outputs, root, .. } = self;
        let (private, ident) = (private(root.as_ref()), &input.ident);
        let (generics, arguments, bounds) = input.generics.split_for_impl();
        let type_name = ident.unraw().to_string();
        let registered = (is_registered && !cfg!(feature = "disabled")).then(|| {
            quote! {
                #private::inventory::submit! {
                    #private::ComponentDecl {
                        name: #name,
                        decisions: &[#(#decisions),*],
                        outputs: &[#(#outputs),*],
                        type_name: ::core::concat!(::core::module_path!(), "::", #type_name),
                        location: ::core::concat!(::core::file!(), ":", ::core::line!()),
                    }
                }
            }
        });
        quote! {
            #[automatically_derived]
            impl #generics #private::TracingComponent for #ident #arguments #bounds {
                const NAME: &'static ::core::primitive::str = #name;
                const DECISIONS: &'static [&'static ::core::primitive::str] = &[#(#decisions),*];
                const OUTPUTS: &'static [&'static ::core::primitive::str] = &[#(#outputs),*];
            }
            #registered
        }
    }
}

fn component_name(content: ParseStream<'_>) -> Result<LitStr> {
    let name: LitStr = content.parse()?;
    match name.value().trim().is_empty() {
        true => Err(Error::new(name.span(), "the name must not be empty")),
        false => Ok(name),
    }
}

/// `("a", "b")`, each once.
fn names(key: &Ident, content: ParseStream<'_>) -> Result<Vec<LitStr>> {
    if !content.peek(syn::token::Paren) {
        return Err(Error::new(key.span(), format!("`{key}` is a list of names: `{key}(\"a\", \"b\")`")));
    }
    let list;
    parenthesized!(list in content);
    let names: Vec<LitStr> = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?.into_iter().collect();
    for (at, name) in names.iter().enumerate() {
        if names[..at].iter().any(|before| before.value() == name.value()) {
            return Err(Error::new(name.span(), format!("`{}` is listed twice", name.value())));
        }
    }
    Ok(names)
}

/// Registers a type that implements `TracingComponent` by hand.
pub(crate) fn register(tokens: TokenStream) -> TokenStream {
    let read = |input: ParseStream<'_>| {
        let component: Type = input.parse()?;
        if input.is_empty() {
            return Ok((component, None));
        }
        input.parse::<Token![,]>()?;
        input.parse::<Token![crate]>()?;
        input.parse::<Token![=]>()?;
        Ok((component, Some(input.call(Path::parse_mod_style)?)))
    };
    match syn::parse::Parser::parse2(read, tokens) {
        Ok(_) if cfg!(feature = "disabled") => TokenStream::new(),
        Ok((component, root)) => {
            let private = private(root.as_ref());
            quote! {
                #private::inventory::submit! {
                    #private::ComponentDecl::of::<#component>().declared_at(
                        ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#component)),
                        ::core::concat!(::core::file!(), ":", ::core::line!()),
                    )
                }
            }
        }
        Err(mistake) => {
            let message = "expected a type that implements `TracingComponent`: `register_component!(RubricLoader);`";
            Error::new(mistake.span(), message).to_compile_error()
        }
    }
}
