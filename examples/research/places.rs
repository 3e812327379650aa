//! Where a run leaves its files: the settings of whytrace and a project in, paths out.

use std::path::{Path, PathBuf};
use whytrace::files::{document_path, summary_path};
use whytrace::settings::Settings;

/// The folders and files of one project.
#[derive(Debug)]
pub struct Places {
    /// The project's own folder.
    project: PathBuf,
    /// Where the database is, if it is a file.
    database: Option<PathBuf>,
}

impl Places {
    /// Where a project's files are, by the settings that tracing itself goes by.
    pub fn of(settings: &Settings, project: &str) -> Self {
        Self { project: settings.dir.join(whytrace::project_folder(project)), database: settings.sqlite_path() }
    }

    /// Where the report of a trace goes; of a run without trace, the one report of such runs.
    pub fn report(&self, trace_id: Option<&str>) -> PathBuf {
        self.project.join(trace_id.map_or_else(|| "report.md".to_owned(), |id| format!("report_{id}.md")))
    }

    /// The database, if it is a file and was written.
    pub fn database(&self) -> Option<&Path> {
        self.database.as_deref().filter(|path| path.exists())
    }

    /// The document of a trace, if it was written.
    pub fn document(&self, trace_id: &str) -> Option<PathBuf> {
        document_path(&self.project, trace_id).ok().filter(|path| path.exists())
    }

    /// The summary of a trace, if it was written.
    pub fn summary(&self, trace_id: &str) -> Option<PathBuf> {
        summary_path(&self.project, trace_id).ok().filter(|path| path.exists())
    }
}
