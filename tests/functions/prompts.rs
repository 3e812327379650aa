//! `prompt!`: typed calls, files, links.

use serde_json::json;
use whytrace::prelude::*;
use whytrace::{Prompt, PromptError};

prompt! {
    /// Greets a customer.
    pub(crate) GREETING = "greeting", template = "Hello {{ name }}, {{ n }} new, {{ name }}!", system = "In {{ language }}.";
    LISTED = "listed_prompt", template = "{% for item in items %}{{ item.title | upper }};{% endfor %}";
    PLAIN = "plain", template = "No variables.";
    FROM_FILE = "from file", file = "tests/functions/greeting.txt";
}

#[test]
fn a_simple_template_has_a_field_for_each_variable() {
    let name = String::from("Ada");
    let rendered = GREETING { name: &name, n: 3, language: "English" }.render().unwrap();
    assert_eq!(rendered.text, "Hello Ada, 3 new, Ada!");
    assert_eq!(rendered.system.as_deref(), Some("In English."));
    assert_eq!(GREETING.variables(), ["language", "name", "n"]);
}

#[test]
fn any_template_is_rendered_from_what_can_be_serialized() {
    let rendered = LISTED.render(&json!({"items": [{"title": "a"}, {"title": "b"}]})).unwrap();
    assert_eq!(&*rendered, "A;B;");
    assert_eq!(LISTED.registry_name(), "listed_prompt");
    assert_eq!(PLAIN.render(&()).unwrap().to_string(), "No variables.");
    let error = LISTED.render(&json!({})).unwrap_err();
    assert!(matches!(&error, PromptError::Missing { variables, .. } if variables == &["items"]), "{error}");
}

#[test]
fn a_template_in_a_file_is_part_of_the_program() {
    assert_eq!(FROM_FILE { customer: "Ada" }.render().unwrap().text, "Dear Ada,");
    assert_eq!(FROM_FILE.registry_name(), "from_file_prompt");
}

#[test]
fn a_prompt_can_be_declared_anywhere() {
    prompt!(INSIDE = "inside", template = "{{ a }}");
    let prompt: &'static Prompt = &INSIDE;
    assert!(prompt.location().contains("prompts.rs"));
    assert_eq!(INSIDE { a: 1.5 }.render().unwrap().text, "1.5");
}
