//! A rule, from its settings over the defaults.

use std::collections::HashSet;
use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::layers::{At, Layers};
use crate::config::raw::{Flag, RawRule, Text};
use crate::config::scalar::expression::{expression, reference_range};
use crate::config::scalar::labels::labels;
use crate::config::scalar::name::{known_names, name};
use crate::config::scalar::url::page_url;
use crate::config::source::Place;
use crate::deliver::WebhookSpec;
use crate::event::Texts;
use crate::expr::Expr;
use crate::line::parse::Parser;
use crate::proof::case::Case;
use crate::rule::Rule;

use super::fields::{Fields, Sight};
use super::names::Names;
use super::patterns::{self, Patterns};
use super::test::{self, Known};
use super::{Scope, context, dedup, escalate, message, resolution, severity, throttle, when};

/// The rules so far, and what they use.
#[derive(Default)]
pub(super) struct Rules<'a> {
    pub(super) rules: Vec<Rule>,
    pub(super) tests: Vec<Case>,
    names: Vec<(&'a str, Place<'a>)>,
    webhooks: HashSet<Arc<str>>,
}

impl<'a> Rules<'a> {
    /// Resolves the rule at `at`, whose settings are `layers`; it is left out where it is not `enabled`.
    pub(super) fn add(
        &mut self,
        at: At<'a, RawRule>,
        layers: &Layers<'a, RawRule>,
        scope: &Scope<'a>,
        report: &mut Report,
    ) {
        let name = self.name(at, report).unwrap_or_else(|| Arc::from("?"));
        let rule = resolve(Whole::Rule(name), at.place, layers, scope, report);
        self.webhooks.extend(rule.webhooks.iter().cloned());
        self.webhooks.extend(rule.escalate.iter().flat_map(|step| step.webhooks.iter().cloned()));
        let known = Known { rules: Vec::new(), webhooks: scope.webhooks.list() };
        let tests = at.get("tests", |raw| &raw.tests);
        let tests = tests.map(|at| test::of_rule(at, &rule.name, &known, report)).unwrap_or_default();
        let enabled = layers.get("enabled", |raw| &raw.enabled);
        if enabled.is_none_or(|at| *at.raw == Flag(true)) {
            self.tests.extend(tests);
            self.rules.push(rule);
        }
    }

    fn name(&mut self, at: At<'a, RawRule>, report: &mut Report) -> Option<Arc<str>> {
        let Some(written) = at.get("name", |raw| &raw.name) else {
            if !at.place.means("name") {
                report.error(&at.place.value_span(), "a rule needs a `name`").help("write `name: disk-full`");
            }
            return None;
        };
        let (Text(text), span) = (written.raw, written.place.value_span());
        if let Some((_, first)) = self.names.iter().find(|(taken, _)| taken == text) {
            report
                .error(&span, format!("two rules are called `{text}`"))
                .label("the second")
                .other(&first.value_span(), "the first");
        }
        self.names.push((text, written.place));
        name(text, &span, report)
    }

    /// Says which mentions call nobody: the ids are Slack's.
    pub(super) fn warn_unknown_ids(&self, webhooks: &[WebhookSpec], report: &mut Report) {
        for rule in &self.rules {
            let looks = rule.looks.iter().map(|look| (&look.mention, &[][..]));
            let steps = rule.escalate.iter().map(|step| (&step.mention, &step.webhooks[..]));
            let named = looks.chain(steps).find_map(|(mentions, added)| {
                let mention = mentions.iter().find(|mention| !mention.is_broadcast())?;
                let gets =
                    |spec: &&WebhookSpec| rule.webhooks.iter().chain(added).any(|name| *name == spec.name);
                let webhook = webhooks.iter().filter(gets).find(|spec| !spec.flavor.is_slack())?;
                Some((mention, webhook))
            });
            let (Some((mention, webhook)), Some((_, place))) =
                (named, self.names.iter().find(|(name, _)| *name == &*rule.name))
            else {
                continue;
            };
            let (name, flavor) = (&webhook.name, webhook.flavor.name());
            report
                .warning(&place.value_span(), format!("`{}` mentions `{mention}` by Slack's id", rule.name))
                .label(format!("the webhook `{name}` ({flavor}) doesn't know it: it calls nobody there"));
        }
    }

