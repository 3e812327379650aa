//! A filter as a condition on `traces`, with everything that comes from outside as a parameter.
//!
//! Two-valued: what the databases call unknown is not satisfied, and `not` turns that round (`IS NOT TRUE`). Conditions on one stage,
//! decision point or observation that `and` joins become one `EXISTS`, so they hold for one row.

use super::ast::{Comparison, Condition, Expr, Literal, Moment, Test};
use super::fields::{Field, Part};
use crate::query::statement::Statement;
use crate::query::window::next_day;
use crate::sql::DatabaseKind;
use crate::sql::time;
use crate::sql::value::{Cell, Column, Kind, Table, Value};
use trace_core::model::Timestamp;

/// Adds the condition; moments relative to now count from `now`.
pub(crate) fn lower(filter: &Expr, now: Timestamp, into: &mut Statement) {
    Lowering { now, into, by_run: true }.expr(filter, None);
}

/// Adds a condition on a row of another table, without the run that it belongs to; see [`super::Filter::of_indexed_rows`].
pub(crate) fn lower_row(condition: &Condition, now: Timestamp, into: &mut Statement) {
    let mut lowering = Lowering { now, into, by_run: false };
    if let (Field::Prompt, Test::Compare(_, literal)) = (&condition.field, &condition.test) {
        return lowering.is_prompt(literal);
    }
    if let Field::Of(part, name, _) = &condition.field {
        lowering.is_named((part, name));
        lowering.into.push(" AND ");
    }
    lowering.condition(condition);
}

/// Which queries are looked at for a part: together, all of them.
#[derive(Clone, Copy)]
pub(crate) enum Queries {
    /// The beginning of each, which an index holds.
    Heads,
    /// All of those that are longer.
    Long,
}

/// How many characters of a query `traces.query_head` holds. The index of longer queries is for this number.
const QUERY_HEAD: usize = 200;

/// Adds the condition that a query contains a text, whatever the case of its letters, as one that an index serves.
pub(crate) fn lower_query(part: &str, queries: Queries, into: &mut Statement) {
    let contains = match queries {
        // The database folds it when it writes it. What a pattern matches in a text, it matches in the folded one.
        Queries::Heads => into.contains_folded("traces.query_head", "traces.query_head", part),
        Queries::Long => {
            into.push(&format!("length(traces.query) > {QUERY_HEAD} AND "));
            into.contains("traces.query", part)
        }
    };
    into.push(&contains);
}

struct Lowering<'a> {
    now: Timestamp,
    into: &'a mut Statement,
    /// Whether rows of other tables are looked for by the run that they belong to.
    by_run: bool,
}

/// The rows that conditions are joined for: the part and the name.
type Scope<'a> = (&'static Part, &'a str);

/// The scope that all conditions of a filter share, if they do and none is turned round.
fn scope(filter: &Expr) -> Option<Scope<'_>> {
    match filter {
        Expr::Is(Condition { field: Field::Of(part, name, _) | Field::Alternatives(part, name), .. }) => {
            Some((part, name))
        }
        Expr::Is(_) | Expr::Not(_) => None,
        Expr::And(parts) | Expr::Or(parts) => {
            let mut scopes = parts.iter().map(scope);
            let first = scopes.next()??;
            scopes.all(|scope| scope == Some(first)).then_some(first)
        }
    }
}

