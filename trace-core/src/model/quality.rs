use super::{Object, Timestamp};
use serde::{Deserialize, Serialize};

/// A named quality score of a principle.
///
/// ```
/// use trace_core::model::Score;
/// let score = Score::new("META-12", 1.5).name("Cites its sources").feedback("two claims without one");
/// assert_eq!(score.id, "META-12");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Score {
    /// The principle's id, such as `META-12`.
    pub id: String,
    /// The principle's name.
    pub name: Option<String>,
    /// The score, on the scale of the [`GatePolicy`].
    #[serde(with = "super::number")]
    pub score: f64,
    /// What the judge said.
    pub feedback: Option<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

impl Score {
    /// A score of a principle.
    #[must_use]
    pub fn new(id: impl Into<String>, score: f64) -> Self {
        Self { id: id.into(), score, ..Self::default() }
    }

    /// The principle's name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What the judge said.
    #[must_use]
    pub fn feedback(mut self, feedback: impl Into<String>) -> Self {
        self.feedback = Some(feedback.into());
        self
    }
}

/// The scale of scores, and where a gap, a strength and a pass begin.
///
/// Defaults: scale 0..=3, a principle below 2 is a gap, one at 3 is a strength, an overall score of 2.0 passes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GatePolicy {
    /// The top of the scale.
    pub scale: f64,
    /// A principle below is a gap.
    pub gap_below: f64,
    /// A principle at or above is a strength.
    pub strength_from: f64,
    /// An overall score at or above passes.
    pub threshold: f64,
}

impl Default for GatePolicy {
    fn default() -> Self {
        Self { scale: 3.0, gap_below: 2.0, strength_from: 3.0, threshold: 2.0 }
    }
}

impl GatePolicy {
    /// Whether a score is a number on this scale.
    #[must_use]
    pub fn is_on_scale(&self, score: f64) -> bool {
        (0.0..=self.scale).contains(&score)
    }

    /// Judges scores: overall is their mean. A score beyond an end of the scale counts as that end, one that is no number as 0.
    #[must_use]
    pub fn judge(&self, scores: &[Score]) -> Gate {
        let value = |score: &Score| if score.score.is_nan() { 0.0 } else { score.score.max(0.0).min(self.scale) };
        #[allow(clippy::cast_precision_loss)]
        let overall = (!scores.is_empty()).then(|| scores.iter().map(value).sum::<f64>() / scores.len() as f64);
        let ids = |keep: &dyn Fn(f64) -> bool| {
            scores.iter().filter(|score| keep(value(score))).map(|score| score.id.clone()).collect()
        };
        Gate {
            overall_score: overall,
            passing: overall.map(|overall| overall >= self.threshold),
            threshold: self.threshold,
            gaps: ids(&|score| score < self.gap_below),
            strengths: ids(&|score| score >= self.strength_from),
        }
    }
}

/// The verdict of a quality gate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// The mean of the scores; `null` without scores.
    #[serde(with = "super::number::option")]
    pub overall_score: Option<f64>,
    /// Whether the overall score reached the threshold.
    pub passing: Option<bool>,
    /// The threshold.
    #[serde(with = "super::number")]
    pub threshold: f64,
    /// Principles below the gap threshold.
    pub gaps: Vec<String>,
    /// Principles at the top.
    pub strengths: Vec<String>,
}

impl Gate {
    /// Whether it passed; without any score it did not.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.passing.unwrap_or(false)
    }
}

/// One pass of a retry loop around the quality gate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Iteration {
    /// 1 for the first pass.
    pub index: u32,
    /// When the pass began.
    pub started_at: Option<Timestamp>,
    /// How long it took.
    pub duration_seconds: Option<f64>,
    /// The gate's overall score at its end.
    #[serde(with = "super::number::option")]
    pub overall_score: Option<f64>,
    /// Whether the gate passed.
    pub passed: Option<bool>,
    /// The gaps that remained.
    pub gaps: Vec<String>,
    /// Fields of newer versions.
    #[serde(flatten)]
    pub extra: Object,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_is_no_number_is_written_and_read_back() {
        for (score, text) in [(1.5, "1.5"), (f64::NAN, "\"NaN\""), (f64::NEG_INFINITY, "\"-Infinity\"")] {
            let json = serde_json::to_string(&Score::new("A", score)).unwrap();
            assert!(json.contains(&format!("\"score\":{text}")), "{json}");
            let read: Score = serde_json::from_str(&json).unwrap();
            assert_eq!(read.score.to_bits(), score.to_bits(), "{json}");
        }
        assert!(serde_json::from_str::<Score>(r#"{"score":null}"#).unwrap().score.is_nan());
        assert!(serde_json::from_str::<Score>(r#"{"score":"good"}"#).is_err());
    }

    #[test]
    fn scores_beyond_the_scale_count_as_its_ends() {
        let gate = GatePolicy::default().judge(&[
            Score::new("A", 99.0),
            Score::new("B", -1.0),
            Score::new("C", f64::INFINITY),
        ]);
        assert_eq!(gate.overall_score, Some(2.0));
        assert!(!GatePolicy::default().is_on_scale(f64::NAN));
    }

    #[test]
    fn a_gate_names_gaps_and_strengths() {
        let scores = [Score::new("A", 3.0), Score::new("B", 1.9), Score::new("C", f64::NAN)];
        let gate = GatePolicy::default().judge(&scores);
        assert_eq!(gate.gaps, ["B", "C"]);
        assert_eq!(gate.strengths, ["A"]);
        assert_eq!(gate.passing, Some(false));
        assert_eq!(GatePolicy::default().judge(&[]).passing, None);
    }
}
