//! Where traces are sent, and how.
//!
//! Comes in: what the program says, and the variables that every OpenTelemetry exporter reads (`OTEL_EXPORTER_OTLP_*`). What the program says
//! wins.

use crate::convert::ConvertOptions;
use crate::mlflow::PromptTexts;
use crate::profile::{Profile, Profiles};
use std::path::PathBuf;
use std::time::Duration;

/// The form in which spans travel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// Protobuf over HTTP: what every backend takes.
    #[default]
    HttpProtobuf,
    /// JSON over HTTP, to look at on the way.
    HttpJson,
    /// gRPC; needs the feature `grpc`.
    Grpc,
}

impl std::str::FromStr for Protocol {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "http/protobuf" => Ok(Self::HttpProtobuf),
            "http/json" => Ok(Self::HttpJson),
            "grpc" => Ok(Self::Grpc),
            other => Err(OptionsError::Protocol(other.chars().take(80).collect())),
        }
    }
}

/// What is done about the prompts behind a trace's calls, when the profile `mlflow` is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkPrompts {
    /// Only the tag that MLflow's page of a trace shows.
    Off,
    /// Also MLflow's own link, by one more request for each trace, so that its filter `prompt = "name/1"` finds the trace.
    #[default]
    Link,
    /// The same, and a prompt that MLflow does not know is registered there first, as far as its text is known.
    Register,
}

/// Options that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// A word that names no protocol.
    #[error("`{0}` is no protocol of OTLP: expected http/protobuf, http/json or grpc")]
    Protocol(String),
    /// The protocol was not compiled in.
    #[error("gRPC is not compiled in: enable the feature `otel-grpc` of `whytrace`, or use the protocol http/protobuf")]
    NoGrpc,
    /// An endpoint that is no URL.
    #[error("`{0}` is no endpoint: expected http://HOST:PORT or https://HOST, with a path if the backend has one")]
    Endpoint(String),
    /// A header that HTTP does not allow.
    #[error("`{0}` is no HTTP header")]
    Header(String),
    /// A variable whose value cannot be taken.
    #[error("{name}: {message}")]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong, without the value, which may be secret.
        message: String,
    },
    /// The system gives no thread to send with.
    #[error("cannot start the thread that sends spans: {0}")]
    Thread(String),
    /// A file that cannot be used.
    #[error("cannot read the {what} {path}: {message}")]
    File {
        /// What it holds.
        what: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why not.
        message: String,
    },
}

/// Where traces are sent, and how.
///
/// ```
/// use trace_otel::{ConvertOptions, ExportOptions, Profile};
/// let options = ExportOptions::new("http://127.0.0.1:5000")
///     .convert(ConvertOptions::new(Profile::Mlflow))
///     .header("x-mlflow-experiment-id", "3");
/// assert_eq!(options.endpoint(), "http://127.0.0.1:5000/v1/traces");
/// ```
#[derive(Clone)]
pub struct ExportOptions {
    endpoint: String,
    /// Whether the endpoint is the whole URL.
    pub(super) as_is: bool,
    pub(crate) protocol: Protocol,
    headers: Vec<(String, String)>,
    pub(crate) gzip: bool,
    pub(crate) timeout: Duration,
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) client_certificate: Option<(PathBuf, PathBuf)>,
    pub(crate) convert: ConvertOptions,
    pub(crate) max_spans: usize,
    pub(crate) max_bytes: usize,
    pub(crate) retry_for: Duration,
    pub(crate) link_prompts: LinkPrompts,
    pub(crate) prompt_texts: PromptTexts,
}

