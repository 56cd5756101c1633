//! A regex over the bytes of a text, with just the meaning of `regex::bytes::Regex`, and little memory.
//!
//! Nothing of it is compiled before a text is shown to it: of a thousand patterns most never see one. Then it is compiled
//! for texts of ASCII, where Unicode's classes are small; what it takes for other texts comes when the first of them does.
//! Those are rewritten first (`alphabet`): each character becomes one of the few kinds that patterns tell apart, so that
//! classes are small there too, and a word boundary is one of ASCII, which automata know. What can't be said so is left to
//! the regex itself (`Beyond::Whole`).
//!
//! Most patterns are small, and most lines short: there a list of steps that is walked along the line (`walk`) tells at once
//! whether the pattern matches and what its groups catch, and takes a hundredth of the memory. Only where that takes too
//! long are automata built.

pub(crate) mod alphabet;
mod follow;
mod letters;
mod machine;
pub(crate) mod rewrite;
mod size;
mod steps;
#[cfg(test)]
mod tests;
mod text;
mod walk;

use std::cell::Cell;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_syntax::hir::{Hir, HirKind};
use serde::{Serialize, Serializer};

use alphabet::Alphabet;
use steps::Steps;
use walk::{NOWHERE, Walked};

pub use size::Size;
pub use text::Text;

/// Longer texts are searched by automata, which look at each byte once.
const WALKED_BYTES_MAX: usize = 4096;

/// Walks of a pattern that take too long: after so many of them, none are tried any more.
const GIVEN_UP_MAX: u32 = 16;

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
    pub names: Arc<[Arc<str>]>,
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

/// What a look at a text tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The pattern doesn't match.
    Nothing,
    /// It matches; what its groups catch takes another look ([`Pattern::captures`]).
    Match,
    /// It matches, and this is what its groups catch.
    Caught,
}

/// Places in a text: those of a match's named groups.
#[derive(Debug, Default)]
pub struct Places(Vec<u32>);

impl Places {
    /// Of the named group of that number, where it took part.
    pub fn group(&self, number: usize) -> Option<Range<usize>> {
        let (start, end) = (*self.0.get(2 + 2 * number)?, *self.0.get(3 + 2 * number)?);
        (start != NOWHERE && end != NOWHERE).then_some(start as usize..end as usize)
    }

    fn whole(&self) -> Range<usize> {
        self.0[0] as usize..self.0[1] as usize
    }
}

#[derive(Debug)]
struct Compiled {
    text: Box<str>,
    /// The numbers of the named groups.
    groups: Vec<usize>,
    ascii: Machine,
    beyond: OnceLock<Beyond>,
    /// How many walks took too long.
    given_up: AtomicU32,
}

/// What looks at a text: steps, and automata where they give up.
#[derive(Debug, Default)]
struct Machine {
    steps: OnceLock<Option<Steps>>,
    regex: OnceLock<Regex>,
}

/// How texts that aren't ASCII are looked at.
#[derive(Debug)]
enum Beyond {
    /// As those of ASCII: the pattern knows nothing of Unicode. Only steps want it rewritten, if there are any.
    Same(Option<Steps>),
    /// Rewritten by the alphabet that all patterns share, or by another one.
    Rewritten(Arc<Alphabet>, Machine),
    /// As they are: slow to decide, and large.
    Whole(Regex),
}

impl Pattern {
    /// The pattern of that text.
    ///
    /// # Errors
    /// It is no regex.
    pub fn new(on: On, text: &str) -> Result<Self, Box<regex_syntax::Error>> {
        Ok(Self::parsed(on, text, &parse(text)?))
    }

    /// The pattern of that text, of which `hir` is the syntax.
    pub(crate) fn parsed(on: On, text: &str, hir: &Hir) -> Self {
        let mut named = Vec::new();
        name_groups(hir, &mut named);
        named.sort();
        let (groups, names): (Vec<usize>, Vec<Arc<str>>) = named.into_iter().unzip();
        let compiled = Compiled {
            text: text.into(),
            groups,
            ascii: Machine::default(),
            beyond: OnceLock::new(),
            given_up: AtomicU32::new(0),
        };
        Self { on, names: names.into(), compiled: Arc::new(compiled) }
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
        thread_local!(static PLACES: Cell<Places> = const { Cell::new(Places(Vec::new())) });
        let mut places = PLACES.take();
        let seen = self.see(text, &mut places);
        PLACES.set(places);
        seen != Seen::Nothing
    }

    /// Whether it matches `text`; `places` are what its named groups caught, where that is known at once.
    pub fn see(&self, text: &Text<'_>, places: &mut Places) -> Seen {
        match self.compiled.walk(text, places) {
            Walked::Through => return Seen::Caught,
            Walked::Nowhere => return Seen::Nothing,
            Walked::GaveUp => {}
        }
        // `Regex::is_match` falls to its slowest machine where a piece of the pattern is all over the text; this doesn't.
        let matches =
            |regex: &Regex, text: &[u8]| regex.search_half(&Input::new(text).earliest(true)).is_some();
        let is_match = match self.compiled.automata(text) {
            (regex, None) => matches(regex, text.bytes()),
            (regex, Some(alphabet)) => matches(regex, &text.rewritten_by(alphabet).text),
        };
        if is_match { Seen::Match } else { Seen::Nothing }
    }

