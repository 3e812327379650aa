//! A model behind any endpoint that speaks OpenAI's chat completions: messages out, the streamed answer in.
//!
//! The examples share it. A try that fails for a reason that may pass (no connection, time-out, 429, 5xx) is repeated; every try is told.

mod sse;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::{Value, json};
use std::env;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::thread;
use std::time::{Duration, Instant};
use ureq::Agent;
use whytrace::{Attempt, LlmCall, Usage};

const TRIES: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the model may be silent, before its first word and between any two.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// Longer answers are an endless stream, in bytes.
const LONGEST_ANSWER: u64 = 4 << 20;
/// How much of a server's complaint is worth repeating, in bytes.
const LONGEST_COMPLAINT: usize = 300;

/// Where a model is, and which.
pub struct Endpoint {
    url: String,
    key: Option<String>,
    agent: Agent,
    /// The model to ask for.
    pub model: String,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).field("model", &self.model).finish_non_exhaustive()
    }
}

/// What a model answered.
#[derive(Debug)]
pub struct Completion {
    /// The answer.
    pub text: String,
    /// The model that says it answered.
    pub model: String,
    /// Tokens, if the server counted them.
    pub usage: Option<Usage>,
    /// How long the first words took.
    pub time_to_first_token: Duration,
    /// Every try, the last one being the one that worked.
    pub attempts: Vec<Attempt>,
}

impl Completion {
    /// What the trace should know of the call; where the server did not count the tokens of prompt and answer, `count` does.
    pub fn to_call(&self, prompt: &str, count: impl Fn(&str) -> usize) -> LlmCall {
        let counted = || Usage::new(count(prompt) as u64, count(&self.text) as u64);
        LlmCall {
            attempts: self.attempts.clone(),
            time_to_first_token_ms: Some(self.time_to_first_token.as_secs_f64() * 1e3),
            ..LlmCall::new().model(&self.model).response(self.text.as_str()).usage(self.usage.unwrap_or_else(counted))
        }
    }
}

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer from {model} after {} tries: {reason}", attempts.len())]
pub struct Unanswered {
    /// The model that was asked.
    pub model: String,
    /// What went wrong at last.
    pub reason: TryError,
    /// Every try.
    pub attempts: Vec<Attempt>,
}

/// Why one try failed.
#[derive(Debug, thiserror::Error)]
pub enum TryError {
    /// The server could not be reached, or broke off.
    #[error(transparent)]
    Transport(#[from] ureq::Error),
    /// The stream broke off.
    #[error("the answer broke off")]
    Stream(#[from] io::Error),
    /// The server refused.
    #[error("HTTP {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server said.
        message: String,
        /// How long to wait, if the server said so.
        retry_after: Option<Duration>,
    },
    /// The server answered something else than a completion.
    #[error("not a chat completion: {0}")]
    Malformed(String),
}

impl TryError {
    fn may_pass(&self) -> bool {
        match self {
            Self::Transport(error) => !matches!(error, ureq::Error::BadUri(_) | ureq::Error::Http(_)),
            Self::Stream(_) => true,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500..),
            Self::Malformed(_) => false,
        }
    }

    fn status(&self) -> Option<u16> {
        if let Self::Refused { status, .. } = self { Some(*status) } else { None }
    }
}

impl Endpoint {
    /// The endpoint that the environment names, if it names one: a base URL, a key, or both.
    pub fn from_env() -> Option<Self> {
        let variable = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let (base, key) = (variable("OPENAI_BASE_URL"), variable("OPENAI_API_KEY"));
        (base.is_some() || key.is_some()).then(|| {
            let base = base.unwrap_or_else(|| "https://api.openai.com/v1".to_owned());
            Self::new(&base, key, variable("OPENAI_MODEL").unwrap_or_else(|| "gpt-4o-mini".to_owned()))
        })
    }

