use super::Object;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a stage collected, kept and filtered out.
///
/// ```
/// use trace_core::model::Evidence;
/// let evidence = Evidence::new()
///     .collected(150)
///     .source("exa", 100)
///     .source("reddit", 50)
///     .kept("doc-1", "exa", 0.91, "mentions the competitor by name")
///     .dropped("doc-2", "reddit", 0.12, "off topic");
/// assert_eq!((evidence.passed, evidence.filtered), (Some(1), Some(1)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// How many items were gathered.
    pub collected: Option<u64>,
    /// How many of them were kept.
    pub passed: Option<u64>,
    /// How many of them were filtered out.
    pub filtered: Option<u64>,
    /// How many were retrieved for generation.
    pub retrieved: Option<u64>,
    /// How many of those were used in the output.
    pub used: Option<u64>,
    /// How many came from which source.
    pub by_source: BTreeMap<String, u64>,
    /// The items one by one, with their reasons.
    pub items: Vec<EvidenceItem>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

/// One item of evidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EvidenceItem {
    /// The item's own id.
    pub id: String,
    /// Where it came from.
    pub source: Option<String>,
    /// How relevant it was, on the pipeline's own scale.
    #[serde(with = "super::number::option")]
    pub score: Option<f64>,
    /// Whether it was kept.
    pub kept: bool,
    /// Why it was kept or filtered out.
    pub reason: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

impl Evidence {
    /// No evidence yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many items were gathered.
    #[must_use]
    pub fn collected(mut self, count: u64) -> Self {
        self.collected = Some(count);
        self
    }

    /// How many items were kept.
    #[must_use]
    pub fn passed(mut self, count: u64) -> Self {
        self.passed = Some(count);
        self
    }

    /// How many items were filtered out.
    #[must_use]
    pub fn filtered(mut self, count: u64) -> Self {
        self.filtered = Some(count);
        self
    }

    /// How many items were retrieved for generation.
    #[must_use]
    pub fn retrieved(mut self, count: u64) -> Self {
        self.retrieved = Some(count);
        self
    }

    /// How many of the retrieved items were used.
    #[must_use]
    pub fn used(mut self, count: u64) -> Self {
        self.used = Some(count);
        self
    }

    /// How many items a source gave; adds to what it gave before.
    #[must_use]
    pub fn source(mut self, name: impl Into<String>, count: u64) -> Self {
        *self.by_source.entry(name.into()).or_default() += count;
        self
    }

    /// Adds an item that was kept, and counts it as passed.
    #[must_use]
    pub fn kept(self, id: impl Into<String>, source: impl Into<String>, score: f64, reason: impl Into<String>) -> Self {
        self.item(id.into(), source.into(), score, reason.into(), true)
    }

    /// Adds an item that was filtered out, and counts it so.
    #[must_use]
    pub fn dropped(
        self,
        id: impl Into<String>,
        source: impl Into<String>,
        score: f64,
        reason: impl Into<String>,
    ) -> Self {
        self.item(id.into(), source.into(), score, reason.into(), false)
    }

    fn item(mut self, id: String, source: String, score: f64, reason: String, kept: bool) -> Self {
        let count = if kept { &mut self.passed } else { &mut self.filtered };
        *count = Some(count.unwrap_or(0) + 1);
        self.items.push(EvidenceItem {
            id,
            source: Some(source),
            score: Some(score),
            kept,
            reason: Some(reason),
            extra: Object::new(),
        });
        self
    }

    /// Adds what a later report of the same stage says: counts and sources add up, items are appended.
    pub fn merge(&mut self, later: Self) {
        fn add(to: &mut Option<u64>, more: Option<u64>) {
            if let Some(more) = more {
                *to = Some(to.unwrap_or(0).saturating_add(more));
            }
        }
        add(&mut self.collected, later.collected);
        add(&mut self.passed, later.passed);
        add(&mut self.filtered, later.filtered);
        add(&mut self.retrieved, later.retrieved);
        add(&mut self.used, later.used);
        for (source, count) in later.by_source {
            let sum = self.by_source.entry(source).or_default();
            *sum = sum.saturating_add(count);
        }
        self.items.extend(later.items);
        self.extra.extend(later.extra);
    }
}
