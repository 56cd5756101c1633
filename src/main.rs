//! The binary: reads the command line, calls one command, turns its result into an exit status.

use std::process::ExitCode;

use clap::Parser;

use hooktail::cli::{self, Cli};

fn main() -> ExitCode {
    cli::run(Cli::parse()).into()
}
