//! What a line must hold for a pattern to match it: one of a few needles, each a short sequence of sets of bytes.
//!
//! Read off the pattern's syntax tree, with Unicode as the pattern has it. A set of needles may be too wide, never too
//! narrow: the pattern itself decides.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::bytes::ByteSet;
use super::run::Run;

/// A sequence of sets of bytes, at most [`NEEDLE_BYTES_MAX`] long. It holds no line's end.
pub(super) type Needle = Vec<ByteSet>;

/// A longer needle finds nothing that this one doesn't.
const NEEDLE_BYTES_MAX: usize = 40;

/// More alternatives are not multiplied out.
const ALTERNATIVES_MAX: usize = 32;

/// A class of at most so many characters beyond ASCII is spelled out.
const SPELLED_MAX: usize = 4;

/// A repetition is unrolled so often.
const UNROLLED_MAX: u32 = 8;

/// What the matches of a part of a pattern look like.
#[derive(Debug, Clone)]
enum Part {
    /// Each is one of these, whole.
    Whole(Vec<Needle>),
    /// Each begins with one of these, ends with one of those, and holds one of `within`, where that is known.
    Ends { first: Vec<Needle>, last: Vec<Needle>, within: Option<Vec<Needle>> },
    /// Each is one of the run.
    Run(Run),
}

/// The best set of needles of `pattern`, one of which is in each line that it matches; `None`: it has none.
/// `cost` says how bad a set is; smaller is better.
pub(super) fn needles(pattern: &Hir, cost: &mut dyn FnMut(&[Needle]) -> f64) -> Option<Vec<Needle>> {
    let best = match part(pattern, cost) {
        Part::Whole(all) => Some(all),
        other => {
            let (first, last, within) = ends(&other);
            better(within, better(Some(first), Some(last), cost), cost)
        }
    };
    best.filter(|needles| useful(needles))
}

fn part(hir: &Hir, cost: &mut dyn FnMut(&[Needle]) -> f64) -> Part {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Part::Whole(vec![Needle::new()]),
        // What holds a line's end matches no line.
        HirKind::Literal(literal) if literal.0.contains(&b'\n') => Part::Whole(Vec::new()),
        HirKind::Literal(literal) => shortened(vec![literal.0.iter().copied().map(ByteSet::of).collect()]),
        HirKind::Class(class) => of_class(class),
        HirKind::Capture(capture) => part(&capture.sub, cost),
        HirKind::Repetition(repetition) => repeated(repetition, cost),
        HirKind::Concat(parts) => {
            let empty = Part::Whole(vec![Needle::new()]);
            parts.iter().fold(empty, |before, hir| {
                let next = part(hir, cost);
                joined(before, next, cost)
            })
        }
        HirKind::Alternation(parts) => {
            let parts: Vec<Part> = parts.iter().map(|hir| part(hir, cost)).collect();
            parts.into_iter().reduce(|one, other| either(one, other, cost)).unwrap_or(Part::Whole(Vec::new()))
        }
    }
}

/// The ASCII part of a class, with any byte of other characters where it has such.
fn spread(class: &Class) -> ByteSet {
    let mut set = ByteSet::default();
    match class {
        Class::Bytes(class) => class.iter().for_each(|range| set.insert(range.start(), range.end())),
        Class::Unicode(class) => {
            for range in class.iter() {
                let (first, last) = (u32::from(range.start()), u32::from(range.end()));
                if first < 0x80 {
                    set.insert(first as u8, last.min(0x7f) as u8);
                }
                if last >= 0x80 {
                    set = set.or(ByteSet::HIGH);
                }
            }
        }
    }
    set
}

