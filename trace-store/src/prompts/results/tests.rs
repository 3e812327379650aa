//! Rules of wording, verdicts, and what counts once.

use super::versions::figures;
use super::*;
use crate::prompts::{Arm, ArmSamples, Experiment, ExperimentStatus, Sample, StickyKey};
use crate::statistics::{Confidence, Moments, Share};
use trace_core::model::{Money, Timestamp};

/// Numbers around a mean, with a given spread, the same in every run.
fn around(mean: f64, spread: f64, n: u32) -> Vec<f64> {
    (0..n).map(|index| mean + spread * (f64::from((index * 7_919) % 101) / 50.0 - 1.0)).collect()
}

fn samples(n: u32, millis: f64, cost: &str, quality: Option<f64>) -> Vec<Sample> {
    let times = around(millis, millis / 10.0, n);
    let costs = around(cost.parse().unwrap(), cost.parse::<f64>().unwrap() / 20.0, n);
    let qualities = around(quality.unwrap_or(0.0), 0.3, n);
    (0..n as usize)
        .map(|index| Sample {
            trace_id: format!("trc_{index}"),
            success: true,
            response_time_ms: Some(times[index]),
            total_tokens: Some(250),
            cost_usd: Some(format!("{:.9}", costs[index]).parse().unwrap()),
            quality: quality.map(|_| qualities[index]),
        })
        .collect()
}

/// The words for the second of two versions.
#[track_caller]
fn words(before: &[Sample], after: &[Sample]) -> String {
    let versions = [(1, Measures::of(before)), (2, Measures::of(after))];
    figures(versions.into_iter(), Confidence::DEFAULT)[1].words.clone().unwrap()
}

#[test]
fn the_seeds_example_reads_as_it_should() {
    let (v1, v2) = (samples(100, 2_500.0, "0.003", Some(2.4)), samples(100, 1_800.0, "0.0024", Some(2.4)));
    assert_eq!(
        words(&v1, &v2),
        "v2: 28 % faster (95 % interval 27 to 29), 20 % cheaper, quality unchanged (n = 100 / 100)"
    );
    assert_eq!(
        words(&v2, &v1),
        "v2: 39 % slower (95 % interval 37 to 41), 25 % dearer, quality unchanged (n = 100 / 100)"
    );
}

#[test]
fn the_first_difference_carries_the_interval_and_unchanged_is_said() {
    let v1 = samples(100, 2_500.0, "0.003", Some(2.4));
    assert_eq!(words(&v1, &v1), "v2: latency unchanged, cost unchanged, quality unchanged (n = 100 / 100)");
    let better = samples(100, 2_500.0, "0.003", Some(2.7));
    assert_eq!(
        words(&v1, &better),
        "v2: latency unchanged, cost unchanged, quality 0.3 higher (95 % interval 0.25 to 0.35) (n = 100 / 100)"
    );
    assert!(words(&better, &v1).contains("quality 0.3 lower"));
}

#[test]
fn what_was_not_measured_is_not_compared() {
    let mut v1 = samples(100, 2_500.0, "0.003", None);
    let mut v2 = samples(1_000, 2_500.0, "0.003", None);
    for (index, sample) in v1.iter_mut().chain(&mut v2).enumerate() {
        sample.cost_usd = None;
        sample.total_tokens = Some(if index < 100 { 250 } else { 180 } + index as u64 % 3);
    }
    assert_eq!(
        words(&v1, &v2),
        "v2: latency unchanged, 28 % fewer tokens (95 % interval 28 to 28), quality not scored (n = 1,000 / 100)"
    );
    let nothing: Vec<Sample> =
        v1.iter().map(|sample| Sample { response_time_ms: None, total_tokens: None, ..sample.clone() }).collect();
    assert_eq!(words(&nothing, &nothing), "v2: quality not scored (n = 100 / 100)");
}

#[test]
fn the_success_rate_is_named_when_it_changed_and_few_say_nothing() {
    let v1 = samples(100, 2_500.0, "0.003", Some(2.4));
    let mut v2 = v1.clone();
    v2.iter_mut().take(30).for_each(|sample| sample.success = false);
    assert!(
        words(&v1, &v2).contains("cost unchanged, success rate 30 points lower (95 % interval "),
        "{}",
        words(&v1, &v2)
    );
    assert!(words(&v2, &v1).contains("success rate 30 points higher"));
    assert_eq!(words(&v1, &v2[..9]), "v2: not enough data yet (n = 9 / 100)");
}

#[test]
fn small_differences_have_a_decimal() {
    let exact = |tokens: u64| -> Vec<Sample> {
        let one = Sample { total_tokens: Some(tokens), cost_usd: None, ..samples(1, 100.0, "1", None)[0].clone() };
        vec![one; 20]
    };
    assert!(words(&exact(1_000), &exact(996)).contains("0.4 % fewer tokens (95 % interval 0.4 to 0.4)"));
}

