//! Reads what providers answer: tokens, model and finish reason, from the JSON of their responses.
//!
//! Comes in: a response as it arrived, or its usage object alone. Goes out: [`Usage`] in disjoint buckets. Providers count differently:
//! for one, input includes what was cached, for another it does not; here every token is in one bucket, so the parts sum to the
//! total. A missing or odd field counts as absent; nothing fails.
//!
//! Sources of the formats: OpenAI's `CompletionUsage` and `ResponseUsage`, Anthropic's `Usage`, Gemini's `UsageMetadata`, as their API
//! references document them.

use super::Usage;
use serde_json::Value;

/// What a response says of itself beside its text.
///
/// ```
/// use trace_core::model::{ModelResponse, Usage};
/// let response = serde_json::json!({
///     "model": "gpt-4o-mini-2024-07-18",
///     "choices": [{ "message": { "content": "Hello!" }, "finish_reason": "stop" }],
///     "usage": { "prompt_tokens": 120, "completion_tokens": 34, "total_tokens": 154 },
/// });
/// let response = ModelResponse::read(&response);
/// assert_eq!(response.model, Some("gpt-4o-mini-2024-07-18"));
/// assert_eq!(response.finish_reason, Some("stop"));
/// assert_eq!(response.usage, Some(Usage::new(120, 34)));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelResponse<'a> {
    /// The model that answered, usually a dated snapshot of the one asked for.
    pub model: Option<&'a str>,
    /// Why it stopped, in the provider's word: `stop`, `end_turn`, `MAX_TOKENS`, …
    pub finish_reason: Option<&'a str>,
    /// The tokens used.
    pub usage: Option<Usage>,
}

impl<'a> ModelResponse<'a> {
    /// Reads a response of OpenAI's, Anthropic's or Gemini's shape, whichever it has.
    #[must_use]
    pub fn read(response: &'a Value) -> Self {
        let text = |pointers: &[&str]| pointers.iter().find_map(|pointer| response.pointer(pointer)?.as_str());
        Self {
            model: text(&["/model", "/message/model", "/modelVersion", "/model_version", "/response/model"]),
            finish_reason: text(&[
                "/choices/0/finish_reason",
                "/stop_reason",
                "/delta/stop_reason",
                "/candidates/0/finishReason",
                "/candidates/0/finish_reason",
                "/incomplete_details/reason",
                "/status",
            ]),
            usage: Usage::from_response(response),
        }
    }
}

impl Usage {
    /// The tokens of a response of OpenAI's, Anthropic's or Gemini's shape, whichever it has; `None` where it names none.
    ///
    /// ```
    /// # use trace_core::model::Usage;
    /// let response = serde_json::json!({ "usage": { "input_tokens": 10, "cache_read_input_tokens": 90, "output_tokens": 5 } });
    /// assert_eq!(Usage::from_response(&response).unwrap().total_tokens, 105);
    /// ```
    #[must_use]
    pub fn from_response(response: &Value) -> Option<Self> {
        Self::from_gemini(response).or_else(|| {
            let usage = usage_of(response)?;
            // OpenAI's objects have a total, or details of the input; Anthropic's have neither.
            let of_openai = ["prompt_tokens", "total_tokens", "input_tokens_details", "completion_tokens"];
            let is_openai = of_openai.iter().any(|field| usage.get(field).is_some());
            if is_openai { Self::from_openai(usage) } else { Self::from_anthropic(usage) }
        })
    }

    /// The tokens of a response of OpenAI's shape: chat completions, responses, embeddings, and the many servers that
    /// speak the same (Mistral, DeepSeek, xAI, Groq, vLLM, …). Also takes the `usage` object alone.
    ///
    /// `prompt_tokens` (`input_tokens`) includes what was cached, `completion_tokens` (`output_tokens`) includes reasoning; where the total
    /// shows that a server counts reasoning beside it, as xAI does, it is taken so.
    #[must_use]
    pub fn from_openai(response: &Value) -> Option<Self> {
        let usage = usage_of(response)?;
        let input = count(usage, &["prompt_tokens", "input_tokens"]);
        let output = count(usage, &["completion_tokens", "output_tokens"]);
        if input.is_none() && output.is_none() {
            return None;
        }
        let details =
            |names: [&str; 2], field| names.iter().find_map(|name| count(usage.get(name)?, &[field])).unwrap_or(0);
        let (input, output) = (input.unwrap_or(0), output.unwrap_or(0));
        let of_input = ["prompt_tokens_details", "input_tokens_details"];
        let cached = match details(of_input, "cached_tokens") {
            // DeepSeek and Moonshot say it beside the counts.
            0 => count(usage, &["prompt_cache_hit_tokens", "cached_tokens"]).unwrap_or(0),
            cached => cached,
        };
        let cached = cached.min(input);
        let written = details(of_input, "cache_write_tokens").min(input - cached);
        let reasoning = details(["completion_tokens_details", "output_tokens_details"], "reasoning_tokens");
        let total = count(usage, &["total_tokens"]);
        let is_beside = reasoning > 0 && total == Some(input.saturating_add(output).saturating_add(reasoning));
        let answer = if is_beside { output } else { output.saturating_sub(reasoning) };
        let reasoning = if is_beside { reasoning } else { reasoning.min(output) };
        Some(Self::of_parts([input - cached - written, cached, written, answer, reasoning]))
    }

