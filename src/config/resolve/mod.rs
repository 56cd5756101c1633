//! The raw files to one checked [`Config`]; every mistake is reported, and what is right is resolved all the same.

mod admin;
mod context;
mod dedup;
mod escalate;
mod fallback;
mod fields;
mod input;
mod limits;
mod look;
mod mentions;
mod message;
mod multiline;
mod names;
mod notices;
mod on_exit;
mod patterns;
mod persona;
mod redact;
mod resolution;
mod rule;
mod schedule;
mod severity;
mod silence;
mod state_dir;
mod test;
mod threads;
mod throttle;
mod time;
mod webhook;
mod when;

use std::sync::Arc;
use std::time::Duration;

use super::Config;
use super::diagnostic::Report;
use super::layers::{At, Layers};
use super::raw::{RawFile, RawRule};
use crate::config::Limits;
use crate::deliver::WebhookSpec;
use crate::deliver::mentions::MentionSpec;
use crate::input::InputSpec;
use crate::line::parse::Parser;
use crate::proof::case::Case;
use crate::rule::Rule;
pub(super) use input::absolute;
use look::Severities;
use names::Names;
use redact::Redaction;
use schedule::Schedules;
pub(super) use test::{Known, of_file as tests_of_file};

/// A file as it is written, with its places.
pub(super) type File<'a> = At<'a, RawFile>;

/// What a rule is resolved against.
struct Scope<'a> {
    webhooks: Names<'a>,
    inputs: Names<'a>,
    severities: Severities,
    schedules: Schedules<'a>,
    redaction: Redaction,
    limits: Limits,
    /// How the inputs that are right are parsed, by name.
    parsers: Vec<(Arc<str>, Parser)>,
    /// How old an event may be and still mention somebody.
    late: Duration,
}

impl Scope<'_> {
    /// How the lines of an input are parsed; `None`: the input is wrong or unknown.
    fn parser(&self, name: &str) -> Option<&Parser> {
        self.parsers.iter().find(|(input, _)| **input == *name).map(|(_, parser)| parser)
    }
}

/// Resolves the files, the main one first. What it gives is to be used only when nothing was reported as an error.
pub(super) fn resolve(
    files: &[File<'_>],
    host: Arc<str>,
    env: &dyn Fn(&str) -> Option<String>,
    report: &mut Report,
) -> Config {
    let Some((main, included)) = files.split_first() else { return empty(host) };
    included.iter().for_each(|file| refuse_main_only(*file, report));
    files.iter().for_each(|file| refuse_in_defaults(*file, report));
    let limits = limits::resolve(main.get("limits", |raw| &raw.limits), report);
    let inputs: Vec<InputSpec> = files
        .iter()
        .filter_map(|file| file.get("inputs", |raw| &raw.inputs))
        .flat_map(|section| named(section, |at, name| input::resolve(at, name, limits.regex, report)))
        .collect();
    let scope = Scope {
        parsers: inputs.iter().map(|input| (input.name.clone(), input.line.parser.clone())).collect(),
        webhooks: Names::collect(files, "webhooks", report),
        inputs: Names::collect(files, "inputs", report),
        severities: Severities::resolve(main.get("severities", |raw| &raw.severities), report),
        schedules: Schedules::resolve(files, report),
        redaction: Redaction::resolve(main.get("redact", |raw| &raw.redact), limits.regex, report),
        limits,
        late: mentions::late(main.get("mentions", |raw| &raw.mentions), report),
    };
    let silences = silence::resolve(files, report);
    let mut webhooks: Vec<WebhookSpec> = files
        .iter()
        .filter_map(|file| file.get("webhooks", |raw| &raw.webhooks))
        .flat_map(|section| named(section, |at, name| webhook::resolve(at, name, env, report)))
        .collect();
    fallback::resolve(files, &mut webhooks, &scope.webhooks, report);
    input::refuse_second_stdin(files, report);
    let at = main.get("notices", |raw| &raw.notices);
    let notices = notices::resolve(at, &scope.webhooks, &scope.redaction, report);
    let at_exit = main.get("on_exit", |raw| &raw.on_exit);
    let told = at_exit
        .iter()
        .filter_map(|at| at.raw.webhook.as_ref())
        .flat_map(|names| names.items.iter().flatten());
    let told = told.map(|name| Arc::from(name.0.as_str()));
    let fallbacks = webhooks.iter().filter_map(|webhook| webhook.fallback.clone());
    let others = fallbacks.chain(notices::named(at)).chain(told);
    let (rules, tests) = rules(files, &scope, &webhooks, others, report);
    let on_exit = at_exit.map(|at| on_exit::resolve(at, &rules, &scope, report));
    let host = main.raw.host.as_ref().map_or(host, |host| Arc::from(host.text.as_str()));
    let mentions = main.get("mentions", |raw| &raw.mentions);
    let mentions = mentions.map(|at| mentions::resolve(at, &scope.schedules, report)).unwrap_or_default();
    let state_dir = state_dir::resolve(main.get("state_dir", |raw| &raw.state_dir), report);
    if let Some(state_dir) = &state_dir {
        input::refuse_state(files, &inputs, state_dir, report);
    }
    let admin = main.get("admin", |raw| &raw.admin).map(|at| admin::resolve(at, env, report));
    let threads = threads::resolve(main.get("threads", |raw| &raw.threads), report);
    let limits = scope.limits;
    Config {
        host,
        webhooks,
        mentions,
        silences,
        inputs,
        rules,
        tests,
        notices,
        admin,
        on_exit,
        threads,
        limits,
        state_dir,
        files: Vec::new(),
    }
}

fn empty(host: Arc<str>) -> Config {
    Config {
        host,
        webhooks: Vec::new(),
        mentions: MentionSpec::default(),
        silences: Vec::new(),
        inputs: Vec::new(),
        rules: Vec::new(),
        notices: notices::nobody(),
        admin: None,
        on_exit: None,
        tests: Vec::new(),
        threads: 1,
        limits: Limits::default(),
        state_dir: None,
        files: Vec::new(),
    }
}

fn named<'a, T, U>(
    section: At<'a, super::raw::Named<T>>,
    mut each: impl FnMut(At<'a, T>, &'a str) -> Option<U>,
) -> Vec<U> {
    let entries = section.raw.0.iter();
    entries.filter_map(|(name, raw)| each(At::new(raw, section.place.key(name)), name)).collect()
}

