//! Rows as the binary `COPY` of Postgres takes them: [the format](https://www.postgresql.org/docs/current/sql-copy.html) is a header, for each
//! row the number of fields and for each field its length and the bytes that the type's `recv` function reads, and an end.
//!
//! Comes in: rows, and the kinds of their columns. Goes out: bytes. It saves the server from reading texts, and the writer from making them.

use crate::sql::time;
use crate::sql::value::{CellRef, Column, Kind, Row};
use std::sync::{Arc, Mutex, PoisonError};

/// Signature, flags, and the length of an extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// In the place of a number of fields.
const END: [u8; 2] = (-1_i16).to_be_bytes();

/// 2000-01-01, from which Postgres counts, in microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// The same in days since 1970.
const EPOCH_DAY: i64 = 10_957;

/// The type `text`, of which all lists are.
const TEXT: i32 = 25;

/// From how many bytes on rows are copied, where a connection sends what it is given at once.
const COPY_FROM: usize = 16 << 10;

/// The same where it may wait for 40 ms with the end of a copy, which the driver sends apart.
const COPY_FROM_LATE: usize = 144 << 10;

/// How much room is kept for the next copy of a table.
const KEPT: usize = 2 << 20;

/// Room that is kept from one copy to the next: fresh memory costs more than what is written to it.
#[derive(Clone, Debug)]
pub(super) struct Room {
    kept: Arc<Mutex<Vec<Vec<u8>>>>,
    copy_from: usize,
}

impl Room {
    /// For a connection that sends what it is given at once, or waits until what went before was acknowledged.
    pub(super) fn new(is_at_once: bool) -> Self {
        Self { kept: Arc::default(), copy_from: if is_at_once { COPY_FROM } else { COPY_FROM_LATE } }
    }

    /// For the rows of a table. It comes back by itself.
    pub(super) fn take(&self) -> CopyRows {
        let bytes = self.kept.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        CopyRows { bytes, room: self.clone() }
    }
}

/// Rows on their way.
#[derive(Debug)]
pub(crate) struct CopyRows {
    bytes: Vec<u8>,
    room: Room,
}

impl Drop for CopyRows {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        if (1..=KEPT).contains(&bytes.capacity()) {
            self.room.kept.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
        }
    }
}

impl CopyRows {
    /// Begins a copy.
    pub(crate) fn begin(&mut self) {
        self.bytes.clear();
        self.bytes.extend_from_slice(HEADER);
    }

    /// From how many bytes on rows are worth a copy.
    pub(crate) fn worth(&self) -> usize {
        self.room.copy_from
    }

    /// Whether none has begun.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Empties it.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// How many bytes there are so far.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a row.
    pub(crate) fn push<R: Row>(&mut self, row: &R) -> Result<(), sqlx::Error> {
        let mut columns = const { R::TABLE }.columns.iter();
        self.int16(columns.len());
        let mut done = Ok(());
        row.each(|cell| {
            if let (Some(column), Ok(())) = (columns.next(), &done) {
                done = self.field(column, cell);
            }
        });
        done
    }

    /// Everything, with the end.
    pub(crate) fn end(&mut self) -> &[u8] {
        self.bytes.extend_from_slice(&END);
        &self.bytes
    }

    fn field(&mut self, column: &Column, cell: CellRef<'_>) -> Result<(), sqlx::Error> {
        match (column.kind, cell) {
            (_, CellRef::Null) => self.bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
            (Kind::Text, CellRef::Text(text)) => self.bytes(text.as_bytes()),
            (Kind::Json, CellRef::Text(text)) => {
                self.int32(1 + text.len());
                // The version of the format.
                self.bytes.push(1);
                self.bytes.extend_from_slice(text.as_bytes());
            }
            (Kind::Time, CellRef::Time(moment)) => self.eight((time::micros(moment) - EPOCH).to_be_bytes()),
            (Kind::Day, CellRef::Day(day)) => {
                let days = i32::try_from(day.0 - EPOCH_DAY).map_err(|error| unfit(column, &error.to_string()))?;
                self.bytes(&days.to_be_bytes());
            }
            (Kind::Int, CellRef::Int(number)) => self.eight(number.to_be_bytes()),
            (Kind::Float, CellRef::Float(number)) => self.eight(number.to_be_bytes()),
            (Kind::Bool, CellRef::Bool(truth)) => self.bytes(&[u8::from(truth)]),
            (Kind::Bytes, CellRef::Bytes(bytes)) => self.bytes(bytes),
            (Kind::Money, CellRef::Int(picodollars)) => self.numeric(picodollars),
            (Kind::List, CellRef::List(list)) => self.list(list),
            (kind, _) => return Err(unfit(column, &format!("a cell is not of the kind {kind:?}"))),
        }
        Ok(())
    }

    /// A field of these bytes.
    fn bytes(&mut self, bytes: &[u8]) {
        self.int32(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// A field of eight bytes, in one piece with its length.
    fn eight(&mut self, bytes: [u8; 8]) {
        let [a, b, c, d, e, f, g, h] = bytes;
        self.bytes.extend_from_slice(&[0, 0, 0, 8, a, b, c, d, e, f, g, h]);
    }

    /// A list of texts: dimensions, whether there are nulls, the type; for the dimension its length and first index; the texts.
    fn list(&mut self, list: &[String]) {
        let dimensions = usize::from(!list.is_empty());
        self.int32(12 + 8 * dimensions + list.iter().map(|text| 4 + text.len()).sum::<usize>());
        self.int32(dimensions);
        self.int32(0);
        self.bytes.extend_from_slice(&TEXT.to_be_bytes());
        if dimensions > 0 {
            self.int32(list.len());
            self.int32(1);
        }
        list.iter().for_each(|text| self.bytes(text.as_bytes()));
    }

    /// Dollars with 12 decimals, as digits of base 10,000: how many, the power of the first, the sign, the decimals shown, the digits.
    fn numeric(&mut self, picodollars: i64) {
        let mut rest = picodollars.unsigned_abs();
        let mut digits = Vec::new();
        while rest > 0 {
            digits.push(u16::try_from(rest % 10_000).unwrap_or(0));
            rest /= 10_000;
        }
        // Three of them are the decimals.
        let weight = i16::try_from(digits.len()).unwrap_or(0) - 4;
        self.int32(8 + 2 * digits.len());
        self.int16(digits.len());
        self.bytes.extend_from_slice(&weight.to_be_bytes());
        self.int16(if picodollars < 0 { 0x4000 } else { 0 });
        self.int16(12);
        digits.iter().rev().for_each(|digit| self.bytes.extend_from_slice(&digit.to_be_bytes()));
    }

    /// Counts here are far below what the bytes can hold: a table has dozens of columns, a value megabytes.
    fn int16(&mut self, number: usize) {
        self.bytes.extend_from_slice(&u16::try_from(number).unwrap_or(u16::MAX).to_be_bytes());
    }

    fn int32(&mut self, number: usize) {
        self.bytes.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_be_bytes());
    }
}

fn unfit(column: &Column, reason: &str) -> sqlx::Error {
    sqlx::Error::Encode(format!("column {}: {reason}", column.name).into())
}