fn of_class(class: &Class) -> Part {
    let set = spread(class);
    let Class::Unicode(unicode) = class else { return Part::Whole(vec![vec![set]]) };
    if unicode.is_ascii() {
        return Part::Whole(vec![vec![set]]);
    }
    let beyond = unicode.iter().filter(|range| range.end() as u32 >= 0x80);
    let characters = beyond.flat_map(|range| range.start().max('\u{80}')..=range.end());
    let spelled: Vec<char> = characters.take(SPELLED_MAX + 1).collect();
    if spelled.len() > SPELLED_MAX {
        return Part::Ends { first: vec![vec![set]], last: vec![vec![set]], within: None };
    }
    let ascii =
        set.iter().filter(u8::is_ascii).fold(ByteSet::default(), |all, byte| all.or(ByteSet::of(byte)));
    let ascii = (ascii.len() > 0).then(|| vec![ascii]);
    // Those of one length are one needle: upper and lower case would else multiply with each letter.
    let mut beyond: Vec<Needle> = Vec::new();
    for character in spelled {
        let needle: Needle = character.encode_utf8(&mut [0; 4]).bytes().map(ByteSet::of).collect();
        match beyond.iter_mut().find(|known| known.len() == needle.len()) {
            Some(known) => known.iter_mut().zip(needle).for_each(|(set, other)| *set = set.or(other)),
            None => beyond.push(needle),
        }
    }
    Part::Whole(ascii.into_iter().chain(beyond).collect())
}

fn repeated(repetition: &Repetition, cost: &mut dyn FnMut(&[Needle]) -> f64) -> Part {
    let unknown = || Part::Ends { first: vec![Needle::new()], last: vec![Needle::new()], within: None };
    let sub = part(&repetition.sub, cost);
    if repetition.min == 0 {
        return match (repetition.max, sub) {
            (Some(0), _) => Part::Whole(vec![Needle::new()]),
            (Some(1), Part::Whole(mut all)) => {
                all.push(Needle::new());
                Part::Whole(all)
            }
            _ => unknown(),
        };
    }
    if let Some(set) = single_class(&repetition.sub) {
        // Each character is one byte of it or several: so many bytes there are at least, at both ends.
        let least = repetition.min.min(UNROLLED_MAX) as usize;
        if let Some(max) = repetition.max.filter(|max| *max > repetition.min && *max <= UNROLLED_MAX) {
            return Part::Run(Run { set, least, most: max as usize });
        }
        let run = vec![set; least];
        if repetition.max != Some(repetition.min)
            || repetition.min > UNROLLED_MAX
            || !matches!(sub, Part::Whole(_))
        {
            return Part::Ends { first: vec![run.clone()], last: vec![run], within: None };
        }
    }
    let once = sub.clone();
    let least =
        (1..repetition.min.min(UNROLLED_MAX)).fold(sub, |before, _| joined(before, once.clone(), cost));
    match least {
        least if repetition.max == Some(repetition.min) && repetition.min <= UNROLLED_MAX => least,
        Part::Whole(all) => Part::Ends { first: all.clone(), last: all, within: None },
        other => {
            let (first, last, within) = ends(&other);
            Part::Ends { first, last, within }
        }
    }
}

fn single_class(hir: &Hir) -> Option<ByteSet> {
    match hir.kind() {
        HirKind::Class(class) => Some(spread(class)),
        HirKind::Capture(capture) => single_class(&capture.sub),
        _ => None,
    }
}

fn joined(before: Part, after: Part, cost: &mut dyn FnMut(&[Needle]) -> f64) -> Part {
    let (before, after) = match (before, after) {
        (Part::Whole(before), after) if before == [Needle::new()] => return after,
        (Part::Whole(before), Part::Whole(after)) => match product(&before, &after) {
            Some(all) => return shortened(all),
            None => (Part::Whole(before), Part::Whole(after)),
        },
        parts => parts,
    };
    let (first, before_last, before_within) = ends(&before);
    let (after_first, last, after_within) = ends(&after);
    let mut within = better(before_within, after_within, cost);
    // What stands where the two meet.
    let between = product(&before_last, &after_first);
    within = better(within, Some(between.unwrap_or(after_first)), cost);
    within = better(within, Some(before_last), cost);
    let first = match (&before, &after) {
        (Part::Whole(whole), _) => product(whole, &ends(&after).0).unwrap_or(first),
        _ => first,
    };
    let last = match &after {
        Part::Whole(whole) => product(&ends(&before).1, whole).unwrap_or(last),
        Part::Ends { .. } => last,
        Part::Run(run) => run.ends(&ends(&before).1),
    };
    Part::Ends {
        first: cut(first, Side::First),
        last: cut(last, Side::Last),
        within: within.filter(|set| useful(set)),
    }
}

