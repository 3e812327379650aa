//! From words to meaning: which fields they name, and which values.
//!
//! Comes in: the tree of words. Goes out: the filter, or an error that points at the first word that does not fit.

use super::ast::{Comparison, Condition, Expr, Literal, Moment, Test};
use super::error::FilterError;
use super::fields::{Field, Type};
use super::syntax::{Check, Tree, Word};
use crate::query::window;
use crate::sql::value::Kind;
use std::ops::Range;

/// Gives a tree of words its meaning; `text` is what it was read from.
pub(super) fn check(text: &str, tree: Tree) -> Result<Expr, FilterError> {
    meaning(tree).map_err(|(span, message)| FilterError::new(text, span, message))
}

type Meant<T> = Result<T, (Range<usize>, String)>;

fn meaning(tree: Tree) -> Meant<Expr> {
    Ok(match tree {
        Tree::And(parts) => Expr::And(parts.into_iter().map(meaning).collect::<Meant<_>>()?),
        Tree::Or(parts) => Expr::Or(parts.into_iter().map(meaning).collect::<Meant<_>>()?),
        Tree::Not(inner) => Expr::Not(Box::new(meaning(*inner)?)),
        Tree::Condition(path, check) => Expr::Is(condition(&path, check)?),
    })
}

fn condition(path: &[Word], check: Check) -> Meant<Condition> {
    let words: Vec<String> = path.iter().map(text).collect();
    let span = path.first().map_or(0, |word| word.span.start)..path.last().map_or(0, |word| word.span.end);
    let field = Field::resolve(&words).map_err(|unknown| {
        let at = path.get(unknown.segment).map_or(span.clone(), |word| word.span.clone());
        (at, unknown.message)
    })?;
    let test = test(&field, check, &span)?;
    Ok(Condition { field, test })
}

fn test(field: &Field, check: Check, span: &Range<usize>) -> Meant<Test> {
    let of = field.type_of();
    let refuse = |operator: &str| {
        Err((span.clone(), format!("`{field}` is {}: `{operator}` does not apply, {}", sort(of), apply(of))))
    };
    match check {
        Check::Null(true) => Ok(Test::Null),
        Check::Null(false) => Ok(Test::NotNull),
        Check::Compare(comparison, word) if comparable(of, comparison) => {
            Ok(Test::Compare(comparison, literal(field, &word)?))
        }
        Check::Compare(comparison, _) => refuse(comparison.as_str()),
        Check::In(words) if comparable(of, Comparison::Equal) && of != Type::Of(Kind::Bool) => {
            Ok(Test::OneOf(words.iter().map(|word| literal(field, word)).collect::<Meant<_>>()?))
        }
        Check::In(_) => refuse("in"),
        Check::Contains(word) if matches!(of, Type::Of(Kind::Text | Kind::List) | Type::Prompt) => {
            Ok(Test::Contains(text(&word)))
        }
        Check::Contains(_) => refuse("~"),
        Check::Has(word) if matches!(of, Type::Of(Kind::List | Kind::Json)) => Ok(Test::Has(text(&word))),
        Check::Has(_) => refuse("has"),
    }
}

fn comparable(of: Type, comparison: Comparison) -> bool {
    let equality = matches!(comparison, Comparison::Equal | Comparison::Unequal);
    match of {
        Type::Of(Kind::List | Kind::Json | Kind::Bytes | Kind::Day) => false,
        Type::Of(Kind::Bool) | Type::Prompt => equality,
        Type::Of(Kind::Text | Kind::Int | Kind::Float | Kind::Time | Kind::Money) | Type::Span(_) => true,
    }
}

/// What sort of value a type has, in words.
fn sort(of: Type) -> &'static str {
    match of {
        Type::Of(Kind::Text) => "a text",
        Type::Of(Kind::Int) => "a whole number",
        Type::Of(Kind::Float) => "a number",
        Type::Of(Kind::Bool) => "true or false",
        Type::Of(Kind::Time) => "a moment",
        Type::Of(Kind::Day) => "a day",
        Type::Of(Kind::Json) => "an object",
        Type::Of(Kind::List) => "a list",
        Type::Of(Kind::Money) => "an amount of dollars",
        Type::Of(Kind::Bytes) => "bytes",
        Type::Span(_) => "a length of time",
        Type::Prompt => "a prompt",
    }
}

