//! Prompts are rendered within limits, and what is wrong with one is said with its name and line.

use super::*;
use serde_json::json;

static SUPPORT: Prompt = Prompt::new(
    "support_bot",
    "Ticket:\n{{ ticket }}\nfor {{ user.name }}, {{ ticket | upper }}",
    Some("You are {{ tone }}."),
    "here:1",
);

#[test]
fn text_system_and_link_come_together() {
    let rendered = SUPPORT.render(&json!({"ticket": "it <b>", "user": {"name": "Ada"}, "tone": "kind"})).unwrap();
    assert_eq!(rendered.to_string(), "Ticket:\nit <b>\nfor Ada, IT <B>");
    assert_eq!(rendered.system.as_deref(), Some("You are kind."));
    assert_eq!(rendered.link.prompt_registry_name.as_deref(), Some("support_bot_prompt"));
    assert_eq!(rendered.link.template_hash.as_deref(), Some(SUPPORT.template_hash()));
    assert_eq!(rendered.len(), rendered.text.len());
}

#[test]
fn variables_are_listed_in_order_of_appearance() {
    assert_eq!(SUPPORT.variables(), ["tone", "ticket", "user"]);
    static LOOPS: Prompt = Prompt::new("l", "{% for n in range(3) %}{{ n }}{{ b }}{% endfor %}{{ a }}", None, "");
    assert_eq!(LOOPS.variables(), ["b", "a"]);
}

#[test]
fn a_missing_variable_is_named_with_its_line() {
    let error = SUPPORT.render(&json!({"user": {"name": "Ada"}, "tone": "kind"})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "prompt `support_bot`: line 2 of its template uses `ticket`, which was not given: pass a field of that name"
    );
    let error = SUPPORT.render(&json!({"ticket": 1, "user": {}, "tone": "kind"})).unwrap_err();
    assert!(matches!(error, PromptError::Template { line: 3, part: "template", .. }), "{error}");
    assert!(SUPPORT.render(&()).is_err());
}

#[test]
fn a_malformed_template_says_where() {
    static BAD: Prompt = Prompt::new("bad", "one\n{{ two", None, "");
    let error = BAD.render(&()).unwrap_err();
    assert!(matches!(&error, PromptError::Template { line: 2, .. }), "{error}");
    assert!(BAD.variables().is_empty());
}

#[test]
fn a_template_bomb_ends_with_an_error() {
    for (name, template) in [
        (
            "loops",
            "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}",
        ),
        (
            "grows",
            "{% set n = namespace(t='x') %}{% for a in range(60) %}{% set n.t = n.t ~ n.t %}{% endfor %}{{ n.t }}",
        ),
        ("repeats", "{{ 'abcdefgh' * 999999999999 }}"),
        ("repeats twice", "{% for a in range(9999) %}{{ 'x' * 99999 }}{% endfor %}"),
    ] {
        let prompt = Prompt::new(name, template, None, "");
        assert!(prompt.render(&()).is_err(), "{name}");
    }
}

#[test]
fn the_hash_is_of_system_and_template_and_nothing_else() {
    assert_eq!(template_hash(Some("a"), "b"), template_hash(Some("a"), "b"));
    let all = [
        template_hash(Some("a"), "b"),
        template_hash(None, "ab"),
        template_hash(Some(""), "ab"),
        template_hash(Some("ab"), ""),
    ];
    let distinct: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(all[0].len(), 64);
}

#[test]
fn names_are_cleaned_or_refused() {
    assert_eq!(registry_name("rubric_prompt"), "rubric_prompt");
    assert_eq!(registry_name("Rubric.V2"), "rubric_v2_prompt");
    assert_eq!(name_fault("support_bot"), None);
    assert_eq!(name_fault(&"a".repeat(57)), None);
    assert!(name_fault(&"a".repeat(58)).is_some());
    assert_eq!(name_fault(&format!("{}_prompt", "a".repeat(57))), None);
    for bad in ["", "1st", "_x", "a/b", "naïve"] {
        assert!(name_fault(bad).is_some(), "{bad}");
    }
}
