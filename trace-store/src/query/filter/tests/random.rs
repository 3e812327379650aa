//! Random filters, the same in every run of the tests.

use super::naive::Facts;
use crate::query::filter::ast::{Comparison, Condition, Expr, Literal, Moment, Test};
use crate::query::filter::fields::{Field, PARTS, TRACES, Type};
use crate::sql::value::{Kind, Value};
use trace_core::model::{Money, Timestamp};

/// A small generator (splitmix64): its numbers need no more than to be many and different.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A filter; its values are often those of the runs.
    pub(crate) fn filter(&mut self, depth: usize, runs: &[Facts]) -> Expr {
        let several = |random: &mut Self| (0..2 + random.below(2)).map(|_| random.filter(depth - 1, runs)).collect();
        match self.below(if depth == 0 { 1 } else { 5 }) {
            1 => Expr::And(several(self)),
            2 => Expr::Or(several(self)),
            3 => Expr::Not(Box::new(self.filter(depth - 1, runs))),
            // Several conditions on one decision, which must hold together.
            4 => {
                let field = self.field();
                let Field::Of(part, name, _) = &field else { return Expr::Is(self.condition(field, runs)) };
                let columns: Vec<_> = part.table.columns.iter().skip(1).collect();
                let same = |random: &mut Self| {
                    let column = random.one_of(&columns);
                    Expr::Is(random.condition(Field::Of(part, name.clone(), column), runs))
                };
                Expr::And(vec![same(self), same(self)])
            }
            _ => {
                let field = self.field();
                Expr::Is(self.condition(field, runs))
            }
        }
    }

    fn field(&mut self) -> Field {
        // What the writer decides is not known here.
        let known: Vec<&'static _> =
            TRACES.columns.iter().filter(|c| !["created_at", "updated_at", "write_order"].contains(&c.name)).collect();
        let part = self.one_of(&PARTS);
        let part = PARTS.iter().find(|known| known.word == part.word).unwrap();
        let column = *self.one_of(&part.table.columns.iter().skip(1).collect::<Vec<_>>());
        let name = match part.word {
            "stage" => *self.one_of(&["collection", "synthesis", "synthesis#2", "quality_gate", "none"]),
            "decision" => *self.one_of(&["source_selected", "none", "two words"]),
            _ => *self.one_of(&["write_report", "none"]),
        };
        match self.below(10) {
            0 => Field::Tag(self.one_of(&["team", "it's \"x\"", "none", "a.b"]).to_string()),
            1 => Field::Score(self.one_of(&["META-1", "META-12", "none"]).to_string()),
            2 | 3 => Field::Of(part, name.to_owned(), column),
            4 => Field::Alternatives(&PARTS[1], (*self.one_of(&["source_selected", "none"])).to_owned()),
            5 => Field::resolve(&[(*self.one_of(&["model", "provider", "flag"])).to_owned()]).unwrap(),
            6 => Field::Prompt,
            _ => Field::Column(self.one_of::<&'static _>(&known)),
        }
    }

    fn condition(&mut self, field: Field, runs: &[Facts]) -> Condition {
        let test = match (self.below(8), field.type_of()) {
            (0, _) => Test::Null,
            (1, _) => Test::NotNull,
            (2 | 3, Type::Of(Kind::Text | Kind::List) | Type::Prompt) | (_, Type::Of(Kind::List))
                if self.below(2) == 0 =>
            {
                let whole = self.text(&field, runs);
                let start = whole.ceil_char_boundary(self.below(whole.len() + 1));
                let part = whole[start..].chars().take(4).collect::<String>();
                Test::Contains(if self.below(2) == 0 { part.to_uppercase() } else { part.to_lowercase() })
            }
            (_, Type::Of(Kind::List | Kind::Json)) => Test::Has(self.text(&field, runs)),
            (4, of) if of != Type::Of(Kind::Bool) => Test::OneOf((0..2).map(|_| self.literal(&field, runs)).collect()),
            (_, of) => {
                let (_, comparison) = self.one_of(&Comparison::ALL);
                let equality = matches!(of, Type::Of(Kind::Bool) | Type::Prompt);
                let comparison = if equality && !matches!(comparison, Comparison::Unequal) {
                    Comparison::Equal
                } else {
                    *comparison
                };
                Test::Compare(comparison, self.literal(&field, runs))
            }
        };
        Condition { field, test }
    }

    /// A text that a run has there, or any.
    fn text(&mut self, field: &Field, runs: &[Facts]) -> String {
        let known: Vec<String> = runs.iter().flat_map(|run| run.texts(field)).collect();
        if !known.is_empty() && self.below(4) > 0 {
            return self.one_of(&known).clone();
        }
        let texts = [
            "",
            "exa",
            "É",
            "a\"b\\",
            "%_*?[x]",
            "it's",
            "; DROP TABLE traces",
            "straße",
            "🤖",
            "(.)+$",
            "line\nbreak\t",
        ];
        (*self.one_of(&texts)).to_owned()
    }

    fn literal(&mut self, field: &Field, runs: &[Facts]) -> Literal {
        let known: Vec<Value> =
            runs.iter().flat_map(|run| run.values(field)).filter(|value| *value != Value::Null).collect();
        let known = if known.is_empty() || self.below(4) == 0 { None } else { Some(self.one_of(&known).clone()) };
        #[allow(clippy::cast_possible_wrap)]
        let number = self.next() as i64;
        match (field.type_of(), known) {
            (Type::Of(Kind::Int), Some(Value::Int(known))) => Literal::Int(known),
            (Type::Of(Kind::Int), _) => Literal::Int(number >> self.below(63)),
            (Type::Of(Kind::Money), Some(Value::Int(known))) => Literal::Money(Money::from_picodollars(known)),
            (Type::Of(Kind::Money), _) => Literal::Money(Money::from_picodollars(number >> self.below(63))),
            (Type::Of(Kind::Float) | Type::Span(_), Some(Value::Float(known))) => Literal::Float(known),
            (Type::Of(Kind::Float) | Type::Span(_), _) => {
                Literal::Float(*self.one_of(&[0.0, 2.0, -1.5, 1e-9, 1e300, 0.1]))
            }
            (Type::Of(Kind::Bool), _) => Literal::Bool(number % 2 == 0),
            (Type::Of(Kind::Time), known) => Literal::Moment(self.moment(known)),
            (Type::Prompt, _) => {
                let version = *self.one_of(&[None, Some(2), Some(3), Some(i64::MAX)]);
                let name = *self.one_of(&["report", "other", "it's \"x\""]);
                Literal::Prompt { name: name.to_owned(), version }
            }
            _ => Literal::Text(self.text(field, runs)),
        }
    }

    fn moment(&mut self, known: Option<Value>) -> Moment {
        let nanos = i128::from(self.next() >> self.below(40));
        let known = match known {
            Some(Value::Text(text)) => text.parse().unwrap(),
            _ => Timestamp::from_nanos(nanos),
        };
        let day = 86_400_000_000_000;
        match self.below(4) {
            0 => Moment::Day(Timestamp::from_nanos(known.as_nanos().div_euclid(day) * day)),
            1 => Moment::Ago(nanos / 1_000_000_000 * 1_000_000),
            _ => Moment::At(known),
        }
    }
}
