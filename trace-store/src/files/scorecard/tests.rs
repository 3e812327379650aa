use super::super::fixture;
use super::*;

#[test]
fn the_compact_card_is_laid_out_as_in_the_guide() {
    let expected = "\
-- Trace Summary ------------------------------------------
Quality: 2.4/3.0  PASS    Duration: 1m 23s
Cost: $0.32                Evidence: 28->18
Gaps: META-12
Trace: trc_20260213_143022_a1b2c3d4
-----------------------------------------------------------
";
    assert_eq!(render(&fixture::complete(), Style::default()), expected);
}

#[test]
fn the_verbose_card_shows_where_it_came_from() {
    let mut trace = fixture::complete();
    trace.run.duration_seconds = Some(262.0);
    let expected = "\
== Trace Detail =============================================
Trace ID:  trc_20260213_143022_a1b2c3d4
Project:   cobot
Query:     What is the competitive landscape for collaborative robots?
Intent:    validating    Domain: robotics
Status:    complete    Duration: 4m 22s
Cost:      $0.32    Tokens: 4,200 in, 800 out
Evidence:  28->18

-- Quality Gate -------------------------------------------
Score: 2.4/3.0  PASS
Principle Scores:
  META-1: 3
  META-12: 1 <gap

-- Stages -------------------------------------------------
  intake           5.2s  (2 decisions)
  rubric           0.3s  (2 decisions)
  collection      45.8s  (2 decisions)
  synthesis      180.5s  (1 decisions)
  quality_gate    30.2s  (1 decisions)

-- LLM Calls ----------------------------------------------
  write_report  gpt-4o  report@2  1.5s  $0.32

-- Least Confident Decisions ------------------------------
  0.50  quality_gate: source_selected = option 4.0
        why: it fits best
  0.60  synthesis: source_selected = option 3.0
        why: it fits best
  0.70  collection: source_selected = option 2.0
        why: it fits best
  0.70  collection: source_selected = option 2.1
        why: it fits best
  0.80  rubric: source_selected = option 1.0
        why: it fits best
  … and 3 more
=============================================================
";
    assert_eq!(render(&trace, Style { verbose: true, ..Style::default() }), expected);
}

#[test]
fn trouble_is_in_plain_sight() {
    let expected = "\
-- Trace Summary ------------------------------------------
Status: FAILED  reqwest::Error: connection refused
Quality: 2.4/3.0  PASS    Duration: 1m 23s
Cost: $0.32                Evidence: 28->18
Gaps: META-12
Iterations: 2 (1.6 -> 2.4), gate failed once
Dropped: 12 records, so this trace is not whole
Only in the event stream: 3 items
Warning: no price is known for the model `own-1`
Trace: trc_20260213_143022_a1b2c3d4
-----------------------------------------------------------
";
    assert_eq!(render(&fixture::troubled(), Style::default()), expected);
    let verbose = render(&fixture::troubled(), Style { verbose: true, ..Style::default() });
    assert!(verbose.contains("  collection      45.8s  (2 decisions)  ERR\n    reqwest::Error: connection refused\n"));
}

#[test]
fn missing_values_read_well() {
    let mut trace = Trace::default();
    trace.run.status = Status::Complete;
    trace.trace_id = fixture::ID.into();
    let expected = "\
-- Trace Summary ------------------------------------------
Quality: -                Duration: -
Cost: -                    Evidence: -
Trace: trc_20260213_143022_a1b2c3d4
-----------------------------------------------------------
";
    assert_eq!(render(&trace, Style::default()), expected);
    trace.run.status = Status::Incomplete;
    let verbose = render(&trace, Style { verbose: true, ..Style::default() });
    assert!(verbose.contains("Status:    INCOMPLETE    Duration: -\n"), "{verbose}");
}

#[test]
fn colours_change_nothing_but_the_colour() {
    let strip = |text: &str| {
        let mut parts = text.split("\x1b[");
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |out, part| out + part.split_once('m').unwrap().1)
    };
    for verbose in [false, true] {
        let plain = Style { verbose, ..Style::default() };
        let coloured = render(&fixture::troubled(), Style { colour: true, ..plain });
        assert!(coloured.contains("\x1b[32mPASS\x1b[0m"));
        assert_eq!(strip(&coloured), render(&fixture::troubled(), plain));
    }
}

#[test]
fn recorded_text_cannot_act_on_the_terminal() {
    for verbose in [false, true] {
        let card = render(&fixture::hostile(), Style { verbose, ..Style::default() });
        assert!(!card.chars().any(|char| char.is_control() && char != '\n'), "{card}");
        assert!(!card.contains('\u{202e}'), "{card}");
        // A recorded line feed begins no line of its own.
        assert!(!card.lines().any(|line| line.starts_with("# head") || line == "---"), "{card}");
    }
}

#[test]
fn a_huge_trace_still_fits_a_screen_or_two() {
    let mut trace = fixture::complete();
    let stage = trace.stages["collection"].clone();
    for n in 0..5_000 {
        trace.stages.insert(format!("stage {n} {}", "x".repeat(1_000)), stage.clone());
    }
    trace.stages["quality_gate"].gaps = vec!["g".repeat(1_000); 5_000];
    let card = render(&trace, Style { verbose: true, ..Style::default() });
    assert!(card.len() < 30_000, "{}", card.len());
}
