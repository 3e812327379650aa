//! `components`: what programs declare, and whether what they record conforms to it.

use super::Context;
use crate::args::WindowJsonArgs;
use crate::ask;
use crate::failure::{Failure, NOTHING};
use crate::out::{Out, say};
use crate::table::{Column, Field, Grid};
use crate::terminal::Paint;
use crate::words::{count, counted, one_line};
use std::process::ExitCode;
use trace_store::query::Component;

/// How much of a name is looked at.
const NAME: usize = 256;

pub(crate) async fn run(context: &mut Context, args: &WindowJsonArgs) -> Result<ExitCode, Failure> {
    let window = ask::window(&args.window)?;
    let store = ask::open(&context.place).await?;
    let components = store.components(window).await.map_err(|error| ask::failure(&error))?;
    if args.json.json {
        context.out.json(&components)?;
    } else if components.is_empty() {
        say(&format!(
            "no component is declared in {}; a program declares them when it writes rows to a database",
            store.place()
        ));
    } else {
        print(&mut context.out, &components)?;
    }
    store.close().await;
    let conforms = !components.is_empty() && components.iter().all(Component::conforms);
    Ok(if conforms { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) })
}

fn print(out: &mut Out, components: &[Component]) -> Result<(), Failure> {
    let mut grid = Grid::new([
        Column::cut("COMPONENT"),
        Column::cut("DECISION"),
        Column::whole("RECORDED").right(),
        Column::whole(""),
        Column::spare("WHERE", 0),
    ]);
    let mut undeclared = 0;
    for component in components {
        let mut name = one_line(&component.name, NAME);
        if component.decisions.is_empty() {
            grid.row([
                name.clone().into(),
                "(none)".into(),
                "".into(),
                "".into(),
                one_line(&component.location, NAME).into(),
            ]);
        }
        for point in &component.decisions {
            let verdict = if !point.declared {
                undeclared += 1;
                Field::painted("NOT DECLARED", Paint::Bad)
            } else if point.locations.is_empty() {
                Field::painted("no code records it", Paint::Notice)
            } else {
                Field::from("")
            };
            let place = point.locations.first().map_or_else(|| component.location.clone(), Clone::clone);
            grid.row([
                std::mem::take(&mut name).into(),
                one_line(&point.decision, NAME).into(),
                count(point.recorded.unsigned_abs()).into(),
                verdict,
                one_line(&place, NAME).into(),
            ]);
        }
    }
    grid.print(out)?;
    if undeclared > 0 {
        let text = format!(
            "{} not declared: add them to `decisions(…)` of their components",
            counted(undeclared, "decision point")
        );
        let text = out.terminal.paint(Paint::Bad, &text);
        out.line(&text)?;
    }
    Ok(())
}
