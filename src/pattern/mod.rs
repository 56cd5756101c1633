//! A regex over the bytes of a text, with just the meaning of `regex::bytes::Regex`, and little memory.
//!
//! Nothing of it is compiled before a text is shown to it: of a thousand patterns most never see one. Then it is compiled
//! for texts of ASCII, where Unicode's classes are small; what it takes for other texts comes when the first of them does.
//! Those are rewritten first (`alphabet`): each character becomes one of the few kinds that patterns tell apart, so that
//! classes are small there too, and a word boundary is one of ASCII, which automata know. What can't be said so is left to
//! the regex itself (`Beyond::Whole`).

pub(crate) mod alphabet;
mod machine;
pub(crate) mod rewrite;
mod size;
#[cfg(test)]
mod tests;
mod text;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_syntax::hir::{Hir, HirKind};
use serde::{Serialize, Serializer};

use alphabet::Alphabet;

pub use size::Size;
pub use text::Text;

/// What a pattern looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// The parsed message, else the line.
    Message,
    /// The line as it was read.
    Line,
    /// A field's text; an event without it doesn't match.
    Field(Arc<str>),
}

impl On {
    /// What the field of that name is.
    pub fn field(name: &str) -> Self {
        match name {
            "message" => Self::Message,
            "line" => Self::Line,
            _ => Self::Field(name.into()),
        }
    }

    /// The field's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Message => "message",
            Self::Line => "line",
            Self::Field(name) => name,
        }
    }
}

/// A regex over the bytes of a text, with Unicode as the `regex` crate has it by default, and the names of its groups.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// Which text.
    pub on: On,
    /// Its named groups in their order.
    pub names: Vec<Arc<str>>,
    compiled: Arc<Compiled>,
}

/// What a pattern caught, as places in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caught {
    /// The match.
    pub whole: Range<usize>,
    /// Its named groups, in the pattern's order, that took part.
    pub named: Vec<(Arc<str>, Range<usize>)>,
}

#[derive(Debug)]
struct Compiled {
    text: Box<str>,
    /// The numbers of the named groups.
    groups: Vec<usize>,
    ascii: OnceLock<Regex>,
    beyond: OnceLock<Beyond>,
}

/// How texts that aren't ASCII are looked at.
#[derive(Debug)]
enum Beyond {
    /// As those of ASCII: the pattern knows nothing of Unicode.
    Same,
    /// Rewritten by the alphabet that all patterns share.
    Common(Regex),
    /// Rewritten by another one.
    Own(Arc<Alphabet>, Regex),
    /// As they are: slow to decide, and large.
    Whole(Regex),
}

impl Pattern {
    /// The pattern of that text.
    ///
    /// # Errors
    /// It is no regex.
    pub fn new(on: On, text: &str) -> Result<Self, Box<regex_syntax::Error>> {
        let hir = parse(text)?;
        let mut named = Vec::new();
        name_groups(&hir, &mut named);
        named.sort();
        let (groups, names) = named.into_iter().unzip();
        let compiled =
            Compiled { text: text.into(), groups, ascii: OnceLock::new(), beyond: OnceLock::new() };
        Ok(Self { on, names, compiled: Arc::new(compiled) })
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.compiled.text
    }

    /// Its syntax.
    pub fn hir(&self) -> Hir {
        self.compiled.hir()
    }

    /// Whether it matches `text`.
    pub fn is_match(&self, text: &Text<'_>) -> bool {
        // `Regex::is_match` falls to its slowest machine where a piece of the pattern is all over the text; this doesn't.
        let matches =
            |regex: &Regex, text: &[u8]| regex.search_half(&Input::new(text).earliest(true)).is_some();
        match self.compiled.look(text) {
            Look::AsItIs(regex) => matches(regex, text.bytes()),
            Look::Rewritten(regex, None) => matches(regex, text.rewritten()),
            Look::Rewritten(regex, Some(alphabet)) => matches(regex, &text.rewritten_by(alphabet)),
        }
    }

