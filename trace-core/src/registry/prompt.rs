//! Prompts declared in the code: a named template, rendered with variables.
//!
//! Comes in: what `prompt!` leaves in a `static`. Goes out: rendered text with the link that ties a model call to its prompt.

use crate::model::PromptLink;
use minijinja::value::Serde;
use minijinja::{Environment, Error as TemplateError, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::Deref;
use std::sync::OnceLock;

/// How many instructions a rendering may take, how deep it may recurse, and how long its text may get.
const FUEL: u64 = 2_000_000;
const RECURSION: usize = 64;
const MAX_TEXT: usize = 16 << 20;

/// What a registry name ends with.
const SUFFIX: &str = "_prompt";

/// How long a registry name may be, in bytes.
const MAX_NAME: usize = 64;

/// A prompt: a named template with an optional system text. Declare it with `prompt!`.
///
/// ```
/// use trace_core::registry::Prompt;
/// static GREETING: Prompt = Prompt::new("greeting", "Hello {{ name }}!", Some("Be kind."), "lib.rs:1");
/// let rendered = GREETING.render(&serde_json::json!({ "name": "Ada" }))?;
/// assert_eq!(&*rendered, "Hello Ada!");
/// assert_eq!(GREETING.registry_name(), "greeting_prompt");
/// # Ok::<(), trace_core::registry::PromptError>(())
/// ```
pub struct Prompt {
    name: &'static str,
    template: &'static str,
    system: Option<&'static str>,
    location: &'static str,
    registry_name: OnceLock<String>,
    hash: OnceLock<String>,
    compiled: OnceLock<Result<Compiled, PromptError>>,
}

/// A template that was parsed.
struct Compiled {
    environment: Environment<'static>,
    variables: Vec<String>,
}

/// The two parts of a prompt, as templates are named in errors.
const TEMPLATE: &str = "template";
const SYSTEM: &str = "system";

impl Prompt {
    /// A prompt; `prompt!` calls this. The location is `file:line`.
    #[must_use]
    pub const fn new(
        name: &'static str,
        template: &'static str,
        system: Option<&'static str>,
        location: &'static str,
    ) -> Self {
        Self {
            name,
            template,
            system,
            location,
            registry_name: OnceLock::new(),
            hash: OnceLock::new(),
            compiled: OnceLock::new(),
        }
    }

    /// The name as the user wrote it, `support_bot`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The name in the registry, `support_bot_prompt`.
    #[must_use]
    pub fn registry_name(&self) -> &str {
        self.registry_name.get_or_init(|| registry_name(self.name))
    }

    /// The template.
    #[must_use]
    pub const fn template(&self) -> &'static str {
        self.template
    }

    /// The system text, itself a template.
    #[must_use]
    pub const fn system(&self) -> Option<&'static str> {
        self.system
    }

    /// Where it is declared, `file:line`.
    #[must_use]
    pub const fn location(&self) -> &'static str {
        self.location
    }

    /// The variables that template and system text use, in the order in which they first appear; none where a template cannot be parsed.
    #[must_use]
    pub fn variables(&self) -> &[String] {
        self.compiled().as_ref().map_or(&[], |compiled| &compiled.variables)
    }

    /// blake3 of system text and template, 64 hex digits. Two prompts with the same text have the same hash, whatever their names.
    #[must_use]
    pub fn template_hash(&self) -> &str {
        self.hash.get_or_init(|| template_hash(self.system, self.template))
    }

    /// What ties a model call to this prompt, as far as the code knows it: the version is the registry's to say.
    #[must_use]
    pub fn link(&self) -> PromptLink {
        PromptLink {
            prompt_name: Some(self.name.to_owned()),
            prompt_version: None,
            prompt_registry_name: Some(self.registry_name().to_owned()),
            prompt_uri: None,
            template_hash: Some(self.template_hash().to_owned()),
        }
    }

    /// Fills in the variables: a struct or a map with a field for each.
    ///
    /// # Errors
    /// When a variable is missing, when the template is malformed or uses what does not exist, and when it takes more than two
    /// million instructions or gives more than 16 MiB of text.
    pub fn render<V: Serialize + ?Sized>(&self, variables: &V) -> Result<RenderedPrompt, PromptError> {
        self.render_value(Value::from(Serde(variables)))
    }

    fn render_value(&self, variables: Value) -> Result<RenderedPrompt, PromptError> {
        let compiled = self.compiled().as_ref().map_err(Clone::clone)?;
        let text = self.render_part(compiled, TEMPLATE, &variables)?;
        let system = self.system.map(|_| self.render_part(compiled, SYSTEM, &variables)).transpose()?;
        Ok(RenderedPrompt { system, text, link: self.link() })
    }

    fn render_part(&self, compiled: &Compiled, part: &'static str, variables: &Value) -> Result<String, PromptError> {
        let mut text = Bounded::default();
        let rendered = compiled
            .environment
            .get_template(part)
            .and_then(|template| template.render_captured_to(variables.clone(), &mut text).map(drop));
        match rendered {
            Ok(()) => Ok(String::from_utf8_lossy(&text.bytes).into_owned()),
            Err(_) if text.is_full => Err(PromptError::TooLong { prompt: self.name, part }),
            Err(error) => Err(self.explain(compiled, part, variables, &error)),
        }
    }

    /// The error of a rendering, with the variables that were not given when that is what was wrong.
    fn explain(&self, compiled: &Compiled, part: &'static str, given: &Value, error: &TemplateError) -> PromptError {
        if error.kind() == ErrorKind::UndefinedError {
            let is_missing = |name: &&String| given.get_attr(name).map_or(true, |value| value.is_undefined());
            let missing: Vec<String> = compiled.variables.iter().filter(is_missing).cloned().collect();
            if !missing.is_empty() {
                let line = error.line().unwrap_or(0);
                return PromptError::Missing { prompt: self.name, part, line, variables: missing };
            }
        }
        self.failed(part, error)
    }

    fn failed(&self, part: &'static str, error: &TemplateError) -> PromptError {
        let reason = match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        };
        PromptError::Template { prompt: self.name, part, line: error.line().unwrap_or(0), reason }
    }

    fn compiled(&self) -> &Result<Compiled, PromptError> {
        self.compiled.get_or_init(|| self.compile())
    }

    fn compile(&self) -> Result<Compiled, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        // What a loop could make grow without limit, instruction by instruction.
        environment.remove_global("namespace");
        let mut variables: Vec<(usize, String)> = Vec::new();
        for (part, source) in self.system.map(|system| (SYSTEM, system)).into_iter().chain([(TEMPLATE, self.template)])
        {
            environment.add_template(part, source).map_err(|error| self.failed(part, &error))?;
            let template = environment.get_template(part).map_err(|error| self.failed(part, &error))?;
            let base = if part == TEMPLATE { self.system.map_or(0, str::len) } else { 0 };
            let used = template.undeclared_variables(false).into_iter();
            variables.extend(
                used.filter(|name| !is_builtin(&environment, name)).map(|name| (base + first_use(source, &name), name)),
            );
        }
        variables.sort();
        let mut names: Vec<String> = Vec::new();
        for (_, name) in variables {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        Ok(Compiled { environment, variables: names })
    }
}

