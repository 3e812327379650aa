//! What prompts cost, day by day.

use crate::query::aggregates::money;
use crate::query::days::Days;
use crate::query::error::QueryError;
use crate::query::lists::add_window;
use crate::query::store::Store;
use crate::query::window::Window;
use crate::sql::rollups::{Call, CallRow, PromptDayRow};
use crate::sql::value::Day;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trace_core::model::Money;

/// What the calls made with a prompt cost on one day (UTC).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DailyCost {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// The prompt.
    pub prompt_name: String,
    /// How many calls were made with it.
    pub calls: i64,
    /// How many of them have a known cost.
    pub priced_calls: i64,
    /// Input tokens, everything cached included.
    pub input_tokens: i64,
    /// Output tokens, reasoning included.
    pub output_tokens: i64,
    /// What the priced calls cost together, exact; none where none is priced.
    pub cost_usd: Option<Money>,
}

impl Store {
    /// What prompts cost, day by day: the newest day first, on each day the most expensive prompt first.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn daily_costs(&self, window: Window) -> Result<Vec<DailyCost>, QueryError> {
        let days = Days::of(window);
        // The parts of a day at both ends of a window may be of one day.
        let mut costs: BTreeMap<(Day, String), DailyCost> = BTreeMap::new();
        let mut add = |row: &PromptDayRow<'_>| {
            let key = (row.day, row.prompt_name.to_string());
            costs.entry(key).and_modify(|cost| cost.add(row)).or_insert_with(|| DailyCost::from(row));
        };
        if let Some((first, end)) = &days.whole {
            self.costs_of_days(first.as_deref(), end.as_deref()).await?.iter().for_each(&mut add);
        }
        for (since, until) in days.parts {
            let mut ask = self.statement();
            ask.select::<CallRow>().push(" WHERE 1 = 1");
            add_window(&mut ask, Window::since(since).until(until), "prompt_executions.executed_at");
            let calls = self.fetch::<CallRow>("summing up costs", ask).await?;
            calls.iter().for_each(|call| add(&Call::from(call).costs()));
        }
        let mut costs: Vec<DailyCost> = costs.into_values().collect();
        costs.sort_by(|a, b| {
            b.day.cmp(&a.day).then(b.cost_usd.cmp(&a.cost_usd)).then_with(|| a.prompt_name.cmp(&b.prompt_name))
        });
        Ok(costs)
    }

    async fn costs_of_days(
        &self,
        first: Option<&str>,
        end: Option<&str>,
    ) -> Result<Vec<PromptDayRow<'static>>, QueryError> {
        let mut ask = self.statement();
        ask.select::<PromptDayRow<'_>>().push(" WHERE 1 = 1").add_days(first, end);
        Ok(self.fetch("summing up costs", ask).await?)
    }
}

impl DailyCost {
    fn add(&mut self, row: &PromptDayRow<'_>) {
        let more = Self::from(row);
        self.calls = self.calls.saturating_add(more.calls);
        self.priced_calls = self.priced_calls.saturating_add(more.priced_calls);
        self.input_tokens = self.input_tokens.saturating_add(more.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(more.output_tokens);
        let picodollars =
            [self.cost_usd, more.cost_usd].into_iter().flatten().map(|cost| i128::from(cost.picodollars()));
        self.cost_usd = picodollars.reduce(|a, b| a + b).map(money);
    }
}

impl From<&PromptDayRow<'_>> for DailyCost {
    fn from(row: &PromptDayRow<'_>) -> Self {
        let picodollars = i128::from(row.cost_dollars) * 1_000_000_000_000 + i128::from(row.cost_picodollars);
        Self {
            day: row.day.to_string(),
            prompt_name: row.prompt_name.to_string(),
            calls: row.calls,
            priced_calls: row.priced_calls,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cost_usd: (row.priced_calls > 0).then(|| money(picodollars)),
        }
    }
}
