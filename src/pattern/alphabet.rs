//! Texts in another alphabet: characters beyond ASCII become the few kinds that patterns tell apart.
//!
//! ASCII stays as it is. A character that is no letter of a word becomes one byte, its symbol; one that is becomes its
//! symbol between two [`ESCAPE`]s, which is a byte of a word in ASCII: so the boundaries of words are where they were, but
//! for ASCII's simpler rule. The escape itself is written as such a letter. Symbols of words stand nowhere else, so that
//! nothing which takes a character begins within one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

/// A letter of a word, as ASCII has it.
pub(super) const ESCAPE: u8 = b'_';

/// Symbols of words and of others; those below the first are not of a class.
const FIRST_WORD: u8 = 0x82;
const FIRST_OTHER: u8 = 0xc0;

/// A byte that belongs to no character: no pattern takes it.
const INVALID: u8 = 0xff;

/// Stands behind one where the text before it ends like a word all the same.
const GHOST: u8 = 0x81;

/// Classes that one alphabet can have of its own.
const OWN_MAX: usize = 64;

/// The kinds that every alphabet tells apart: those that Perl's classes do, and the two that are upper or lower case of a
/// letter of ASCII. Words first.
const KINDS: usize = 6;
const WORD: u8 = 0;
const DIGIT: u8 = 1;
const KELVIN: u8 = 2;
const LONG_S: u8 = 3;
const SPACE: u8 = 4;
const OTHER: u8 = 5;

/// From which character on, which cell.
type Edges = Vec<(char, u8)>;

/// A text in an alphabet.
#[derive(Debug)]
pub(super) struct Rewritten {
    pub(super) text: Vec<u8>,
    /// Behind each character that is longer or shorter than it was: the place there, and in the original.
    shifts: Vec<(u32, u32)>,
}

impl Rewritten {
    /// Of a place between two characters, that in the original.
    pub(super) fn in_original(&self, place: usize) -> usize {
        let before = self.shifts.partition_point(|(written, _)| *written as usize <= place);
        match before.checked_sub(1).map(|last| self.shifts[last]) {
            Some((written, original)) => place - written as usize + original as usize,
            None => place,
        }
    }
}

/// How characters beyond ASCII are written.
#[derive(Debug)]
pub(crate) struct Alphabet {
    /// What its own classes tell apart: from which character on, which of its cells. Empty: all is one.
    own: Edges,
    /// Classes that are known to be told apart.
    classes: Vec<ClassUnicode>,
    /// The symbol of each cell and kind; of those that no character is of, [`INVALID`].
    symbols: Vec<[u8; KINDS]>,
    /// Each symbol, with a character that has it.
    letters: Vec<(u8, char)>,
}

impl Alphabet {
    /// How the escape is written between two of it.
    pub(super) const ESCAPED: u8 = 0x80;

