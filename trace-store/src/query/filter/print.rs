//! A filter as text that reads back as the same filter.

use super::ast::{Comparison, Condition, Expr, Literal, Moment, Test};
use super::fields::Field;
use super::syntax::is_name;
use std::fmt::{self, Display, Formatter};

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            // Only the filter that every run satisfies has none, and it stands alone.
            Self::And(parts) if parts.is_empty() => Ok(()),
            Self::And(parts) => joined(f, parts, " and "),
            Self::Or(parts) => joined(f, parts, " or "),
            Self::Not(inner) => {
                f.write_str("not ")?;
                operand(f, inner)
            }
            Self::Is(condition) => condition.fmt(f),
        }
    }
}

fn joined(f: &mut Formatter<'_>, parts: &[Expr], word: &str) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(word)?;
        }
        operand(f, part)?;
    }
    Ok(())
}

fn operand(f: &mut Formatter<'_>, part: &Expr) -> fmt::Result {
    match part {
        Expr::And(_) | Expr::Or(_) => write!(f, "({part})"),
        Expr::Not(_) | Expr::Is(_) => part.fmt(f),
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.field.fmt(f)?;
        match &self.test {
            Test::Compare(comparison, value) => write!(f, " {comparison} {value}"),
            Test::OneOf(values) => {
                let values: Vec<String> = values.iter().map(Literal::to_string).collect();
                write!(f, " in ({})", values.join(", "))
            }
            Test::Contains(text) => write!(f, " ~ {}", Quoted(text)),
            Test::Has(text) => write!(f, " has {}", Quoted(text)),
            Test::Null => f.write_str(" is null"),
            Test::NotNull => f.write_str(" is not null"),
        }
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.path().into_iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            if is_name(segment) { write!(f, "{dot}{segment}")? } else { write!(f, "{dot}{}", Quoted(segment))? }
        }
        Ok(())
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(f),
            Self::Int(number) => number.fmt(f),
            // The shortest text that reads back as this number, with an exponent where that is shorter.
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Bool(truth) => truth.fmt(f),
            Self::Money(amount) => amount.fmt(f),
            Self::Moment(moment) => moment.fmt(f),
            Self::Prompt { name, version: None } => Quoted(name).fmt(f),
            Self::Prompt { name, version: Some(version) } => Quoted(&format!("{name}@{version}")).fmt(f),
        }
    }
}

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(moment) => moment.fmt(f),
            Self::Day(begin) => f.write_str(&begin.date()),
            Self::Ago(0) => f.write_str("now"),
            Self::Ago(nanos) => {
                const UNITS: [(i128, &str); 5] = [
                    (86_400_000_000_000, "d"),
                    (3_600_000_000_000, "h"),
                    (60_000_000_000, "m"),
                    (1_000_000_000, "s"),
                    (1_000_000, "ms"),
                ];
                match UNITS.iter().find(|(unit, _)| nanos % unit == 0) {
                    Some((unit, name)) => write!(f, "-{}{name}", nanos / unit),
                    None => write!(f, "-{}.{:09}s", nanos / 1_000_000_000, nanos % 1_000_000_000),
                }
            }
        }
    }
}

/// A text between quotes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
