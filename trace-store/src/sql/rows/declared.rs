//! What the program declares, as rows: its components and decision points. They do not belong to any trace.

use crate::sql::value::{Row, Table, Value, row};
use trace_core::model::Timestamp;
use trace_core::registry::Registry;

row! {
    /// A component.
    pub(crate) struct ComponentRow in "components", key [name], keep [created_at] {
        name: String,
        type_name: String,
        location: String,
        decisions: Vec<String>,
        outputs: Vec<String>,
        created_at: Timestamp,
        updated_at: Timestamp,
    }
}

row! {
    /// A decision point: one row for each `decision!`, and one without a place for a point that is only declared.
    pub(crate) struct DecisionPointRow in "decision_points", key [decision, location], keep [created_at] {
        decision: String,
        location: String,
        component: Option<String>,
        function: String,
        created_at: Timestamp,
        updated_at: Timestamp,
    }
}

static COMPONENTS: Table = ComponentRow::TABLE;
static DECISION_POINTS: Table = DecisionPointRow::TABLE;

/// The rows of what is declared, table by table, each key once.
pub(crate) fn declared(registry: &Registry, now: Timestamp) -> [(&'static Table, Vec<Vec<Value>>); 2] {
    [(&COMPONENTS, components(registry, now)), (&DECISION_POINTS, decision_points(registry, now))]
}

fn components(registry: &Registry, now: Timestamp) -> Vec<Vec<Value>> {
    let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let mut rows: Vec<ComponentRow> = Vec::new();
    for component in &registry.components {
        // Two components of one name are a problem that the registry reports; the table holds the first.
        if rows.iter().all(|row| row.name != component.name) {
            rows.push(ComponentRow {
                name: component.name.to_owned(),
                type_name: component.type_name.to_owned(),
                location: component.location.to_owned(),
                decisions: own(component.decisions),
                outputs: own(component.outputs),
                created_at: now,
                updated_at: now,
            });
        }
    }
    rows.into_iter().map(Row::into_cells).collect()
}

fn decision_points(registry: &Registry, now: Timestamp) -> Vec<Vec<Value>> {
    let mut rows: Vec<DecisionPointRow> = Vec::new();
    for point in &registry.decision_points {
        let component = (!point.components.is_empty()).then(|| point.components.join(", "));
        let mut places: Vec<(String, &str)> = point.sites.iter().map(|site| (site.location(), site.function)).collect();
        if places.is_empty() {
            places.push((String::new(), ""));
        }
        places.dedup_by(|a, b| a.0 == b.0);
        rows.extend(places.into_iter().map(|(location, function)| DecisionPointRow {
            decision: point.name.to_owned(),
            location,
            component: component.clone(),
            function: function.to_owned(),
            created_at: now,
            updated_at: now,
        }));
    }
    rows.into_iter().map(Row::into_cells).collect()
}
