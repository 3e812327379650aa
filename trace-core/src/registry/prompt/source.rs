//! Where versions of prompts come from: the hook that ties declared prompts to a registry of prompts.
//!
//! Comes in: a [`PromptSource`], set by whoever sets tracing up. Goes out: which version a rendering uses and what a call is linked to.
//! Without a source every prompt is what the code says, and asking costs one atomic load.

use super::{Prompt, PromptError, Template};
use crate::context::Ctx;
use crate::diagnostics::say;
use crate::event::PromptExecution;
use crate::model::{Object, PromptLink};
use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Knows the versions of prompts. Every answer comes from memory: it is given while the traced program waits.
pub trait PromptSource: Send + Sync + 'static {
    /// The name under which a prompt is registered, with its catalog where there is one.
    fn registry_name(&self, name: &str) -> String;

    /// The version to render: the experiment's arm, else the label `production`, else the latest. `None` where the code's own
    /// text is to be used, because the registry does not know the prompt, or not yet. The key makes an experiment's choice sticky; without one
    /// the session or user of the current trace does.
    fn choose(&self, prompt: &Prompt, key: Option<&str>) -> Option<Choice>;

    /// What a call made now with the prompt of this name is linked to, by the same rules; `None` where the prompt is not known.
    fn linked(&self, name: &str) -> Option<LinkedPrompt>;

    /// The version of the prompt of this name that has exactly this text.
    fn version_of(&self, name: &str, template_hash: &str) -> Option<u32>;

    /// Whether the last contact with the registry's database worked.
    fn is_reachable(&self) -> bool;

    /// Keeps an execution that belongs to no trace. Never waits.
    fn log(&self, execution: PromptExecution);
}

/// A version of a prompt as it is rendered, and what a call made with it is linked to.
#[derive(Debug)]
pub struct PromptVersionText {
    template: Template,
    link: PromptLink,
    /// It needs what this program does not pass.
    unfit: AtomicBool,
}

impl PromptVersionText {
    /// A version of a prompt.
    #[must_use]
    pub fn new(template: Template, link: PromptLink) -> Self {
        Self { template, link, unfit: AtomicBool::new(false) }
    }

    /// The parsed text.
    #[must_use]
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// What a call made with it is linked to.
    #[must_use]
    pub fn link(&self) -> &PromptLink {
        &self.link
    }

    /// Whether a rendering with what the code passes has failed in this process, so that the code's own text is used.
    #[must_use]
    pub fn is_unfit(&self) -> bool {
        self.unfit.load(Ordering::Relaxed)
    }
}

/// The version chosen for a rendering.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The version.
    pub version: Arc<PromptVersionText>,
    /// The arm of the running experiment that it is.
    pub arm: Option<PromptArm>,
}

/// An arm of an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PromptArm {
    /// The experiment's id.
    pub experiment: String,
    /// The arm's name: `A`, `B`, …
    pub group: String,
}

impl PromptArm {
    /// The attribute of an observation that holds the experiment's id.
    pub const EXPERIMENT: &'static str = "prompt_experiment";
    /// The attribute of an observation that holds the arm's name.
    pub const GROUP: &'static str = "prompt_arm";

    /// The arm as attributes of an observation.
    #[must_use]
    pub fn attributes(&self) -> Object {
        [(Self::EXPERIMENT, &self.experiment), (Self::GROUP, &self.group)]
            .map(|(key, value)| (key.to_owned(), value.as_str().into()))
            .into_iter()
            .collect()
    }
}

/// What a model call is linked to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkedPrompt {
    /// The prompt and its version.
    pub link: PromptLink,
    /// The arm of the running experiment that chose the version.
    pub arm: Option<PromptArm>,
}

static SOURCE: RwLock<Option<Arc<dyn PromptSource>>> = RwLock::new(None);
static IS_SET: AtomicBool = AtomicBool::new(false);

/// Sets or takes away where versions of prompts come from.
pub fn set_prompt_source(source: Option<Arc<dyn PromptSource>>) {
    let mut current = SOURCE.write().unwrap_or_else(PoisonError::into_inner);
    IS_SET.store(source.is_some(), Ordering::Release);
    *current = source;
}

/// Where versions of prompts come from.
#[inline]
pub(crate) fn prompt_source() -> Option<Arc<dyn PromptSource>> {
    if IS_SET.load(Ordering::Acquire) { SOURCE.read().unwrap_or_else(PoisonError::into_inner).clone() } else { None }
}

/// How many traces are remembered in which a fallback was noted.
const REMEMBERED: usize = 64;

/// What was said of versions that could not be rendered.
#[derive(Default)]
struct Said {
    versions: HashSet<Option<String>>,
    traces: VecDeque<(Option<String>, Option<String>)>,
}

/// A version could not be rendered and the code's own text was: said once per process on stderr, and once in each trace.
#[cold]
pub(super) fn fell_back(prompt: &Prompt, version: &PromptVersionText, error: &PromptError) {
    static SAID: Mutex<Option<Said>> = Mutex::new(None);
    version.unfit.store(true, Ordering::Relaxed);
    let uri = version.link.prompt_uri.clone();
    let trace = Ctx::current().trace_id().map(str::to_owned);
    let (first, first_in_trace) = {
        let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        let said = said.get_or_insert_default();
        let place = (uri.clone(), trace);
        let first_in_trace = !said.traces.contains(&place);
        if first_in_trace {
            said.traces.push_back(place);
            if said.traces.len() > REMEMBERED {
                said.traces.pop_front();
            }
        }
        (said.versions.insert(uri.clone()), first_in_trace)
    };
    let message = format!(
        "{} cannot be rendered with what the code passes, so its own text is used ({}): {error}",
        uri.unwrap_or_default(),
        prompt.location(),
    );
    if first {
        say(&message);
    }
    if first_in_trace {
        crate::record::facts::warning(message);
    }
}
