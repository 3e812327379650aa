//! The newest of something before a moment that moves on: read from the database in pieces, each row once.
//!
//! Comes in: moments. Goes out: what had ended by then, newest first, as much as is needed. Usually one read serves all that follow. Where
//! runs of others lie between those of a batch, an outbox that drains perhaps, it reads on from where it is.

use super::calibration::BasisRow;
use super::dialect::Connection;
use super::time;
use super::value::{Column, Kind, Row, Table, Value};
use crate::calibrate::{Name, RunFigures};
use trace_core::model::Timestamp;

/// Rows read beyond what is needed, for the runs of a batch that ended one after the other.
const BEYOND: usize = 256;

/// Something of complete runs, ordered by when they ended.
pub(super) trait Past: Clone {
    /// The table with what is read.
    const TABLE: Table;

    /// The condition on the rows that count; `$1` is the principle, if it is about one.
    const CONDITION: &'static str;

    /// What decides between rows that ended at once: the one recorded later is the newer.
    const TIE: Option<&'static str>;

    /// When the run ended, in microseconds since 1970.
    fn ended(&self) -> i64;

    /// A row that was read.
    fn of_cells(cells: Vec<Value>) -> Option<Self>;

    /// What it is of a run; `None` where the run does not count.
    fn of_run(run: &RunFigures, principle: Option<&Name>) -> Option<Self>;
}

impl Past for RunFigures {
    const TABLE: Table = BasisRow::TABLE;
    const CONDITION: &'static str = "status = 'complete'";
    const TIE: Option<&'static str> = Some("write_order");

    fn ended(&self) -> i64 {
        self.completed_at
    }

    fn of_cells(cells: Vec<Value>) -> Option<Self> {
        BasisRow::from_cells(cells)?.into_figures()
    }

    fn of_run(run: &RunFigures, _: Option<&Name>) -> Option<Self> {
        Some(run.clone())
    }
}

/// A moment at which a run with a certain gap ended.
impl Past for i64 {
    const TABLE: Table = Table {
        name: "principle_gaps",
        key: &[],
        keep: &[],
        adds: false,
        columns: &[Column { name: "completed_at", kind: Kind::Time }],
    };
    const CONDITION: &'static str = "principle_id = $1";
    const TIE: Option<&'static str> = None;

    fn ended(&self) -> i64 {
        *self
    }

    fn of_cells(cells: Vec<Value>) -> Option<Self> {
        match cells.into_iter().next() {
            Some(Value::Text(text)) => text.parse().ok().map(time::micros),
            _ => None,
        }
    }

    fn of_run(run: &RunFigures, principle: Option<&Name>) -> Option<Self> {
        run.gaps.contains(principle?).then_some(run.completed_at)
    }
}

/// Which rows are asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    /// Those that had ended by then.
    pub(super) moment: i64,
    /// How many are needed.
    pub(super) enough: usize,
}

/// What is known so far.
#[derive(Debug)]
pub(super) struct Newest<T> {
    /// Oldest first: what comes is put to the end.
    rows: Vec<T>,
    /// All that had ended by then is known, as far back as the rows go; `None` before anything was read.
    until: Option<i64>,
    /// Whether there is nothing older.
    all: bool,
}

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), until: None, all: false }
    }
}

impl<T: Past> Newest<T> {
    /// The rows before a place, at most so many; oldest first.
    pub(super) fn before(&self, end: usize, most: usize) -> &[T] {
        let rows = &self.rows[..end.min(self.rows.len())];
        &rows[rows.len().saturating_sub(most)..]
    }

    /// Whether nothing was read yet.
    pub(super) fn is_new(&self) -> bool {
        self.until.is_none()
    }

    /// Forgets what is far older than is ever needed.
    pub(super) fn trim(&mut self, enough: usize) {
        let most = 2 * (enough + BEYOND);
        // Not one by one: what is kept moves.
        if self.rows.len() > 2 * most {
            self.rows.drain(..self.rows.len() - most);
            self.all = false;
        }
    }

    /// Adds what a run of the batch brings: of those that ended at once it is the newest. Beyond what is known, after it or before it, it is
    /// added when that is read.
    pub(super) fn add(&mut self, row: T) {
        if self.until.is_none_or(|until| row.ended() > until) {
            return;
        }
        let place = self.rows.partition_point(|other| other.ended() <= row.ended());
        if place > 0 || self.all {
            self.rows.insert(place, row);
        }
    }

