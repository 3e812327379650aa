//! What model calls cost: added to their events before these are redacted, written and folded.
//!
//! Comes in: events as they were recorded. Goes out: the same with `cost_usd`, where model and tokens are known and the program has said no
//! cost itself. A call is reported piece by piece; the cost stands in the piece that completes what it takes.

use crate::event::{Body, Noted};
use crate::model::{LlmCall, Money, Timestamp, Usage};
use crate::pricer::BilledCall;
use crate::tracer::Tracer;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The model calls of a trace that are not over.
#[derive(Default)]
pub(super) struct Pricing {
    open: HashMap<String, Known>,
}

/// What was said of a call so far.
#[derive(Default)]
struct Known {
    model: Option<String>,
    provider: Option<String>,
    usage: Option<Usage>,
    /// The answer came from a cache of the pipeline's own, so nobody was paid.
    cached: bool,
    /// The program has said the cost, which stands.
    given: bool,
    /// What was found last.
    cost: Option<Money>,
}

impl Pricing {
    /// Prices the call that an event is about. Gives a warning where the model is not known and nobody was told yet.
    pub(super) fn price(&mut self, body: &mut Body, at: Timestamp, tracer: &Tracer) -> Option<Noted> {
        tracer.options().pricer.as_ref()?;
        match body {
            Body::ObservationStart(start) => {
                let llm = start.llm.as_deref_mut()?;
                self.open.entry(start.id.clone()).or_default().add(llm, at, tracer)
            }
            Body::ObservationEnd(end) => {
                let mut known = self.open.remove(&end.id).unwrap_or_default();
                known.add(end.llm.as_deref_mut()?, at, tracer)
            }
            Body::LlmInteraction(interaction) => {
                let about = interaction.span_id.as_ref().filter(|_| interaction.id.is_none());
                match about.and_then(|span| self.open.get_mut(span)) {
                    Some(known) => known.add(&mut interaction.llm, at, tracer),
                    None => Known::default().add(&mut interaction.llm, at, tracer),
                }
            }
            Body::PromptExecuted(execution) => Known::default().add(&mut execution.llm, at, tracer),
            _ => None,
        }
    }
}

/// Prices a call that belongs to no trace.
pub(crate) fn price_alone(llm: &mut LlmCall, tracer: &Tracer) {
    // There is no trace that could be warned.
    let _ = Known::default().add(llm, (tracer.options().wall_clock)(), tracer);
}

impl Known {
    fn add(&mut self, llm: &mut LlmCall, at: Timestamp, tracer: &Tracer) -> Option<Noted> {
        let pricer = tracer.options().pricer.as_ref()?;
        self.model = llm.model.clone().or(self.model.take());
        self.provider = llm.provider.clone().or(self.provider.take());
        self.usage = llm.usage.or(self.usage);
        self.cached = llm.cached.unwrap_or(self.cached);
        self.given |= llm.cost_usd.is_some();
        if self.given {
            return None;
        }
        let cost = if self.cached {
            Some(Money::ZERO)
        } else {
            let call = BilledCall::new(self.model.as_deref()?, self.usage?, at).provider(self.provider.as_deref());
            // The pricer may be the program's own.
            catch_unwind(AssertUnwindSafe(|| pricer.price(&call))).ok().flatten()
        };
        if cost.is_none() {
            return tracer.unpriced(self.provider.as_deref(), self.model.as_deref()?).map(unknown);
        }
        if self.cost != cost {
            (self.cost, llm.cost_usd) = (cost, cost);
        }
        None
    }
}

fn unknown(message: String) -> Noted {
    Noted { message, ..Noted::default() }
}
