//! Versions, labels, history.

use super::{on_every_database, with_registry};
use crate::prompts::{Catalog, NewVersion, PromptUri, Registry, RegistryError, VersionRef};
use crate::sql::tests::block_on;
use serde_json::json;

const V1: &str = "You are a support bot. Analyze: {{ ticket }}";
const V2: &str = "Analyze: {{ ticket }}\n\nProvide: ISSUE, CAUSE, FIX (one line each)";

async fn three_versions(registry: &Registry) {
    registry.register("support_bot", NewVersion::new(V1)).await.unwrap();
    let concise = NewVersion::new(V2).commit_message("Made more concise").metadata("by", "ann");
    registry.add_version("support_bot", concise).await.unwrap();
    registry.rollback("support_bot", 1).await.unwrap();
}

on_every_database! {
    fn a_text_is_registered_once(database: Database) {
        with_registry(database, async |registry: &Registry| {
            let v1 = registry.register("support_bot", NewVersion::new(V1)).await.unwrap();
            assert_eq!((v1.version, v1.registry_name.as_str()), (1, "support_bot_prompt"));
            assert_eq!((v1.variables.as_slice(), v1.parent_version_id.as_deref()), (&["ticket".to_owned()][..], None));
            let again = registry.register("support_bot", NewVersion::new(V1).commit_message("again")).await.unwrap();
            assert_eq!(again, v1);
            let v2 = registry.register("support_bot", NewVersion::new(V1).system("Be kind.")).await.unwrap();
            assert_eq!((v2.version, v2.parent_version_id.as_deref()), (2, Some(v1.id.as_str())));
        });
    }

    fn old_and_new_programs_that_restart_in_turn_make_no_versions(database: Database) {
        with_registry(database, async |registry: &Registry| {
            for _ in 0..3 {
                assert_eq!(registry.register("support_bot", NewVersion::new(V1)).await.unwrap().version, 1);
                assert_eq!(registry.register("support_bot", NewVersion::new(V2)).await.unwrap().version, 2);
            }
            assert_eq!(registry.list_versions("support_bot").await.unwrap().len(), 2);
        });
    }

    fn a_rollback_is_a_new_version_with_the_old_text(database: Database) {
        with_registry(database, async |registry: &Registry| {
            three_versions(registry).await;
            let latest = registry.get_latest("support_bot").await.unwrap();
            assert_eq!((latest.version, latest.template.as_str()), (3, V1));
            assert_eq!(latest.metadata["rollback_to"], json!(1));
            let history = registry.history("support_bot").await.unwrap();
            let said: Vec<_> = history.iter().map(|entry| entry.version.commit_message.as_deref()).collect();
            assert_eq!(said, [Some("Roll back to version 1"), Some("Made more concise"), None]);
            assert_eq!(history[1].version.metadata["by"], json!("ann"));
            let changes = history[1].changes.as_ref().unwrap();
            assert_eq!((changes.from, changes.to, changes.template.added(), changes.template.removed()), (1, 2, 3, 1));
            assert!(history[2].changes.is_none());
            assert!(registry.diff("support_bot", 1, 3).await.unwrap().template.is_empty());
            // The text is that of two versions now: the newest is the one.
            assert_eq!(registry.register("support_bot", NewVersion::new(V1)).await.unwrap().version, 3);
        });
    }

    fn labels_point_to_versions_that_exist(database: Database) {
        with_registry(database, async |registry: &Registry| {
            three_versions(registry).await;
            registry.set_label("support_bot", "production", 2).await.unwrap();
            registry.set_label("support_bot", "staging", 3).await.unwrap();
            registry.set_label("support_bot", "production", 1).await.unwrap();
            let labelled = registry.get_by_label("support_bot", "production").await.unwrap();
            assert_eq!((labelled.version, labelled.labels), (1, vec!["production".to_owned()]));
            registry.remove_label("support_bot", "staging").await.unwrap();
            assert!(matches!(registry.remove_label("support_bot", "staging").await, Err(RegistryError::NoSuchLabel { .. })));
            assert!(matches!(registry.set_label("support_bot", "x", 9).await, Err(RegistryError::NoSuchVersion { version: 9, .. })));
            for bad in ["latest", "1", "Über", "", "a b"] {
                assert!(matches!(registry.set_label("support_bot", bad, 1).await, Err(RegistryError::Label { .. })), "{bad}");
            }
            let uri: PromptUri = "prompts:/support_bot_prompt@production".parse().unwrap();
            assert_eq!(registry.get_by_uri(&uri).await.unwrap().uri().version, VersionRef::Version(1));
            let list = registry.list_prompts().await.unwrap();
            assert_eq!((list.len(), list[0].versions, list[0].latest, list[0].labels["production"]), (1, 3, Some(3), 1));
        });
    }

    fn a_version_that_is_switched_off_is_not_the_latest(database: Database) {
        with_registry(database, async |registry: &Registry| {
            three_versions(registry).await;
            registry.set_active("support_bot", 3, false).await.unwrap();
            assert_eq!(registry.get_latest("support_bot").await.unwrap().version, 2);
            let next = registry.add_version("support_bot", NewVersion::new("x")).await.unwrap();
            assert_eq!(next.version, 4, "numbers are never used again");
        });
    }

    fn names_that_are_cleaned_to_the_same_collide(database: Database) {
        with_registry(database, async |registry: &Registry| {
            registry.register("support_bot", NewVersion::new(V1)).await.unwrap();
            for other in ["Support-Bot", "support.bot"] {
                for text in [V1, V2] {
                    let error = registry.register(other, NewVersion::new(text)).await.unwrap_err();
                    assert!(matches!(&error, RegistryError::Collision { taken_by, .. } if taken_by == "support_bot"), "{error}");
                }
            }
            assert_eq!(registry.register("support_bot_prompt", NewVersion::new(V1)).await.unwrap().version, 1);
            assert!(matches!(registry.register("1st", NewVersion::new(V1)).await, Err(RegistryError::Name { .. })));
            assert!(matches!(registry.get_latest("nobody").await, Err(RegistryError::NoSuchPrompt { .. })));
        });
    }

    fn a_catalog_stands_before_the_name(database: Database) {
        block_on(async {
            let catalog: Catalog = "ml.bilal".parse().unwrap();
            let registry = Registry::open(&database.url, Some(catalog)).await.unwrap();
            let v1 = registry.register("support_bot", NewVersion::new(V1)).await.unwrap();
            assert_eq!(v1.uri().to_string(), "prompts:/ml.bilal.support_bot_prompt/1");
            assert_eq!(v1.link().prompt_uri, Some(v1.uri().to_string()));
            assert_eq!(registry.get("ml.bilal.support_bot_prompt", 1).await.unwrap(), v1);
            registry.close().await;
        });
        with_registry(database, async |registry: &Registry| {
            assert!(registry.list_versions("support_bot").await.unwrap().is_empty(), "another catalog, another prompt");
        });
    }

    fn what_cannot_be_rendered_is_not_taken(database: Database) {
        with_registry(database, async |registry: &Registry| {
            let error = registry.register("bad", NewVersion::new("one\n{{ two")).await.unwrap_err();
            assert!(error.to_string().contains("line 2"), "{error}");
            let long = registry.add_version("long", NewVersion::new("x".repeat(2 << 20))).await.unwrap_err();
            assert!(matches!(long, RegistryError::TooLong { .. }), "{long}");
            assert!(registry.list_prompts().await.unwrap().is_empty());
            let hostile = NewVersion::new("'; DROP TABLE prompt_templates; -- {{ a }} 🤖 \" \\").commit_message("'; --");
            let kept = registry.register("hostile", hostile).await.unwrap();
            assert_eq!(registry.get("hostile", 1).await.unwrap(), kept);
        });
    }

    fn a_change_that_is_given_up_leaves_nothing_behind(database: Database) {
        with_registry(database, async |registry: &Registry| {
            registry.register("support_bot", NewVersion::new(V1)).await.unwrap();
            for steps in 0..40 {
                let mut adding = Box::pin(registry.add_version("support_bot", NewVersion::new(V2)));
                let mut left = steps;
                // Polled so often, then dropped wherever it is.
                std::future::poll_fn(|cx| {
                    left -= 1;
                    if left < 0 || adding.as_mut().poll(cx).is_ready() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                })
                .await;
            }
            let versions = registry.list_versions("support_bot").await.unwrap();
            let numbers: Vec<u32> = versions.iter().map(|version| version.version).collect();
            let expected: Vec<u32> = (1..).take(versions.len()).collect();
            assert_eq!(numbers, expected, "no version is missing or there twice");
            registry.add_version("support_bot", NewVersion::new("still works")).await.unwrap();
        });
    }
}

/// Registries are shared between tasks.
#[test]
fn its_futures_can_be_spawned() {
    fn assert_send<T: Send>(_: &T) {}
    fn all(registry: &Registry) {
        assert_send(&registry.register("a", NewVersion::new("b")));
        assert_send(&registry.rollback("a", 1));
        assert_send(&registry.arm_samples("a"));
    }
    let _ = all;
}
