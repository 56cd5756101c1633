//! Where each key and each value of a YAML text stands, by granit-parser, which is used nowhere else.
//!
//! It knows no configuration and reads no values: those come from `serde_yaml`.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

/// A value in a YAML text, with the places of all that is in it.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The key that it stands under, where it stands in a map.
    pub(super) key: Option<Range<usize>>,
    /// The value itself; of a map or list over several lines, its beginning.
    pub(super) value: Range<usize>,
    /// What it is.
    pub(super) shape: Shape,
}

/// What a [`Node`] is. Shared where an alias repeats it, so that aliases of aliases take no space.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// Text, a number, a truth value or nothing, as it is written.
    Scalar(ScalarStyle),
    /// `*name`, of a scalar that stands elsewhere.
    Alias,
    /// Its items.
    List(Arc<Vec<Node>>),
    /// Its keys in order; one that is given twice stands twice.
    Map(Arc<Entries>),
}

/// The keys of a map, each with what stands under it.
type Entries = Vec<(String, Node)>;

/// A YAML text, located.
#[derive(Debug)]
pub(super) struct Tree {
    /// The first document; none where the text holds nothing but comments.
    pub(super) root: Option<Node>,
    /// Where a second document begins.
    pub(super) second: Option<Range<usize>>,
    /// The maps that have a map as their key: `{{ x }}` without quotes.
    pub(super) braces: Vec<Range<usize>>,
}

/// Why a text is no YAML.
#[derive(Debug)]
pub(super) struct SyntaxError {
    /// In the parser's words.
    pub(super) message: String,
    /// Where it noticed, in bytes.
    pub(super) at: usize,
}

impl Node {
    /// What stands under `key`, also where `<<` brings it in.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Shape::Map(entries) = &self.shape else { return None };
        let own = entries.iter().find(|(name, _)| name == key).map(|(_, node)| node);
        own.or_else(|| {
            let merged = entries.iter().filter(|(name, _)| name == "<<");
            merged.flat_map(|(_, node)| node.merged_maps()).find_map(|map| map.get(key))
        })
    }

    /// The item at `index`.
    pub(super) fn item(&self, index: usize) -> Option<&Self> {
        match &self.shape {
            Shape::List(items) => items.get(index),
            _ => None,
        }
    }

    fn merged_maps(&self) -> &[Self] {
        match &self.shape {
            Shape::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }
}

/// Finds the places in `text`.
///
/// # Errors
/// What YAML's grammar forbids.
pub(super) fn locate(text: &str) -> Result<Tree, SyntaxError> {
    let mut locator =
        Locator { events: Parser::new_from_str(text), anchors: HashMap::new(), braces: Vec::new(), at: 0 };
    locator.tree().map_err(|error| SyntaxError {
        message: error.info(),
        at: error.marker().byte_offset().unwrap_or(locator.at).min(text.len()),
    })
}

struct Locator<'a> {
    events: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    braces: Vec<Range<usize>>,
    at: usize,
}

impl<'a> Locator<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Range<usize>)>, ScanError> {
        loop {
            let Some(next) = self.events.next() else { return Ok(None) };
            let (event, span): (Event<'a>, Span) = next?;
            if matches!(event, Event::Comment(..)) {
                continue;
            }
            let range = span.byte_range().unwrap_or(self.at..self.at);
            self.at = range.end;
            return Ok(Some((event, range)));
        }
    }

    fn tree(&mut self) -> Result<Tree, ScanError> {
        let mut root = None;
        let mut second = None;
        let mut documents = 0;
        while let Some((event, range)) = self.next()? {
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
                Event::DocumentStart(..) => {
                    documents += 1;
                    self.anchors.clear();
                    if documents == 2 {
                        second = Some(range);
                    }
                }
                event => {
                    let node = self.node(event, range, None)?;
                    root.get_or_insert(node);
                }
            }
        }
        Ok(Tree { root, second, braces: std::mem::take(&mut self.braces) })
    }

    fn node(
        &mut self,
        event: Event<'a>,
        range: Range<usize>,
        key: Option<Range<usize>>,
    ) -> Result<Node, ScanError> {
        let (anchor, value, shape) = match event {
            Event::Scalar(_, style, anchor, _) => (anchor, range, Shape::Scalar(style)),
            Event::Alias(anchor) => {
                let shape = self.anchors.get(&anchor).map(|node| node.shape.clone());
                let shape = shape.filter(|shape| !matches!(shape, Shape::Scalar(_)));
                (0, range, shape.unwrap_or(Shape::Alias))
            }
            Event::SequenceStart(style, anchor, _) => {
                let (items, end) = self.items()?;
                (anchor, extent(range, style, end), Shape::List(Arc::new(items)))
            }
            Event::MappingStart(style, anchor, _) => {
                let (entries, end, braces) = self.entries()?;
                let range = extent(range, style, end);
                if braces {
                    self.braces.push(range.clone());
                }
                (anchor, range, Shape::Map(Arc::new(entries)))
            }
            _ => (0, range, Shape::Alias),
        };
        let node = Node { key, value, shape };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn items(&mut self) -> Result<(Vec<Node>, usize), ScanError> {
        let mut items = Vec::new();
        while let Some((event, range)) = self.next()? {
            if event == Event::SequenceEnd {
                return Ok((items, range.end));
            }
            items.push(self.node(event, range, None)?);
        }
        Ok((items, self.at))
    }

    /// The entries, where they end, and whether a key among them is a map in braces.
    fn entries(&mut self) -> Result<(Entries, usize, bool), ScanError> {
        let mut entries = Vec::new();
        let mut braces = false;
        while let Some((event, key)) = self.next()? {
            let name = match event {
                Event::MappingEnd => return Ok((entries, key.end, braces)),
                Event::Scalar(name, ..) => Some(name.into_owned()),
                event => {
                    braces |= matches!(event, Event::MappingStart(StructureStyle::Flow, ..));
                    self.node(event, key.clone(), None)?;
                    None
                }
            };
            let Some((event, range)) = self.next()? else { break };
            let node = self.node(event, range, Some(key))?;
            entries.extend(name.map(|name| (name, node)));
        }
        Ok((entries, self.at, braces))
    }
}

