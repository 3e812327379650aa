//! `list`, `query`, `failures`, `flags`: runs, newest first.

use super::Context;
use crate::args::{ListArgs, PageArgs, QueryArgs};
use crate::failure::{Failure, NOTHING};
use crate::out::say;
use crate::{ask, runs};
use std::process::ExitCode;
use trace_store::query::Filter;

pub(crate) async fn list(context: &mut Context, args: &ListArgs) -> Result<ExitCode, Failure> {
    let fields = [
        ("project_id", &args.project),
        ("intent", &args.intent),
        ("domain", &args.domain),
        ("status", &args.status),
        ("session_id", &args.session),
    ];
    let mut filter = Filter::all();
    for (field, value) in fields {
        if let Some(value) = value {
            filter = filter.and(ask::equals(field, value)?);
        }
    }
    if let Some(prompt) = &args.prompt {
        let (name, version) = ask::prompt(prompt)?;
        filter = filter.and(Filter::of_prompt(name, version));
    }
    page(context, &filter, &args.page).await
}

pub(crate) async fn query(context: &mut Context, args: &QueryArgs) -> Result<ExitCode, Failure> {
    page(context, &ask::filter(&args.filter)?, &args.page).await
}

/// Runs whose quality gate failed.
pub(crate) async fn failures(context: &mut Context, args: &PageArgs) -> Result<ExitCode, Failure> {
    page(context, &ask::equals("quality_gate_passed", "false")?, args).await
}

/// Runs that somebody should look at.
pub(crate) async fn flags(context: &mut Context, args: &PageArgs) -> Result<ExitCode, Failure> {
    page(context, &ask::equals("flagged_for_review", "true")?, args).await
}

async fn page(context: &mut Context, filter: &Filter, args: &PageArgs) -> Result<ExitCode, Failure> {
    // Mistakes in the arguments come before anything is opened.
    let (window, page) = (ask::window(&args.window)?, ask::page(args));
    let store = ask::open(&context.place).await?;
    let listing = store.search(filter, window, &page).await.map_err(|error| ask::failure(&error))?;
    let found = !listing.items.is_empty();
    if args.json.json {
        context.out.json(&listing)?;
    } else if found {
        runs::print(&mut context.out, &listing)?;
    } else {
        let when = if args.window.all { "" } else { " in this time; --all looks at any time" };
        say(&format!("no such run in {}{when}", store.place()));
    }
    store.close().await;
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(NOTHING) })
}
