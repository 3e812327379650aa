//! Arguments of `whytrace prompts`.

use super::JsonArg;
use clap::Subcommand;

/// What to do with the registry of prompts.
#[derive(Debug, Subcommand)]
pub(crate) enum PromptsCommand {
    /// List the prompts
    List {
        #[command(flatten)]
        json: JsonArg,
    },
    /// Show a version: its texts, labels and statistics
    Show {
        /// The prompt: NAME for its newest version, NAME@2, NAME@production, or a URI (prompts:/…)
        #[arg(value_name = "PROMPT")]
        prompt: String,
        #[command(flatten)]
        json: JsonArg,
    },
    /// List the versions of a prompt, newest first, with what each changed
    History {
        /// The prompt
        #[arg(value_name = "NAME")]
        name: String,
        #[command(flatten)]
        json: JsonArg,
    },
    /// Show what two versions differ in
    Diff {
        /// The prompt
        #[arg(value_name = "NAME")]
        name: String,
        /// The version compared with
        #[arg(value_name = "FROM")]
        from: u32,
        /// The version compared
        #[arg(value_name = "TO")]
        to: u32,
        #[command(flatten)]
        json: JsonArg,
    },
    /// Let a label point to a version; `production` is the one that programs render
    Label {
        /// The prompt
        #[arg(value_name = "NAME")]
        name: String,
        /// The label
        #[arg(value_name = "LABEL")]
        label: String,
        /// The version it points to
        #[arg(value_name = "VERSION", required_unless_present = "remove")]
        version: Option<u32>,
        /// Remove the label
        #[arg(long, conflicts_with = "version")]
        remove: bool,
    },
    /// Add a version with the texts of an earlier one
    Rollback {
        /// The prompt
        #[arg(value_name = "NAME")]
        name: String,
        /// The version whose texts come back
        #[arg(value_name = "VERSION")]
        version: u32,
        #[command(flatten)]
        json: JsonArg,
    },
}
