use super::Guard;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use trace_core::diagnostics::say;
use trace_core::model::GatePolicy;
use trace_core::observe::Observer;
use trace_core::pricer::Pricer;
use trace_core::redact::{RedactConfig, Rule};
use trace_core::sink::Sink;
use trace_core::{Options, Tracer, TracerError};
use trace_store::files::{DocumentSink, ScorecardMode, ScorecardSink, SummarySink};
use trace_store::prices::{PriceError, Prices};
use trace_store::settings::{Database, Problem, Settings, SettingsError};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use trace_store::sql::RowsSink;

/// Configures a tracer; see [`super::Tracer::builder`].
#[derive(Debug)]
#[must_use = "call `.init()` and keep the guard"]
pub struct TracerBuilder {
    settings: Settings,
    /// What environment and file say that could not be taken.
    problems: Vec<Problem>,
    rules: Vec<Rule>,
    sinks: Vec<Sinks>,
    observers: Vec<Observers>,
}

/// An observer of the user's.
struct Observers(Arc<dyn Observer>);

impl std::fmt::Debug for Observers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

/// A sink of the user's.
struct Sinks(Arc<dyn Sink>);

impl std::fmt::Debug for Sinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

/// Why tracing could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// Environment or `whytrace.toml` say something that cannot be taken.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The folder of traces cannot be made.
    #[error("cannot make the folder of traces {}: {source}; set WHYTRACE_DIR to one that can be written", path.display())]
    Dir {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of prices says something that is no price.
    #[error(transparent)]
    Prices(#[from] PriceError),
    /// The tracer cannot be started.
    #[error(transparent)]
    Tracer(#[from] TracerError),
}

impl TracerBuilder {
    pub(super) fn from_surroundings() -> Self {
        let (settings, problems) = Settings::load();
        Self { settings, problems, rules: Vec::new(), sinks: Vec::new(), observers: Vec::new() }
    }

    /// Whether anything is recorded. Off: no file, no thread, no allocation.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.settings.enabled = enabled;
        self
    }

    /// The folder of all traces.
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.settings.dir = dir.into();
        self
    }

    /// Where the rows go: `sqlite://PATH`, `postgres://USER:PASSWORD@HOST/DATABASE`, or `off`. A text that is none of these is reported
    /// when tracing starts.
    pub fn database_url(mut self, url: &str) -> Self {
        match url.parse::<Database>() {
            Ok(database) => self.settings.database = database,
            Err(error) => self.problems.extend_from_slice(error.problems()),
        }
        self
    }

    /// Rows go nowhere: documents and event streams only.
    pub fn no_database(mut self) -> Self {
        self.settings.database = Database::Off;
        self
    }

    /// Whether and how the scorecard is printed after each trace.
    pub fn scorecard(mut self, mode: ScorecardMode) -> Self {
        self.settings.scorecard = mode;
        self
    }

    /// Whether a Markdown summary is written beside each document.
    pub fn summary(mut self, summary: bool) -> Self {
        self.settings.summary = summary;
        self
    }

    /// The share of traces whose documents and child rows are kept, 0..=1. What failed or fell through the gate is always kept.
    pub fn sample(mut self, ratio: f64) -> Self {
        self.settings.sample = ratio.clamp(0.0, 1.0);
        self
    }

    /// Runs of this project are not recorded.
    pub fn project_off(mut self, project: impl Into<String>) -> Self {
        self.settings.projects_off.push(project.into());
        self
    }

    /// How long the callers of one trace wait for room altogether, before records are dropped and counted; `None` for as long as it
    /// takes.
    pub fn max_wait(mut self, max_wait: Option<Duration>) -> Self {
        self.settings.max_wait = max_wait;
        self
    }

    /// Whether captured content is kept; otherwise only its length and hash.
    pub fn content(mut self, content: bool) -> Self {
        self.settings.redact.content = content;
        self
    }

    /// A further name of fields whose values are secrets.
    pub fn redact_field(mut self, name: impl Into<String>) -> Self {
        self.settings.redact.field_names.push(name.into());
        self
    }

    /// A further pattern of secrets, as a regular expression.
    pub fn redact_pattern(mut self, pattern: impl Into<String>) -> Self {
        self.settings.redact.patterns.push(pattern.into());
        self
    }

    /// A rule of redaction in code: it gets a path and a text, and gives what to keep instead, if anything.
    pub fn redact_rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// The scale of scores, and where a gap, a strength and a pass begin.
    pub fn gate(mut self, policy: GatePolicy) -> Self {
        self.settings.gate = policy;
        self
    }

    /// Something else that gets every finished trace.
    pub fn sink(mut self, sink: Arc<dyn Sink>) -> Self {
        self.sinks.push(Sinks(sink));
        self
    }

    /// Something that sees every event of all traces as it is recorded, redacted, on a thread of its own; see [`Observer`]. A closure
    /// is one.
    ///
    /// ```no_run
    /// use whytrace::event::Event;
    /// use whytrace::observe::only;
    /// let watch = only(["validation_error"], |event: &Event| eprintln!("{:?}", event.body));
    /// let _guard = whytrace::Tracer::builder().observer(watch).init();
    /// ```
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observers.push(Observers(Arc::new(observer)));
        self
    }

    /// Tells what `tracing` (and so `log`) should know: ends of stages and traces, decisions, errors; see [`TracingEvents`].
    ///
    /// [`TracingEvents`]: crate::observe::TracingEvents
    #[cfg(feature = "tracing")]
    pub fn tracing_events(self) -> Self {
        self.observer(crate::tracing_events::TracingEvents::new())
    }

    /// Changes any setting.
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Starts tracing. What is wrong is said on stderr, and what can work does.
    pub fn init(mut self) -> Guard {
        for problem in self.problems.drain(..) {
            say(&problem.to_string());
        }
        if !self.settings.enabled || cfg!(feature = "disabled") {
            Tracer::switched_off();
            return Guard::idle();
        }
        if let Err(error) = self.make_dir() {
            say(&error.to_string());
        }
        let prices = self.prices().unwrap_or_else(|error| {
            say(&error.to_string());
            Prices::carried()
        });
        match self.start(prices) {
            Ok(guard) => guard,
            Err(error) => {
                say(&format!("nothing is recorded: {error}"));
                Guard::idle()
            }
        }
    }

    /// Starts tracing.
    ///
    /// # Errors
    /// When a setting is not valid, the folder cannot be made, or a tracer is installed already.
    pub fn try_init(mut self) -> Result<Guard, InitError> {
        let problems = std::mem::take(&mut self.problems);
        if !problems.is_empty() {
            return Err(SettingsError::from(problems).into());
        }
        if !self.settings.enabled || cfg!(feature = "disabled") {
            Tracer::switched_off();
            return Ok(Guard::idle());
        }
        self.make_dir()?;
        let prices = self.prices()?;
        self.start(prices)
    }

    fn make_dir(&self) -> Result<(), InitError> {
        let path = &self.settings.dir;
        std::fs::create_dir_all(path).map_err(|source| InitError::Dir { path: path.clone(), source })
    }

    fn prices(&self) -> Result<Prices, PriceError> {
        self.settings.prices.as_deref().map_or_else(|| Ok(Prices::carried()), Prices::with_file)
    }

    fn start(self, prices: Prices) -> Result<Guard, InitError> {
        let observers = self.observers.iter().map(|observer| Arc::clone(&observer.0)).collect();
        let rows = self.rows();
        let prices = Arc::new(prices);
        let mut options = self.options();
        options.pricer = Some(Arc::clone(&prices) as Arc<dyn Pricer>);
        let tracer = Tracer::observed(options, &self.redaction(), self.all_sinks(&rows), observers)?;
        tracer.install()?;
        let recovery = recover_in_background(&tracer);
        #[cfg(any(feature = "sqlite", feature = "postgres"))]
        if let Some(rows) = rows {
            crate::prompts::start(&self.settings, &self.redaction(), rows, prices);
        }
        Ok(Guard::new(tracer, recovery))
    }

    fn options(&self) -> Options {
        let settings = &self.settings;
        let mut options = Options::default();
        options.dir = Some(settings.dir.clone());
        options.max_wait = settings.max_wait;
        options.ring_records = settings.limits.queue;
        options.payload_bytes = settings.limits.payload_bytes;
        options.open_bytes = settings.limits.open_trace_bytes;
        options.max_items = settings.limits.max_items as u64;
        options.side_file_bytes = settings.limits.side_file_bytes;
        options.gate = settings.gate;
        options.sample = settings.sample;
        options.projects_off = settings.projects_off.iter().cloned().collect();
        options
    }

    fn redaction(&self) -> RedactConfig {
        let settings = &self.settings.redact;
        RedactConfig {
            enabled: settings.enabled,
            content: settings.content,
            max_value_bytes: self.settings.limits.max_value_bytes,
            field_names: settings.field_names.clone(),
            patterns: settings.patterns.clone(),
            rules: self.rules.clone(),
            ..RedactConfig::default()
        }
    }

    /// The sink of the database, if there is to be one.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn rows(&self) -> Option<Arc<RowsSink>> {
        match RowsSink::of_settings(&self.settings) {
            Ok(rows) => rows.map(Arc::new),
            Err(error) => {
                say(&format!("no rows are kept: {error}"));
                None
            }
        }
    }

    #[cfg(not(any(feature = "sqlite", feature = "postgres")))]
    #[allow(clippy::unused_self)] // the same shape as with a database
    fn rows(&self) -> Option<Arc<DocumentSink>> {
        None
    }

    fn all_sinks<R: Sink>(&self, rows: &Option<Arc<R>>) -> Vec<Arc<dyn Sink>> {
        let mut sinks: Vec<Arc<dyn Sink>> = vec![Arc::new(DocumentSink::new())];
        if self.settings.summary {
            sinks.push(Arc::new(SummarySink::new(self.settings.gate.scale)));
        }
        let scorecard = ScorecardSink::new(self.settings.scorecard, self.settings.gate.scale);
        if scorecard.is_on() {
            sinks.push(Arc::new(scorecard));
        }
        sinks.extend(rows.iter().map(|rows| Arc::clone(rows) as Arc<dyn Sink>));
        match otlp_sink(&self.settings) {
            Ok(otlp) => sinks.extend(otlp),
            Err(error) => say(&format!("no spans are sent: {error}")),
        }
        sinks.extend(self.sinks.iter().map(|sink| Arc::clone(&sink.0)));
        sinks
    }
}