    /// What it catches in `text`; `None`: it doesn't match.
    pub fn captures(&self, text: &Text<'_>) -> Option<Caught> {
        let caught = |regex: &Regex, text: &[u8]| {
            let mut captures = regex.create_captures();
            regex.captures(text, &mut captures);
            let whole = captures.get_match()?.range();
            let named = self.names.iter().zip(&self.compiled.groups);
            let named =
                named.filter_map(|(name, group)| Some((name.clone(), captures.get_group(*group)?.range())));
            Some(Caught { whole, named: named.collect() })
        };
        match self.compiled.look(text) {
            Look::AsItIs(regex) => caught(regex, text.bytes()),
            Look::Rewritten(regex, None) => {
                Some(caught(regex, text.rewritten())?.in_original(Alphabet::common(), text.bytes()))
            }
            Look::Rewritten(regex, Some(alphabet)) => {
                Some(caught(regex, &text.rewritten_by(alphabet))?.in_original(alphabet, text.bytes()))
            }
        }
    }
}

impl Caught {
    /// Of places in the rewritten text, those in `original`.
    fn in_original(mut self, alphabet: &Alphabet, original: &[u8]) -> Self {
        let named = self.named.iter_mut().map(|(_, range)| range);
        let ranges = std::iter::once(&mut self.whole).chain(named);
        let mut places: Vec<&mut usize> =
            ranges.flat_map(|range| [&mut range.start, &mut range.end]).collect();
        places.sort();
        alphabet.in_original(original, places.into_iter());
        self
    }
}

/// Which regex looks at a text, and at what of it.
enum Look<'a> {
    AsItIs(&'a Regex),
    /// By another alphabet, or the common one.
    Rewritten(&'a Regex, Option<&'a Arc<Alphabet>>),
}

impl Compiled {
    fn hir(&self) -> Hir {
        parse(&self.text).expect("it was parsed before")
    }

    fn look(&self, text: &Text<'_>) -> Look<'_> {
        if text.is_ascii() {
            return Look::AsItIs(self.ascii());
        }
        match self.beyond.get_or_init(|| Beyond::new(&self.hir())) {
            Beyond::Same => Look::AsItIs(self.ascii()),
            Beyond::Common(regex) => Look::Rewritten(regex, None),
            Beyond::Own(alphabet, regex) => Look::Rewritten(regex, Some(alphabet)),
            Beyond::Whole(regex) => Look::AsItIs(regex),
        }
    }

    fn ascii(&self) -> &Regex {
        self.ascii.get_or_init(|| {
            let hir = self.hir();
            machine::compile(&if rewrite::is_simple(&hir) { hir } else { rewrite::ascii(&hir) })
        })
    }
}

impl Beyond {
    fn new(hir: &Hir) -> Self {
        if rewrite::is_simple(hir) {
            return Self::Same;
        }
        if let Some(rewritten) = rewrite::by_alphabet(hir, Alphabet::common()) {
            return Self::Common(machine::compile(&rewritten));
        }
        let own = Alphabet::of(hir);
        match own.and_then(|own| Some((rewrite::by_alphabet(hir, &own)?, own))) {
            Some((rewritten, own)) => Self::Own(own, machine::compile(&rewritten)),
            None => Self::Whole(machine::compile(hir)),
        }
    }
}

fn parse(text: &str) -> Result<Hir, Box<regex_syntax::Error>> {
    regex_syntax::ParserBuilder::new().utf8(false).build().parse(text).map_err(Box::new)
}

fn name_groups(hir: &Hir, names: &mut Vec<(usize, Arc<str>)>) {
    if let HirKind::Capture(capture) = hir.kind()
        && let Some(name) = &capture.name
    {
        names.push((capture.index as usize, Arc::from(&**name)));
    }
    hir.kind().subs().iter().for_each(|sub| name_groups(sub, names));
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Serialize for Pattern {
    /// As it is written.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
