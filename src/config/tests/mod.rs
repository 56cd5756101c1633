//! What a configuration means, and what a wrong one gets.

mod files;
mod meaning;
mod mistakes;
mod parsing;
mod rule_tests;
mod schedules;
mod schema;
mod unsupported;
mod when;

use std::path::Path;

use super::{Config, Diagnostic, Loaded, from_str};
use crate::rule::Rule;

/// What stands above the rules of a test: lines 1 and 2.
const HEAD: &str = "webhooks: { ops: { url: \"http://127.0.0.1:9/services/T0/B0/SECRET\" } }
inputs: { app: { files: /var/log/app.log } }
";

fn env(name: &str) -> Option<String> {
    match name {
        "SLACK" => Some("https://hooks.slack.com/services/T0/B0/SECRET".to_owned()),
        "NODE_NAME" => Some("node-7".to_owned()),
        "YES" => Some("true".to_owned()),
        _ => None,
    }
}

fn load(yaml: &str) -> Loaded {
    from_str(yaml, "hooktail.yaml", Path::new("/etc/hooktail"), &env)
}

/// The configuration that `yaml` is; nothing may be wrong with it.
fn config(yaml: &str) -> Config {
    let loaded = load(yaml);
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.render(false));
    loaded.config.expect("nothing is wrong")
}

/// The rule with these keys, which are indented by four spaces.
fn rule(keys: &str) -> Rule {
    config(&rules(keys)).rules.remove(0)
}

/// A file with one rule: its name is on line 4, `keys` begin on line 5.
fn rules(keys: &str) -> String {
    format!("{HEAD}rules:\n  - name: r\n{keys}")
}

/// What is wrong with `yaml`, a line each: place, message, label and help.
fn told(yaml: &str) -> Vec<String> {
    load(yaml).diagnostics.iter().map(line).collect()
}

fn line(found: &Diagnostic) -> String {
    let place = format!("{}:{}", found.line.unwrap_or(0), found.column.unwrap_or(0));
    let level = format!("{:?}", found.level).to_lowercase();
    let mut text = format!("{place} {level}: {}", found.message);
    for (mark, words) in [(" ^ ", &found.label), (" = ", &found.help)] {
        if let Some(words) = words {
            text.push_str(mark);
            text.push_str(words);
        }
    }
    text
}
