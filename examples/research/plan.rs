//! How an iteration goes about it. The first plan is narrow and cheap; each retry changes what the gate found wanting.

use std::fmt;

/// How much to retrieve, and how to write.
#[derive(Clone, Debug, PartialEq)]
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
