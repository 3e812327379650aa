//! The one table of all settings.

use super::catalog::catalog;
use super::database::database;
use super::problem::Problem;
use super::value::{Expected, Given, boolean, number, path, texts, whole, whole_texts};
use super::{OtlpEndpoint, Settings, value::Value};
use std::time::Duration;

/// One setting: what it is called, what it takes, what it does.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct SettingOption {
    /// The key in `whytrace.toml`, with its table: `redact.content`.
    pub key: &'static str,
    /// The variable, where it has one.
    pub variable: Option<&'static str>,
    /// What it takes.
    pub kind: &'static str,
    /// The default, as it would be written in a variable.
    pub default: &'static str,
    /// What it does.
    pub meaning: &'static str,
    pub(crate) apply: fn(&mut Settings, &Given<'_>) -> Result<(), Expected>,
}

impl std::fmt::Debug for SettingOption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SettingOption")
            .field("key", &self.key)
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}

impl SettingOption {
    /// Whether the value may hold a password and is not repeated in messages.
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.key, "database_url" | "otlp.endpoint")
    }

    pub(crate) fn is_about_redaction(&self) -> bool {
        self.key.starts_with("redact.")
    }
}

/// One row of the table.
macro_rules! option {
    ($key:literal, $variable:expr, $kind:literal, $default:literal, $meaning:literal,
     |$settings:ident, $given:ident| $field:expr => $read:expr) => {
        SettingOption {
            key: $key,
            variable: $variable,
            kind: $kind,
            default: $default,
            meaning: $meaning,
            apply: |$settings, $given| {
                $field = $read?;
                Ok(())
            },
        }
    };
}

