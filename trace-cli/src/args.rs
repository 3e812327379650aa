//! What can be asked: commands, arguments, options.

mod keep;
mod prompts;
mod read;

pub(crate) use keep::{
    DoctorArgs, ExportArgs, Format, ImportArgs, MigrateArgs, MigrateTo, PruneArgs, ReviewArgs, ScoreArgs,
};
pub(crate) use prompts::PromptsCommand;
pub(crate) use read::{
    By, CompareArgs, ListArgs, PageArgs, PatternsArgs, QueryArgs, ShowArgs, SummaryArgs, WhyArgs, WindowArgs,
    WindowJsonArgs,
};

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Why did this run come out so? Reads, compares and looks after the traces of AI pipelines.
#[derive(Debug, Parser)]
#[command(name = "whytrace", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Where traces are comes from whytrace.toml and WHYTRACE_… variables, as in the traced program; `whytrace doctor` says \
                        what was found.\nExit codes: 0; 1 when nothing was found or a check failed; 2 when the arguments cannot be taken."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,

    /// No colours; the same as NO_COLOR=1
    #[arg(long, global = true)]
    pub(crate) no_color: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where traces are.
#[derive(Args, Debug)]
pub(crate) struct PlaceArgs {
    /// The folder of all traces; without --database, its own database or its documents
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(crate) dir: Option<PathBuf>,

    /// The database: sqlite://PATH, postgres://USER:PASSWORD@HOST/DATABASE, or off (documents only)
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(ListArgs),
    Show(ShowArgs),
    Compare(CompareArgs),
    Why(WhyArgs),
    Query(QueryArgs),
    Summary(SummaryArgs),
    /// List runs whose quality gate failed
    Failures(PageArgs),
    Patterns(PatternsArgs),
    /// List runs that were flagged for review
    Flags(PageArgs),
    Review(ReviewArgs),
    Score(ScoreArgs),
    /// Show what programs declare, and whether what they record conforms to it
    Components(WindowJsonArgs),
    /// Show what prompts cost, day by day
    Costs(WindowJsonArgs),
    /// Show how long the calls made with each prompt take
    Latency(WindowJsonArgs),
    /// Show the errors that runs ended with, the most frequent first
    Errors(WindowJsonArgs),
    /// Show where the time of runs goes
    Stages(WindowJsonArgs),
    /// Look after the registry of prompts: versions, labels, differences
    #[command(subcommand)]
    Prompts(PromptsCommand),
    Doctor(DoctorArgs),
    Import(ImportArgs),
    Export(ExportArgs),
    /// End, as incomplete, the traces that dead processes left open
    Recover,
    /// Write the rows of everything that has none: what waits in the outbox, and documents that the database does not know
    Sync,
    Migrate(MigrateArgs),
    Prune(PruneArgs),
    /// Serve the traces to a coding assistant (Model Context Protocol, stdio)
    #[cfg(feature = "mcp")]
    Mcp,
    /// Print the completions of a shell
    Completion {
        /// For which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

/// Whether to answer for a program.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct JsonArg {
    /// Print JSON for programs
    #[arg(long)]
    pub(crate) json: bool,
}
