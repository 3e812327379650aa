//! A statement that is put together: text of ours and numbered parameters. What comes from outside can only become a parameter.

use crate::sql::DatabaseKind;
use crate::sql::dialect::Sql;
use crate::sql::value::{Column, Kind, Row, Table, Value};

/// A statement under construction.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// Whose words to use.
    pub(crate) kind: DatabaseKind,
    /// The text so far.
    pub(crate) sql: String,
    /// The parameters so far.
    pub(crate) arguments: Vec<Value>,
}

impl Statement {
    /// An empty one.
    pub(crate) fn new(kind: DatabaseKind) -> Self {
        Self { kind, sql: String::new(), arguments: Vec::new() }
    }

    /// Adds text of ours.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.sql.push_str(text);
        self
    }

    /// Adds `SELECT … FROM …`, the columns of a row from its table.
    pub(crate) fn select<R: Row>(&mut self) -> &mut Self {
        let Table { name, columns, .. } = R::TABLE;
        let kind = self.kind;
        let read = |column: &Column| kind.read(&format!("{name}.{}", kind.stored(column)), column);
        let columns: Vec<_> = columns.iter().map(read).collect();
        self.push("SELECT ").push(&columns.join(", ")).push(" FROM ").push(name)
    }

    /// Adds ` WHERE {table}.trace_id = …`.
    pub(crate) fn of_trace<R: Row>(&mut self, trace_id: &str) -> &mut Self {
        self.push(" WHERE ").push(R::TABLE.name).push(".trace_id = ").bind(Kind::Text, trace_id.into())
    }

    /// Makes a value a parameter; returns the text that stands for it.
    pub(crate) fn parameter(&mut self, kind: Kind, value: Value) -> String {
        self.arguments.push(value);
        self.kind.parameter(kind, self.arguments.len()).into_owned()
    }

    /// Makes a value a parameter, and adds it.
    pub(crate) fn bind(&mut self, kind: Kind, value: Value) -> &mut Self {
        let parameter = self.parameter(kind, value);
        self.push(&parameter)
    }

    /// The condition that a text contains another one, whatever the case of its letters.
    pub(crate) fn contains(&mut self, text: &str, part: &str) -> String {
        let folded = self.kind.folded(text);
        self.contains_folded(text, &folded, part)
    }

    /// The same, where the text is there in the form that hints are looked for in, too; see [`DatabaseKind::folded`].
    pub(crate) fn contains_folded(&mut self, text: &str, folded: &str, part: &str) -> String {
        let kind = self.kind;
        let hint = |hint| kind.may_contain(folded, &self.parameter(Kind::Text, Value::Text(hint)));
        let hints: Vec<Sql> = kind.hints(part).into_iter().map(hint).collect();
        let pattern = self.parameter(Kind::Text, Value::Text(kind.pattern(part)));
        let contains = kind.contains(text, &pattern).into_owned();
        if hints.is_empty() {
            return contains;
        }
        // A `CASE` is the only order that a server keeps to.
        format!("CASE WHEN {} THEN {contains} ELSE FALSE END", hints.join(" OR "))
    }
}
