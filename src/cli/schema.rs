//! `hooktail schema`: the JSON schema of a rule file.

use std::io::Write;

use clap::Args;

use crate::config;

use super::exit::{Exit, Failure};

/// The options of `hooktail schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
An editor that knows YAML completes and explains each key by it: in the first line of a rule file,
  # yaml-language-server: $schema=hooktail.schema.json")]
pub(super) struct SchemaArgs {}

/// Prints the schema on standard output.
pub(super) fn run(_: &SchemaArgs) -> Result<Exit, Failure> {
    let mut text = serde_json::to_vec_pretty(&config::schema()).map_err(Failure::failed)?;
    text.push(b'\n');
    std::io::stdout().write_all(&text).map_err(Failure::failed)?;
    Ok(Exit::Done)
}