/// All settings, in the order of the page `docs/configuration.md`.
pub const OPTIONS: &[SettingOption] = &[
    option!("enabled", Some("WHYTRACE_ENABLED"), "bool", "true",
        "Whether anything is recorded.",
        |s, given| s.enabled => boolean(given)),
    option!("dir", Some("WHYTRACE_DIR"), "path", "./traces",
        "The folder of all traces, with a folder for each project.",
        |s, given| s.dir => path(given)),
    option!("database_url", Some("WHYTRACE_DATABASE_URL"), "URL or `off`", "",
        "Where the rows go: `sqlite://PATH`, `postgres://USER:PASSWORD@HOST/DATABASE`, or `off`. Not set: SQLite in `{dir}/whytrace.db`.",
        |s, given| s.database => database(given)),
    option!("scorecard", Some("WHYTRACE_SCORECARD"), "`auto`, `compact`, `verbose`, `off`", "auto",
        "The scorecard on stderr after each trace. `auto`: compact on a terminal, else off.",
        |s, given| s.scorecard => mode(given)),
    option!("summary", Some("WHYTRACE_SUMMARY"), "bool", "true",
        "Whether a Markdown summary is written beside each document.",
        |s, given| s.summary => boolean(given)),
    option!("sample", Some("WHYTRACE_SAMPLE"), "0 to 1", "1",
        "The share of traces kept whole. What failed, fell through the gate or was flagged is always kept.",
        |s, given| s.sample => number(given, 0.0, 1.0)),
    option!("projects_off", Some("WHYTRACE_PROJECTS_OFF"), "list", "",
        "Projects that are not traced, by name or folder name.",
        |s, given| s.projects_off => texts(given)),
    option!("max_wait_ms", Some("WHYTRACE_MAX_WAIT_MS"), "ms or `unlimited`", "100",
        "How long the callers of one trace wait for room in all, before records are dropped and counted.",
        |s, given| s.max_wait => max_wait(given)),
    option!("prompts.enabled", Some("WHYTRACE_PROMPTS"), "bool", "true",
        "Whether declared prompts are registered in the database, and rendered as the registry says.",
        |s, given| s.prompts.enabled => boolean(given)),
    option!("prompts.catalog", Some("WHYTRACE_PROMPTS_CATALOG"), "`catalog.schema`", "",
        "What registry names of prompts begin with. Not set: `MLFLOW_PROMPT_REGISTRY_UC_SCHEMA`, else `main.default` on Databricks, else nothing.",
        |s, given| s.prompts.catalog => catalog(given)),
    option!("prompts.ttl_seconds", Some("WHYTRACE_PROMPTS_TTL_SECONDS"), "seconds", "30",
        "After how long a change of the registry that another process made is known.",
        |s, given| s.prompts.ttl => whole(given, 1).map(|seconds| Duration::from_secs(seconds as u64))),
    option!("prices.file", Some("WHYTRACE_PRICES"), "path", "",
        "A file of prices of model calls, above those that whytrace carries.",
        |s, given| s.prices => optional_path(given)),
    option!("redact.enabled", Some("WHYTRACE_REDACT"), "bool", "true",
        "Whether secrets are looked for and removed.",
        |s, given| s.redact.enabled => boolean(given)),
    option!("redact.content", Some("WHYTRACE_CONTENT"), "bool", "true",
        "Whether captured values are kept; otherwise only their lengths and hashes.",
        |s, given| s.redact.content => boolean(given)),
    option!("redact.field_names", Some("WHYTRACE_REDACT_FIELDS"), "list", "",
        "Further names of fields whose values are secrets.",
        |s, given| s.redact.field_names => texts(given)),
    option!("redact.patterns", None, "list", "",
        "Further patterns of secrets, as regular expressions.",
        |s, given| s.redact.patterns => whole_texts(given)),
    option!("gate.scale", Some("WHYTRACE_SCALE"), "number", "3",
        "The top of the scale of scores.",
        |s, given| s.gate.scale => number(given, f64::MIN_POSITIVE, f64::INFINITY)),
    option!("gate.gap_below", Some("WHYTRACE_GAP_BELOW"), "number", "2",
        "A principle that scores below is a gap.",
        |s, given| s.gate.gap_below => number(given, 0.0, f64::INFINITY)),
    option!("gate.strength_from", Some("WHYTRACE_STRENGTH_FROM"), "number", "3",
        "A principle that scores at least this is a strength.",
        |s, given| s.gate.strength_from => number(given, 0.0, f64::INFINITY)),
    option!("gate.threshold", Some("WHYTRACE_THRESHOLD"), "number", "2",
        "An overall score of at least this passes the quality gate.",
        |s, given| s.gate.threshold => number(given, 0.0, f64::INFINITY)),
    option!("calibration.enabled", Some("WHYTRACE_CALIBRATION"), "bool", "true",
        "Whether runs are checked for quality patterns across runs.",
        |s, given| s.calibration.enabled => boolean(given)),
    option!("calibration.repeated_failures", Some("WHYTRACE_CALIBRATION_REPEATED_FAILURES"), "count", "3",
        "How many complete runs of the last days must have a gap for it to be flagged.",
        |s, given| s.calibration.repeated_failures => whole(given, 1).map(|count| count as u64)),
    option!("calibration.days", Some("WHYTRACE_CALIBRATION_DAYS"), "count", "7",
        "How many days these are.",
        |s, given| s.calibration.days => whole(given, 1).map(|days| u32::try_from(days).unwrap_or(u32::MAX))),
    option!("calibration.disparity", Some("WHYTRACE_CALIBRATION_DISPARITY"), "number", "0.5",
        "An intent or domain whose average is further than this below the overall average is flagged.",
        |s, given| s.calibration.disparity => number(given, 0.0, f64::INFINITY)),
    option!("calibration.window", Some("WHYTRACE_CALIBRATION_WINDOW"), "count", "1000",
        "Over how many of the newest complete runs averages are taken.",
        |s, given| s.calibration.window => whole(given, 2)),
    option!("calibration.least_runs", Some("WHYTRACE_CALIBRATION_LEAST_RUNS"), "count", "5",
        "A disparity of fewer runs is kept as thin and raises no alarm.",
        |s, given| s.calibration.least_runs => whole(given, 1).map(|runs| runs as u64)),
    option!("limits.max_items", Some("WHYTRACE_MAX_ITEMS"), "count", "100000",
        "The items of one document; further ones stay in the event stream and are counted.",
        |s, given| s.limits.max_items => whole(given, 1)),
    option!("limits.max_value_bytes", Some("WHYTRACE_MAX_VALUE_BYTES"), "bytes", "1048576",
        "The size of one value; a longer text is cut and carries its length and hash.",
        |s, given| s.limits.max_value_bytes => whole(given, 64)),
    option!("limits.side_file_bytes", Some("WHYTRACE_SIDE_FILE_BYTES"), "bytes", "65536",
        "Above this size an LLM interaction or a validation error gets a file of its own.",
        |s, given| s.limits.side_file_bytes => whole(given, 64)),
    option!("limits.queue", Some("WHYTRACE_QUEUE"), "count", "4096",
        "The records of one thread that wait for the collector.",
        |s, given| s.limits.queue => whole(given, 64)),
    option!("limits.payload_bytes", Some("WHYTRACE_PAYLOAD_BYTES"), "bytes", "67108864",
        "The captured values that wait for the collector.",
        |s, given| s.limits.payload_bytes => whole(given, 4096)),
    option!("limits.open_trace_bytes", Some("WHYTRACE_OPEN_TRACE_BYTES"), "bytes", "268435456",
        "The documents of running traces in memory.",
        |s, given| s.limits.open_trace_bytes => whole(given, 4096)),
    option!("otlp.endpoint", Some("WHYTRACE_OTLP_ENDPOINT"), "URL, `env` or `off`", "off",
        "Where traces go as OTLP: `http://HOST:PORT`, or `env` for what `OTEL_EXPORTER_OTLP_ENDPOINT` says. Needs the feature `otel`.",
        |s, given| s.otlp.endpoint => otlp_endpoint(given)),
    option!("otlp.profiles", Some("WHYTRACE_OTLP_PROFILES"), "list", "genai",
        "The conventions that spans speak: `genai`, `mlflow`, `langfuse`, `phoenix`, or `all`.",
        |s, given| s.otlp.profiles => profiles(given)),
    option!("otlp.protocol", Some("WHYTRACE_OTLP_PROTOCOL"), "`http/protobuf`, `http/json`, `grpc`", "",
        "The form in which spans travel. Not set: `OTEL_EXPORTER_OTLP_PROTOCOL`, else `http/protobuf`.",
        |s, given| s.otlp.protocol => protocol(given)),
];

