//! The decisions of a run, and where those of two runs differ.

use super::error::QueryError;
use super::store::Store;
use crate::sql::value::{Json, row};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use trace_core::model::Alternative;

/// How many decisions of a run are compared.
const MOST: usize = 10_000;

row! {
    /// A decision, without its inputs.
    pub(super) struct DecisionHead in "decisions", key [trace_id, id], keep [] {
        id: String,
        stage_id: String,
        stage: String,
        observation_id: Option<String>,
        decision: String,
        what: String,
        why: String,
        confidence: Option<f64>,
        alternatives_considered: Json,
        component: Option<String>,
        location: Option<String>,
    }
}

/// What was chosen at a decision point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Choice {
    /// What was chosen.
    pub what: String,
    /// Why.
    pub why: String,
    /// How sure the program was, 0..=1.
    pub confidence: Option<f64>,
    /// What else was on the table.
    pub alternatives_considered: Vec<Alternative>,
    /// The component that chose.
    pub component: Option<String>,
}

/// A decision that two runs made differently, or that only one of them made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct DecisionDifference {
    /// The stage it was made in.
    pub stage: String,
    /// The decision point.
    pub decision: String,
    /// 1 for the first decision at this point in this stage, 2 for the second.
    pub occurrence: u32,
    /// What the first run chose; `null`: it did not come to this decision.
    pub a: Option<Choice>,
    /// What the second run chose; `null`: it did not come to this decision.
    pub b: Option<Choice>,
}

impl From<&DecisionHead> for Choice {
    fn from(row: &DecisionHead) -> Self {
        Self {
            what: row.what.clone(),
            why: row.why.clone(),
            confidence: row.confidence,
            alternatives_considered: row.alternatives(),
            component: row.component.clone(),
        }
    }
}

impl DecisionHead {
    pub(super) fn alternatives(&self) -> Vec<Alternative> {
        serde_json::from_str(self.alternatives_considered.as_str()).unwrap_or_default()
    }
}

impl Store {
    /// The first 10,000 decisions of a run, in their order.
    pub(super) async fn decisions(&self, trace_id: &str) -> Result<Vec<DecisionHead>, QueryError> {
        let mut ask = self.statement();
        ask.select::<DecisionHead>().of_trace::<DecisionHead>(trace_id);
        ask.push(&format!(" ORDER BY decisions.position LIMIT {MOST}"));
        Ok(self.fetch("reading decisions", ask).await?)
    }
}

/// Where two runs chose differently, in the order in which they came to it.
///
/// Decisions are matched by stage, decision point and occurrence: stages that run side by side may come in any order.
pub(super) fn differences(a: &[DecisionHead], b: &[DecisionHead]) -> Vec<DecisionDifference> {
    let (a, b) = (keyed(a), keyed(b));
    let in_b: HashMap<&Key<'_>, usize> = b.iter().enumerate().map(|(at, (key, _))| (key, at)).collect();
    let in_a: HashMap<&Key<'_>, usize> = a.iter().enumerate().map(|(at, (key, _))| (key, at)).collect();
    let mut found: Vec<(usize, DecisionDifference)> = Vec::new();
    for (at, (key, row)) in a.iter().enumerate() {
        let other = in_b.get(key).and_then(|at| b.get(*at)).map(|(_, row)| *row);
        if other.is_none_or(|other| other.what != row.what) {
            found.push((at, key.difference(Some(row), other)));
        }
    }
    for (at, (key, row)) in b.iter().enumerate() {
        if !in_a.contains_key(key) {
            found.push((at, key.difference(None, Some(row))));
        }
    }
    // Stable: at one place, what the first run did comes first.
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, difference)| difference).collect()
}

/// Which decision of a run it is.
#[derive(PartialEq, Eq, Hash)]
struct Key<'a> {
    stage: &'a str,
    decision: &'a str,
    occurrence: u32,
}

impl Key<'_> {
    fn difference(&self, a: Option<&DecisionHead>, b: Option<&DecisionHead>) -> DecisionDifference {
        DecisionDifference {
            stage: self.stage.to_owned(),
            decision: self.decision.to_owned(),
            occurrence: self.occurrence,
            a: a.map(Choice::from),
            b: b.map(Choice::from),
        }
    }
}

fn keyed(rows: &[DecisionHead]) -> Vec<(Key<'_>, &DecisionHead)> {
    let mut seen: HashMap<(&str, &str), u32> = HashMap::new();
    let mut keyed = Vec::with_capacity(rows.len());
    for row in rows {
        let (stage, decision) = (row.stage.as_str(), row.decision.as_str());
        let occurrence = seen.entry((stage, decision)).or_default();
        *occurrence += 1;
        keyed.push((Key { stage, decision, occurrence: *occurrence }, row));
    }
    keyed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(stage: &str, decision: &str, what: &str) -> DecisionHead {
        DecisionHead {
            id: String::new(),
            stage_id: String::new(),
            stage: stage.into(),
            observation_id: None,
            decision: decision.into(),
            what: what.into(),
            why: String::new(),
            confidence: None,
            alternatives_considered: Json("[]".into()),
            component: None,
            location: None,
        }
    }

    fn shown(a: &[DecisionHead], b: &[DecisionHead]) -> Vec<String> {
        let what = |choice: &Option<Choice>| choice.as_ref().map_or("-".to_owned(), |choice| choice.what.clone());
        let shown = |d: &DecisionDifference| {
            format!("{}/{}.{}: {} {}", d.stage, d.decision, d.occurrence, what(&d.a), what(&d.b))
        };
        differences(a, b).iter().map(shown).collect()
    }

    #[test]
    fn decisions_are_matched_by_stage_point_and_occurrence() {
        let a = [decided("s", "x", "1"), decided("t", "x", "1"), decided("s", "x", "2")];
        assert_eq!(shown(&a, &a), [""; 0]);
        let swapped = [decided("t", "x", "1"), decided("s", "x", "1"), decided("s", "x", "2")];
        assert_eq!(shown(&a, &swapped), [""; 0], "stages side by side may come in any order");
        let other = [decided("s", "x", "1"), decided("s", "x", "3"), decided("s", "y", "4")];
        assert_eq!(shown(&a, &other), ["t/x.1: 1 -", "s/x.2: 2 3", "s/y.1: - 4"]);
        assert_eq!(shown(&[], &other[..1]), ["s/x.1: - 1"]);
    }
}