/// The keys that hold for all of the configuration, and so stand in the main file alone.
fn refuse_main_only(file: File<'_>, report: &mut Report) {
    for key in [
        "severities",
        "redact",
        "mentions",
        "notices",
        "admin",
        "on_exit",
        "host",
        "state_dir",
        "threads",
        "limits",
        "include",
    ] {
        if file.place.has(key) {
            let help =
                "an included file has `webhooks`, `inputs`, `rules`, `schedules`, `silences` and `defaults`";
            let message = format!("`{key}` belongs in the main file");
            report.error(&file.place.key(key).key_span(), message).help(help);
        }
    }
}

fn refuse_in_defaults(file: File<'_>, report: &mut Report) {
    let defaults = file.place.key("defaults");
    for key in ["name", "match", "tests"] {
        if file.place.has("defaults") && defaults.has(key) {
            report
                .error(&defaults.key(key).key_span(), format!("`{key}` can't have a default"))
                .label("write it in each rule");
        }
    }
}

/// `others`: the webhooks that get something that no rule sends.
fn rules(
    files: &[File<'_>],
    scope: &Scope<'_>,
    webhooks: &[WebhookSpec],
    others: impl Iterator<Item = Arc<str>>,
    report: &mut Report,
) -> (Vec<Rule>, Vec<Case>) {
    let mut resolved = rule::Rules::default();
    let main = files.first().and_then(|file| file.get("defaults", |raw| &raw.defaults));
    for (number, file) in files.iter().enumerate() {
        let own = if number == 0 { None } else { file.get("defaults", |raw| &raw.defaults) };
        if let Some(defaults) = file.get("defaults", |raw| &raw.defaults) {
            rule::check_defaults(defaults, scope, report);
        }
        for at in written(*file) {
            let layers = Layers::new([Some(at), own, main].into_iter().flatten().collect());
            resolved.add(at, &layers, scope, report);
        }
    }
    refuse_nothing(files, scope, report);
    resolved.warn_unknown_ids(webhooks, report);
    resolved.warn_unused(&scope.webhooks, others, report);
    (resolved.rules, resolved.tests)
}

fn written<'a>(file: File<'a>) -> impl Iterator<Item = At<'a, RawRule>> {
    let section = file.get("rules", |raw| &raw.rules);
    section.into_iter().flat_map(|section| {
        let items = section.raw.iter().enumerate();
        items.filter_map(move |(index, raw)| raw.as_ref().map(|raw| At::new(raw, section.place.item(index))))
    })
}

/// A configuration without rules, inputs or webhooks does nothing; it says what to write.
fn refuse_nothing(files: &[File<'_>], scope: &Scope<'_>, report: &mut Report) {
    let Some(main) = files.first() else { return };
    let mut missing = |key: &str, example: &str| {
        // What stands there was refused, or is meant for it and unknown: that was said.
        if files.iter().any(|file| is_refused(*file, key)) {
            return;
        }
        let place = if main.place.has(key) { main.place.key(key) } else { main.place };
        report.error(&place.key_span(), format!("there are no {key}")).help(format!("write one:\n{example}"));
    };
    if files.iter().all(|file| file.raw.rules.as_ref().is_none_or(Vec::is_empty)) {
        missing("rules", "rules:\n  - name: errors\n    match: 'ERROR'");
        return;
    }
    if scope.inputs.is_empty() {
        missing("inputs", "inputs:\n  app: { files: /var/log/app.log }");
    }
    if scope.webhooks.is_empty() {
        missing("webhooks", "webhooks:\n  ops: { url: \"${SLACK_OPS_WEBHOOK}\" }");
    }
}

fn is_refused(file: File<'_>, key: &str) -> bool {
    if !file.place.has(key) {
        return file.place.means(key);
    }
    let read = match key {
        "rules" => file.raw.rules.is_some(),
        "inputs" => file.raw.inputs.is_some(),
        _ => file.raw.webhooks.is_some(),
    };
    !read && !file.place.key(key).spelled().is_empty()
}
