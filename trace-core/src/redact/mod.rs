//! The one door that everything recorded passes before it reaches a file, a row, an exporter or a terminal.
//!
//! Comes in: the body of an event as it was recorded. Goes out: the same body without secrets, bounded, and free of what no file or
//! database can hold. What is recognised, by which rule and in which order, is said in `docs/redaction.md`.
//!
//! - `body` takes every event apart, field by field;
//! - `json` walks values, `limit` bounds them, `content` withholds them;
//! - `field_name` knows the names of secrets, `pair` and `value` find named secrets inside text;
//! - `credential` and `url` recognise secrets by their form.
//!
//! The order is: redact, then hash, then cut. A hash is never one of a secret.

mod body;
mod content;
mod credential;
mod field_name;
mod json;
mod limit;
mod pair;
mod path;
mod span;
mod url;
mod value;
mod vocabulary;

#[cfg(test)]
mod tests;

use crate::names::clean_name;
use crate::text;
use field_name::FieldNames;
use path::Path;
use regex::Regex;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

/// What stands in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// What stands in place of a text whose [`Rule`] panicked.
pub const RULE_FAILED: &str = "[redacted: rule failed]";

/// The largest value that is kept whole unless configured otherwise, in bytes: 1 MiB.
pub const MAX_VALUE_BYTES: usize = 1 << 20;

/// What to redact, and how much to keep.
///
/// ```
/// use trace_core::redact::{RedactConfig, Redactor};
/// let config = RedactConfig {
///     field_names: vec!["customer_no".into()],
///     patterns: vec![r"\bACME-\d{6}\b".into()],
///     ..RedactConfig::default()
/// };
/// let mut text = "customer_no=17 wrote about ACME-123456".to_owned();
/// Redactor::new(&config).unwrap().text(&mut text);
/// assert_eq!(text, "customer_no=[redacted] wrote about [redacted]");
/// ```
#[derive(Clone, Debug)]
pub struct RedactConfig {
    /// Whether secrets are redacted. When false, values are still bounded and NULs replaced.
    pub enabled: bool,
    /// Whether texts and values are kept; when false, only their lengths and hashes are.
    pub content: bool,
    /// The largest value that is kept whole, in bytes; a larger one is cut (see [`text::clip`]).
    pub max_value_bytes: usize,
    /// Names of fields whose values are secrets, besides the built-in ones; whole words, in any spelling.
    pub field_names: Vec<String>,
    /// Regular expressions of secrets, besides the built-in forms; with a group named `secret`, only that group is replaced.
    pub patterns: Vec<String>,
    /// Functions that see every text after the rest was redacted.
    pub rules: Vec<Rule>,
    /// Names of fields that are no secrets whatever they look like. What stands under them is still searched.
    pub keep: Vec<String>,
}

impl Default for RedactConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            content: true,
            max_value_bytes: MAX_VALUE_BYTES,
            field_names: Vec::new(),
            patterns: Vec::new(),
            rules: Vec::new(),
            keep: Vec::new(),
        }
    }
}

type RuleFn = dyn Fn(&str, &str) -> Option<String> + Send + Sync;

/// A user's own rule: a function of the path (`inputs.customer.name`, `messages.0.content`, `why`) and the text there.
///
/// `Some` replaces the text (and is redacted in its turn), `None` leaves it. A rule that panics blanks the text ([`RULE_FAILED`]).
///
/// ```
/// use trace_core::redact::Rule;
/// let rule = Rule::new(|path, text| path.ends_with(".email").then(|| format!("<{} characters>", text.len())));
/// ```
#[derive(Clone)]
pub struct Rule(Arc<RuleFn>);

impl Rule {
    /// A rule; it is called on the collector's thread for every text, so it should be quick.
    pub fn new(rule: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule(..)")
    }
}

/// A pattern that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("redaction pattern `{pattern}` is no regular expression that can be used; correct or remove it: {source}")]
pub struct RuleError {
    /// The pattern, as configured.
    pub pattern: String,
    /// What is wrong with it.
    pub source: Box<regex::Error>,
}

/// Redacts what is recorded. Made once from a [`RedactConfig`], shared by all threads.
#[derive(Debug)]
pub struct Redactor {
    enabled: bool,
    content: bool,
    max_value_bytes: usize,
    names: FieldNames,
    patterns: Vec<Regex>,
    rules: Vec<Rule>,
}

impl Default for Redactor {
    /// The built-in rules alone.
    fn default() -> Self {
        Self::without_patterns(&RedactConfig::default())
    }
}

