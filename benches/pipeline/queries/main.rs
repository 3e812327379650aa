//! How long each query takes over the traces that `load` made.
//!
//! Comes in: `[--rounds N] [--url URL]`. Without a URL: `WHYTRACE_TEST_DATABASE_URL`. Goes out: a table with the median and the 95th
//! percentile over the rounds, and the budget; each round asks about other runs, projects, intents and prompts where there are several.

// A benchmark's output is its text.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use lexopt::prelude::*;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use whytrace::model::Status;
use whytrace::query::{Filter, GroupBy, Page, QueryError, Store, TraceItem, Window};
use whytrace::sql::DatabaseUrl;

const LIST: Duration = Duration::from_millis(10);
const AGGREGATE: Duration = Duration::from_millis(50);
const PERCENTILES: Duration = Duration::from_millis(200);
const ALL_TIME: Duration = Duration::from_secs(2);

/// What is asked, and within what time it is to be answered.
const QUESTIONS: &[(&str, Duration)] = &[
    ("newest runs", LIST),
    ("by project", LIST),
    ("by intent", LIST),
    ("by domain", LIST),
    ("by session", LIST),
    ("by status", LIST),
    ("by prompt and version", LIST),
    ("gate failures", LIST),
    ("low scoring principle", LIST),
    ("flagged for review", LIST),
    ("after 50,000 runs", LIST),
    ("trace", LIST),
    ("trace by a prefix", LIST),
    ("full trace", LIST),
    ("compare", LIST),
    ("why", LIST),
    ("summary, 30 days", AGGREGATE),
    ("summary by intent, 30 days", AGGREGATE),
    ("principle patterns, 30 days", AGGREGATE),
    ("summary, all time", ALL_TIME),
    ("summary by project, all time", ALL_TIME),
    ("principle patterns, all time", ALL_TIME),
    ("daily costs, 30 days", PERCENTILES),
    ("latency by prompt, 30 days", PERCENTILES),
    ("error patterns, 30 days", PERCENTILES),
    ("stage timing, 30 days", PERCENTILES),
    ("search by a decision, 30 days", PERCENTILES),
    ("search by text, 30 days", PERCENTILES),
    ("search that finds nothing, 30 days", PERCENTILES),
    ("latency by prompt, all time", ALL_TIME),
    ("search that finds nothing, all time", ALL_TIME),
];

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let measured = runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(measure()));
    match measured {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("queries: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Result<(), String> {
    let (rounds, url) = arguments()?;
    let text = |error: QueryError| error.to_string();
    let store = Store::of_database(&url, None).await.map_err(text)?;
    let runs = Runs::of(&store).await.map_err(text)?;
    if runs.newest.len() < 2 {
        return Err("there are no runs of the last 30 days: fill the database with `--bench load` first".to_owned());
    }
    println!("{:<38} {:>10} {:>10} {:>10}  holds", "query", "p50 ms", "p95 ms", "budget ms");
    for (question, budget) in QUESTIONS {
        let mut times = Vec::with_capacity(rounds);
        for round in 0..rounds {
            let began = Instant::now();
            ask(&store, question, &runs, round * 7).await.map_err(|error| format!("{question}: {error}"))?;
            times.push(began.elapsed());
        }
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        let holds = if at(0.95) <= *budget { "yes" } else { "NO" };
        println!(
            "{question:<38} {:>10.2} {:>10.2} {:>10}  {holds}",
            millis(at(0.5)),
            millis(at(0.95)),
            budget.as_millis()
        );
    }
    store.close().await;
    Ok(())
}

/// What questions are about.
struct Runs {
    newest: Vec<TraceItem>,
    /// The cursor behind the newest 50,000, or as many as there are.
    deep: String,
}

impl Runs {
    async fn of(store: &Store) -> Result<Self, QueryError> {
        let page = Page::new(500);
        let mut listing = store.search(&Filter::all(), Window::default(), &page).await?;
        let newest = std::mem::take(&mut listing.items);
        let mut deep = String::new();
        for _ in 1..100 {
            let Some(cursor) = listing.next_cursor else { break };
            deep.clone_from(&cursor);
            listing = store.search(&Filter::all(), Window::default(), &page.clone().after(cursor)).await?;
        }
        Ok(Self { newest, deep })
    }
}

fn arguments() -> Result<(usize, DatabaseUrl), String> {
    let mut parser = lexopt::Parser::from_env();
    let (mut rounds, mut url) = (21, std::env::var("WHYTRACE_TEST_DATABASE_URL").ok());
    let parsed = (|| -> Result<(), lexopt::Error> {
        while let Some(arg) = parser.next()? {
            match arg {
                Long("rounds") => rounds = parser.value()?.parse()?,
                Long("url") => url = Some(parser.value()?.string()?),
                Long("bench") => {} // cargo says this
                other => return Err(other.unexpected()),
            }
        }
        Ok(())
    })();
    parsed.map_err(|error| error.to_string())?;
    let url = url.ok_or("name the database that `--bench load` filled: --url URL")?;
    Ok((std::cmp::max(rounds, 1), url.parse().map_err(|error| format!("{error}"))?))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

async fn ask(store: &Store, question: &str, runs: &Runs, n: usize) -> Result<(), QueryError> {
    let newest = &runs.newest;
    let (run, other) = (&newest[n % newest.len()], &newest[(n + 1) % newest.len()]);
    let (month, page) = (Window::default(), Page::default());
    let always = Window::all_time();
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    match question {
        "newest runs" => drop(store.search(&Filter::all(), month, &page).await?),
        "by project" => drop(store.by_project(&run.project_id, month, &page).await?),
        "by intent" => drop(store.by_intent(&said(&run.intent), month, &page).await?),
        "by domain" => drop(store.by_domain(&said(&run.domain), month, &page).await?),
        "by session" => drop(store.by_session(&run.session_id, month, &page).await?),
        "by status" => drop(store.by_status(Status::Failed, month, &page).await?),
        "by prompt and version" => drop(store.by_prompt("write_report", Some(2), month, &page).await?),
        "gate failures" => drop(store.quality_gate_failures(month, &page).await?),
        "low scoring principle" => drop(store.low_scoring_principle("META-12", 1.0, month, &page).await?),
        "flagged for review" => drop(store.flagged_for_review(month, &page).await?),
        "after 50,000 runs" => {
            drop(store.search(&Filter::all(), month, &page.after(runs.deep.as_str())).await?);
        }
        "trace" => drop(store.trace(&run.trace_id).await?),
        "trace by a prefix" => drop(store.trace(&run.trace_id[..run.trace_id.len() - 2]).await?),
        "full trace" => drop(store.full_trace(&run.trace_id).await?),
        "compare" => drop(store.compare(&run.trace_id, &other.trace_id).await?),
        "why" => drop(store.why(&run.trace_id).await?),
        "summary, 30 days" => {
            store.summary(month).await?;
        }
        "summary by intent, 30 days" => drop(store.summary_by(GroupBy::Intent, month).await?),
        "principle patterns, 30 days" => drop(store.principle_patterns(3, month).await?),
        "summary, all time" => {
            store.summary(always).await?;
        }
        "summary by project, all time" => drop(store.summary_by(GroupBy::Project, always).await?),
        "principle patterns, all time" => drop(store.principle_patterns(3, always).await?),
        "daily costs, 30 days" => drop(store.daily_costs(month).await?),
        "latency by prompt, 30 days" => drop(store.latency(month).await?),
        "error patterns, 30 days" => drop(store.error_patterns(month).await?),
        "stage timing, 30 days" => drop(store.stage_timing(month).await?),
        "latency by prompt, all time" => drop(store.latency(always).await?),
        "search by a decision, 30 days" => {
            let filter: Filter = "decision.source_selected.confidence < 0.4 and status = complete".parse()?;
            drop(store.search(&filter, month, &page).await?);
        }
        "search by text, 30 days" => {
            let filter: Filter = "query ~ \"robot\" and total_cost_usd > 0.001".parse()?;
            drop(store.search(&filter, month, &page).await?);
        }
        "search that finds nothing, 30 days" => {
            let filter: Filter = "query ~ \"there is no such text\"".parse()?;
            drop(store.search(&filter, month, &page).await?);
        }
        _ => {
            let filter: Filter = "query ~ \"there is no such text\"".parse()?;
            drop(store.search(&filter, always, &page).await?);
        }
    }
    Ok(())
}
