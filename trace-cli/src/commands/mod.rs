//! A file for each command.

mod compare;
mod complete;
mod components;
mod doctor;
mod export;
mod import;
mod list;
mod migrate;
mod prompts;
mod prune;
mod recover;
mod reports;
mod review;
mod show;
mod summary;
mod sync;
mod why;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::out::Out;
use crate::place::Place;
use crate::terminal::Terminal;
use std::process::ExitCode;

/// What a command works with.
pub(crate) struct Context {
    pub(crate) place: Place,
    pub(crate) out: Out,
}

/// Runs the command; the exit code says whether it found what it was asked for.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let mut context = Context { place: Place::of(&cli.place)?, out: Out::new(Terminal::of_stdout(cli.no_color)) };
    if !matches!(cli.command, Command::Doctor(_) | Command::Completion { .. } | Command::Man) {
        context.place.say_problems();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::Failed(format!("the system gives no event loop: {error}")))?;
    let code = runtime.block_on(dispatch(&mut context, cli.command));
    // A read from stdin that nobody answers any more must not keep the program.
    runtime.shutdown_background();
    let code = code?;
    context.out.flush()?;
    Ok(code)
}

async fn dispatch(context: &mut Context, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::List(args) => list::list(context, &args).await,
        Command::Show(args) => show::run(context, &args).await,
        Command::Compare(args) => compare::run(context, &args).await,
        Command::Why(args) => why::run(context, &args).await,
        Command::Query(args) => list::query(context, &args).await,
        Command::Summary(args) => summary::summary(context, &args).await,
        Command::Failures(args) => list::failures(context, &args).await,
        Command::Patterns(args) => summary::patterns(context, &args).await,
        Command::Flags(args) => list::flags(context, &args).await,
        Command::Review(args) => review::review(context, &args).await,
        Command::Score(args) => review::score(context, &args).await,
        Command::Components(args) => components::run(context, &args).await,
        Command::Costs(args) => reports::costs(context, &args).await,
        Command::Latency(args) => reports::latency(context, &args).await,
        Command::Errors(args) => reports::errors(context, &args).await,
        Command::Stages(args) => reports::stages(context, &args).await,
        Command::Prompts(command) => prompts::run(context, &command).await,
        Command::Doctor(args) => doctor::run(context, &args).await,
        Command::Import(args) => import::run(context, &args),
        Command::Export(args) => export::run(context, &args).await,
        Command::Recover => recover::run(context),
        Command::Sync => sync::run(context),
        Command::Migrate(args) => migrate::run(context, args.to).await,
        Command::Prune(args) => prune::run(context, &args).await,
        #[cfg(feature = "mcp")]
        Command::Mcp => mcp(context).await,
        Command::Completion { shell } => complete::completion(context, shell),
        Command::Man => complete::man(context),
    }
}

/// Serves an assistant until it closes stdin, or Ctrl-C.
#[cfg(feature = "mcp")]
async fn mcp(context: &mut Context) -> Result<ExitCode, Failure> {
    let serving = trace_server::mcp::serve_stdio(context.place.settings.clone());
    tokio::select! {
        served = serving => served.map_err(Failure::of)?,
        // Without a handler for it, the signal ends the program as it would end any other.
        Ok(()) = tokio::signal::ctrl_c() => {}
    }
    Ok(ExitCode::SUCCESS)
}
