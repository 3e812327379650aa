//! What a filter means, said once more and without SQL: over the rows of a run, one by one.

use crate::query::filter::ast::{Comparison, Condition, Expr, Literal, Moment, Test};
use crate::query::filter::fields::Field;
use crate::query::window::next_day;
use crate::sql::rows::{self, DecisionRow, FlagRow, ObservationRow, StageRow, TraceRow};
use crate::sql::time::fixed;
use crate::sql::value::{Column, Kind, Row, Table, Value};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use trace_core::model::{Timestamp, Trace};

/// The rows of a run.
pub(crate) struct Facts {
    run: Vec<Value>,
    rows: BTreeMap<&'static str, Vec<Vec<Value>>>,
    tables: BTreeMap<&'static str, &'static [Column]>,
}

/// A row's cells as they are read back.
fn read_back(row: impl Row) -> Vec<Value> {
    let read = |cell| if let Value::Time(moment) = cell { Value::Text(fixed(moment)) } else { cell };
    row.into_cells().into_iter().map(read).collect()
}

fn cells<R: Row>(rows: Vec<R>) -> Vec<Vec<Value>> {
    rows.into_iter().map(read_back).collect()
}

impl Facts {
    pub(crate) fn of(trace: &Trace) -> Self {
        let finished = crate::sql::tests::fixture::finished(trace.clone());
        let rows = rows::project(&finished, finished.sampled, Timestamp::now());
        let tables: [Table; 5] =
            [TraceRow::TABLE, StageRow::TABLE, DecisionRow::TABLE, ObservationRow::TABLE, FlagRow::TABLE];
        Self {
            run: read_back(rows.trace),
            rows: BTreeMap::from([
                ("stages", cells(rows.children.stages)),
                ("decisions", cells(rows.children.decisions)),
                ("observations", cells(rows.children.observations)),
                ("calibration_flags", cells(rows.flags)),
            ]),
            tables: tables.into_iter().map(|table| (table.name, table.columns)).collect(),
        }
    }

    pub(crate) fn satisfies(&self, filter: &Expr, now: Timestamp) -> bool {
        Judge { facts: self, now }.holds(filter, None)
    }

    fn cell<'a>(&self, table: &str, row: &'a [Value], column: &str) -> &'a Value {
        let at = self.tables[table].iter().position(|known| known.name == column).unwrap();
        &row[at]
    }

    /// The rows that a name means.
    fn named(&self, field: &Field) -> Vec<&Vec<Value>> {
        let (Field::Of(part, name, _) | Field::Alternatives(part, name)) = field else { return Vec::new() };
        let table = part.table.name;
        let is_named = |row: &&Vec<Value>| self.cell(table, row, part.key(name)) == &Value::Text(name.clone());
        self.rows[table].iter().filter(is_named).collect()
    }

    /// The values that the run has there; none is `Null`.
    pub(crate) fn values(&self, field: &Field) -> Vec<Value> {
        match field {
            Field::Column(column) => vec![self.cell("traces", &self.run, column.name).clone()],
            Field::Of(part, _, column) => {
                self.named(field).into_iter().map(|row| self.cell(part.table.name, row, column.name).clone()).collect()
            }
            Field::Many(_, table, column) => {
                self.rows[table.name].iter().map(|row| self.cell(table.name, row, column.name).clone()).collect()
            }
            Field::Prompt => self.rows["observations"]
                .iter()
                .map(|row| self.cell("observations", row, "prompt_name").clone())
                .collect(),
            Field::Tag(name) => vec![under(self.cell("traces", &self.run, "tags"), name)],
            Field::Score(name) => vec![under(self.cell("traces", &self.run, "principle_scores"), name)],
            Field::Alternatives(part, _) => self
                .named(field)
                .into_iter()
                .map(|row| options(self.cell(part.table.name, row, "alternatives_considered")))
                .collect(),
        }
    }

    /// The texts that the run has there.
    pub(crate) fn texts(&self, field: &Field) -> Vec<String> {
        let text = |value| match value {
            Value::Text(text) => vec![text],
            Value::List(list) => list,
            _ => Vec::new(),
        };
        self.values(field).into_iter().flat_map(text).collect()
    }
}

