//! Which version a rendering uses, and what calls are linked to.

use super::{LONG, Program, on_every_database, template, with_registry};
use crate::prompts::{NewVersion, PromptService, PromptServiceOptions, Registry};
use crate::sql::tests::eventually;
use serde_json::json;
use std::time::Duration;
use trace_core::event::PromptExecution;
use trace_core::record::Run;
use trace_core::registry::Prompt;

static SUPPORT: Prompt = Prompt::new("support_bot", "Analyze: {{ ticket }}", None, "here:1");

fn render() -> (String, Option<u32>) {
    let rendered = SUPPORT.render(&json!({ "ticket": "a door" })).unwrap();
    (rendered.text, rendered.link.prompt_version)
}

async fn add(registry: &Registry, text: &str) -> u32 {
    registry.add_version("support_bot", NewVersion::new(text)).await.unwrap().version
}

on_every_database! {
    fn the_label_production_goes_before_the_latest(database: Database) {
        let _program = Program::start(database, &[&SUPPORT]);
        assert_eq!(render(), ("Analyze: a door".into(), Some(1)));
        with_registry(database, async |registry: &Registry| {
            add(registry, "v2 {{ ticket }}").await;
            assert_eq!(render(), ("v2 a door".into(), Some(2)), "from the next call on");
            add(registry, "v3 {{ ticket }}").await;
            registry.set_label("support_bot", "production", 2).await.unwrap();
            assert_eq!(render(), ("v2 a door".into(), Some(2)));
            registry.remove_label("support_bot", "production").await.unwrap();
            assert_eq!(render(), ("v3 a door".into(), Some(3)));
            registry.set_active("support_bot", 3, false).await.unwrap();
            assert_eq!(render(), ("v2 a door".into(), Some(2)));
        });
    }

    fn a_version_that_needs_more_than_is_passed_falls_back(database: Database) {
        let program = Program::start(database, &[&SUPPORT]);
        with_registry(database, async |registry: &Registry| add(registry, "Be {{ tone }}: {{ ticket }}").await);
        let trace = program.trace(Run::new("cobot"), || {
            for _ in 0..3 {
                assert_eq!(render(), ("Analyze: a door".into(), Some(1)));
            }
        });
        assert_eq!(trace.warnings.len(), 1, "{:?}", trace.warnings);
        let message = &trace.warnings[0].message;
        assert!(message.contains("prompts:/support_bot_prompt/2") && message.contains("`tone`"), "{message}");
        assert_eq!(SUPPORT.link().prompt_version, Some(1), "calls made now are made with the code's own text");
        PromptExecution::new("support_bot", true, 1.0).log();
        program.settle();
        assert_eq!((template(database, 1).total_executions, template(database, 2).total_executions), (1, 0));
        let passed = SUPPORT.render(&json!({ "ticket": "a door", "tone": "kind" })).unwrap();
        assert_eq!(passed.text, "Be kind: a door");
    }

    fn a_template_bomb_ends_with_an_error_and_harms_nobody(database: Database) {
        let _program = Program::start(database, &[&SUPPORT]);
        let bomb = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}{{ ticket }}";
        let version = with_registry(database, async |registry: &Registry| {
            registry.add_version("support_bot", NewVersion::new(bomb)).await.unwrap()
        });
        let error = version.to_template().unwrap().render(&json!({ "ticket": "x" })).unwrap_err();
        assert!(error.to_string().contains("fuel"), "{error}");
        assert_eq!(render(), ("Analyze: a door".into(), Some(1)));
    }

    fn another_process_is_seen_after_the_time_to_live(database: Database) {
        let _program = Program::start(database, &[&SUPPORT]);
        // What no registry of this process does, its cache does not hear of.
        let id = template(database, 1).id;
        assert!(!id.is_empty());
        database.execute("INSERT INTO prompt_labels (registry_name, label, version, updated_at)
            SELECT registry_name, 'production', version, created_at FROM prompt_templates");
        database.execute("UPDATE prompt_templates SET version = 7");
        database.execute("UPDATE prompt_labels SET version = 7");
        assert_eq!(render().1, Some(1));
        database.execute("UPDATE prompt_registry SET revision = revision + 1");
        eventually("the change is seen", || render().1 == Some(7));
    }

    fn a_database_that_is_away_from_the_start_leaves_the_code_s_own_text(database: Database) {
        let file = database.traces_dir().join("file");
        std::fs::write(&file, "").unwrap();
        let program = Program::start(database, &[]);
        let url = if cfg!(feature = "sqlite") {
            format!("sqlite:{}", file.join("x.db").display())
        } else {
            "postgres://nobody@127.0.0.1:1/nowhere".to_owned()
        };
        let mut options = PromptServiceOptions::new(url.parse().unwrap(), database.traces_dir());
        options.declared = vec![&SUPPORT];
        let rows = std::sync::Arc::clone(&program.rows);
        let away = PromptService::start(options, rows, trace_core::redact::Redactor::default()).unwrap();
        trace_core::registry::set_prompt_source(Some(away.source()));
        assert!(!away.wait_ready(Duration::from_millis(300)));
        let rendered = SUPPORT.render(&json!({ "ticket": "a door" })).unwrap();
        assert_eq!((rendered.text.as_str(), rendered.link.prompt_version), ("Analyze: a door", None));
        assert_eq!(rendered.link.template_hash.as_deref(), Some(SUPPORT.template_hash()));
        away.stop(LONG);
    }
}
