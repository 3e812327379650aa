//! Components: what is declared beside what is recorded.

use super::*;
use crate::query::Window;
use crate::sql::tests::fixture::{decision, stage};
use crate::sql::tests::on_every_database;

/// A run whose component recorded two decisions.
fn recorded() -> Trace {
    let mut trace = recent(1, 1);
    let mut judged = stage(1, 1.0);
    judged.component = Some("rubric_loader".into());
    judged.decisions = vec![decision("d1", "exa"), decision("d2", "reddit")];
    for recorded in &mut judged.decisions {
        recorded.component = Some("rubric_loader".into());
        recorded.timestamp = trace.run.started_at;
    }
    trace.stages.insert("rubric".into(), judged);
    trace
}

on_every_database! {
    fn a_component_shows_what_it_records_without_declaring_it(database: Database) {
        save(database, &[recorded()]);
        database.execute(
            "INSERT INTO components (name, type_name, location, decisions, outputs, created_at, updated_at) \
             SELECT 'rubric_loader', 'RubricLoader', 'src/rubric.rs:1', gap_principles, gap_principles, created_at, created_at FROM traces",
        );
        ask(database, async |store| {
            let components = store.components(Window::default()).await.unwrap();
            let component = components.iter().find(|component| component.name == "rubric_loader").unwrap();
            assert!(!component.conforms());
            let told: Vec<_> =
                component.decisions.iter().map(|point| (point.decision.as_str(), point.declared, point.recorded)).collect();
            assert_eq!(told, [("source_selected", false, 2)]);
            assert_eq!(component.type_name, "RubricLoader");
        });
    }
}
