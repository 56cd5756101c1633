//! The texts that a configuration is read from, and places in them.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::spans::{Node, Shape, inside};
use super::spelling::nearest;

/// A file of the configuration, or a text that stands in for one.
pub struct Source {
    /// What its diagnostics call it.
    pub name: String,
    /// The folder that its relative paths start from.
    pub base: PathBuf,
    /// As it was read.
    pub text: String,
    /// Its place among the sources.
    pub(super) id: usize,
    /// The places in it; of a text that is no YAML, an empty scalar.
    pub(super) root: Node,
}

impl fmt::Debug for Source {
    /// Without the text, which may hold a webhook's URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("base", &self.base).finish_non_exhaustive()
    }
}

impl Source {
    pub(super) fn new(id: usize, name: &str, base: &Path, text: String) -> Self {
        Self { name: name.to_owned(), base: base.to_owned(), text, id, root: nowhere() }
    }

    /// The whole file.
    pub(super) fn place(&self) -> Place<'_> {
        Place { source: self, node: &self.root, key: None }
    }

    /// The bytes `range` of the text; at most to the end of the line, as a diagnostic underlines one line.
    pub(super) fn span(&self, range: Range<usize>) -> Span<'_> {
        let start = floor(&self.text, range.start);
        let end = floor(&self.text, range.end.max(start));
        let line_end = self.text[start..].find('\n').map_or(self.text.len(), |at| start + at);
        Span { source: self, range: start..end.min(line_end) }
    }
}

/// A node without a place, for a text that could not be read.
fn nowhere() -> Node {
    Node { key: None, value: 0..0, shape: Shape::Alias }
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A range of bytes in one line of one source.
#[derive(Debug, Clone)]
pub(super) struct Span<'a> {
    pub(super) source: &'a Source,
    pub(super) range: Range<usize>,
}

impl Span<'_> {
    /// Line and column, both from 1, the column in characters.
    pub(super) fn line_and_column(&self) -> (usize, usize) {
        let before = &self.source.text[..self.range.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

/// A key with its value, in one source.
///
/// Going to a key that is not written stays where it is: a diagnostic about something absent points to what lacks it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) source: &'a Source,
    node: &'a Node,
    /// The nearest key at or above.
    key: Option<&'a Node>,
}

impl<'a> Place<'a> {
    /// What stands under `key`.
    pub(super) fn key(self, key: &str) -> Self {
        self.child(self.node.get(key))
    }

    /// The item at `index`.
    pub(super) fn item(self, index: usize) -> Self {
        self.child(self.node.item(index))
    }

    fn child(self, node: Option<&'a Node>) -> Self {
        let Some(node) = node else { return self };
        Self { node, key: if node.key.is_some() { Some(node) } else { self.key }, ..self }
    }

    /// Whether `key` is written, whatever stands under it.
    pub(super) fn has(self, key: &str) -> bool {
        self.node.get(key).is_some()
    }

    /// Whether `key` is written, or a key that was probably meant for it: that one is reported as unknown, and what it
    /// was meant for is not missing.
    pub(super) fn means(self, key: &str) -> bool {
        // `when` is as near to `where` as a slip of the pen, and means itself.
        let mut written = self.keys().into_iter().filter(|written| *written != "when");
        self.has(key) || written.any(|written| nearest(written, [key]).is_some())
    }

    /// The keys that are written, each once, in order.
    pub(super) fn keys(self) -> Vec<&'a str> {
        let Shape::Map(entries) = &self.node.shape else { return Vec::new() };
        let mut keys: Vec<&str> = Vec::new();
        for (key, _) in entries.iter() {
            if !keys.contains(&key.as_str()) && key != "<<" {
                keys.push(key);
            }
        }
        keys
    }

    /// The key; of an item of a list, the item's beginning.
    pub(super) fn key_span(self) -> Span<'a> {
        match &self.node.key {
            Some(key) => self.source.span(key.clone()),
            None => self.value_span(),
        }
    }

    /// The value; of a map or list over several lines, the key that it stands under.
    pub(super) fn value_span(self) -> Span<'a> {
        let inline = !self.node.value.is_empty();
        match (&self.node.key, &self.node.shape) {
            (Some(key), _) if !inline => self.source.span(key.clone()),
            (_, Shape::Map(entries)) if !inline => {
                let first = entries.first().and_then(|(_, node)| node.key.clone());
                self.source.span(first.unwrap_or_else(|| self.node.value.clone()))
            }
            _ => self.source.span(self.node.value.clone()),
        }
    }

    /// The bytes `inner` of the value, which is the text `value`; the whole value where they can't be found in it.
    pub(super) fn inner_span(self, value: &str, inner: Range<usize>) -> Span<'a> {
        let start = self.node.value.start;
        let found = match self.node.shape {
            Shape::Scalar(style) => inside(style, &self.source.text, start, value, inner),
            _ => None,
        };
        match found {
            Some(range) => self.source.span(range),
            None => self.value_span(),
        }
    }

    /// Where the value stands, in bytes.
    pub(super) fn value_range(self) -> Range<usize> {
        self.node.value.clone()
    }

    /// The value as it is written, quotes included.
    pub(super) fn spelled(self) -> &'a str {
        self.source.text.get(self.node.value.clone()).unwrap_or_default()
    }
}
