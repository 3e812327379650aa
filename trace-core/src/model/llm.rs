use super::{Money, Object};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Tokens of one LLM call in disjoint buckets: no token is counted in two of the first five.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Input tokens that were neither read from nor written to a cache.
    pub input_tokens: u64,
    /// Input tokens read from a cache.
    pub cached_input_tokens: u64,
    /// Input tokens written to a cache.
    pub cache_write_tokens: u64,
    /// Output tokens without reasoning.
    pub output_tokens: u64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: u64,
    /// The sum of the five above.
    pub total_tokens: u64,
}

impl Usage {
    /// Usage without caching or reasoning.
    #[must_use]
    pub fn new(input: u64, output: u64) -> Self {
        Self { input_tokens: input, output_tokens: output, ..Self::default() }.totalled()
    }

    /// The same with `total_tokens` computed from the parts.
    #[must_use]
    pub fn totalled(mut self) -> Self {
        let usage = self.inclusive();
        self.total_tokens = usage.total_tokens;
        self
    }

    /// The inclusive view: input with everything cached, output with reasoning.
    #[must_use]
    pub fn inclusive(&self) -> TokenUsage {
        let input = self.input_tokens.saturating_add(self.cached_input_tokens).saturating_add(self.cache_write_tokens);
        let output = self.output_tokens.saturating_add(self.reasoning_tokens);
        TokenUsage { input_tokens: input, output_tokens: output, total_tokens: input.saturating_add(output) }
    }
}

/// Tokens of a stage or a run, inclusive: input = input + cached + cache writes, output = output + reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenUsage {
    /// All input tokens.
    pub input_tokens: u64,
    /// All output tokens.
    pub output_tokens: u64,
    /// Their sum.
    pub total_tokens: u64,
}

impl std::ops::AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.total_tokens = self.total_tokens.saturating_add(other.total_tokens);
    }
}

/// Which prompt an LLM call was made with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptLink {
    /// The name as the user wrote it, `support_bot`.
    pub prompt_name: Option<String>,
    /// The version, once the registry knows it.
    pub prompt_version: Option<u32>,
    /// The name in the registry, `support_bot_prompt` or `catalog.schema.support_bot_prompt`.
    pub prompt_registry_name: Option<String>,
    /// `prompts:/<registry name>/<version>`.
    pub prompt_uri: Option<String>,
    /// blake3 of system text and template, 64 hex digits.
    pub template_hash: Option<String>,
}

impl PromptLink {
    /// The link to a prompt under its registry name; with a version also its URI.
    ///
    /// ```
    /// use trace_core::model::PromptLink;
    /// let link = PromptLink::new("support_bot", "support_bot_prompt", Some(2), None);
    /// assert_eq!(link.prompt_uri.as_deref(), Some("prompts:/support_bot_prompt/2"));
    /// ```
    #[must_use]
    pub fn new(name: &str, registry_name: impl Into<String>, version: Option<u32>, hash: Option<String>) -> Self {
        let registry_name = registry_name.into();
        Self {
            prompt_name: Some(name.to_owned()),
            prompt_version: version,
            prompt_uri: version.map(|version| format!("prompts:/{registry_name}/{version}")),
            prompt_registry_name: Some(registry_name),
            template_hash: hash,
        }
    }

    /// Whether the call was made without a declared prompt.
    #[must_use]
    pub fn is_unlinked(&self) -> bool {
        self.prompt_name.is_none()
    }
}

/// What is known of one LLM call. Everything is optional: report what you have, when you have it.
///
/// ```
/// use trace_core::model::{LlmCall, Usage};
/// let call = LlmCall::new().model("gpt-4o-mini").provider("openai").usage(Usage::new(120, 34)).response("Hello!");
/// assert_eq!(call.usage.unwrap().total_tokens, 154);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LlmCall {
    /// The name as the user wrote it, `support_bot`.
    pub prompt_name: Option<String>,
    /// The version, once the registry knows it.
    pub prompt_version: Option<u32>,
    /// The name in the registry.
    pub prompt_registry_name: Option<String>,
    /// `prompts:/<registry name>/<version>`.
    pub prompt_uri: Option<String>,
    /// blake3 of system text and template, 64 hex digits.
    pub template_hash: Option<String>,
    /// The model asked for, or better, the one that answered.
    pub model: Option<String>,
    /// Who serves it: `openai`, `anthropic`, `local`, …
    pub provider: Option<String>,
    /// Temperature and the like, as sent.
    pub parameters: Object,
    /// The exact messages sent: usually `[{"role": …, "content": …}]`.
    pub messages: Value,
    /// The exact response: text, or the provider's JSON.
    pub response: Value,
    /// Tokens, in disjoint buckets.
    pub usage: Option<Usage>,
    /// What it cost; absent when the price is not known.
    pub cost_usd: Option<Money>,
    /// The tries it took, when it took more than one or one failed.
    pub attempts: Vec<Attempt>,
    /// Milliseconds until the first token arrived.
    pub time_to_first_token_ms: Option<f64>,
    /// Whether the answer came from a cache of the pipeline's own.
    pub cached: Option<bool>,
}

