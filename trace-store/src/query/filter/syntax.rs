//! The grammar of filters: text in, a tree of words with their places out. It knows no fields and no types.
//!
//! ```text
//! filter    = any
//! any       = all { "or" all }
//! all       = unit { "and" unit }
//! unit      = "not" unit | "(" any ")" | condition
//! condition = path ( operator value | "in" "(" value { "," value } ")" | "has" value | "is" [ "not" ] "null" )
//! operator  = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"
//! path      = word { "." ( word | quoted ) }
//! value     = quoted | bare
//! ```

use super::ast::Comparison;
use super::error::FilterError;
use std::ops::Range;
use winnow::combinator::{alt, delimited, dispatch, fail, opt, peek, preceded, repeat, separated};
use winnow::error::{ErrMode, ParserError};
use winnow::prelude::*;
use winnow::stream::{LocatingSlice, Location, Stateful, Stream};
use winnow::token::{any, literal, take_while};

/// The longest filter, in bytes.
pub(crate) const MAX_TEXT: usize = 10_000;

/// How deep parentheses and `not` nest at most.
pub(crate) const MAX_DEPTH: usize = 64;

/// A filter as it is written.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
    Condition(Vec<Word>, Check),
}

/// What is said of a field.
#[derive(Clone, Debug)]
pub(super) enum Check {
    Compare(Comparison, Word),
    Contains(Word),
    In(Vec<Word>),
    Has(Word),
    Null(bool),
}

/// A word of a path, or a value.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) quoted: bool,
    pub(super) span: Range<usize>,
}

type Input<'a> = Stateful<LocatingSlice<&'a str>, usize>;

/// What is wrong, and where.
#[derive(Clone, Debug)]
struct Fault {
    at: Range<usize>,
    message: String,
}

impl<'a> ParserError<Input<'a>> for Fault {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        Self { at: here(input), message: "this cannot be read".to_owned() }
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

type Parsed<T> = Result<T, ErrMode<Fault>>;

/// Reads a filter.
pub(super) fn read(text: &str) -> Result<Tree, FilterError> {
    if text.len() > MAX_TEXT {
        let message = format!("the filter has {} bytes, {MAX_TEXT} are the most", text.len());
        return Err(FilterError::new(text, MAX_TEXT..MAX_TEXT, message));
    }
    let mut input = Stateful { input: LocatingSlice::new(text), state: 0 };
    let tree = (alternatives, end).map(|(tree, ())| tree).parse_next(&mut input);
    tree.map_err(|error| match error {
        ErrMode::Backtrack(fault) | ErrMode::Cut(fault) => FilterError::new(text, fault.at, fault.message),
        ErrMode::Incomplete(_) => {
            FilterError::new(text, text.len()..text.len(), "the filter is not complete".to_owned())
        }
    })
}

/// Whether a text can stand in a path without quotes.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(in_name)
}

fn in_name(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-' | '#')
}

/// What a value without quotes is made of: everything that has no meaning of its own.
fn in_bare(char: char) -> bool {
    !char.is_whitespace() && !matches!(char, '(' | ')' | ',' | '"' | '\'' | '=' | '<' | '>' | '!' | '~' | '\\')
}

fn here(input: &Input<'_>) -> Range<usize> {
    let start = input.current_token_start();
    let length = input.input.chars().take_while(|char| in_bare(*char)).map(char::len_utf8).sum::<usize>();
    let first = input.input.chars().next().map_or(0, char::len_utf8);
    start..start + length.max(first)
}

fn refuse<T>(input: &Input<'_>, message: impl Into<String>) -> Parsed<T> {
    Err(ErrMode::Cut(Fault { at: here(input), message: message.into() }))
}

fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(input)
}

fn end(input: &mut Input<'_>) -> Parsed<()> {
    space(input)?;
    if input.input.is_empty() { Ok(()) } else { refuse(input, "expected `and`, `or` or the end of the filter") }
}

/// A word of the language, in any case, and not the beginning of a longer one.
fn keyword<'a>(word: &'static str) -> impl FnMut(&mut Input<'a>) -> Parsed<()> {
    move |input| {
        let same = |found: &&str| found.eq_ignore_ascii_case(word);
        preceded(space, take_while(1.., in_name)).verify(same).void().parse_next(input)
    }
}

fn alternatives(input: &mut Input<'_>) -> Parsed<Tree> {
    let parts: Vec<Tree> = separated(1.., conjunction, keyword("or")).parse_next(input)?;
    Ok(one_or(parts, Tree::Or))
}

fn conjunction(input: &mut Input<'_>) -> Parsed<Tree> {
    let parts: Vec<Tree> = separated(1.., unit, keyword("and")).parse_next(input)?;
    Ok(one_or(parts, Tree::And))
}

fn one_or(mut parts: Vec<Tree>, several: fn(Vec<Tree>) -> Tree) -> Tree {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            several(parts)
        }
    }
}

