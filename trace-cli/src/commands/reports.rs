//! `costs`, `latency`, `errors`, `stages`: what many calls cost, how long they take, what goes wrong again and again.

use super::Context;
use crate::args::WindowJsonArgs;
use crate::ask;
use crate::failure::{Failure, NOTHING};
use crate::out::{Out, say};
use crate::table::{Column, Grid};
use crate::words::{UNKNOWN, ago, count, dollars, duration, one_line, percent};
use serde::Serialize;
use std::process::ExitCode;
use trace_core::model::Timestamp;
use trace_store::query::{QueryError, Store, Window};

/// How much of a name or text is looked at.
const NAME: usize = 256;
const TEXT: usize = 300;

/// What prompts cost, day by day.
pub(crate) async fn costs(context: &mut Context, args: &WindowJsonArgs) -> Result<ExitCode, Failure> {
    let columns = [
        Column::whole("DAY"),
        Column::cut("PROMPT"),
        Column::spare("CALLS", 1).right(),
        Column::spare("PRICED", 2).right(),
        Column::spare("INPUT", 3).right(),
        Column::spare("OUTPUT", 4).right(),
        Column::whole("COST").right(),
    ];
    report(
        context,
        args,
        &columns,
        async |store: &Store, window| store.daily_costs(window).await,
        |row, grid| {
            grid.row([
                one_line(&row.day, NAME).into(),
                one_line(&row.prompt_name, NAME).into(),
                whole(row.calls).into(),
                whole(row.priced_calls).into(),
                whole(row.input_tokens).into(),
                whole(row.output_tokens).into(),
                row.cost_usd.map_or_else(|| UNKNOWN.to_owned(), dollars).into(),
            ]);
        },
    )
    .await
}

/// How long the calls made with each prompt take.
pub(crate) async fn latency(context: &mut Context, args: &WindowJsonArgs) -> Result<ExitCode, Failure> {
    let columns = [
        Column::cut("PROMPT"),
        Column::spare("CALLS", 0).right(),
        Column::spare("MEAN", 1).right(),
        Column::whole("P50").right(),
        Column::whole("P95").right(),
        Column::whole("P99").right(),
    ];
    report(
        context,
        args,
        &columns,
        async |store: &Store, window| store.latency(window).await,
        |row, grid| {
            let millis = |value: f64| duration(Some(value / 1e3));
            grid.row([
                one_line(&row.prompt_name, NAME).into(),
                whole(row.calls).into(),
                millis(row.avg_ms).into(),
                millis(row.p50_ms).into(),
                millis(row.p95_ms).into(),
                millis(row.p99_ms).into(),
            ]);
        },
    )
    .await
}

/// The errors that runs ended with.
pub(crate) async fn errors(context: &mut Context, args: &WindowJsonArgs) -> Result<ExitCode, Failure> {
    let columns = [
        Column::whole("RUNS").right(),
        Column::spare("LAST", 1),
        Column::spare("TYPE", 2),
        Column::cut("MESSAGE"),
        Column::spare("EXAMPLE", 0),
    ];
    let now = Timestamp::now();
    report(
        context,
        args,
        &columns,
        async |store: &Store, window| store.error_patterns(window).await,
        move |row, grid| {
            grid.row([
                whole(row.count).into(),
                row.last_seen.map_or_else(|| UNKNOWN.to_owned(), |moment| ago(moment, now)).into(),
                row.error_type.as_deref().map_or_else(|| UNKNOWN.to_owned(), |kind| one_line(kind, NAME)).into(),
                one_line(&row.message, TEXT).into(),
                one_line(&row.example_trace_id, 128).into(),
            ]);
        },
    )
    .await
}

/// Where the time of runs goes.
pub(crate) async fn stages(context: &mut Context, args: &WindowJsonArgs) -> Result<ExitCode, Failure> {
    let columns = [
        Column::cut("STAGE"),
        Column::spare("COUNT", 0).right(),
        Column::whole("P50").right(),
        Column::whole("P95").right(),
        Column::spare("TOTAL", 1).right(),
        Column::whole("SHARE").right(),
    ];
    report(
        context,
        args,
        &columns,
        async |store: &Store, window| store.stage_timing(window).await,
        |row, grid| {
            grid.row([
                one_line(&row.stage, NAME).into(),
                whole(row.count).into(),
                duration(Some(row.p50_seconds)).into(),
                duration(Some(row.p95_seconds)).into(),
                duration(Some(row.total_seconds)).into(),
                percent(row.share).into(),
            ]);
        },
    )
    .await
}

fn whole(value: i64) -> String {
    count(value.unsigned_abs())
}

/// Asks, and prints the rows.
async fn report<T: Serialize>(
    context: &mut Context,
    args: &WindowJsonArgs,
    columns: &[Column],
    question: impl AsyncFnOnce(&Store, Window) -> Result<Vec<T>, QueryError>,
    show: impl Fn(&T, &mut Grid),
) -> Result<ExitCode, Failure> {
    let window = ask::window(&args.window)?;
    let store = ask::open(&context.place).await?;
    let rows = question(&store, window).await.map_err(|error| ask::failure(&error))?;
    let out: &mut Out = &mut context.out;
    if args.json.json {
        out.json(&rows)?;
    } else if rows.is_empty() {
        say(&format!("there is nothing of that kind in {} in this time; --all looks at any time", store.place()));
    } else {
        let mut grid = Grid::new(columns);
        rows.iter().for_each(|row| show(row, &mut grid));
        grid.print(out)?;
    }
    store.close().await;
    Ok(if rows.is_empty() { ExitCode::from(NOTHING) } else { ExitCode::SUCCESS })
}
