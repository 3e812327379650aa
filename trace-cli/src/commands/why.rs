//! `why`: a run told backwards from its outcome.

use super::Context;
use crate::args::WhyArgs;
use crate::ask;
use crate::failure::Failure;
use crate::out::Out;
use crate::terminal::Paint;
use crate::words::{alternatives, counted, cut, duration, one_line, score, sure, when};
use std::process::ExitCode;
use trace_store::query::{Choice, GateVerdict, PreviousGood, Why, WhyDecision, WhyError};

/// How much of a text is looked at.
const TEXT: usize = 300;

/// How many principles, errors and differences are shown.
const LISTED: usize = 10;

pub(crate) async fn run(context: &mut Context, args: &WhyArgs) -> Result<ExitCode, Failure> {
    let store = ask::open(&context.place).await?;
    let id = ask::id(&store, &args.id).await?;
    let why = store.why(&id).await.map_err(|error| ask::failure(&error))?;
    store.close().await;
    if args.json.json {
        context.out.json(&why)?;
    } else {
        print(&mut context.out, &why, args.limit)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(out: &mut Out, why: &Why, limit: usize) -> Result<(), Failure> {
    let run = &why.trace;
    out.heading(&one_line(&run.trace_id, 128))?;
    let began = run.started_at.map_or_else(String::new, |moment| format!("  {}", when(moment)));
    line(out, &format!("{}{began}  {}", one_line(&run.project_id, 80), duration(run.duration_seconds)))?;
    if let Some(query) = &run.query {
        line(out, &format!("query: {}", one_line(query, TEXT)))?;
    }
    section(out, "How it ended")?;
    line(out, &format!("  {}", one_line(&why.outcome, TEXT)))?;
    why.gate.as_ref().map_or(Ok(()), |verdict| gate(out, verdict))?;
    errors(out, &why.errors)?;
    decisions(out, &why.decisions, limit)?;
    prompts(out, why)?;
    if !why.flags.is_empty() {
        section(out, "Patterns")?;
    }
    for flag in &why.flags {
        let thin = if flag.thin { " (few runs)" } else { "" };
        line(out, &format!("  {}{thin}", one_line(&flag.message, TEXT)))?;
    }
    why.previous_good.as_ref().map_or(Ok(()), |good| previous(out, good))
}

fn gate(out: &mut Out, gate: &GateVerdict) -> Result<(), Failure> {
    let (word, paint) = match gate.passing {
        Some(true) => ("passed", Paint::Good),
        Some(false) => ("FAILED", Paint::Bad),
        None => ("no verdict", Paint::Notice),
    };
    let score_of = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), score);
    let word = out.terminal.paint(paint, word);
    section(out, "Quality gate")?;
    let (got, needed) = (score_of(gate.overall_score), score_of(gate.threshold));
    out.line(&format!("  {}: {got}, {needed} needed, {word}", one_line(&gate.stage, 100)))?;
    for principle in gate.scores.iter().filter(|principle| principle.is_gap).take(LISTED) {
        let name = principle.name.as_deref().map_or_else(String::new, |name| format!(" {}", one_line(name, 80)));
        let said = principle.feedback.as_deref().map_or_else(String::new, |said| format!(": {}", one_line(said, TEXT)));
        line(
            out,
            &format!("  gap {} {}{name}{said}", score_of(principle.score), one_line(&principle.principle_id, 80)),
        )?;
    }
    Ok(())
}

fn errors(out: &mut Out, errors: &[WhyError]) -> Result<(), Failure> {
    if errors.is_empty() {
        return Ok(());
    }
    section(out, "What went wrong")?;
    for error in errors.iter().take(LISTED) {
        let place = error.observation.as_deref().map_or_else(String::new, |name| format!(", {}", one_line(name, 100)));
        let kind = error.error_type.as_deref().map_or_else(String::new, |kind| format!("{}: ", one_line(kind, 100)));
        let message = one_line(error.error_message.as_deref().unwrap_or("no message"), TEXT);
        line(out, &format!("  {}{place}: {kind}{message}", one_line(&error.stage, 100)))?;
    }
    more(out, errors.len(), LISTED, "error")
}