fn either(one: Part, other: Part, cost: &mut dyn FnMut(&[Needle]) -> f64) -> Part {
    if let (Part::Whole(one), Part::Whole(other)) = (&one, &other)
        && one.len() + other.len() <= ALTERNATIVES_MAX
    {
        return Part::Whole(union(one.clone(), other.clone()));
    }
    let best = |part: &Part, cost: &mut dyn FnMut(&[Needle]) -> f64| {
        let (first, last, within) = ends(part);
        let best = better(within, better(Some(first), Some(last), cost), cost);
        best.filter(|needles| useful(needles))
    };
    let within = match (best(&one, cost), best(&other, cost)) {
        (Some(one), Some(other)) => Some(merged(union(one, other))),
        _ => None,
    };
    let ((one_first, one_last, _), (other_first, other_last, _)) = (ends(&one), ends(&other));
    Part::Ends {
        first: merged(union(one_first, other_first)),
        last: merged(union(one_last, other_last)),
        within,
    }
}

fn ends(part: &Part) -> (Vec<Needle>, Vec<Needle>, Option<Vec<Needle>>) {
    match part {
        Part::Whole(all) => (all.clone(), all.clone(), None),
        Part::Ends { first, last, within } => (first.clone(), last.clone(), within.clone()),
        Part::Run(run) => (vec![run.alone()], vec![run.alone()], None),
    }
}

fn product(before: &[Needle], after: &[Needle]) -> Option<Vec<Needle>> {
    (before.len() * after.len() <= ALTERNATIVES_MAX).then(|| {
        let all =
            before.iter().flat_map(|before| after.iter().map(move |after| [&before[..], after].concat()));
        union(all.collect(), Vec::new())
    })
}

fn union(mut one: Vec<Needle>, other: Vec<Needle>) -> Vec<Needle> {
    one.extend(other);
    one.sort();
    one.dedup();
    one
}

/// Too many alternatives: those of one length become one, place by place.
fn merged(all: Vec<Needle>) -> Vec<Needle> {
    if all.len() <= ALTERNATIVES_MAX {
        return all;
    }
    let mut by_length: Vec<Needle> = Vec::new();
    for needle in all {
        match by_length.iter_mut().find(|merged| merged.len() == needle.len()) {
            Some(merged) => merged.iter_mut().zip(needle).for_each(|(set, other)| *set = set.or(other)),
            None => by_length.push(needle),
        }
    }
    by_length
}

/// Which end of a needle stays where it is too long.
#[derive(Debug, Clone, Copy)]
enum Side {
    First,
    Last,
}

fn cut(mut needles: Vec<Needle>, side: Side) -> Vec<Needle> {
    for needle in &mut needles {
        let over = needle.len().saturating_sub(NEEDLE_BYTES_MAX);
        match side {
            Side::First => needle.truncate(NEEDLE_BYTES_MAX),
            Side::Last => drop(needle.drain(..over)),
        }
    }
    needles
}

fn shortened(all: Vec<Needle>) -> Part {
    if all.iter().all(|needle| needle.len() <= NEEDLE_BYTES_MAX) {
        return Part::Whole(all);
    }
    Part::Ends { first: cut(all.clone(), Side::First), last: cut(all.clone(), Side::Last), within: None }
}

fn useful(needles: &[Needle]) -> bool {
    needles.iter().all(|needle| !needle.is_empty())
}

fn better(
    one: Option<Vec<Needle>>,
    other: Option<Vec<Needle>>,
    cost: &mut dyn FnMut(&[Needle]) -> f64,
) -> Option<Vec<Needle>> {
    match (one.filter(|set| useful(set)), other.filter(|set| useful(set))) {
        (None, some) | (some, None) => some,
        (Some(one), Some(other)) => Some(if cost(&other) < cost(&one) { other } else { one }),
    }
}
