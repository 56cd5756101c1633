//! `hooktail schema`: the JSON schema of a rule file.

use std::io::Write;

use clap::Args;

use super::exit::{Exit, Failure};

/// The options of `hooktail schema`.
#[derive(Debug, Args)]
#[command(after_help = "\
An editor that knows YAML completes and explains each key by it: in the first line of a rule file,
  # yaml-language-server: $schema=hooktail.schema.json")]
pub(super) struct SchemaArgs {}

/// As `config::schema` makes it. A test keeps it so: what makes it would be larger than what is made.
const SCHEMA: &str = include_str!("../../packaging/hooktail.schema.json");

/// Prints the schema on standard output.
pub(super) fn run(_: &SchemaArgs) -> Result<Exit, Failure> {
    std::io::stdout().write_all(SCHEMA.as_bytes()).map_err(Failure::failed)?;
    Ok(Exit::Done)
}
