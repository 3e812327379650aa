//! A filter as a tree whose fields exist and whose values have the types of their fields.

use super::fields::Field;
use trace_core::model::{Money, Timestamp};

/// What a run must satisfy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// All of them; without any, every run does.
    And(Vec<Expr>),
    /// One of them.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// A condition on one field.
    Is(Condition),
}

/// A condition on one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    /// The field.
    pub(crate) field: Field,
    /// What must hold of it.
    pub(crate) test: Test,
}

/// What must hold of a field. A field without a value satisfies [`Test::Null`] and nothing else.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// It compares so with a value.
    Compare(Comparison, Literal),
    /// It is one of these values.
    OneOf(Vec<Literal>),
    /// It contains this text, whatever the case of its letters; of a list, one element does.
    Contains(String),
    /// The list has this element, or the object this key.
    Has(String),
    /// It has no value; a list is empty.
    Null,
    /// It has one.
    NotNull,
}

/// How two values compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// The operator; longer ones before their beginnings.
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("!=", Self::Unequal),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("=", Self::Equal),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    /// The operator, as it is written in a filter and, but for `!=`, in SQL.
    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, comparison)| *comparison == self).map_or("=", |(text, _)| text)
    }
}

/// A value in a filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A finite number; a length of time in the unit of its field.
    Float(f64),
    /// True or false.
    Bool(bool),
    /// An exact amount of dollars.
    Money(Money),
    /// A moment.
    Moment(Moment),
    /// A prompt, in one or any version.
    Prompt {
        /// The prompt's name.
        name: String,
        /// The version; `None`: any.
        version: Option<i64>,
    },
}

/// A moment in a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// This one.
    At(Timestamp),
    /// A whole day, which begins then.
    Day(Timestamp),
    /// So many nanoseconds before the question is asked.
    Ago(i128),
}
