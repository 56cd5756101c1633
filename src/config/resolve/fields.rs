//! The fields that a rule's events can have, and whether a name is one of them.
//!
//! Where every input has lines of a known form (text, clf, a regex) the set is closed: labels, parsed fields, named
//! groups and the reserved names.

use std::ops::Range;
use std::sync::Arc;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{OneOrMany, Text};
use crate::config::scalar::name::texts;
use crate::config::source::{Place, Span};
use crate::config::spelling::nearest;
use crate::event::{EPISODE_FIELDS, RESERVED};
use crate::rule::Pattern;

/// The fields of one rule.
pub(super) struct Fields<'a> {
    pub(super) rule: &'a str,
    /// The named groups of its patterns.
    pub(super) captures: Vec<Arc<str>>,
    /// The labels of its inputs and its own.
    pub(super) labels: Vec<&'a str>,
    /// What the parsers of its inputs read; `None`: they can read any field.
    pub(super) parsed: Option<Vec<Arc<str>>>,
    /// Whether these are all: not where a pattern is wrong, or an input unknown.
    pub(super) closed: bool,
}

/// When a field is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// As a line is matched.
    Event,
    /// As a message is written.
    Alert,
}

impl Fields<'_> {
    /// Reports `reference` unless the rule has it. `range` is where it stands in the text `text` at `place`.
    pub(super) fn check(
        &self,
        reference: &str,
        sight: Sight,
        place: Place<'_>,
        text: &str,
        range: Option<Range<usize>>,
        report: &mut Report,
    ) {
        let span = || match range.clone() {
            Some(range) => place.inner_span(text, range),
            None => place.value_span(),
        };
        self.check_at(reference, sight, &span, report);
    }

    /// The same for a name that is the key at `place`.
    pub(super) fn check_key(&self, name: &str, sight: Sight, place: Place<'_>, report: &mut Report) {
        self.check_at(name, sight, &|| place.key_span(), report);
    }

    fn check_at<'s>(&self, reference: &str, sight: Sight, span: &dyn Fn() -> Span<'s>, report: &mut Report) {
        if sight == Sight::Event && EPISODE_FIELDS.contains(&reference) {
            report
                .error(&span(), format!("`{reference}` is not known while a line is matched"))
                .label("only messages have it");
            return;
        }
        if !self.closed || self.has(reference) {
            return;
        }
        let diagnostic = report.error(&span(), format!("rule `{}` has no field `{reference}`", self.rule));
        let parsed = self.parsed.iter().flatten();
        let candidates =
            self.captures.iter().chain(parsed).map(|name| &**name).chain(self.labels.iter().copied());
        let bare = reference.split_once('.').map_or(reference, |(_, name)| name);
        match nearest(bare, candidates.chain(RESERVED.iter().copied())) {
            Some(meant) if meant != bare => diagnostic.label(format!("did you mean `{meant}`?")),
            _ if reference.starts_with("fields.") && self.parsed.as_ref().is_some_and(Vec::is_empty) => {
                diagnostic.label("lines that are not parsed have no `fields`")
            }
            _ => diagnostic.help(self.own()),
        };
    }

    /// Reports each field of `by` that the events of another pattern of the rule, which stands at `place`, can't have.
    pub(super) fn check_other(
        &self,
        by: &[Arc<str>],
        pattern: &Pattern,
        place: Place<'_>,
        report: &mut Report,
    ) {
        let groups = |name: &str| pattern.names.iter().any(|group| **group == *name);
        for name in by.iter().filter(|name| self.closed && !self.has_among(name, &groups)) {
            let bare = name.strip_prefix("captures.").unwrap_or(name);
            report
                .error(&place.value_span(), format!("what matches this has no field `{name}`"))
                .label("problems are told apart by it")
                .help(format!("give it a named group: `(?P<{bare}>…)`"));
        }
    }

    fn has(&self, reference: &str) -> bool {
        self.has_among(reference, &|name| self.captures.iter().any(|capture| **capture == *name))
    }

    /// The same where `captured` are the captures.
    fn has_among(&self, reference: &str, captured: &dyn Fn(&str) -> bool) -> bool {
        let labelled = |name: &str| self.labels.contains(&name);
        let parsed =
            |name: &str| self.parsed.as_ref().is_none_or(|names| names.iter().any(|read| **read == *name));
        match reference.split_once('.') {
            Some(("captures", name)) => captured(name),
            Some(("labels", name)) => labelled(name),
            Some(("fields", name)) => parsed(name),
            _ => {
                let own = captured(reference) || labelled(reference) || parsed(reference);
                own || RESERVED.contains(&reference)
            }
        }
    }

    fn own(&self) -> String {
        let names: Vec<String> = self
            .captures
            .iter()
            .chain(self.parsed.iter().flatten())
            .map(|name| &**name)
            .chain(self.labels.iter().copied())
            .map(|name| format!("`{name}`"))
            .collect();
        if names.is_empty() {
            return "its `match` has no named groups; write `(?P<name>…)` to have a field".to_owned();
        }
        format!("its own fields are {}", names.join(", "))
    }

    /// The fields of a `by`, each once; empty where there is none.
    pub(super) fn by(&self, at: Option<At<'_, OneOrMany<Text>>>, report: &mut Report) -> Vec<Arc<str>> {
        let mut by: Vec<Arc<str>> = Vec::new();
        for field in at.into_iter().flat_map(texts) {
            let Text(name) = field.raw;
            self.check(name, Sight::Event, field.place, name, None, report);
            if !by.iter().any(|taken| **taken == **name) {
                by.push(Arc::from(name.as_str()));
            }
        }
        by
    }
}