    /// What it catches in `text`; `None`: it doesn't match.
    pub fn captures(&self, text: &Text<'_>) -> Option<Caught> {
        let mut places = Places::default();
        match self.compiled.walk(text, &mut places) {
            Walked::Nowhere => return None,
            Walked::Through => {
                let named = self.names.iter().enumerate();
                let named = named.filter_map(|(group, name)| Some((name.clone(), places.group(group)?)));
                return Some(Caught { whole: places.whole(), named: named.collect() });
            }
            Walked::GaveUp => {}
        }
        let caught = |regex: &Regex, text: &[u8], in_original: &dyn Fn(usize) -> usize| {
            let mut captures = regex.create_captures();
            regex.captures(text, &mut captures);
            let original = |range: Range<usize>| in_original(range.start)..in_original(range.end);
            let whole = original(captures.get_match()?.range());
            let named = self.names.iter().zip(&self.compiled.groups).filter_map(|(name, group)| {
                Some((name.clone(), original(captures.get_group(*group)?.range())))
            });
            Some(Caught { whole, named: named.collect() })
        };
        match self.compiled.automata(text) {
            (regex, None) => caught(regex, text.bytes(), &|place| place),
            (regex, Some(alphabet)) => {
                let rewritten = text.rewritten_by(alphabet);
                caught(regex, &rewritten.text, &|place| rewritten.in_original(place))
            }
        }
    }
}

impl Compiled {
    fn hir(&self) -> Hir {
        parse(&self.text).expect("it was parsed before")
    }

    /// Walks along `text`; gives up where it has no steps.
    fn walk(&self, text: &Text<'_>, places: &mut Places) -> Walked {
        if text.bytes().len() > WALKED_BYTES_MAX || self.given_up.load(Ordering::Relaxed) >= GIVEN_UP_MAX {
            return Walked::GaveUp;
        }
        let Some((steps, alphabet)) = self.steps(text) else { return Walked::GaveUp };
        let walked = match alphabet {
            None => steps.walk(text.bytes(), &mut places.0),
            Some(alphabet) => {
                let rewritten = text.rewritten_by(alphabet);
                let walked = steps.walk(&rewritten.text, &mut places.0);
                if walked == Walked::Through {
                    for place in places.0.iter_mut().filter(|place| **place != NOWHERE) {
                        *place = rewritten.in_original(*place as usize) as u32;
                    }
                }
                walked
            }
        };
        if walked == Walked::GaveUp {
            self.given_up.fetch_add(1, Ordering::Relaxed);
        }
        walked
    }

    /// The steps for `text`, and the alphabet in which they know it.
    fn steps(&self, text: &Text<'_>) -> Option<(&Steps, Option<&Arc<Alphabet>>)> {
        let new = |alphabet: Option<&Alphabet>| Steps::new(&self.hir(), &self.groups, alphabet);
        if text.is_ascii() {
            return Some((self.ascii.steps.get_or_init(|| new(None)).as_ref()?, None));
        }
        match self.beyond() {
            Beyond::Same(steps) => Some((steps.as_ref()?, Some(Alphabet::common()))),
            Beyond::Rewritten(alphabet, machine) => {
                Some((machine.steps.get_or_init(|| new(Some(alphabet))).as_ref()?, Some(alphabet)))
            }
            Beyond::Whole(_) => None,
        }
    }

    /// The automata for `text`, and the alphabet in which they know it.
    fn automata(&self, text: &Text<'_>) -> (&Regex, Option<&Arc<Alphabet>>) {
        let ascii = || {
            let new = |hir: Hir| if rewrite::is_simple(&hir) { hir } else { rewrite::ascii(&hir) };
            self.ascii.regex.get_or_init(|| machine::compile(&new(self.hir())))
        };
        if text.is_ascii() {
            return (ascii(), None);
        }
        match self.beyond() {
            Beyond::Same(_) => (ascii(), None),
            Beyond::Rewritten(alphabet, machine) => {
                let new = || rewrite::by_alphabet(&self.hir(), alphabet).expect("it was said in it before");
                (machine.regex.get_or_init(|| machine::compile(&new())), Some(alphabet))
            }
            Beyond::Whole(regex) => (regex, None),
        }
    }

    fn beyond(&self) -> &Beyond {
        self.beyond.get_or_init(|| Beyond::new(&self.hir(), &self.groups))
    }
}

impl Beyond {
    fn new(hir: &Hir, groups: &[usize]) -> Self {
        let common = Alphabet::common();
        if rewrite::is_simple(hir) {
            return Self::Same(Steps::new(hir, groups, Some(common)));
        }
        if rewrite::by_alphabet(hir, common).is_some() {
            return Self::rewritten(hir, groups, common.clone());
        }
        match Alphabet::of(hir).filter(|own| rewrite::by_alphabet(hir, own).is_some()) {
            Some(own) => Self::rewritten(hir, groups, own),
            None => Self::Whole(machine::compile(hir)),
        }
    }

    /// The text that asks is the first to be walked, mostly.
    fn rewritten(hir: &Hir, groups: &[usize], alphabet: Arc<Alphabet>) -> Self {
        let steps = Steps::new(hir, groups, Some(&alphabet));
        Self::Rewritten(alphabet, Machine { steps: steps.into(), regex: OnceLock::new() })
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
