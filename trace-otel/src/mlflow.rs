//! MLflow's own link between a trace and the versions of prompts it used.
//!
//! OTLP can set the tag that MLflow shows beside a trace, but its filter `prompt = "name/1"` looks at a table that only its REST interface fills.
//! So one request follows the spans; where asked, prompts that MLflow does not know are registered before.

use crate::convert::ids;
use crate::export::http::{Http, Reply};
use crate::export::options::{ExportOptions, LinkPrompts, OptionsError};
use crate::profile::linked_prompts;
use serde_json::{Value, json};
use std::sync::Arc;
use trace_core::model::Trace;
use trace_core::registry;

/// The prompts behind one trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PromptLinks {
    /// The W3C id of the trace, 32 hex digits.
    pub(crate) trace_id: String,
    /// Names in the registry, and versions.
    pub(crate) prompts: Vec<(String, u32)>,
}

impl PromptLinks {
    /// The links of a trace; `None` when no call of it was made with a known version.
    pub(crate) fn of(trace: &Trace) -> Option<Self> {
        let prompts: Vec<(String, u32)> = linked_prompts(trace).into_iter().collect();
        (!prompts.is_empty()).then(|| Self { trace_id: ids::to_hex(&ids::trace_id(trace)), prompts })
    }

    /// As a file of the outbox holds it, and as MLflow takes it, but for the id's prefix.
    pub(crate) fn to_json(&self) -> Value {
        let version = |(name, version): &(String, u32)| json!({ "name": name, "version": version.to_string() });
        let versions: Vec<Value> = self.prompts.iter().map(version).collect();
        json!({ "trace_id": self.trace_id, "prompt_versions": versions })
    }

    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let prompt =
            |entry: &Value| Some((entry["name"].as_str()?.to_owned(), entry["version"].as_str()?.parse().ok()?));
        let prompts = value["prompt_versions"].as_array()?.iter().filter_map(prompt).collect();
        Some(Self { trace_id: value["trace_id"].as_str()?.to_owned(), prompts })
    }
}

/// Where the texts of prompts come from.
#[derive(Clone, Default)]
pub(crate) struct PromptTexts(Option<Arc<TextOf>>);

/// The text of a version of a prompt, by its name in the registry.
type TextOf = dyn Fn(&str, u32) -> Option<String> + Send + Sync;

impl PromptTexts {
    pub(crate) fn new(texts: impl Fn(&str, u32) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(texts)))
    }

    /// The text of a version: as the program says, else as it was compiled in, which is the only text there is without a database.
    fn get(&self, name: &str, version: u32) -> Option<String> {
        let said = self.0.as_ref().and_then(|texts| texts(name, version));
        said.or_else(|| {
            let prompts = registry::registry().prompts;
            let compiled_in = prompts.iter().find(|prompt| prompt.registry_name() == name)?;
            Some(compiled_in.template().to_owned())
        })
    }
}

/// How linking went wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum LinkError {
    /// MLflow is away: try again.
    Later(String),
    /// It will not go better another time.
    Never(String),
}

/// Makes links on a server of MLflow.
pub(crate) struct Linker {
    http: Http,
    base: String,
    register: bool,
    texts: PromptTexts,
}

/// How many versions of one prompt are registered to reach the one that is linked: MLflow counts them up from 1.
const VERSIONS: u32 = 100;

impl Linker {
    /// A linker where the options ask for one.
    pub(crate) fn new(options: &ExportOptions) -> Result<Option<Self>, OptionsError> {
        if !options.links_prompts() {
            return Ok(None);
        }
        let base = format!("{}/api/2.0/mlflow", options.base());
        let register = options.link_prompts == LinkPrompts::Register;
        Ok(Some(Self { http: Http::new(options)?, base, register, texts: options.prompt_texts.clone() }))
    }

    /// Links a trace, whose spans MLflow has, to its prompts.
    pub(crate) fn link(&self, links: &PromptLinks) -> Result<(), LinkError> {
        if self.register {
            for (name, version) in &links.prompts {
                self.register(name, *version)?;
            }
        }
        let mut body = links.to_json();
        body["trace_id"] = json!(format!("tr-{}", links.trace_id));
        self.call("POST", "traces/link-prompts", &body).map(drop)
    }

    /// Registers a prompt up to this version, unless it is there.
    fn register(&self, name: &str, version: u32) -> Result<(), LinkError> {
        let exists = |version: u32| {
            let path = format!("model-versions/get?name={name}&version={version}");
            match self.call("GET", &path, &Value::Null) {
                Ok(_) => Ok(true),
                Err(LinkError::Never(_)) => Ok(false),
                Err(later) => Err(later),
            }
        };
        if exists(version)? {
            return Ok(());
        }
        let tag = json!({ "key": "mlflow.prompt.is_prompt", "value": "true" });
        let created = self.call("POST", "registered-models/create", &json!({ "name": name, "tags": [tag] }));
        if let Err(later @ LinkError::Later(_)) = created {
            return Err(later); // that it exists already is what is wanted
        }
        for next in version.saturating_sub(VERSIONS)..version {
            let next = next + 1;
            if next == version || !exists(next)? {
                self.register_version(name, next, &tag)?;
            }
        }
        Ok(())
    }

    fn register_version(&self, name: &str, version: u32, tag: &Value) -> Result<(), LinkError> {
        let text = self.texts.get(name, version);
        let text = text.unwrap_or_else(|| format!("(the text of version {version} is not known to whytrace)"));
        let body = json!({
            "name": name,
            // What MLflow's own client writes where a model would have its files.
            "source": "dummy-source",
            "description": "registered by whytrace",
            "tags": [tag, { "key": "mlflow.prompt.text", "value": text }],
        });
        self.call("POST", "model-versions/create", &body).map(drop)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Reply, LinkError> {
        let what = path.split('?').next().unwrap_or(path);
        match self.http.json(method, &format!("{}/{path}", self.base), body) {
            Ok(reply) if reply.is_success() => Ok(reply),
            Ok(reply) => {
                let words: String =
                    String::from_utf8_lossy(&reply.body).chars().filter(|c| !c.is_control()).take(200).collect();
                let message = format!("MLflow answers {} to {what}: {words}", reply.status);
                let later = reply.status == 429 || reply.status >= 500;
                Err(if later { LinkError::Later(message) } else { LinkError::Never(message) })
            }
            Err(error) => Err(LinkError::Later(format!("MLflow does not answer to {what}: {error}"))),
        }
    }
}