/// Whether a name is one that templates have without being given it, such as `range`.
fn is_builtin(environment: &Environment<'_>, name: &str) -> bool {
    environment.globals().any(|(global, _)| global == name)
}

/// Where a name first stands in a template as a whole word.
fn first_use(source: &str, name: &str) -> usize {
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    source
        .match_indices(name)
        .find(|(at, _)| {
            !is_word(source[..*at].chars().next_back()) && !is_word(source[at + name.len()..].chars().next())
        })
        .map_or(source.len(), |(at, _)| at)
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt").field("name", &self.name).field("location", &self.location).finish_non_exhaustive()
    }
}

/// A prompt as `inventory` collects it.
#[doc(hidden)]
#[derive(Debug)]
pub struct PromptRef(pub &'static Prompt);

inventory::collect!(PromptRef);

/// blake3 of system text and template, 64 hex digits.
#[must_use]
pub fn template_hash(system: Option<&str>, template: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    // The length keeps apart what would be the same text joined, and no system text from an empty one.
    hasher.update(&system.map_or(u64::MAX, |system| system.len() as u64).to_le_bytes());
    hasher.update(system.unwrap_or_default().as_bytes());
    hasher.update(template.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// The name under which a prompt is registered: lower case, `[a-z0-9_]`, ending in `_prompt`.
///
/// ```
/// use trace_core::registry::registry_name;
/// assert_eq!(registry_name("support_bot"), "support_bot_prompt");
/// assert_eq!(registry_name("Support-Bot prompt"), "support_bot_prompt");
/// ```
#[must_use]
pub fn registry_name(name: &str) -> String {
    let clean = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let mut clean: String = name.chars().map(clean).collect();
    if !clean.ends_with(SUFFIX) {
        clean.push_str(SUFFIX);
    }
    clean
}

/// What is wrong with a prompt's name, if anything. A `const fn`, so that `prompt!` can ask while it compiles.
#[must_use]
pub const fn name_fault(name: &str) -> Option<&'static str> {
    let bytes = name.as_bytes();
    if bytes.is_empty() {
        return Some("a prompt's name must not be empty");
    }
    if !bytes[0].is_ascii_alphabetic() {
        return Some("a prompt's name must start with a letter");
    }
    let mut at = 0;
    while at < bytes.len() {
        if !(bytes[at].is_ascii_alphanumeric() || matches!(bytes[at], b'_' | b'-' | b' ' | b'.')) {
            return Some("a prompt's name must consist of the letters a to z, digits and `_`");
        }
        at += 1;
    }
    let suffix = if ends_with_suffix(bytes) { 0 } else { SUFFIX.len() };
    if bytes.len() + suffix > MAX_NAME {
        return Some("a prompt's name must have at most 64 characters, `_prompt` at its end included");
    }
    None
}

const fn ends_with_suffix(name: &[u8]) -> bool {
    let suffix = SUFFIX.as_bytes();
    if name.len() < suffix.len() {
        return false;
    }
    let (_, end) = name.split_at(name.len() - suffix.len());
    let mut at = 0;
    while at < suffix.len() {
        let clean = if end[at].is_ascii_alphanumeric() { end[at].to_ascii_lowercase() } else { b'_' };
        if clean != suffix[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Why a prompt could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PromptError {
    /// Variables that the template uses were not given.
    #[error(
        "prompt `{prompt}`: line {line} of its {part} uses {}, which {} not given: pass a field of that name",
        quoted(variables),
        if variables.len() == 1 { "was" } else { "were" }
    )]
    Missing {
        /// The prompt's name.
        prompt: &'static str,
        /// `template` or `system`.
        part: &'static str,
        /// The line of the part, from 1; 0 if it is not known.
        line: usize,
        /// All variables that the prompt uses and that were not given.
        variables: Vec<String>,
    },
    /// The template is malformed, or something in it failed.
    #[error("prompt `{prompt}`: line {line} of its {part} cannot be rendered: {reason}")]
    Template {
        /// The prompt's name.
        prompt: &'static str,
        /// `template` or `system`.
        part: &'static str,
        /// The line of the part, from 1; 0 if it is not known.
        line: usize,
        /// What the template engine says.
        reason: String,
    },
    /// The text got too long.
    #[error("prompt `{prompt}`: its {part} gives more than {} MiB of text: shorten what is passed to it", MAX_TEXT >> 20)]
    TooLong {
        /// The prompt's name.
        prompt: &'static str,
        /// `template` or `system`.
        part: &'static str,
    },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A prompt with its variables filled in, and the link to the prompt it came from. It reads as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedPrompt {
    /// The system text, if the prompt has one.
    pub system: Option<String>,
    /// The text.
    pub text: String,
    /// The prompt behind it, for `LlmCall::prompt`.
    pub link: PromptLink,
}

impl Deref for RenderedPrompt {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl Display for RenderedPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for RenderedPrompt {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl From<RenderedPrompt> for String {
    fn from(rendered: RenderedPrompt) -> Self {
        rendered.text
    }
}

impl From<RenderedPrompt> for Cow<'_, str> {
    fn from(rendered: RenderedPrompt) -> Self {
        Cow::Owned(rendered.text)
    }
}

/// Text up to [`MAX_TEXT`] bytes.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl std::io::Write for &mut Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.bytes.len() + bytes.len() > MAX_TEXT {
            self.is_full = true;
            return Err(std::io::Error::other("the text is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
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
}
