//! Our own log: to standard error, by `tracing`.

use std::io::{IsTerminal, stderr};

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// How our own log is written.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// How our log is written
    ///
    /// RUST_LOG says how much of it: `RUST_LOG=debug`.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", hide_short_help = true)]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people
    Text,
    /// A JSON object a line
    Json,
}

/// Begins to log, at `level` unless RUST_LOG says otherwise. Called once.
pub(super) fn start(args: &LogArgs, level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_target(false);
    // A standard error that takes no more would be told of on standard error, with a panic in whoever logs.
    let builder = builder.log_internal_errors(false);
    let color = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let started = match args.log_format {
        LogFormat::Text => builder.with_ansi(color).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    debug_assert!(started.is_ok(), "the log is started once");
}
