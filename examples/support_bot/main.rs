//! Three days of a support bot: a first prompt, a more concise one, and the way back; at the end, what the numbers say of each.
//!
//! `cargo run --example support_bot` needs nothing: the model is a small HTTP server on the loopback interface that the program starts itself and
//! that speaks OpenAI's chat completions. Its answers follow from the prompt and the ticket; its tokens are counted in these texts, and
//! it takes a hundredth of the time that a real model takes for as many. A day is simulated by a run of a hundred tickets: the days come
//! one after the other, and all times are real. Everything else is as in production: declared prompt, registry, observed
//! calls, carried prices, reports. With `WHYTRACE_DATABASE_URL` it uses that database.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that speaks to whoever started it")]

mod judge;
mod model;
mod server;
mod tickets;

use serde_json::{Value, json};
use server::Server;
use std::time::Duration;
use tickets::Ticket;
use ureq::Agent;
use whytrace::model::{ModelResponse, Timestamp};
use whytrace::prelude::*;
use whytrace::prompts::{self, NewVersion, Registry, VersionReportOptions};

const MODEL: &str = "gpt-4o-mini";

const CONCISE: &str = "Analyze: {{ ticket }}\n\nProvide: ISSUE, CAUSE, FIX (one line each)";

prompt! {
    /// Monday's prompt.
    SUPPORT_BOT = "support_bot", template = "You are a support bot. Analyze: {{ ticket }}"
}

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let _guard = whytrace::init();
    // Without waiting, the first tickets would be answered with the code's own text and linked to its version a little later.
    if !prompts::ready(Duration::from_secs(30)) {
        return Err("the registry of prompts cannot be reached: is there a database?".into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let registry = runtime.block_on(prompts::registry())?;
    let server = Server::start()?;
    let began = Timestamp::now();

    // A second run of this program finds Wednesday's version in the registry, whose text is that of Monday's.
    let monday = runtime.block_on(registry.get_latest("support_bot"))?.version;
    day("Monday, the first prompt", &server)?;

    let concise = NewVersion::new(CONCISE).commit_message("Made more concise");
    let tuesday = runtime.block_on(registry.add_version("support_bot", concise))?.version;
    day("Tuesday, a more concise one", &server)?;

    let wednesday = runtime.block_on(registry.rollback("support_bot", monday))?.version;
    day("Wednesday, the way back", &server)?;

    if !whytrace::flush(Duration::from_secs(60)) {
        eprintln!("not everything is in the database yet");
    }
    report(&runtime, &registry, began)?;
    println!("v{wednesday} has the text of v{monday}; v{tuesday} and its runs stay where they are.");
    Ok(())
}

/// A hundred tickets.
fn day(name: &str, server: &Server) -> Result<(), Error> {
    println!("{name}: {} tickets", tickets::A_DAY);
    for ticket in tickets::of_a_day() {
        answer(&ticket, server)?;
    }
    Ok(())
}

/// One ticket, from the prompt to the judgement.
#[traced_run(project = "support_bot", query = ticket.problem, intent = "support", domain = ticket.product)]
fn answer(ticket: &Ticket, server: &Server) -> Result<(), Error> {
    let text = ticket.to_string();
    let prompt = SUPPORT_BOT { ticket: &text }.render()?;
    let completion = complete(&server.url(), &prompt)?;
    let answer = completion["choices"][0]["message"]["content"].as_str().unwrap_or_default();
    judge::judge(ticket, answer);
    Ok(())
}

/// The model call. What it costs follows from model and tokens.
#[observable(
    "complete",
    kind = llm,
    prompt = SUPPORT_BOT,
    model = MODEL,
    usage(|response| Usage::from_openai(response)),
    response(|response| response["choices"][0]["message"]["content"].as_str()),
)]
fn complete(url: &str, prompt: &str) -> Result<Value, Error> {
    let agent: Agent = Agent::config_builder().timeout_global(Some(Duration::from_secs(30))).build().into();
    let request = json!({ "model": MODEL, "messages": [{ "role": "user", "content": prompt }] });
    let body =
        agent.post(url).content_type("application/json").send(request.to_string())?.body_mut().read_to_string()?;
    let response: Value = serde_json::from_str(&body)?;
    whytrace::attribute("finish_reason", ModelResponse::read(&response).finish_reason);
    Ok(response)
}

fn report(runtime: &tokio::runtime::Runtime, registry: &Registry, began: Timestamp) -> Result<(), Error> {
    let options = VersionReportOptions::new().since(began);
    let report = runtime.block_on(registry.version_report("support_bot", &options))?;
    println!("\n{report}\n");
    Ok(())
}
