use super::*;
use std::ffi::OsString;
use std::fs;
use std::path::Path;

fn with(variables: &[(&str, &str)]) -> Surroundings {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), OsString::from(value))).collect();
    Surroundings { variables, ..Surroundings::default() }
}

fn messages(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

/// Loads from a file with this text, and from variables.
fn load_file(text: &str, variables: &[(&str, &str)]) -> (Settings, Vec<String>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE_NAME), text).unwrap();
    let surroundings = Surroundings { current_dir: Some(dir.path().to_owned()), ..with(variables) };
    let (settings, problems) = Settings::load_from(&surroundings);
    let place = format!("{}/", dir.path().display());
    (settings, messages(&problems).iter().map(|message| message.replace(&place, "")).collect(), dir)
}

#[test]
fn nothing_set_is_the_defaults() {
    let (settings, problems) = Settings::load_from(&Surroundings::default());
    assert_eq!(settings, Settings::default());
    assert!(problems.is_empty());
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_code() {
    let mut settings = Settings {
        enabled: false,
        dir: "elsewhere".into(),
        scorecard: ScorecardMode::Off,
        summary: false,
        sample: 0.5,
        projects_off: vec!["x".into()],
        max_wait: None,
        prompts: PromptSettings { enabled: false, catalog: "a.b".parse().ok(), ttl: Duration::from_secs(9) },
        redact: RedactSettings {
            enabled: false,
            content: false,
            field_names: vec!["x".into()],
            patterns: vec!["x".into()],
        },
        gate: GatePolicy { scale: 9.0, gap_below: 9.0, strength_from: 9.0, threshold: 9.0 },
        limits: Limits {
            max_items: 1,
            max_value_bytes: 1,
            side_file_bytes: 1,
            queue: 1,
            payload_bytes: 1,
            open_trace_bytes: 1,
        },
        calibration: CalibrationSettings {
            enabled: false,
            repeated_failures: 1,
            days: 1,
            disparity: 0.0,
            window: 2,
            least_runs: 1,
        },
        ..Settings::default()
    };
    for option in OPTIONS.iter().filter(|option| option.key != "database_url") {
        let value = match option.kind {
            "list" => Value::List(Vec::new()),
            _ => Value::Text(option.default),
        };
        (option.apply)(&mut settings, &Given { value, base: None }).unwrap();
    }
    assert_eq!(settings, Settings::default());
}

#[test]
fn variables_stand_above_the_file_and_the_file_above_the_defaults() {
    let text = "sample = 0.5\nscorecard = \"off\"\nmax_wait_ms = \"unlimited\"\n[limits]\nmax_items = 0x10\n";
    let (settings, problems, _dir) =
        load_file(text, &[("WHYTRACE_SAMPLE", "0.25"), ("WHYTRACE_ENABLED", " No "), ("WHYTRACE_SCORECARD", "")]);
    assert!(problems.is_empty(), "{problems:?}");
    assert_eq!((settings.sample, settings.enabled, settings.summary), (0.25, false, true));
    assert_eq!((settings.scorecard, settings.max_wait, settings.limits.max_items), (ScorecardMode::Off, None, 16));
}

#[test]
fn every_key_can_be_set_in_the_file() {
    let (settings, problems, dir) = load_file(
        r#"
        enabled = false
        dir = "data"
        database_url = "postgres://me:hunter2@h/d"
        scorecard = "verbose"
        summary = false
        sample = 0.75
        projects_off = ["a", "b"]
        max_wait_ms = 5
        prompts = { enabled = false, catalog = "ml.search", ttl_seconds = 5 }
        prices = { file = "prices.toml" }
        redact = { enabled = false, content = false, field_names = ["pin"], patterns = ['[a-z]{2,3}'] }
        gate.scale = 10
        gate.gap_below = 5.5
        gate.strength_from = 9
        gate.threshold = 6
        calibration = { enabled = false, repeated_failures = 4, days = 2, disparity = 0.75, window = 50, least_runs = 3 }
        [limits]
        max_items = 1_000
        max_value_bytes = 2_000
        side_file_bytes = 3_000
        queue = 4_000
        payload_bytes = 5_000
        open_trace_bytes = 6_000
        [otlp]
        endpoint = "http://127.0.0.1:4318"
        profiles = ["mlflow", "genai"]
        protocol = "http/json"
        "#,
        &[],
    );
    assert!(problems.is_empty(), "{problems:?}");
    let Database::Postgres(url) = &settings.database else { panic!("{settings:?}") };
    assert_eq!(url.expose(), "postgres://me:hunter2@h/d");
    assert_eq!(settings.sqlite_path(), None);
    let expected = Settings {
        enabled: false,
        dir: dir.path().join("data"),
        database: settings.database.clone(),
        scorecard: ScorecardMode::Verbose,
        summary: false,
        sample: 0.75,
        projects_off: vec!["a".into(), "b".into()],
        max_wait: Some(Duration::from_millis(5)),
        prompts: PromptSettings {
            enabled: false,
            catalog: Some("ml.search".parse().unwrap()),
            ttl: Duration::from_secs(5),
        },
        prices: Some(dir.path().join("prices.toml")),
        redact: RedactSettings {
            enabled: false,
            content: false,
            field_names: vec!["pin".into()],
            patterns: vec!["[a-z]{2,3}".into()],
        },
        gate: GatePolicy { scale: 10.0, gap_below: 5.5, strength_from: 9.0, threshold: 6.0 },
        calibration: CalibrationSettings {
            enabled: false,
            repeated_failures: 4,
            days: 2,
            disparity: 0.75,
            window: 50,
            least_runs: 3,
        },
        limits: Limits {
            max_items: 1_000,
            max_value_bytes: 2_000,
            side_file_bytes: 3_000,
            queue: 4_000,
            payload_bytes: 5_000,
            open_trace_bytes: 6_000,
        },
        otlp: OtlpSettings {
            endpoint: OtlpEndpoint::Url("http://127.0.0.1:4318".into()),
            profiles: vec!["mlflow".into(), "genai".into()],
            protocol: Some("http/json".into()),
        },
    };
    assert_eq!(settings, expected);
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_bad_variable_is_named_with_what_it_takes_and_the_rest_holds() {
    let (settings, problems) = Settings::load_from(&with(&[
        ("WHYTRACE_DATABASE_URL", "mysql://root:hunter2@h/d"),
        ("WHYTRACE_ENABLED", "maybe"),
        ("WHYTRACE_GAP_BELOW", "NaN"),
        ("WHYTRACE_MAX_ITEMS", "-1"),
        ("WHYTRACE_MAX_WAIT_MS", "soon"),
        ("WHYTRACE_PROJECTS_OFF", "a, b,,"),
        ("WHYTRACE_SAMPLE", "1.5"),
        ("WHYTRACE_SCORECARD", "loud\x1b[2J"),
    ]));
    let expected = [
        "WHYTRACE_DATABASE_URL: the scheme `mysql` is not supported; \
         expected sqlite://PATH, postgres://USER:PASSWORD@HOST/DATABASE or off",
        "WHYTRACE_ENABLED=`maybe`: expected true or false (also 1/0, yes/no, on/off)",
        "WHYTRACE_GAP_BELOW=`NaN`: expected a number of at least 0",
        "WHYTRACE_MAX_ITEMS=`-1`: expected a whole number of at least 1",
        "WHYTRACE_MAX_WAIT_MS=`soon`: expected a whole number of milliseconds, or unlimited",
        "WHYTRACE_SAMPLE=`1.5`: expected a number from 0 to 1",
        "WHYTRACE_SCORECARD=`loud␛[2J`: expected auto, compact, verbose or off",
    ];
    assert_eq!(messages(&problems), expected);
    assert_eq!(settings, Settings { projects_off: vec!["a".into(), "b".into()], ..Settings::default() });
}

#[test]
fn a_bad_key_is_named_with_file_and_line_and_the_rest_holds() {
    let text = "sample = 2\nenabled = [1]\n[limit]\nqueue = 100\n[limits]\nqueu = 100\nqueue = 1.5\n[gate]\nthreshold = 1979-05-27\nscale = 4\n";
    let (settings, problems, _dir) = load_file(text, &[]);
    assert_eq!(problems.len(), 6, "{problems:?}");
    for expected in [
        "whytrace.toml, line 1: sample = `2`: expected a number from 0 to 1",
        "whytrace.toml, line 2: enabled = a list of other things than texts: expected true or false (also 1/0, yes/no, on/off)",
        "whytrace.toml, line 6: unknown key `limits.queu`; did you mean `limits.queue`?",
        "whytrace.toml, line 7: limits.queue = `1.5`: expected a whole number of at least 64",
        "whytrace.toml, line 9: gate.threshold = a date: expected a number of at least 0",
    ] {
        assert!(problems.iter().any(|problem| problem == expected), "{expected}\n{problems:#?}");
    }
    let list = "whytrace.toml, line 3: unknown key `limit`; the keys are enabled, dir, database_url,";
    assert!(problems.iter().any(|problem| problem.starts_with(list)), "{problems:#?}");
    let mut expected = Settings::default();
    expected.gate.scale = 4.0;
    assert_eq!(settings, expected);
}

#[test]
fn what_was_meant_for_redaction_and_cannot_be_read_leaves_contents_out() {
    for (text, variables) in [
        ("", &[("WHYTRACE_CONTENT", "flase")][..]),
        ("", &[("WHYTRACE_REDCAT", "off")]),
        ("[redact]\nfeild_names = [\"pin\"]", &[]),
        ("redact = true", &[]),
        ("this is no toml", &[]),
        ("", &[(CONFIG_VARIABLE, "/nowhere/whytrace.toml")]),
    ] {
        let (settings, problems, _dir) = load_file(text, variables);
        assert!(settings.redact.enabled && !settings.redact.content, "{text} {variables:?}");
        assert!(problems.last().unwrap().contains("contents are not recorded"), "{problems:?}");
    }
    let (_, problems, _dir) = load_file("redact = true", &[]);
    let expected =
        "whytrace.toml, line 1: unknown key `redact`; it is a table with the keys redact.enabled, redact.content,";
    assert!(problems[0].starts_with(expected), "{problems:?}");
    let (settings, _, _dir) = load_file("sample = 7", &[]);
    assert!(settings.redact.content);
}

#[test]
fn a_file_that_is_no_toml_is_named_with_its_line_and_without_its_secrets() {
    for text in [
        "enabled = true\ndatabase_url = \"postgres://me:hunter2@h/d\nsummary = false\n",
        "database_url = postgres://me:hunter2@h/d\n",
        "database_url = \"postgres://me:hunter2@h/d\" x\n",
        "database_url = 'mysql://me:hunter2@h/d'\ndatabase_url = 'hunter2'\n",
        "database_url = ['hunter2']\n",
        "[database_url]\nx = 'hunter2'\n",
    ] {
        let (_, problems, _dir) = load_file(text, &[]);
        assert!(problems[0].starts_with("whytrace.toml, line "), "{problems:?}");
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
}

#[test]
fn the_nearest_file_counts_and_the_search_ends_at_home() {
    let dir = tempfile::tempdir().unwrap();
    let (home, deep) = (dir.path().join("home"), dir.path().join("home/a/b"));
    fs::create_dir_all(&deep).unwrap();
    let write = |folder: &Path, sample: &str| fs::write(folder.join(FILE_NAME), format!("sample = {sample}")).unwrap();
    let load = || {
        let here =
            Surroundings { current_dir: Some(deep.clone()), home: Some(home.clone()), ..Surroundings::default() };
        Settings::load_from(&here).0.sample
    };
    write(dir.path(), "0.1");
    assert_eq!(load(), 1.0);
    write(&home, "0.2");
    assert_eq!(load(), 0.2);
    write(&home.join("a"), "0.3");
    assert_eq!(load(), 0.3);

    let named = dir.path().join(FILE_NAME);
    let mut here = with(&[(CONFIG_VARIABLE, named.to_str().unwrap())]);
    here.current_dir = Some(deep.clone());
    assert_eq!(Settings::load_from(&here).0.sample, 0.1);
}

#[test]
#[cfg(unix)]
fn a_file_in_a_folder_that_all_users_share_is_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_, _, dir) = load_file("sample = 0.5", &[]);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let here = Surroundings { current_dir: Some(dir.path().to_owned()), ..Surroundings::default() };
    let (settings, problems) = Settings::load_from(&here);
    assert_eq!(settings, Settings::default());
    assert!(problems[0].to_string().contains("left alone"), "{problems:?}");
}

#[test]
fn values_that_contradict_each_other_are_told() {
    let (settings, problems) = Settings::load_from(&with(&[("WHYTRACE_SCALE", "1"), ("WHYTRACE_GAP_BELOW", "0.5")]));
    assert_eq!(settings.gate.scale, 1.0);
    let expected = [
        "gate.strength_from is 3 and gate.scale is 1: no score reaches it",
        "gate.threshold is 2 and gate.scale is 1: no score reaches it",
    ];
    assert_eq!(messages(&problems), expected);
}

#[test]
fn a_slip_in_a_variable_is_told_and_a_foreign_one_is_not() {
    let (_, problems) = Settings::load_from(&with(&[("WHYTRACE_ENABELD", "false"), ("WHYTRACE_MY_OWN_THING", "1")]));
    assert_eq!(messages(&problems), ["WHYTRACE_ENABELD is not known; did you mean WHYTRACE_ENABLED?"]);
}

#[test]
fn try_load_gives_settings_or_every_problem() {
    assert_eq!(Settings::try_load_from(&with(&[("WHYTRACE_SAMPLE", "0.5")])).unwrap().sample, 0.5);
    let error = Settings::try_load_from(&with(&[("WHYTRACE_SAMPLE", "x"), ("WHYTRACE_SUMMARY", "y")])).unwrap_err();
    assert_eq!(error.problems().len(), 2);
    assert!(error.to_string().contains("WHYTRACE_SAMPLE") && error.to_string().contains("WHYTRACE_SUMMARY"));
}

#[test]
#[cfg(unix)]
fn a_path_need_not_be_unicode() {
    use std::os::unix::ffi::OsStringExt;
    let bytes = OsString::from_vec(b"/data/\xff".to_vec());
    let mut here = Surroundings::default();
    here.variables.insert("WHYTRACE_DIR".into(), bytes.clone());
    here.variables.insert("WHYTRACE_SAMPLE".into(), bytes.clone());
    let (settings, problems) = Settings::load_from(&here);
    assert_eq!(settings.dir, PathBuf::from(bytes));
    assert_eq!(problems.len(), 1);
}

#[test]
fn the_page_lists_the_settings_of_the_code() {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md")).unwrap();
    let mut table = String::from("| key | variable | type | default | meaning |\n|---|---|---|---|---|\n");
    for option in OPTIONS {
        let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
        let variable = code(option.variable.unwrap_or_default());
        let (key, default) = (code(option.key), code(option.default));
        table += &format!("| {key} | {variable} | {} | {default} | {} |\n", option.kind, option.meaning);
    }
    assert!(page.contains(&table), "docs/configuration.md should hold this table:\n\n{table}");
}