fn under(object: &Value, key: &str) -> Value {
    let Value::Text(text) = object else { return Value::Null };
    match serde_json::from_str::<serde_json::Value>(text).unwrap().get(key) {
        Some(serde_json::Value::String(text)) => Value::Text(text.clone()),
        Some(serde_json::Value::Number(number)) => Value::Float(number.as_f64().unwrap()),
        _ => Value::Null,
    }
}

fn options(list: &Value) -> Value {
    let Value::Text(text) = list else { return Value::List(Vec::new()) };
    let list: Vec<serde_json::Value> = serde_json::from_str(text).unwrap();
    Value::List(list.iter().map(|option| option["option"].as_str().unwrap().to_owned()).collect())
}

struct Judge<'a> {
    facts: &'a Facts,
    now: Timestamp,
}

/// The word and the name of the rows that all conditions of a filter are about.
fn about(filter: &Expr) -> Option<(&'static str, &str)> {
    match filter {
        Expr::Is(Condition { field: Field::Of(part, name, _) | Field::Alternatives(part, name), .. }) => {
            Some((part.word, name))
        }
        Expr::And(parts) | Expr::Or(parts) => {
            let first = about(parts.first()?);
            if parts.iter().all(|part| about(part) == first) { first } else { None }
        }
        _ => None,
    }
}

/// One condition of the filter that is about named rows.
fn some_field(filter: &Expr) -> &Field {
    match filter {
        Expr::Is(condition) => &condition.field,
        Expr::And(parts) | Expr::Or(parts) => some_field(&parts[0]),
        Expr::Not(inner) => some_field(inner),
    }
}

