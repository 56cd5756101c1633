//! How a command ends: the one place that prints an error's chain and knows the exit statuses.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

/// An exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Done,
    /// 1.
    Failed,
    /// 2: the command line or the configuration is wrong.
    Usage,
    /// 3: alerts are left undelivered.
    Undelivered,
    /// The status of a program, or why there is none.
    Program(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Undelivered => 3,
            Exit::Program(status) => status,
        })
    }
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    /// `None`: it was told already.
    error: Option<Box<dyn Error + Send + Sync>>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.as_ref().map_or(Ok(()), |error| write!(f, "{error}"))
    }
}

impl Failure {
    /// Something failed: status 1.
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Failed, error: Some(error.into()) }
    }

    /// The command line or the configuration is wrong: status 2.
    pub fn usage(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { exit: Exit::Usage, error: Some(error.into()) }
    }

    /// What is wrong has been printed.
    pub const fn told(exit: Exit) -> Self {
        Self { exit, error: None }
    }

    /// Prints the chain on standard error, and gives the status.
    pub fn tell(&self) -> Exit {
        let Some(error) = &self.error else { return self.exit };
        let mut words = error.to_string();
        let mut help = None;
        if let Some((what, advice)) = words.clone().split_once("\nhelp: ") {
            (words, help) = (what.to_owned(), Some(advice.to_owned()));
        }
        let mut source = error.source();
        while let Some(cause) = source {
            words = format!("{words}: {cause}");
            source = cause.source();
        }
        let help = help.map(|help| format!("\nhelp: {help}")).unwrap_or_default();
        // Nobody to tell is no reason for another status.
        let _ = writeln!(anstream::stderr(), "\x1b[1;31merror\x1b[0m: {words}{help}");
        self.exit
    }
}