/// One try of an LLM call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// 1 for the first try.
    pub number: u32,
    /// How long it took, in milliseconds.
    pub duration_ms: Option<f64>,
    /// What went wrong; `null` for the try that worked.
    pub error: Option<String>,
    /// The status the server answered with, where there is one.
    pub status: Option<u16>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

impl Attempt {
    /// A try that worked.
    #[must_use]
    pub fn ok(number: u32, duration_ms: f64) -> Self {
        Self { number, duration_ms: Some(duration_ms), ..Self::default() }
    }

    /// A try that failed.
    #[must_use]
    pub fn failed(number: u32, duration_ms: f64, error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::ok(number, duration_ms) }
    }
}

impl LlmCall {
    /// Nothing known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The model.
    #[must_use]
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Who serves the model.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// One sampling parameter.
    #[must_use]
    pub fn parameter(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.parameters.insert(name.into(), value.into());
        self
    }

    /// Adds a message as it was sent.
    #[must_use]
    pub fn message(mut self, role: &str, content: impl Into<String>) -> Self {
        let message = serde_json::json!({ "role": role, "content": content.into() });
        match &mut self.messages {
            Value::Array(messages) => messages.push(message),
            other => *other = Value::Array(vec![message]),
        }
        self
    }

    /// The messages as they were sent, replacing what was set before.
    #[must_use]
    pub fn messages(mut self, messages: impl Into<Value>) -> Self {
        self.messages = messages.into();
        self
    }

    /// The response as it arrived.
    #[must_use]
    pub fn response(mut self, response: impl Into<Value>) -> Self {
        self.response = response.into();
        self
    }

    /// Tokens, in disjoint buckets.
    #[must_use]
    pub fn usage(mut self, usage: Usage) -> Self {
        self.usage = Some(usage.totalled());
        self
    }

    /// What the call cost.
    #[must_use]
    pub fn cost(mut self, cost: Money) -> Self {
        self.cost_usd = Some(cost);
        self
    }

    /// Adds a try.
    #[must_use]
    pub fn attempt(mut self, attempt: Attempt) -> Self {
        self.attempts.push(attempt);
        self
    }

    /// Milliseconds until the first token arrived.
    #[must_use]
    pub fn time_to_first_token_ms(mut self, millis: f64) -> Self {
        self.time_to_first_token_ms = Some(millis);
        self
    }

    /// Whether the answer came from a cache of the pipeline's own.
    #[must_use]
    pub fn cached(mut self, cached: bool) -> Self {
        self.cached = Some(cached);
        self
    }

    /// The prompt behind the call.
    #[must_use]
    pub fn prompt(mut self, link: PromptLink) -> Self {
        self.set_prompt(link);
        self
    }

    /// The prompt behind the call.
    #[must_use]
    pub fn prompt_link(&self) -> PromptLink {
        PromptLink {
            prompt_name: self.prompt_name.clone(),
            prompt_version: self.prompt_version,
            prompt_registry_name: self.prompt_registry_name.clone(),
            prompt_uri: self.prompt_uri.clone(),
            template_hash: self.template_hash.clone(),
        }
    }

    fn set_prompt(&mut self, link: PromptLink) {
        let PromptLink { prompt_name, prompt_version, prompt_registry_name, prompt_uri, template_hash } = link;
        self.prompt_name = prompt_name;
        self.prompt_version = prompt_version;
        self.prompt_registry_name = prompt_registry_name;
        self.prompt_uri = prompt_uri;
        self.template_hash = template_hash;
    }

    /// Takes over whatever a later report knows; attempts add up, the rest is replaced where it is set.
    pub fn merge(&mut self, later: Self) {
        if later.prompt_name.is_some() {
            self.set_prompt(later.prompt_link());
        }
        fn take<T>(to: &mut Option<T>, later: Option<T>) {
            if later.is_some() {
                *to = later;
            }
        }
        take(&mut self.model, later.model);
        take(&mut self.provider, later.provider);
        self.parameters.extend(later.parameters);
        if !later.messages.is_null() {
            self.messages = later.messages;
        }
        if !later.response.is_null() {
            self.response = later.response;
        }
        take(&mut self.usage, later.usage);
        take(&mut self.cost_usd, later.cost_usd);
        self.attempts.extend(later.attempts);
        take(&mut self.time_to_first_token_ms, later.time_to_first_token_ms);
        take(&mut self.cached, later.cached);
    }
}