    /// That of the kinds alone.
    pub(crate) fn common() -> &'static Arc<Self> {
        static COMMON: OnceLock<Arc<Alphabet>> = OnceLock::new();
        COMMON.get_or_init(|| Arc::new(Self::telling(Vec::new()).expect("the kinds are few")))
    }

    /// One that tells apart what `hir` does, shared by all patterns that tell the same apart; `None`: that is too much.
    pub(super) fn of(hir: &Hir) -> Option<Arc<Self>> {
        /// As many as there are patterns at most; those of rules that are gone are dropped.
        static KNOWN: Mutex<Vec<Weak<Alphabet>>> = Mutex::new(Vec::new());
        let mut classes = Vec::new();
        own_classes(hir, &mut classes)?;
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|alphabet| alphabet.strong_count() > 0);
        let same = known.iter().filter_map(Weak::upgrade).find(|alphabet| alphabet.classes == classes);
        if same.is_some() {
            return same;
        }
        let new = Arc::new(Self::telling(classes)?);
        known.push(Arc::downgrade(&new));
        Some(new)
    }

    fn telling(classes: Vec<ClassUnicode>) -> Option<Self> {
        let (own, cells) = divided(&classes)?;
        let (mut words, mut others) = (FIRST_WORD..FIRST_OTHER, FIRST_OTHER..INVALID);
        let (mut symbols, mut letters) = (Vec::new(), Vec::new());
        for cell in cells {
            let mut row = [INVALID; KINDS];
            for (kind, symbol) in row.iter_mut().enumerate() {
                let mut members = Kinds::get().members[kind].clone();
                members.intersect(&cell);
                let Some(range) = members.ranges().first() else { continue };
                *symbol = if kind < usize::from(SPACE) { words.next()? } else { others.next()? };
                letters.push((*symbol, range.start()));
            }
            symbols.push(row);
        }
        Some(Self { own, classes, symbols, letters })
    }

    /// Whether a symbol is written between escapes.
    pub(super) const fn is_word(symbol: u8) -> bool {
        symbol < FIRST_OTHER
    }

    /// How the character is written, where nothing else is written like it.
    pub(super) fn literal(&self, character: char) -> Option<Vec<u8>> {
        match character {
            '_' => Some(vec![ESCAPE, Self::ESCAPED, ESCAPE]),
            '\0'..='\x7f' => Some(vec![character as u8]),
            _ => match self.symbols(&single(character))?[..] {
                [symbol] if Self::is_word(symbol) => Some(vec![ESCAPE, symbol, ESCAPE]),
                [symbol] => Some(vec![symbol]),
                _ => None,
            },
        }
    }

    /// The symbols of what is beyond ASCII in `class`; `None`: others have them too.
    pub(super) fn symbols(&self, class: &ClassUnicode) -> Option<Vec<u8>> {
        let beyond = beyond(class);
        let told = is_of_kinds(&beyond) || self.classes.contains(&beyond);
        let has = |character: char| {
            let ranges = beyond.ranges();
            let at = ranges.partition_point(|range| range.end() < character);
            ranges.get(at).is_some_and(|range| range.start() <= character)
        };
        told.then(|| self.letters.iter().filter(|(_, one)| has(*one)).map(|(symbol, _)| *symbol).collect())
    }

    fn symbol(&self, character: char) -> u8 {
        let cell = match self.own.partition_point(|(first, _)| *first <= character) {
            0 => 0,
            at => self.own[at - 1].1,
        };
        self.symbols[usize::from(cell)][usize::from(Kinds::get().of(character))]
    }

    /// `text` in this alphabet.
    pub(super) fn rewrite(&self, text: &[u8]) -> Rewritten {
        let mut rewritten = Rewritten {
            text: Vec::with_capacity(text.len() + text.len() / 2),
            shifts: Vec::with_capacity(text.len() / 2),
        };
        let mut original = 0;
        self.walk(text, |bytes, piece| {
            original += bytes;
            rewritten.text.extend_from_slice(piece);
            if bytes != piece.len() {
                rewritten.shifts.push((rewritten.text.len() as u32, original as u32));
            }
        });
        rewritten
    }

    /// Appends `text` in this alphabet to `written`.
    pub(crate) fn rewrite_into(&self, text: &[u8], written: &mut Vec<u8>) {
        self.walk(text, |_, piece| written.extend_from_slice(piece));
    }

    /// Hands on what is written for the next so many bytes of `text`: a character, or a stretch that stays as it is.
    fn walk(&self, text: &[u8], mut hand_on: impl FnMut(usize, &[u8])) {
        // The usual case, and the quicker one.
        if let Ok(valid) = std::str::from_utf8(text) {
            return self.walk_valid(valid, &mut hand_on);
        }
        let mut at = 0;
        for chunk in text.utf8_chunks() {
            self.walk_valid(chunk.valid(), &mut hand_on);
            at += chunk.valid().len();
            for _ in chunk.invalid() {
                at += 1;
                match ends_like_a_word(&text[..at]) {
                    true => hand_on(1, &[INVALID, ESCAPE, GHOST, ESCAPE]),
                    false => hand_on(1, &[INVALID]),
                }
            }
        }
    }

    fn walk_valid(&self, mut rest: &str, hand_on: &mut impl FnMut(usize, &[u8])) {
        while let Some(next) = rest.chars().next() {
            let same = rest.bytes().position(|byte| !byte.is_ascii() || byte == ESCAPE).unwrap_or(rest.len());
            if same > 0 {
                hand_on(same, &rest.as_bytes()[..same]);
                rest = &rest[same..];
                continue;
            }
            let symbol = if next == '_' { Self::ESCAPED } else { self.symbol(next) };
            match Self::is_word(symbol) {
                true => hand_on(next.len_utf8(), &[ESCAPE, symbol, ESCAPE]),
                false => hand_on(next.len_utf8(), &[symbol]),
            }
            rest = &rest[next.len_utf8()..];
        }
    }
}

