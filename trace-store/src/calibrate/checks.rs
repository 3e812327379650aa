//! The four checks.

use super::kind;
use super::name::{Name, Names, Pool};
use crate::settings::CalibrationSettings;
use crate::statistics::{Confidence, Moments, Share, mean_difference};
use serde_json::{Value, json};
use std::sync::Arc;
use trace_core::model::CalibrationFlag;

/// Averages this close are the same: they come of binary fractions.
const NOISE: f64 = 1e-9;

/// A run as the checks see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RunFigures {
    pub(crate) trace_id: Arc<str>,
    pub(crate) project_id: Name,
    /// Not empty.
    pub(crate) intent: Option<Name>,
    /// Not empty.
    pub(crate) domain: Option<Name>,
    /// Whether its status is `complete`.
    pub(crate) complete: bool,
    /// Microseconds since 1970.
    pub(crate) completed_at: i64,
    pub(crate) score: Option<f64>,
    pub(crate) passed: Option<bool>,
    pub(crate) gaps: Names,
}

/// What was recorded before a run, of complete runs that had ended by then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before<'a> {
    /// The newest of them, oldest first, one less than the window.
    pub(crate) window: &'a [RunFigures],
    /// The gaps of the run, sorted; for each how often it was a gap in the last days, counted up to the window.
    pub(crate) gaps: &'a [(Name, u64)],
    /// The project's newest.
    pub(crate) previous: Option<&'a RunFigures>,
}

/// A flag, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) flag: CalibrationFlag,
    pub(crate) basis: Value,
}

impl RunFigures {
    /// Whether any check can raise a flag for it: a run that nobody judged shows no pattern.
    pub(crate) fn is_judged(&self) -> bool {
        self.score.is_some() || self.passed == Some(false) || !self.gaps.is_empty()
    }

    /// Puts its names into a pool, for it will be compared with others of it.
    pub(crate) fn share_names(&mut self, pool: &mut Pool) {
        let Self { project_id, intent, domain, gaps, .. } = self;
        [Some(project_id), intent.as_mut(), domain.as_mut()].into_iter().flatten().for_each(|name| pool.share(name));
        gaps.share(pool);
    }
}

/// The flags of a run. `project` is what the project is called in messages.
pub(crate) fn check(
    run: &RunFigures,
    project: &str,
    before: Before<'_>,
    settings: &CalibrationSettings,
) -> Vec<Verdict> {
    let check = Check { run, before, settings };
    let mut verdicts: Vec<Verdict> =
        before.gaps.iter().filter_map(|(gap, count)| check.repeated_failure(gap, *count)).collect();
    verdicts.extend(check.disparities());
    verdicts.extend(check.regression(project));
    verdicts
}

struct Check<'a> {
    run: &'a RunFigures,
    before: Before<'a>,
    settings: &'a CalibrationSettings,
}

/// By what runs are grouped.
#[derive(Clone, Copy)]
enum Group {
    Intent,
    Domain,
}

impl Group {
    fn of(self, run: &RunFigures) -> Option<&Name> {
        match self {
            Self::Intent => run.intent.as_ref(),
            Self::Domain => run.domain.as_ref(),
        }
    }
}

