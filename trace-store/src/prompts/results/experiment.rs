use super::words;
use super::{Goals, Measures, Metric};
use crate::files::count;
use crate::prompts::{Arm, ArmSamples, Experiment, ExperimentStatus, Registry, RegistryError};
use crate::statistics::{Confidence, Estimate};
use serde::Serialize;
use std::fmt;

/// Fewer values than these are not taken to have a normal mean, which every interval here asks for.
const FEWEST: u64 = 30;

/// What an experiment says of one metric of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The arm is better than the control.
    Better,
    /// The arm is worse than the control.
    Worse,
    /// There are enough executions, and no difference was found: if there is one, it is probably smaller than the smallest worth finding.
    NoDifference,
    /// There are too few executions to say.
    NotEnoughData,
}

/// One metric of an arm, against that of the control.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MetricResult {
    /// The metric.
    pub metric: Metric,
    /// What it says.
    pub verdict: Verdict,
    /// The difference with an interval and a p-value that hold however often one looks: what the verdict rests on.
    pub difference: Option<Estimate>,
    /// The difference with the ordinary interval and p-value. They are right only where the number of executions was fixed before the
    /// experiment began, and nobody stopped it for what was seen.
    pub at_fixed_size: Option<Estimate>,
    /// How many values the control has.
    pub n_control: u64,
    /// How many values the arm has.
    pub n: u64,
    /// How many values control and arm each need for the smallest difference worth finding; `None` where too little is known to say.
    pub n_needed: Option<u64>,
}

/// An arm and what it says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArmResult {
    /// The arm.
    pub arm: Arm,
    /// What was measured in it.
    pub measures: Measures,
    /// Against the control, metric by metric; empty for the control itself.
    pub metrics: Vec<MetricResult>,
}

/// What an experiment says so far. [`Display`](fmt::Display) prints it as a table with one line for each finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ExperimentResult {
    /// The experiment. Its first arm is the control.
    pub experiment: Experiment,
    /// Whether it was stopped: what a running one says may change.
    pub is_final: bool,
    /// The arms.
    pub arms: Vec<ArmResult>,
    /// What was looked for.
    pub goals: Goals,
    /// How sure each single interval is, so that all of them together are as sure as the goals ask (Bonferroni).
    pub confidence_of_each: Confidence,
}

impl Registry {
    /// What an experiment says so far. Looking often does no harm: see `docs/experiments.md`.
    ///
    /// # Errors
    /// [`RegistryError::NoSuchExperiment`], or [`RegistryError::Database`].
    pub async fn experiment_result(&self, id: &str, goals: &Goals) -> Result<ExperimentResult, RegistryError> {
        let (experiment, samples) = (self.experiment(id).await?, self.arm_samples(id).await?);
        Ok(ExperimentResult::new(experiment, &samples, *goals))
    }
}

impl ExperimentResult {
    /// What these samples say, arm by arm in the order of the experiment.
    #[must_use]
    pub fn new(experiment: Experiment, samples: &[ArmSamples], goals: Goals) -> Self {
        let comparisons = samples.len().saturating_sub(1).max(1) * Metric::ALL.len();
        let confidence_of_each = goals.confidence.shared_by(u32::try_from(comparisons).unwrap_or(u32::MAX));
        let control = samples.first().map(|arm| Measures::of(&arm.samples)).unwrap_or_default();
        let result = |(index, arm): (usize, &ArmSamples)| {
            let measures = Measures::of(&arm.samples);
            let metric = |metric| MetricResult::new(metric, &goals, &control, &measures, confidence_of_each);
            let metrics = if index == 0 { Vec::new() } else { Metric::ALL.map(metric).to_vec() };
            ArmResult { arm: arm.arm.clone(), measures, metrics }
        };
        let arms = samples.iter().enumerate().map(result).collect();
        let is_final = experiment.status == ExperimentStatus::Stopped;
        Self { experiment, is_final, arms, goals, confidence_of_each }
    }
}

impl MetricResult {
    fn new(metric: Metric, goals: &Goals, control: &Measures, arm: &Measures, confidence: Confidence) -> Self {
        let found = goals.compare(metric, control, arm, confidence);
        let [n_control, n] = found.n;
        let n_needed = found.needed.map(|needed| needed.max(FEWEST));
        let distinct = found.any_time.filter(Estimate::is_distinct).filter(|_| n.min(n_control) >= FEWEST);
        let verdict = match distinct {
            Some(difference) if metric.is_better(difference.value) => Verdict::Better,
            Some(_) => Verdict::Worse,
            None if found.any_time.is_some() && is_enough(n_control, n, n_needed) => Verdict::NoDifference,
            None => Verdict::NotEnoughData,
        };
        Self { metric, verdict, difference: found.any_time, at_fixed_size: found.fixed, n_control, n, n_needed }
    }
}

/// Whether two groups tell as much as two equal ones of the size needed: the harmonic mean of their sizes is as large, and neither is too
/// small to have a normal mean.
fn is_enough(n_control: u64, n: u64, needed: Option<u64>) -> bool {
    let (one, other) = (u128::from(n_control), u128::from(n));
    let tell_enough = |needed| 2 * one * other >= u128::from(needed) * (one + other);
    n.min(n_control) >= FEWEST && needed.is_some_and(tell_enough)
}

impl fmt::Display for MetricResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes = format!("n = {} / {}", count(self.n), count(self.n_control));
        let found = self
            .difference
            .map(|difference| (words::difference(self.metric, difference), words::interval(self.metric, difference)));
        match (self.verdict, found) {
            (Verdict::Better | Verdict::Worse, Some((words, interval))) => {
                write!(f, "{words} (interval {interval}, {sizes})")
            }
            (Verdict::NoDifference, Some((_, interval))) => {
                write!(f, "{}: no difference found (interval {interval}, {sizes})", self.metric.noun())
            }
            _ => {
                write!(f, "{}: not enough data yet ({sizes}", self.metric.noun())?;
                match self.n_needed {
                    Some(needed) => write!(f, ", {} each needed)", count(needed)),
                    None => write!(f, ")"),
                }
            }
        }
    }
}

impl fmt::Display for ExperimentResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_final { "stopped" } else { "running" };
        writeln!(f, "{} on {}, {state}", self.experiment.name, self.experiment.registry_name)?;
        writeln!(f, "arm  version  share  {}", Measures::HEADER)?;
        for ArmResult { arm, measures, .. } in &self.arms {
            let share = format!("{} %", arm.percent);
            writeln!(f, "{:<4} v{:<7} {share:<6} {}", arm.group, arm.version, measures.cells())?;
        }
        for arm in &self.arms {
            for metric in &arm.metrics {
                writeln!(f, "{} against {}: {metric}", arm.arm.group, self.arms[0].arm.group)?;
            }
        }
        let level = 100.0 * self.goals.confidence.level();
        write!(f, "All intervals together are {level:.0} % sure, however often one looks.")
    }
}
