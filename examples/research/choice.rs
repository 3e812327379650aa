//! A choice between options, each with a merit that the caller computed.
//!
//! Merits become shares of their sum: how sure the pipeline is of what it chose, and how close each alternative came.

use std::collections::BTreeMap;
use std::fmt::Display;

/// Options in the order of their merit.
#[derive(Debug)]
pub struct Choice<T> {
    best: (T, f64),
    others: Vec<(T, f64)>,
}

impl<T> Choice<T> {
    /// Ranks options by merit. The first is the default: it wins ties, and wins when nothing speaks for any option.
    /// A negative or undefined merit counts as none.
    pub fn between(default: (T, f64), others: impl IntoIterator<Item = (T, f64)>) -> Self {
        let mut ranked: Vec<_> = std::iter::once(default)
            .chain(others)
            .map(|(option, merit)| (option, if merit.is_finite() { merit.max(0.0) } else { 0.0 }))
            .collect();
        ranked.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let total: f64 = ranked.iter().map(|(_, merit)| merit).sum();
        let even = 1.0 / ranked.len() as f64;
        for (_, merit) in &mut ranked {
            *merit = if total > 0.0 { *merit / total } else { even };
        }
        let best = ranked.remove(0);
        Self { best, others: ranked }
    }

    /// What was chosen.
    pub fn best(&self) -> &T {
        &self.best.0
    }

    /// What was chosen, without the rest.
    pub fn into_best(self) -> T {
        self.best.0
    }

    /// The share of the chosen option, 0..=1.
    pub fn confidence(&self) -> f64 {
        self.best.1
    }

    /// How sure the choice would have been of an option, 0..=1.
    pub fn share_of(&self, option: &T) -> f64
    where
        T: PartialEq,
    {
        std::iter::once(&self.best).chain(&self.others).find(|(other, _)| other == option).map_or(0.0, |(_, s)| *s)
    }
}

impl<T: Display> Choice<T> {
    /// All options with their shares.
    pub fn shares(&self) -> BTreeMap<String, f64> {
        std::iter::once(&self.best).chain(&self.others).map(|(option, share)| (option.to_string(), *share)).collect()
    }

    /// What was not chosen, best first, with its share.
    pub fn alternatives(&self) -> impl Iterator<Item = (String, f64)> {
        self.others.iter().map(|(option, share)| (option.to_string(), *share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_option_wins_with_its_share() {
        let choice = Choice::between(("a", 1.0), [("b", 3.0), ("c", f64::NAN)]);
        assert_eq!((*choice.best(), choice.confidence()), ("b", 0.75));
        let alternatives: Vec<_> = choice.alternatives().collect();
        assert_eq!(alternatives, [("a".to_owned(), 0.25), ("c".to_owned(), 0.0)]);
        assert_eq!(choice.share_of(&"a"), 0.25);
        assert_eq!(choice.shares().into_values().sum::<f64>(), 1.0);
    }

    #[test]
    fn the_default_wins_ties_and_when_nothing_speaks_for_any() {
        assert_eq!(*Choice::between(("a", 2.0), [("b", 2.0)]).best(), "a");
        let choice = Choice::between(("a", -1.0), [("b", 0.0)]);
        assert_eq!((*choice.best(), choice.confidence()), ("a", 0.5));
    }
}
