//! `hooktail silence`: holds alerts back for a time, in the running agent.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::Value;

use crate::admin::Asked;
use crate::admin::client::{self, in_url};
use crate::board::SilenceStatus;

use super::exit::{Exit, Failure};
use super::running::RunningArgs;
use super::table::Table;

/// The options of `hooktail silence`.
#[derive(Debug, Args)]
pub(super) struct SilenceArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Post nothing of a rule, of an alert's problem, or of what an expression holds for
    Add(AddArgs),
    /// What is silenced now
    List(ListArgs),
    /// End a silence now; what it held back is told
    Expire(ExpireArgs),
}

#[derive(Debug, Args)]
struct AddArgs {
    /// A rule's name, or an alert's id as its footer shows it
    #[arg(value_name = "RULE | ID", required_unless_present = "filter")]
    target: Option<String>,

    /// An expression over an alert's fields: `host == "web-1"`
    #[arg(long = "where", value_name = "EXPR")]
    filter: Option<String>,

    /// For how long: `2h`
    #[arg(long = "for", value_name = "TIME")]
    lasts: String,

    /// Why, for whoever finds it
    #[arg(long, value_name = "TEXT")]
    why: String,

    #[command(flatten)]
    running: RunningArgs,
}

#[derive(Debug, Args)]
struct ListArgs {
    #[command(flatten)]
    running: RunningArgs,

    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ExpireArgs {
    /// The silence's id
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    running: RunningArgs,
}

/// Asks the running agent.
pub(super) fn run(args: SilenceArgs) -> Result<Exit, Failure> {
    let text = match args.what {
        What::Add(args) => add(args)?,
        What::List(args) => list(&args)?,
        What::Expire(args) => expire(&args)?,
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::failed)?;
    Ok(Exit::Done)
}

fn add(args: AddArgs) -> Result<String, Failure> {
    let socket = args.running.find()?.socket();
    let AddArgs { target, filter, lasts, why, .. } = args;
    let asked = serde_json::to_string(&Asked { target, filter, lasts, why }).map_err(Failure::failed)?;
    let made = client::ask(&socket, "POST", "/api/v1/silences", &asked).map_err(Failure::failed)?;
    let SilenceStatus { id, filter, until, .. } = read(made)?;
    Ok(format!("{id}: nothing is posted of `{filter}` until {until}\n"))
}

fn list(args: &ListArgs) -> Result<String, Failure> {
    let socket = args.running.find()?.socket();
    let json = client::ask(&socket, "GET", "/api/v1/silences", "").map_err(Failure::failed)?;
    if args.json {
        return Ok(format!("{json}\n"));
    }
    let silences: Vec<SilenceStatus> = read(json)?;
    if silences.is_empty() {
        return Ok("nothing is silenced\n".to_owned());
    }
    let mut table = Table::default();
    table.row(["ID", "until", "where", "why"]);
    for silence in &silences {
        table.row([&silence.id, &silence.until, &silence.filter, &silence.why]);
    }
    Ok(table.draw(""))
}

fn expire(args: &ExpireArgs) -> Result<String, Failure> {
    let socket = args.running.find()?.socket();
    let path = format!("/api/v1/silences/{}", in_url(&args.id));
    client::ask(&socket, "DELETE", &path, "").map_err(Failure::failed)?;
    Ok(format!("{}: ended\n", args.id))
}

fn read<T: serde::de::DeserializeOwned>(json: Value) -> Result<T, Failure> {
    serde_json::from_value(json).map_err(Failure::failed)
}
