//! `compare`: two runs side by side, what differs first.

use super::Context;
use crate::args::CompareArgs;
use crate::ask;
use crate::failure::Failure;
use crate::out::Out;
use crate::table::{Column, Field, Grid};
use crate::terminal::Paint;
use crate::words::{UNKNOWN, count, cut, dollars, duration, one_line, sure};
use std::process::ExitCode;
use trace_core::model::Money;
use trace_store::query::{Choice, Comparison, DecisionDifference, TraceItem};

/// How much of a text is looked at.
const TEXT: usize = 300;

pub(crate) async fn run(context: &mut Context, args: &CompareArgs) -> Result<ExitCode, Failure> {
    let store = ask::open(&context.place).await?;
    let (a, b) = (ask::id(&store, &args.a).await?, ask::id(&store, &args.b).await?);
    let comparison = store.compare(&a, &b).await.map_err(|error| ask::failure(&error))?;
    store.close().await;
    if args.json.json {
        context.out.json(&comparison)?;
    } else {
        print(&mut context.out, &comparison)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(out: &mut Out, comparison: &Comparison) -> Result<(), Failure> {
    let Comparison { a, b, .. } = comparison;
    let (differing, same): (Vec<_>, Vec<_>) = lines(comparison).into_iter().partition(|line| line.a != line.b);
    let mut grid =
        Grid::new([Column::whole(""), Column::cut("A"), Column::cut("B"), Column::spare("B - A", 0).right()]);
    grid.row(["".into(), id(a), id(b), "".into()]);
    for line in differing {
        grid.row([line.name.into(), line.a.into(), line.b.into(), line.delta.unwrap_or_default().into()]);
    }
    grid.print(out)?;
    principles(out, "gaps in A only", &comparison.gaps_a_only)?;
    principles(out, "gaps in B only", &comparison.gaps_b_only)?;
    principles(out, "gaps in both", &comparison.gaps_both)?;
    for prompt in &comparison.differing_prompts {
        let (a, b) = (versions(&prompt.versions_a), versions(&prompt.versions_b));
        out.line(&format!("prompt {}: A {a}, B {b}", one_line(&prompt.prompt_name, 100)))?;
    }
    out.line("")?;
    match &comparison.first_differing_decision {
        Some(first) => decision(out, first, comparison.differing_decisions)?,
        None => out.line("all decisions are the same")?,
    }
    if !same.is_empty() {
        out.line("")?;
        let same: Vec<String> =
            same.iter().filter(|line| line.a != UNKNOWN).map(|line| format!("{} {}", line.name, line.a)).collect();
        let text = cut(&format!("the same: {}", same.join(", ")), out.terminal.page() * 3);
        let text = out.terminal.paint(Paint::Quiet, &text);
        out.line(&text)?;
    }
    Ok(())
}

fn id(run: &TraceItem) -> Field {
    Field::painted(one_line(&run.trace_id, 128), Paint::Strong)
}

/// A value of both runs.
struct Line {
    name: &'static str,
    a: String,
    b: String,
    delta: Option<String>,
}

fn lines(comparison: &Comparison) -> Vec<Line> {
    let Comparison { a, b, .. } = comparison;
    let line =
        |name, of: &dyn Fn(&TraceItem) -> String, delta: Option<String>| Line { name, a: of(a), b: of(b), delta };
    let text = |value: Option<&str>| value.map_or_else(|| UNKNOWN.to_owned(), |text| one_line(text, TEXT));
    let number = |value: Option<i64>| value.map_or_else(|| UNKNOWN.to_owned(), |value| count(value.unsigned_abs()));
    let verdict = |run: &TraceItem| match run.quality_gate_passed {
        Some(true) => "passed".to_owned(),
        Some(false) => "FAILED".to_owned(),
        None => UNKNOWN.to_owned(),
    };
    let quality =
        |run: &TraceItem| run.overall_quality_score.map_or_else(|| UNKNOWN.to_owned(), |score| format!("{score:.2}"));
    let cost = |run: &TraceItem| run.total_cost_usd.map_or_else(|| UNKNOWN.to_owned(), dollars);
    vec![
        line("status", &|run| run.status.to_string(), None),
        line("quality gate", &verdict, None),
        line("quality", &quality, comparison.quality_delta.map(|delta| format!("{delta:+.2}"))),
        line("cost", &cost, comparison.cost_delta_usd.map(signed_dollars)),
        line("duration", &|run| duration(run.duration_seconds), comparison.duration_delta_seconds.map(signed_duration)),
        line("input tokens", &|run| number(run.total_input_tokens), comparison.input_tokens_delta.map(signed_count)),
        line("output tokens", &|run| number(run.total_output_tokens), comparison.output_tokens_delta.map(signed_count)),
        line("model calls", &|run| number(Some(run.llm_calls)), None),
        line("decisions", &|run| number(Some(run.decision_count)), None),
        line("iterations", &|run| number(Some(run.iteration_count)), None),
        line("project", &|run| text(Some(&run.project_id)), None),
        line("intent", &|run| text(run.intent.as_deref()), None),
        line("domain", &|run| text(run.domain.as_deref()), None),
        line("model", &|run| text(run.synthesis_model.as_deref()), None),
        line("error", &|run| text(run.error_message.as_deref()), None),
        line("query", &|run| text(run.query.as_deref()), None),
    ]
}

fn signed_dollars(delta: Money) -> String {
    let text = dollars(delta);
    if text.starts_with('-') { text } else { format!("+{text}") }
}

fn signed_duration(delta: f64) -> String {
    format!("{}{}", if delta < 0.0 { '-' } else { '+' }, duration(Some(delta.abs())))
}

fn signed_count(delta: i64) -> String {
    format!("{}{}", if delta < 0 { '-' } else { '+' }, count(delta.unsigned_abs()))
}

fn principles(out: &mut Out, title: &str, ids: &[String]) -> Result<(), Failure> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = ids.iter().map(|id| one_line(id, 80)).collect();
    let text = cut(&format!("{title}: {}", ids.join(", ")), out.terminal.page());
    out.line(&text)
}

fn versions(versions: &[Option<i64>]) -> String {
    if versions.is_empty() {
        return "not used".to_owned();
    }
    let version =
        |version: &Option<i64>| version.map_or_else(|| "version not known".to_owned(), |number| format!("@{number}"));
    versions.iter().map(version).collect::<Vec<_>>().join(" ")
}

fn decision(out: &mut Out, first: &DecisionDifference, count: usize) -> Result<(), Failure> {
    let nth = if first.occurrence > 1 { format!(" (#{})", first.occurrence) } else { String::new() };
    let which = if count > 1 {
        format!("the first of {count} decisions that differ: ")
    } else {
        "the decision that differs: ".to_owned()
    };
    out.heading(&format!("{which}{}, {}{nth}", one_line(&first.stage, 100), one_line(&first.decision, 100)))?;
    let width = out.terminal.page();
    for (run, choice) in [("A", &first.a), ("B", &first.b)] {
        match choice {
            None => out.line(&format!("  {run}  did not come to it"))?,
            Some(choice) => {
                out.line(&cut(
                    &format!("  {run}  {}  {}", one_line(&choice.what, TEXT), sure(choice.confidence)),
                    width,
                ))?;
                quiet(out, &reason(choice), width)?;
            }
        }
    }
    Ok(())
}

fn reason(choice: &Choice) -> String {
    format!("     why: {}", one_line(&choice.why, TEXT))
}

fn quiet(out: &mut Out, text: &str, width: usize) -> Result<(), Failure> {
    let text = out.terminal.paint(Paint::Quiet, &cut(text, width));
    out.line(&text)
}
