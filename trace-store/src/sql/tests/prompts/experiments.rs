//! Experiments: which can be started, whom they give what, what is measured.

use super::{Program, execution, on_every_database, template, with_registry};
use crate::prompts::{ExperimentPlan, ExperimentStatus, NewVersion, Registry, RegistryError, StickyKey};
use std::collections::BTreeSet;
use trace_core::event::PromptExecution;
use trace_core::record::Run;
use trace_core::registry::Prompt;

static SPLIT: Prompt = Prompt::new("split", "first {{ a }}", None, "here:1");

async fn two_versions(registry: &Registry) {
    registry.register("split", NewVersion::new("first {{ a }}")).await.unwrap();
    registry.register("split", NewVersion::new("second {{ a }}")).await.unwrap();
}

on_every_database! {
    fn a_prompt_has_one_experiment_at_a_time(database: Database) {
        with_registry(database, async |registry: &Registry| {
            two_versions(registry).await;
            let plan = || ExperimentPlan::new("split").arm(1, 25.0).arm(2, 75.0).name("shorter");
            let missing = registry.start_experiment(ExperimentPlan::new("split").arm(1, 50.0).arm(9, 50.0)).await;
            assert!(matches!(missing, Err(RegistryError::NoSuchVersion { version: 9, .. })));
            let first = registry.start_experiment(plan()).await.unwrap();
            let second = registry.start_experiment(plan()).await.unwrap_err();
            assert!(second.to_string().contains("is running: stop it first"), "{second}");
            let stopped = registry.stop_experiment(&first.id).await.unwrap();
            assert_eq!(stopped.status, ExperimentStatus::Stopped);
            assert_eq!(registry.stop_experiment(&first.id).await.unwrap().ended_at, stopped.ended_at, "it ended once");
            let third = registry.start_experiment(plan()).await.unwrap();
            assert_ne!(third.id, first.id);
            let listed: BTreeSet<_> = registry.list_experiments(Some("split")).await.unwrap().into_iter().map(|e| e.id).collect();
            assert_eq!(listed, [first.id, third.id].into());
        });
    }

    fn versions_say_which_arm_they_are_while_it_runs(database: Database) {
        let id = with_registry(database, async |registry: &Registry| {
            two_versions(registry).await;
            registry.start_experiment(ExperimentPlan::new("split").arm(1, 25.0).arm(2, 75.0)).await.unwrap().id
        });
        let arms = |n| (template(database, n).ab_test_group, template(database, n).traffic_percentage);
        assert_eq!([arms(1), arms(2)], [(Some("A".into()), Some(25.0)), (Some("B".into()), Some(75.0))]);
        with_registry(database, async |registry: &Registry| registry.stop_experiment(&id).await.unwrap());
        assert_eq!([arms(1), arms(2)], [(None, None), (None, None)]);
    }

    fn a_user_stays_in_an_arm_and_executions_carry_it(database: Database) {
        let program = Program::start(database, &[&SPLIT]);
        let id = with_registry(database, async |registry: &Registry| {
            two_versions(registry).await;
            registry.start_experiment(ExperimentPlan::new("split").arm(1, 50.0).arm(2, 50.0).by(StickyKey::User)).await.unwrap().id
        });
        let mut seen = BTreeSet::new();
        for user in 0..24 {
            let user = format!("user-{user}");
            let outside = SPLIT.render_for(&user, &serde_json::json!({ "a": 1 })).unwrap();
            for _ in 0..2 {
                program.trace(Run::new("cobot").user(&user), || {
                    let inside = SPLIT.render(&serde_json::json!({ "a": 1 })).unwrap();
                    assert_eq!((&inside.link, &inside.arm), (&outside.link, &outside.arm));
                    PromptExecution::new("", true, 10.0).rendered(&inside).log();
                });
            }
            seen.insert(outside.link.prompt_version);
        }
        assert_eq!(seen.len(), 2, "both arms are given");
        let arms = with_registry(database, async |registry: &Registry| registry.arm_samples(&id).await.unwrap());
        assert_eq!(arms.iter().map(|arm| arm.samples.len()).sum::<usize>(), 48);
        assert!(arms.iter().all(|arm| !arm.samples.is_empty() && arm.samples[0].response_time_ms == Some(10.0)));
    }

    fn after_the_end_renderings_go_back(database: Database) {
        let program = Program::start(database, &[&SPLIT]);
        let render = || SPLIT.render_for("ann", &serde_json::json!({ "a": 1 })).unwrap();
        with_registry(database, async |registry: &Registry| {
            two_versions(registry).await;
            let plan = ExperimentPlan::new("split").arm(1, 99.9).arm(2, 0.1);
            let id = registry.start_experiment(plan).await.unwrap().id;
            assert_eq!(render().arm.unwrap().experiment, id);
            registry.stop_experiment(&id).await.unwrap();
            assert_eq!((render().arm, render().link.prompt_version), (None, Some(2)));
        });
        PromptExecution::new("split", true, 1.0).log();
        program.settle();
        assert_eq!(execution(database).experiment_id, None);
    }
}
