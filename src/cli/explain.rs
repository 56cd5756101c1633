//! `hooktail explain`: why each rule takes a line, or does not.

use std::io::{ErrorKind, Read, Write, stdin};

use clap::Args;

use crate::clock::Clock;
use crate::config::Config;
use crate::line::LineSpec;
use crate::line::join::Joiner;
use crate::line::split::{Line, Splitter};
use crate::proof::explain::{Explainer, object, words};
use crate::proof::rehearsal::Stations;

use super::cost::Priced;
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

    /// Tell instead what finding the lines cost, rule by rule; of several inputs of lines, name one
    #[arg(long)]
    cost: bool,

    /// Print an object a line as JSON; with `--cost` one object
    #[arg(long)]
    json: bool,
}

/// Explains; whatever the rules do, the status is 0.
pub(super) fn run(args: &ExplainArgs) -> Result<Exit, Failure> {
    let config = args.config.load()?;
    if args.cost {
        return cost(args, config);
    }
    let stations = Stations::new(config);
    let input =
        args.input.as_deref().map(|name| stations.input_named(name)).transpose().map_err(Failure::usage)?;
    let mut explainer = Explainer::new(&stations, input, Clock::start().now());
    let spec = explainer.line_spec().clone();
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
    let mut joiner = Joiner::new(&spec);
    let mut take = |line: Line<'_>| match &mut joiner {
        None => explain(line.bytes),
        Some(joiner) => {
            let mut events = Vec::new();
            joiner.add(line, |joined| events.push(joined.text.to_vec()));
            events.iter().try_for_each(|event| explain(event))
        }
    };
    match args.line.as_deref() {
        Some(text) if text != "-" => {
            text.lines().try_for_each(|line| take(Line { bytes: line.as_bytes(), truncated: false }))?;
        }
        _ => each_line(&spec, &mut take)?,
    }
    let mut last = Vec::new();
    if let Some(joiner) = &mut joiner {
        joiner.finish(|joined| last.push(joined.text.to_vec()));
    }
    last.iter().try_for_each(|event| explain(event))?;
    Ok(Exit::Done)
}

/// Tells what finding the lines cost.
fn cost(args: &ExplainArgs, config: Config) -> Result<Exit, Failure> {
    let priced = match args.line.as_deref() {
        Some(text) if text != "-" => Priced::of(config, args.input.as_deref(), text.as_bytes())?,
        _ => Priced::of(config, args.input.as_deref(), stdin().lock())?,
    };
    let told = if args.json { format!("{}\n", priced.object()) } else { priced.words() };
    std::io::stdout().write_all(told.as_bytes()).map_err(Failure::failed)?;
    Ok(Exit::Done)
}

/// The lines of standard input, as an input of this kind reads them.
fn each_line(spec: &LineSpec, take: &mut impl FnMut(Line<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut splitter = Splitter::of_stream(spec);
    let mut source = stdin().lock();
    loop {
        let read = match source.read(splitter.room()) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.map_err(Failure::failed)?,
        };
        splitter.filled(read);
        while let Some(line) = if read == 0 { splitter.finish() } else { splitter.next_line() } {
            take(line)?;
        }
        if read == 0 {
            return Ok(());
        }
    }
}
