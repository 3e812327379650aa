//! `show`: one run, as scorecard, tree, Markdown or JSON.

use super::Context;
use crate::args::ShowArgs;
use crate::failure::Failure;
use crate::{ask, tree};
use std::process::ExitCode;
use trace_store::files::{Style, render, summary};

pub(crate) async fn run(context: &mut Context, args: &ShowArgs) -> Result<ExitCode, Failure> {
    let store = ask::open(&context.place).await?;
    let id = ask::id(&store, &args.id).await?;
    let trace = store.full_trace(&id).await.map_err(|error| ask::failure(&error))?.trace;
    store.close().await;
    let (out, scale) = (&mut context.out, context.place.settings.gate.scale);
    if args.json.json {
        out.json(&trace)?;
    } else if args.markdown {
        out.text(&summary(&trace, scale))?;
    } else if args.tree {
        tree::print(out, &trace, scale)?;
    } else {
        let style = Style { verbose: args.verbose, colour: out.terminal.colour, scale, ..Style::default() };
        out.text(&render(&trace, style))?;
    }
    Ok(ExitCode::SUCCESS)
}