    /// Says which webhooks get nothing. Where something is wrong, the mistake may be the reason.
    pub(super) fn warn_unused(
        &mut self,
        webhooks: &Names<'_>,
        others: impl Iterator<Item = Arc<str>>,
        report: &mut Report,
    ) {
        if report.has_errors() {
            return;
        }
        self.webhooks.extend(others);
        for (name, place) in webhooks.iter().filter(|(name, _)| !self.webhooks.contains(*name)) {
            report.warning(&place.key_span(), format!("no rule posts to the webhook `{name}`"));
        }
    }
}

/// Reports what is wrong with `defaults`, also where every rule has settings of its own.
pub(super) fn check_defaults<'a>(at: At<'a, RawRule>, scope: &Scope<'a>, report: &mut Report) {
    resolve(Whole::Defaults, at.place, &Layers::new(vec![at]), scope, report);
}

/// What is resolved.
pub(super) enum Whole {
    /// A rule, which must have all that a rule needs.
    Rule(Arc<str>),
    /// What takes a program's end, and no line.
    OnExit(Arc<str>),
    /// Settings to which a rule adds; the fields that they read are the rule's.
    Defaults,
}

pub(super) fn resolve<'a>(
    whole: Whole,
    place: Place<'a>,
    layers: &Layers<'a, RawRule>,
    scope: &Scope<'a>,
    report: &mut Report,
) -> Rule {
    let takes_lines = matches!(whole, Whole::Rule(_));
    let (name, is_rule) = match whole {
        Whole::Rule(name) | Whole::OnExit(name) => (name, true),
        Whole::Defaults => (Arc::from("defaults"), false),
    };
    let size_max = scope.limits.regex;
    let inputs = inputs(&name, place, layers, scope, report);
    let labels = rule_labels(layers, report);
    let parsers: Vec<Option<&Parser>> = inputs.iter().map(|name| scope.parser(name)).collect();
    let before = Fields {
        rule: &name,
        captures: Vec::new(),
        labels: known_labels(&inputs, layers, scope),
        parsed: parsed(&parsers),
        closed: takes_lines && !inputs.is_empty(),
    };
    let parsers: Vec<&Parser> = parsers.into_iter().flatten().collect();
    let matchers = |at, report: &mut Report| patterns::resolve(at, &before, &parsers, size_max, report);
    let Patterns { matchers: patterns, complete } =
        matchers(layers.get("match", |raw| &raw.matching), report);
    let ignore = matchers(layers.get("ignore", |raw| &raw.ignore), report).matchers;
    let parts = patterns.iter().flat_map(|matcher| &matcher.parts);
    let captures = parts.flat_map(|part| part.names.iter().cloned()).collect();
    let closed = before.closed && complete && !(patterns.is_empty() && layers.has("match"));
    let fields = Fields { captures, closed, ..before };
    let filter = filter(layers, &fields, report);
    if takes_lines && !["match", "where", "metric"].iter().any(|key| layers.means(key)) {
        let help = "write `match: REGEX`; or `where: EXPRESSION`, which reads every line";
        report.error(&place.value_span(), format!("rule `{name}` takes nothing")).help(help);
    }
    let dedup = dedup::resolve(layers, &fields, report);
    let when = when::resolve(layers, &fields, size_max, report);
    let (severity, severity_from) = severity::resolve(layers, &fields, report);
    Rule {
        resolve: resolution::resolve(layers, (dedup.as_ref(), &when), &fields, size_max, report),
        late: scope.late,
        when,
        severity,
        severity_from,
        looks: scope.severities.for_rule(layers, report),
        webhooks: if is_rule || layers.has("webhook") {
            webhooks(&name, place, layers, scope, report)
        } else {
            Vec::new()
        },
        throttle: throttle::resolve(layers, &fields, report),
        escalate: escalate::resolve(layers, dedup.as_ref(), scope, report),
        message: message::resolve(layers, &fields, report),
        context: context::resolve(layers, report),
        runbook: runbook(layers, report),
        redact: scope.redaction.for_rule(layers, report),
        active_during: layers
            .get("active_during", |raw| &raw.active_during)
            .and_then(|at| scope.schedules.find(at, report)),
        name: Arc::clone(&name),
        inputs,
        patterns,
        ignore,
        filter,
        dedup,
        labels,
    }
}

