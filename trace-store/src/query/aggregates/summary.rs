//! What the runs of a window amount to, all together and in groups.
//!
//! Whole days come from the daily sums, parts of days from their traces through the same contribution, so the answer is exact and the same
//! on both databases.

use super::figures::{Figures, Group, SumRow};
use crate::query::days::Days;
use crate::query::error::QueryError;
use crate::query::store::Store;
use crate::query::window::Window;
use crate::sql::rollups::{CountedRow, DailyRow};
use crate::sql::value::{Cell, Column, Kind, Row};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trace_core::model::Timestamp;

/// What runs can be grouped by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GroupBy {
    /// The calendar day (UTC) on which they began.
    Day,
    /// The subject area.
    Domain,
    /// The intent.
    Intent,
    /// The project's folder name.
    Project,
    /// How they ended.
    Status,
}

impl GroupBy {
    fn column(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Domain => "domain",
            Self::Intent => "intent",
            Self::Project => "project_id",
            Self::Status => "status",
        }
    }

    fn key(self, run: &DailyRow<'_>) -> String {
        match self {
            Self::Day => run.day.to_string(),
            Self::Domain => run.domain.to_string(),
            Self::Intent => run.intent.to_string(),
            Self::Project => run.project_id.to_string(),
            Self::Status => run.status.to_string(),
        }
    }
}

impl Store {
    /// What the runs of a window amount to.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn summary(&self, window: Window) -> Result<Figures, QueryError> {
        let sums = self.sums(None, window).await?;
        Ok(sums.values().next().map(SumRow::figures).unwrap_or_default())
    }

    /// The same in groups, the largest first; days newest first.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn summary_by(&self, group: GroupBy, window: Window) -> Result<Vec<Group>, QueryError> {
        let sums = self.sums(Some(group), window).await?;
        let mut groups: Vec<Group> = sums
            .into_iter()
            .map(|(key, sums)| Group { key: (!key.is_empty()).then_some(key), figures: sums.figures() })
            .collect();
        match group {
            GroupBy::Day => groups.reverse(),
            _ => groups.sort_by_key(|group| std::cmp::Reverse(group.figures.total_runs)),
        }
        Ok(groups)
    }

    async fn sums(&self, group: Option<GroupBy>, window: Window) -> Result<BTreeMap<String, SumRow>, QueryError> {
        let days = Days::of(window);
        let mut sums: BTreeMap<String, SumRow> = BTreeMap::new();
        let mut add = |row: SumRow| match sums.entry(row.key.clone()) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(row);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().add(&row),
        };
        if let Some((first, end)) = &days.whole {
            self.whole_days(group, first.as_deref(), end.as_deref()).await?.into_iter().for_each(&mut add);
        }
        for run in self.counted(&days.parts).await? {
            let run = run.daily();
            add(SumRow::of_run(group.map(|group| group.key(&run)).unwrap_or_default(), &run));
        }
        Ok(sums)
    }

    async fn whole_days(
        &self,
        group: Option<GroupBy>,
        first: Option<&str>,
        end: Option<&str>,
    ) -> Result<Vec<SumRow>, QueryError> {
        let mut ask = self.statement();
        let key = match group {
            None => "''".to_owned(),
            Some(GroupBy::Day) => ask.kind.day_as_text("day").into_owned(),
            Some(group) => group.column().to_owned(),
        };
        let sums: Vec<String> = SumRow::TABLE.columns.iter().skip(1).map(|column| sum(column, ask.kind)).collect();
        ask.push(&format!("SELECT {key} AS key, {} FROM daily_rollups WHERE 1 = 1", sums.join(", ")));
        ask.add_days(first, end);
        match group {
            Some(group) => ask.push(" GROUP BY ").push(group.column()),
            None => ask.push(" HAVING COUNT(*) > 0"),
        };
        Ok(self.fetch("summing up runs", ask).await?)
    }

    /// The traces of parts of days, as the daily sums count them.
    pub(super) async fn counted(
        &self,
        parts: &[(Timestamp, Timestamp)],
    ) -> Result<Vec<CountedRow<'static>>, QueryError> {
        let mut rows = Vec::new();
        for (since, until) in parts {
            let mut ask = self.statement();
            ask.select::<CountedRow<'_>>();
            let [since, until] = [since, until].map(|moment| ask.parameter(Kind::Time, moment.into_cell()));
            // A run counts on the day it began, else on the day it ended.
            ask.push(&format!(
                " WHERE traces.started_at >= {since} AND traces.started_at < {until} OR \
                 traces.started_at IS NULL AND traces.completed_at >= {since} AND traces.completed_at < {until}"
            ));
            rows.extend(self.fetch::<CountedRow<'_>>("summing up runs", ask).await?);
        }
        Ok(rows)
    }
}

/// The sum of a column, or of the runs that ended in the way a column is named after.
fn sum(column: &Column, kind: crate::sql::DatabaseKind) -> String {
    let name = column.name;
    let summed = match name {
        "complete" | "failed" | "incomplete" => format!("CASE WHEN status = '{name}' THEN runs ELSE 0 END"),
        _ => name.to_owned(),
    };
    kind.whole_sum(&summed, name).into_owned()
}
