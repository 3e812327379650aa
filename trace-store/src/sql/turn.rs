//! One writer after the other, for the short end of each transaction.
//!
//! Comes in: how many traces a transaction records. Goes out: their numbers in the order of recording. Whoever has its turn keeps it until
//! it commits. So everything with a lower number is committed and visible, which is what calibration flags are exact by; and rows
//! that many traces share (sums, projects, statistics of prompts) are written by one at a time, which rules out deadlocks over them.

use super::dialect::Connection;
use super::value::{Column, Kind, Value};

/// Takes the turn; the first of `count` numbers.
pub(super) async fn take(connection: &mut Connection, count: usize) -> Result<i64, sqlx::Error> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let sql = "UPDATE write_order SET last = last + $1 WHERE id = 1 RETURNING last";
    let rows = connection.fetch(sql, vec![Value::Int(count)], &[Column { name: "last", kind: Kind::Int }]).await?;
    match rows.first().map(Vec::as_slice) {
        Some([Value::Int(last)]) => Ok(last - count + 1),
        _ => Err(sqlx::Error::RowNotFound),
    }
}
