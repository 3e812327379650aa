//! Input that is made to break things: deep, large, cut amid characters, or built so that naive scans take for ever.

use super::super::limit;
use super::{Dice, redacted, redacted_value, with};
use crate::text::{Clipped, hash};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[test]
fn deep_values_are_cut_without_recursion() {
    let mut value = json!("ghp_0123456789abcdefghijklmnopqrstuvwxyz");
    for level in 0..200_000 {
        value = if level % 2 == 0 {
            Value::Array(vec![value])
        } else {
            json!({ "a": 0 })
                .as_object_mut()
                .map(|map| {
                    map.insert("a".into(), value);
                    Value::Object(std::mem::take(map))
                })
                .unwrap()
        };
    }
    let json = redacted_value(value).to_string();
    assert!(json.contains("…") && json.len() < 1000, "{json}");
    assert!(serde_json::from_str::<Value>(&format!("[[[[[[[[[[{json}]]]]]]]]]]")).is_ok());

    let mut under_a_secret = json!([]);
    for _ in 0..200_000 {
        under_a_secret = Value::Array(vec![under_a_secret]);
    }
    let mut map = serde_json::Map::new();
    map.insert("password".into(), under_a_secret);
    assert_eq!(redacted_value(Value::Object(map)), json!({ "password": "[redacted]" }));
}

#[test]
fn large_texts_are_redacted_then_hashed_then_cut() {
    let mut text = format!("{}password=hunter2 {}", "é ".repeat(100), "x".repeat(1000));
    let whole = text.replace("hunter2", "[redacted]");
    with(|config| config.max_value_bytes = 100).text(&mut text);
    let clipped = Clipped::parse(&text).unwrap();
    assert_eq!((clipped.bytes, clipped.hash), (whole.len() as u64, hash(&whole).as_str()));
    assert!(clipped.head.len() <= 100 && whole.starts_with(clipped.head));
}

#[test]
fn a_cut_never_leaves_half_of_a_secret() {
    let key = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    for max in 0..60 {
        let mut text = format!("a key: {key} and more");
        with(|config| config.max_value_bytes = max).text(&mut text);
        assert!(!text.contains("ghp_"), "{text}");
    }
}

#[test]
fn members_have_a_limit_each() {
    let mut value = json!({ "a": "x".repeat(2000), "b": "y" });
    let redactor = with(|config| config.max_value_bytes = 1000);
    redactor.content("inputs", &mut value);
    assert_eq!(Clipped::parse(value["a"].as_str().unwrap()).unwrap().head.len(), 1000);
    assert_eq!(value["b"], "y");
    let before = value.clone();
    limit::fit(&mut value, 10, 10);
    assert_eq!(value, before);
}

#[test]
fn nul_becomes_visible_everywhere() {
    assert_eq!(redacted_value(json!({ "a\0": ["\0b"] })), json!({ "a␀": ["␀b"] }));
    let mut off = "a\0".to_owned();
    with(|config| config.enabled = false).text(&mut off);
    assert_eq!(off, "a␀");
}

/// Of each a text in which a scan that starts anew at every hit would take minutes to hours.
#[test]
fn time_is_linear_in_the_text() {
    let size = 1 << 18;
    for unit in [
        "x",
        "é",
        "sk-",
        "sk-a ",
        "ghp_",
        "eyJ",
        "eyJ-",
        "eyJabcdefghij.",
        "://",
        "a://b:",
        "a://b:c ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "password=",
        "password: ",
        "password:\n",
        "token=",
        "token=(",
        "token:\"",
        "token:'a b",
        "secret:{",
        "\"password\":\"",
        "\\\"password\\\":\\\"",
        "secret:\\",
        "Bearer ",
        "Bearer a",
        "basic ",
        "--token ",
        "--password '",
        "-u ",
        " -u \"",
        "sig=",
        "?sig=",
        "(\"token\",\"",
        "(\"token\",,",
        "AIza",
        "xAIza",
        "8Q~",
        "JQQJ99",
        "%5B",
        "[",
        "'",
        "\\",
        "::",
        "===",
        "key key ",
        "API key ",
        "<token>",
        "password:{\"",
        "password:[redacted] ",
        "password: |\n",
        "secret,",
        "a=b&",
        "\0",
        "SK",
        "AKIA",
    ] {
        let text = unit.repeat(size / unit.len());
        let start = Instant::now();
        let _ = redacted(&text);
        // Debug builds on a busy machine take a fraction of a second.
        assert!(start.elapsed() < Duration::from_secs(10), "{unit:?} took {:?}", start.elapsed());
    }
}

#[test]
fn ten_megabytes_of_prose_take_a_moment() {
    let text = include_str!("../../../../docs/architecture.md").repeat(1700);
    let start = Instant::now();
    assert!(Clipped::parse(&redacted(&text)).is_some_and(|clipped| clipped.bytes == text.len() as u64));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn any_text_is_taken_without_a_panic() {
    let mut dice = Dice(99);
    let parts = [
        "password",
        "token",
        "key",
        "api",
        "=",
        ":",
        ">",
        "<",
        "\"",
        "'",
        "`",
        "\\",
        "\\\\",
        "\n",
        "\r",
        " ",
        "\t",
        "é",
        "🦀",
        "\0",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "://",
        "@",
        "/",
        "?",
        "&",
        ";",
        ",",
        "--",
        "|",
        "*",
        "%5",
        "%5B",
        "sk-",
        "eyJ",
        ".",
        "Bearer ",
        "Basic ",
        "-----BEGIN ",
        "-----END ",
        "PRIVATE KEY-----",
        " -u ",
        "sig=",
        "8Q~",
        "[redacted]",
        "u0026",
        "x26",
        "n",
        "secret",
        "a",
        "0",
    ];
    for _ in 0..30_000 {
        let text: String = (0..dice.roll(24)).map(|_| dice.pick(&parts)).collect();
        let once = redacted(&text);
        assert!(once.is_char_boundary(once.len()));
    }
}
