//! Experiments: which share of the traffic gets which version, and who gets which.
//!
//! The same key gets the same arm for as long as the experiment runs, in every process: the arm follows from a hash of experiment and key.

use super::RegistryError;
use super::version::number;
use crate::sql::prompts::ExperimentRow;
use crate::sql::prompts::samples::SampleRow;
use serde::{Deserialize, Serialize};
use trace_core::model::{Money, Timestamp};

/// What keeps whoever calls in one arm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StickyKey {
    /// The session of the trace; a trace without one is its own.
    #[default]
    Session,
    /// The user of the trace; a trace without one goes by its session.
    User,
}

/// Whether an experiment still chooses versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExperimentStatus {
    /// It does.
    Running,
    /// It is over.
    Stopped,
}

/// A version and its share of the traffic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// `A`, `B`, …, in the order of the versions.
    pub group: String,
    /// The version.
    pub version: u32,
    /// How much of the traffic it gets, in percent.
    pub percent: f64,
}

/// A split of a prompt's traffic between versions.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Experiment {
    /// Unique among all experiments.
    pub id: String,
    /// The prompt's name in the registry.
    pub registry_name: String,
    /// What it is called.
    pub name: String,
    /// The arms, by version; their percentages sum to 100.
    pub arms: Vec<Arm>,
    /// What keeps whoever calls in one arm.
    pub key: StickyKey,
    /// Whether it still chooses versions.
    pub status: ExperimentStatus,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it was stopped.
    pub ended_at: Option<Timestamp>,
}

/// What was measured of one execution. What is not known is absent, never 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Sample {
    /// Its run; empty outside any.
    pub trace_id: String,
    /// Whether the call did what it should.
    pub success: bool,
    /// How long it took, in milliseconds.
    pub response_time_ms: Option<f64>,
    /// All tokens, those of caches and reasoning included.
    pub total_tokens: Option<u64>,
    /// What it cost.
    pub cost_usd: Option<Money>,
    /// The quality of its run, on the scale of its quality gate.
    pub quality: Option<f64>,
}

impl Sample {
    pub(super) fn of_row(row: SampleRow) -> Self {
        Self {
            trace_id: row.trace_id,
            success: row.success,
            response_time_ms: row.response_time_ms,
            total_tokens: row.total_token_count.map(|count| count.max(0).unsigned_abs()),
            cost_usd: row.cost_usd,
            quality: row.overall_quality_score,
        }
    }
}

/// The executions of one arm, the oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArmSamples {
    /// The arm.
    pub arm: Arm,
    /// Its executions.
    pub samples: Vec<Sample>,
}

/// An experiment to be started.
///
/// ```
/// use trace_store::prompts::{ExperimentPlan, StickyKey};
/// let plan = ExperimentPlan::new("support_bot").arm(1, 50.0).arm(2, 50.0).by(StickyKey::User).name("concise or not");
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "give it to `start_experiment`"]
pub struct ExperimentPlan {
    pub(super) prompt: String,
    pub(super) name: String,
    pub(super) arms: Vec<(u32, f64)>,
    pub(super) key: StickyKey,
}

impl ExperimentPlan {
    /// An experiment on the prompt of this name.
    pub fn new(prompt: impl Into<String>) -> Self {
        Self { prompt: prompt.into(), name: String::new(), arms: Vec::new(), key: StickyKey::default() }
    }

    /// Gives a version so many percent of the traffic.
    pub fn arm(mut self, version: u32, percent: f64) -> Self {
        self.arms.push((version, percent));
        self
    }

    /// What keeps whoever calls in one arm; the session, if it is not said.
    pub fn by(mut self, key: StickyKey) -> Self {
        self.key = key;
        self
    }

    /// What it is called.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The arms in the order of their versions, if they can be.
    pub(super) fn checked_arms(&self, registry_name: &str) -> Result<Vec<Arm>, RegistryError> {
        let refuse = |reason: String| RegistryError::Experiment { registry_name: registry_name.to_owned(), reason };
        let mut arms = self.arms.clone();
        arms.sort_by_key(|(version, _)| *version);
        if arms.len() < 2 {
            return Err(refuse(format!("it has {} arms and needs two at least", arms.len())));
        }
        if arms.len() > 26 {
            return Err(refuse(format!("it has {} arms and may have 26 at most", arms.len())));
        }
        if let Some(twice) = arms.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(refuse(format!("version {} is in two arms", twice[0].0)));
        }
        if let Some((version, percent)) = arms.iter().find(|(_, percent)| !(*percent > 0.0 && *percent < 100.0)) {
            return Err(refuse(format!(
                "version {version} has {percent} % of the traffic, which is not between 0 and 100"
            )));
        }
        let sum: f64 = arms.iter().map(|(_, percent)| percent).sum();
        if (sum - 100.0).abs() > 1e-6 {
            return Err(refuse(format!("the arms have {sum} % of the traffic together, which is not 100")));
        }
        let group = |index: u8| char::from(b'A' + index).to_string();
        Ok((0..).zip(arms).map(|(index, (version, percent))| Arm { group: group(index), version, percent }).collect())
    }
}

