//! How an iteration goes about it. The first plan is narrow and cheap; each retry changes what the gate found wanting.

use serde::Serialize;
use std::fmt;

/// How much to retrieve, and how to write.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// How many passages to keep as evidence, at most.
    pub depth: usize,
    /// How many sources to take passages from beyond what the rubric demands.
    pub extra_sources: usize,
    /// How many terms to add to the question, at most; 0 adds some only where the question alone finds too little.
    pub extra_terms: usize,
    /// How much a sentence that repeats another is held against it, 0..=1.
    pub variety: f64,
    /// Factor on the number of sentences.
    pub length: f64,
    /// Whether only the summariser on this machine may write.
    pub local_only: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self { depth: 3, extra_sources: 0, extra_terms: 0, variety: 0.3, length: 1.0, local_only: false }
    }
}

/// What a retry does differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Asks for more: related terms, more passages.
    Broaden,
    /// Takes passages from more sources.
    Diversify,
    /// Keeps less evidence, only what fits best.
    Focus,
    /// Writes more, or less.
    Resize,
    /// Holds repetition against a sentence more.
    Vary,
    /// Quotes sources instead of letting a model write.
    Quote,
}

impl Strategy {
    /// All of them, the default first.
    pub const ALL: [Self; 6] = [Self::Broaden, Self::Diversify, Self::Focus, Self::Resize, Self::Vary, Self::Quote];

    /// The plan changed by this strategy; `longer` says which way to resize.
    pub fn apply(self, plan: &Plan, longer: bool) -> Plan {
        let mut plan = plan.clone();
        match self {
            Self::Broaden => {
                plan.depth *= 2;
                plan.extra_terms += 4;
            }
            Self::Diversify => {
                plan.extra_sources += 2;
                plan.depth += 4;
            }
            Self::Focus => plan.depth = (plan.depth / 2).max(3),
            Self::Resize => plan.length *= if longer { 1.6 } else { 0.6 },
            Self::Vary => plan.variety = (plan.variety + 0.25).min(0.9),
            Self::Quote => plan.local_only = true,
        }
        plan
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broaden => "broaden",
            Self::Diversify => "diversify",
            Self::Focus => "focus",
            Self::Resize => "resize",
            Self::Vary => "vary",
            Self::Quote => "quote",
        })
    }
}

/// The passes of the retry loop: the plan of this one, what was tried before, and how many are left.
#[derive(Debug)]
pub struct Iterations {
    most: usize,
    plan: Plan,
    tried: Vec<Strategy>,
}

impl Iterations {
    /// At most so many, the first with the default plan.
    pub fn new(most: usize) -> Self {
        Self { most, plan: Plan::default(), tried: Vec::new() }
    }

    /// How this one goes about it.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Which one this is, from 1.
    pub fn number(&self) -> usize {
        self.tried.len() + 1
    }

    /// How many are left after this one.
    pub fn left(&self) -> usize {
        self.most.saturating_sub(self.number())
    }

    /// How often a strategy was tried.
    pub fn times_tried(&self, strategy: Strategy) -> i32 {
        self.tried.iter().map(|other| i32::from(*other == strategy)).sum()
    }

    /// Begins the next one with the plan changed by a strategy; `longer` says which way to resize.
    pub fn next(&mut self, strategy: Strategy, longer: bool) {
        self.tried.push(strategy);
        self.plan = strategy.apply(&self.plan, longer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_add_up() {
        let mut iterations = Iterations::new(3);
        let first = iterations.plan().clone();
        iterations.next(Strategy::Broaden, false);
        let second = iterations.plan().clone();
        assert!(second.depth > first.depth && second.extra_terms > 0);
        iterations.next(Strategy::Resize, true);
        assert_eq!((iterations.plan().depth, iterations.plan().length > 1.0), (second.depth, true));
        assert_eq!((iterations.number(), iterations.left()), (3, 0));
        assert_eq!(iterations.times_tried(Strategy::Broaden), 1);
    }
}
