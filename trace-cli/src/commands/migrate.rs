//! `migrate`: the tables of the database, up to date, back, or as they are.
//!
//! A change of the tables is one transaction: interrupted, nothing has happened, and it can be repeated.

use super::Context;
use crate::args::MigrateTo;
use crate::failure::{Failure, NOTHING};
use crate::table::{Column, Field, Grid};
use crate::terminal::Paint;
use crate::words::{counted, when};
use serde::Serialize;
use std::process::ExitCode;
use trace_store::sql::{MigrationStatus, SqlError, SqlStore};

pub(crate) async fn run(context: &mut Context, to: Option<MigrateTo>) -> Result<ExitCode, Failure> {
    match to.unwrap_or(MigrateTo::Up) {
        MigrateTo::Up => up(context).await,
        MigrateTo::Down { to, yes } => down(context, to, yes).await,
        MigrateTo::Status { json } => status(context, json.json).await,
    }
}

async fn up(context: &mut Context) -> Result<ExitCode, Failure> {
    let mut store = context.place.open_database().await?;
    let missing = missing(&mut store).await?;
    if missing.is_empty() {
        context.out.line("the tables are up to date")?;
    } else {
        for step in &missing {
            context.out.line(&format!("applying {} {}", step.version, step.name))?;
        }
        context.out.flush()?;
        store.migrate().await.map_err(Failure::of)?;
        context.out.line(&format!("{} applied", counted(missing.len() as u64, "step")))?;
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn missing(store: &mut SqlStore) -> Result<Vec<MigrationStatus>, Failure> {
    let steps = store.migration_status().await.map_err(Failure::of)?;
    Ok(steps.into_iter().filter(|step| step.applied_at.is_none()).collect())
}

async fn down(context: &mut Context, to: i64, yes: bool) -> Result<ExitCode, Failure> {
    let mut store = context.place.open_database().await?;
    let steps = store.migration_status().await.map_err(Failure::of)?;
    let newest = steps.last().map_or(0, |step| step.version);
    if !(0..=newest).contains(&to) {
        return Err(Failure::Usage(SqlError::NoSuchVersion { to, known: newest }.to_string()));
    }
    let undone: Vec<_> = steps.iter().rev().filter(|step| step.applied_at.is_some() && step.version > to).collect();
    for step in &undone {
        let verb = if yes { "undoing" } else { "would undo" };
        context.out.line(&format!("{verb} {} {}", step.version, step.name))?;
    }
    if undone.is_empty() {
        context.out.line(&format!("the tables are at version {to} or older already"))?;
    } else if yes {
        context.out.flush()?;
        store.down(to).await.map_err(Failure::of)?;
        context.out.line(&format!("{} undone", counted(undone.len() as u64, "step")))?;
    } else {
        context.out.line("nothing was changed; --yes does it, and what those tables hold is lost")?;
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

/// A step of the tables, for programs.
#[derive(Serialize)]
struct Step<'a> {
    version: i64,
    name: &'a str,
    applied_at: Option<&'a str>,
}

impl<'a> From<&'a MigrationStatus> for Step<'a> {
    fn from(step: &'a MigrationStatus) -> Self {
        Self { version: step.version, name: &step.name, applied_at: step.applied_at.as_deref() }
    }
}

/// Exit code 1 while a step is missing.
async fn status(context: &mut Context, json: bool) -> Result<ExitCode, Failure> {
    let mut store = context.place.open_database().await?;
    let steps = store.migration_status().await.map_err(Failure::of)?;
    store.close().await;
    if json {
        context.out.json(&steps.iter().map(Step::from).collect::<Vec<_>>())?;
    } else {
        let mut grid = Grid::new([Column::whole("VERSION").right(), Column::whole("NAME"), Column::whole("APPLIED")]);
        for step in &steps {
            let applied = step.applied_at.as_deref().map_or_else(
                || Field::painted("missing", Paint::Notice),
                |at| Field::from(at.parse().map_or_else(|_| at.to_owned(), when)),
            );
            grid.row([step.version.to_string().into(), step.name.clone().into(), applied]);
        }
        grid.print(&mut context.out)?;
    }
    let current = steps.iter().all(|step| step.applied_at.is_some());
    Ok(if current { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) })
}