fn decisions(out: &mut Out, decisions: &[WhyDecision], limit: usize) -> Result<(), Failure> {
    if decisions.is_empty() || limit == 0 {
        return Ok(());
    }
    section(out, "Decisions, the least certain first")?;
    for decision in decisions.iter().take(limit) {
        let head = format!("{}: {} = ", one_line(&decision.stage, 80), one_line(&decision.decision, 80));
        line(out, &format!("  {}  {head}{}", sure(decision.confidence), one_line(&decision.what, TEXT)))?;
        quiet(out, &format!("        why: {}", one_line(&decision.why, TEXT)))?;
        if !decision.alternatives_considered.is_empty() {
            quiet(out, &format!("        instead of: {}", alternatives(&decision.alternatives_considered)))?;
        }
        let behind: Vec<String> = decision.prompts.iter().map(|prompt| one_line(prompt, 80)).collect();
        let place = decision.location.as_deref().map(|place| one_line(place, 120));
        let details: Vec<String> = [(!behind.is_empty()).then(|| format!("prompts {}", behind.join(", "))), place]
            .into_iter()
            .flatten()
            .collect();
        if !details.is_empty() {
            quiet(out, &format!("        {}", details.join("; ")))?;
        }
    }
    more(out, decisions.len(), limit, "decision")
}

fn prompts(out: &mut Out, why: &Why) -> Result<(), Failure> {
    if why.prompts.is_empty() {
        return Ok(());
    }
    section(out, "Prompts")?;
    for used in &why.prompts {
        let version = used.prompt_version.map_or_else(|| "?".to_owned(), |version| version.to_string());
        let list = |names: &[String]| names.iter().map(|name| one_line(name, 80)).collect::<Vec<_>>().join(", ");
        let calls = counted(used.calls as u64, "call");
        let text = format!(
            "  {}@{version}  {calls} of {} in {}",
            one_line(&used.prompt_name, 80),
            list(&used.models),
            list(&used.stages)
        );
        line(out, &text)?;
    }
    Ok(())
}

fn previous(out: &mut Out, good: &PreviousGood) -> Result<(), Failure> {
    section(out, &format!("The last good run of the project, {}", one_line(&good.trace.trace_id, 128)))?;
    if good.differences.is_empty() {
        return line(out, "  made the same decisions");
    }
    for difference in good.differences.iter().take(LISTED) {
        line(out, &format!("  {}: {}", one_line(&difference.stage, 80), one_line(&difference.decision, 80)))?;
        for (run, choice) in [("then", &difference.a), ("now ", &difference.b)] {
            let told = choice.as_ref().map_or_else(|| "did not come to it".to_owned(), chosen);
            quiet(out, &format!("    {run}  {told}"))?;
        }
    }
    more(out, good.differences.len(), LISTED, "difference")
}

fn chosen(choice: &Choice) -> String {
    format!("{}  {}  {}", one_line(&choice.what, TEXT), sure(choice.confidence), one_line(&choice.why, TEXT))
}

fn section(out: &mut Out, title: &str) -> Result<(), Failure> {
    out.line("")?;
    out.heading(title)
}

fn line(out: &mut Out, text: &str) -> Result<(), Failure> {
    let text = cut(text, out.terminal.page());
    out.line(&text)
}

fn quiet(out: &mut Out, text: &str) -> Result<(), Failure> {
    let text = out.terminal.paint(Paint::Quiet, &cut(text, out.terminal.page()));
    out.line(&text)
}

fn more(out: &mut Out, all: usize, shown: usize, one: &str) -> Result<(), Failure> {
    if all <= shown {
        return Ok(());
    }
    line(out, &format!("  … and {}; --json has all", counted((all - shown) as u64, &format!("more {one}"))))
}