fn unit(input: &mut Input<'_>) -> Parsed<Tree> {
    space(input)?;
    if input.state >= MAX_DEPTH {
        return refuse(input, format!("the filter nests deeper than {MAX_DEPTH} levels"));
    }
    input.state += 1;
    let negated = opt(keyword("not")).parse_next(input)?.is_some();
    let tree = if negated {
        unit(input).map(|tree| Tree::Not(Box::new(tree)))
    } else {
        alt((group, condition)).parse_next(input)
    };
    input.state -= 1;
    tree
}

fn group(input: &mut Input<'_>) -> Parsed<Tree> {
    '('.parse_next(input)?;
    let tree = alternatives(input)?;
    space(input)?;
    match opt(')').parse_next(input)? {
        Some(_) => Ok(tree),
        None => refuse(input, "expected `and`, `or` or `)`"),
    }
}

fn condition(input: &mut Input<'_>) -> Parsed<Tree> {
    let path = path(input)?;
    let check = check(input)?;
    Ok(Tree::Condition(path, check))
}

fn path(input: &mut Input<'_>) -> Parsed<Vec<Word>> {
    let Some(first) = opt(name).parse_next(input)? else {
        return refuse(input, "expected a field, `not` or `(`");
    };
    let mut words = vec![first];
    while opt('.').parse_next(input)?.is_some() {
        match opt(alt((quoted, name))).parse_next(input)? {
            Some(word) => words.push(word),
            None => return refuse(input, "expected a name after the dot"),
        }
    }
    Ok(words)
}

fn name(input: &mut Input<'_>) -> Parsed<Word> {
    let (text, span) = take_while(1.., in_name).with_span().parse_next(input)?;
    Ok(Word { text: str::to_owned(text), quoted: false, span })
}

fn check(input: &mut Input<'_>) -> Parsed<Check> {
    space(input)?;
    for (text, comparison) in Comparison::ALL {
        if opt(literal(text)).parse_next(input)?.is_some() {
            return Ok(Check::Compare(comparison, value(input)?));
        }
    }
    if opt('~').parse_next(input)?.is_some() {
        return Ok(Check::Contains(value(input)?));
    }
    if opt(keyword("has")).parse_next(input)?.is_some() {
        return Ok(Check::Has(value(input)?));
    }
    if opt(keyword("in")).parse_next(input)?.is_some() {
        return list(input).map(Check::In);
    }
    if opt(keyword("is")).parse_next(input)?.is_some() {
        let not = opt(keyword("not")).parse_next(input)?.is_some();
        space(input)?;
        return match opt(keyword("null")).parse_next(input)? {
            Some(()) => Ok(Check::Null(!not)),
            None => refuse(input, "expected `null` or `not null`"),
        };
    }
    refuse(input, "expected one of `=`, `!=`, `<`, `<=`, `>`, `>=`, `~`, `in`, `has`, `is null`, `is not null`")
}

fn list(input: &mut Input<'_>) -> Parsed<Vec<Word>> {
    space(input)?;
    if opt('(').parse_next(input)?.is_none() {
        return refuse(input, "expected `(` and values");
    }
    let values = separated(1.., value, (space, ',')).parse_next(input)?;
    space(input)?;
    match opt(')').parse_next(input)? {
        Some(_) => Ok(values),
        None => refuse(input, "expected `,` or `)`"),
    }
}

fn value(input: &mut Input<'_>) -> Parsed<Word> {
    space(input)?;
    let bare = take_while(1.., in_bare).with_span().map(|(text, span)| Word {
        text: str::to_owned(text),
        quoted: false,
        span,
    });
    match opt(alt((quoted, bare))).parse_next(input)? {
        Some(word) => Ok(word),
        None => refuse(input, "expected a value"),
    }
}

/// A text between quotes of either sort; `\` before a quote or another `\` takes their meaning away.
fn quoted(input: &mut Input<'_>) -> Parsed<Word> {
    let start = input.current_token_start();
    let quote = peek(any).verify(|char| matches!(char, '"' | '\'')).parse_next(input)?;
    let begin = input.checkpoint();
    let text = delimited(quote, repeat(0.., piece(quote)), quote).parse_next(input);
    match text {
        Ok(text) => Ok(Word { text, quoted: true, span: start..input.current_token_start() }),
        Err(ErrMode::Backtrack(_)) => {
            input.reset(&begin);
            refuse(input, format!("the text that begins here is not ended by {quote}"))
        }
        Err(error) => Err(error),
    }
}

fn piece<'a>(quote: char) -> impl Parser<Input<'a>, char, ErrMode<Fault>> {
    dispatch! { any;
        '\\' => escaped,
        found if found == quote => fail,
        found => move |_: &mut Input<'a>| Ok(found),
    }
}

fn escaped(input: &mut Input<'_>) -> Parsed<char> {
    match peek(opt(any)).parse_next(input)? {
        Some('"' | '\'' | '\\') => any.parse_next(input),
        _ => refuse(input, "after a backslash expected `\\`, `\"` or `'`"),
    }
}
