//! Arguments of the commands that look after traces.

use super::JsonArg;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Say what is configured, what works, and what to do about what does not
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
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
