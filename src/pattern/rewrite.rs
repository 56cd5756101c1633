//! A pattern for certain texts: smaller, and there just the same, its groups included.

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, HirKind, Look, Repetition,
};

use super::alphabet::{Alphabet, ESCAPE};

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
            Part::Look(look) => Hir::look(of_ascii(look)),
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
        Part::Literal(literal) => {
            let characters = std::str::from_utf8(literal).ok()?.chars();
            let parts: Option<Vec<Vec<u8>>> =
                characters.map(|character| alphabet.literal(character)).collect();
            Some(Hir::literal(parts?.concat()))
        }
        Part::Class(Class::Bytes(class)) if class.is_ascii() => Some(of_symbols(class.clone(), &[])),
        Part::Class(Class::Bytes(_)) => None,
        Part::Class(Class::Unicode(class)) => Some(of_symbols(ascii_part(class), &alphabet.symbols(class)?)),
        Part::Look(Look::WordUnicode | Look::WordStartUnicode | Look::WordEndUnicode) => {
            let Part::Look(look) = part else { return None };
            Some(Hir::look(of_ascii(look)))
        }
        Part::Look(
            look @ (Look::Start | Look::End | Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF),
        ) => Some(Hir::look(look)),
        // ASCII's word boundaries mean something else there; the others treat bytes that are no character in ways of
        // their own.
        Part::Look(_) => None,
    })
}

/// One character of ASCII of the class, or of those that are beyond it.
fn of_symbols(mut ascii: ClassBytes, symbols: &[u8]) -> Hir {
    let has_escape = ascii.iter().any(|range| (range.start()..=range.end()).contains(&ESCAPE));
    let mut escape = ClassBytes::new([ClassBytesRange::new(ESCAPE, ESCAPE)]);
    escape.negate();
    ascii.intersect(&escape);
    let (words, others): (Vec<u8>, Vec<u8>) = symbols.iter().partition(|symbol| Alphabet::is_word(**symbol));
    let class = |symbols: Vec<u8>| {
        ClassBytes::new(symbols.into_iter().map(|symbol| ClassBytesRange::new(symbol, symbol)))
    };
    ascii.union(&class(others));
    let mut words = class(words);
    if has_escape {
        words.push(ClassBytesRange::new(Alphabet::ESCAPED, Alphabet::ESCAPED));
    }
    let word = || {
        let escape = || Hir::literal([ESCAPE]);
        Hir::concat(vec![escape(), Hir::class(Class::Bytes(words.clone())), escape()])
    };
    match (ascii.ranges().is_empty(), words.ranges().is_empty()) {
        (true, true) => Hir::fail(),
        (true, false) => word(),
        (false, true) => Hir::class(Class::Bytes(ascii)),
        (false, false) => Hir::alternation(vec![Hir::class(Class::Bytes(ascii)), word()]),
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

const fn of_ascii(look: Look) -> Look {
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
