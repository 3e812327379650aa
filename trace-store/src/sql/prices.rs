//! The table `model_prices`.

use super::dialect::Connection;
use super::prompts::select;
use super::value::{Row, Table, row};
use trace_core::model::{Money, Timestamp};

row! {
    /// A price per million tokens.
    pub(crate) struct ModelPriceRow in "model_prices", key [provider, model, tier, effective_from], keep [] {
        provider: String,
        model: String,
        tier: String,
        effective_from: Timestamp,
        input_usd: Option<Money>,
        cached_input_usd: Option<Money>,
        cache_write_usd: Option<Money>,
        output_usd: Option<Money>,
        reasoning_usd: Option<Money>,
        source: String,
    }
}

static PRICES: Table = ModelPriceRow::TABLE;

/// All prices.
pub(crate) async fn all(connection: &mut Connection) -> Result<Vec<ModelPriceRow>, sqlx::Error> {
    select(connection, "ORDER BY provider, model, effective_from, tier", Vec::new()).await
}

/// Sets prices; one that is there is replaced.
pub(crate) async fn set(connection: &mut Connection, rows: Vec<ModelPriceRow>) -> Result<(), sqlx::Error> {
    connection.insert(&PRICES, rows.into_iter().map(Row::into_cells).collect()).await
}
