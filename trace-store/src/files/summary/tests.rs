use super::super::fixture;
use super::*;

/// The cells of the table row that begins with this cell.
fn row(page: &str, first: &str) -> Vec<String> {
    let start = format!("| {first} |");
    let line = page.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{first}: {page}"));
    line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn the_page_says_what_came_out_and_why() {
    let page = summary(&fixture::complete(), 3.0);
    assert!(
        page.starts_with("# Trace trc_20260213_143022_a1b2c3d4\n\n| | |\n|---|---|\n| Status | **complete** |\n"),
        "{page}"
    );
    assert_eq!(row(&page, "Quality"), ["Quality", "2.4/3.0 passed"]);
    assert_eq!(row(&page, "Cost"), ["Cost", "$0.32"]);
    assert_eq!(row(&page, "Tokens"), ["Tokens", "5,000 (4,200 in, 800 out)"]);
    assert_eq!(row(&page, "collection"), ["collection", "ok", "45.8s", "2", "0", "-"]);
    let call = ["synthesis", "write_report", "gpt-4o", "report@2", "ok", "1.5s", "2", "5,000", "$0.32"];
    assert!(page.contains(&format!("| {} |\n", call.join(" | "))), "{page}");
    assert!(page.contains("\n## Gaps\n\n- **META-12** (1): two claims without a source\n"), "{page}");
    assert!(page.contains("\n## Strengths\n\n- **META-1** (3)\n"), "{page}");
    assert!(page.contains("| 28 | 18 | 10 | - | - |\n\nBy source: exa 20, reddit 8\n"), "{page}");
    let first = "## Decisions, least confident first\n\n- **source_selected: option 4.0** (0.50, stage quality_gate)\n  \
                 - Why: it fits best\n  - Instead of: google (0.60), reddit\n";
    assert!(page.contains(first), "{page}");
    for absent in ["## Errors", "## Warnings", "## Iterations", "## Calibration"] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[test]
fn trouble_is_told() {
    let page = summary(&fixture::troubled(), 3.0);
    assert!(page.contains("| Status | **failed** |"));
    assert!(page.contains("- the run: reqwest::Error: connection refused, caused by os error 111\n"), "{page}");
    assert!(page.contains("- stage collection: reqwest::Error: connection refused"), "{page}");
    assert_eq!(row(&page, "1"), ["1", "1.6", "failed", "12.0s", ""]);
    assert!(page.contains("\n1 failure of the quality gate.\n"), "{page}");
    assert!(page.contains("- 12 records dropped"), "{page}");
    assert!(page.contains("- 3 items only in the event stream"), "{page}");
    assert!(page.contains("- no price is known for the model \\`own-1\\`"), "{page}");
}

#[test]
fn an_empty_trace_reads_well() {
    let page = summary(&Trace::default(), 3.0);
    assert_eq!(row(&page, "Quality"), ["Quality", "-"]);
    assert_eq!(row(&page, "Cost"), ["Cost", "-"]);
    assert!(!page.contains("## Stages"), "{page}");
}

#[test]
fn a_call_without_prompt_is_visibly_unlinked_and_one_without_price_is_counted() {
    let mut trace = fixture::complete();
    let calls = &mut trace.stages["synthesis"].observations;
    let mut call = calls[0].clone();
    call.llm = Some(Box::default());
    calls.push(call);
    let page = summary(&trace, 3.0);
    assert!(page.contains("| unlinked |"), "{page}");
    assert_eq!(row(&page, "Cost"), ["Cost", "$0.32, and 1 call without a known price"]);
}

#[test]
fn recorded_text_cannot_break_the_page() {
    let page = summary(&fixture::hostile(), 3.0);
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.replace("\\]", "").contains("]("), "{page}");
    assert!(!page.chars().any(|char| char.is_control() && char != '\n'), "{page}");
    assert!(!page.lines().any(|line| line == "---" || line.starts_with("```") || line.starts_with("# head")), "{page}");
    // Every table keeps its number of columns: no recorded bar ends a cell.
    let mut columns = None;
    for line in page.lines() {
        let bars = line.replace("\\|", "").matches('|').count();
        columns = if line.starts_with('|') { columns.or(Some(bars)) } else { None };
        assert_eq!(bars, columns.unwrap_or(0), "{line}");
    }
}

#[test]
fn a_huge_trace_makes_a_page_not_a_book() {
    let mut trace = fixture::complete();
    let stage = trace.stages["synthesis"].clone();
    for n in 0..2_000 {
        trace.stages.insert(format!("stage {n}"), stage.clone());
    }
    // The least confident decision, so it is shown.
    trace.stages["quality_gate"].decisions[0].why = "because ".repeat(100_000);
    let page = summary(&trace, 3.0);
    assert!(page.len() < 100_000, "{}", page.len());
    assert!(page.contains("… and 1,955 more in the document."), "{page}");
    assert!(page.contains("… and 1,983 more in the document."), "{page}");
}