/// The place of a list or map: to its closing bracket where it has one, else the place where it begins.
fn extent(start: Range<usize>, style: StructureStyle, end: usize) -> Range<usize> {
    match style {
        StructureStyle::Flow => start.start..end.max(start.end),
        StructureStyle::Block => start,
    }
}

/// Where the bytes `inner` of the scalar that begins at `start` of `text`, and reads as `value`, are spelled.
///
/// Exact for what is written as it is read, and through `''`, the backslash escapes of double quotes and the
/// indentation of `|` blocks; nothing where lines are folded.
pub(super) fn inside(
    style: ScalarStyle,
    text: &str,
    start: usize,
    value: &str,
    inner: Range<usize>,
) -> Option<Range<usize>> {
    let literal = style == ScalarStyle::Literal;
    let mut at = match style {
        ScalarStyle::Plain => start,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => start + 1,
        // The parser gives the place of the first line's text, behind its indentation.
        ScalarStyle::Literal => text[..start].rfind('\n')? + 1,
        ScalarStyle::Folded => return None,
    };
    let indent = text[at..].lines().find(|line| !line.trim().is_empty()).map_or(0, leading_spaces);
    let mut places = Vec::with_capacity(value.len() + 1);
    let mut line_begins = literal;
    for wanted in value.chars() {
        if line_begins {
            let spaces = leading_spaces(text.get(at..)?);
            at += if wanted == '\n' { spaces } else { indent.min(spaces) };
        }
        places.extend(std::iter::repeat_n(at, wanted.len_utf8()));
        at += spelled_char(style, text.get(at..)?, wanted)?;
        line_begins = literal && wanted == '\n';
    }
    places.push(at);
    Some(*places.get(inner.start)?..*places.get(inner.end)?)
}

fn leading_spaces(text: &str) -> usize {
    text.bytes().take_while(|byte| *byte == b' ').count()
}

/// How many bytes spell `wanted` at the beginning of `rest`; nothing when something else stands there.
fn spelled_char(style: ScalarStyle, rest: &str, wanted: char) -> Option<usize> {
    match (style, rest.as_bytes()) {
        (ScalarStyle::SingleQuoted, [b'\'', b'\'', ..]) => (wanted == '\'').then_some(2),
        (ScalarStyle::DoubleQuoted, [b'\\', escape, ..]) => match escape {
            b'x' => Some(4),
            b'u' => Some(6),
            b'U' => Some(10),
            b'\n' | b'\r' => None,
            _ => Some(2),
        },
        _ => rest.starts_with(wanted).then(|| wanted.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(text: &str) -> Node {
        locate(text).unwrap().root.unwrap()
    }

    #[test]
    fn keys_and_values_are_found() {
        let text = "a:\n  b: [x, 'y z']\n  c: *q\n";
        assert_eq!(Some(locate(text).unwrap_err().at), text.find('*'), "an alias of nothing");
        let text = "a: &q\n  b: [x, 'y z']\nc: *q\nd:\n  <<: *q\n  e: 1\n";
        let root = root(text);
        let shown = |node: &Node| {
            (text[node.key.clone().unwrap_or(0..0)].to_owned(), text[node.value.clone()].to_owned())
        };
        let b = root.get("a").unwrap().get("b").unwrap();
        assert_eq!(shown(b), ("b".into(), "[x, 'y z']".into()));
        assert_eq!(shown(b.item(1).unwrap()), (String::new(), "'y z'".into()));
        assert_eq!(shown(root.get("c").unwrap()), ("c".into(), "*q".into()));
        assert_eq!(shown(root.get("c").unwrap().get("b").unwrap()).0, "b");
        assert_eq!(shown(root.get("d").unwrap().get("b").unwrap()).0, "b");
    }

    #[test]
    fn a_place_inside_a_scalar_is_exact() {
        for (text, value, inner, expected) in [
            ("a: x(y", "x(y", 1..2, "("),
            ("a: 'it''s (x'", "it's (x", 5..6, "("),
            (r#"a: "a\\d\t(x""#, "a\\d\t(x", 4..5, "("),
            (r#"a: "a\\d""#, "a\\d", 1..3, r"\\d"),
            ("a: |\n  one\n\n   t(wo\n", "one\n\n t(wo\n", 7..8, "("),
            ("a: 'ä(x'", "ä(x", 2..3, "("),
        ] {
            let node = root(text).get("a").unwrap().clone();
            let Shape::Scalar(style) = node.shape else { panic!("{text}") };
            let range = inside(style, text, node.value.start, value, inner).unwrap();
            assert_eq!(&text[range], expected, "{text}");
        }
    }

    #[test]
    fn unquoted_braces_are_noticed() {
        let text = "title: {{ ip }}\n";
        let tree = locate(text).unwrap();
        assert_eq!(tree.braces.iter().map(|range| &text[range.clone()]).collect::<Vec<_>>(), ["{{ ip }}"]);
    }
}
