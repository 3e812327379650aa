//! What model calls cost: the hook between the collector, which sees every call, and whoever knows prices.
//!
//! Comes in: model, provider, tokens and time of a call. Goes out: an exact amount, or nothing. It is asked before the event of the call is
//! written, so that stream, document, rows and exports all say the same cost.

use crate::model::{Money, Timestamp, Usage};

/// A model call to be priced.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BilledCall<'a> {
    /// The model, as the program named it.
    pub model: &'a str,
    /// Who serves it, where the program said so.
    pub provider: Option<&'a str>,
    /// The tokens, in disjoint buckets.
    pub usage: Usage,
    /// When the call was reported.
    pub at: Timestamp,
}

impl<'a> BilledCall<'a> {
    /// A call of this model, of whichever provider.
    #[must_use]
    pub fn new(model: &'a str, usage: Usage, at: Timestamp) -> Self {
        Self { model, provider: None, usage, at }
    }

    /// Who serves it.
    #[must_use]
    pub fn provider(mut self, provider: Option<&'a str>) -> Self {
        self.provider = provider;
        self
    }
}

/// Knows what model calls cost; given to a tracer in [`Options::pricer`](crate::Options::pricer).
///
/// It is asked on the collector's thread and should answer from memory. One that panics is taken to know nothing.
pub trait Pricer: Send + Sync + std::fmt::Debug + 'static {
    /// What the call cost; `None` where the price is not known, never 0.
    fn price(&self, call: &BilledCall<'_>) -> Option<Money>;
}