fn inputs(
    name: &str,
    place: Place<'_>,
    layers: &Layers<'_, RawRule>,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Vec<Arc<str>> {
    let known = scope.inputs.list();
    let Some(at) = layers.get("input", |raw| &raw.input) else {
        return known.into_iter().map(Arc::from).collect();
    };
    if at.raw.items.is_empty() {
        let span = if place.has("input") { at.place.key_span() } else { place.value_span() };
        let help = "leave `input` out to read all inputs, or `enabled: false` to leave the rule out";
        report.error(&span, format!("rule `{name}` reads no input")).help(help);
    }
    known_names(at, "input", &known, report)
}

fn webhooks(
    name: &str,
    place: Place<'_>,
    layers: &Layers<'_, RawRule>,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Vec<Arc<str>> {
    let known = scope.webhooks.list();
    match layers.get("webhook", |raw| &raw.webhook) {
        Some(at) if at.raw.items.is_empty() => {
            report.error(&at.place.key_span(), format!("rule `{name}` posts to no webhook"));
            Vec::new()
        }
        Some(at) => known_names(at, "webhook", &known, report),
        None if known.len() > 1 && !layers.means("webhook") => {
            let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
            report
                .error(&place.key("name").value_span(), format!("rule `{name}` needs a `webhook`"))
                .help(format!("there are several: {list}; one for all rules can stand under `defaults`"));
            Vec::new()
        }
        None => known.into_iter().take(1).map(Arc::from).collect(),
    }
}

/// The rule's own labels and those of the defaults; the more specific win.
fn rule_labels(layers: &Layers<'_, RawRule>, report: &mut Report) -> Texts {
    let mut all = Texts::new();
    for layer in layers.iter() {
        let Some(at) = layer.get("labels", |raw| &raw.labels) else { continue };
        for (name, text) in labels(at, report) {
            if !all.iter().any(|(taken, _)| *taken == name) {
                all.push((name, text));
            }
        }
    }
    all
}

/// The fields that the inputs' parsers can read; `None`: any, also where an input is wrong.
fn parsed(parsers: &[Option<&Parser>]) -> Option<Vec<Arc<str>>> {
    let mut all = Vec::new();
    for parser in parsers {
        all.extend((*parser)?.names()?);
    }
    Some(all)
}

/// The names of all labels, also of those that were refused.
fn known_labels<'a>(inputs: &[Arc<str>], layers: &Layers<'a, RawRule>, scope: &Scope<'a>) -> Vec<&'a str> {
    let read = scope.inputs.iter().filter(|(name, _)| inputs.iter().any(|input| **input == **name));
    let places = read.map(|(_, place)| place).chain(layers.iter().map(|layer| layer.place));
    places.filter(|place| place.has("labels")).flat_map(|place| place.key("labels").keys()).collect()
}

fn filter(layers: &Layers<'_, RawRule>, fields: &Fields<'_>, report: &mut Report) -> Option<Expr> {
    let at = layers.get("where", |raw| &raw.filter)?;
    let expr = expression(at, report)?;
    let Text(text) = at.raw;
    for reference in expr.references() {
        let range = reference_range(text, &reference);
        fields.check(&reference, Sight::Event, at.place, text, range, report);
    }
    Some(expr)
}

fn runbook(layers: &Layers<'_, RawRule>, report: &mut Report) -> Option<String> {
    let at = layers.get("runbook", |raw| &raw.runbook)?;
    page_url(&at.raw.0, &at.place.value_span(), report)
}