impl ExportOptions {
    /// Sends to this URL, `http://HOST:PORT`, by the other defaults: protobuf over HTTP, gzip, 10 s for a request, 512 spans and 3 MiB in
    /// one, the profile `genai`. `/v1/traces` is added unless the URL ends so; Langfuse's is `https://HOST/api/public/otel`.
    #[must_use]
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            as_is: false,
            protocol: Protocol::default(),
            headers: Vec::new(),
            gzip: true,
            timeout: Duration::from_secs(10),
            certificate: None,
            client_certificate: None,
            convert: ConvertOptions::default(),
            max_spans: 512,
            max_bytes: 3 << 20,
            retry_for: Duration::from_secs(60),
            link_prompts: LinkPrompts::default(),
            prompt_texts: PromptTexts::default(),
        }
    }

    /// What the variables of OpenTelemetry say: `OTEL_EXPORTER_OTLP_ENDPOINT`, `_HEADERS`, `_PROTOCOL`, `_TIMEOUT`, `_COMPRESSION`,
    /// `_CERTIFICATE`, `_CLIENT_CERTIFICATE`, `_CLIENT_KEY`, each also as `OTEL_EXPORTER_OTLP_TRACES_…`, which wins; `OTEL_SERVICE_NAME` and
    /// `OTEL_RESOURCE_ATTRIBUTES`. Nothing set: `http://localhost:4318`.
    ///
    /// # Errors
    /// When one of them has a value that cannot be taken.
    pub fn from_env() -> Result<Self, OptionsError> {
        super::env::read(&|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    /// Sends to this URL instead; see [`ExportOptions::new`].
    #[must_use]
    pub fn to(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = endpoint.into();
        self.as_is = false;
        self
    }

    /// The form in which spans travel.
    #[must_use]
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = protocol;
        self
    }

    /// A header of every request, such as `authorization`; replaces one of the same name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into().to_ascii_lowercase();
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    /// Whether requests are compressed.
    #[must_use]
    pub fn gzip(mut self, gzip: bool) -> Self {
        self.gzip = gzip;
        self
    }

    /// How long one request may take in all.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A PEM file with the certificates to trust, instead of Mozilla's.
    #[must_use]
    pub fn certificate(mut self, path: impl Into<PathBuf>) -> Self {
        self.certificate = Some(path.into());
        self
    }

    /// PEM files with a certificate to show to the server, and its key.
    #[must_use]
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.client_certificate = Some((certificate.into(), key.into()));
        self
    }

    /// How documents become spans.
    #[must_use]
    pub fn convert(mut self, convert: ConvertOptions) -> Self {
        self.convert = convert;
        self
    }

    /// The conventions that spans speak; keeps the other options of conversion.
    #[must_use]
    pub fn profiles(mut self, profiles: impl Into<Profiles>) -> Self {
        self.convert.profiles = profiles.into();
        self
    }

    /// How many spans, and how many bytes of protobuf, go into one request at most. A single larger span is sent alone.
    #[must_use]
    pub fn max_request(mut self, spans: usize, bytes: usize) -> Self {
        (self.max_spans, self.max_bytes) = (spans.max(1), bytes.max(1));
        self
    }

    /// How long [`export`](crate::export) goes on trying while the backend is away. The sink goes on for as long as it takes.
    #[must_use]
    pub fn retry_for(mut self, retry_for: Duration) -> Self {
        self.retry_for = retry_for;
        self
    }

    /// What is done about prompts when the profile `mlflow` is used.
    #[must_use]
    pub fn link_prompts(mut self, link_prompts: LinkPrompts) -> Self {
        self.link_prompts = link_prompts;
        self
    }

    /// Where [`LinkPrompts::Register`] finds the text of a version of a prompt, by its name in the registry. Without it, and where it
    /// gives nothing, the texts compiled into this program are used.
    #[must_use]
    pub fn prompt_texts(mut self, texts: impl Fn(&str, u32) -> Option<String> + Send + Sync + 'static) -> Self {
        self.prompt_texts = PromptTexts::new(texts);
        self
    }

    /// The URL that requests go to.
    #[must_use]
    pub fn endpoint(&self) -> String {
        let base = self.endpoint.trim().trim_end_matches('/');
        if self.as_is || self.protocol == Protocol::Grpc || base.ends_with(TRACES) {
            return base.to_owned();
        }
        format!("{base}{TRACES}")
    }

    /// The URL without name and password, for messages and folder names.
    pub(crate) fn shown_endpoint(&self) -> String {
        let endpoint = self.endpoint();
        match endpoint.split_once("://") {
            Some((scheme, rest)) => {
                let host = rest.find(['/', '?']).unwrap_or(rest.len());
                let from = rest[..host].rfind('@').map_or(0, |at| at + 1);
                let path = rest[from..].split('?').next().unwrap_or_default();
                format!("{scheme}://{path}")
            }
            None => endpoint,
        }
    }

    /// The URL of the backend itself, where its other interfaces are.
    pub(crate) fn base(&self) -> String {
        let endpoint = self.endpoint();
        endpoint.strip_suffix(TRACES).unwrap_or(&endpoint).to_owned()
    }

    /// The headers of every request, with those that a profile's backend needs and nobody gave.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        let needed = [
            // The experiment that every server of MLflow has; without the header it refuses the spans.
            (Profile::Mlflow, "x-mlflow-experiment-id", "0"),
            // Without it Langfuse shows the spans ten minutes later.
            (Profile::Langfuse, "x-langfuse-ingestion-version", "4"),
        ];
        for (profile, name, value) in needed {
            if self.convert.profiles.has(profile) && headers.iter().all(|(known, _)| known != name) {
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        headers
    }

    /// Whether traces and prompts are to be linked by MLflow's own interface.
    pub(crate) fn links_prompts(&self) -> bool {
        let speaks_mlflow = self.convert.profiles.has(Profile::Mlflow) && self.protocol != Protocol::Grpc;
        speaks_mlflow && self.link_prompts != LinkPrompts::Off
    }
}

/// The path of traces in OTLP over HTTP.
const TRACES: &str = "/v1/traces";

impl std::fmt::Debug for ExportOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("ExportOptions")
            .field("endpoint", &self.shown_endpoint())
            .field("protocol", &self.protocol)
            .field("headers", &headers)
            .field("convert", &self.convert)
            .finish_non_exhaustive()
    }
}
