//! Prices that a team shares: the table `model_prices`.

use super::{Registry, RegistryError};
use crate::prices::{PriceRow, PriceTable, Rates};
use crate::sql::prices::{self as sql, ModelPriceRow};
use trace_core::diagnostics::say;
use trace_core::model::Timestamp;

impl Registry {
    /// The prices in the database. Programs that trace into it use them above those that whytrace carries.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn prices(&self) -> Result<PriceTable, RegistryError> {
        let mut session = self.session().await;
        let rows = sql::all(session.connection("reading the prices of models").await?).await;
        let mut table = PriceTable::default();
        for row in session.done(rows)? {
            let model = row.model.clone();
            let added = of_row(row).and_then(|row| table.add(row).map_err(|_| "it is there twice".to_owned()));
            if let Err(reason) = added {
                say(&format!("the row of {model:?} in model_prices is left out: {reason}"));
            }
        }
        Ok(table)
    }

    /// Sets a price, in place of one for the same model, day and number of input tokens. Running programs use it for calls from their next
    /// look at the registry on (`prompts.ttl_seconds`); calls that were priced keep their cost.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    pub async fn set_price(&self, price: &PriceRow) -> Result<(), RegistryError> {
        let rows = to_rows(price);
        let mut session = self.session().await;
        let set = sql::set(session.connection("setting the price of a model").await?, rows).await;
        Ok(session.done(set)?)
    }
}

/// A row as a price, or why it is none.
fn of_row(row: ModelPriceRow) -> Result<PriceRow, String> {
    let above = if row.tier.is_empty() { Ok(0) } else { row.tier.parse() };
    let above = above.map_err(|_| format!("its tier is {:?} and not a number of input tokens", row.tier))?;
    let (Some(input), Some(output)) = (row.input_usd, row.output_usd) else {
        return Err("it has no price for input or output".to_owned());
    };
    let (cached_input, cache_write) = (row.cached_input_usd, row.cache_write_usd);
    let rates = Rates { cached_input, cache_write, reasoning: row.reasoning_usd, ..Rates::new(input, output) };
    let price = PriceRow::new(&row.provider, &row.model, rates);
    Ok(PriceRow { from: Some(row.effective_from), above_input_tokens: above, source: row.source, ..price })
}

fn to_rows(price: &PriceRow) -> Vec<ModelPriceRow> {
    let row = |model: &String| ModelPriceRow {
        provider: price.provider.clone(),
        model: model.clone(),
        tier: if price.above_input_tokens == 0 { String::new() } else { price.above_input_tokens.to_string() },
        effective_from: price.from.unwrap_or(Timestamp::from_nanos(0)),
        input_usd: Some(price.rates.input),
        cached_input_usd: price.rates.cached_input,
        cache_write_usd: price.rates.cache_write,
        output_usd: Some(price.rates.output),
        reasoning_usd: price.rates.reasoning,
        source: price.source.clone(),
    };
    price.models.iter().map(row).collect()
}
