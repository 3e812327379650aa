//! The options of the attributes: one table says which exist, where they belong and how each is read.

use crate::entries::{Entry, entries};
use crate::mistakes::{Mistakes, known};
use crate::source::{first_span, source_text, with_source};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprClosure, Lit, LitStr, Path, Result, Token, Type, parenthesized};

/// Which attribute is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Stage,
    Observable,
    Run,
}

impl Target {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Stage => "traced_stage",
            Self::Observable => "observable",
            Self::Run => "traced_run",
        }
    }
}

/// What an attribute says.
#[derive(Default)]
pub(crate) struct Options {
    /// A literal or the path of a constant.
    pub(crate) name: Option<Expr>,
    pub(crate) component: Option<Type>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) input_all: Option<Span>,
    pub(crate) skip: Vec<Ident>,
    pub(crate) redact: Vec<Ident>,
    pub(crate) output: Output,
    pub(crate) stream: Option<Span>,
    pub(crate) boxed: Option<Span>,
    pub(crate) kind: Option<LitStr>,
    pub(crate) prompt: Option<Expr>,
    pub(crate) model: Option<Expr>,
    pub(crate) usage: Option<ExprClosure>,
    pub(crate) response: Option<ExprClosure>,
    /// What `#[traced_run]` says of the run, in the order in which it was written.
    pub(crate) run: Vec<RunOption>,
    /// The path of the `whytrace` crate.
    pub(crate) root: Option<Path>,
    /// The options that were given, as they were written.
    pub(crate) given: Vec<Ident>,
}

/// One captured value.
pub(crate) struct Input {
    pub(crate) key: String,
    pub(crate) value: Expr,
}

/// What is captured of the result.
#[derive(Default)]
pub(crate) enum Output {
    #[default]
    Nothing,
    Whole,
    Of(ExprClosure),
}

/// One thing said of a run.
pub(crate) enum RunOption {
    /// `query = …` and the like: the method of `Run`, and the value.
    Text(Ident, Expr),
    /// `tags = { … }`.
    Tags(Vec<Entry>),
    /// `fields = { … }`.
    Fields(Vec<Entry>),
}

/// One row of the table.
struct Known {
    name: &'static str,
    /// How it is written.
    usage: &'static str,
    targets: &'static [Target],
    read: fn(&Word<'_>, &mut Options) -> Result<()>,
}

/// An option's name that was met, and what comes after it.
struct Word<'a> {
    ident: &'a Ident,
    usage: &'static str,
    input: ParseStream<'a>,
}

const ALL: &[Target] = &[Target::Stage, Target::Observable, Target::Run];
const SPANS: &[Target] = &[Target::Stage, Target::Observable];
const OBSERVABLE: &[Target] = &[Target::Observable];
const RUN: &[Target] = &[Target::Run];