impl Check<'_> {
    /// The window: this run if it is complete, and the newest complete runs before it, newest first.
    fn window(&self) -> impl Iterator<Item = &RunFigures> {
        std::iter::once(self.run).filter(|run| run.complete).chain(self.before.window.iter().rev())
    }

    fn repeated_failure(&self, principle: &Name, before: u64) -> Option<Verdict> {
        let CalibrationSettings { repeated_failures, days, window, .. } = *self.settings;
        let since = self.run.completed_at.saturating_sub(self.settings.micros());
        let count = before + u64::from(self.run.complete);
        if count < repeated_failures {
            return None;
        }
        let (mut failed, mut judged) = (0, 0);
        self.window().filter(|run| run.completed_at > since && run.score.is_some()).for_each(|run| {
            judged += 1;
            failed += u64::from(run.gaps.contains(principle));
        });
        let share = Share::new(failed, judged);
        let at_least = if count > window as u64 { "at least " } else { "" };
        let times = if count == 1 { "time" } else { "times" };
        let last = if days == 1 { "day".to_owned() } else { format!("{days} days") };
        let flag = CalibrationFlag {
            kind: kind::REPEATED_PRINCIPLE_FAILURE.to_owned(),
            message: format!(
                "Principle {principle} has scored below threshold {at_least}{count} {times} in the last {last}"
            ),
            n: count,
            effect: share.value(),
            interval: share.interval(Confidence::DEFAULT).map(|interval| (interval.low, interval.high)),
            thin: false,
            ..CalibrationFlag::default()
        };
        let basis = json!({
            "principle": principle.as_str(), "days": days, "repeated_failures": repeated_failures, "window": window,
            "judged_runs": share.n, "failed_runs": share.count,
        });
        Some(Verdict { flag, basis })
    }

    /// How the run's groups did beside all: its intent, then its domain.
    fn disparities(&self) -> impl Iterator<Item = Verdict> {
        const GROUPS: [Group; 2] = [Group::Intent, Group::Domain];
        let (mut inside, mut all) = ([Sum::default(); 2], Sum::default());
        if self.run.complete && self.run.score.is_some() {
            // Every run is read once for both: most of the time it takes is waiting for memory.
            self.window().for_each(|run| {
                let Some(score) = run.score else { return };
                all.add(score);
                for (group, inside) in GROUPS.into_iter().zip(&mut inside) {
                    if group.of(run) == group.of(self.run) {
                        inside.add(score);
                    }
                }
            });
        }
        GROUPS.into_iter().zip(inside).filter_map(move |(group, inside)| self.disparity(group, inside, all))
    }

    fn disparity(&self, group: Group, inside: Sum, all: Sum) -> Option<Verdict> {
        let CalibrationSettings { disparity, window, least_runs, .. } = *self.settings;
        let name = group.of(self.run)?;
        // The group is a part of all: its distance from all is its distance from the others, times the share of those.
        let (average, overall) = (inside.mean(), all.mean());
        let effect = average - overall;
        if inside.n == all.n || !effect.is_finite() || effect >= -disparity - NOISE {
            return None;
        }
        // How far the scores spread is asked only here: most runs show no disparity, and it takes divisions.
        let (mut inside, mut outside) = (Moments::default(), Moments::default());
        self.window().for_each(|run| {
            let side = if group.of(run) == Some(name) { &mut inside } else { &mut outside };
            run.score.into_iter().for_each(|score| side.push(score));
        });
        let runs = all.n;
        #[allow(clippy::cast_precision_loss)] // a window is far below 2^53
        let share = outside.n as f64 / runs as f64;
        let difference = mean_difference(&outside, &inside, Confidence::DEFAULT);
        let (kind, message, called) = match group {
            Group::Intent => (
                kind::INTENT_DISPARITY,
                format!("{name} intent runs average {average:.1} quality vs {overall:.1} overall"),
                "intent",
            ),
            Group::Domain => (
                kind::DOMAIN_DISPARITY,
                format!("{name} domain runs average {average:.1} vs {overall:.1} overall"),
                "domain",
            ),
        };
        let flag = CalibrationFlag {
            kind: kind.to_owned(),
            message,
            n: inside.n,
            effect: Some(effect),
            interval: difference.map(|difference| (difference.interval.low * share, difference.interval.high * share)),
            thin: inside.n < least_runs,
            ..CalibrationFlag::default()
        };
        let basis = json!({
            called: name.as_str(), "disparity": disparity, "window": window, "least_runs": least_runs, "runs": runs,
            "average": average, "overall": overall,
        });
        Some(Verdict { flag, basis })
    }

    fn regression(&self, project: &str) -> Option<Verdict> {
        let previous = self.before.previous.filter(|previous| previous.passed == Some(true))?;
        if self.run.passed != Some(false) {
            return None;
        }
        let flag = CalibrationFlag {
            kind: kind::QUALITY_GATE_REGRESSION.to_owned(),
            message: format!("Quality regression detected for project {project}"),
            n: 2,
            effect: self.run.score.zip(previous.score).map(|(now, before)| now - before),
            interval: None,
            thin: false,
            ..CalibrationFlag::default()
        };
        Some(Verdict { flag, basis: json!({ "previous": &*previous.trace_id }) })
    }
}

/// Scores, added up.
#[derive(Clone, Copy, Default)]
struct Sum {
    n: u64,
    total: f64,
}

impl Sum {
    fn add(&mut self, score: f64) {
        self.n += 1;
        self.total += score;
    }

    #[allow(clippy::cast_precision_loss)] // a window is far below 2^53
    fn mean(&self) -> f64 {
        self.total / self.n as f64
    }
}

#[cfg(test)]
mod tests;
