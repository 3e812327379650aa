//! Several processes at one registry.

use super::{on_every_database, with_registry};
use crate::prompts::{NewVersion, Registry};
use std::process::{Command, Stdio};

/// Names the database of a process that plays a part; not `WHYTRACE_…`, for those are settings.
const DATABASE: &str = "PROMPT_TEST_DATABASE";

/// Not a test by itself: what each of the processes below does.
#[test]
fn register_in_a_process_of_its_own() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    super::block_on(async {
        let registry = Registry::open(&url.parse().unwrap(), None).await.unwrap();
        for text in ["first {{ a }}", "second {{ a }}"] {
            registry.register("shared", NewVersion::new(text)).await.unwrap();
        }
        registry.close().await;
    });
}

on_every_database! {
    fn ten_processes_that_register_the_same_new_text_at_once_make_one_version(database: Database) {
        let url = database.url.secret();
        let start = |_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "sql::tests::prompts::processes::register_in_a_process_of_its_own"])
                .env(DATABASE, url)
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        };
        let processes: Vec<_> = (0..10).map(start).collect();
        for mut process in processes {
            assert!(process.wait().unwrap().success());
        }
        with_registry(database, async |registry: &Registry| {
            let versions = registry.list_versions("shared").await.unwrap();
            let texts: Vec<_> = versions.iter().map(|version| (version.version, version.template.as_str())).collect();
            assert_eq!(texts.len(), 2, "{texts:?}");
            assert_eq!(texts[0], (1, "first {{ a }}"));
        });
    }
}
