//! What prompts cost, day by day.

use super::names_of;
use crate::query::error::QueryError;
use crate::query::lists::add_window;
use crate::query::store::Store;
use crate::query::window::Window;
use crate::sql::value::{Column, Kind, row};
use serde::{Deserialize, Serialize};
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

row! {
    /// Money is summed in millionths of a dollar and what remains below: exact, and without overflow.
    struct CostRow in "prompt_executions", key [trace_id, id], keep [] {
        day: String,
        prompt_name: String,
        calls: i64,
        priced_calls: i64,
        input_tokens: i64,
        output_tokens: i64,
        cost_micros: i64,
        cost_rest: i64,
    }
}

impl Store {
    /// What prompts cost, day by day: the newest day first, on each day the most expensive prompt first.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn daily_costs(&self, window: Window) -> Result<Vec<DailyCost>, QueryError> {
        let mut ask = self.statement();
        let kind = ask.kind;
        let day = kind.day_of("executed_at");
        let cost = kind.stored(&Column { name: "cost_usd", kind: Kind::Money });
        let [micros, rest] = kind.money_sums(&cost);
        ask.push(&names_of("prompt_executions", "template_name"));
        ask.push(&format!(
            "SELECT {day} AS day, template_name AS prompt_name, COUNT(*) AS calls, COUNT({cost}) AS priced_calls, \
             {}, {}, {micros} AS cost_micros, {rest} AS cost_rest \
             FROM names CROSS JOIN prompt_executions WHERE template_name = names.name",
            kind.whole_sum("input_token_count", "input_tokens"),
            kind.whole_sum("output_token_count", "output_tokens"),
        ));
        add_window(&mut ask, window, "executed_at");
        ask.push(&format!(" GROUP BY {day}, template_name"));
        let rows = self.fetch::<CostRow>("summing up costs", ask).await?;
        let mut costs: Vec<DailyCost> = rows.into_iter().map(DailyCost::from).collect();
        costs.sort_by(|a, b| {
            b.day.cmp(&a.day).then(b.cost_usd.cmp(&a.cost_usd)).then_with(|| a.prompt_name.cmp(&b.prompt_name))
        });
        Ok(costs)
    }
}

impl From<CostRow> for DailyCost {
    fn from(row: CostRow) -> Self {
        let picodollars = i128::from(row.cost_micros) * 1_000_000 + i128::from(row.cost_rest);
        Self {
            day: row.day,
            prompt_name: row.prompt_name,
            calls: row.calls,
            priced_calls: row.priced_calls,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            cost_usd: (row.priced_calls > 0).then(|| crate::query::aggregates::money(picodollars)),
        }
    }
}