#[test]
fn a_run_counts_once_for_quality_and_unknown_costs_are_not_nothing() {
    let mut of_one_run = samples(4, 100.0, "0.5", Some(2.0));
    for sample in &mut of_one_run {
        sample.trace_id = "trc_1".to_owned();
    }
    of_one_run[0].cost_usd = None;
    let measures = Measures::of(&of_one_run);
    assert_eq!((measures.executions, measures.quality.n, measures.cost_usd.n), (4, 1, 3));
    assert_eq!(measures.success, Share::new(4, 4));
    let free: Vec<Sample> = of_one_run.iter().map(|sample| Sample { cost_usd: None, ..sample.clone() }).collect();
    assert_eq!((Measures::of(&free).total_cost_usd, Measures::of(&free).cost_usd), (None, Moments::default()));
    let thirds: Vec<Sample> = ["0.000000000001", "0.000000000001", "0.000000000003"]
        .iter()
        .map(|cost| Sample { cost_usd: Some(cost.parse().unwrap()), ..of_one_run[1].clone() })
        .collect();
    assert_eq!(Measures::of(&thirds).mean_cost_usd(), Some(Money::from_picodollars(2)));
}

fn result(control: Vec<Sample>, arm: Vec<Sample>, goals: Goals) -> ExperimentResult {
    let arms = [("A", 1), ("B", 2)].map(|(group, version)| Arm { group: group.to_owned(), version, percent: 50.0 });
    let experiment = Experiment {
        id: "exp_support_bot_prompt_1".to_owned(),
        registry_name: "support_bot_prompt".to_owned(),
        name: "concise or not".to_owned(),
        arms: arms.to_vec(),
        key: StickyKey::Session,
        status: ExperimentStatus::Running,
        started_at: Timestamp::now(),
        ended_at: None,
    };
    let [a, b] = arms;
    let samples = [ArmSamples { arm: a, samples: control }, ArmSamples { arm: b, samples: arm }];
    ExperimentResult::new(experiment, &samples, goals)
}

fn verdict(result: &ExperimentResult, metric: Metric) -> Verdict {
    result.arms[1].metrics.iter().find(|found| found.metric == metric).unwrap().verdict
}

#[test]
fn an_arm_is_better_worse_or_not_known_yet() {
    let slow = || samples(300, 2_500.0, "0.003", Some(2.4));
    let quick = || samples(300, 1_800.0, "0.0036", Some(2.4));
    let found = result(slow(), quick(), Goals::default());
    assert_eq!(verdict(&found, Metric::ResponseTime), Verdict::Better);
    assert_eq!(verdict(&found, Metric::Cost), Verdict::Worse);
    assert_eq!(verdict(&found, Metric::Quality), Verdict::NoDifference);
    assert_eq!(verdict(&found, Metric::SuccessRate), Verdict::NoDifference);
    let fewer = result(slow()[..150].to_vec(), quick(), Goals::default());
    assert_eq!(verdict(&fewer, Metric::SuccessRate), Verdict::NotEnoughData, "150 and 300 are worth 200 each");
    assert!((found.confidence_of_each.level() - 0.9875).abs() < 1e-12);
    assert!(!found.is_final);
    let few = result(slow()[..29].to_vec(), quick(), Goals::default());
    assert_eq!(verdict(&few, Metric::ResponseTime), Verdict::NotEnoughData);
    assert!(few.to_string().contains("B against A: latency: not enough data yet (n = 300 / 29, "), "{few}");
}

#[test]
fn what_is_needed_follows_from_the_goals() {
    let quick = || samples(300, 1_800.0, "0.0036", Some(2.4));
    let needed = |goals| {
        let found = result(quick(), quick(), goals);
        let of = |metric| found.arms[1].metrics.iter().find(|found| found.metric == metric).unwrap().n_needed;
        (of(Metric::SuccessRate).unwrap(), of(Metric::Quality).unwrap())
    };
    let (shares, quality) = needed(Goals::default());
    // `power.prop.test(p1 = 1, p2 = .95, power = .8, sig.level = .0125)` of R gives 217.
    assert!((210..=225).contains(&shares), "{shares}");
    let (more, more_quality) = needed(Goals { success_rate: 0.025, quality: 0.05, ..Goals::default() });
    assert!(more > shares && more_quality > quality);
}

#[test]
fn a_result_of_no_samples_is_not_enough_data() {
    let found = result(Vec::new(), Vec::new(), Goals::default());
    for metric in Metric::ALL {
        assert_eq!(verdict(&found, metric), Verdict::NotEnoughData);
    }
    let printed = found.to_string();
    assert!(printed.starts_with("concise or not on support_bot_prompt, running\n"), "{printed}");
    assert!(serde_json::to_string(&found).is_ok());
}
