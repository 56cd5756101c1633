//! Silences: what they hold for, and what they hold back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Texts, find};
use crate::expr::{Expr, Fields as ExprFields};
use crate::fields::{Found, lookup};
use crate::rule::{Rule, Severity};
use crate::time::Time;

use super::alert::{HeldBack, Snapshot};
use super::held::Tally;
use super::last::{Last, Stored};
use super::outlet::fields;

/// A time in which nothing is posted of what an expression holds for.
#[derive(Debug, Clone)]
pub struct Silence {
    /// What tells it from others.
    pub id: Arc<str>,
    /// What it holds for.
    pub filter: Arc<Expr>,
    /// When it ends.
    pub until: Time,
    /// Why, for people.
    pub why: String,
}

/// With it the ids of the configuration's silences begin.
pub const OF_THE_FILE: &str = "file-";

impl Silence {
    /// Whether it stands in the configuration.
    pub fn is_configured(&self) -> bool {
        self.id.starts_with(OF_THE_FILE)
    }
}

impl PartialEq for Silence {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, self.until, &self.why, self.filter.source())
            == (&other.id, other.until, &other.why, other.filter.source())
    }
}

/// Under this name the tally of a rule's schedule is kept; no silence has an empty id.
pub(super) const SCHEDULE: &str = "";

/// What a rule's silences and its schedule hold back, by silence.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Silenced(BTreeMap<Arc<str>, Tally>);

impl Silenced {
    pub(super) fn add(&mut self, silence: &Arc<str>, key: &Texts) {
        self.0.entry(silence.clone()).or_default().add(key);
    }

    /// What one of them held back, once it is over.
    pub(super) fn take(&mut self, silence: &str) -> Option<HeldBack> {
        self.0.remove(silence)?.take()
    }

    /// The silences that held something back.
    pub(super) fn ids(&self) -> Vec<Arc<str>> {
        self.0.keys().cloned().collect()
    }

    /// The keys as they may be stored.
    pub(super) fn without_secrets(&self, clean: impl Fn(&str) -> String) -> Self {
        Self(self.0.iter().map(|(id, tally)| (id.clone(), tally.map(&clean))).collect())
    }
}

/// The fields of what an alert is about, for a silence: also where the line was stored, or where there is none.
#[derive(Debug, Clone, Copy)]
pub(super) struct AboutFields<'a> {
    pub(super) rule: &'a Rule,
    pub(super) host: &'a str,
    pub(super) last: Option<&'a Last>,
}

impl ExprFields for AboutFields<'_> {
    fn find(&self, name: &str) -> Option<Found<'_>> {
        match self.last {
            Some(Last::Live(found)) => fields(self.rule, self.host, found).find(name),
            Some(Last::Stored(stored)) => match name.split_once('.') {
                Some(("captures", name)) => text_of(&stored.snapshot.captures, name),
                Some(("fields", name)) => lookup(&stored.snapshot.fields, name).map(Found::Json),
                Some(("labels", name)) => text_of(&stored.snapshot.labels, name),
                _ => self.reserved(stored, name).map(Found::Text).or_else(|| {
                    let Snapshot { captures, fields, labels, .. } = &stored.snapshot;
                    let parsed = || lookup(fields, name).map(Found::Json);
                    text_of(captures, name).or_else(parsed).or_else(|| text_of(labels, name))
                }),
            },
            None => self
                .own(self.rule.severity, name)
                .map(Found::Text)
                .or_else(|| text_of(&self.rule.labels, name.strip_prefix("labels.").unwrap_or(name))),
        }
    }

    fn group(&self, group: &str) -> Vec<(Cow<'_, str>, Found<'_>)> {
        let snapshot = match self.last {
            Some(Last::Live(found)) => {
                let fields = fields(self.rule, self.host, found);
                let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
                let members = ExprFields::group(&fields, group).into_iter();
                // What is no text is lent by the match, the rest by the list of its fields.
                return members
                    .filter_map(|(name, value)| {
                        let found = match value {
                            Found::Text(text) => Found::Text(owned(text)),
                            Found::Json(_) => fields.find(&format!("{group}.{name}"))?,
                        };
                        Some((owned(name), found))
                    })
                    .collect();
            }
            Some(Last::Stored(stored)) => Some(&stored.snapshot),
            None => None,
        };
        let texts = match (snapshot, group) {
            (Some(snapshot), "captures") => &snapshot.captures,
            (Some(snapshot), "labels") => &snapshot.labels,
            (Some(snapshot), "fields") => {
                let fields = snapshot.fields.iter();
                return fields.map(|(name, value)| (name.into(), Found::Json(value))).collect();
            }
            (None, "labels") => &self.rule.labels,
            _ => return Vec::new(),
        };
        let text = |text: &'_ Arc<str>| Found::Text(Cow::Owned(text.to_string()));
        texts.iter().map(|(name, value)| (Cow::Borrowed(&**name), text(value))).collect()
    }
}

impl AboutFields<'_> {
    fn own(&self, severity: Severity, name: &str) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(match name {
            "rule" => &*self.rule.name,
            "severity" => severity.name(),
            "host" => self.host,
            _ => return None,
        }))
    }

    fn reserved<'s>(&'s self, stored: &'s Stored, name: &str) -> Option<Cow<'s, str>> {
        let event = &stored.snapshot;
        Some(match name {
            "line" => Cow::Borrowed(&*event.line),
            "message" => Cow::Borrowed(event.message()),
            "shape" => Cow::Borrowed(&*event.shape),
            "input" => Cow::Borrowed(&*event.input),
            "file" => Cow::Borrowed(event.file.as_deref()?),
            "time" => Cow::Owned(event.time.to_rfc3339()),
            "stream" => Cow::Borrowed(event.stream?.name()),
            _ => return self.own(stored.severity, name),
        })
    }
}

fn text_of<'t>(texts: &'t Texts, name: &str) -> Option<Found<'t>> {
    find(texts, name).map(|text| Found::Text(Cow::Borrowed(&**text)))
}

/// The first silence that holds for it at `now`.
pub(super) fn silence_of<'s>(
    silences: &'s [Silence],
    about: &AboutFields<'_>,
    now: Time,
) -> Option<&'s Arc<str>> {
    let holds = |silence: &&Silence| silence.until > now && silence.filter.holds(about).unwrap_or(false);
    silences.iter().find(holds).map(|silence| &silence.id)
}
