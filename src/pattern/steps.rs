//! A small pattern as a short list of steps, to be walked along a text (`walk`): nothing to compile, hardly any memory.
//!
//! For texts of ASCII, or such as were rewritten by an alphabet, where each character is one byte or a symbol between two
//! escapes. What is large, or has loops that may turn without taking anything, has none.

use memchr::memmem::Finder;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

use super::alphabet::Alphabet;
use super::follow::{Ahead, Follow};
use super::letters::Letters;
use super::rewrite;

/// A pattern of more steps is better searched by automata.
const STEPS_MAX: usize = 80;

/// So is one with more ways to go: each is tried where those before it fail.
const WAYS_MAX: usize = 16;

/// Groups that have names; places are numbered by bytes.
const GROUPS_MAX: usize = 32;

/// One step; those that may fail let the walk go on where there was a choice last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// These bytes of the literals.
    Literal { start: u16, len: u16 },
    /// A character of the set.
    One { of: u8 },
    /// As many characters of the set as there are, from `min` to `max`.
    Run { of: u8, min: u16, max: u16, gives: Gives },
    /// Holds here.
    Look(Look),
    /// The place is remembered.
    Place(u8),
    /// Goes on, or else there.
    Either(u8),
    /// Goes there, or else on.
    Rather(u8),
    /// Goes there.
    Jump(u8),
    /// The pattern matches.
    Done,
}

/// What a run does where what follows fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// It fails too: less of it, and what follows would fail all the more.
    Nothing,
    /// It was as long as it could, and takes less. Behind it one of the set follows, where there is one; and somewhere
    /// behind its shortest part a text stands ([`Steps::ahead`]), where there is one.
    Back { to: Option<u8>, ahead: Option<u8> },
    /// It was as short as it could, and takes more.
    More { to: Option<u8> },
}

/// No upper bound.
pub(super) const ENDLESS: u16 = u16::MAX;

/// The steps of a pattern.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) steps: Box<[Step]>,
    pub(super) sets: Box<[Letters]>,
    pub(super) literals: Box<[u8]>,
    /// What must stand behind runs.
    pub(super) ahead: Box<[Ahead]>,
    pub(super) is_rewritten: bool,
    pub(super) start: Start,
    /// What stands behind the first character, where something must.
    pub(super) second: Option<Letters>,
    /// The step of a run that each match begins with, if there is one without a bound: where the rest fails behind all of
    /// it, it fails for each shorter one.
    pub(super) leading: Option<u8>,
    /// How many places are remembered: the match's own two, and two for each named group.
    pub(super) places: usize,
}

/// Where a match may begin.
#[derive(Debug)]
pub(super) enum Start {
    /// At the beginning alone.
    OfText,
    /// Where this text is.
    With(Box<Finder<'static>>),
    /// Where as many of the set as there are stand before this text, whose first character is none of them; at least one.
    Before { of: u8, literal: Box<Finder<'static>> },
    /// Where one of them is.
    In(Letters),
}

impl Steps {
    /// Of `hir` for texts that were rewritten by `alphabet`; without one, for texts of ASCII. `groups` are the numbers of
    /// the groups that have names. `None`: it has none.
    pub(super) fn new(hir: &Hir, groups: &[usize], alphabet: Option<&Alphabet>) -> Option<Self> {
        // Empty matches could begin within a character.
        if hir.properties().minimum_len() == Some(0) || groups.len() > GROUPS_MAX {
            return None;
        }
        let (steps, sets, literals) = (Vec::new(), Vec::new(), Vec::new());
        let on_all_ways = Vec::new();
        let mut writer = Writer { alphabet, groups, steps, sets, literals, ways: 0, depth: 0, on_all_ways };
        writer.write(hir)?;
        writer.step(Step::Done)?;
        writer.finish()
    }

    pub(super) fn set(&self, of: u8) -> &Letters {
        &self.sets[usize::from(of)]
    }

    /// The bytes of a literal.
    pub(super) fn literal(&self, start: u16, len: u16) -> &[u8] {
        &self.literals[usize::from(start)..usize::from(start) + usize::from(len)]
    }

    /// About how much memory it takes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let literals = |ahead: &Ahead| size_of_val(&*ahead.literal) + ahead.literal.needle().len();
        let ahead = size_of_val(&*self.ahead) + self.ahead.iter().map(literals).sum::<usize>();
        let steps = size_of_val(&*self.steps) + size_of_val(&*self.sets);
        size_of::<Self>() + steps + self.literals.len() + ahead
    }
}

/// Puts steps together.
struct Writer<'a> {
    alphabet: Option<&'a Alphabet>,
    groups: &'a [usize],
    steps: Vec<Step>,
    sets: Vec<Letters>,
    literals: Vec<u8>,
    ways: usize,
    /// In how many parts that a way may go around it is.
    depth: usize,
    /// Literals that no way goes around.
    on_all_ways: Vec<usize>,
}