impl Lowering<'_> {
    /// `inside` is the scope whose row the condition is already about.
    fn expr<'a>(&mut self, filter: &'a Expr, inside: Option<Scope<'a>>) {
        match (inside, scope(filter)) {
            (None, Some(scope)) => self.exists(scope, &[filter]),
            _ => match filter {
                Expr::And(parts) if inside.is_none() => self.conjunction(parts),
                Expr::And(parts) => self.joined(parts, " AND ", inside),
                Expr::Or(parts) => self.joined(parts, " OR ", inside),
                Expr::Not(inner) => {
                    self.into.push("(");
                    self.expr(inner, inside);
                    self.into.push(") IS NOT TRUE");
                }
                Expr::Is(condition) => self.condition(condition),
            },
        }
    }

    fn joined<'a>(&mut self, parts: &'a [Expr], word: &str, inside: Option<Scope<'a>>) {
        self.into.push("(");
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.into.push(word);
            }
            self.expr(part, inside);
        }
        self.into.push(")");
    }

    /// Parts of one scope are put together, at the place of the first.
    fn conjunction(&mut self, parts: &[Expr]) {
        if parts.is_empty() {
            self.into.push("TRUE");
            return;
        }
        let mut done: Vec<Scope<'_>> = Vec::new();
        let mut first = true;
        self.into.push("(");
        for part in parts {
            let scope = scope(part);
            if scope.is_some_and(|scope| done.contains(&scope)) {
                continue;
            }
            if !std::mem::take(&mut first) {
                self.into.push(" AND ");
            }
            match scope {
                Some(shared) => {
                    done.push(shared);
                    let same: Vec<&Expr> = parts.iter().filter(|part| self::scope(part) == Some(shared)).collect();
                    self.exists(shared, &same);
                }
                None => self.expr(part, None),
            }
        }
        self.into.push(")");
    }

    fn exists<'a>(&mut self, scope: Scope<'a>, parts: &[&'a Expr]) {
        self.begin_exists(scope.0.table);
        self.into.push(" AND ");
        self.is_named(scope);
        for part in parts {
            self.into.push(" AND ");
            self.expr(part, Some(scope));
        }
        self.into.push(")");
    }

    fn is_named(&mut self, (part, name): Scope<'_>) {
        let key = self.of_row(part.table.name, part.key(name));
        self.into.push(&key).push(" = ").bind(Kind::Text, name.into());
    }

    fn begin_exists(&mut self, table: &Table) {
        let name = table.name;
        self.into.push(&format!("EXISTS (SELECT 1 FROM {name} WHERE {name}.trace_id = traces.trace_id"));
    }

    fn condition(&mut self, condition: &Condition) {
        match &condition.field {
            Field::Column(column) => self.column("traces", column, &condition.test),
            Field::Of(part, _, column) => self.column(part.table.name, column, &condition.test),
            Field::Alternatives(part, _) => self.alternatives(part.table.name, &condition.test),
            Field::Many(_, table, column) => self.many(table, column, &condition.test),
            Field::Prompt => self.prompt(&condition.test),
            Field::Tag(name) => {
                let key = self.into.parameter(Kind::Text, name.as_str().into());
                let value = self.into.kind.text_under("traces.tags", &key).into_owned();
                self.test(&value, Kind::Text, &condition.test);
            }
            Field::Score(name) => {
                let key = self.into.parameter(Kind::Text, name.as_str().into());
                let value = self.into.kind.number_under("traces.principle_scores", &key).into_owned();
                self.test(&value, Kind::Float, &condition.test);
            }
        }
    }

    fn column(&mut self, table: &str, column: &Column, test: &Test) {
        let stored = self.into.kind.stored(column);
        let expression = if table == "traces" { format!("{table}.{stored}") } else { self.of_row(table, &stored) };
        self.test(&expression, column.kind, test);
    }

    /// A column of another table. SQLite would rather take an index with two such columns than the key that begins with the run; a `+` keeps
    /// it from that.
    fn of_row(&self, table: &str, column: &str) -> String {
        let plus = if self.by_run && self.into.kind == DatabaseKind::Sqlite { "+" } else { "" };
        format!("{plus}{table}.{column}")
    }

    fn test(&mut self, expression: &str, kind: Kind, test: &Test) {
        match test {
            Test::Null if kind == Kind::List => {
                let empty = self.into.kind.is_empty_list(expression);
                self.into.push(&empty);
            }
            Test::NotNull if kind == Kind::List => {
                let empty = self.into.kind.is_empty_list(expression);
                self.into.push("NOT ").push(&empty);
            }
            Test::Null => {
                self.into.push(expression).push(" IS NULL");
            }
            Test::NotNull => {
                self.into.push(expression).push(" IS NOT NULL");
            }
            Test::Compare(comparison, literal) => self.compare(expression, kind, *comparison, literal),
            Test::OneOf(literals) => self.one_of(expression, kind, literals),
            Test::Contains(text) if kind == Kind::List => {
                self.any_element(expression, |lowering, element| lowering.into.contains(element, text));
            }
            Test::Contains(text) => {
                let contains = self.into.contains(expression, text);
                self.into.push(&contains);
            }
            Test::Has(text) if kind == Kind::List => self.any_element(expression, |lowering, element| {
                format!("{element} = {}", lowering.into.parameter(Kind::Text, text.as_str().into()))
            }),
            Test::Has(key) => {
                let key = self.into.parameter(Kind::Text, key.as_str().into());
                let has = self.into.kind.has_key(expression, &key);
                self.into.push(&has);
            }
        }
    }

    fn any_element(&mut self, list: &str, condition: impl FnOnce(&mut Self, &str) -> String) {
        let kind = self.into.kind;
        let any = kind.any_element(list, |element| condition(self, element));
        self.into.push(&any);
    }

    /// Text is ordered by its bytes, as SQLite does: the order of a server's language would make other answers.
    fn compare(&mut self, expression: &str, kind: Kind, comparison: Comparison, literal: &Literal) {
        if let Literal::Moment(Moment::Day(begin)) = literal {
            return self.compare_day(expression, comparison, *begin);
        }
        let operator = match comparison {
            Comparison::Unequal => "<>",
            other => other.as_str(),
        };
        let ordered = !matches!(comparison, Comparison::Equal | Comparison::Unequal);
        let collation = if ordered && kind == Kind::Text { self.into.kind.by_bytes() } else { "" };
        if let Literal::Bool(truth) = literal {
            let truth = self.into.kind.truth(*truth);
            self.into.push(expression).push(" ").push(operator).push(" ").push(truth);
            return;
        }
        let value = self.value(literal);
        self.into.push(expression).push(collation).push(" ").push(operator).push(" ").bind(kind, value);
    }

    /// A day is the time from its begin to that of the next.
    fn compare_day(&mut self, expression: &str, comparison: Comparison, begin: Timestamp) {
        let end = next_day(begin);
        let (operator, moment) = match comparison {
            Comparison::Less => (" < ", begin),
            Comparison::AtLeast => (" >= ", begin),
            Comparison::AtMost => (" < ", end),
            Comparison::Greater => (" >= ", end),
            Comparison::Equal => {
                self.into.push("(").push(expression).push(" >= ").bind(Kind::Time, begin.into_cell());
                self.into.push(" AND ").push(expression).push(" < ").bind(Kind::Time, end.into_cell()).push(")");
                return;
            }
            Comparison::Unequal => {
                self.into.push("(").push(expression).push(" < ").bind(Kind::Time, begin.into_cell());
                self.into.push(" OR ").push(expression).push(" >= ").bind(Kind::Time, end.into_cell()).push(")");
                return;
            }
        };
        self.into.push(expression).push(operator).bind(Kind::Time, moment.into_cell());
    }

    fn one_of(&mut self, expression: &str, kind: Kind, literals: &[Literal]) {
        self.into.push("(");
        for (index, literal) in literals.iter().enumerate() {
            if index > 0 {
                self.into.push(" OR ");
            }
            self.compare(expression, kind, Comparison::Equal, literal);
        }
        self.into.push(")");
    }

    fn value(&self, literal: &Literal) -> Value {
        match literal {
            Literal::Text(text) | Literal::Prompt { name: text, .. } => text.as_str().into(),
            Literal::Int(number) => Value::Int(*number),
            Literal::Float(number) => Value::Float(*number),
            Literal::Bool(truth) => Value::Bool(*truth),
            Literal::Money(amount) => amount.into_cell(),
            Literal::Moment(Moment::At(moment) | Moment::Day(moment)) => Value::Text(time::fixed(*moment)),
            Literal::Moment(Moment::Ago(nanos)) => {
                Value::Text(time::fixed(Timestamp::from_nanos(self.now.as_nanos().saturating_sub(*nanos))))
            }
        }
    }

    /// One of the rows satisfies it; `is null`: none has a value.
    fn many(&mut self, table: &Table, column: &Column, test: &Test) {
        if *test == Test::Null {
            self.into.push("NOT ");
        }
        self.begin_exists(table);
        self.into.push(" AND ");
        let test = if *test == Test::Null { &Test::NotNull } else { test };
        self.column(table.name, column, test);
        self.into.push(")");
    }

    fn alternatives(&mut self, table: &str, test: &Test) {
        let list = format!("{table}.alternatives_considered");
        let kind = self.into.kind;
        match test {
            Test::Null | Test::NotNull => {
                let not = if *test == Test::Null { "NOT " } else { "" };
                let any = kind.any_option(&list, |_| "TRUE".to_owned());
                self.into.push(not).push(&any);
            }
            Test::Contains(text) => {
                let any = kind.any_option(&list, |option| self.into.contains(option, text));
                self.into.push(&any);
            }
            // A list satisfies nothing else: such a filter is not made.
            Test::Has(_) | Test::Compare(..) | Test::OneOf(_) => {
                let wanted = if let Test::Has(text) = test { text.as_str() } else { "" };
                let any = kind.any_option(&list, |option| {
                    format!("{option} = {}", self.into.parameter(Kind::Text, wanted.into()))
                });
                self.into.push(&any);
            }
        }
    }

    fn prompt(&mut self, test: &Test) {
        let name = &self.of_row("observations", "prompt_name");
        if *test == Test::Null {
            self.into.push("NOT ");
        }
        self.begin_exists(&super::fields::OBSERVATIONS);
        self.into.push(" AND ");
        match test {
            Test::Null | Test::NotNull => {
                self.into.push(name).push(" IS NOT NULL");
            }
            Test::Contains(text) => {
                let contains = self.into.contains(name, text);
                self.into.push(&contains);
            }
            Test::Compare(Comparison::Unequal, literal) => {
                self.into.push(name).push(" IS NOT NULL AND (");
                self.is_prompt(literal);
                self.into.push(") IS NOT TRUE");
            }
            Test::Compare(_, literal) => self.is_prompt(literal),
            Test::OneOf(literals) => {
                self.into.push("(");
                for (index, literal) in literals.iter().enumerate() {
                    if index > 0 {
                        self.into.push(" OR ");
                    }
                    self.is_prompt(literal);
                }
                self.into.push(")");
            }
            Test::Has(text) => {
                self.into.push(name).push(" = ").bind(Kind::Text, text.as_str().into());
            }
        }
        self.into.push(")");
    }

    fn is_prompt(&mut self, literal: &Literal) {
        let value = self.value(literal);
        let [name, number] = ["prompt_name", "prompt_version"].map(|column| self.of_row("observations", column));
        self.into.push("(").push(&name).push(" = ").bind(Kind::Text, value);
        if let Literal::Prompt { version: Some(version), .. } = literal {
            self.into.push(" AND ").push(&number).push(" = ").bind(Kind::Int, Value::Int(*version));
        }
        self.into.push(")");
    }
}
