//! Percentiles of groups, by linear interpolation between the two nearest values, as `percentile_cont` of SQL computes them.
//!
//! Postgres has it. SQLite gets the two values of each percentile by their ranks, and the same formula is applied here. Where there are too many
//! values to be sorted while somebody waits, the formula is applied to the buckets that the writer counts by day
//! ([`crate::statistics::buckets`]): each value is off by less than 0.8 % then.

use super::names_of;
use crate::query::days::Days;
use crate::query::error::QueryError;
use crate::query::lists::add_window;
use crate::query::statement::Statement;
use crate::query::store::Store;
use crate::query::window::Window;
use crate::sql::DatabaseKind;
use crate::sql::rollups::micros;
use crate::sql::value::{Kind, row};
use crate::statistics::buckets::{bucket, middle};
use std::collections::BTreeMap;

/// Which percentiles are computed.
const SHARES: [f64; 3] = [0.5, 0.95, 0.99];

/// So many values are sorted; of more, the buckets are read.
pub(super) const SORTED: i64 = 20_000;

/// Where values come from; names of ours.
#[derive(Clone, Copy)]
pub(in crate::query) struct Values {
    /// What `duration_rollups` calls them.
    pub(in crate::query) kind: &'static str,
    pub(in crate::query) table: &'static str,
    pub(in crate::query) group: &'static str,
    pub(in crate::query) value: &'static str,
    pub(in crate::query) moment: &'static str,
}

/// The percentiles of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::query) struct Percentiles {
    /// How many values there are.
    pub(in crate::query) count: i64,
    /// Their sum in millionths, rounded one by one.
    pub(in crate::query) sum_micros: i64,
    /// Of [`SHARES`].
    pub(in crate::query) at: [f64; 3],
    /// Whether they are of the values themselves, and not of their buckets.
    pub(in crate::query) exact: bool,
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

row! {
    struct BucketRow in "duration_rollups", key [name, bucket], keep [] {
        name: String,
        bucket: i64,
        timed: i64,
        sum_micros: i64,
    }
}

row! {
    struct ValueRow in "", key [name], keep [] {
        name: String,
        value: f64,
    }
}

impl Store {
    /// The percentiles of each group in the window; exact where there are at most `sorted` values.
    pub(in crate::query) async fn percentiles(
        &self,
        doing: &'static str,
        values: Values,
        window: Window,
        sorted: i64,
    ) -> Result<BTreeMap<String, Percentiles>, QueryError> {
        let days = Days::of(window);
        let Some((first, end)) = &days.whole else { return self.exact_percentiles(doing, values, window).await };
        let mut ask = self.statement();
        let [timed, sum] = ["timed", "sum_micros"].map(|name| ask.kind.whole_sum(name, name));
        ask.push(&format!("SELECT name, bucket, {timed}, {sum} FROM duration_rollups WHERE kind = "));
        ask.bind(Kind::Text, values.kind.into()).add_days(first.as_deref(), end.as_deref());
        ask.push(" GROUP BY name, bucket");
        let mut buckets = self.fetch::<BucketRow>(doing, ask).await?;
        if buckets.iter().map(|row| row.timed).sum::<i64>() <= sorted {
            return self.exact_percentiles(doing, values, window).await;
        }
        for (since, until) in days.parts {
            let Values { table, group, value, moment, .. } = values;
            let mut ask = self.statement();
            ask.push(&format!("SELECT {group} AS name, {value} AS value FROM {table} WHERE {value} IS NOT NULL"));
            add_window(&mut ask, Window::since(since).until(until), moment);
            buckets.extend(self.fetch::<ValueRow>(doing, ask).await?.into_iter().map(BucketRow::from));
        }
        Ok(of_buckets(buckets))
    }

    async fn exact_percentiles(
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
                    (row.name, Percentiles { count: row.count, sum_micros: row.sum_micros, at, exact: true })
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
    let Values { table, group, value, moment, .. } = values;
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
    let Values { table, group, value, moment, .. } = values;
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
        (name, Percentiles { count, sum_micros, at, exact: true })
    };
    groups.into_iter().map(percentiles).collect()
}

impl From<ValueRow> for BucketRow {
    fn from(row: ValueRow) -> Self {
        let micros = micros(row.value);
        Self { name: row.name, bucket: bucket(micros), timed: 1, sum_micros: micros }
    }
}

fn of_buckets(rows: Vec<BucketRow>) -> BTreeMap<String, Percentiles> {
    let mut groups: BTreeMap<String, (i64, BTreeMap<i64, i64>)> = BTreeMap::new();
    for row in rows {
        let (sum, buckets) = groups.entry(row.name).or_default();
        *sum = sum.saturating_add(row.sum_micros);
        *buckets.entry(row.bucket).or_default() += row.timed;
    }
    let percentiles = |(name, (sum_micros, buckets)): (String, (i64, BTreeMap<i64, i64>))| {
        let count = buckets.values().sum();
        let at = SHARES.map(|share| between(share, count, &ranks(share, count, &buckets)));
        (name, Percentiles { count, sum_micros, at, exact: false })
    };
    groups.into_iter().map(percentiles).collect()
}

/// The two values next to a percentile, by their ranks.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)] // ranks stay far below 2^53
fn ranks(share: f64, count: i64, buckets: &BTreeMap<i64, i64>) -> BTreeMap<i64, f64> {
    let low = (share * (count - 1) as f64).floor() as i64;
    let value = |rank: i64| {
        let mut before = 0;
        let found = buckets.iter().find(|(_, timed)| {
            before += **timed;
            before > rank
        });
        found.map(|(bucket, _)| (rank, middle(*bucket) / 1e6))
    };
    [low, low + 1].into_iter().filter_map(value).collect()
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
    fn buckets_give_what_the_values_give_within_their_width() {
        let values: Vec<f64> = (1..=1_000_u32).map(|n| f64::from(n * n) / 7.0).collect();
        let rows = values.iter().map(|value| BucketRow::from(ValueRow { name: "a".into(), value: *value })).collect();
        let found = of_buckets(rows).remove("a").unwrap();
        assert_eq!((found.count, found.exact), (1_000, false));
        assert_eq!(found.sum_micros, values.iter().map(|value| micros(*value)).sum::<i64>());
        for (at, share) in found.at.into_iter().zip(SHARES) {
            let exact = crate::statistics::quantile(&values, share).unwrap();
            assert!((at - exact).abs() <= exact * crate::statistics::buckets::PRECISION, "{share}: {at} {exact}");
        }
    }

    #[test]
    fn between_two_values_it_is_linear() {
        let ranks: BTreeMap<i64, f64> = [(0, 10.0), (1, 20.0), (2, 40.0)].into();
        assert_eq!(between(0.5, 3, &ranks), 20.0);
        assert_eq!(between(0.95, 3, &ranks), 20.0 + (1.9 - 1.0) * 20.0);
        assert_eq!(between(0.99, 1, &[(0, 7.0)].into()), 7.0);
    }
}