impl Writer<'_> {
    fn step(&mut self, step: Step) -> Option<usize> {
        self.ways += usize::from(matches!(step, Step::Either(_) | Step::Rather(_)));
        self.steps.push(step);
        (self.steps.len() <= STEPS_MAX && self.ways <= WAYS_MAX).then(|| self.steps.len() - 1)
    }

    /// Where the next step will be.
    fn here(&self) -> u8 {
        self.steps.len() as u8
    }

    fn set(&mut self, letters: Letters) -> u8 {
        let place = self.sets.iter().position(|known| *known == letters);
        place.unwrap_or_else(|| {
            self.sets.push(letters);
            self.sets.len() - 1
        }) as u8
    }

    fn write(&mut self, hir: &Hir) -> Option<()> {
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => {
                let text = self.literal(&literal.0)?;
                self.write_literal(&text)?;
            }
            HirKind::Class(class) => {
                let of = self.class(class)?;
                self.step(Step::One { of })?;
            }
            HirKind::Look(look) => {
                let look = match self.alphabet {
                    Some(_) => rewrite::look_by_alphabet(*look)?,
                    None => rewrite::look_of_ascii(*look),
                };
                is_known(look).then_some(())?;
                self.step(Step::Look(look))?;
            }
            HirKind::Repetition(repetition) => self.write_repetition(repetition)?,
            HirKind::Capture(capture) => {
                let group = self.groups.iter().position(|group| *group == capture.index as usize);
                let place = group.map(|group| 2 + 2 * group as u8);
                if let Some(place) = place {
                    self.step(Step::Place(place))?;
                }
                self.write(&capture.sub)?;
                if let Some(place) = place {
                    self.step(Step::Place(place + 1))?;
                }
            }
            HirKind::Concat(parts) => parts.iter().try_for_each(|part| self.write(part))?,
            HirKind::Alternation(parts) => {
                let (last, others) = parts.split_last()?;
                let mut ends = Vec::new();
                for part in others {
                    let either = self.step(Step::Either(0))?;
                    self.write_way(part)?;
                    ends.push(self.step(Step::Jump(0))?);
                    self.steps[either] = Step::Either(self.here());
                }
                self.write_way(last)?;
                ends.into_iter().for_each(|end| self.steps[end] = Step::Jump(self.here()));
            }
        }
        Some(())
    }

    /// What others are alternatives to.
    fn write_way(&mut self, hir: &Hir) -> Option<()> {
        self.depth += 1;
        self.write(hir)?;
        self.depth -= 1;
        Some(())
    }

    /// As it is written in the texts; nothing: it is in none of them.
    fn literal(&self, literal: &[u8]) -> Option<Vec<u8>> {
        match self.alphabet {
            Some(alphabet) => rewrite::literal_by_alphabet(literal, alphabet),
            None => Some(if literal.is_ascii() { literal.to_vec() } else { Vec::new() }),
        }
    }

    fn write_literal(&mut self, text: &[u8]) -> Option<()> {
        if text.is_empty() {
            let of = self.set(Letters::default());
            self.step(Step::One { of })?;
            return Some(());
        }
        let (start, len) = (u16::try_from(self.literals.len()).ok()?, u16::try_from(text.len()).ok()?);
        self.literals.extend(text);
        let step = self.step(Step::Literal { start, len })?;
        if self.depth == 0 {
            self.on_all_ways.push(step);
        }
        Some(())
    }

    fn class(&mut self, class: &Class) -> Option<u8> {
        let letters = match (self.alphabet, class) {
            (Some(alphabet), class) => rewrite::letters_by_alphabet(class, alphabet)?,
            (None, Class::Bytes(class)) => Letters::new(class, &[]),
            (None, Class::Unicode(class)) => Letters::new(&rewrite::ascii_part(class), &[]),
        };
        Some(self.set(letters))
    }

    /// The set of a part that is always one character.
    fn one(&mut self, hir: &Hir) -> Option<u8> {
        match hir.kind() {
            HirKind::Class(class) => self.class(class),
            HirKind::Literal(literal) => {
                let text = self.literal(&literal.0)?;
                let is_one = match self.alphabet {
                    Some(_) => std::str::from_utf8(&literal.0).is_ok_and(|text| text.chars().count() == 1),
                    None => text.len() == 1,
                };
                is_one.then(|| self.set(Letters::first_of(&text, self.alphabet.is_some())))
            }
            _ => None,
        }
    }

    fn write_repetition(&mut self, repetition: &Repetition) -> Option<()> {
        let Repetition { min, max, greedy, sub } = repetition;
        if let Some(of) = self.one(sub) {
            let (min, max) =
                (u16::try_from(*min).ok()?, u16::try_from(max.unwrap_or(u32::from(ENDLESS))).ok()?);
            let gives =
                if *greedy { Gives::Back { to: None, ahead: None } } else { Gives::More { to: None } };
            self.step(Step::Run { of, min, max, gives })?;
            return Some(());
        }
        // A turn that takes nothing has rules of its own.
        if sub.properties().minimum_len() == Some(0) && *max != Some(1) {
            return None;
        }
        (0..*min).try_for_each(|_| self.write(sub))?;
        let choice = |to| if *greedy { Step::Either(to) } else { Step::Rather(to) };
        match max {
            None => {
                let either = self.step(choice(0))?;
                self.write_way(sub)?;
                self.step(Step::Jump(either as u8))?;
                self.steps[either] = choice(self.here());
            }
            Some(max) => {
                let more = max.checked_sub(*min)?;
                let mut choices = Vec::new();
                for _ in 0..more {
                    choices.push(self.step(choice(0))?);
                    self.write_way(sub)?;
                }
                choices.into_iter().for_each(|either| self.steps[either] = choice(self.here()));
            }
        }
        Some(())
    }

    fn follow(&self) -> Follow<'_> {
        let Self { alphabet, steps, sets, literals, on_all_ways, .. } = self;
        Follow { steps, sets, literals, on_all_ways, is_rewritten: alphabet.is_some() }
    }

    fn finish(mut self) -> Option<Steps> {
        let mut aheads = Vec::new();
        for at in 0..self.steps.len() {
            let Step::Run { of, min, max, gives } = self.steps[at] else { continue };
            let to = self.follow().first(at + 1);
            let gives = match (gives, to) {
                _ if min == max => Gives::Nothing,
                (Gives::Back { .. }, Some(next)) if self.sets[usize::from(of)].is_apart_from(&next) => {
                    Gives::Nothing
                }
                (Gives::More { .. }, to) => Gives::More { to: to.map(|to| self.set(to)) },
                (_, to) => {
                    // A text that is written anew may be another one where it is come to within a symbol.
                    let ahead = self.follow().ahead(at).filter(|_| max == ENDLESS && self.alphabet.is_none());
                    let ahead = ahead.map(|ahead| {
                        aheads.push(ahead);
                        aheads.len() as u8 - 1
                    });
                    Gives::Back { to: to.map(|to| self.set(to)), ahead }
                }
            };
            self.steps[at] = Step::Run { of, min, max, gives };
        }
        let first = self.follow().first(0)?;
        let second = self.follow().second(0);
        let passes = |step: &Step| matches!(step, Step::Look(_) | Step::Place(_));
        let begins = self.steps.iter().position(|step| !passes(step))?;
        let literal = |at: usize| {
            let places = self.steps[at..].iter().take_while(|step| matches!(step, Step::Place(_))).count();
            let literal = self.follow().literal(at + places)?;
            Some(Box::new(Finder::new(literal).into_owned()))
        };
        let start = match (self.steps[begins], literal(begins), literal(begins + 1)) {
            _ if self.steps[..begins].contains(&Step::Look(Look::Start)) => Start::OfText,
            (_, Some(literal), _) => Start::With(literal),
            (Step::Run { of, min: 1.., max: ENDLESS, gives: Gives::Nothing }, _, Some(literal)) => {
                Start::Before { of, literal }
            }
            _ => Start::In(first),
        };
        let is_leading = matches!(
            self.steps[begins],
            Step::Run { max: ENDLESS, gives: Gives::Nothing | Gives::Back { .. }, .. }
        );
        Some(Steps {
            start,
            second,
            ahead: aheads.into(),
            leading: is_leading.then_some(begins as u8),
            is_rewritten: self.alphabet.is_some(),
            places: 2 + 2 * self.groups.len(),
            steps: self.steps.into(),
            sets: self.sets.into(),
            literals: self.literals.into(),
        })
    }
}

/// Whether a walk can tell if it holds.
const fn is_known(look: Look) -> bool {
    matches!(
        look,
        Look::Start
            | Look::End
            | Look::StartLF
            | Look::EndLF
            | Look::WordAscii
            | Look::WordAsciiNegate
            | Look::WordStartAscii
            | Look::WordEndAscii
    )
}
