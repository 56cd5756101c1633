//! `hooktail pipe`: one rule on standard input. The options are put into the words of a rule file, so that they mean
//! the same and are checked the same.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Map, Value, json};

use crate::admin::Doors;
use crate::config::{self, Loaded};
use crate::input::files::Until;

use super::exit::{Exit, Failure};
use super::load::{env, usable};
use super::run::{Drawn, EndingArgs, follow};

/// The options of `hooktail pipe`.
#[derive(Debug, Args)]
pub(super) struct PipeArgs {
    /// A regex that takes a line; of several, any
    #[arg(long = "match", value_name = "REGEX", required = true)]
    patterns: Vec<String>,

    /// A regex; what it matches is not taken
    #[arg(long, value_name = "REGEX")]
    ignore: Vec<String>,

    /// Where to post; other users can see a command line: prefer --webhook-file
    #[arg(long, value_name = "URL", conflicts_with = "webhook_file")]
    webhook: Option<String>,

    /// A file that holds the URL; else HOOKTAIL_WEBHOOK does; without any the messages are drawn
    #[arg(long, value_name = "FILE")]
    webhook_file: Option<PathBuf>,

    /// critical, error, warning or info
    #[arg(long, value_name = "S")]
    severity: Option<String>,

    /// Whom to mention: here, channel, everyone, or an id; of several, all
    #[arg(long, value_name = "M")]
    mention: Vec<String>,

    /// How lines are parsed: text, json, logfmt or clf
    #[arg(long, value_name = "P")]
    parse: Option<String>,

    /// A capture: each of its values is counted and folded by itself
    #[arg(long, value_name = "FIELD")]
    by: Vec<String>,

    /// Alert when N matches lie within D
    #[arg(long, value_name = "N", requires = "within")]
    count: Option<u32>,

    /// The time for --count
    #[arg(long, value_name = "D", requires = "count")]
    within: Option<String>,

    /// How long repeats are folded, or `off` [default: 10m]
    #[arg(long, value_name = "D")]
    dedup: Option<String>,

    /// The headline; a template: "disk {{ disk }} is full"
    #[arg(long, value_name = "T")]
    title: Option<String>,

    /// Pass each line on to standard output, unchanged and at once
    #[arg(long)]
    passthrough: bool,

    #[command(flatten)]
    ending: EndingArgs,
}

/// A webhook that is never posted to: without one the messages are drawn.
const NOWHERE: &str = "http://127.0.0.1:9/services/T/B/X";

/// Watches standard input until its end.
pub(super) fn run(args: PipeArgs) -> Result<Exit, Failure> {
    let from_env = env("HOOKTAIL_WEBHOOK").filter(|url| !url.is_empty());
    if args.webhook.is_some() {
        tracing::warn!(
            "a URL on the command line can be seen by other users of this machine: use --webhook-file or HOOKTAIL_WEBHOOK"
        );
    }
    let webhook = match (&args.webhook, &args.webhook_file, &from_env) {
        (Some(url), _, _) => Some(("url", url.replace('$', "$$"))),
        (None, Some(file), _) => Some(("url_file", file_text(file)?)),
        (None, None, Some(url)) => Some(("url", url.replace('$', "$$"))),
        (None, None, None) => None,
    };
    let drawn = webhook.is_none().then_some(Drawn::Stderr);
    let loaded = load(&args, webhook.unwrap_or(("url", NOWHERE.to_owned())));
    let config = usable(loaded)?;
    let state = args.ending.state.or_memory();
    let opened = state.open(&config)?;
    let doors = Doors::open(None, state.path()).map_err(Failure::failed)?;
    follow(config, opened, Until::Stopped, &args.ending, drawn, None, doors)
}

/// Relative paths in a rule file are its own; these are the shell's.
fn file_text(file: &Path) -> Result<String, Failure> {
    let path = std::path::absolute(file).map_err(Failure::failed)?;
    let text = path.into_os_string().into_string();
    text.map(|text| text.replace('$', "$$")).map_err(|_| Failure::usage("the file's name is not UTF-8"))
}

fn load(args: &PipeArgs, webhook: (&str, String)) -> Loaded {
    config::from_str(&rule_file(args, webhook), "command line", Path::new("."), &env)
}

/// The rule file that says what the options say. JSON is YAML, and needs no care with quotes.
fn rule_file(args: &PipeArgs, (key, url): (&str, String)) -> String {
    let mut input = Map::from_iter([("stdin".to_owned(), json!(true))]);
    input.insert("passthrough".to_owned(), json!(args.passthrough));
    put(&mut input, "parse", args.parse.clone());

    let mut rule =
        Map::from_iter([("name".to_owned(), json!("pipe")), ("match".to_owned(), json!(args.patterns))]);
    put(&mut rule, "ignore", some(&args.ignore));
    put(&mut rule, "severity", args.severity.clone());
    put(&mut rule, "mention", some(&args.mention));
    let by = some(&args.by);
    if let (Some(count), Some(within)) = (args.count, &args.within) {
        let mut when =
            Map::from_iter([("count".to_owned(), json!(count)), ("within".to_owned(), json!(within))]);
        put(&mut when, "by", by.clone());
        rule.insert("when".to_owned(), Value::Object(when));
    }
    match args.dedup.as_deref() {
        Some("off") => put(&mut rule, "dedup", Some("off")),
        window => {
            let mut dedup = Map::new();
            put(&mut dedup, "window", window);
            put(&mut dedup, "by", by.filter(|_| args.count.is_none()));
            put(&mut rule, "dedup", (!dedup.is_empty()).then_some(dedup));
        }
    }
    put(&mut rule, "message", args.title.as_ref().map(|title| json!({ "title": title })));
    let file = json!({ "webhooks": { "pipe": { key: url } }, "inputs": { "stdin": input }, "rules": [rule] });
    serde_json::to_string_pretty(&file).unwrap_or_default()
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}

fn some(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        pipe: PipeArgs,
    }

    #[test]
    fn the_options_are_put_into_the_words_of_a_rule_file() {
        let line = "pipe --match (?P<ip>\\S+) --match b --ignore c --severity warning --mention here --by ip --count 5 \
                    --within 1m --dedup 5m --title x --passthrough";
        let args = Only::parse_from(line.split(' ').filter(|word| !word.is_empty())).pipe;
        let file: Value = serde_yaml::from_str(&rule_file(&args, ("url", "u".into()))).unwrap();
        let expected = json!({
            "webhooks": { "pipe": { "url": "u" } },
            "inputs": { "stdin": { "stdin": true, "passthrough": true } },
            "rules": [{
                "name": "pipe", "match": ["(?P<ip>\\S+)", "b"], "ignore": ["c"], "severity": "warning",
                "mention": ["here"], "when": { "count": 5, "within": "1m", "by": ["ip"] },
                "dedup": { "window": "5m" }, "message": { "title": "x" },
            }],
        });
        assert_eq!(file, expected);
    }
}
