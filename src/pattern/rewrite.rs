//! A pattern for certain texts: smaller, and there just the same, its groups included.

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, HirKind, Look, Repetition,
};

use super::alphabet::{Alphabet, ESCAPE};
use super::letters::Letters;

/// A class of so many ranges is small as it is.
const SIMPLE_RANGES_MAX: usize = 16;

/// Whether the pattern is as quick and as small on any text as on one of ASCII.
pub(crate) fn is_simple(hir: &Hir) -> bool {
    let looks = hir.properties().look_set();
    !looks.contains_word_unicode() && has_small_classes(hir)
}

fn has_small_classes(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            class.is_ascii() || class.ranges().len() <= SIMPLE_RANGES_MAX
        }
        other => other.subs().iter().all(has_small_classes),
    }
}

/// `hir` for texts of ASCII.
pub(crate) fn ascii(hir: &Hir) -> Hir {
    let rewritten = each(hir, &|part| {
        Some(match part {
            Part::Literal(literal) if literal.is_ascii() => Hir::literal(literal),
            Part::Literal(_) => Hir::fail(),
            Part::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(class.clone())),
            Part::Class(Class::Unicode(class)) => Hir::class(Class::Bytes(ascii_part(class))),
            Part::Look(look) => Hir::look(look_of_ascii(look)),
        })
    });
    rewritten.expect("each part can be said")
}

/// `hir` for texts that were rewritten by `alphabet`; `None`: it can't be said so.
pub(crate) fn by_alphabet(hir: &Hir, alphabet: &Alphabet) -> Option<Hir> {
    let properties = hir.properties();
    // Within what stands for one character nothing begins that takes a character, but an empty match would.
    if properties.minimum_len() == Some(0) {
        return None;
    }
    each(hir, &|part| match part {
        Part::Literal(literal) => Some(Hir::literal(literal_by_alphabet(literal, alphabet)?)),
        Part::Class(class) => Some(of_symbols(&Symbols::of(class, alphabet)?)),
        Part::Look(look) => Some(Hir::look(look_by_alphabet(look)?)),
    })
}

/// A literal as `alphabet` writes it.
pub(super) fn literal_by_alphabet(literal: &[u8], alphabet: &Alphabet) -> Option<Vec<u8>> {
    let characters = std::str::from_utf8(literal).ok()?.chars();
    let parts: Option<Vec<Vec<u8>>> = characters.map(|character| alphabet.literal(character)).collect();
    Some(parts?.concat())
}

/// What holds in the rewritten text where `look` does in the text.
pub(super) const fn look_by_alphabet(look: Look) -> Option<Look> {
    match look {
        Look::WordUnicode | Look::WordStartUnicode | Look::WordEndUnicode => Some(look_of_ascii(look)),
        Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF => Some(look),
        // ASCII's word boundaries mean something else there; the others treat bytes that are no character in ways of
        // their own.
        _ => None,
    }
}

/// The characters of a class as `alphabet` writes them.
pub(super) fn letters_by_alphabet(class: &Class, alphabet: &Alphabet) -> Option<Letters> {
    let Symbols { bytes, words } = Symbols::of(class, alphabet)?;
    Some(Letters::new(&bytes, &words))
}

/// How the characters of a class are written: as one byte, or as a symbol between two escapes.
struct Symbols {
    bytes: ClassBytes,
    words: Vec<u8>,
}

impl Symbols {
    fn of(class: &Class, alphabet: &Alphabet) -> Option<Self> {
        let (mut bytes, symbols) = match class {
            Class::Bytes(class) if class.is_ascii() => (class.clone(), Vec::new()),
            Class::Bytes(_) => return None,
            Class::Unicode(class) => (ascii_part(class), alphabet.symbols(class)?),
        };
        let has_escape = bytes.iter().any(|range| (range.start()..=range.end()).contains(&ESCAPE));
        let mut escape = ClassBytes::new([ClassBytesRange::new(ESCAPE, ESCAPE)]);
        escape.negate();
        bytes.intersect(&escape);
        let (mut words, others): (Vec<u8>, Vec<u8>) =
            symbols.into_iter().partition(|symbol| Alphabet::is_word(*symbol));
        bytes.union(&of_bytes(&others));
        words.extend(has_escape.then_some(Alphabet::ESCAPED));
        Some(Self { bytes, words })
    }
}

fn of_bytes(bytes: &[u8]) -> ClassBytes {
    ClassBytes::new(bytes.iter().map(|byte| ClassBytesRange::new(*byte, *byte)))
}

/// One character of the class.
fn of_symbols(Symbols { bytes, words }: &Symbols) -> Hir {
    let word = || {
        let escape = || Hir::literal([ESCAPE]);
        Hir::concat(vec![escape(), Hir::class(Class::Bytes(of_bytes(words))), escape()])
    };
    let byte = || Hir::class(Class::Bytes(bytes.clone()));
    match (bytes.ranges().is_empty(), words.is_empty()) {
        (true, true) => Hir::fail(),
        (true, false) => word(),
        (false, true) => byte(),
        (false, false) => Hir::alternation(vec![byte(), word()]),
    }
}

/// What is rewritten of a pattern.
#[derive(Clone, Copy)]
enum Part<'a> {
    Literal(&'a [u8]),
    Class(&'a Class),
    Look(Look),
}

/// The pattern with each part as `with` has it.
fn each(hir: &Hir, with: &dyn Fn(Part<'_>) -> Option<Hir>) -> Option<Hir> {
    let all = |parts: &[Hir]| parts.iter().map(|part| each(part, with)).collect::<Option<Vec<Hir>>>();
    Some(match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => with(Part::Literal(&literal.0))?,
        HirKind::Class(class) => with(Part::Class(class))?,
        HirKind::Look(look) => with(Part::Look(*look))?,
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => Hir::repetition(Repetition {
            min: *min,
            max: *max,
            greedy: *greedy,
            sub: Box::new(each(sub, with)?),
        }),
        HirKind::Capture(Capture { index, name, sub }) => {
            Hir::capture(Capture { index: *index, name: name.clone(), sub: Box::new(each(sub, with)?) })
        }
        HirKind::Concat(parts) => Hir::concat(all(parts)?),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)?),
    })
}

/// What holds in a text of ASCII where `look` does.
pub(super) const fn look_of_ascii(look: Look) -> Look {
    match look {
        Look::WordUnicode => Look::WordAscii,
        Look::WordUnicodeNegate => Look::WordAsciiNegate,
        Look::WordStartUnicode => Look::WordStartAscii,
        Look::WordEndUnicode => Look::WordEndAscii,
        Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
        Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
        other => other,
    }
}

/// What of a class is ASCII.
pub(crate) fn ascii_part(class: &ClassUnicode) -> ClassBytes {
    let ranges = class.iter().filter(|range| range.start().is_ascii());
    ClassBytes::new(
        ranges.map(|range| ClassBytesRange::new(range.start() as u8, range.end().min('\x7f') as u8)),
    )
}
