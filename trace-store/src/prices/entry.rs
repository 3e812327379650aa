use serde::Serialize;
use trace_core::model::{Money, Timestamp, Usage};

/// What a million tokens cost, by bucket.
///
/// ```
/// use trace_core::model::Usage;
/// use trace_store::prices::Rates;
/// let rates = Rates::new("0.3".parse()?, "2.5".parse()?);
/// assert_eq!(rates.cost(&Usage::new(1_000, 100)).to_string(), "0.00055");
/// # Ok::<(), trace_core::model::MoneyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Rates {
    /// Input tokens.
    pub input: Money,
    /// Input tokens read from a cache; as `input` where absent.
    pub cached_input: Option<Money>,
    /// Input tokens written to a cache; as `input` where absent.
    pub cache_write: Option<Money>,
    /// Output tokens.
    pub output: Money,
    /// Output tokens spent on reasoning; as `output` where absent.
    pub reasoning: Option<Money>,
}

/// Tokens in the unit of prices.
const UNIT: u128 = 1_000_000;

impl Rates {
    /// Rates without a discount for caches.
    #[must_use]
    pub fn new(input: Money, output: Money) -> Self {
        Self { input, cached_input: None, cache_write: None, output, reasoning: None }
    }

    /// What these tokens cost: the exact sum over all buckets, then rounded once, half up, to whole picodollars. Amounts stop at the end of
    /// [`Money`]'s range.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Money {
        let buckets = [
            (usage.input_tokens, self.input),
            (usage.cached_input_tokens, self.cached_input.unwrap_or(self.input)),
            (usage.cache_write_tokens, self.cache_write.unwrap_or(self.input)),
            (usage.output_tokens, self.output),
            (usage.reasoning_tokens, self.reasoning.unwrap_or(self.output)),
        ];
        let price = |money: Money| u128::from(money.picodollars().max(0).unsigned_abs());
        // Each product is below 2^127; five of them may not fit.
        let sum =
            buckets.iter().fold(0_u128, |sum, (tokens, rate)| sum.saturating_add(u128::from(*tokens) * price(*rate)));
        let rounded = sum.saturating_add(UNIT / 2) / UNIT;
        Money::from_picodollars(i64::try_from(rounded).unwrap_or(i64::MAX))
    }
}

/// A price: for which models, from when, above how many input tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PriceRow {
    /// Who serves the model; empty for whoever does.
    pub provider: String,
    /// Names of the model, in lower case; `*` stands for any text.
    pub models: Vec<String>,
    /// From when it holds; `None` for always.
    pub from: Option<Timestamp>,
    /// It holds for calls with more input tokens than this, cached ones included; then for all tokens of the call.
    pub above_input_tokens: u64,
    /// The prices.
    pub rates: Rates,
    /// Where the price was found.
    pub source: String,
    /// When it was last looked up, as a date.
    pub as_of: Option<String>,
}

impl PriceRow {
    /// A price of a model that always held, for any number of tokens.
    #[must_use]
    pub fn new(provider: &str, model: &str, rates: Rates) -> Self {
        Self {
            provider: provider.to_lowercase(),
            models: vec![model.to_lowercase()],
            from: None,
            above_input_tokens: 0,
            rates,
            source: "user".to_owned(),
            as_of: None,
        }
    }
}
