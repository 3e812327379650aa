//! What fields of rows become as cells, and how they are read back.

use super::{Cell, CellRef, Kind, Value};
use crate::sql::time;
use std::borrow::Cow;
use trace_core::model::{Money, Timestamp};

macro_rules! cell {
    ($($type:ty = $kind:ident, $variant:ident, $show:expr;)*) => { $(
        impl Cell for $type {
            const KIND: Kind = Kind::$kind;

            fn as_cell(&self) -> CellRef<'_> {
                let show: fn(&$type) -> CellRef<'_> = $show;
                show(self)
            }

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
    String = Text, Text, |text| CellRef::Text(text.into());
    i64 = Int, Int, |number| CellRef::Int(*number);
    bool = Bool, Bool, |truth| CellRef::Bool(*truth);
    Vec<String> = List, List, |list| CellRef::List(list);
    Vec<u8> = Bytes, Bytes, |bytes| CellRef::Bytes(bytes);
}

/// Text of a document that need not be copied.
impl Cell for Cow<'_, str> {
    const KIND: Kind = Kind::Text;

    fn as_cell(&self) -> CellRef<'_> {
        CellRef::Text(Cow::Borrowed(self))
    }

    fn into_cell(self) -> Value {
        Value::Text(self.into_owned())
    }

    fn from_cell(cell: Value) -> Option<Self> {
        String::from_cell(cell).map(Self::Owned)
    }
}

/// What another row holds.
impl<T: Cell + Clone> Cell for Cow<'_, T> {
    const KIND: Kind = T::KIND;

    fn as_cell(&self) -> CellRef<'_> {
        T::as_cell(self)
    }

    fn into_cell(self) -> Value {
        self.into_owned().into_cell()
    }

    fn from_cell(cell: Value) -> Option<Self> {
        T::from_cell(cell).map(Self::Owned)
    }
}

impl Cell for f64 {
    const KIND: Kind = Kind::Float;

    fn as_cell(&self) -> CellRef<'_> {
        if self.is_finite() { CellRef::Float(*self) } else { CellRef::Null }
    }

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

    fn as_cell(&self) -> CellRef<'_> {
        CellRef::Int(self.picodollars())
    }

    fn into_cell(self) -> Value {
        Value::Int(self.picodollars())
    }

    fn from_cell(cell: Value) -> Option<Self> {
        i64::from_cell(cell).map(Self::from_picodollars)
    }
}

impl Cell for Timestamp {
    const KIND: Kind = Kind::Time;

    fn as_cell(&self) -> CellRef<'_> {
        CellRef::Time(*self)
    }

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

/// A day in UTC, as the number of days since 1970-01-01. Its text is `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Day(pub(crate) i64);

impl Day {
    const MICROS: i64 = 86_400_000_000;

    /// 0001-01-01, the first that both databases can hold.
    pub(crate) const FIRST: Self = Self(time::FIRST.div_euclid(Self::MICROS));

    /// The day of a moment.
    pub(crate) fn of(moment: Timestamp) -> Self {
        Self(time::micros(moment).div_euclid(Self::MICROS))
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let midnight = Timestamp::from_nanos(i128::from(self.0) * i128::from(Self::MICROS) * 1000);
        f.write_str(&midnight.date())
    }
}

impl Cell for Day {
    const KIND: Kind = Kind::Day;

    fn as_cell(&self) -> CellRef<'_> {
        CellRef::Day(*self)
    }

    fn into_cell(self) -> Value {
        Value::Day(self)
    }

    fn from_cell(cell: Value) -> Option<Self> {
        match cell {
            Value::Day(day) => Some(day),
            cell => format!("{}T00:00:00Z", String::from_cell(cell)?).parse().ok().map(Self::of),
        }
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

    fn as_cell(&self) -> CellRef<'_> {
        CellRef::Text((&self.0).into())
    }

    fn into_cell(self) -> Value {
        Value::Text(self.0)
    }

    fn from_cell(cell: Value) -> Option<Self> {
        String::from_cell(cell).map(Self)
    }
}

impl<T: Cell> Cell for Option<T> {
    const KIND: Kind = T::KIND;

    fn as_cell(&self) -> CellRef<'_> {
        self.as_ref().map_or(CellRef::Null, T::as_cell)
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_back_from_its_text() {
        let days = ["0001-01-01", "1969-12-31", "1970-01-01", "2000-02-29", "2026-11-21", "9999-12-30"];
        for text in days {
            let day = Day::from_cell(Value::Text(text.to_owned())).unwrap();
            assert_eq!((day.to_string().as_str(), Day::from_cell(day.into_cell())), (text, Some(day)));
        }
        assert_eq!(Day::FIRST.to_string(), days[0]);
        assert_eq!(Day::from_cell(Value::Text("2026-02-30".to_owned())), None);
    }
}