const fn row(
    name: &'static str,
    usage: &'static str,
    targets: &'static [Target],
    read: fn(&Word<'_>, &mut Options) -> Result<()>,
) -> Known {
    Known { name, usage, targets, read }
}

const OPTIONS: &[Known] = &[
    row("project", "project = \"name\"", RUN, |word, options| options.run_text(word)),
    row("query", "query = expression", RUN, |word, options| options.run_text(word)),
    row("intent", "intent = expression", RUN, |word, options| options.run_text(word)),
    row("domain", "domain = expression", RUN, |word, options| options.run_text(word)),
    row("report_type", "report_type = expression", RUN, |word, options| options.run_text(word)),
    row("research_type", "research_type = expression", RUN, |word, options| options.run_text(word)),
    row("session", "session = expression", RUN, |word, options| options.run_text(word)),
    row("user", "user = expression", RUN, |word, options| options.run_text(word)),
    row("traceparent", "traceparent = expression", RUN, |word, options| options.run_text(word)),
    row("tracestate", "tracestate = expression", RUN, |word, options| options.run_text(word)),
    row("tags", "tags = { key: expression }", RUN, |word, options| {
        word.equals()?;
        options.run.push(RunOption::Tags(entries(word.input)?));
        Ok(())
    }),
    row("fields", "fields = { key: expression }", RUN, |word, options| {
        word.equals()?;
        options.run.push(RunOption::Fields(entries(word.input)?));
        Ok(())
    }),
    row("name", "name = \"text\"", SPANS, |word, options| word.value().map(|name| options.name = Some(name))),
    row("kind", "kind = llm", OBSERVABLE, |word, options| word.kind().map(|kind| options.kind = Some(kind))),
    row("prompt", "prompt = PROMPT", OBSERVABLE, |word, options| {
        word.value().map(|prompt| options.prompt = Some(prompt))
    }),
    row("model", "model = expression", OBSERVABLE, |word, options| {
        word.value().map(|model| options.model = Some(model))
    }),
    row("usage", "usage(|result| expression)", OBSERVABLE, |word, options| {
        word.closure().map(|closure| options.usage = Some(closure))
    }),
    row("response", "response(|result| expression)", OBSERVABLE, |word, options| {
        word.closure().map(|closure| options.response = Some(closure))
    }),
    row("component", "component = Type", SPANS, |word, options| {
        word.equals()?;
        options.component = Some(word.input.parse()?);
        Ok(())
    }),
    row("input", "input(a, b.len(), key = expression)", ALL, |word, options| {
        word.list(Input::read).map(|inputs| options.inputs.extend(inputs))
    }),
    row("input_all", "input_all", ALL, |word, options| word.flag().map(|span| options.input_all = Some(span))),
    row("skip", "skip(a)", ALL, |word, options| word.list(parameter).map(|names| options.skip = names)),
    row("redact", "redact(a)", ALL, |word, options| word.list(parameter).map(|names| options.redact = names)),
    row("output", "output` or `output(|result| expression)", ALL, |word, options| {
        let has_closure = word.input.peek(syn::token::Paren);
        options.output = if has_closure { Output::Of(word.closure()?) } else { word.flag().map(|_| Output::Whole)? };
        Ok(())
    }),
    row("no_output", "no_output", ALL, |word, options| {
        options.output = Output::Nothing;
        word.flag().map(drop)
    }),
    row("stream", "stream", SPANS, |word, options| word.flag().map(|span| options.stream = Some(span))),
    row("boxed", "boxed", ALL, |word, options| word.flag().map(|span| options.boxed = Some(span))),
    row("crate", "crate = path::to::whytrace", ALL, |word, options| {
        word.equals()?;
        options.root = Some(word.input.call(Path::parse_mod_style)?);
        Ok(())
    }),
];

impl Options {
    /// Reads what stands in an attribute's parentheses.
    pub(crate) fn read(target: Target, tokens: TokenStream) -> Result<Self> {
        let read = |input: ParseStream<'_>| {
            let (mut options, mut mistakes) = (Self::default(), Mistakes::default());
            while !input.is_empty() {
                if let Err(mistake) = options.read_one(target, input) {
                    mistakes.add(mistake);
                    skip_to_comma(input)?;
                }
                if !input.is_empty() && !input.peek(Token![,]) {
                    mistakes.add(input.error("expected `,` and the next option"));
                    skip_to_comma(input)?;
                }
                let _: Option<Token![,]> = input.parse()?;
            }
            mistakes.or(options)
        };
        syn::parse::Parser::parse2(read, tokens)
    }

    fn read_one(&mut self, target: Target, input: ParseStream<'_>) -> Result<()> {
        if input.peek(Lit) {
            return self.read_name(target, input);
        }
        let ident = input.call(Ident::parse_any).map_err(|mistake| {
            Error::new(mistake.span(), format!("expected an option of #[{}]: {}", target.name(), names(target, "")))
        })?;
        let name = ident.to_string();
        let Some(known) = OPTIONS.iter().find(|known| known.name == name && known.targets.contains(&target)) else {
            return Err(unknown(target, &ident));
        };
        let output = |name: &str| matches!(name, "output" | "no_output");
        let twice = |given: &&Ident| **given == name || (output(&name) && output(&given.to_string()));
        if let Some(given) = self.given.iter().find(twice) {
            let message = match *given == name {
                true => format!("the option `{name}` is given twice"),
                false => format!("`{name}` contradicts `{given}`: keep one of them"),
            };
            return Err(Error::new(ident.span(), message));
        }
        self.given.push(ident.clone());
        (known.read)(&Word { ident: &ident, usage: known.usage, input }, self)
    }

    /// A text that stands alone is the name.
    fn read_name(&mut self, target: Target, input: ParseStream<'_>) -> Result<()> {
        let literal: Lit = input.parse()?;
        let Lit::Str(name) = &literal else {
            return Err(Error::new(literal.span(), "expected a name in quotes or an option"));
        };
        if target == Target::Run {
            let message = format!("write `project = {}`: a run is named by its project", name.token());
            return Err(Error::new(literal.span(), message));
        }
        if self.given.iter().any(|given| given == "name") {
            return Err(Error::new(literal.span(), "the name is given twice"));
        }
        self.given.push(Ident::new("name", literal.span()));
        self.name = Some(syn::parse_quote!(#literal));
        Ok(())
    }

    fn run_text(&mut self, word: &Word<'_>) -> Result<()> {
        let value = word.value()?;
        self.run.push(RunOption::Text(word.ident.clone(), value));
        Ok(())
    }

    /// An option that was given, as it was written.
    pub(crate) fn given(&self, name: &str) -> Option<&Ident> {
        self.given.iter().find(|given| *given == name)
    }
}

fn names(target: Target, given: &str) -> String {
    known(given, OPTIONS.iter().filter(|known| known.targets.contains(&target)).map(|known| known.name))
}

fn unknown(target: Target, ident: &Ident) -> Error {
    let name = ident.to_string();
    let elsewhere = OPTIONS.iter().find(|known| known.name == name).and_then(|known| known.targets.first());
    let hint = match elsewhere {
        Some(other) => format!(" (`{name}` is an option of #[{}])", other.name()),
        None => String::new(),
    };
    let known = names(target, &name);
    Error::new(
        ident.span(),
        format!("unknown option `{name}`{hint}; known options of #[{}] are {known}", target.name()),
    )
}

fn skip_to_comma(input: ParseStream<'_>) -> Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _: TokenTree = input.parse()?;
    }
    Ok(())
}

impl Word<'_> {
    fn misused(&self, span: Span) -> Error {
        Error::new(span, format!("the option `{}` is written `{}`", self.ident, self.usage))
    }

    fn equals(&self) -> Result<()> {
        if !self.input.peek(Token![=]) {
            return Err(self.misused(self.ident.span()));
        }
        self.input.parse::<Token![=]>()?;
        if self.input.is_empty() || self.input.peek(Token![,]) {
            return Err(self.misused(self.ident.span()));
        }
        Ok(())
    }

    fn value(&self) -> Result<Expr> {
        self.equals()?;
        self.input.parse()
    }

    fn flag(&self) -> Result<Span> {
        if self.input.is_empty() || self.input.peek(Token![,]) {
            return Ok(self.ident.span());
        }
        Err(self.misused(self.ident.span()))
    }

    fn list<T>(&self, read: fn(ParseStream<'_>) -> Result<T>) -> Result<Vec<T>> {
        if !self.input.peek(syn::token::Paren) {
            return Err(self.misused(self.ident.span()));
        }
        let content;
        parenthesized!(content in self.input);
        if content.is_empty() {
            return Err(self.misused(self.ident.span()));
        }
        Ok(Punctuated::<T, Token![,]>::parse_terminated_with(&content, read)?.into_iter().collect())
    }

    fn closure(&self) -> Result<ExprClosure> {
        if !self.input.peek(syn::token::Paren) {
            return Err(self.misused(self.ident.span()));
        }
        let content;
        parenthesized!(content in self.input);
        let value: Expr = content.parse().map_err(|mistake| self.misused(mistake.span()))?;
        match value {
            Expr::Closure(closure) if closure.inputs.len() == 1 && content.is_empty() => Ok(closure),
            other => Err(self.misused(first_span(&other))),
        }
    }

    fn kind(&self) -> Result<LitStr> {
        self.equals()?;
        let kind = match self.input.peek(LitStr) {
            true => self.input.parse::<LitStr>()?,
            false => {
                let word = self.input.call(Ident::parse_any)?;
                LitStr::new(&word.to_string(), word.span())
            }
        };
        if KINDS.contains(&kind.value().as_str()) {
            return Ok(kind);
        }
        let known = known(&kind.value(), KINDS.iter().copied());
        Err(Error::new(kind.span(), format!("unknown kind `{}`; known kinds are {known}", kind.value())))
    }
}

/// The kinds of observations, as the document knows them.
const KINDS: [&str; 10] =
    ["function", "llm", "embedding", "agent", "template", "codegen", "validation", "file_write", "tool", "retrieval"];

impl Input {
    /// `a`, `b.len()` or `key = expression`.
    fn read(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
            let key = input.call(Ident::parse_any)?.unraw().to_string();
            input.parse::<Token![=]>()?;
            return Ok(Self { key, value: input.parse()? });
        }
        let (value, source) = with_source(input)?;
        Ok(Self { key: source_text(source), value })
    }
}

