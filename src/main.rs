//! The binary: reads the command line, calls one command, turns its result into an exit status.

use std::process::ExitCode;

use hooktail::cli::{self, Cli};

fn main() -> ExitCode {
    match Cli::from_args() {
        Ok(cli) => cli::run(cli).into(),
        Err(exit) => exit.into(),
    }
}
