//! What the LLM calls of a stage come to, kept up to date call by call.

use super::Fold;
use crate::model::{LlmCall, Money, PromptLink, TokenUsage};
use indexmap::IndexMap;
use std::hash::Hash;

/// The LLM calls of a stage, added up. Every part can be taken back, since a call is reported piece by piece.
#[derive(Debug, Default)]
pub(super) struct LlmTotals {
    models: Counted<String>,
    prompts: Counted<PromptLink>,
    with_usage: usize,
    input_tokens: u128,
    output_tokens: u128,
    with_cost: usize,
    picodollars: i128,
}

/// Values with the number of calls that have them, in the order in which they came.
#[derive(Debug)]
struct Counted<T>(IndexMap<T, usize>);

impl<T> Default for Counted<T> {
    fn default() -> Self {
        Self(IndexMap::new())
    }
}

/// What became of a set of values when a call changed.
#[derive(PartialEq, Eq)]
enum Change {
    None,
    Appended,
    Other,
}

impl<T: Hash + Eq + Clone> Counted<T> {
    /// One call has `new` where it had `old`.
    fn replace(&mut self, old: Option<T>, new: Option<T>) -> Change {
        if old == new {
            return Change::None;
        }
        let mut change = Change::None;
        if let Some(old) = old
            && let Some(count) = self.0.get_mut(&old)
        {
            *count -= 1;
            if *count == 0 {
                self.0.shift_remove(&old);
                change = Change::Other;
            }
        }
        if let Some(new) = new {
            let known = self.0.len();
            *self.0.entry(new).or_default() += 1;
            if self.0.len() > known && change == Change::None {
                change = Change::Appended;
            }
        }
        change
    }

    fn last(&self) -> Option<&T> {
        self.0.last().map(|(value, _)| value)
    }
}

/// What the totals need of one call.
#[derive(Debug, Default)]
pub(super) struct Share {
    model: Option<String>,
    prompt: Option<PromptLink>,
    usage: Option<TokenUsage>,
    cost: Option<Money>,
}

impl Share {
    pub(super) fn of(call: Option<&LlmCall>) -> Self {
        let Some(call) = call else { return Self::default() };
        Self {
            model: call.model.clone(),
            prompt: Some(call.prompt_link()).filter(|link| !link.is_unlinked()),
            usage: call.usage.map(|usage| usage.inclusive()),
            cost: call.cost_usd,
        }
    }
}

impl LlmTotals {
    fn count(&mut self, old: &Share, new: &Share) {
        if let Some(usage) = old.usage {
            self.with_usage -= 1;
            self.input_tokens -= u128::from(usage.input_tokens);
            self.output_tokens -= u128::from(usage.output_tokens);
        }
        if let Some(usage) = new.usage {
            self.with_usage += 1;
            self.input_tokens += u128::from(usage.input_tokens);
            self.output_tokens += u128::from(usage.output_tokens);
        }
        if let Some(cost) = old.cost {
            self.with_cost -= 1;
            self.picodollars -= i128::from(cost.picodollars());
        }
        if let Some(cost) = new.cost {
            self.with_cost += 1;
            self.picodollars += i128::from(cost.picodollars());
        }
    }

    fn token_usage(&self) -> Option<TokenUsage> {
        let stop = |tokens: u128| u64::try_from(tokens).unwrap_or(u64::MAX);
        (self.with_usage > 0).then(|| TokenUsage {
            input_tokens: stop(self.input_tokens),
            output_tokens: stop(self.output_tokens),
            total_tokens: stop(self.input_tokens + self.output_tokens),
        })
    }

    fn cost(&self) -> Option<Money> {
        let end = if self.picodollars < 0 { i64::MIN } else { i64::MAX };
        (self.with_cost > 0).then(|| Money::from_picodollars(i64::try_from(self.picodollars).unwrap_or(end)))
    }
}

impl Fold {
    /// A call of `stage` is now `new` where it was `old`.
    pub(super) fn recount(&mut self, stage: usize, old: Share, new: Share) {
        let totals = &mut self.states[stage].totals;
        let stage = &mut self.trace.stages[stage];
        totals.count(&old, &new);
        stage.token_usage = totals.token_usage();
        stage.cost_usd = totals.cost();
        match totals.models.replace(old.model, new.model) {
            Change::None => {}
            Change::Appended => append(&mut stage.model, totals.models.last()),
            Change::Other => {
                stage.model = None;
                for model in totals.models.0.keys() {
                    append(&mut stage.model, Some(model));
                }
            }
        }
        match totals.prompts.replace(old.prompt, new.prompt) {
            Change::None => {}
            Change::Appended => stage.prompts.extend(totals.prompts.last().cloned()),
            Change::Other => stage.prompts = totals.prompts.0.keys().cloned().collect(),
        }
    }
}

/// Adds a model to a list of them.
fn append(list: &mut Option<String>, model: Option<&String>) {
    let Some(model) = model else { return };
    match list {
        Some(list) => {
            list.push_str(", ");
            list.push_str(model);
        }
        None => *list = Some(model.clone()),
    }
}
