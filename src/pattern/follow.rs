//! What comes behind a step: what can be asked before anything is tried.

use memchr::memmem::Finder;

use super::letters::Letters;
use super::steps::Step;

/// A text that is shorter is nearly everywhere: trying costs no more than looking for it.
const AHEAD_BYTES_MIN: usize = 3;

/// A text that must stand behind a run's shortest part, or nothing matches.
#[derive(Debug)]
pub(super) struct Ahead {
    pub(super) literal: Box<Finder<'static>>,
    pub(super) place: Place,
}

/// Where it must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Right behind the run.
    Next,
    /// Somewhere.
    Later,
}

/// Steps that are being put together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Follow<'a> {
    pub(super) steps: &'a [Step],
    pub(super) sets: &'a [Letters],
    pub(super) literals: &'a [u8],
    /// Literals that no way goes around.
    pub(super) on_all_ways: &'a [usize],
    pub(super) is_rewritten: bool,
}

impl<'a> Follow<'a> {
    /// What may follow from the step `at` on; `None`: perhaps nothing need follow.
    pub(super) fn first(self, at: usize) -> Option<Letters> {
        let (mut letters, mut seen) = (Letters::default(), vec![false; self.steps.len()]);
        self.add_first(at, &mut letters, &mut seen)?;
        Some(letters)
    }

    /// What may follow behind that.
    pub(super) fn second(self, at: usize) -> Option<Letters> {
        let (mut letters, mut seen) = (Letters::default(), vec![false; self.steps.len()]);
        self.add_second(at, &mut letters, &mut seen)?;
        Some(letters)
    }

    /// What must stand behind the run `at`, if it is worth to be looked for.
    pub(super) fn ahead(self, at: usize) -> Option<Ahead> {
        let passes = |step: &&Step| matches!(step, Step::Place(_) | Step::Look(_));
        let next = at + 1 + self.steps[at + 1..].iter().take_while(passes).count();
        let long = |at: &usize| self.literal(*at).filter(|literal| literal.len() >= AHEAD_BYTES_MIN);
        let (literal, place) = match long(&next) {
            Some(literal) => (literal, Place::Next),
            None => {
                let later = self.on_all_ways.iter().filter(|step| **step > at).filter_map(long);
                (later.max_by_key(|literal| literal.len())?, Place::Later)
            }
        };
        Some(Ahead { literal: Box::new(Finder::new(literal).into_owned()), place })
    }

    /// The bytes of the step `at`, if it is a literal.
    pub(super) fn literal(self, at: usize) -> Option<&'a [u8]> {
        match *self.steps.get(at)? {
            Step::Literal { start, len } => {
                Some(&self.literals[usize::from(start)..usize::from(start) + usize::from(len)])
            }
            _ => None,
        }
    }

    fn add_first(self, at: usize, letters: &mut Letters, seen: &mut [bool]) -> Option<()> {
        if std::mem::replace(&mut seen[at], true) {
            return Some(());
        }
        match self.steps[at] {
            Step::Literal { start, .. } => {
                letters.add(&Letters::first_of(&self.literals[usize::from(start)..], self.is_rewritten));
            }
            Step::One { of } => letters.add(&self.sets[usize::from(of)]),
            Step::Run { of, min, .. } => {
                letters.add(&self.sets[usize::from(of)]);
                if min == 0 {
                    self.add_first(at + 1, letters, seen)?;
                }
            }
            Step::Look(_) | Step::Place(_) => self.add_first(at + 1, letters, seen)?,
            Step::Either(other) | Step::Rather(other) => {
                self.add_first(at + 1, letters, seen)?;
                self.add_first(usize::from(other), letters, seen)?;
            }
            Step::Jump(to) => self.add_first(usize::from(to), letters, seen)?,
            Step::Done => return None,
        }
        Some(())
    }

    fn add_second(self, at: usize, letters: &mut Letters, seen: &mut [bool]) -> Option<()> {
        if std::mem::replace(&mut seen[at], true) {
            return Some(());
        }
        match self.steps[at] {
            Step::Literal { .. } => {
                let literal = self.literal(at).unwrap_or_default();
                match Letters::behind_first_of(literal, self.is_rewritten) {
                    [] => letters.add(&self.first(at + 1)?),
                    rest => letters.add(&Letters::first_of(rest, self.is_rewritten)),
                }
            }
            Step::One { .. } => letters.add(&self.first(at + 1)?),
            Step::Run { of, min, .. } => {
                letters.add(&self.sets[usize::from(of)]);
                letters.add(&self.first(at + 1)?);
                if min == 0 {
                    self.add_second(at + 1, letters, seen)?;
                }
            }
            Step::Look(_) | Step::Place(_) => self.add_second(at + 1, letters, seen)?,
            Step::Either(other) | Step::Rather(other) => {
                self.add_second(at + 1, letters, seen)?;
                self.add_second(usize::from(other), letters, seen)?;
            }
            Step::Jump(to) => self.add_second(usize::from(to), letters, seen)?,
            Step::Done => return None,
        }
        Some(())
    }
}
