//! `prompt!`: a named template as a `static`, and, where the template is simple enough to be understood here, a struct of the same name with
//! one field for each variable.

use super::{at, located, private};
use crate::mistakes::{Mistakes, known};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use std::path::PathBuf;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Error, LitStr, Path, Result, Token, Visibility};

/// The expansion, or the mistakes beside a prompt that says nothing.
pub(crate) fn expand(tokens: TokenStream) -> TokenStream {
    match syn::parse2::<Prompts>(tokens) {
        Ok(prompts) => prompts.0.iter().map(Prompt::expand).collect(),
        Err(mistakes) => mistakes.to_compile_error(),
    }
}

/// The keys that `prompt!` knows beside the name.
const KEYS: [&str; 4] = ["template", "file", "system", "crate"];

/// One or more prompts, each ended by `;` or the end.
struct Prompts(Vec<Prompt>);

struct Prompt {
    attrs: Vec<Attribute>,
    vis: Visibility,
    ident: Ident,
    name: LitStr,
    template: Source,
    system: Option<LitStr>,
    root: Option<Path>,
}

/// Where a template stands.
enum Source {
    Literal(LitStr),
    /// The path as it was written, and the text of the file.
    File(LitStr, String),
}

impl Parse for Prompts {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut prompts = vec![input.parse()?];
        while !input.is_empty() {
            input.parse::<Token![;]>()?;
            if !input.is_empty() {
                prompts.push(input.parse()?);
            }
        }
        Ok(Self(prompts))
    }
}

#[derive(Default)]
struct Given {
    template: Option<LitStr>,
    file: Option<LitStr>,
    system: Option<LitStr>,
    root: Option<Path>,
    keys: Vec<Ident>,
}

impl Parse for Prompt {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let how = "a prompt is written `pub SUPPORT_BOT = \"support_bot\", template = \"…{{ ticket }}…\"`";
        let ident: Ident = input.parse().map_err(|mistake| Error::new(mistake.span(), how))?;
        input.parse::<Token![=]>().map_err(|mistake| Error::new(mistake.span(), how))?;
        let name: LitStr = input.parse().map_err(|mistake| Error::new(mistake.span(), how))?;
        let (mut given, mut mistakes) = (Given::default(), Mistakes::default());
        while input.peek(Token![,]) {
            input.parse::<Token![,]>()?;
            if input.is_empty() || input.peek(Token![;]) {
                break;
            }
            let _ = mistakes.take(given.read_one(input));
        }
        let template = mistakes.take(given.template(&ident));
        let Given { system, root, .. } = given;
        if let Some(template) = &template {
            let _ = mistakes.take(check_syntax(template.text().as_str(), template.span()));
        }
        if let Some(system) = &system {
            let _ = mistakes.take(check_syntax(&system.value(), system.span()));
        }
        let template = template.unwrap_or_else(|| Source::Literal(name.clone()));
        mistakes.or(Self { attrs, vis, ident, name, template, system, root })
    }
}

impl Given {
    fn read_one(&mut self, input: ParseStream<'_>) -> Result<()> {
        let key = input.call(Ident::parse_any)?;
        let name = key.to_string();
        let is_known = KEYS.contains(&name.as_str());
        let is_new = !self.keys.contains(&key);
        self.keys.push(key.clone());
        if !input.peek(Token![=]) {
            return Err(Error::new(key.span(), format!("`{name}` needs a value: `{name} = …`")));
        }
        input.parse::<Token![=]>()?;
        if name == "crate" {
            self.root = Some(input.call(Path::parse_mod_style)?);
        } else {
            let text: LitStr = input.parse().map_err(|mistake| {
                Error::new(
                    mistake.span(),
                    format!("`{name}` must be a text in quotes: it is looked at while the program is compiled"),
                )
            })?;
            match name.as_str() {
                "template" => self.template = Some(text),
                "file" => self.file = Some(text),
                "system" => self.system = Some(text),
                _ => {}
            }
        }
        if !is_known {
            let message = format!("unknown key `{name}`; known keys of prompt! are {}", known(&name, KEYS));
            return Err(Error::new(key.span(), message));
        }
        if !is_new {
            return Err(Error::new(key.span(), format!("the key `{name}` is given twice")));
        }
        Ok(())
    }

    fn template(&self, ident: &Ident) -> Result<Source> {
        match (&self.template, &self.file) {
            (Some(template), None) => Ok(Source::Literal(template.clone())),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(manifest_dir().join(file.value())).map_err(|error| {
                    let message = format!("the template cannot be read: {error}; the path begins where Cargo.toml is");
                    Error::new(file.span(), message)
                })?;
                Ok(Source::File(file.clone(), text))
            }
            (Some(_), Some(file)) => Err(Error::new(file.span(), "give either `template` or `file`, not both")),
            (None, None) => {
                let message = "a prompt needs its text: `template = \"…\"`, or `file = \"prompts/support_bot.txt\"`";
                Err(Error::new(ident.span(), message))
            }
        }
    }
}

fn manifest_dir() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from)
}

impl Source {
    fn text(&self) -> String {
        match self {
            Self::Literal(text) => text.value(),
            Self::File(_, text) => text.clone(),
        }
    }

    fn span(&self) -> Span {
        match self {
            Self::Literal(text) | Self::File(text, _) => text.span(),
        }
    }

