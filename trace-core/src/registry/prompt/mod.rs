//! Prompts declared in the code: a named template, rendered with variables.
//!
//! Comes in: what `prompt!` leaves in a `static`. Goes out: rendered text with the link that ties a model call to its prompt. Where a
//! registry of prompts is set up ([`PromptSource`]), it says which version is rendered; else the code's own text is.

mod error;
mod name;
mod rendered;
mod source;
mod template;

pub use error::PromptError;
pub use name::{checked_prompt_name, name_fault, registry_name};
pub use rendered::RenderedPrompt;
pub(crate) use source::prompt_source;
pub use source::{Choice, LinkedPrompt, PromptArm, PromptSource, PromptVersionText, set_prompt_source};
pub use template::{Template, template_hash};

use crate::model::PromptLink;
use minijinja::Value;
use minijinja::value::Serde;
use serde::Serialize;
use std::fmt;
use std::sync::OnceLock;

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
    compiled: OnceLock<Result<Template, PromptError>>,
}

/// What is kept in a prompt is set once, whole or not at all.
impl std::panic::RefUnwindSafe for Prompt {}

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
        self.compiled().as_ref().map_or(&[], Template::variables)
    }

    /// blake3 of system text and template, 64 hex digits. Two prompts with the same text have the same hash, whatever their names.
    #[must_use]
    pub fn template_hash(&self) -> &str {
        self.hash.get_or_init(|| template_hash(self.system, self.template))
    }

    /// What ties a model call made now to this prompt: the version that rendering it now would use, where the registry of prompts is
    /// known; else without a version, which the template's hash finds later.
    #[must_use]
    pub fn link(&self) -> PromptLink {
        self.linked().link
    }

    /// The same, with the arm of the running experiment.
    #[must_use]
    pub fn linked(&self) -> LinkedPrompt {
        match prompt_source().and_then(|source| source.choose(self, None)) {
            Some(choice) if !choice.version.is_unfit() => {
                LinkedPrompt { link: choice.version.link().clone(), arm: choice.arm }
            }
            _ => LinkedPrompt { link: self.own_link(), arm: None },
        }
    }

    /// The link of the code's own text; its version only where the registry has exactly this text.
    fn own_link(&self) -> PromptLink {
        let source = prompt_source();
        let registry_name = match &source {
            Some(source) => source.registry_name(self.name),
            None => self.registry_name().to_owned(),
        };
        let version = source.and_then(|source| source.version_of(self.name, self.template_hash()));
        PromptLink::new(self.name, registry_name, version, Some(self.template_hash().to_owned()))
    }

    /// Fills in the variables: a struct or a map with a field for each.
    ///
    /// The text is that of the version which the registry of prompts says: of the running experiment's arm, else of the label
    /// `production`, else of the latest. Where that version cannot be rendered with these variables, the code's own text is, with a warning; and
    /// so it is where the registry is not set up or not known yet.
    ///
    /// # Errors
    /// When a variable is missing, when the template is malformed or uses what does not exist, and when it takes more than two
    /// million instructions or gives more than 16 MiB of text.
    pub fn render<V: Serialize + ?Sized>(&self, variables: &V) -> Result<RenderedPrompt, PromptError> {
        self.render_value(None, &Value::from(Serde(variables)))
    }

    /// The same for whom the key names, a user or a conversation: the arm of a running experiment follows from it, also outside any
    /// trace.
    ///
    /// # Errors
    /// As [`Prompt::render`].
    pub fn render_for<V: Serialize + ?Sized>(&self, key: &str, variables: &V) -> Result<RenderedPrompt, PromptError> {
        self.render_value(Some(key), &Value::from(Serde(variables)))
    }

    /// Fills in variables one by one; what `prompt!` generates calls this.
    ///
    /// # Errors
    /// As [`Prompt::render`].
    #[doc(hidden)]
    pub fn render_pairs(&self, variables: &[(&str, TemplateValue)]) -> Result<RenderedPrompt, PromptError> {
        let variables = variables.iter().map(|(name, value)| (*name, value.0.clone()));
        self.render_value(None, &Value::from_pairs(variables))
    }

    fn render_value(&self, key: Option<&str>, variables: &Value) -> Result<RenderedPrompt, PromptError> {
        let choice = prompt_source().and_then(|source| source.choose(self, key));
        let rendered = match choice {
            Some(choice) => self.render_chosen(choice, variables)?,
            None => self.render_own(variables)?,
        };
        crate::record::prompt_rendered(&rendered);
        Ok(rendered)
    }

    fn render_chosen(&self, choice: Choice, variables: &Value) -> Result<RenderedPrompt, PromptError> {
        let Choice { version, arm } = choice;
        match version.template().render_value(variables) {
            Ok((system, text)) => Ok(RenderedPrompt { system, text, link: version.link().clone(), arm }),
            Err(error) if version.link().template_hash.as_deref() == Some(self.template_hash()) => Err(error),
            Err(error) => {
                let rendered = self.render_own(variables)?;
                source::fell_back(self, &version, &error);
                Ok(rendered)
            }
        }
    }

    fn render_own(&self, variables: &Value) -> Result<RenderedPrompt, PromptError> {
        let (system, text) = self.compiled().as_ref().map_err(Clone::clone)?.render_value(variables)?;
        Ok(RenderedPrompt { system, text, link: self.own_link(), arm: None })
    }

    fn compiled(&self) -> &Result<Template, PromptError> {
        self.compiled.get_or_init(|| Template::new(self.name, self.system, self.template))
    }
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

/// The value of a variable, as the template engine holds it.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct TemplateValue(Value);

/// The value of a variable; what `prompt!` generates calls this.
#[doc(hidden)]
pub fn template_value<V: Serialize + ?Sized>(value: &V) -> TemplateValue {
    TemplateValue(Value::from(Serde(value)))
}

#[cfg(test)]
mod tests;
