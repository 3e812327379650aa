//! Rows of integers under their keys, of whichever table.

use crate::sql::dialect::Connection;
use crate::sql::value::{Kind, Row, Table, Value};
use std::collections::BTreeMap;

/// Sums under their keys, sorted: writers that insert in one order do not wait for each other in a circle.
#[derive(Debug)]
pub(super) struct Sums {
    table: &'static Table,
    rows: BTreeMap<Vec<Part>, Vec<i64>>,
}

/// A part of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(String),
    Int(i64),
}

impl From<Value> for Part {
    /// No key has parts of another kind.
    fn from(cell: Value) -> Self {
        match cell {
            Value::Text(text) => Self::Text(text),
            Value::Int(number) => Self::Int(number),
            _ => Self::Text(String::new()),
        }
    }
}

impl From<Part> for Value {
    fn from(part: Part) -> Self {
        match part {
            Part::Text(text) => Self::Text(text),
            Part::Int(number) => Self::Int(number),
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => write!(f, "{number}"),
        }
    }
}

/// A sum that is not what counting gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RollupDifference {
    /// The table.
    pub table: &'static str,
    /// The row: day, project, and so on.
    pub key: Vec<String>,
    /// The column.
    pub column: &'static str,
    /// What the database says.
    pub stored: i64,
    /// What counting the traces gives.
    pub counted: i64,
}

impl std::fmt::Display for RollupDifference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, key, column, stored, counted } = self;
        write!(f, "{table} ({}): {column} is {stored}, counted {counted}", key.join(", "))
    }
}

impl Sums {
    pub(super) fn new(table: &'static Table) -> Self {
        Self { table, rows: BTreeMap::new() }
    }

    /// Adds a row of the table, or takes it away.
    pub(super) fn add(&mut self, row: impl Row, sign: i64) {
        let (key, amounts) = self.split(row.into_cells());
        let sums = self.rows.entry(key).or_insert_with(|| vec![0; amounts.len()]);
        for (sum, amount) in sums.iter_mut().zip(amounts) {
            *sum = sum.saturating_add(sign * amount);
        }
    }

    /// The key, which comes first in every such table, and the amounts.
    fn split(&self, mut cells: Vec<Value>) -> (Vec<Part>, Vec<i64>) {
        let amounts = cells.split_off(self.table.key.len());
        let amount = |cell| if let Value::Int(amount) = cell { amount } else { 0 };
        (cells.into_iter().map(Part::from).collect(), amounts.into_iter().map(amount).collect())
    }

    /// Adds them to what is in the table. Rows that come out without anything counted, which is the first sum, go.
    pub(super) async fn apply(mut self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        self.rows.retain(|_, sums| sums.iter().any(|sum| *sum != 0));
        let shrunk = self.rows.iter().filter(|(_, sums)| sums[0] < 0);
        let mut days: Vec<Part> = shrunk.filter_map(|(key, _)| key.first().cloned()).collect();
        days.dedup();
        let cells = |(key, sums): (Vec<Part>, Vec<i64>)| {
            key.into_iter().map(Value::from).chain(sums.into_iter().map(Value::Int)).collect()
        };
        connection.insert(self.table, self.rows.into_iter().map(cells).collect()).await?;
        for day in days {
            let parameter = connection.parameter(Kind::Day, 1);
            let counted = self.table.columns[self.table.key.len()].name;
            let sql = format!("DELETE FROM {} WHERE day = {parameter} AND {counted} = 0", self.table.name);
            connection.run(sql, vec![day.into()]).await?;
        }
        Ok(())
    }

    /// Where these, counted anew, differ from what is in the table.
    pub(super) async fn differences(
        mut self,
        connection: &mut Connection,
    ) -> Result<Vec<RollupDifference>, sqlx::Error> {
        let selection = connection.selection(self.table);
        let sql = format!("SELECT {selection} FROM {} ORDER BY {}", self.table.name, self.table.key.join(", "));
        let mut differences = Vec::new();
        for cells in connection.fetch(sql, Vec::new(), self.table.columns).await? {
            let (key, stored) = self.split(cells);
            let counted = self.rows.remove(&key).unwrap_or_else(|| vec![0; stored.len()]);
            differences.extend(self.compare(&key, &stored, &counted));
        }
        for (key, counted) in &self.rows {
            differences.extend(self.compare(key, &vec![0; counted.len()], counted));
        }
        Ok(differences)
    }

    fn compare(&self, key: &[Part], stored: &[i64], counted: &[i64]) -> Vec<RollupDifference> {
        let columns = self.table.columns[self.table.key.len()..].iter();
        let pairs = columns.zip(stored.iter().zip(counted)).filter(|(_, (stored, counted))| stored != counted);
        let difference = |(column, (stored, counted)): (&crate::sql::value::Column, (&i64, &i64))| RollupDifference {
            table: self.table.name,
            key: key.iter().map(Part::to_string).collect(),
            column: column.name,
            stored: *stored,
            counted: *counted,
        };
        pairs.map(difference).collect()
    }
}
