//! `doctor`: what is configured and from where, what works, and what to do about what does not.
//!
//! It changes nothing, but for a file in the folder of traces that it makes and removes, and what `--repair` is asked to do.

mod database;
mod folder;
mod settings;

use super::Context;
use crate::args::DoctorArgs;
use crate::failure::{Failure, NOTHING};
use crate::out::Out;
use crate::table::{Column, Field, Grid};
use crate::terminal::Paint;
use serde::Serialize;
use std::process::ExitCode;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It works.
    Ok,
    /// It works, and somebody should look at it.
    Warning,
    /// It does not work.
    Failed,
    /// It is not used.
    Off,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    /// What was found, on one line.
    found: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), advice: None }
    }

    fn off(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Off, found: found.into(), advice: None }
    }

    fn warning(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Warning, found: found.into(), advice: Some(advice.into()) }
    }

    fn failed(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Failed, found: found.into(), advice: Some(advice.into()) }
    }
}

/// All checks, for programs.
#[derive(Serialize)]
struct Report<'a> {
    /// Whether no check failed.
    ok: bool,
    checks: &'a [Check],
}

pub(crate) async fn run(context: &mut Context, args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let mut checks = settings::checks(&context.place);
    checks.extend(folder::checks(&context.place.settings.dir));
    checks.extend(database::checks(&context.place, args.repair).await);
    let ok = checks.iter().all(|check| check.state != State::Failed);
    if args.json.json {
        context.out.json(&Report { ok, checks: &checks })?;
    } else {
        print(&mut context.out, &checks)?;
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) })
}

fn print(out: &mut Out, checks: &[Check]) -> Result<(), Failure> {
    let mut grid = Grid::new([Column::whole(""), Column::whole(""), Column::cut("")]).without_heading();
    for check in checks {
        let (word, paint) = match check.state {
            State::Ok => ("ok", Paint::Good),
            State::Warning => ("look", Paint::Notice),
            State::Failed => ("FAILED", Paint::Bad),
            State::Off => ("off", Paint::Quiet),
        };
        grid.row([check.name.into(), Field::painted(word, paint), check.found.clone().into()]);
    }
    grid.print(out)?;
    let advised: Vec<_> = checks.iter().filter_map(|check| Some((check.name, check.advice.as_deref()?))).collect();
    if !advised.is_empty() {
        out.line("")?;
        out.heading("What to do")?;
    }
    for (name, advice) in advised {
        out.line(&format!("  {name}: {advice}"))?;
    }
    Ok(())
}