/// Whether a word boundary behind `text`, whose last byte is of no character, sees a letter of a word before it: the
/// character is it that begins in the last four bytes, even if it doesn't reach so far.
fn ends_like_a_word(text: &[u8]) -> bool {
    let last = &text[text.len().saturating_sub(4)..];
    let begins = last.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
    let chunk = last[begins..].utf8_chunks().next();
    let before = chunk.and_then(|chunk| chunk.valid().chars().next());
    before.is_some_and(|character| match character.is_ascii() {
        true => character.is_ascii_alphanumeric() || character == '_',
        false => Kinds::get().of(character) < SPACE,
    })
}

/// What kind each character beyond ASCII is of.
#[derive(Debug)]
struct Kinds {
    /// For each 256 characters, the page that says it.
    pages: Vec<u16>,
    kinds: Vec<[u8; 256]>,
    members: [ClassUnicode; KINDS],
}

impl Kinds {
    fn get() -> &'static Self {
        static KINDS: OnceLock<Kinds> = OnceLock::new();
        KINDS.get_or_init(Self::new)
    }

    fn new() -> Self {
        let mut of_each = vec![OTHER; char::MAX as usize + 1];
        for (class, kind) in
            [(r"\w", WORD), (r"\d", DIGIT), ("\u{212a}", KELVIN), ("\u{17f}", LONG_S), (r"\s", SPACE)]
        {
            let hir = regex_syntax::parse(&format!("[{class}]")).expect("a class");
            let ranges = match hir.kind() {
                HirKind::Class(Class::Unicode(class)) => class.ranges().to_vec(),
                _ => class.chars().map(|one| ClassUnicodeRange::new(one, one)).collect(),
            };
            ranges.iter().for_each(|range| of_each[range.start() as usize..=range.end() as usize].fill(kind));
        }
        let mut members: [Vec<ClassUnicodeRange>; KINDS] = Default::default();
        let mut from = '\u{80}';
        for character in '\u{80}'..=char::MAX {
            let next = char::from_u32(character as u32 + 1);
            let kind = of_each[character as usize];
            if next.is_none_or(|next| of_each[next as usize] != kind) {
                members[usize::from(kind)].push(ClassUnicodeRange::new(from, character));
                from = next.unwrap_or(if character < '\u{e000}' { '\u{e000}' } else { char::MAX });
            }
        }
        let (mut kinds, mut pages, mut known) = (Vec::new(), Vec::new(), HashMap::new());
        for page in of_each.as_chunks::<256>().0 {
            let number = *known.entry(page).or_insert_with(|| {
                kinds.push(*page);
                kinds.len() - 1
            });
            pages.push(number as u16);
        }
        Self { pages, kinds, members: members.map(ClassUnicode::new) }
    }

    fn of(&self, character: char) -> u8 {
        let page = self.pages[(character as usize) >> 8];
        self.kinds[usize::from(page)][(character as usize) & 0xff]
    }
}

/// Whether a class beyond ASCII has all of a kind or nothing of it.
fn is_of_kinds(class: &ClassUnicode) -> bool {
    Kinds::get().members.iter().all(|members| {
        let mut of_class = class.ranges();
        let mut has_any = None;
        // Both are in order, and neither has two ranges that touch.
        members.iter().all(|range| {
            while let Some((first, later)) = of_class.split_first()
                && first.end() < range.start()
            {
                of_class = later;
            }
            let first = of_class.first().filter(|first| first.start() <= range.end());
            let has_all =
                first.is_some_and(|first| first.start() <= range.start() && range.end() <= first.end());
            first.is_some() == has_all && *has_any.get_or_insert(has_all) == has_all
        })
    })
}

