//! Where traces are: what the configuration says, and what `--dir` and `--database` say above it.

use crate::args::PlaceArgs;
use crate::failure::Failure;
use crate::out::say;
use std::sync::Arc;
use trace_core::sink::Sink;
use trace_store::files::{DocumentSink, SummarySink};
use trace_store::prompts::Registry;
use trace_store::settings::{Database, Problem, Settings};
use trace_store::sql::{DatabaseUrl, RowsSink, SqlStore};

/// The folder and the database that a command works on.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) settings: Settings,
    /// What file and environment say that could not be taken as it was meant.
    pub(crate) problems: Vec<Problem>,
}

impl Place {
    /// Reads the configuration and what the arguments say above it.
    pub(crate) fn of(args: &PlaceArgs) -> Result<Self, Failure> {
        let (mut settings, problems) = Settings::load();
        if let Some(dir) = &args.dir {
            if dir.as_os_str().is_empty() {
                return Err(Failure::Usage("--dir is empty; name the folder of all traces".to_owned()));
            }
            settings.dir.clone_from(dir);
            // A folder that was named is meant with its own rows, not with those of another place.
            settings.database = Database::Embedded;
        }
        if let Some(url) = &args.database {
            settings.database = url.parse().map_err(|error: trace_store::settings::SettingsError| {
                let problem = error.problems().first().map_or_else(String::new, ToString::to_string);
                Failure::Usage(format!("--database: {problem}"))
            })?;
        }
        Ok(Self { settings, problems })
    }

    /// Says what could not be taken from file and environment, for commands that do not list it themselves.
    pub(crate) fn say_problems(&self) {
        for problem in &self.problems {
            say(&problem.to_string());
        }
    }

    /// The database; `None` where it is off.
    pub(crate) fn database_url(&self) -> Result<Option<DatabaseUrl>, Failure> {
        match (&self.settings.database, self.settings.sqlite_path()) {
            (_, Some(path)) => Ok(Some(DatabaseUrl::sqlite_file(&path))),
            (Database::Postgres(url), None) => url
                .expose()
                .parse()
                .map(Some)
                .map_err(|error: trace_store::sql::SqlError| Failure::Usage(error.to_string())),
            (_, None) => Ok(None),
        }
    }

    /// The registry of prompts, which is in the database.
    pub(crate) async fn open_registry(&self) -> Result<Registry, Failure> {
        let Some(url) = self.database_url()? else {
            let message = "the registry of prompts is in the database, which is off; give one with --database";
            return Err(Failure::Usage(message.to_owned()));
        };
        if self.settings.sqlite_path().is_some_and(|path| !path.exists()) {
            let message = format!("{url} is not there yet; a program that declares prompts makes it when it runs");
            return Err(Failure::Failed(message));
        }
        Registry::open(&url, self.settings.prompts.catalog.clone()).await.map_err(Failure::of)
    }

    /// Opens the database, for a command that is of no use without one.
    pub(crate) async fn open_database(&self) -> Result<SqlStore, Failure> {
        let Some(url) = self.database_url()? else {
            return Err(Failure::Usage(
                "the database is off; give one with --database sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE"
                    .to_owned(),
            ));
        };
        SqlStore::open(&url).await.map_err(Failure::of)
    }

    /// What writes the documents of traces that are taken in.
    pub(crate) fn document_sinks(&self) -> Vec<Arc<dyn Sink>> {
        let mut sinks: Vec<Arc<dyn Sink>> = vec![Arc::new(DocumentSink::new())];
        if self.settings.summary {
            sinks.push(Arc::new(SummarySink::new(self.settings.gate.scale)));
        }
        sinks
    }

    /// What writes their rows; `None` where the database is off.
    pub(crate) fn rows_sink(&self) -> Result<Option<Arc<dyn Sink>>, Failure> {
        let rows = RowsSink::of_settings(&self.settings).map_err(Failure::of)?;
        Ok(rows.map(|rows| Arc::new(rows) as Arc<dyn Sink>))
    }
}
