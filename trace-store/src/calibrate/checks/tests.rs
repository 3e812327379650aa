use super::*;

const DAY: i64 = 24 * 3_600 * 1_000_000;

fn run(at: i64, score: f64) -> RunFigures {
    RunFigures {
        trace_id: format!("trc_{at}").into(),
        project_id: "cobot".into(),
        complete: true,
        completed_at: at,
        score: Some(score),
        passed: Some(score >= 2.0),
        ..RunFigures::default()
    }
}

fn of_intent(intent: &str, at: i64, score: f64) -> RunFigures {
    RunFigures { intent: Some(intent.into()), ..run(at, score) }
}

fn flags_with(run: &RunFigures, before: &[RunFigures], settings: &CalibrationSettings) -> Vec<CalibrationFlag> {
    let since = run.completed_at - settings.micros();
    let count = |gap: &Name| before.iter().filter(|b| b.completed_at > since && b.gaps.contains(gap)).count() as u64;
    let gaps: Vec<(Name, u64)> = run.gaps.iter().map(|gap| (gap.clone(), count(gap))).collect();
    let previous = before.iter().find(|before| before.project_id == run.project_id);
    let window: Vec<RunFigures> = before.iter().rev().cloned().collect();
    let verdicts = check(run, "Cobot", Before { window: &window, gaps: &gaps, previous }, settings);
    verdicts.into_iter().map(|verdict| verdict.flag).collect()
}

fn flags(run: &RunFigures, before: &[RunFigures]) -> Vec<CalibrationFlag> {
    flags_with(run, before, &CalibrationSettings::default())
}

#[test]
fn the_third_failure_of_a_principle_in_seven_days_is_a_pattern() {
    let failing = |at, score| RunFigures { gaps: Names::from_iter(["META-12"]), passed: None, ..run(at, score) };
    let now = failing(10 * DAY, 1.0);
    let mut before = vec![failing(9 * DAY, 1.0), run(8 * DAY, 2.5), failing(3 * DAY, 1.0)];
    assert_eq!(flags(&now, &before), [], "the oldest failure was seven days ago to the moment");
    before[2].completed_at += 1;
    let flags = flags(&now, &before);
    assert_eq!(flags.len(), 1);
    assert_eq!(flags[0].kind, "repeated_principle_failure");
    assert_eq!(flags[0].message, "Principle META-12 has scored below threshold 3 times in the last 7 days");
    assert_eq!((flags[0].n, flags[0].effect, flags[0].thin), (3, Some(0.75), false));
    // Wilson's interval of 3 of 4.
    let (low, high) = flags[0].interval.unwrap();
    assert!((low - 0.300_642).abs() < 1e-5 && (high - 0.954_413).abs() < 1e-5, "{low} {high}");
}

#[test]
fn a_run_that_is_not_complete_does_not_count_itself() {
    let failing = |at| RunFigures { gaps: Names::from_iter(["P"]), passed: None, ..run(at, 1.0) };
    let now = RunFigures { complete: false, ..failing(3) };
    assert_eq!(flags(&now, &[failing(2), failing(1)]), []);
    assert_eq!(flags(&now, &[failing(2), failing(1), failing(0)])[0].n, 3);
}

#[test]
fn an_intent_that_scores_low_is_a_disparity() {
    let mut before: Vec<RunFigures> = (0..8).map(|n| of_intent("exploring", n, 2.5)).collect();
    before.extend((8..12).map(|n| of_intent("validating", n, 1.5)));
    before.reverse();
    let flags = flags(&of_intent("validating", 12, 1.4), &before);
    let [flag] = &flags[..] else { panic!("{flags:?}") };
    assert_eq!(flag.kind, "intent_disparity");
    assert_eq!(flag.message, "validating intent runs average 1.5 quality vs 2.1 overall");
    assert_eq!((flag.n, flag.thin), (5, false));
    let (average, overall) = ((4.0 * 1.5 + 1.4) / 5.0, (8.0 * 2.5 + 4.0 * 1.5 + 1.4) / 13.0);
    assert!((flag.effect.unwrap() - (average - overall)).abs() < 1e-12);
    let (low, high) = flag.interval.unwrap();
    assert!(low < flag.effect.unwrap() && flag.effect.unwrap() < high && high < 0.0, "{low} {high}");
}

#[test]
fn half_a_point_is_not_more_than_half_a_point() {
    // Averages 1.5 and 2.0 in halves of the window: 0.25 below overall, then 0.5, then more.
    for (score, raised) in [(1.5, false), (1.0, false), (0.9, true)] {
        let mut before: Vec<RunFigures> = (0..10).map(|n| of_intent("a", n, 2.0)).collect();
        before.extend((10..19).map(|n| of_intent("b", n, score)));
        before.reverse();
        assert_eq!(!flags(&of_intent("b", 19, score), &before).is_empty(), raised, "{score}");
    }
}

#[test]
fn a_disparity_of_fewer_than_five_runs_is_thin() {
    let mut before: Vec<RunFigures> = (0..9).map(|n| RunFigures { domain: Some("x".into()), ..run(n, 2.5) }).collect();
    before.reverse();
    let flags = flags(&RunFigures { domain: Some("edtech".into()), passed: None, ..run(9, 0.5) }, &before);
    assert_eq!(flags[0].message, "edtech domain runs average 0.5 vs 2.3 overall");
    assert_eq!((flags[0].n, flags[0].thin, flags[0].interval), (1, true, None));
}

#[test]
fn without_others_there_is_nothing_to_compare_with() {
    let before: Vec<RunFigures> = (0..20).rev().map(|n| of_intent("only", n, 0.1)).collect();
    assert_eq!(flags(&RunFigures { passed: None, ..of_intent("only", 20, 0.1) }, &before), []);
    assert_eq!(flags(&run(0, 1.0), &[]), []);
}

#[test]
fn a_failed_gate_after_a_passed_one_is_a_regression() {
    let other = RunFigures { project_id: "other".into(), ..run(2, 1.0) };
    let flags = flags(&run(3, 1.5), &[other, run(1, 2.5), run(0, 1.0)]);
    assert_eq!(flags.len(), 1);
    assert_eq!(flags[0].message, "Quality regression detected for project Cobot");
    assert_eq!((flags[0].n, flags[0].effect, flags[0].thin), (2, Some(-1.0), false));
    assert_eq!(self::flags(&run(3, 1.5), &[run(1, 1.0), run(0, 2.5)]), [], "the previous one failed too");
    assert_eq!(self::flags(&run(3, 2.5), &[run(1, 2.5)]), []);
}

#[test]
fn thresholds_are_settings() {
    let mut settings = CalibrationSettings::default();
    (settings.repeated_failures, settings.days) = (2, 1);
    let failing = |at| RunFigures { gaps: Names::from_iter(["P"]), passed: None, ..run(at, 1.0) };
    let flags = flags_with(&failing(DAY), &[failing(1)], &settings);
    assert_eq!(flags[0].message, "Principle P has scored below threshold 2 times in the last day");
}
