//! What a case found: named figures, in one line.

use crate::process;
use std::time::Duration;

/// Figures with their units, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Outcome(Vec<String>);

impl Outcome {
    pub(crate) fn figure(mut self, name: &str, value: f64, unit: &str) -> Self {
        let digits = if value.abs() < 100.0 { 1 } else { 0 };
        self.0.push(format!("{name} {value:.digits$} {unit}"));
        self
    }

    pub(crate) fn count(mut self, name: &str, count: u64) -> Self {
        self.0.push(format!("{name} {count}"));
        self
    }

    /// The middle, the slowest hundredth and the slowest.
    pub(crate) fn distribution(self, mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let place = (times.len() as f64 * share) as usize;
            times.get(place.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
        self.figure("caller p50", p50, "µs").figure("p99", p99, "µs").figure("max", max, "µs")
    }

    pub(crate) fn with_peak_memory(self) -> Result<Self, String> {
        Ok(self.figure("peak", process::peak_memory()?, "MiB"))
    }

    pub(crate) fn to_line(&self) -> String {
        self.0.join(" | ")
    }
}
