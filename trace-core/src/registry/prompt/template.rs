//! A text of a prompt, parsed once and rendered within limits.
//!
//! Comes in: system text and template, from the code or from the registry of prompts. Goes out: rendered text, or what is wrong with
//! which line. A template that loops without end or recurses without bottom ends with an error.

use super::PromptError;
use minijinja::{Environment, Error as EngineError, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;
use std::borrow::Cow;

/// How many instructions a rendering may take, how deep it may recurse, and how long its text may get.
const FUEL: u64 = 2_000_000;
const RECURSION: usize = 64;
pub(super) const MAX_TEXT: usize = 16 << 20;

/// The two parts of a prompt, as templates are named in errors.
const TEMPLATE: &str = "template";
const SYSTEM: &str = "system";

/// A template with its system text, parsed.
///
/// ```
/// use trace_core::registry::Template;
/// let template = Template::new("greeting", Some("Be kind."), "Hello {{ name }}!")?;
/// assert_eq!(template.variables(), ["name"]);
/// let (system, text) = template.render(&serde_json::json!({ "name": "Ada" }))?;
/// assert_eq!((system.as_deref(), text.as_str()), (Some("Be kind."), "Hello Ada!"));
/// # Ok::<(), trace_core::registry::PromptError>(())
/// ```
pub struct Template {
    prompt: String,
    has_system: bool,
    environment: Environment<'static>,
    variables: Vec<String>,
}

impl Template {
    /// Parses the texts of a prompt of this name.
    ///
    /// # Errors
    /// [`PromptError::Template`] for the first line that is malformed.
    pub fn new(
        prompt: &str,
        system: Option<impl Into<Cow<'static, str>>>,
        template: impl Into<Cow<'static, str>>,
    ) -> Result<Self, PromptError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION);
        // What a loop could make grow without limit, instruction by instruction.
        environment.remove_global("namespace");
        let system = system.map(Into::into);
        let mut this =
            Self { prompt: prompt.to_owned(), has_system: system.is_some(), environment, variables: Vec::new() };
        for (part, source) in system.map(|system| (SYSTEM, system)).into_iter().chain([(TEMPLATE, template.into())]) {
            this.add(part, source)?;
        }
        Ok(this)
    }

    fn add(&mut self, part: &'static str, source: Cow<'static, str>) -> Result<(), PromptError> {
        self.environment.add_template_owned(part, source).map_err(|error| failed(&self.prompt, part, &error))?;
        let template = self.environment.get_template(part).map_err(|error| failed(&self.prompt, part, &error))?;
        let used = template.undeclared_variables(false).into_iter();
        let mut used: Vec<(usize, String)> = used
            .filter(|name| !is_builtin(&self.environment, name) && !self.variables.contains(name))
            .map(|name| (first_use(template.source(), &name), name))
            .collect();
        used.sort();
        self.variables.extend(used.into_iter().map(|(_, name)| name));
        Ok(())
    }

    /// The variables that system text and template use, in the order in which they first appear.
    #[must_use]
    pub fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Fills in the variables: a struct or a map with a field for each. Gives the system text, if there is one, and the text.
    ///
    /// # Errors
    /// When a variable is missing, something in the template fails, it takes more than two million instructions, or it gives more
    /// than 16 MiB of text.
    pub fn render<V: Serialize + ?Sized>(&self, variables: &V) -> Result<(Option<String>, String), PromptError> {
        self.render_value(&Value::from(minijinja::value::Serde(variables)))
    }

    pub(super) fn render_value(&self, variables: &Value) -> Result<(Option<String>, String), PromptError> {
        let text = self.render_part(TEMPLATE, variables)?;
        let system = self.has_system.then(|| self.render_part(SYSTEM, variables)).transpose()?;
        Ok((system, text))
    }

    fn render_part(&self, part: &'static str, variables: &Value) -> Result<String, PromptError> {
        let mut text = Bounded::default();
        let rendered = self
            .environment
            .get_template(part)
            .and_then(|template| template.render_captured_to(variables.clone(), &mut text).map(drop));
        match rendered {
            Ok(()) => Ok(String::from_utf8_lossy(&text.bytes).into_owned()),
            Err(_) if text.is_full => Err(PromptError::TooLong { prompt: self.prompt.clone(), part }),
            Err(error) => Err(self.explain(part, variables, &error)),
        }
    }

    /// The error of a rendering, with the variables that were not given when that is what was wrong.
    fn explain(&self, part: &'static str, given: &Value, error: &EngineError) -> PromptError {
        if error.kind() == ErrorKind::UndefinedError {
            let is_missing = |name: &&String| given.get_attr(name).map_or(true, |value| value.is_undefined());
            let missing: Vec<String> = self.variables.iter().filter(is_missing).cloned().collect();
            if !missing.is_empty() {
                let line = error.line().unwrap_or(0);
                return PromptError::Missing { prompt: self.prompt.clone(), part, line, variables: missing };
            }
        }
        failed(&self.prompt, part, error)
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template")
            .field("prompt", &self.prompt)
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

fn failed(prompt: &str, part: &'static str, error: &EngineError) -> PromptError {
    let reason = match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    PromptError::Template { prompt: prompt.to_owned(), part, line: error.line().unwrap_or(0), reason }
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
