//! Rows of integers under their keys, of whichever table.

use crate::sql::dialect::Connection;
use crate::sql::value::{Cell, CellRef, Column, Day, Kind, Row, Table, Value};
use std::collections::{BTreeMap, HashMap};

/// The most columns that a key has.
const PARTS: usize = 5;

/// The most sums that a row has.
const AMOUNTS: usize = 18;

/// Sums under their keys.
#[derive(Debug)]
pub(super) struct Sums {
    table: &'static Table,
    names: Names,
    /// In a key a text is the number of its name. A batch adds to few rows many times: that should make no texts.
    rows: HashMap<[i64; PARTS], [i64; AMOUNTS]>,
}

/// Texts by number.
#[derive(Debug, Default)]
struct Names {
    numbers: HashMap<String, i64>,
}

impl Names {
    fn number(&mut self, text: &str) -> i64 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = i64::try_from(self.numbers.len()).unwrap_or(i64::MAX);
        self.numbers.insert(text.to_owned(), number);
        number
    }
}

/// A part of a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Day(Day),
    Text(String),
    Int(i64),
}

impl From<Part> for Value {
    fn from(part: Part) -> Self {
        match part {
            Part::Day(day) => Self::Day(day),
            Part::Text(text) => Self::Text(text),
            Part::Int(number) => Self::Int(number),
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Int(number) => number.fmt(f),
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
        debug_assert!(table.key.len() <= PARTS && table.columns.len() <= table.key.len() + AMOUNTS, "{}", table.name);
        Self { table, names: Names::default(), rows: HashMap::new() }
    }

    /// Adds a row of the table, or takes it away. The key comes first in every such table, and the amounts are integers.
    pub(super) fn add<R: Row>(&mut self, row: &R, sign: i64) {
        let (mut key, mut amounts) = ([0; PARTS], [0; AMOUNTS]);
        let mut places = key[..self.table.key.len()].iter_mut().chain(&mut amounts);
        row.each(|cell| {
            let number = match cell {
                CellRef::Text(text) => self.names.number(&text),
                CellRef::Day(day) => day.0,
                CellRef::Int(number) => number,
                // There are no others.
                _ => 0,
            };
            if let Some(place) = places.next() {
                *place = number;
            }
        });
        let sums = self.rows.entry(key).or_insert([0; AMOUNTS]);
        for (sum, amount) in sums.iter_mut().zip(amounts) {
            *sum = sum.saturating_add(sign * amount);
        }
    }

    /// The rows by their keys, sorted.
    fn into_rows(self) -> BTreeMap<Vec<Part>, Vec<i64>> {
        let names: HashMap<i64, String> = self.names.numbers.into_iter().map(|(text, number)| (number, text)).collect();
        let (columns, amounts) = self.table.columns.split_at(self.table.key.len());
        let part = |(column, number): (&Column, i64)| match column.kind {
            Kind::Day => Part::Day(Day(number)),
            Kind::Text => Part::Text(names.get(&number).cloned().unwrap_or_default()),
            _ => Part::Int(number),
        };
        let key = |key: [i64; PARTS]| columns.iter().zip(key).map(part).collect();
        self.rows.into_iter().map(|(numbers, sums)| (key(numbers), sums[..amounts.len()].to_vec())).collect()
    }

    /// Adds them to what is in the table. Rows that come out without anything counted, which is the first sum, go.
    pub(super) async fn apply(self, connection: &mut Connection) -> Result<(), sqlx::Error> {
        let table = self.table;
        let mut rows = self.into_rows();
        rows.retain(|_, sums| sums.iter().any(|sum| *sum != 0));
        let shrunk = rows.iter().filter(|(_, sums)| sums[0] < 0);
        let mut days: Vec<Part> = shrunk.filter_map(|(key, _)| key.first().cloned()).collect();
        days.dedup();
        let cells = |(key, sums): (Vec<Part>, Vec<i64>)| {
            key.into_iter().map(Value::from).chain(sums.into_iter().map(Value::Int)).collect()
        };
        connection.insert(table, rows.into_iter().map(cells).collect()).await?;
        for day in days {
            let parameter = connection.parameter(Kind::Day, 1);
            let counted = table.columns[table.key.len()].name;
            let sql = format!("DELETE FROM {} WHERE day = {parameter} AND {counted} = 0", table.name);
            connection.run(sql, vec![day.into()]).await?;
        }
        Ok(())
    }

    /// Where these, counted anew, differ from what is in the table.
    pub(super) async fn differences(self, connection: &mut Connection) -> Result<Vec<RollupDifference>, sqlx::Error> {
        let table = self.table;
        let mut rows = self.into_rows();
        let selection = connection.selection(table);
        let sql = format!("SELECT {selection} FROM {} ORDER BY {}", table.name, table.key.join(", "));
        let mut differences = Vec::new();
        for cells in connection.fetch(sql, Vec::new(), table.columns).await? {
            let (key, stored) = split(table, cells);
            let counted = rows.remove(&key).unwrap_or_else(|| vec![0; stored.len()]);
            differences.extend(compare(table, &key, &stored, &counted));
        }
        for (key, counted) in &rows {
            differences.extend(compare(table, key, &vec![0; counted.len()], counted));
        }
        Ok(differences)
    }
}

/// The key and the sums of a row that was read.
fn split(table: &Table, mut cells: Vec<Value>) -> (Vec<Part>, Vec<i64>) {
    let sums = cells.split_off(table.key.len());
    let part = |(column, cell): (&Column, Value)| match (column.kind, cell) {
        (Kind::Day, cell) => Part::Day(Day::from_cell(cell).unwrap_or(Day::FIRST)),
        (_, Value::Int(number)) => Part::Int(number),
        (_, Value::Text(text)) => Part::Text(text),
        _ => Part::Text(String::new()),
    };
    let sum = |cell| if let Value::Int(sum) = cell { sum } else { 0 };
    (table.columns.iter().zip(cells).map(part).collect(), sums.into_iter().map(sum).collect())
}

fn compare(table: &Table, key: &[Part], stored: &[i64], counted: &[i64]) -> Vec<RollupDifference> {
    let columns = table.columns[table.key.len()..].iter();
    let pairs = columns.zip(stored.iter().zip(counted)).filter(|(_, (stored, counted))| stored != counted);
    let difference = |(column, (stored, counted)): (&Column, (&i64, &i64))| RollupDifference {
        table: table.name,
        key: key.iter().map(Part::to_string).collect(),
        column: column.name,
        stored: *stored,
        counted: *counted,
    };
    pairs.map(difference).collect()
}
