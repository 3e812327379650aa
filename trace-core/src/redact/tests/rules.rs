//! Rules, patterns and names of the user's.

use super::super::{RULE_FAILED, RedactConfig, Redactor, Rule, log_line};
use super::with;
use crate::event::{Body, StageStart};
use serde_json::json;

#[test]
fn a_rule_sees_path_and_redacted_text_and_its_answer_is_redacted_too() {
    let redactor = with(|config| {
        config.rules = vec![Rule::new(|path, text| {
            assert!(!text.contains("hunter2"));
            (path == "inputs.customer.names.1").then(|| format!("<{}> password=swordfish", text.len()))
        })];
    });
    let inputs = json!({ "customer": { "names": ["password=hunter2", "Bob"] } });
    let mut body = Body::StageStart(StageStart { inputs, ..StageStart::default() });
    redactor.body(&mut body);
    let Body::StageStart(StageStart { inputs, .. }) = body else { panic!() };
    assert_eq!(inputs, json!({ "customer": { "names": ["password=[redacted]", "<3> password=[redacted]"] } }));
}

#[test]
fn a_rule_that_panics_blanks_the_text() {
    let redactor = with(|config| {
        config.rules = vec![
            Rule::new(|_, text| (!text.contains("safe")).then(|| panic!("no such customer"))),
            Rule::new(|_, _| None),
        ];
    });
    let mut value = json!(["safe", "customer 17"]);
    redactor.value(&mut value);
    assert_eq!(value, json!(["safe", RULE_FAILED]));
}

#[test]
fn patterns_replace_the_match_or_the_group_named_secret() {
    let redactor =
        with(|config| config.patterns = vec![r"(?i)\bacme-\d+".into(), r"card (?<secret>\d{4})".into(), "x*".into()]);
    let mut text = "ACME-17 paid with card 1234".to_owned();
    redactor.text(&mut text);
    assert_eq!(text, "[redacted] paid with card [redacted]");
}

#[test]
fn a_bad_pattern_is_named() {
    let config = RedactConfig { patterns: vec!["fine".into(), "(open".into()], ..RedactConfig::default() };
    let error = Redactor::new(&config).unwrap_err();
    assert_eq!(error.pattern, "(open");
    assert!(error.to_string().contains("`(open`"), "{error}");
}

#[test]
fn names_can_be_added_and_kept() {
    let redactor = with(|config| {
        config.field_names = vec!["customerNo".into()];
        config.keep = vec!["secret".into()];
    });
    let mut value = json!({ "customer_no": 17, "secret": "of success", "text": "his customer-no: x17, secret=of" });
    redactor.value(&mut value);
    assert_eq!(
        value,
        json!({ "customer_no": "[redacted]", "secret": "of success", "text": "his customer-no: [redacted], secret=of" })
    );
}

#[test]
fn switched_off_it_still_bounds_but_keeps_secrets() {
    let mut text = "password=hunter2".to_owned();
    with(|config| config.enabled = false).text(&mut text);
    assert_eq!(text, "password=hunter2");
}

#[test]
fn lines_for_logs_are_clean_short_and_inert() {
    assert_eq!(log_line("postgres://u:hunter2@h\u{1b}[2J"), "postgres://u:[redacted]@h\\u{1b}[2J");
    assert!(log_line(&"é".repeat(10_000)).len() < 5000);
}

#[test]
fn what_a_template_was_given_as_a_secret_is_not_in_what_it_gave() {
    let mut body = Body::TemplateRender(crate::event::TemplateRender {
        variables: serde_json::json!({ "user": "admin", "login": { "password": "hV9sLq4n", "pin_code": 7 } }),
        output: Some("connect admin hV9sLq4n".to_owned()),
        ..crate::event::TemplateRender::default()
    });
    Redactor::default().body(&mut body);
    let Body::TemplateRender(render) = body else { panic!() };
    assert_eq!(render.output.as_deref(), Some("connect admin [redacted]"));
}
