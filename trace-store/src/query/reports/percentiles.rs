//! Percentiles of groups, by linear interpolation between the two nearest values, as `percentile_cont` of SQL computes them.
//!
//! Postgres has it. SQLite gets the two values of each percentile by their ranks, and the same formula is applied here.

use super::names_of;
use crate::query::error::QueryError;
use crate::query::lists::add_window;
use crate::query::statement::Statement;
use crate::query::store::Store;
use crate::query::window::Window;
use crate::sql::DatabaseKind;
use crate::sql::value::row;
use std::collections::BTreeMap;

/// Which percentiles are computed.
const SHARES: [f64; 3] = [0.5, 0.95, 0.99];

/// Where values come from; names of ours.
#[derive(Clone, Copy)]
pub(super) struct Values {
    pub(super) table: &'static str,
    pub(super) group: &'static str,
    pub(super) value: &'static str,
    pub(super) moment: &'static str,
}

/// The percentiles of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Percentiles {
    /// How many values there are.
    pub(super) count: i64,
    /// Their sum in millionths, rounded one by one.
    pub(super) sum_micros: i64,
    /// Of [`SHARES`].
    pub(super) at: [f64; 3],
}

row! {
    struct ReadyRow in "", key [name], keep [] {
        name: String,
        count: i64,
        sum_micros: i64,
        p50: f64,
        p95: f64,
        p99: f64,
    }
}

row! {
    struct RankRow in "", key [name], keep [] {
        name: String,
        count: i64,
        sum_micros: i64,
        rank: i64,
        value: f64,
    }
}

impl Store {
    /// The percentiles of each group in the window.
    pub(super) async fn percentiles(
        &self,
        doing: &'static str,
        values: Values,
        window: Window,
    ) -> Result<BTreeMap<String, Percentiles>, QueryError> {
        let mut ask = self.statement();
        match ask.kind {
            DatabaseKind::Postgres => {
                ready(&mut ask, values, window);
                let rows = self.fetch::<ReadyRow>(doing, ask).await?;
                let pair = |row: ReadyRow| {
                    let at = [row.p50, row.p95, row.p99];
                    (row.name, Percentiles { count: row.count, sum_micros: row.sum_micros, at })
                };
                Ok(rows.into_iter().map(pair).collect())
            }
            DatabaseKind::Sqlite => {
                ranked(&mut ask, values, window);
                Ok(interpolated(self.fetch::<RankRow>(doing, ask).await?))
            }
        }
    }
}

fn ready(ask: &mut Statement, values: Values, window: Window) {
    let Values { table, group, value, moment } = values;
    let at = |share: f64| format!("percentile_cont({share}) WITHIN GROUP (ORDER BY {value})");
    let [p50, p95, p99] = SHARES.map(at);
    let sum = ask.kind.whole_sum(&ask.kind.micros(value), "sum_micros");
    ask.push(&names_of(table, group));
    ask.push(&format!(
        "SELECT {group} AS name, COUNT(*) AS count, {sum}, {p50} AS p50, {p95} AS p95, {p99} AS p99 \
         FROM names CROSS JOIN {table} WHERE {group} = names.name AND {value} IS NOT NULL"
    ));
    add_window(ask, window, moment);
    ask.push(" GROUP BY ").push(group);
}

fn ranked(ask: &mut Statement, values: Values, window: Window) {
    let Values { table, group, value, moment } = values;
    let near = |share: f64| format!("rank - CAST({share} * (count - 1) AS INTEGER) IN (0, 1)");
    let wanted = SHARES.map(near).join(" OR ");
    let micros = ask.kind.micros(value);
    ask.push(&names_of(table, group));
    ask.push(&format!(
        "SELECT name, count, sum_micros, rank, value FROM (SELECT {group} AS name, {value} AS value, \
         COUNT(*) OVER (PARTITION BY {group}) AS count, SUM({micros}) OVER (PARTITION BY {group}) AS sum_micros, \
         ROW_NUMBER() OVER (PARTITION BY {group} ORDER BY {value}) - 1 AS rank \
         FROM names CROSS JOIN {table} WHERE {group} = names.name AND {value} IS NOT NULL"
    ));
    add_window(ask, window, moment);
    ask.push(&format!(") WHERE {wanted}"));
}

fn interpolated(rows: Vec<RankRow>) -> BTreeMap<String, Percentiles> {
    let mut groups: BTreeMap<String, (i64, i64, BTreeMap<i64, f64>)> = BTreeMap::new();
    for row in rows {
        let group = groups.entry(row.name).or_insert((row.count, row.sum_micros, BTreeMap::new()));
        group.2.insert(row.rank, row.value);
    }
    let percentiles = |(name, (count, sum_micros, ranks)): (String, (i64, i64, BTreeMap<i64, f64>))| {
        let at = SHARES.map(|share| between(share, count, &ranks));
        (name, Percentiles { count, sum_micros, at })
    };
    groups.into_iter().map(percentiles).collect()
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // ranks stay far below 2^53
fn between(share: f64, count: i64, ranks: &BTreeMap<i64, f64>) -> f64 {
    let place = share * (count - 1) as f64;
    let low = place.floor();
    let value = |rank: f64| ranks.get(&(rank as i64)).copied();
    let Some(first) = value(low) else { return f64::NAN };
    // The last value has no next one, and needs none.
    let second = value(low + 1.0).unwrap_or(first);
    first + (place - low) * (second - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_two_values_it_is_linear() {
        let ranks: BTreeMap<i64, f64> = [(0, 10.0), (1, 20.0), (2, 40.0)].into();
        assert_eq!(between(0.5, 3, &ranks), 20.0);
        assert_eq!(between(0.95, 3, &ranks), 20.0 + (1.9 - 1.0) * 20.0);
        assert_eq!(between(0.99, 1, &[(0, 7.0)].into()), 7.0);
    }
}