impl Experiment {
    /// The arm that this key is in, always the same.
    #[must_use]
    pub fn assign(&self, key: &str) -> Option<&Arm> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&(self.id.len() as u64).to_le_bytes());
        hasher.update(self.id.as_bytes());
        hasher.update(key.as_bytes());
        let bytes = hasher.finalize();
        let number =
            u32::from_le_bytes([bytes.as_bytes()[0], bytes.as_bytes()[1], bytes.as_bytes()[2], bytes.as_bytes()[3]]);
        let place = f64::from(number) / (f64::from(u32::MAX) + 1.0) * 100.0;
        let mut end = 0.0;
        let found = self.arms.iter().find(|arm| {
            end += arm.percent;
            place < end
        });
        // The percentages may sum to a hair less than 100.
        found.or(self.arms.last())
    }

    pub(super) fn of_row(row: ExperimentRow) -> Self {
        Self {
            id: row.id,
            registry_name: row.registry_name,
            name: row.name,
            // The registry writes arms only.
            arms: serde_json::from_str(row.arms.as_str()).unwrap_or_default(),
            key: if row.sticky_key == "user" { StickyKey::User } else { StickyKey::Session },
            status: if row.status == "running" { ExperimentStatus::Running } else { ExperimentStatus::Stopped },
            started_at: row.started_at,
            ended_at: row.ended_at,
        }
    }

    /// The samples, arm by arm.
    pub(super) fn sorted(&self, rows: Vec<SampleRow>) -> Vec<ArmSamples> {
        let mut arms: Vec<ArmSamples> =
            self.arms.iter().map(|arm| ArmSamples { arm: arm.clone(), samples: Vec::new() }).collect();
        for row in rows {
            if let Some(arm) = arms.iter_mut().find(|arm| arm.arm.version == number(row.version)) {
                arm.samples.push(Sample::of_row(row));
            }
        }
        arms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment(arms: &[(u32, f64)]) -> Experiment {
        let mut plan = ExperimentPlan::new("p");
        plan.arms = arms.to_vec();
        Experiment {
            id: "exp_1".into(),
            registry_name: "p_prompt".into(),
            name: String::new(),
            arms: plan.checked_arms("p_prompt").unwrap(),
            key: StickyKey::User,
            status: ExperimentStatus::Running,
            started_at: Timestamp::now(),
            ended_at: None,
        }
    }

    #[test]
    fn the_same_key_gets_the_same_arm_and_arms_get_their_share() {
        let split = experiment(&[(2, 70.0), (1, 10.0), (3, 20.0)]);
        let mut counts = [0_u32; 3];
        for user in 0..10_000 {
            let key = format!("user-{user}");
            let arm = split.assign(&key).unwrap();
            assert_eq!(split.assign(&key), Some(arm));
            counts[arm.version as usize - 1] += 1;
        }
        // Ten thousand draws: five standard deviations are 150, 230 and 200.
        for (count, share) in counts.into_iter().zip([1_000, 7_000, 2_000]) {
            assert!(count.abs_diff(share) < 250, "{counts:?}");
        }
        let other = Experiment { id: "exp_2".into(), ..split.clone() };
        let moved = (0..1_000).filter(|n| split.assign(&n.to_string()) != other.assign(&n.to_string())).count();
        assert!(moved > 100, "another experiment splits otherwise: {moved}");
    }

    #[test]
    fn arms_that_cannot_be_are_refused() {
        let reason = |arms: &[(u32, f64)]| {
            let plan = ExperimentPlan { arms: arms.to_vec(), ..ExperimentPlan::new("p") };
            plan.checked_arms("p_prompt").unwrap_err().to_string()
        };
        assert!(reason(&[(1, 100.0)]).contains("needs two"));
        assert!(reason(&[(1, 50.0), (1, 50.0)]).contains("in two arms"));
        assert!(reason(&[(1, 50.0), (2, 49.0)]).contains("99 %"));
        assert!(reason(&[(1, -5.0), (2, 105.0)]).contains("not between"));
        assert!(reason(&[(1, f64::NAN), (2, 50.0)]).contains("not between"));
    }
}
