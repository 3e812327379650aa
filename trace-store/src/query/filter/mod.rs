//! The filter language: which runs a search finds.
//!
//! Comes in: text such as `status = failed and decision.source_selected.confidence < 0.5`. Goes out: a [`Filter`] whose fields exist and
//! whose values have the types of their fields, or a [`FilterError`] that points at what is wrong. Its way: `syntax` reads words, `check` finds
//! their meaning in `fields`, `lower` makes a condition of it, in which everything from outside is a parameter.

mod ast;
mod check;
mod error;
mod fields;
mod lower;
mod print;
mod syntax;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use ast::Test;
pub use error::FilterError;
pub(crate) use fields::Field;
pub(crate) use lower::{Queries, lower, lower_query, lower_row};

use ast::{Comparison, Condition, Expr, Literal};
use std::fmt;
use std::str::FromStr;

/// Which runs a search finds. It is read from text and shown as text; `docs/queries.md` has the language.
///
/// ```
/// use trace_store::query::Filter;
/// let filter: Filter = "status = failed and (tag.team = 'search' or total_cost_usd > 0.5)".parse()?;
/// assert_eq!(filter.to_string(), r#"status = "failed" and (tag.team = "search" or total_cost_usd > 0.5)"#);
///
/// let error = "status = failed and intnet = validating".parse::<Filter>().unwrap_err();
/// assert_eq!(error.column(), 21);
/// assert!(error.message().contains("did you mean `intent`?"));
/// # Ok::<(), trace_store::query::FilterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Filter(pub(crate) Expr);

impl Filter {
    /// The filter that every run satisfies.
    #[must_use]
    pub fn all() -> Self {
        Self(Expr::And(Vec::new()))
    }

    /// The runs whose field has that value: `Filter::equals("tag.team", "search")`. The value is taken as it is, without quotes.
    ///
    /// # Errors
    /// [`FilterError`] when there is no such field, or the value is not of its type.
    pub fn equals(field: &str, value: &str) -> Result<Self, FilterError> {
        format!("{field} = \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")).parse()
    }

    /// The runs that called a model with a prompt, in one version or in any.
    #[must_use]
    pub fn of_prompt(name: &str, version: Option<u32>) -> Self {
        let prompt = Literal::Prompt { name: name.replace('\0', "␀"), version: version.map(i64::from) };
        Self(Expr::Is(Condition { field: Field::Prompt, test: Test::Compare(Comparison::Equal, prompt) }))
    }

    /// The runs in which a principle scored below that at the last quality gate; no number is below NaN.
    #[must_use]
    pub fn score_below(principle: &str, below: f64) -> Self {
        let field = Field::Score(principle.replace('\0', "␀"));
        let below = if below.is_nan() { f64::MIN } else { below.clamp(f64::MIN, f64::MAX) };
        Self(Expr::Is(Condition { field, test: Test::Compare(Comparison::Less, Literal::Float(below)) }))
    }

    /// The runs that satisfy both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let parts = |filter| match filter {
            Self(Expr::And(parts)) => parts,
            Self(other) => vec![other],
        };
        let mut both = parts(self);
        both.extend(parts(other));
        Self(match <[Expr; 1]>::try_from(both) {
            Ok([only]) => only,
            Err(both) => Expr::And(both),
        })
    }

    /// A condition which every run must satisfy, and for which an index finds the runs that may: the prompt of a call, how confident a decision
    /// was, a part of the query.
    pub(crate) fn of_indexed_rows(&self) -> Option<&Condition> {
        let parts = match &self.0 {
            Expr::And(parts) => parts.as_slice(),
            other => std::slice::from_ref(other),
        };
        let conditions =
            parts.iter().filter_map(|part| if let Expr::Is(condition) = part { Some(condition) } else { None });
        conditions.into_iter().find(|condition| match (&condition.field, &condition.test) {
            (Field::Prompt, Test::Compare(comparison, _)) => *comparison == Comparison::Equal,
            (Field::Of(part, _, column), Test::Compare(comparison, _)) => {
                (part.table.name, column.name) == ("decisions", "confidence") && *comparison != Comparison::Unequal
            }
            (Field::Column(column), Test::Contains(_)) => column.name == "query",
            _ => false,
        })
    }

    /// Every field of one word, and the forms of those of several (`tag.…`).
    #[must_use]
    pub fn fields() -> Vec<String> {
        fields::names()
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    /// An empty text is the filter that every run satisfies.
    fn from_str(text: &str) -> Result<Self, FilterError> {
        if text.trim().is_empty() {
            return Ok(Self::all());
        }
        check::check(text, syntax::read(text)?).map(Self)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