    /// The tokens of a response of Anthropic's shape, or of the `message_start` of its stream. Also takes the `usage` object alone.
    ///
    /// `input_tokens` leaves out what was read from and written to the cache; `output_tokens` includes thinking.
    #[must_use]
    pub fn from_anthropic(response: &Value) -> Option<Self> {
        let usage = usage_of(response)?;
        let input = count(usage, &["input_tokens"]);
        let output = count(usage, &["output_tokens"]);
        if input.is_none() && output.is_none() {
            return None;
        }
        let by_lifetime = || {
            let created = usage.get("cache_creation")?;
            let lifetimes = ["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"];
            lifetimes.iter().filter_map(|name| count(created, &[name])).reduce(u64::saturating_add)
        };
        let written = count(usage, &["cache_creation_input_tokens"]).or_else(by_lifetime).unwrap_or(0);
        let cached = count(usage, &["cache_read_input_tokens"]).unwrap_or(0);
        let output = output.unwrap_or(0);
        let thinking = usage.get("output_tokens_details").and_then(|details| count(details, &["thinking_tokens"]));
        let thinking = thinking.unwrap_or(0).min(output);
        Some(Self::of_parts([input.unwrap_or(0), cached, written, output - thinking, thinking]))
    }

    /// The tokens of a response of Gemini's shape, in camel or snake case. Also takes the `usageMetadata` object alone.
    ///
    /// `promptTokenCount` includes what was cached but not the results of tools; `candidatesTokenCount` leaves out thoughts.
    #[must_use]
    pub fn from_gemini(response: &Value) -> Option<Self> {
        let usage = ["usageMetadata", "usage_metadata"].iter().find_map(|name| response.get(name)).unwrap_or(response);
        let prompt = count(usage, &["promptTokenCount", "prompt_token_count"]);
        let answer = count(usage, &["candidatesTokenCount", "candidates_token_count"]);
        if prompt.is_none() && answer.is_none() {
            return None;
        }
        let prompt = prompt.unwrap_or(0);
        let tools = count(usage, &["toolUsePromptTokenCount", "tool_use_prompt_token_count"]).unwrap_or(0);
        let cached = count(usage, &["cachedContentTokenCount", "cached_content_token_count"]).unwrap_or(0).min(prompt);
        let thoughts = count(usage, &["thoughtsTokenCount", "thoughts_token_count"]).unwrap_or(0);
        Some(Self::of_parts([(prompt - cached).saturating_add(tools), cached, 0, answer.unwrap_or(0), thoughts]))
    }

    /// Input, cached input, cache writes, output, reasoning.
    fn of_parts(
        [input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens]: [u64; 5],
    ) -> Self {
        let parts = Self {
            input_tokens,
            cached_input_tokens,
            cache_write_tokens,
            output_tokens,
            reasoning_tokens,
            total_tokens: 0,
        };
        parts.totalled()
    }
}

/// The usage object of a response, or of an event of its stream; what is none is taken to be the usage object itself.
fn usage_of(response: &Value) -> Option<&Value> {
    let inside = ["/usage", "/message/usage", "/response/usage"];
    let found = inside.iter().find_map(|pointer| response.pointer(pointer));
    found.or(Some(response)).filter(|usage| usage.is_object())
}

/// The first of these fields that holds a count. Some servers write counts as floats.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn count(usage: &Value, names: &[&str]) -> Option<u64> {
    names.iter().find_map(|name| {
        let number = usage.get(name)?;
        let whole = |float: &f64| *float >= 0.0 && float.fract() == 0.0 && *float < 2f64.powi(53);
        number.as_u64().or_else(|| number.as_f64().filter(whole).map(|float| float as u64))
    })
}

#[cfg(test)]
#[path = "response_tests.rs"]
mod tests;