fn apply(of: Type) -> &'static str {
    match of {
        Type::Of(Kind::List) => "`has`, `~` and `is null` do",
        Type::Of(Kind::Json) => "`has` and `is null` do",
        Type::Of(Kind::Bool) => "`=`, `!=` and `is null` do",
        Type::Of(Kind::Bytes | Kind::Day) => "`is null` does",
        Type::Of(Kind::Text) => "comparisons, `~`, `in` and `is null` do",
        Type::Prompt => "`=`, `!=`, `~`, `in` and `is null` do",
        Type::Of(Kind::Int | Kind::Float | Kind::Time | Kind::Money) | Type::Span(_) => {
            "comparisons, `in` and `is null` do"
        }
    }
}

/// A text as rows hold it: there a NUL became its picture.
fn text(word: &Word) -> String {
    word.text.replace('\0', "␀")
}

fn literal(field: &Field, word: &Word) -> Meant<Literal> {
    let of = field.type_of();
    let written = word.text.as_str();
    let refuse = |expected: &str| {
        let written = crate::files::one_line(written, 64);
        Err((word.span.clone(), format!("`{field}` is {}: `{written}` is none, expected {expected}", sort(of))))
    };
    if !word.quoted && written.eq_ignore_ascii_case("null") {
        return Err((
            word.span.clone(),
            format!("nothing compares with null: write `{field} is null` or `{field} is not null`"),
        ));
    }
    let read = match of {
        Type::Of(Kind::Text) => Some(Literal::Text(text(word))),
        Type::Prompt => Some(prompt(&text(word))),
        Type::Of(Kind::Int) => written.parse().ok().map(Literal::Int),
        Type::Of(Kind::Float) => number(written).map(Literal::Float),
        Type::Of(Kind::Money) => written.strip_prefix('$').unwrap_or(written).parse().ok().map(Literal::Money),
        Type::Of(Kind::Bool) if written.eq_ignore_ascii_case("true") => Some(Literal::Bool(true)),
        Type::Of(Kind::Bool) if written.eq_ignore_ascii_case("false") => Some(Literal::Bool(false)),
        Type::Of(Kind::Time) => moment(written).map(Literal::Moment),
        Type::Span(unit) => number(written).or_else(|| span(written, unit)).map(Literal::Float),
        Type::Of(Kind::Bool | Kind::Json | Kind::List | Kind::Bytes | Kind::Day) => None,
    };
    match (read, of) {
        (Some(literal), _) => Ok(literal),
        (None, Type::Of(Kind::Int)) => refuse("digits such as 42"),
        (None, Type::Of(Kind::Float)) => refuse("a number such as 2.5"),
        (None, Type::Of(Kind::Money)) => refuse("dollars such as 0.0025"),
        (None, Type::Of(Kind::Time)) => refuse("2026-02-13, 2026-02-13T14:30:22Z, -7d (also h, m, s, w) or now"),
        (None, Type::Span(_)) => refuse("a number, or a length such as 90s, 2m or 250ms"),
        (None, _) => refuse("true or false"),
    }
}

fn number(text: &str) -> Option<f64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse().ok().filter(|number: &f64| is_number && number.is_finite())
}

/// A length of time in its field's unit.
#[allow(clippy::cast_precision_loss)] // 2^53 ns are 104 days; beyond, the unit still holds
fn span(text: &str, unit: i128) -> Option<f64> {
    window::duration(text).map(|nanos| nanos as f64 / unit as f64)
}

fn moment(text: &str) -> Option<Moment> {
    if text.eq_ignore_ascii_case("now") {
        return Some(Moment::Ago(0));
    }
    if let Some(day) = window::day(text) {
        return Some(Moment::Day(day));
    }
    let ago = text.strip_prefix('-').and_then(window::duration).map(Moment::Ago);
    ago.or_else(|| text.parse().ok().map(Moment::At))
}

fn prompt(text: &str) -> Literal {
    let versioned = text.rsplit_once('@').and_then(|(name, version)| {
        let is_number = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        Some((name, version.parse().ok().filter(|_| is_number)?))
    });
    match versioned {
        Some((name, version)) => Literal::Prompt { name: name.to_owned(), version: Some(version) },
        None => Literal::Prompt { name: text.to_owned(), version: None },
    }
}