    /// The text where it ends up in the program; of a file the compiler keeps track.
    fn tokens(&self) -> TokenStream {
        match self {
            Self::Literal(text) => text.to_token_stream(),
            Self::File(path, _) => {
                quote! { ::core::include_str!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #path)) }
            }
        }
    }
}

/// Says where a template opens something that it never closes; the rest is the template engine's to judge.
fn check_syntax(template: &str, span: Span) -> Result<()> {
    for (open, close) in [("{{", "}}"), ("{%", "%}"), ("{#", "#}")] {
        let mut rest = template;
        while let Some(at) = rest.find(open) {
            let Some(end) = rest[at..].find(close) else {
                let line = 1 + template[..template.len() - rest.len() + at].matches('\n').count();
                return Err(Error::new(
                    span,
                    format!("line {line} of the template opens `{open}` and never closes it"),
                ));
            };
            rest = &rest[at + end + close.len()..];
        }
    }
    Ok(())
}

/// The variables of a template that uses nothing but `{{ name }}`, in order of appearance; `None` for any other template.
fn simple_variables(template: &str) -> Option<Vec<String>> {
    if template.contains("{%") || template.contains("{#") {
        return None;
    }
    let mut variables = Vec::new();
    for part in template.split("{{").skip(1) {
        let (inside, _) = part.split_once("}}")?;
        let name = inside.trim_matches(['-', '+']).trim();
        let is_name = syn::parse_str::<Ident>(name).is_ok() && !name.starts_with("r#") && !is_word_of_the_engine(name);
        if !is_name {
            return None;
        }
        if !variables.iter().any(|known| known == name) {
            variables.push(name.to_owned());
        }
    }
    Some(variables)
}

/// What is a value in a template without being given.
fn is_word_of_the_engine(name: &str) -> bool {
    matches!(name, "none" | "None" | "True" | "False" | "loop" | "self" | "range" | "dict" | "debug")
}

impl Prompt {
    fn expand(&self) -> TokenStream {
        let Self { attrs, vis, ident, name, template, system, root } = self;
        let private = private(root.as_ref());
        let template_tokens = template.tokens();
        let system_tokens = match system {
            Some(system) => quote! { ::core::option::Option::Some(#system) },
            None => quote! { ::core::option::Option::None },
        };
        let checked = located(quote! { #private::checked_prompt_name(#name) }, at(name));
        let registered = (!cfg!(feature = "disabled")).then(|| {
            quote! { #private::inventory::submit! { #private::PromptRef(&#ident) } }
        });
        let call = self.call(&private);
        quote! {
            #(#attrs)*
            #vis static #ident: #private::Prompt = #private::Prompt::new(
                #checked,
                #template_tokens,
                #system_tokens,
                ::core::concat!(::core::file!(), ":", ::core::line!()),
            );
            #registered
            #call
        }
    }

    /// The struct with one field for each variable, for `SUPPORT_BOT { ticket }.render()`.
    fn call(&self, private: &TokenStream) -> Option<TokenStream> {
        let Self { vis, ident, template, system, .. } = self;
        let mut variables = simple_variables(&system.as_ref().map(LitStr::value).unwrap_or_default())?;
        for variable in simple_variables(&template.text())? {
            if !variables.contains(&variable) {
                variables.push(variable);
            }
        }
        if variables.is_empty() {
            return None;
        }
        let fields: Vec<Ident> = variables.iter().map(|name| Ident::new(name, self.template.span())).collect();
        let types: Vec<Ident> = (0..fields.len()).map(|at| format_ident!("T{at}")).collect();
        let doc = format!(
            "The variables of the prompt [`{ident}`](static@{ident}): fill in all of them, then call `render`."
        );
        let field_docs = variables.iter().map(|name| format!("What `{{{{ {name} }}}}` becomes."));
        Some(quote! {
            #[doc = #doc]
            #[allow(non_camel_case_types, dead_code, clippy::upper_case_acronyms)]
            #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
            #vis struct #ident<#(#types),*> {
                #(#[doc = #field_docs] #vis #fields: #types,)*
            }

            #[allow(dead_code)]
            impl<#(#types: #private::Serialize),*> #ident<#(#types),*> {
                /// Renders the prompt with these variables.
                ///
                /// # Errors
                /// When a value refuses to be serialized, or the text gets too long.
                #vis fn render(&self) -> ::core::result::Result<#private::RenderedPrompt, #private::PromptError> {
                    #ident.render_pairs(&[#((#variables, #private::template_value(&self.#fields))),*])
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_simple_templates_have_known_variables() {
        let variables = |template| simple_variables(template).map(|names| names.join(" "));
        assert_eq!(variables("no variables").as_deref(), Some(""));
        assert_eq!(variables("{{ b }} {{a}} {{- b -}} } { {").as_deref(), Some("b a"));
        for other in
            ["{{ a.b }}", "{{ a | upper }}", "{% if a %}{% endif %}", "{{ 'a' }}", "{{ }}", "{{ range }}", "{{ if }}"]
        {
            assert_eq!(variables(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_never_closed_is_found_with_its_line() {
        let check = |template| check_syntax(template, Span::call_site()).map_err(|mistake| mistake.to_string());
        assert_eq!(check("{{ a }} {% b %} {# c #}"), Ok(()));
        assert_eq!(check("a }}"), Ok(()));
        assert_eq!(
            check("one\n{{ a }}\n{{ b"),
            Err("line 3 of the template opens `{{` and never closes it".to_owned())
        );
    }
}
