//! Settings: from defaults, `whytrace.toml` and the environment.
//!
//! Comes in: the file found from the current directory upwards, and `WHYTRACE_…` variables, which win. Goes out: one typed
//! [`Settings`], and a [`Problem`] for everything that could not be taken as it was meant. All keys are in one table,
//! [`OPTIONS`]; the page `docs/configuration.md` lists the same.

mod catalog;
mod database;
mod file;
mod options;
mod problem;
mod surroundings;
mod value;

pub use catalog::{Catalog, CatalogError};
pub use database::{Database, PostgresUrl};
pub use options::{OPTIONS, SettingOption};
pub use problem::{Problem, SettingsError};
pub use surroundings::Surroundings;

use crate::files::ScorecardMode;
use std::path::PathBuf;
use std::time::Duration;
use trace_core::model::GatePolicy;
use value::{Given, Value};

/// The name of the settings file.
pub const FILE_NAME: &str = "whytrace.toml";

/// The variable that names a settings file outright.
pub const CONFIG_VARIABLE: &str = "WHYTRACE_CONFIG";

/// How whytrace is set up.
///
/// The fields are public: what a program sets after loading stands above file and environment.
///
/// ```
/// use trace_store::settings::Settings;
/// let mut settings = Settings::default();
/// settings.sample = 0.1;
/// assert_eq!(settings.sqlite_path().unwrap(), std::path::Path::new("./traces/whytrace.db"));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Settings {
    /// Whether anything is recorded.
    pub enabled: bool,
    /// The folder of all traces, with a folder for each project.
    pub dir: PathBuf,
    /// Where the rows go.
    pub database: Database,
    /// Whether and how the scorecard is printed.
    pub scorecard: ScorecardMode,
    /// Whether a Markdown summary is written beside each document.
    pub summary: bool,
    /// The share of traces kept whole, 0..=1.
    pub sample: f64,
    /// Projects that are not traced, by name or folder name.
    pub projects_off: Vec<String>,
    /// How long a trace's callers wait for room in all; `None` is without limit.
    pub max_wait: Option<Duration>,
    /// Where prompts are registered, and how fresh what renderings know of it is.
    pub prompts: PromptSettings,
    /// A file of prices of model calls, above those that whytrace carries.
    pub prices: Option<PathBuf>,
    /// What is kept out of every output.
    pub redact: RedactSettings,
    /// The scale of scores, and where a gap, a strength and a pass begin.
    pub gate: GatePolicy,
    /// When a quality pattern across runs is flagged.
    pub calibration: CalibrationSettings,
    /// What memory and documents hold at most.
    pub limits: Limits,
    /// Where traces go as OTLP.
    pub otlp: OtlpSettings,
}

/// Where traces go as OTLP, beside documents and rows. Headers, certificates and the like are OpenTelemetry's own variables,
/// `OTEL_EXPORTER_OTLP_…`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtlpSettings {
    /// The backend.
    pub endpoint: OtlpEndpoint,
    /// The conventions that spans speak: `genai`, `mlflow`, `langfuse`, `phoenix`; none named is `genai`.
    pub profiles: Vec<String>,
    /// `http/protobuf`, `http/json` or `grpc`; `None` is what OpenTelemetry's variable says.
    pub protocol: Option<String>,
}

/// A backend of OTLP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OtlpEndpoint {
    /// None: nothing is sent.
    #[default]
    Off,
    /// The one that `OTEL_EXPORTER_OTLP_ENDPOINT` names.
    Environment,
    /// This URL, without name and password.
    Url(String),
}

/// When a quality pattern across runs is flagged.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CalibrationSettings {
    /// Whether runs are checked at all.
    pub enabled: bool,
    /// How many complete runs of the last days, this one included, must have a gap for it to be a pattern.
    pub repeated_failures: u64,
    /// How many days these are.
    pub days: u32,
    /// How far below the overall average the average of an intent or a domain must be.
    pub disparity: f64,
    /// Over how many of the newest complete runs averages are taken.
    pub window: usize,
    /// With fewer runs of its intent or domain, a disparity is kept as thin and raises no alarm.
    pub least_runs: u64,
}

impl CalibrationSettings {
    /// The days in microseconds.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn micros(&self) -> i64 {
        i64::from(self.days) * 86_400_000_000
    }
}

impl Default for CalibrationSettings {
    fn default() -> Self {
        Self { enabled: true, repeated_failures: 3, days: 7, disparity: 0.5, window: 1_000, least_runs: 5 }
    }
}

/// Where prompts are registered, and how fresh what renderings know of it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PromptSettings {
    /// Whether declared prompts are registered, and rendered as the registry says.
    pub enabled: bool,
    /// The catalog and schema that registry names begin with.
    pub catalog: Option<Catalog>,
    /// After how long a change that another process made is known here.
    pub ttl: Duration,
}

/// What is kept out of every output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedactSettings {
    /// Whether secrets are looked for.
    pub enabled: bool,
    /// Whether captured values are kept; otherwise only their lengths and hashes.
    pub content: bool,
    /// Further names of fields whose values are secrets.
    pub field_names: Vec<String>,
    /// Further patterns of secrets, as regular expressions.
    pub patterns: Vec<String>,
}

