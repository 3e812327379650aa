//! Reports over many calls, stages and errors: what prompts cost by day, how long they take, which errors come again, where time goes.
//!
//! Comes in: a window. Goes out: rows that are the same from both databases: sums are of whole numbers, percentiles are computed by one rule.

mod costs;
mod errors;
mod latency;
mod normal;
mod percentiles;
mod stages;

pub use costs::DailyCost;
pub use errors::ErrorPattern;
pub use latency::PromptLatency;
pub use stages::StageTiming;
