//! `summary` and `patterns`: many runs in figures.

use super::Context;
use crate::args::{By, PatternsArgs, SummaryArgs};
use crate::ask;
use crate::failure::{Failure, NOTHING};
use crate::out::{Out, say};
use crate::table::{Column, Field, Grid};
use crate::terminal::Paint;
use crate::words::{UNKNOWN, count, dollars, duration, one_line, percent, score};
use std::process::ExitCode;
use trace_store::query::{Figures, Group, GroupBy};

pub(crate) async fn summary(context: &mut Context, args: &SummaryArgs) -> Result<ExitCode, Failure> {
    let window = ask::window(&args.window)?;
    let store = ask::open(&context.place).await?;
    let out = &mut context.out;
    let found = if let Some(by) = args.by {
        let groups = store.summary_by(group(by), window).await.map_err(|error| ask::failure(&error))?;
        if args.json.json {
            out.json(&groups)?;
        } else {
            print_groups(out, by, &groups)?;
        }
        !groups.is_empty()
    } else {
        let figures = store.summary(window).await.map_err(|error| ask::failure(&error))?;
        if args.json.json {
            out.json(&figures)?;
        } else {
            print_figures(out, &figures)?;
        }
        figures.total_runs > 0
    };
    if !found && !args.json.json {
        say(&format!("no run in {} in this time; --all looks at any time", store.place()));
    }
    store.close().await;
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) })
}

const fn group(by: By) -> GroupBy {
    match by {
        By::Day => GroupBy::Day,
        By::Domain => GroupBy::Domain,
        By::Intent => GroupBy::Intent,
        By::Project => GroupBy::Project,
        By::Status => GroupBy::Status,
    }
}

fn print_figures(out: &mut Out, figures: &Figures) -> Result<(), Failure> {
    let number = |value: i64| count(value.unsigned_abs());
    let known = |value: Option<String>| value.unwrap_or_else(|| UNKNOWN.to_owned());
    let ended = format!(
        "{} complete, {} failed, {} incomplete, {} in progress",
        number(figures.complete),
        number(figures.failed),
        number(figures.incomplete),
        number(figures.in_progress)
    );
    let gate = format!(
        "{} passed, {} failed ({})",
        number(figures.gate_passed),
        number(figures.gate_failed),
        known(figures.gate_pass_rate.map(percent))
    );
    let quality = format!("{} on average of {}", known(figures.avg_quality.map(score)), number(figures.scored_runs));
    let cost = format!("{} in {}", known(figures.total_cost_usd.map(dollars)), number(figures.priced_runs));
    let average = known(figures.avg_cost_usd.map(dollars));
    let tokens = format!("{} in, {} out", number(figures.input_tokens), number(figures.output_tokens));
    let mut grid = Grid::new([Column::whole(""), Column::cut("")]).without_heading();
    let rows: [(&str, String); 9] = [
        ("runs", format!("{}: {ended}", number(figures.total_runs))),
        ("quality gate", gate),
        ("quality", format!("{quality} scored runs; gaps in {}", number(figures.runs_with_gaps))),
        ("duration", format!("{} on average", duration(figures.avg_duration_seconds))),
        ("cost", format!("{cost} priced runs, {average} on average")),
        ("tokens", tokens),
        ("model calls", number(figures.llm_calls)),
        ("decisions", number(figures.decisions)),
        ("iterations", number(figures.iterations)),
    ];
    for (name, value) in rows {
        grid.row([Field::painted(name, Paint::Quiet), value.into()]);
    }
    grid.print(out)
}

fn print_groups(out: &mut Out, by: By, groups: &[Group]) -> Result<(), Failure> {
    let title = match by {
        By::Day => "DAY",
        By::Domain => "DOMAIN",
        By::Intent => "INTENT",
        By::Project => "PROJECT",
        By::Status => "STATUS",
    };
    let mut grid = Grid::new([
        Column::cut(title),
        Column::whole("RUNS").right(),
        Column::spare("FAILED", 1).right(),
        Column::spare("GATE PASSED", 2).right(),
        Column::spare("QUALITY", 0).right(),
        Column::spare("TIME", 4).right(),
        Column::spare("COST", 3).right(),
        Column::spare("TOKENS", 5).right(),
    ]);
    for Group { key, figures, .. } in groups {
        let key = key.as_deref().map_or_else(|| "(none)".to_owned(), |key| one_line(key, 200));
        grid.row([
            key.into(),
            count(figures.total_runs.unsigned_abs()).into(),
            count(figures.failed.unsigned_abs()).into(),
            figures.gate_pass_rate.map_or_else(|| UNKNOWN.to_owned(), percent).into(),
            figures.avg_quality.map_or_else(|| UNKNOWN.to_owned(), score).into(),
            duration(figures.avg_duration_seconds).into(),
            figures.total_cost_usd.map_or_else(|| UNKNOWN.to_owned(), dollars).into(),
            count((figures.input_tokens + figures.output_tokens).unsigned_abs()).into(),
        ]);
    }
    grid.print(out)
}

/// Which principles fail most often.
pub(crate) async fn patterns(context: &mut Context, args: &PatternsArgs) -> Result<ExitCode, Failure> {
    let window = ask::window(&args.window)?;
    let store = ask::open(&context.place).await?;
    let patterns = store.principle_patterns(args.min_runs, window).await.map_err(|error| ask::failure(&error))?;
    if args.json.json {
        context.out.json(&patterns)?;
    } else if patterns.is_empty() {
        say(&format!(
            "no principle that {} or more runs were judged by was a gap in this time; --min-runs and --all widen the search",
            args.min_runs
        ));
    } else {
        let mut grid = Grid::new([
            Column::cut("PRINCIPLE"),
            Column::whole("FAILED").right(),
            Column::whole("OF").right(),
            Column::spare("RATE", 1).right(),
            Column::spare("MEAN", 0).right(),
            Column::spare("STRENGTH", 2).right(),
        ]);
        for pattern in &patterns {
            grid.row([
                one_line(&pattern.principle_id, 256).into(),
                count(pattern.fail_count.unsigned_abs()).into(),
                count(pattern.runs.unsigned_abs()).into(),
                percent(pattern.fail_rate).into(),
                pattern.avg_score.map_or_else(|| UNKNOWN.to_owned(), score).into(),
                count(pattern.strength_count.unsigned_abs()).into(),
            ]);
        }
        grid.print(&mut context.out)?;
    }
    store.close().await;
    Ok(if patterns.is_empty() { ExitCode::from(NOTHING) } else { ExitCode::SUCCESS })
}
