//! Finds and loads the configuration for a command, and prints what is wrong with it.

use std::io::{IsTerminal, Write, stderr};
use std::path::PathBuf;

use clap::Args;

use crate::config::{self, Config, Diagnostic, Loaded, Source};

use super::exit::{Exit, Failure};

/// Where the configuration lies.
#[derive(Debug, Args)]
pub(super) struct ConfigArgs {
    /// The rule file [default: ./hooktail.yaml, else /etc/hooktail/hooktail.yaml]
    #[arg(short, long, value_name = "FILE", env = "HOOKTAIL_CONFIG")]
    config: Option<PathBuf>,
}

const NEARBY: &str = "hooktail.yaml";
const INSTALLED: &str = "/etc/hooktail/hooktail.yaml";

impl ConfigArgs {
    /// The file that is meant.
    pub(super) fn path(&self) -> Result<PathBuf, Failure> {
        let given = self.config.clone();
        let found =
            given.or_else(|| [NEARBY, INSTALLED].into_iter().map(PathBuf::from).find(|path| path.exists()));
        found.ok_or_else(|| {
            Failure::usage(format!(
                "no rule file: neither `./{NEARBY}` nor `{INSTALLED}` is there\n\
                 help: name one with `-c FILE`; the README shows a first one"
            ))
        })
    }

    /// The configuration without a mistake; its warnings are printed.
    pub(super) fn load(&self) -> Result<Config, Failure> {
        usable(config::load(&self.path()?, &env))
    }
}

/// The process's environment.
pub(super) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Prints what is wrong; the configuration, if nothing is.
pub(super) fn usable(loaded: Loaded) -> Result<Config, Failure> {
    print(&loaded);
    loaded.config.ok_or(Failure::told(Exit::Usage))
}

/// Prints the diagnostics on standard error.
pub(super) fn print(loaded: &Loaded) {
    print_diagnostics(&loaded.diagnostics, &loaded.sources);
}

/// Prints `diagnostics`, which point into `sources`, on standard error.
pub(super) fn print_diagnostics(diagnostics: &[Diagnostic], sources: &[Source]) {
    let color = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if !diagnostics.is_empty() {
        // Nobody to tell: the status says it all the same.
        let _ = writeln!(stderr(), "{}", config::render(diagnostics, sources, color));
    }
}
