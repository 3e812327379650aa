//! What programs declare, and whether what they record conforms to it.

use super::error::QueryError;
use super::lists::add_window;
use super::store::Store;
use super::window::Window;
use crate::sql::rows::{ComponentRow, DecisionPointRow};
use crate::sql::value::row;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A component that a program declared when it last wrote rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Component {
    /// Its name.
    pub name: String,
    /// The Rust type that declares it.
    pub type_name: String,
    /// `file:line` of the declaration; empty where it is not known.
    pub location: String,
    /// Its decision points: those that it declares, then those that it recorded without declaring them.
    pub decisions: Vec<ComponentDecision>,
    /// The outputs that it may report.
    pub outputs: Vec<String>,
}

/// A decision point of a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ComponentDecision {
    /// The decision point.
    pub decision: String,
    /// Whether the component declares it. One that it does not, and records, is a mistake in the program.
    pub declared: bool,
    /// Where the program has a `decision!` for it: `file:line:column`. A declared one without a place is never recorded.
    pub locations: Vec<String>,
    /// How often the component recorded it in the window.
    pub recorded: i64,
}

impl Component {
    /// Whether it records nothing that it does not declare.
    #[must_use]
    pub fn conforms(&self) -> bool {
        self.decisions.iter().all(|decision| decision.declared)
    }
}

row! {
    struct RecordedRow in "decisions", key [component, decision], keep [] {
        component: String,
        decision: String,
        count: i64,
    }
}

impl Store {
    /// The declared components by their names, and what they recorded in a window.
    ///
    /// # Errors
    /// [`QueryError::Sql`].
    pub async fn components(&self, window: Window) -> Result<Vec<Component>, QueryError> {
        let mut ask = self.statement();
        ask.select::<ComponentRow>();
        let mut declared = self.fetch::<ComponentRow>("reading components", ask).await?;
        declared.sort_by(|a, b| a.name.cmp(&b.name));
        let mut ask = self.statement();
        ask.select::<DecisionPointRow>();
        let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for point in self.fetch::<DecisionPointRow>("reading decision points", ask).await? {
            if !point.location.is_empty() {
                places.entry(point.decision).or_default().push(point.location);
            }
        }
        let recorded = self.recorded(window).await?;
        Ok(declared.into_iter().map(|row| component(row, &places, &recorded)).collect())
    }

    /// How often each component recorded each decision.
    async fn recorded(&self, window: Window) -> Result<BTreeMap<String, BTreeMap<String, i64>>, QueryError> {
        let mut ask = self.statement();
        ask.push("SELECT component, decision, COUNT(*) AS count FROM decisions WHERE component IS NOT NULL");
        add_window(&mut ask, window, "decisions.timestamp");
        ask.push(" GROUP BY component, decision");
        let mut recorded: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for row in self.fetch::<RecordedRow>("counting decisions", ask).await? {
            recorded.entry(row.component).or_default().insert(row.decision, row.count);
        }
        Ok(recorded)
    }
}

fn component(
    row: ComponentRow,
    places: &BTreeMap<String, Vec<String>>,
    recorded: &BTreeMap<String, BTreeMap<String, i64>>,
) -> Component {
    let counts = recorded.get(&row.name);
    let decision = |name: &String, declared| ComponentDecision {
        decision: name.clone(),
        declared,
        locations: places.get(name).cloned().unwrap_or_default(),
        recorded: counts.and_then(|counts| counts.get(name)).copied().unwrap_or_default(),
    };
    let mut decisions: Vec<ComponentDecision> = row.decisions.iter().map(|name| decision(name, true)).collect();
    let others = counts.into_iter().flat_map(BTreeMap::keys).filter(|name| !row.decisions.contains(name));
    decisions.extend(others.map(|name| decision(name, false)));
    Component { name: row.name, type_name: row.type_name, location: row.location, decisions, outputs: row.outputs }
}
