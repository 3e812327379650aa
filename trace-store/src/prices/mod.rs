//! What model calls cost: tables of prices per million tokens, and the arithmetic.
//!
//! Comes in: the prices of the main providers that this crate carries, a file of the user's, the table `model_prices`. Goes out: the exact cost
//! of a call, or nothing where no price is known. The file stands above the table, and that above what is carried.
//!
//! Every price has a source and the day on which it was looked up. A row holds from a day on, and above a number of input tokens, so that past
//! calls cost what they cost then, and long contexts what they cost.

mod carried;
mod entry;
mod name;
mod read;
mod table;

pub use entry::{PriceRow, Rates};
pub use read::PriceError;
pub use table::PriceTable;

use name::Wanted;
use std::path::Path;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use trace_core::model::Money;
use trace_core::pricer::{BilledCall, Pricer};

/// All prices that are known, for a tracer: those carried, a file on top, and between them the rows of the table `model_prices`.
///
/// ```
/// use trace_core::model::Usage;
/// use trace_core::pricer::{BilledCall, Pricer};
/// use trace_store::prices::Prices;
/// let call = BilledCall::new("gpt-4o-mini-2024-07-18", Usage::new(1_000, 200), "2026-02-13T14:30:22Z".parse()?);
/// assert_eq!(Prices::carried().price(&call).unwrap().to_string(), "0.00027");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Prices {
    file: Option<PriceTable>,
    database: RwLock<Arc<PriceTable>>,
    first_use: OnceLock<FirstUse>,
    used: OnceLock<()>,
}

/// What to do when the first call is priced.
type FirstUse = Box<dyn Fn() + Send + Sync>;

impl Prices {
    /// The prices that this crate carries, and no others.
    #[must_use]
    pub fn carried() -> Self {
        Self::default()
    }

    /// The same, with a file on top; its format is that of the files in `trace-store/src/prices/data`, see `docs/cost.md`.
    ///
    /// # Errors
    /// When the file cannot be read, or says something that is no price.
    pub fn with_file(path: &Path) -> Result<Self, PriceError> {
        Ok(Self { file: Some(PriceTable::read(path)?), ..Self::default() })
    }

    /// Replaces what is known of the table `model_prices`.
    pub fn set_database(&self, table: PriceTable) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
    }

    /// What to do, once, when the first call is priced: reading the table, which a program without model calls does not need.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn when_first_used(&self, read: impl Fn() + Send + Sync + 'static) {
        // A second service beside the first would read the same.
        let _ = self.first_use.set(Box::new(read));
    }

    /// The row that a call is priced by, and where it comes from.
    #[must_use]
    pub fn find(&self, call: &BilledCall<'_>) -> Option<PriceRow> {
        let database = Arc::clone(&self.database.read().unwrap_or_else(PoisonError::into_inner));
        let tables = || self.file.iter().chain([&*database, carried()]);
        let canonical = |name: &str| tables().find_map(|table| table.canonical(name));
        let wanted = Wanted::new(call.provider, call.model, canonical);
        let input = call.usage.inclusive().input_tokens;
        tables().find_map(|table| table.find(&wanted, call.at, input)).cloned()
    }
}

impl std::fmt::Debug for Prices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prices").field("file", &self.file).field("database", &self.database).finish_non_exhaustive()
    }
}

impl Pricer for Prices {
    fn price(&self, call: &BilledCall<'_>) -> Option<Money> {
        if let Some(read) = self.first_use.get() {
            self.used.get_or_init(read);
        }
        self.find(call).map(|row| row.rates.cost(&call.usage))
    }
}

/// The prices that this crate carries, read when the first call is priced.
fn carried() -> &'static PriceTable {
    static TABLE: OnceLock<PriceTable> = OnceLock::new();
    TABLE.get_or_init(carried::table)
}

#[cfg(test)]
mod tests;
