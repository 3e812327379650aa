//! A cell, a row and a table, as both databases share them.
//!
//! Comes in: plain structs declared with [`row!`]. Goes out: their table's description, from which the dialects make
//! statements, and their cells. What a cell becomes in a database (a timestamp, money, a list) is the dialect's business.

mod cells;
mod row;

pub(crate) use cells::Day;
pub use cells::Json;
pub(crate) use row::row;
use std::borrow::Cow;
use trace_core::model::Timestamp;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// A 64-bit integer.
    Int,
    /// A finite binary float.
    Float,
    /// True or false.
    Bool,
    /// A moment in UTC.
    Time,
    /// A day in UTC.
    Day,
    /// A JSON text.
    Json,
    /// A list of texts.
    List,
    /// An amount of US dollars; as a cell, picodollars.
    Money,
    /// Bytes.
    Bytes,
}

/// One cell on its way to or from a database.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing.
    Null,
    /// [`Kind::Text`] and [`Kind::Json`]; as they are read, [`Kind::Time`] too, text of a fixed width with microseconds, and [`Kind::Day`],
    /// `YYYY-MM-DD`.
    Text(String),
    /// [`Kind::Time`] on its way to a database.
    Time(Timestamp),
    /// [`Kind::Day`] on its way to a database.
    Day(Day),
    /// [`Kind::Int`] and [`Kind::Money`].
    Int(i64),
    /// [`Kind::Float`].
    Float(f64),
    /// [`Kind::Bool`].
    Bool(bool),
    /// [`Kind::List`].
    List(Vec<String>),
    /// [`Kind::Bytes`].
    Bytes(Vec<u8>),
}

#[cfg(feature = "postgres")]
impl Value {
    /// Roughly how much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        let own = match self {
            Self::Text(text) => text.len(),
            Self::List(list) => list.iter().map(String::len).sum(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Null | Self::Time(_) | Self::Day(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) => 0,
        };
        own + size_of::<Self>()
    }
}

/// A cell that its row keeps: [`Value`] without a copy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CellRef<'a> {
    /// Nothing.
    Null,
    /// [`Kind::Text`] and [`Kind::Json`].
    Text(Cow<'a, str>),
    /// [`Kind::Time`].
    Time(Timestamp),
    /// [`Kind::Day`].
    Day(Day),
    /// [`Kind::Int`] and [`Kind::Money`].
    Int(i64),
    /// [`Kind::Float`].
    Float(f64),
    /// [`Kind::Bool`].
    Bool(bool),
    /// [`Kind::List`].
    List(&'a [String]),
    /// [`Kind::Bytes`].
    Bytes(&'a [u8]),
}

impl CellRef<'_> {
    /// How many bytes it takes beside its row.
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(list) => list.iter().map(String::len).sum(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Null | Self::Time(_) | Self::Day(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) => 0,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A column of a [`Table`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Column {
    /// Its name in Postgres; in SQLite a money column is stored under another one.
    pub(crate) name: &'static str,
    /// What it holds.
    pub(crate) kind: Kind,
}

/// A table that rows are written to.
#[derive(Debug, PartialEq)]
pub(crate) struct Table {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its primary key.
    pub(crate) key: &'static [&'static str],
    /// What a row that is sent again leaves as it was.
    pub(crate) keep: &'static [&'static str],
    /// Whether the other columns of a row whose key exists are added to it, instead of replacing it.
    pub(crate) adds: bool,
    /// The columns that rows are written with.
    pub(crate) columns: &'static [Column],
}

/// A struct that is a row of a table.
pub(crate) trait Row: Sized {
    /// The table.
    const TABLE: Table;

    /// Shows the cells, in the order of the table's columns.
    fn each<'c>(&'c self, show: impl FnMut(CellRef<'c>));

    /// The cells, in the order of the table's columns.
    fn into_cells(self) -> Vec<Value>;

    /// The row made of such cells; `None` where a cell is missing or of another kind.
    fn from_cells(cells: Vec<Value>) -> Option<Self>;

    /// Roughly how much memory it takes, in bytes.
    fn size(&self) -> usize {
        let mut size = size_of::<Self>();
        self.each(|cell| size += cell.size());
        size
    }
}

/// The type of a row's field.
pub(crate) trait Cell: Sized {
    /// The kind of its column.
    const KIND: Kind;

    /// The field as a cell that it keeps.
    fn as_cell(&self) -> CellRef<'_>;

    /// The field as a cell.
    fn into_cell(self) -> Value;

    /// The field made of a cell of its kind.
    fn from_cell(cell: Value) -> Option<Self>;
}