impl Judge<'_> {
    fn holds(&self, filter: &Expr, row: Option<&Vec<Value>>) -> bool {
        if row.is_none() && about(filter).is_some() {
            return self.facts.named(some_field(filter)).into_iter().any(|row| self.holds(filter, Some(row)));
        }
        match filter {
            Expr::And(parts) if row.is_none() => parts.iter().all(|part| match about(part) {
                None => self.holds(part, None),
                shared => {
                    let together = || parts.iter().filter(|other| about(other) == shared);
                    let rows = self.facts.named(some_field(part));
                    rows.into_iter().any(|row| together().all(|part| self.holds(part, Some(row))))
                }
            }),
            Expr::And(parts) => parts.iter().all(|part| self.holds(part, row)),
            Expr::Or(parts) => parts.iter().any(|part| self.holds(part, row)),
            Expr::Not(inner) => !self.holds(inner, row),
            Expr::Is(condition) => self.condition(condition, row),
        }
    }

    fn condition(&self, Condition { field, test }: &Condition, row: Option<&Vec<Value>>) -> bool {
        match (field, row) {
            (Field::Of(part, _, column), Some(row)) => {
                self.test(self.facts.cell(part.table.name, row, column.name), column.kind, test)
            }
            (Field::Alternatives(part, _), Some(row)) => {
                self.test(&options(self.facts.cell(part.table.name, row, "alternatives_considered")), Kind::List, test)
            }
            (Field::Prompt, _) => self.prompt(test),
            (Field::Many(_, _, column), _) => {
                let values = self.facts.values(field);
                match test {
                    Test::Null => values.iter().all(|value| *value == Value::Null),
                    test => values.iter().any(|value| self.test(value, column.kind, test)),
                }
            }
            (Field::Column(column), _) => self.test(&self.facts.values(field)[0], column.kind, test),
            _ => self.test(&self.facts.values(field)[0], Kind::Text, test),
        }
    }

    fn prompt(&self, test: &Test) -> bool {
        let prompts = self.facts.rows["observations"].iter().filter_map(|row| {
            let version = match self.facts.cell("observations", row, "prompt_version") {
                Value::Int(version) => Some(*version),
                _ => None,
            };
            match self.facts.cell("observations", row, "prompt_name") {
                Value::Text(name) => Some((name.clone(), version)),
                _ => None,
            }
        });
        let prompts: Vec<_> = prompts.collect();
        let is = |(name, version): &(String, Option<i64>), literal: &Literal| {
            let Literal::Prompt { name: wanted, version: of } = literal else { panic!("{literal:?}") };
            name == wanted && (of.is_none() || of == version)
        };
        match test {
            Test::Null => prompts.is_empty(),
            Test::NotNull => !prompts.is_empty(),
            Test::Contains(part) => prompts.iter().any(|(name, _)| contains(name, part)),
            Test::Compare(Comparison::Unequal, literal) => prompts.iter().any(|prompt| !is(prompt, literal)),
            Test::Compare(_, literal) => prompts.iter().any(|prompt| is(prompt, literal)),
            Test::OneOf(literals) => prompts.iter().any(|prompt| literals.iter().any(|literal| is(prompt, literal))),
            Test::Has(_) => panic!("a prompt has nothing"),
        }
    }

    fn test(&self, value: &Value, kind: Kind, test: &Test) -> bool {
        match (test, value) {
            (Test::Null, Value::List(list)) => list.is_empty(),
            (Test::NotNull, Value::List(list)) => !list.is_empty(),
            (Test::Null, value) => *value == Value::Null,
            (Test::NotNull, value) => *value != Value::Null,
            (_, Value::Null) => false,
            (Test::Contains(part), Value::Text(text)) => contains(text, part),
            (Test::Contains(part), Value::List(list)) => list.iter().any(|text| contains(text, part)),
            (Test::Has(wanted), Value::List(list)) => list.contains(wanted),
            (Test::Has(key), Value::Text(json)) if kind == Kind::Json => {
                serde_json::from_str::<serde_json::Value>(json)
                    .unwrap()
                    .as_object()
                    .is_some_and(|object| object.contains_key(key))
            }
            (Test::OneOf(literals), value) => {
                literals.iter().any(|literal| self.compare(value, Comparison::Equal, literal))
            }
            (Test::Compare(comparison, literal), value) => self.compare(value, *comparison, literal),
            (test, value) => panic!("{test:?} of {value:?}"),
        }
    }

    fn compare(&self, value: &Value, comparison: Comparison, literal: &Literal) -> bool {
        let is = |order: Option<Ordering>| match comparison {
            Comparison::Equal => order == Some(Ordering::Equal),
            Comparison::Unequal => order.is_some_and(Ordering::is_ne),
            Comparison::Less => order == Some(Ordering::Less),
            Comparison::AtMost => order.is_some_and(Ordering::is_le),
            Comparison::Greater => order == Some(Ordering::Greater),
            Comparison::AtLeast => order.is_some_and(Ordering::is_ge),
        };
        match (value, literal) {
            (Value::Text(text), Literal::Text(wanted)) => is(text.partial_cmp(wanted)),
            (Value::Int(number), Literal::Int(wanted)) => is(number.partial_cmp(wanted)),
            (Value::Int(number), Literal::Money(wanted)) => is(number.partial_cmp(&wanted.picodollars())),
            (Value::Float(number), Literal::Float(wanted)) => is(number.partial_cmp(wanted)),
            (Value::Bool(truth), Literal::Bool(wanted)) => is(truth.partial_cmp(wanted)),
            (Value::Text(moment), Literal::Moment(wanted)) => match wanted {
                Moment::At(wanted) => is(moment.partial_cmp(&fixed(*wanted))),
                Moment::Ago(nanos) => {
                    is(moment.partial_cmp(&fixed(Timestamp::from_nanos(self.now.as_nanos() - nanos))))
                }
                Moment::Day(begin) => {
                    let order = if *moment < fixed(*begin) {
                        Ordering::Less
                    } else if *moment < fixed(next_day(*begin)) {
                        Ordering::Equal
                    } else {
                        Ordering::Greater
                    };
                    is(Some(order))
                }
            },
            (value, literal) => panic!("{value:?} and {literal:?}"),
        }
    }
}

/// Letter by letter, each in one of its cases.
pub(crate) fn contains(text: &str, part: &str) -> bool {
    let (text, part): (Vec<char>, Vec<char>) = (text.chars().collect(), part.chars().collect());
    let same = |a: char, b: char| crate::sql::dialect::words::cases(b).contains(&a);
    part.is_empty() || text.windows(part.len()).any(|window| window.iter().zip(&part).all(|(a, b)| same(*a, *b)))
}
