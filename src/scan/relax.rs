//! A pattern made simpler: over bytes, without Unicode and its word boundaries, and within one line of a block. It matches
//! wherever the pattern does, and more; its automata are small and never give up on a byte.

use regex_syntax::hir::{
    Capture, Class, ClassBytes, ClassBytesRange, ClassUnicode, Hir, HirKind, Look, Repetition,
};
use regex_syntax::utf8::Utf8Sequences;

use crate::pattern::rewrite::ascii_part;

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

/// A line in a block begins after a line's end, and ends before one; or before the `\r` of one, which may belong to the text.
fn of_look(look: Look) -> Hir {
    match look {
        Look::Start | Look::StartLF => Hir::look(Look::StartLF),
        Look::End | Look::EndLF => Hir::alternation(vec![Hir::look(Look::EndLF), Hir::look(Look::EndCRLF)]),
        // A line's end is as good as the text's: neither is of a word.
        Look::WordAscii | Look::WordAsciiNegate | Look::WordStartAscii | Look::WordEndAscii => {
            Hir::look(look)
        }
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
