use super::{ErrorInfo, LlmCall, Object, Outcome, Timestamp};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

/// What sort of call was observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Kind {
    /// An ordinary function.
    #[default]
    Function,
    /// A call of a language model.
    Llm,
    /// A call of an embedding model.
    Embedding,
    /// An agent's turn.
    Agent,
    /// The rendering of a template.
    Template,
    /// The generation of code.
    Codegen,
    /// A check, with what it found.
    Validation,
    /// A file written.
    FileWrite,
    /// A tool used by a model.
    Tool,
    /// A look-up in an index or a search engine.
    Retrieval,
    /// A kind of a newer version or of another program, kept as it is.
    Other(String),
}

impl Kind {
    /// The kinds of this version, as they are written.
    pub const NAMES: [&'static str; 10] = [
        "function",
        "llm",
        "embedding",
        "agent",
        "template",
        "codegen",
        "validation",
        "file_write",
        "tool",
        "retrieval",
    ];

    /// The word used in documents and rows.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Function => "function",
            Self::Llm => "llm",
            Self::Embedding => "embedding",
            Self::Agent => "agent",
            Self::Template => "template",
            Self::Codegen => "codegen",
            Self::Validation => "validation",
            Self::FileWrite => "file_write",
            Self::Tool => "tool",
            Self::Retrieval => "retrieval",
            Self::Other(name) => name,
        }
    }

    /// Whether the call has a model, tokens and a cost.
    #[must_use]
    pub fn is_model_call(&self) -> bool {
        matches!(self, Self::Llm | Self::Embedding)
    }
}

impl From<String> for Kind {
    fn from(name: String) -> Self {
        Self::from(name.as_str())
    }
}

impl From<&str> for Kind {
    fn from(name: &str) -> Self {
        match name {
            "function" => Self::Function,
            "llm" => Self::Llm,
            "embedding" => Self::Embedding,
            "agent" => Self::Agent,
            "template" => Self::Template,
            "codegen" => Self::Codegen,
            "validation" => Self::Validation,
            "file_write" => Self::FileWrite,
            "tool" => Self::Tool,
            "retrieval" => Self::Retrieval,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.as_str().to_owned()
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One observed call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observation {
    /// 16 hex digits, unique in the trace.
    pub id: String,
    /// The stage or observation it ran in.
    pub parent_id: Option<String>,
    /// The observation's name.
    pub name: String,
    /// What sort of call it was.
    pub kind: Kind,
    /// The component it belongs to, where it declares one.
    pub component: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// How long it took, in milliseconds; `null` while it runs.
    pub duration_ms: Option<f64>,
    /// How it ended; `null` while it runs.
    pub outcome: Option<Outcome>,
    /// The captured arguments.
    pub input: Value,
    /// The captured result.
    pub output: Value,
    /// What went wrong.
    pub error: Option<ErrorInfo>,
    /// Whatever else was said of it.
    pub attributes: Object,
    /// The call of a model, for the kinds that have one.
    pub llm: Option<Box<LlmCall>>,
    /// Fields of newer versions.
    pub extra: Object,
}

/// As [`Observation`] reads: flat, the way it is written.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Flat {
    id: String,
    parent_id: Option<String>,
    name: String,
    kind: Kind,
    component: Option<String>,
    started_at: Option<Timestamp>,
    duration_ms: Option<f64>,
    outcome: Option<Outcome>,
    input: Value,
    output: Value,
    error: Option<ErrorInfo>,
    attributes: Object,
    prompt_name: Option<String>,
    prompt_version: Option<u32>,
    prompt_registry_name: Option<String>,
    prompt_uri: Option<String>,
    template_hash: Option<String>,
    model: Option<String>,
    provider: Option<String>,
    parameters: Option<Object>,
    messages: Value,
    response: Value,
    usage: Option<super::Usage>,
    cost_usd: Option<super::Money>,
    attempts: Vec<super::Attempt>,
    time_to_first_token_ms: Option<f64>,
    cached: Option<bool>,
    #[serde(flatten)]
    extra: Object,
}

impl<'de> Deserialize<'de> for Observation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = Flat::deserialize(deserializer)?;
        let llm = LlmCall {
            prompt_name: flat.prompt_name,
            prompt_version: flat.prompt_version,
            prompt_registry_name: flat.prompt_registry_name,
            prompt_uri: flat.prompt_uri,
            template_hash: flat.template_hash,
            model: flat.model,
            provider: flat.provider,
            parameters: flat.parameters.unwrap_or_default(),
            messages: flat.messages,
            response: flat.response,
            usage: flat.usage,
            cost_usd: flat.cost_usd,
            attempts: flat.attempts,
            time_to_first_token_ms: flat.time_to_first_token_ms,
            cached: flat.cached,
        };
        let has_llm = flat.kind.is_model_call() || llm != LlmCall::default();
        Ok(Self {
            id: flat.id,
            parent_id: flat.parent_id,
            name: flat.name,
            kind: flat.kind,
            component: flat.component,
            started_at: flat.started_at,
            duration_ms: flat.duration_ms,
            outcome: flat.outcome,
            input: flat.input,
            output: flat.output,
            error: flat.error,
            attributes: flat.attributes,
            llm: has_llm.then(|| Box::new(llm)),
            extra: flat.extra,
        })
    }
}

impl Serialize for Observation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("parent_id", &self.parent_id)?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("kind", &self.kind)?;
        map.serialize_entry("component", &self.component)?;
        map.serialize_entry("started_at", &self.started_at)?;
        map.serialize_entry("duration_ms", &self.duration_ms)?;
        map.serialize_entry("outcome", &self.outcome)?;
        map.serialize_entry("input", &self.input)?;
        map.serialize_entry("output", &self.output)?;
        map.serialize_entry("error", &self.error)?;
        map.serialize_entry("attributes", &self.attributes)?;
        if let Some(llm) = &self.llm {
            map.serialize_entry("prompt_name", &llm.prompt_name)?;
            map.serialize_entry("prompt_version", &llm.prompt_version)?;
            map.serialize_entry("prompt_registry_name", &llm.prompt_registry_name)?;
            map.serialize_entry("prompt_uri", &llm.prompt_uri)?;
            map.serialize_entry("template_hash", &llm.template_hash)?;
            map.serialize_entry("model", &llm.model)?;
            map.serialize_entry("provider", &llm.provider)?;
            map.serialize_entry("parameters", &llm.parameters)?;
            map.serialize_entry("messages", &llm.messages)?;
            map.serialize_entry("response", &llm.response)?;
            map.serialize_entry("usage", &llm.usage)?;
            map.serialize_entry("cost_usd", &llm.cost_usd)?;
            map.serialize_entry("attempts", &llm.attempts)?;
            map.serialize_entry("time_to_first_token_ms", &llm.time_to_first_token_ms)?;
            map.serialize_entry("cached", &llm.cached)?;
        }
        for (key, value) in &self.extra {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}