    /// An endpoint at a base URL such as `http://localhost:11434/v1`.
    pub fn new(base: &str, key: Option<String>, model: String) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(SILENCE_TIMEOUT))
            .timeout_per_read(Some(SILENCE_TIMEOUT));
        let url = format!("{}/chat/completions", base.trim_end_matches('/'));
        Self { url, key, agent: config.build().new_agent(), model }
    }

    /// Who serves the model: the host of the URL, or `openai` for OpenAI's own.
    pub fn provider(&self) -> &str {
        let host = self.url.split("://").last().and_then(|rest| rest.split(['/', ':', '?']).next()).unwrap_or_default();
        if host == "api.openai.com" { "openai" } else { host }
    }

    /// Asks the model.
    ///
    /// # Errors
    /// No try succeeded; the error lists them.
    pub fn complete(&self, messages: &Value) -> Result<Completion, Unanswered> {
        let mut attempts = Vec::new();
        let mut pause = FIRST_PAUSE;
        for number in 1.. {
            let started = Instant::now();
            let outcome = self.attempt(messages);
            let millis = started.elapsed().as_secs_f64() * 1e3;
            match outcome {
                Ok(mut completion) => {
                    attempts.push(Attempt::ok(number, millis));
                    completion.attempts = attempts;
                    return Ok(completion);
                }
                Err(reason) => {
                    let attempt = Attempt::failed(number, millis, reason.to_string());
                    attempts.push(Attempt { status: reason.status(), ..attempt });
                    if number == TRIES || !reason.may_pass() {
                        return Err(Unanswered { model: self.model.clone(), reason, attempts });
                    }
                    let asked = if let TryError::Refused { retry_after, .. } = &reason { *retry_after } else { None };
                    thread::sleep(asked.unwrap_or(pause).min(LONGEST_PAUSE));
                    pause *= 2;
                }
            }
        }
        unreachable!("the loop ends with a try that succeeds or with the last one")
    }

    fn attempt(&self, messages: &Value) -> Result<Completion, TryError> {
        let body = json!({
            "model": self.model,
            "messages": messages,
            "temperature": 0,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        let mut request = self.agent.post(&self.url).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let started = Instant::now();
        let response = request.send(body.to_string())?;
        let (head, body) = response.into_parts();
        let reader = body.into_reader().take(LONGEST_ANSWER);
        if !head.status.is_success() {
            let seconds = head.headers.get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
            let retry_after = seconds.map(Duration::from_secs);
            return Err(TryError::Refused { status: head.status.as_u16(), message: complaint(reader), retry_after });
        }
        let streams =
            head.headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        let answer = if streams { read_stream(reader, started)? } else { read_whole(reader, started)? };
        answer.completion(&self.model)
    }
}

/// One chunk of a streamed answer, or a whole answer; the fields that matter.
#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    choices: Vec<Part>,
    #[serde(default)]
    usage: Option<Counts>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(alias = "message")]
    delta: Words,
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    content: Option<String>,
}

#[derive(Deserialize)]
struct Counts {
    prompt_tokens: u64,
    completion_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<Cached>,
}

#[derive(Deserialize)]
struct Cached {
    #[serde(default)]
    cached_tokens: u64,
}

/// An answer as it comes in.
struct Answer {
    started: Instant,
    first_token: Option<Duration>,
    text: String,
    model: Option<String>,
    usage: Option<Usage>,
}

impl Answer {
    fn new(started: Instant) -> Self {
        Self { started, first_token: None, text: String::new(), model: None, usage: None }
    }

    fn add(&mut self, chunk: Chunk) {
        for words in chunk.choices.into_iter().filter_map(|part| part.delta.content) {
            if !words.is_empty() {
                self.first_token.get_or_insert_with(|| self.started.elapsed());
            }
            self.text.push_str(&words);
        }
        self.model = chunk.model.or(self.model.take());
        self.usage = chunk.usage.map(usage).or(self.usage);
    }

    fn completion(self, asked: &str) -> Result<Completion, TryError> {
        let Some(time_to_first_token) = self.first_token else {
            return Err(TryError::Malformed("the answer is empty".to_owned()));
        };
        let model = self.model.filter(|model| !model.is_empty()).unwrap_or_else(|| asked.to_owned());
        Ok(Completion { text: self.text, model, usage: self.usage, time_to_first_token, attempts: Vec::new() })
    }
}

/// The server counts cached tokens among the prompt's; a `Usage` keeps them apart.
fn usage(counts: Counts) -> Usage {
    let cached = counts.prompt_tokens_details.map_or(0, |details| details.cached_tokens);
    let mut usage = Usage::new(counts.prompt_tokens.saturating_sub(cached), counts.completion_tokens);
    usage.cached_input_tokens = cached;
    usage.totalled()
}

fn read_stream(reader: impl Read, started: Instant) -> Result<Answer, TryError> {
    let mut answer = Answer::new(started);
    for data in sse::events(BufReader::new(reader)) {
        let data = data?;
        if data == "[DONE]" {
            break;
        }
        answer.add(chunk(&data)?);
    }
    Ok(answer)
}

/// Some servers do not stream although asked to.
fn read_whole(mut reader: impl Read, started: Instant) -> Result<Answer, TryError> {
    let mut text = String::new();
    reader.read_to_string(&mut text)?;
    let mut answer = Answer::new(started);
    answer.add(chunk(&text)?);
    Ok(answer)
}

fn chunk(data: &str) -> Result<Chunk, TryError> {
    serde_json::from_str(data)
        .map_err(|error| TryError::Malformed(format!("{error} in {:?}", head(data, LONGEST_COMPLAINT))))
}

/// At most `limit` bytes of a text, cut between characters.
fn head(text: &str, limit: usize) -> &str {
    &text[..text.floor_char_boundary(limit)]
}

/// What a server says about a refusal: the message inside OpenAI's error object, or the beginning of the body.
fn complaint(reader: impl Read) -> String {
    let mut bytes = Vec::new();
    // What arrived is worth showing even if the rest did not.
    let _ = reader.take(64 << 10).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let json: Option<Value> = serde_json::from_str(&text).ok();
    let message = json.as_ref().and_then(|json| json.pointer("/error/message")?.as_str());
    head(message.unwrap_or(&text).trim(), LONGEST_COMPLAINT).to_owned()
}