fn otlp_endpoint(given: &Given<'_>) -> Result<OtlpEndpoint, Expected> {
    const ACCEPTED: &str =
        "expected http://HOST:PORT, https://HOST, env or off; secrets belong into OTEL_EXPORTER_OTLP_HEADERS";
    let text = match &given.value {
        Value::Bool(false) => return Ok(OtlpEndpoint::Off),
        Value::Text(text) => *text,
        _ => return Err(ACCEPTED.into()),
    };
    let is_url = ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme)) && !text.contains('@');
    match text {
        "off" => Ok(OtlpEndpoint::Off),
        "env" => Ok(OtlpEndpoint::Environment),
        url if is_url => Ok(OtlpEndpoint::Url(url.to_owned())),
        _ => Err(ACCEPTED.into()),
    }
}

fn profiles(given: &Given<'_>) -> Result<Vec<String>, Expected> {
    let names = texts(given)?;
    let known = |name: &String| ["genai", "mlflow", "langfuse", "phoenix", "all"].contains(&name.as_str());
    if names.iter().all(known) { Ok(names) } else { Err("expected genai, mlflow, langfuse, phoenix or all".into()) }
}

fn protocol(given: &Given<'_>) -> Result<Option<String>, Expected> {
    match &given.value {
        Value::Text("") => Ok(None),
        Value::Text(text @ ("http/protobuf" | "http/json" | "grpc")) => Ok(Some((*text).to_owned())),
        _ => Err("expected http/protobuf, http/json or grpc".into()),
    }
}

/// A path, or an empty text for none.
fn optional_path(given: &Given<'_>) -> Result<Option<std::path::PathBuf>, Expected> {
    if matches!(&given.value, Value::Text("")) { Ok(None) } else { path(given).map(Some) }
}

fn mode(given: &Given<'_>) -> Result<crate::files::ScorecardMode, Expected> {
    match &given.value {
        Value::Text(text) => text.parse().map_err(|error: crate::files::ParseModeError| error.to_string().into()),
        Value::Bool(false) => Ok(crate::files::ScorecardMode::Off),
        Value::Bool(true) | Value::Bytes(_) | Value::Number(_) | Value::List(_) | Value::Other(_) => {
            Err(crate::files::ParseModeError.to_string().into())
        }
    }
}

fn max_wait(given: &Given<'_>) -> Result<Option<Duration>, Expected> {
    if matches!(&given.value, Value::Text(text) if text.eq_ignore_ascii_case("unlimited")) {
        return Ok(None);
    }
    let millis = whole(given, 0).map_err(|_| "expected a whole number of milliseconds, or unlimited")?;
    Ok(Some(Duration::from_millis(millis as u64)))
}

/// What to write instead of a key that is none.
pub(crate) fn hint(key: &str) -> String {
    if let Some(option) = nearest(key, |option| Some(option.key)) {
        return format!("did you mean `{}`?", option.key);
    }
    format!("the keys are {}", keys_in(""))
}

/// What to write instead of the name of a table, with a value.
pub(crate) fn hint_in(group: &str) -> String {
    format!("it is a table with the keys {}", keys_in(group))
}

fn keys_in(group: &str) -> String {
    OPTIONS.iter().map(|option| option.key).filter(|key| key.starts_with(group)).collect::<Vec<_>>().join(", ")
}

/// A variable that is none of ours but nearly; others may belong to programs built on whytrace.
pub(crate) fn unknown_variable(name: &str) -> Option<Problem> {
    let option = nearest(name, |option| option.variable)?;
    Some(Problem::unknown_variable(name, option, option.variable?))
}

/// The option with the most similar name, if it is only a slip away.
fn nearest(name: &str, named: impl Fn(&SettingOption) -> Option<&'static str>) -> Option<&'static SettingOption> {
    const SLIP: usize = 2;
    let distance = |option: &SettingOption| named(option).map(|other| strsim::osa_distance(name, other));
    OPTIONS
        .iter()
        .filter_map(|option| Some((distance(option)?, option)))
        .filter(|(distance, _)| *distance <= SLIP)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, option)| option)
}
