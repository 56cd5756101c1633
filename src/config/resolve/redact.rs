//! `redact`, of the file and of a rule.

use std::sync::Arc;

use regex::Regex;

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{Flag, OneOrMany, RawRedact, RawRule, Text};
use crate::config::scalar::name::texts;
use crate::config::scalar::regex::redaction;
use crate::message::redact::Redactor;

use super::Layers;

/// What is redacted for every rule.
pub(super) struct Redaction {
    builtin: bool,
    patterns: Vec<Regex>,
    size_max: usize,
    shared: Arc<Redactor>,
}

impl Redaction {
    pub(super) fn resolve(at: Option<At<'_, RawRedact>>, size_max: usize, report: &mut Report) -> Self {
        let builtin = at.and_then(|at| at.raw.builtin).is_none_or(|Flag(builtin)| builtin);
        let patterns = at.and_then(|at| at.get("patterns", |raw| &raw.patterns));
        let patterns = patterns.map(|at| compile(at, size_max, report)).unwrap_or_default();
        let shared = Arc::new(Redactor::new(builtin, patterns.clone()));
        Self { builtin, patterns, size_max, shared }
    }

    /// The file's.
    pub(super) fn shared(&self) -> Arc<Redactor> {
        Arc::clone(&self.shared)
    }

    /// With what the rule and the defaults add.
    pub(super) fn for_rule(&self, layers: &Layers<'_, RawRule>, report: &mut Report) -> Arc<Redactor> {
        let mut patterns = self.patterns.clone();
        for layer in layers.map("redact", |raw| &raw.redact).iter().rev() {
            if let Some(at) = layer.get("patterns", |raw| &raw.patterns) {
                patterns.extend(compile(at, self.size_max, report));
            }
        }
        if patterns.len() == self.patterns.len() {
            return Arc::clone(&self.shared);
        }
        Arc::new(Redactor::new(self.builtin, patterns))
    }
}

fn compile(at: At<'_, OneOrMany<Text>>, size_max: usize, report: &mut Report) -> Vec<Regex> {
    texts(at).filter_map(|text| redaction(text, size_max, report)).collect()
}
