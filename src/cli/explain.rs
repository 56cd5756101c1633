//! `hooktail explain`: why each rule takes a line, or does not.

use std::io::{BufRead, Write, stdin};

use clap::Args;

use crate::clock::Clock;
use crate::proof::explain::{Explainer, object, words};
use crate::proof::rehearsal::Stations;

use super::exit::{Exit, Failure};
use super::load::ConfigArgs;

/// The options of `hooktail explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// The line; `-` (or none): the lines of standard input, one after the other
    #[arg(value_name = "LINE", allow_hyphen_values = true)]
    line: Option<String>,

    /// Take it for a line of this input [default: each rule's first]
    #[arg(long, value_name = "NAME")]
    input: Option<String>,

    /// Print an object a line as JSON
    #[arg(long)]
    json: bool,
}

/// Explains; whatever the rules do, the status is 0.
pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let stations = Stations::new(args.config.load()?);
    let input =
        args.input.as_deref().map(|name| stations.input_named(name)).transpose().map_err(Failure::usage)?;
    let mut explainer = Explainer::new(&stations, input, Clock::start().now());
    let mut first = true;
    let mut explain = |line: &[u8]| {
        let explanation = explainer.explain(line);
        let told = match args.json {
            true => format!("{}\n", object(&explanation)),
            false if first => words(&explanation),
            false => format!("\n\n{}", words(&explanation)),
        };
        first = false;
        std::io::stdout().write_all(told.as_bytes()).map_err(Failure::failed)
    };
    match args.line.as_deref() {
        Some(line) if line != "-" => line.lines().try_for_each(|line| explain(line.as_bytes()))?,
        _ => {
            for line in stdin().lock().split(b'\n') {
                explain(&line.map_err(Failure::failed)?)?;
            }
        }
    }
    Ok(Exit::Done)
}