/// What memory and documents hold at most.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The items of one document; further ones stay in the event stream.
    pub max_items: usize,
    /// The bytes of one value; a longer one is cut.
    pub max_value_bytes: usize,
    /// The bytes of an LLM interaction or validation error above which it gets a file of its own.
    pub side_file_bytes: usize,
    /// The records of one thread that wait for the collector.
    pub queue: usize,
    /// The bytes of captured values that wait for the collector.
    pub payload_bytes: usize,
    /// The bytes of the documents of running traces.
    pub open_trace_bytes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            dir: PathBuf::from("./traces"),
            database: Database::Embedded,
            scorecard: ScorecardMode::Auto,
            summary: true,
            sample: 1.0,
            projects_off: Vec::new(),
            max_wait: Some(Duration::from_millis(100)),
            prompts: PromptSettings::default(),
            prices: None,
            redact: RedactSettings::default(),
            gate: GatePolicy::default(),
            calibration: CalibrationSettings::default(),
            limits: Limits::default(),
            otlp: OtlpSettings::default(),
        }
    }
}

impl Default for PromptSettings {
    fn default() -> Self {
        Self { enabled: true, catalog: None, ttl: Duration::from_secs(30) }
    }
}

impl Default for RedactSettings {
    fn default() -> Self {
        Self { enabled: true, content: true, field_names: Vec::new(), patterns: Vec::new() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_items: 100_000,
            max_value_bytes: 1024 * 1024,
            side_file_bytes: 64 * 1024,
            queue: 4_096,
            payload_bytes: 64 * 1024 * 1024,
            open_trace_bytes: 256 * 1024 * 1024,
        }
    }
}

impl Settings {
    /// The settings of this process, and what could not be taken as it was meant. Never fails: a bad value counts as not given.
    ///
    /// One thing is stricter: when anything that was said about redaction cannot be read, or the whole file cannot,
    /// [`RedactSettings::enabled`] is on and [`RedactSettings::content`] off. Content not recorded can be recorded tomorrow,
    /// a secret on the disk cannot be taken back.
    #[must_use]
    pub fn load() -> (Self, Vec<Problem>) {
        Self::load_from(&Surroundings::of_process())
    }

    /// The settings of this process.
    ///
    /// # Errors
    /// [`SettingsError`] with every [`Problem`] found.
    pub fn try_load() -> Result<Self, SettingsError> {
        Self::try_load_from(&Surroundings::of_process())
    }

    /// As [`Settings::load`], from the surroundings given.
    #[must_use]
    pub fn load_from(surroundings: &Surroundings) -> (Self, Vec<Problem>) {
        let mut settings = Self::default();
        let mut problems = Vec::new();
        file::apply(&mut settings, surroundings, &mut problems);
        settings.apply_environment(surroundings, &mut problems);
        settings.check(&mut problems);
        if problems.iter().any(Problem::concerns_redaction) {
            settings.redact.enabled = true;
            settings.redact.content = false;
            problems.push(Problem::content_off());
        }
        (settings, problems)
    }

    /// As [`Settings::try_load`], from the surroundings given.
    ///
    /// # Errors
    /// [`SettingsError`] with every [`Problem`] found.
    pub fn try_load_from(surroundings: &Surroundings) -> Result<Self, SettingsError> {
        match Self::load_from(surroundings) {
            (settings, problems) if problems.is_empty() => Ok(settings),
            (_, problems) => Err(problems.into()),
        }
    }

    /// The settings file that counts in these surroundings; `None` without one.
    #[must_use]
    pub fn file(surroundings: &Surroundings) -> Option<PathBuf> {
        file::find(surroundings, &mut Vec::new())
    }

    /// Where the SQLite database is, if rows go to one.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        match &self.database {
            Database::Embedded => Some(self.dir.join("whytrace.db")),
            Database::Sqlite(path) => Some(path.clone()),
            Database::Postgres(_) | Database::Off => None,
        }
    }

    fn apply_environment(&mut self, surroundings: &Surroundings, problems: &mut Vec<Problem>) {
        for (name, value) in &surroundings.variables {
            // An empty variable counts as not set: that is how shells and container files take one back.
            if value.is_empty() || name == CONFIG_VARIABLE {
                continue;
            }
            let option = OPTIONS.iter().find(|option| option.variable == Some(name.as_str()));
            let Some(option) = option else {
                problems.extend(options::unknown_variable(name));
                continue;
            };
            let given = Given { value: Value::of_variable(value), base: None };
            if let Err(expected) = (option.apply)(self, &given) {
                problems.push(Problem::of_variable(option, name, &given.value, &expected));
            }
        }
    }

    /// What each value allows but all together do not. The values stay: which of them is wrong is not known.
    fn check(&self, problems: &mut Vec<Problem>) {
        let GatePolicy { scale, gap_below, strength_from, threshold } = self.gate;
        for (name, value) in [("gap_below", gap_below), ("strength_from", strength_from), ("threshold", threshold)] {
            if value > scale {
                let meaning = if name == "gap_below" { "every score is a gap" } else { "no score reaches it" };
                problems.push(Problem::general(format!("gate.{name} is {value} and gate.scale is {scale}: {meaning}")));
            }
        }
        if gap_below > strength_from {
            problems.push(Problem::general(format!(
                "gate.gap_below is {gap_below} and gate.strength_from is {strength_from}: a score between is both gap and strength"
            )));
        }
    }
}

#[cfg(test)]
mod tests;
