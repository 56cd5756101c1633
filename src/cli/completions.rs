//! `hooktail completions`: a script that lets a shell complete the command line.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::exit::{Exit, Failure};

/// The options of `hooktail completions`.
#[derive(Debug, Args)]
#[command(after_help = "For this shell:   source <(hooktail completions bash)\n\
                        For every shell:  hooktail completions bash > /etc/bash_completion.d/hooktail")]
pub(super) struct CompletionsArgs {
    /// Whose script
    shell: Shell,
}

/// Prints the script on standard output.
pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    // Written to memory first: the generator panics where its writer fails, as at a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "hooktail", &mut script);
    std::io::stdout().write_all(&script).map_err(Failure::failed)?;
    Ok(Exit::Done)
}
