//! `hooktail check`: everything that is wrong with a rule file at once; else what each rule does, in words.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::config::{self, Config, Level, Loaded};
use crate::line::LineSpec;
use crate::rule::Rule;
use crate::scan::{self, Filtered};

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
        words += &format!("{}\n  {}\n\n", rule.name, described(rule, config).join("\n  "));
    }
    let rules = config.rules.len();
    words
        + &format!(
            "{rules} rule{}: {}\n",
            if rules == 1 { "" } else { "s" },
            if found.is_empty() { "nothing is wrong" } else { &found }
        )
}

/// What a rule does, and what finding its lines costs where that is worth a word.
fn described(rule: &Rule, config: &Config) -> Vec<String> {
    let read = config.inputs.iter().filter(|input| rule.inputs.contains(&input.name));
    let lines: Vec<&LineSpec> = read.map(|input| &input.line).collect();
    let filtered = lines.iter().map(|line| scan::filtered(rule, line)).max();
    let parsed = lines.iter().any(|line| scan::needs_parser(rule, line));
    let cost = match filtered.unwrap_or(Filtered::ByNeedles) {
        Filtered::ByNeedles => None,
        Filtered::ByAutomaton => Some(
            "has no rare text to look for: an automaton reads every line, which takes about 2 s of CPU a gigabyte",
        ),
        Filtered::Never if rule.patterns.is_empty() => Some(
            "evaluates `where` on every line, some microseconds each: a `match` would spare most of them",
        ),
        Filtered::Never if parsed => Some("looks at what every line is parsed for, some microseconds each"),
        Filtered::Never => Some("can match an empty text, and so is shown every line: some 100 ns each"),
    };
    config::describe(rule, config).into_iter().chain(cost.map(str::to_owned)).collect()
}

fn as_json(loaded: &Loaded) -> String {
    let rules = loaded.config.iter().flat_map(|config| config.rules.iter().map(move |rule| (config, rule)));
    let rules: Vec<_> = rules
        .map(|(config, rule)| json!({ "name": rule.name, "description": described(rule, config).join("; ") }))
        .collect();
    format!(
        "{}\n",
        json!({ "ok": loaded.config.is_some(), "diagnostics": loaded.diagnostics, "rules": rules })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_costly_to_find_is_told() {
        let rules = r#"
webhooks: { w: { url: "https://hooks.slack.com/services/T0/B0/x" } }
inputs: { a: { stdin: true } }
rules:
  - { name: rare, match: 'disk \S+ is full' }
  - { name: common, match: ['disk full', '[a-z]+ [a-z]+'] }
  - { name: empty, match: '^$' }
  - { name: open, where: line.contains("x") }
"#;
        let loaded = config::from_str(rules, "rules", std::path::Path::new("."), &|_| None);
        let config = loaded.config.expect("a good configuration");
        let said = |name: &str| {
            let rule = config.rules.iter().find(|rule| &*rule.name == name).expect("it is there");
            described(rule, &config).last().cloned().unwrap_or_default()
        };
        assert!(said("rare").starts_with("repeats of one shape"), "{}", said("rare"));
        assert!(said("common").starts_with("has no rare text"), "{}", said("common"));
        assert!(said("empty").starts_with("can match an empty text"), "{}", said("empty"));
        assert!(said("open").starts_with("evaluates `where` on every line"), "{}", said("open"));
    }
}
