//! Arguments of the commands that look after traces.

use super::JsonArg;
use clap::{Args, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Say what is configured, what works, and what to do about what does not
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    /// Count the daily sums anew from the traces, where they differ
    #[arg(long)]
    pub(crate) repair: bool,

    #[command(flatten)]
    pub(crate) json: JsonArg,
}

/// Take in documents and event streams, ours or of the Python reference implementation
#[derive(Args, Debug)]
#[command(
    after_help = "Importing twice is importing once. A document that is there already stays, and its rows are written again: \
                        importing a folder of traces into itself fills an empty database."
)]
pub(crate) struct ImportArgs {
    /// Documents (.json), event streams (.jsonl), or folders of them
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
}

/// Bring the tables of the database up to date, look at them, or take them back
#[derive(Args, Debug)]
pub(crate) struct MigrateArgs {
    #[command(subcommand)]
    pub(crate) to: Option<MigrateTo>,
}

/// What to do with the tables.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrateTo {
    /// Bring them up to date (the default)
    Up,
    /// Take them back to an older version; what only newer tables hold is lost
    Down {
        /// The version to go back to; 0 removes every table, and all traces in them
        #[arg(long, value_name = "VERSION")]
        to: i64,
        /// Really do it
        #[arg(long)]
        yes: bool,
    },
    /// Show the versions and whether the database has them
    Status {
        #[command(flatten)]
        json: JsonArg,
    },
}

/// Remove old traces: rows, documents, summaries, side files, their lines in event streams
#[derive(Args, Debug)]
#[command(
    after_help = "Nothing is removed without --yes. Runs in progress are never removed. Interrupted, it is finished by running it again."
)]
pub(crate) struct PruneArgs {
    /// That began longer ago than this: 90d (also h, m, s, w), or before a moment: 2026-02-13
    #[arg(long, value_name = "AGE")]
    pub(crate) older_than: Option<String>,

    /// That ended so: complete, failed, incomplete; may be given several times
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Vec<String>,

    /// Of this project, by its folder name
    #[arg(long, short = 'p', value_name = "PROJECT")]
    pub(crate) project: Option<String>,

    /// Really remove them
    #[arg(long)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) json: JsonArg,
}

/// Write runs with their documents to a file: JSON lines or Parquet
#[derive(Args, Debug)]
#[command(
    after_help = "The file gets its name when it is whole. Interrupted, the same command goes on where it stopped."
)]
pub(crate) struct ExportArgs {
    /// The file, or - for stdout (JSON lines)
    #[arg(value_name = "FILE", required_unless_present = "otlp")]
    pub(crate) to: Option<PathBuf>,

    /// Send the runs as OpenTelemetry spans to this endpoint instead: http://HOST:PORT, https://HOST
    #[arg(long, value_name = "URL", conflicts_with_all = ["to", "format", "force"])]
    pub(crate) otlp: Option<String>,

    /// The conventions that the spans speak: genai, mlflow, langfuse, phoenix, or several with commas
    #[arg(long, value_name = "PROFILES", default_value = "genai", requires = "otlp")]
    pub(crate) profiles: String,

    /// A header of every request, NAME=VALUE; OTEL_EXPORTER_OTLP_HEADERS keeps secrets out of the list of processes
    #[arg(long = "header", value_name = "NAME=VALUE", requires = "otlp")]
    pub(crate) headers: Vec<String>,

    /// What to write; without it, what the file's name says
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,

    /// Only runs that satisfy this filter
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,

    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,

    /// Only runs that began at or after this moment: 2026-02-13, 2026-02-13T14:30:22Z, -7d (also h, m, s, w)
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    pub(crate) since: Option<String>,

    /// Only runs that began before this moment
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,
}

/// A format of exported runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// A document a line
    Jsonl,
    /// A table: the columns of a list, and the document as JSON
    Parquet,
}

/// Note what a reviewer found in a run
#[derive(Args, Debug)]
pub(crate) struct ReviewArgs {
    /// The run: its id, a beginning of it, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// What was found; replaces the note before
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,

    /// The run needs no review any more
    #[arg(long)]
    pub(crate) clear: bool,
}

/// Keep a score that a person or a judge gave
#[derive(Args, Debug)]
pub(crate) struct ScoreArgs {
    /// The run: its id, a beginning of it, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// What was scored: a principle's id, or any other name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The score
    #[arg(value_name = "VALUE", allow_negative_numbers = true)]
    pub(crate) value: f64,

    /// A model gave it, not a person
    #[arg(long)]
    pub(crate) judge: bool,

    /// Who gave it; each author has one score of a name
    #[arg(long, value_name = "WHO")]
    pub(crate) author: Option<String>,

    /// Why
    #[arg(long, value_name = "TEXT")]
    pub(crate) feedback: Option<String>,
}
