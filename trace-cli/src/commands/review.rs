//! `review` and `score`: what people say about runs.

use super::Context;
use crate::args::{ReviewArgs, ScoreArgs};
use crate::ask;
use crate::failure::Failure;
use crate::words::{one_line, score as shown};
use std::process::ExitCode;
use trace_store::sql::{HumanScore, ScoreSource, SqlStore};

/// Notes what a reviewer found.
pub(crate) async fn review(context: &mut Context, args: &ReviewArgs) -> Result<ExitCode, Failure> {
    if args.note.is_none() && !args.clear {
        return Err(Failure::Usage(
            "say what you found: --note TEXT, --clear to take the run off the list, or both".to_owned(),
        ));
    }
    let id = resolve(context, &args.id).await?;
    let mut sql = context.place.open_database().await?;
    let known = sql.review(&id, args.note.as_deref(), args.clear).await.map_err(Failure::of)?;
    finish(sql, known, &id).await?;
    let noted = if args.note.is_some() { "noted" } else { "no note" };
    let cleared = if args.clear { ", not flagged any more" } else { "" };
    context.out.line(&format!("{id}: {noted}{cleared}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Keeps the score of a person or of a judge.
pub(crate) async fn score(context: &mut Context, args: &ScoreArgs) -> Result<ExitCode, Failure> {
    let id = resolve(context, &args.id).await?;
    let mut sql = context.place.open_database().await?;
    let source = if args.judge { ScoreSource::Judge } else { ScoreSource::Human };
    let given = HumanScore {
        name: &args.name,
        value: args.value,
        source,
        author: args.author.as_deref(),
        feedback: args.feedback.as_deref(),
    };
    let known = sql.score(&id, &given).await.map_err(Failure::of)?;
    finish(sql, known, &id).await?;
    let text = format!("{id}: {} is {} ({})", one_line(&args.name, 256), shown(args.value), source.as_str());
    context.out.line(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What people say lives in the database; a folder of documents has no place for it.
async fn resolve(context: &Context, given: &str) -> Result<String, Failure> {
    if context.place.database_url()?.is_none() {
        let message = "reviews and scores are in the database, which is off; give one with --database";
        return Err(Failure::Usage(message.to_owned()));
    }
    let store = ask::open(&context.place).await?;
    let id = ask::id(&store, given).await?;
    store.close().await;
    Ok(id)
}

async fn finish(sql: SqlStore, known: bool, id: &str) -> Result<(), Failure> {
    sql.close().await;
    let missing =
        || Failure::Failed(format!("{id} has no row in the database; `whytrace sync` writes those that are missing"));
    if known { Ok(()) } else { Err(missing()) }
}
