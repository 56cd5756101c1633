//! `match` and `ignore`.

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::{OneOrMany, Text};
use crate::config::scalar::name::texts;
use crate::config::scalar::regex::pattern;
use crate::rule::Pattern;

/// The patterns of a list, and whether all of it could be read.
pub(super) struct Patterns {
    pub(super) patterns: Vec<Pattern>,
    pub(super) complete: bool,
}

pub(super) fn resolve(at: Option<At<'_, OneOrMany<Text>>>, size_max: usize, report: &mut Report) -> Patterns {
    let Some(at) = at else { return Patterns { patterns: Vec::new(), complete: true } };
    let patterns: Vec<Pattern> = texts(at).filter_map(|text| pattern(text, size_max, report)).collect();
    let complete = patterns.len() == at.raw.items.len();
    Patterns { patterns, complete }
}
