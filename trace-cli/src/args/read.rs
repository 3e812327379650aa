//! Arguments of the commands that read traces.

use super::JsonArg;
use clap::{Args, ValueEnum};

/// Which runs, and how many.
#[derive(Args, Clone, Debug)]
pub(crate) struct WindowArgs {
    /// Runs that began at or after this moment: 2026-02-13, 2026-02-13T14:30:22Z, -7d (also h, m, s, w)
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true, default_value = "-30d", hide_default_value = true)]
    #[arg(
        help = "Runs that began at or after this moment: 2026-02-13, 2026-02-13T14:30:22Z, -7d (also h, m, s, w) [default: 30 days ago]"
    )]
    pub(crate) since: String,

    /// Runs that began before this moment
    #[arg(long, value_name = "MOMENT", allow_hyphen_values = true)]
    pub(crate) until: Option<String>,

    /// Runs of any time
    #[arg(long, conflicts_with_all = ["since", "until"])]
    pub(crate) all: bool,
}

/// A page of a list.
#[derive(Args, Clone, Debug)]
pub(crate) struct PageArgs {
    #[command(flatten)]
    pub(crate) window: WindowArgs,

    /// How many runs at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) limit: u32,

    /// The next page: what the page before printed
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    pub(crate) cursor: Option<String>,

    #[command(flatten)]
    pub(crate) json: JsonArg,
}

/// List runs, newest first
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Of this project, by its folder name
    #[arg(long, short = 'p', value_name = "PROJECT")]
    pub(crate) project: Option<String>,

    /// With this intent
    #[arg(long, value_name = "INTENT")]
    pub(crate) intent: Option<String>,

    /// Of this subject area
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,

    /// That ended so: complete, incomplete, failed, in_progress
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,

    /// Of this session
    #[arg(long, value_name = "SESSION")]
    pub(crate) session: Option<String>,

    /// That called a model with this prompt, in this version if one is given
    #[arg(long, value_name = "NAME[@VERSION]")]
    pub(crate) prompt: Option<String>,

    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// Find runs with a filter
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  whytrace query 'status = failed and intent = validating'\n  \
                        whytrace query 'decision.source_selected.confidence < 0.5 and total_cost_usd > 0.10'\n  \
                        whytrace query 'prompt = \"support_bot@2\" and score.META-12 < 2' --since -7d\n\
                        docs/queries.md has the language.")]
pub(crate) struct QueryArgs {
    /// The filter
    #[arg(value_name = "FILTER")]
    pub(crate) filter: String,

    #[command(flatten)]
    pub(crate) page: PageArgs,
}

/// Show one run
#[derive(Args, Debug)]
#[command(
    after_help = "The id may be shortened to a beginning that only one run has, or be `last` for the newest run."
)]
pub(crate) struct ShowArgs {
    /// The run
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// With stages, scores, calls and the least confident decisions
    #[arg(long, short = 'v', conflicts_with_all = ["json", "markdown", "tree"])]
    pub(crate) verbose: bool,

    /// As a tree: stages, observations, decisions with why and alternatives, durations as bars, errors in place
    #[arg(long, short = 't', conflicts_with_all = ["json", "markdown"])]
    pub(crate) tree: bool,

    /// As a Markdown summary
    #[arg(long, conflicts_with = "json")]
    pub(crate) markdown: bool,

    #[command(flatten)]
    pub(crate) json: JsonArg,
}

/// Compare two runs, what differs first
#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// The first run: its id, a beginning of it, or `last`
    #[arg(value_name = "A")]
    pub(crate) a: String,

    /// The second run
    #[arg(value_name = "B")]
    pub(crate) b: String,

    #[command(flatten)]
    pub(crate) json: JsonArg,
}

/// Tell a run backwards from its outcome: gate and gaps, errors, the least certain decisions, what the last good run decided differently
#[derive(Args, Debug)]
pub(crate) struct WhyArgs {
    /// The run: its id, a beginning of it, or `last`
    #[arg(value_name = "ID")]
    pub(crate) id: String,

    /// How many decisions at most
    #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
    pub(crate) limit: usize,

    #[command(flatten)]
    pub(crate) json: JsonArg,
}

/// Sum up many runs
#[derive(Args, Debug)]
pub(crate) struct SummaryArgs {
    /// In groups
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) by: Option<By>,

    #[command(flatten)]
    pub(crate) window: WindowArgs,

    #[command(flatten)]
    pub(crate) json: JsonArg,
}

/// What runs are grouped by.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum By {
    /// The calendar day (UTC) on which they began
    Day,
    /// The subject area
    Domain,
    /// The intent
    Intent,
    /// The project
    Project,
    /// How they ended
    Status,
}

/// Show which principles fail most often
#[derive(Args, Debug)]
pub(crate) struct PatternsArgs {
    /// Only principles that were judged in at least so many runs
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) min_runs: u32,

    #[command(flatten)]
    pub(crate) window: WindowArgs,

    #[command(flatten)]
    pub(crate) json: JsonArg,
}

/// Which time, and for whom.
#[derive(Args, Debug)]
pub(crate) struct WindowJsonArgs {
    #[command(flatten)]
    pub(crate) window: WindowArgs,

    #[command(flatten)]
    pub(crate) json: JsonArg,
}