fn parameter(input: ParseStream<'_>) -> Result<Ident> {
    input.parse::<Ident>().map_err(|mistake| Error::new(mistake.span(), "expected the name of a parameter"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    #[test]
    fn every_mistake_is_reported() {
        let Err(mistakes) = Options::read(Target::Stage, quote!("a", "b", inptu(x), stream, stream, kind = llm)) else {
            panic!("accepted")
        };
        let messages: Vec<String> = mistakes.into_iter().map(|mistake| mistake.to_string()).collect();
        assert_eq!(messages.len(), 4, "{messages:?}");
        assert!(messages[1].ends_with("did you mean `input`?"), "{}", messages[1]);
        assert!(messages[3].contains("is an option of #[observable]"), "{}", messages[3]);
    }

    #[test]
    fn all_options_of_all_attributes_can_be_read() {
        let all = quote!(
            name = "n",
            kind = llm,
            prompt = P,
            model = m,
            usage(|r| r.usage),
            response(|r| r.text),
            component = C,
            input(a, b.len(), key = c == d),
            input_all,
            skip(e),
            redact(f),
            output(|r| r.len()),
            stream,
            boxed,
            crate = my::whytrace
        );
        let options = Options::read(Target::Observable, all).unwrap_or_else(|mistake| panic!("{mistake}"));
        let keys: Vec<&str> = options.inputs.iter().map(|input| input.key.as_str()).collect();
        assert_eq!(keys, ["a", "b.len()", "key"]);
        let run = quote!(project = "p", query = q, tags = { env: "prod", "b c": 1, d }, fields = {}, traceparent = h,);
        let options = Options::read(Target::Run, run).unwrap_or_else(|mistake| panic!("{mistake}"));
        assert_eq!(options.run.len(), 5);
    }
}
