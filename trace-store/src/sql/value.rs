//! A cell, a row and a table, as both databases share them.
//!
//! Comes in: plain structs declared with [`row!`]. Goes out: their table's description, from which the dialects make
//! statements, and their cells. What a cell becomes in a database (a timestamp, money, a list) is the dialect's business.

use trace_core::model::{Money, Timestamp};

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
    /// A day in UTC; as a cell, `YYYY-MM-DD`.
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
    /// [`Kind::Text`], [`Kind::Day`] and [`Kind::Json`]; [`Kind::Time`] as it is read: text of a fixed width with microseconds.
    Text(String),
    /// [`Kind::Time`] on its way to a database.
    Time(Timestamp),
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

impl Value {
    /// Roughly how much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        let own = match self {
            Self::Text(text) => text.len(),
            Self::List(list) => list.iter().map(String::len).sum(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Null | Self::Time(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) => 0,
        };
        own + size_of::<Self>()
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

    /// The cells, in the order of the table's columns.
    fn into_cells(self) -> Vec<Value>;

    /// The row made of such cells; `None` where a cell is missing or of another kind.
    fn from_cells(cells: Vec<Value>) -> Option<Self>;
}

/// The type of a row's field.
pub(crate) trait Cell: Sized {
    /// The kind of its column.
    const KIND: Kind;

    /// The field as a cell.
    fn into_cell(self) -> Value;

    /// The field made of a cell of its kind.
    fn from_cell(cell: Value) -> Option<Self>;
}

macro_rules! cell {
    ($($type:ty = $kind:ident, $variant:ident;)*) => { $(
        impl Cell for $type {
            const KIND: Kind = Kind::$kind;

            fn into_cell(self) -> Value {
                Value::$variant(self)
            }

            fn from_cell(cell: Value) -> Option<Self> {
                match cell {
                    Value::$variant(value) => Some(value),
                    _ => None,
                }
            }
        }
    )* };
}

cell! {
    String = Text, Text;
    i64 = Int, Int;
    bool = Bool, Bool;
    Vec<String> = List, List;
    Vec<u8> = Bytes, Bytes;
}

impl Cell for f64 {
    const KIND: Kind = Kind::Float;

    /// SQLite stores NaN as NULL, Postgres sorts it above everything: neither is a number to reckon with.
    fn into_cell(self) -> Value {
        if self.is_finite() { Value::Float(self) } else { Value::Null }
    }

    fn from_cell(cell: Value) -> Option<Self> {
        match cell {
            Value::Float(value) => Some(value),
            _ => None,
        }
    }
}

impl Cell for Money {
    const KIND: Kind = Kind::Money;

    fn into_cell(self) -> Value {
        Value::Int(self.picodollars())
    }

    fn from_cell(cell: Value) -> Option<Self> {
        i64::from_cell(cell).map(Self::from_picodollars)
    }
}

impl Cell for Timestamp {
    const KIND: Kind = Kind::Time;

    fn into_cell(self) -> Value {
        Value::Time(self)
    }

    fn from_cell(cell: Value) -> Option<Self> {
        match cell {
            Value::Time(time) => Some(time),
            cell => String::from_cell(cell)?.parse().ok(),
        }
    }
}

/// A day in UTC, `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Day(pub(crate) String);

impl Cell for Day {
    const KIND: Kind = Kind::Day;

    fn into_cell(self) -> Value {
        Value::Text(self.0)
    }

    fn from_cell(cell: Value) -> Option<Self> {
        String::from_cell(cell).map(Self)
    }
}

/// A JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(pub(crate) String);

impl Json {
    /// A value as JSON; one that refuses to be serialized is null.
    pub(crate) fn of(value: &impl serde::Serialize) -> Self {
        Self(serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Cell for Json {
    const KIND: Kind = Kind::Json;

    fn into_cell(self) -> Value {
        Value::Text(self.0)
    }

    fn from_cell(cell: Value) -> Option<Self> {
        String::from_cell(cell).map(Self)
    }
}

impl<T: Cell> Cell for Option<T> {
    const KIND: Kind = T::KIND;

    fn into_cell(self) -> Value {
        self.map_or(Value::Null, T::into_cell)
    }

    fn from_cell(cell: Value) -> Option<Self> {
        match cell {
            Value::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
}

/// Declares a struct that is a row: its table, its key, the columns that sending it again keeps (or `adds`: it is added to the row that
/// is there), and its fields, which are the columns.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:literal, key [$($key:ident),*], keep [$($keep:ident),*] { $($fields:tt)* }
    ) => {
        $crate::sql::value::row! {
            @row [$(#[$meta])*] $vis $name $table [$($key)*] [$($keep)*] false { $($fields)* }
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $table:literal, key [$($key:ident),*], adds { $($fields:tt)* }
    ) => {
        $crate::sql::value::row! { @row [$(#[$meta])*] $vis $name $table [$($key)*] [] true { $($fields)* } }
    };
    (
        @row [$(#[$meta:meta])*] $vis:vis $name:ident $table:literal [$($key:ident)*] [$($keep:ident)*] $adds:literal {
            $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $($(#[$field_meta])* $vis $field: $type,)*
        }

        impl $crate::sql::value::Row for $name {
            const TABLE: $crate::sql::value::Table = $crate::sql::value::Table {
                name: $table,
                key: &[$(stringify!($key)),*],
                keep: &[$(stringify!($keep)),*],
                adds: $adds,
                columns: &[$($crate::sql::value::Column {
                    name: stringify!($field),
                    kind: <$type as $crate::sql::value::Cell>::KIND,
                }),*],
            };

            fn into_cells(self) -> Vec<$crate::sql::value::Value> {
                vec![$($crate::sql::value::Cell::into_cell(self.$field)),*]
            }

            fn from_cells(cells: Vec<$crate::sql::value::Value>) -> Option<Self> {
                let mut cells = cells.into_iter();
                Some(Self { $($field: $crate::sql::value::Cell::from_cell(cells.next()?)?,)* })
            }
        }
    };
}

pub(crate) use row;
