//! A model call that the program logs itself, where nothing observes it.

use crate::model::{LlmCall, Money, Object, PromptLink, Usage};
use crate::record::capture;
use crate::registry::{PromptArm, RenderedPrompt};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One use of a prompt, as the program reports it: for model calls that no `#[observable(kind = llm)]` observes. An observed call logs itself.
///
/// ```
/// use trace_core::event::PromptExecution;
/// let id = PromptExecution::new("support_bot", true, 812.5)
///     .input_tokens(420)
///     .output_tokens(96)
///     .cost("0.0031".parse()?)
///     .metadata(serde_json::json!({ "ticket": 17 }))
///     .log();
/// assert_eq!(id, None, "there is no registry of prompts in this example");
/// # Ok::<(), trace_core::model::MoneyError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[must_use = "an execution is recorded by `.log()`"]
pub struct PromptExecution {
    /// Its id; filled in.
    pub id: String,
    /// The innermost stage or observation; filled in.
    pub span_id: Option<String>,
    /// Prompt, model, tokens, cost.
    pub llm: Box<LlmCall>,
    /// Whether the call did what it should.
    pub success: bool,
    /// How long it took, in milliseconds.
    pub response_time_ms: f64,
    /// Input tokens, those from caches included; unknown is not 0.
    pub input_tokens: Option<u64>,
    /// Output tokens, those of reasoning included; unknown is not 0.
    pub output_tokens: Option<u64>,
    /// What went wrong.
    pub error: Option<String>,
    /// Whatever else the program wants to keep: an object, usually.
    pub metadata: Value,
    /// The arm of the running experiment; filled in.
    pub arm: Object,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

impl PromptExecution {
    /// A call made with the prompt of this name, which took so many milliseconds.
    pub fn new(prompt: impl Into<String>, success: bool, response_time_ms: f64) -> Self {
        let link = PromptLink { prompt_name: Some(prompt.into()), ..PromptLink::default() };
        let llm = Box::new(LlmCall::new().prompt(link));
        Self { llm, success, response_time_ms, ..Self::default() }
    }

    /// The link of the rendered prompt, which names the version exactly. Without it, the version is the one that rendering now would use.
    pub fn prompt(mut self, link: PromptLink) -> Self {
        *self.llm = std::mem::take(&mut *self.llm).prompt(link);
        self
    }

    /// The rendered prompt: its version, and the arm of the experiment that chose it.
    pub fn rendered(mut self, rendered: &RenderedPrompt) -> Self {
        self.arm = rendered.arm.as_ref().map(PromptArm::attributes).unwrap_or_default();
        self.prompt(rendered.link.clone())
    }

    /// Input tokens, those from caches included.
    pub fn input_tokens(mut self, tokens: u64) -> Self {
        self.input_tokens = Some(tokens);
        self.count()
    }

    /// Output tokens, those of reasoning included.
    pub fn output_tokens(mut self, tokens: u64) -> Self {
        self.output_tokens = Some(tokens);
        self.count()
    }

    /// Tokens in disjoint buckets, as a provider reports them.
    pub fn usage(mut self, usage: Usage) -> Self {
        let tokens = usage.inclusive();
        (self.input_tokens, self.output_tokens) = (Some(tokens.input_tokens), Some(tokens.output_tokens));
        *self.llm = std::mem::take(&mut *self.llm).usage(usage);
        self
    }

    /// What it cost.
    pub fn cost(mut self, cost: Money) -> Self {
        self.llm.cost_usd = Some(cost);
        self
    }

    /// The model that answered.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.llm.model = Some(model.into());
        self
    }

    /// Who serves the model.
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.llm.provider = Some(provider.into());
        self
    }

    /// What went wrong. The database keeps its first 1,000 characters.
    pub fn error(mut self, error: impl Into<String>) -> Self {
        self.error = Some(error.into());
        self
    }

    /// Whatever else is to be kept with it: anything that can be serialized.
    pub fn metadata(mut self, metadata: impl Serialize) -> Self {
        self.metadata = capture::to_value(&metadata);
        self
    }

    /// Records it. Never fails and never waits: inside a trace it becomes part of it, outside it goes to the database by itself.
    ///
    /// Gives its id; `None` where the registry of prompts does not know the prompt, its database could not be reached lately, or there is
    /// no registry. What was logged is kept all the same: in the event stream, and for the database in the outbox.
    #[allow(clippy::must_use_candidate)] // most callers log and go on
    pub fn log(self) -> Option<String> {
        crate::record::log_execution(self)
    }

    fn count(mut self) -> Self {
        let usage = Usage::new(self.input_tokens.unwrap_or(0), self.output_tokens.unwrap_or(0));
        self.llm.usage = Some(usage);
        self
    }
}