    /// Where the rows end that had ended by a moment; reads what is missing. `batch` are runs that are in no table yet.
    pub(super) async fn find(
        &mut self,
        connection: &mut Connection,
        range: Range,
        principle: Option<&Name>,
        batch: &[RunFigures],
    ) -> Result<usize, sqlx::Error> {
        loop {
            match self.until {
                None => self.read_back(connection, range, time::LAST, principle, batch).await?,
                Some(until) if until < range.moment => self.read_on(connection, range, until, principle, batch).await?,
                Some(_) => {
                    let end = self.rows.partition_point(|row| row.ended() <= range.moment);
                    if self.all || end >= range.enough {
                        return Ok(end);
                    }
                    self.read_back(connection, range, range.moment, principle, batch).await?;
                }
            }
        }
    }

    /// Reads anew what had ended by a moment.
    async fn read_back(
        &mut self,
        connection: &mut Connection,
        range: Range,
        until: i64,
        principle: Option<&Name>,
        batch: &[RunFigures],
    ) -> Result<(), sqlx::Error> {
        let limit = range.enough + BEYOND;
        let mut rows = read(connection, principle, None, until, limit).await?;
        rows.reverse();
        // Rows that cannot be read are no reason to go on asking.
        *self = Self { all: rows.len() < limit, rows, until: Some(until) };
        self.add_batch(batch, principle, i64::MIN);
        Ok(())
    }

    /// Adds what the batch brings that had ended after a moment.
    fn add_batch(&mut self, batch: &[RunFigures], principle: Option<&Name>, after: i64) {
        let rows = batch.iter().filter_map(|run| T::of_run(run, principle));
        rows.filter(|row| row.ended() > after).for_each(|row| self.add(row));
    }

    /// Reads on from what is known.
    async fn read_on(
        &mut self,
        connection: &mut Connection,
        range: Range,
        known: i64,
        principle: Option<&Name>,
        batch: &[RunFigures],
    ) -> Result<(), sqlx::Error> {
        let limit = range.enough + BEYOND;
        let mut rows: Vec<T> = read(connection, principle, Some(known), time::LAST, limit).await?;
        let mut until = time::LAST;
        if rows.len() >= limit {
            // Of those that ended at the last moment there may be more.
            until = rows.last().map_or(known, |last| last.ended() - 1);
            rows.retain(|row| row.ended() <= until);
        }
        if until <= known {
            return self.read_back(connection, range, range.moment, principle, batch).await;
        }
        self.rows.append(&mut rows);
        self.trim(range.enough);
        self.until = Some(until);
        self.add_batch(batch, principle, known);
        Ok(())
    }
}

/// Reads rows that had ended by a moment: the newest, newest first; or those after another moment, oldest first.
async fn read<T: Past>(
    connection: &mut Connection,
    principle: Option<&Name>,
    after: Option<i64>,
    until: i64,
    limit: usize,
) -> Result<Vec<T>, sqlx::Error> {
    let mut arguments: Vec<Value> = principle.into_iter().map(|principle| Value::from(principle.as_str())).collect();
    let mut condition = T::CONDITION.to_owned();
    for (comparison, moment) in [(">", after), ("<=", Some(until))] {
        let Some(moment) = moment else { continue };
        arguments.push(Value::Text(time::fixed(Timestamp::from_nanos(i128::from(moment) * 1000))));
        let parameter = connection.parameter(Kind::Time, arguments.len());
        condition += &format!(" AND completed_at {comparison} {parameter}");
    }
    let (name, direction) = (T::TABLE.name, if after.is_some() { "ASC" } else { "DESC" });
    let tie = T::TIE.map(|column| format!(", {column} {direction}")).unwrap_or_default();
    let columns = connection.selection(&T::TABLE);
    // The bare name would be the text that is selected.
    let sql = format!(
        "SELECT {columns} FROM {name} WHERE {condition} ORDER BY {name}.completed_at {direction}{tie} LIMIT {limit}"
    );
    let rows = connection.fetch(sql, arguments, T::TABLE.columns).await?;
    Ok(rows.into_iter().filter_map(T::of_cells).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_all_that_is_known_waits_until_that_is_read() {
        let mut known = Newest { rows: vec![10, 20], until: Some(30), all: false };
        [5, 10, 15, 30, 31].into_iter().for_each(|moment| known.add(moment));
        assert_eq!(known.rows, [10, 10, 15, 20, 30]);
        // Between 5 and what is known there may be others, unless there is nothing older.
        known.all = true;
        known.add(5);
        assert_eq!(known.rows[0], 5);
    }
}
