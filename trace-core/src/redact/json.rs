//! Secrets in JSON values.
//!
//! Comes in: a value of a user's, of any size and depth. Goes out: the same value, its texts and keys redacted, what stands under the
//! name of a secret replaced, its depth bounded; and how large it is.

use super::path::Path;
use super::{REDACTED, Redactor};
use crate::model::Object;
use serde_json::Value;
use std::collections::HashMap;

/// How deep values are kept. A document holds them a few levels down, and readers of JSON stop at 128.
const MAX_DEPTH: usize = 100;

/// Shorter texts under the name of a secret are not looked for elsewhere, in bytes.
const SHORTEST_SECRET: usize = 6;

/// What stands in place of what is deeper.
const TOO_DEEP: &str = "…";

impl Redactor {
    /// Redacts a value; returns about how many bytes it takes as JSON.
    pub(super) fn walk(&self, path: &Path<'_>, value: &mut Value) -> usize {
        self.walk_at(path, value, 0)
    }

    /// The texts that stand under names of secrets, longest first; shorter ones than a password has are too common to look for.
    pub(super) fn named_secrets(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        if self.enabled {
            self.find_named(value, false, 0, &mut found);
        }
        found.sort_unstable_by_key(|text| std::cmp::Reverse(text.len()));
        found
    }

    fn find_named(&self, value: &Value, is_named: bool, depth: usize, found: &mut Vec<String>) {
        match value {
            _ if depth >= MAX_DEPTH => {}
            Value::String(text) if is_named && text.len() >= SHORTEST_SECRET => found.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| self.find_named(item, is_named, depth + 1, found)),
            Value::Object(map) => {
                for (key, item) in map {
                    self.find_named(item, is_named || self.names.is_secret(key), depth + 1, found);
                }
            }
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn walk_at(&self, path: &Path<'_>, value: &mut Value, depth: usize) -> usize {
        match value {
            Value::Null | Value::Bool(_) => 5,
            Value::Number(_) => 8,
            Value::String(text) => {
                self.scrub(path, text);
                text.len() + 2
            }
            Value::Array(_) | Value::Object(_) if depth >= MAX_DEPTH => {
                replace(value, TOO_DEEP);
                TOO_DEEP.len() + 2
            }
            Value::Array(items) => {
                if self.enabled {
                    items.iter_mut().filter_map(Value::as_array_mut).for_each(|item| self.named_pair(item));
                    self.named_pair(items);
                }
                let items = items.iter_mut().enumerate();
                items.map(|(index, item)| self.walk_at(&path.index(index), item, depth + 1) + 1).sum::<usize>() + 2
            }
            Value::Object(map) => self.walk_object(path, map, depth + 1),
        }
    }

    fn walk_object(&self, path: &Path<'_>, map: &mut Object, depth: usize) -> usize {
        if self.enabled {
            self.named_value(map);
        }
        let is_token_of_text = ["logprob", "token_str", "token_id"].iter().any(|sibling| map.contains_key(*sibling));
        let mut bytes = 2;
        for (key, value) in map.iter_mut() {
            if self.enabled && self.names.is_secret(key) && !(is_token_of_text && key == "token") {
                blank(value);
            }
            bytes += key.len() + 4 + self.walk_at(&path.key(key), value, depth);
        }
        self.keys(path, map);
        bytes
    }

    /// Redacts an object of which each member is a value; returns nothing, since each member has a limit of its own.
    pub(super) fn walk_members(&self, path: &Path<'_>, map: &mut Object, each: impl Fn(&Path<'_>, &mut Value)) {
        for (key, value) in map.iter_mut() {
            if self.enabled && self.names.is_secret(key) {
                blank(value);
            }
            each(&path.key(key), value);
        }
        self.keys(path, map);
    }

    /// Redacts and bounds the keys; two that become the same are numbered.
    fn keys(&self, path: &Path<'_>, map: &mut Object) {
        let redacted = |key: &str| {
            let mut clean = key.to_owned();
            self.label(&path.key("key"), &mut clean);
            clean
        };
        if map.keys().all(|key| self.is_plain_key(key) || redacted(key) == *key) {
            return;
        }
        let mut numbering = Numbering::default();
        for (key, value) in std::mem::take(map) {
            let clean = numbering.unique(&redacted(&key), |other| map.contains_key(other));
            map.insert(clean, value);
        }
    }

    /// Whether a key is a short identifier, in which no built-in rule finds anything.
    fn is_plain_key(&self, key: &str) -> bool {
        self.rules.is_empty()
            && self.patterns.is_empty()
            && key.len() < 16
            && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }

    /// `{"name": "Authorization", "value": …}`, as lists of headers are written.
    fn named_value(&self, map: &mut Object) {
        let name = ["name", "key", "header"].iter().find_map(|name| map.get(*name)?.as_str());
        if name.is_some_and(|name| self.names.is_secret(name))
            && let Some(value) = map.get_mut("value")
        {
            blank(value);
        }
    }

    /// `["Authorization", "…"]`, as pairs are written.
    fn named_pair(&self, pair: &mut [Value]) {
        let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte);
        if let [Value::String(name), value @ Value::String(_)] = pair
            && name.bytes().all(is_name_byte)
            && self.names.is_secret(name)
        {
            blank(value);
        }
    }
}

/// Keeps keys apart that became the same: `key`, `key#2`, `key#3`, …
#[derive(Default)]
pub(super) struct Numbering(HashMap<String, u64>);

impl Numbering {
    pub(super) fn unique(&mut self, key: &str, is_taken: impl Fn(&str) -> bool) -> String {
        let mut unique = key.to_owned();
        while is_taken(&unique) {
            let number = self.0.entry(key.to_owned()).or_insert(1);
            *number += 1;
            unique = format!("{key}#{number}");
        }
        unique
    }
}

/// Replaces a secret. That there is none (`null`, an empty text) and a plain yes or no stay.
fn blank(value: &mut Value) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::String(text) if text.is_empty() => {}
        _ => replace(value, REDACTED),
    }
}

/// Puts a text in place of a value, which is taken apart without recursion: dropping a deep one would overflow the stack.
pub(super) fn replace(value: &mut Value, text: &str) {
    let mut rest = vec![std::mem::replace(value, Value::String(text.to_owned()))];
    while let Some(value) = rest.pop() {
        match value {
            Value::Array(items) => rest.extend(items),
            Value::Object(map) => rest.extend(map.into_iter().map(|(_, value)| value)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}
