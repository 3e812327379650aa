//! `prompts`: the registry of prompts.

use super::Context;
use crate::args::PromptsCommand;
use crate::failure::{Failure, NOTHING};
use crate::out::{Out, say};
use crate::table::{Column, Grid};
use crate::terminal::Paint;
use crate::words::{UNKNOWN, ago, count, dollars, duration, one_line, percent, when};
use std::process::ExitCode;
use trace_core::model::Timestamp;
use trace_core::text::printable_block;
use trace_store::prompts::{DiffLine, HistoryEntry, PromptDiff, PromptSummary, PromptVersion, Registry, RegistryError};

/// How much of a name or message is looked at.
const NAME: usize = 256;

pub(crate) async fn run(context: &mut Context, command: &PromptsCommand) -> Result<ExitCode, Failure> {
    let registry = context.place.open_registry().await?;
    let done = dispatch(&mut context.out, &registry, command).await;
    let told = match done {
        Ok(code) => Ok(code),
        Err(Told::Failure(failure)) => Err(failure),
        Err(Told::Registry(error)) => Err(explained(&registry, &error).await),
    };
    registry.close().await;
    told
}

/// What went wrong.
enum Told {
    Failure(Failure),
    Registry(RegistryError),
}

impl From<Failure> for Told {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<RegistryError> for Told {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

async fn dispatch(out: &mut Out, registry: &Registry, command: &PromptsCommand) -> Result<ExitCode, Told> {
    match command {
        PromptsCommand::List { json } => {
            let prompts = registry.list_prompts().await?;
            if json.json {
                out.json(&prompts)?;
            } else {
                list(out, &prompts)?;
            }
            return Ok(if prompts.is_empty() { ExitCode::from(NOTHING) } else { ExitCode::SUCCESS });
        }
        PromptsCommand::Show { prompt, json } => {
            let version = find(registry, prompt).await?;
            if json.json { out.json(&version)? } else { show(out, &version)? }
        }
        PromptsCommand::History { name, json } => {
            let history = registry.history(name).await?;
            if json.json { out.json(&history)? } else { print_history(out, &history)? }
        }
        PromptsCommand::Diff { name, from, to, json } => {
            let diff = registry.diff(name, *from, *to).await?;
            if json.json { out.json(&diff)? } else { print_diff(out, &diff)? }
        }
        PromptsCommand::Label { name, label, version, .. } => match version {
            Some(version) => {
                registry.set_label(name, label, *version).await?;
                out.line(&format!("{}@{} is version {version}", one_line(name, NAME), one_line(label, NAME)))?;
            }
            None => {
                registry.remove_label(name, label).await?;
                out.line(&format!("{} has no label {} any more", one_line(name, NAME), one_line(label, NAME)))?;
            }
        },
        PromptsCommand::Rollback { name, version, json } => {
            let added = registry.rollback(name, *version).await?;
            if json.json {
                out.json(&added)?;
            } else {
                let text = format!(
                    "{} has version {} with the texts of version {version}",
                    one_line(name, NAME),
                    added.version
                );
                out.line(&text)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A version as people name it: `support_bot`, `support_bot@2`, `support_bot@production`, `prompts:/…`.
async fn find(registry: &Registry, prompt: &str) -> Result<PromptVersion, RegistryError> {
    if prompt.starts_with("prompts:/") {
        return registry.get_by_uri(&prompt.parse()?).await;
    }
    match prompt.rsplit_once('@') {
        None => registry.get_latest(prompt).await,
        Some((name, version)) => match version.parse() {
            Ok(number) => registry.get(name, number).await,
            Err(_) => registry.get_by_label(name, version).await,
        },
    }
}

/// The error, with the names that there are.
async fn explained(registry: &Registry, error: &RegistryError) -> Failure {
    let RegistryError::NoSuchPrompt { registry_name } = error else { return Failure::of(error) };
    let known = registry.list_prompts().await.unwrap_or_default();
    let names: Vec<String> = known.iter().map(|prompt| one_line(&prompt.name, 80)).take(20).collect();
    let there =
        if names.is_empty() { "there is none at all".to_owned() } else { format!("there are {}", names.join(", ")) };
    Failure::Failed(format!("there is no prompt `{}`; {there}", one_line(registry_name, NAME)))
}

fn list(out: &mut Out, prompts: &[PromptSummary]) -> Result<(), Failure> {
    if prompts.is_empty() {
        say("there is no prompt in the registry; a program that declares prompts registers them when it runs");
        return Ok(());
    }
    let now = Timestamp::now();
    let mut grid = Grid::new([
        Column::cut("PROMPT"),
        Column::whole("VERSIONS").right(),
        Column::whole("LATEST").right(),
        Column::spare("CHANGED", 1),
        Column::spare("LABELS", 0),
        Column::spare("REGISTERED AS", 2),
    ]);
    for prompt in prompts {
        let labels = prompt.labels.iter().map(|(label, version)| format!("{label}={version}"));
        grid.row([
            one_line(&prompt.name, NAME).into(),
            prompt.versions.to_string().into(),
            prompt.latest.map_or_else(|| UNKNOWN.to_owned(), |latest| latest.to_string()).into(),
            ago(prompt.updated_at, now).into(),
            one_line(&labels.collect::<Vec<_>>().join(", "), NAME).into(),
            one_line(&prompt.registry_name, NAME).into(),
        ]);
    }
    grid.print(out)
}

fn show(out: &mut Out, version: &PromptVersion) -> Result<(), Failure> {
    let labels = if version.labels.is_empty() { String::new() } else { format!("  ({})", version.labels.join(", ")) };
    out.heading(&format!("{}@{}{}", one_line(&version.name, NAME), version.version, one_line(&labels, NAME)))?;
    out.line(&format!("{}  {}", one_line(&version.uri().to_string(), 500), when(version.created_at)))?;
    if let Some(message) = &version.commit_message {
        out.line(&format!("message: {}", one_line(message, 500)))?;
    }
    if !version.is_active {
        let text = out.terminal.paint(Paint::Notice, "not active: it is not chosen for rendering");
        out.line(&text)?;
    }
    out.line(&format!("variables: {}", one_line(&version.variables.join(", "), 500)))?;
    out.line(&statistics(version))?;
    for (title, text) in [("System", version.system.as_deref()), ("Template", Some(version.template.as_str()))] {
        if let Some(text) = text {
            out.line("")?;
            out.heading(title)?;
            out.line(&printable_block(text))?;
        }
    }
    Ok(())
}

/// `12 executions, 92 % succeeded, 1.2s, 345 tokens and $0.0042 on average`.
fn statistics(version: &PromptVersion) -> String {
    let statistics = &version.statistics;
    if statistics.total_executions == 0 {
        return "never executed".to_owned();
    }
    #[allow(clippy::cast_precision_loss)] // counts stay far below 2^53
    let share = statistics.success_count as f64 / statistics.total_executions as f64;
    let known = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    format!(
        "{} executions, {} succeeded; on average {}, {} tokens, {}",
        count(statistics.total_executions),
        percent(share),
        duration(statistics.avg_response_time_ms.map(|millis| millis / 1e3)),
        known(statistics.avg_token_count.map(|tokens| format!("{tokens:.0}"))),
        known(statistics.avg_cost_usd.map(dollars)),
    )
}

fn print_history(out: &mut Out, history: &[HistoryEntry]) -> Result<(), Failure> {
    let now = Timestamp::now();
    let mut grid = Grid::new([
        Column::whole("VERSION").right(),
        Column::whole("ADDED"),
        Column::spare("LINES", 1),
        Column::spare("CALLS", 0).right(),
        Column::spare("LABELS", 2),
        Column::cut("MESSAGE"),
    ]);
    for HistoryEntry { version, changes, .. } in history {
        let lines = changes.as_ref().map_or_else(String::new, |diff| {
            format!(
                "+{} -{}",
                diff.system.added() + diff.template.added(),
                diff.system.removed() + diff.template.removed()
            )
        });
        grid.row([
            version.version.to_string().into(),
            ago(version.created_at, now).into(),
            lines.into(),
            count(version.statistics.total_executions).into(),
            one_line(&version.labels.join(", "), NAME).into(),
            one_line(version.commit_message.as_deref().unwrap_or_default(), 500).into(),
        ]);
    }
    grid.print(out)
}

fn print_diff(out: &mut Out, diff: &PromptDiff) -> Result<(), Failure> {
    if diff.system.is_empty() && diff.template.is_empty() {
        return out.line("the texts are the same");
    }
    for (part, texts) in [("system", &diff.system), ("template", &diff.template)] {
        if texts.is_empty() {
            continue;
        }
        out.heading(&format!("--- {part} v{}\n+++ {part} v{}", diff.from, diff.to))?;
        for line in &texts.lines {
            let paint = match line {
                DiffLine::Same(_) => Paint::Plain,
                DiffLine::Added(_) => Paint::Good,
                DiffLine::Removed(_) => Paint::Bad,
            };
            let text = out.terminal.paint(paint, &printable_block(&line.to_string()));
            out.line(&text)?;
        }
    }
    Ok(())
}