/// Characters and classes that are more than kinds; `None`: too many.
fn own_classes(hir: &Hir, classes: &mut Vec<ClassUnicode>) -> Option<()> {
    let mut add = |class: ClassUnicode| {
        if !is_of_kinds(&class) && !classes.contains(&class) {
            classes.push(class);
        }
    };
    match hir.kind() {
        HirKind::Literal(literal) if !literal.0.is_ascii() => {
            let text = std::str::from_utf8(&literal.0).ok()?;
            text.chars().filter(|character| !character.is_ascii()).for_each(|one| add(single(one)));
        }
        HirKind::Class(Class::Unicode(class)) => add(beyond(class)),
        other => other.subs().iter().try_for_each(|sub| own_classes(sub, classes))?,
    }
    (classes.len() <= OWN_MAX).then_some(())
}

/// The characters beyond ASCII in cells of which each is wholly in a class or wholly not: from which character on, which
/// cell; and the cells. The first is in no class.
fn divided(classes: &[ClassUnicode]) -> Option<(Edges, Vec<ClassUnicode>)> {
    let mut edges: Vec<u32> = classes
        .iter()
        .flat_map(ClassUnicode::ranges)
        .flat_map(|range| [range.start() as u32, range.end() as u32 + 1])
        .collect();
    edges.push(0x80);
    edges.sort_unstable();
    edges.dedup();
    let mut cells: HashMap<u64, u8> = HashMap::from([(0, 0)]);
    let mut members: Vec<Vec<ClassUnicodeRange>> = vec![Vec::new()];
    let mut own = Vec::new();
    for (at, edge) in edges.iter().enumerate() {
        // An edge within the surrogates is that behind them.
        let Some(first) = char::from_u32(if (0xd800..0xe000).contains(edge) { 0xe000 } else { *edge }) else {
            break;
        };
        let end = edges.get(at + 1).copied().unwrap_or(char::MAX as u32 + 1);
        let Some(last) = char::from_u32(if (0xd801..=0xe000).contains(&end) { 0xd7ff } else { end - 1 })
        else {
            break;
        };
        if first > last {
            continue;
        }
        let has =
            |class: &ClassUnicode| class.iter().any(|range| (range.start()..=range.end()).contains(&first));
        let within = classes.iter().enumerate().filter(|(_, class)| has(class));
        let signature = within.fold(0, |all, (place, _)| all | 1 << place);
        let cell = match cells.get(&signature) {
            Some(cell) => *cell,
            None => {
                let cell = u8::try_from(members.len()).ok()?;
                cells.insert(signature, cell);
                members.push(Vec::new());
                cell
            }
        };
        members[usize::from(cell)].push(ClassUnicodeRange::new(first, last));
        own.push((first, cell));
    }
    if classes.is_empty() {
        own.clear();
    }
    Some((own, members.into_iter().map(ClassUnicode::new).collect()))
}

fn single(character: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(character, character)])
}

/// What of a class is not ASCII.
fn beyond(class: &ClassUnicode) -> ClassUnicode {
    let ranges = class.iter().filter(|range| !range.end().is_ascii());
    ClassUnicode::new(ranges.map(|range| ClassUnicodeRange::new(range.start().max('\u{80}'), range.end())))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_class_of_kinds_has_all_of_each_or_nothing(
            kinds in proptest::collection::vec(0..KINDS, 0..4),
            more in proptest::collection::vec((any::<char>(), 0_u32..300), 0..2),
            is_without in any::<bool>(),
        ) {
            let mut class = ClassUnicode::empty();
            kinds.iter().for_each(|kind| class.union(&Kinds::get().members[*kind]));
            let range = |(first, more): &(char, u32)| {
                ClassUnicodeRange::new(*first, char::from_u32(*first as u32 + more).unwrap_or(*first))
            };
            let more = beyond(&ClassUnicode::new(more.iter().map(range)));
            if is_without { class.difference(&more) } else { class.union(&more) }
            let expected = Kinds::get().members.iter().all(|members| {
                let mut both = members.clone();
                both.intersect(&class);
                both.ranges().is_empty() || both == *members
            });
            prop_assert_eq!(is_of_kinds(&class), expected, "{:?}", class);
        }
    }
}
