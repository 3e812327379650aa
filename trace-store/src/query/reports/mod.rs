//! Reports over many calls, stages and errors: what prompts cost by day, how long they take, which errors come again, where time goes.
//!
//! Comes in: a window. Goes out: rows that are the same from both databases: sums are of whole numbers, percentiles are computed by one rule.

mod costs;
mod errors;
mod latency;
mod normal;
pub(super) mod percentiles;
mod stages;

pub use costs::DailyCost;
pub use errors::ErrorPattern;
pub use latency::PromptLatency;
pub use stages::StageTiming;

/// A list of the different names in an indexed column, one index look-up each, however many rows there are: `WITH RECURSIVE names (name) AS …`.
fn names_of(table: &str, column: &str) -> String {
    format!(
        "WITH RECURSIVE names (name) AS (SELECT MIN({column}) FROM {table} UNION ALL \
         SELECT (SELECT MIN({column}) FROM {table} WHERE {column} > names.name) FROM names WHERE names.name IS NOT NULL) "
    )
}