/// The sink that settings ask for; `None` when they ask for none.
#[cfg(feature = "otel")]
fn otlp_sink(settings: &Settings) -> Result<Option<Arc<dyn Sink>>, Box<dyn std::error::Error>> {
    use trace_otel::{ExportOptions, OtlpSink, Profiles};
    use trace_store::settings::OtlpEndpoint;
    let mut options = match &settings.otlp.endpoint {
        OtlpEndpoint::Off => return Ok(None),
        OtlpEndpoint::Environment => ExportOptions::from_env()?,
        OtlpEndpoint::Url(url) => ExportOptions::from_env()?.to(url.as_str()),
    };
    if !settings.otlp.profiles.is_empty() {
        options = options.profiles(settings.otlp.profiles.join(",").parse::<Profiles>()?);
    }
    if let Some(protocol) = &settings.otlp.protocol {
        options = options.protocol(protocol.parse()?);
    }
    Ok(Some(Arc::new(OtlpSink::new(options, &settings.dir)?)))
}

/// The same in a program that cannot send any.
#[cfg(not(feature = "otel"))]
fn otlp_sink(settings: &Settings) -> Result<Option<Arc<dyn Sink>>, &'static str> {
    match &settings.otlp.endpoint {
        trace_store::settings::OtlpEndpoint::Off => Ok(None),
        _ => Err("otlp.endpoint is set, but this program is built without the feature `otel` of whytrace"),
    }
}

/// Recovery reads files, which may take a while: the program does not wait for it.
fn recover_in_background(tracer: &Tracer) -> Option<JoinHandle<()>> {
    let tracer = tracer.clone();
    let recovery = move || {
        let (recovered, errors) = trace_core::collect::recover(&tracer);
        for trace in recovered {
            say(&format!(
                "recovered {} of project {}, which a process left open: incomplete, with {} events",
                trace.trace_id, trace.project_id, trace.events
            ));
        }
        for error in errors {
            say(&error.to_string());
        }
    };
    let started = std::thread::Builder::new().name("whytrace-recover".to_owned()).spawn(recovery);
    let failed =
        |error| say(&format!("cannot start recovering traces of the past: {error}; `whytrace::recover()` does it"));
    started.map_err(failed).ok()
}