impl Redactor {
    /// Prepares the rules of `config`.
    ///
    /// # Errors
    /// When a pattern is not a regular expression, or one too large to be compiled.
    pub fn new(config: &RedactConfig) -> Result<Self, RuleError> {
        let compile = |pattern: &String| {
            Regex::new(pattern).map_err(|source| RuleError { pattern: pattern.clone(), source: Box::new(source) })
        };
        let patterns = config.patterns.iter().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { patterns, ..Self::without_patterns(config) })
    }

    fn without_patterns(config: &RedactConfig) -> Self {
        let RedactConfig { enabled, content, max_value_bytes, field_names, patterns: _, rules, keep } = config;
        Self {
            enabled: *enabled,
            content: *content,
            max_value_bytes: *max_value_bytes,
            names: FieldNames::new(field_names, keep),
            patterns: Vec::new(),
            rules: rules.clone(),
        }
    }

    /// Redacts a free text, and bounds it; with content off, only its length and hash are left.
    pub fn text(&self, text: &mut String) {
        self.free_text(&Path::Root("text"), text);
    }

    /// Redacts a value of a user's, and bounds it; with content off, only its length and hash are left.
    pub fn value(&self, value: &mut Value) {
        self.user_value(&Path::Root("value"), value);
    }

    /// Redacts a name (of a stage, project, session, component, tag, …), and bounds it (see [`clean_name`]). Names stay when content is off.
    ///
    /// Call it before a name is used for anything else, such as the folder of a project or the name of a file.
    pub fn name(&self, name: &mut String) {
        self.label(&Path::Root("name"), name);
    }

    fn free_text(&self, path: &Path<'_>, text: &mut String) {
        self.scrub(path, text);
        if self.content {
            text::clip(text, self.max_value_bytes);
        } else if text::Withheld::parse(text).is_none() {
            *text = text::withheld(text);
        }
    }

    fn label(&self, path: &Path<'_>, name: &mut String) {
        self.scrub(path, name);
        if let Cow::Owned(clean) = clean_name(name) {
            *name = clean;
        }
    }

    /// Takes the secrets out of a text, and the NULs.
    fn scrub(&self, path: &Path<'_>, text: &mut String) {
        if self.enabled && !text.is_empty() {
            self.scrub_by_form(text);
            if !self.rules.is_empty() && self.apply_rules(path, text) {
                self.scrub_by_form(text);
            }
        }
        text::replace_nul(text);
    }

    fn scrub_by_form(&self, text: &mut String) {
        let mut spans = Vec::new();
        credential::find(text, &mut spans);
        pair::find(text, &self.names, &mut spans);
        for pattern in &self.patterns {
            if pattern.capture_names().flatten().any(|name| name == "secret") {
                spans.extend(pattern.captures_iter(text).filter_map(|found| Some(found.name("secret")?.range())));
            } else {
                spans.extend(pattern.find_iter(text).map(|found| found.range()));
            }
        }
        if !spans.is_empty() {
            *text = span::replace(text, spans);
        }
    }

    /// Lets the user's rules change the text; whether they did.
    fn apply_rules(&self, path: &Path<'_>, text: &mut String) -> bool {
        let path = path.to_string();
        let mut changed = false;
        for Rule(rule) in &self.rules {
            match catch_unwind(AssertUnwindSafe(|| rule(&path, text))) {
                Ok(None) => {}
                Ok(Some(other)) => {
                    *text = other;
                    changed = true;
                }
                Err(_) => {
                    RULE_FAILED.clone_into(text);
                    return false;
                }
            }
        }
        changed
    }
}

/// One line for a log or a terminal out of any text, such as an error that quotes a connection string: redacted by the built-in
/// rules, cut to 4 KiB, and without anything that acts on a terminal.
///
/// ```
/// use trace_core::redact::log_line;
/// assert_eq!(log_line("cannot reach postgres://bob:hunter2@db/x\n"), "cannot reach postgres://bob:[redacted]@db/x\\n");
/// ```
#[must_use]
pub fn log_line(message: &str) -> String {
    static BUILT_IN: LazyLock<Redactor> = LazyLock::new(Redactor::default);
    const MAX: usize = 4096;
    let mut line = message.to_owned();
    BUILT_IN.scrub_by_form(&mut line);
    if line.len() > MAX {
        line.truncate(line.floor_char_boundary(MAX));
        line.push('…');
    }
    text::printable(&line).into_owned()
}
