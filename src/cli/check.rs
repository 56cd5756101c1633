//! `hooktail check`: everything that is wrong with a rule file at once; else what each rule does, in words.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::config::{self, Level, Loaded};

use super::exit::{Exit, Failure};
use super::load::{ConfigArgs, env, print};

/// The options of `hooktail check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// Warnings fail too
    #[arg(long)]
    strict: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Checks; status 2 where something is wrong.
pub(super) fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let loaded = config::load(&args.config.path()?, &env);
    let text = if args.json {
        as_json(&loaded)
    } else {
        print(&loaded);
        in_words(&loaded)
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::failed)?;
    let warned = loaded.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Warning);
    Ok(if loaded.config.is_none() || args.strict && warned { Exit::Usage } else { Exit::Done })
}

fn in_words(loaded: &Loaded) -> String {
    let count = |level| loaded.diagnostics.iter().filter(|diagnostic| diagnostic.level == level).count();
    let found = [(count(Level::Error), "mistake"), (count(Level::Warning), "warning")]
        .into_iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}{}", if n == 1 { "" } else { "s" }))
        .collect::<Vec<_>>()
        .join(", ");
    let Some(config) = &loaded.config else { return format!("{found}\n") };
    let mut words = String::new();
    for rule in &config.rules {
        words += &format!("{}\n  {}\n\n", rule.name, config::describe(rule, config).join("\n  "));
    }
    let rules = config.rules.len();
    words
        + &format!(
            "{rules} rule{}: {}\n",
            if rules == 1 { "" } else { "s" },
            if found.is_empty() { "nothing is wrong" } else { &found }
        )
}

fn as_json(loaded: &Loaded) -> String {
    let rules = loaded.config.iter().flat_map(|config| config.rules.iter().map(move |rule| (config, rule)));
    let rules: Vec<_> = rules
        .map(|(config, rule)| json!({ "name": rule.name, "description": config::describe(rule, config).join("; ") }))
        .collect();
    format!(
        "{}\n",
        json!({ "ok": loaded.config.is_some(), "diagnostics": loaded.diagnostics, "rules": rules })
    )
}
