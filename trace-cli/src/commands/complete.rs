//! `completion` and `man`: what the definition of the arguments can tell a shell and a reader of manuals.

use super::Context;
use crate::args::Cli;
use crate::failure::Failure;
use clap::CommandFactory;
use clap_complete::Shell;
use std::process::ExitCode;

/// Prints the completions of a shell.
pub(crate) fn completion(context: &mut Context, shell: Shell) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "whytrace", &mut text);
    context.out.text(&String::from_utf8_lossy(&text))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the manual page, all commands in it.
pub(crate) fn man(context: &mut Context) -> Result<ExitCode, Failure> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for subcommand in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        let man = clap_mangen::Man::new(subcommand.clone());
        man.render_name_section(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    context.out.text(&String::from_utf8_lossy(&page))?;
    Ok(ExitCode::SUCCESS)
}
