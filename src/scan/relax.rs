//! A pattern made simpler, in two ways. [`relaxed`]: over bytes, without Unicode and word boundaries, and within one
//! line; it matches wherever the pattern does, and more. [`ascii`]: the pattern as far as a line of ASCII knows it; there
//! it matches just what the pattern does. The automata of both are small and never give up on a byte.

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, HirKind, Look, Repetition,
};
use regex_syntax::utf8::Utf8Sequences;

/// A class of at most so many ranges is kept as it is; a larger one becomes "its ASCII part, or any other character".
const RANGES_MAX: usize = 4;

/// Repetitions are counted up to here.
const COUNTED_MAX: u32 = 16;

/// `pattern`, made simpler.
pub(super) fn relaxed(pattern: &Hir) -> Hir {
    match pattern.kind() {
        HirKind::Empty => Hir::empty(),
        // No line holds a line's end.
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(within_line(class.clone()))),
        HirKind::Class(Class::Unicode(class)) => of_characters(class),
        HirKind::Look(look) => of_look(*look),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Capture(Capture { sub, .. }) => relaxed(sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(relaxed).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(relaxed).collect()),
    }
}

/// `pattern` for texts of ASCII alone: on those it is the same.
pub(super) fn ascii(pattern: &Hir) -> Hir {
    match pattern.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) if !literal.0.is_ascii() => Hir::fail(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Bytes(class)) => Hir::class(Class::Bytes(class.clone())),
        HirKind::Class(Class::Unicode(class)) => Hir::class(Class::Bytes(ascii_part(class))),
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => *other,
        }),
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            Hir::repetition(Repetition { min: *min, max: *max, greedy: *greedy, sub: Box::new(ascii(sub)) })
        }
        HirKind::Capture(Capture { sub, .. }) => ascii(sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(ascii).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(ascii).collect()),
    }
}

fn ascii_part(class: &ClassUnicode) -> ClassBytes {
    let ranges = class.iter().filter(|range| range.start().is_ascii());
    ClassBytes::new(
        ranges.map(|range| ClassBytesRange::new(range.start() as u8, range.end().min('\x7f') as u8)),
    )
}

/// A line in a block begins after a line's end, and ends before one or before the `\r` of one.
fn of_look(look: Look) -> Hir {
    match look {
        Look::Start | Look::StartLF => Hir::look(Look::StartLF),
        Look::End | Look::EndLF => Hir::look(Look::EndCRLF),
        _ => Hir::empty(),
    }
}

fn repeated(repetition: &Repetition) -> Hir {
    let of_class = match repetition.sub.kind() {
        HirKind::Class(Class::Unicode(class)) => large(class).then(|| spread(class)),
        _ => None,
    };
    let sub = of_class.clone().unwrap_or_else(|| relaxed(&repetition.sub));
    let min = repetition.min.min(COUNTED_MAX);
    // A character is several bytes: how many there are at most is not worth counting.
    let max = repetition.max.filter(|max| of_class.is_none() && *max <= COUNTED_MAX || *max == 0);
    Hir::repetition(Repetition { min, max, greedy: repetition.greedy, sub: Box::new(sub) })
}

fn of_characters(class: &ClassUnicode) -> Hir {
    if large(class) {
        return Hir::repetition(Repetition {
            min: 1,
            max: Some(4),
            greedy: true,
            sub: Box::new(spread(class)),
        });
    }
    let ranges = class.iter().flat_map(|range| Utf8Sequences::new(range.start(), range.end()));
    let sequences = ranges.map(|sequence| {
        let bytes = sequence.as_slice().iter().map(|range| ClassBytesRange::new(range.start, range.end));
        Hir::concat(
            bytes.map(|range| Hir::class(Class::Bytes(within_line(ClassBytes::new([range]))))).collect(),
        )
    });
    Hir::alternation(sequences.collect())
}

fn large(class: &ClassUnicode) -> bool {
    !class.is_ascii() && class.ranges().len() > RANGES_MAX
}

/// Any byte of any character of the class.
fn spread(class: &ClassUnicode) -> Hir {
    let mut bytes = ascii_part(class);
    bytes.push(ClassBytesRange::new(0x80, 0xff));
    Hir::class(Class::Bytes(within_line(bytes)))
}

fn within_line(mut class: ClassBytes) -> ClassBytes {
    let mut line_end = ClassBytes::new([ClassBytesRange::new(b'\n', b'\n')]);
    line_end.negate();
    class.intersect(&line_end);
    class
}
