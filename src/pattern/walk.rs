//! Steps along a text: the first match from the left, and of those that begin there the one that the pattern prefers, as
//! `regex::bytes::Regex` has it. What takes too long is given up; then automata search, whose time has a bound.

use std::cell::RefCell;

use regex_syntax::hir::Look;

use super::alphabet::ESCAPE;
use super::follow::{Ahead, Place};
use super::letters::Letters;
use super::steps::{ENDLESS, Gives, Start, Step, Steps};

/// So many steps are taken for each byte of a text at most, and so many more: a few times what usual patterns need.
const STEPS_EACH: usize = 12;
const STEPS_MORE: usize = 256;

/// A run takes so many bytes in the time of a step.
const RUN_EACH: usize = 4;

/// Choices that are open at once.
const CHOICES_MAX: usize = 256;

/// A place that was not come by.
pub(super) const NOWHERE: u32 = u32::MAX;

/// What came of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walked {
    /// It matches.
    Through,
    /// It matches nowhere.
    Nowhere,
    /// Nobody knows.
    GaveUp,
}

/// Where a walk goes on when what came after fails.
#[derive(Debug, Clone, Copy)]
enum Choice {
    /// There, with that step.
    Other { step: u8, at: u32 },
    /// The run of that step may take less, down to `least`.
    Less { step: u8, least: u32, at: u32 },
    /// It may take so many characters more.
    More { step: u8, more: u16, at: u32 },
    /// Nowhere; the place was this one before.
    Place { place: u8, was: u32 },
}

thread_local! {
    /// Kept from one walk to the next.
    static CHOICES: RefCell<Vec<Choice>> = const { RefCell::new(Vec::new()) };
}

impl Steps {
    /// Walks along `text`. Where the pattern matches, `places` are those of the match and of its groups, the end of each
    /// behind its beginning.
    pub(super) fn walk(&self, text: &[u8], places: &mut Vec<u32>) -> Walked {
        let mut walk = Walk {
            pattern: self,
            text,
            places,
            choices: CHOICES.take(),
            left: text.len() * STEPS_EACH + STEPS_MORE,
            behind_leading: 0,
        };
        let walked = walk.search();
        let choices = walk.choices;
        CHOICES.set(choices);
        walked
    }
}

struct Walk<'a> {
    pattern: &'a Steps,
    text: &'a [u8],
    places: &'a mut Vec<u32>,
    choices: Vec<Choice>,
    /// How many steps may still be taken.
    left: usize,
    /// Behind the leading run of this attempt; 0: it was not come to.
    behind_leading: usize,
}

impl Walk<'_> {
    fn search(&mut self) -> Walked {
        let mut from = 0;
        while let Some(start) = self.start(from) {
            self.behind_leading = 0;
            match self.attempt(start) {
                Walked::Nowhere => {}
                walked => return walked,
            }
            if matches!(self.pattern.start, Start::OfText) {
                break;
            }
            from = self.behind(start).max(self.behind_leading);
        }
        Walked::Nowhere
    }

    /// Behind the character at `at`.
    fn behind(&self, at: usize) -> usize {
        at + if self.pattern.is_rewritten && self.text[at] == ESCAPE { 3 } else { 1 }
    }

    /// The next place, `from` on, where a match may begin.
    fn start(&mut self, from: usize) -> Option<usize> {
        let rest = self.text.get(from..)?;
        let pattern = self.pattern;
        match &pattern.start {
            Start::OfText => Some(from),
            Start::With(literal) => Some(from + literal.find(rest)?),
            Start::Before { of, literal } => {
                let mut from = from;
                loop {
                    let end = from + literal.find(self.text.get(from..)?)?;
                    let start = self.beginning(pattern.set(*of), from, end);
                    self.spend((end - start) / RUN_EACH);
                    if start < end {
                        return Some(start);
                    }
                    from = end + 1;
                }
            }
            Start::In(letters) => {
                let mut from = from;
                let goes_on = |behind| {
                    let second = pattern.second.as_ref();
                    second.is_none_or(|second| second.behind(self.text, behind).is_some())
                };
                loop {
                    from += self.text.get(from..)?.iter().position(|byte| letters.may_begin(*byte))?;
                    match letters.behind(self.text, from) {
                        Some(behind) if goes_on(behind) => return Some(from),
                        Some(behind) => from = behind,
                        // A character that is written in three bytes is come to at its first.
                        None => from += 3,
                    }
                }
            }
        }
    }

    /// Where the characters of the set begin that stand before `end`, not before `from`.
    fn beginning(&self, set: &Letters, from: usize, end: usize) -> usize {
        let mut start = end;
        while start > from {
            match self.before(start) {
                before if before >= from && set.behind(self.text, before) == Some(start) => start = before,
                _ => break,
            }
        }
        start
    }

    /// Where the character begins that stands before `at`.
    fn before(&self, at: usize) -> usize {
        at - if self.pattern.is_rewritten && self.text[at - 1] == ESCAPE { 3 } else { 1 }
    }

    /// Tries a match that begins at `start`.
    fn attempt(&mut self, start: usize) -> Walked {
        self.choices.clear();
        self.places.clear();
        self.places.resize(self.pattern.places, NOWHERE);
        let (mut step, mut at) = (0_usize, start);
        loop {
            let taken = match self.spend(1) {
                true => self.take(&mut step, &mut at),
                false => return Walked::GaveUp,
            };
            match taken {
                Taken::On => {}
                Taken::Done => {
                    (self.places[0], self.places[1]) = (start as u32, at as u32);
                    return Walked::Through;
                }
                Taken::Failed => match self.go_back() {
                    Some(there) => (step, at) = there,
                    None if self.left == 0 => return Walked::GaveUp,
                    None => return Walked::Nowhere,
                },
            }
            if self.choices.len() > CHOICES_MAX {
                return Walked::GaveUp;
            }
        }
    }

    fn spend(&mut self, steps: usize) -> bool {
        self.left = self.left.saturating_sub(steps);
        self.left > 0
    }

    fn take(&mut self, step: &mut usize, at: &mut usize) -> Taken {
        let pattern = self.pattern;
        match pattern.steps[*step] {
            Step::Literal { start, len } => {
                let literal = pattern.literal(start, len);
                if !self.text[*at..].starts_with(literal) {
                    return Taken::Failed;
                }
                *at += literal.len();
            }
            Step::One { of } => match pattern.set(of).behind(self.text, *at) {
                Some(behind) => *at = behind,
                None => return Taken::Failed,
            },
            Step::Run { of, min, max, gives } => {
                let (set, begins) = (pattern.set(of), *at);
                let least = match self.run(set, begins, min) {
                    Ok(least) => least,
                    Err(end) => {
                        self.spend((end - begins) / RUN_EACH);
                        return Taken::Failed;
                    }
                };
                if let Gives::More { .. } = gives {
                    self.choices.push(Choice::More { step: *step as u8, more: max - min, at: least as u32 });
                    *at = least;
                } else {
                    let mut end = self.run_on(set, least, max - min);
                    self.spend((end - begins) / RUN_EACH);
                    if pattern.leading == Some(*step as u8) {
                        self.behind_leading = end;
                    }
                    if let Gives::Back { ahead: Some(ahead), .. } = gives {
                        let ahead = &pattern.ahead[usize::from(ahead)];
                        let Some(last) = self.last_before(ahead, least, end) else { return Taken::Failed };
                        end = last;
                    }
                    if end > least
                        && let Gives::Back { .. } = gives
                    {
                        let (least, at) = (least as u32, end as u32);
                        self.choices.push(Choice::Less { step: *step as u8, least, at });
                    }
                    *at = end;
                }
            }
            Step::Look(look) => {
                if !self.holds(look, *at) {
                    return Taken::Failed;
                }
            }
            Step::Place(place) => {
                let was = std::mem::replace(&mut self.places[usize::from(place)], *at as u32);
                if !self.choices.is_empty() {
                    self.choices.push(Choice::Place { place, was });
                }
            }
            Step::Either(other) => self.choices.push(Choice::Other { step: other, at: *at as u32 }),
            Step::Rather(other) => {
                self.choices.push(Choice::Other { step: *step as u8 + 1, at: *at as u32 });
                *step = usize::from(other);
                return Taken::On;
            }
            Step::Jump(to) => {
                *step = usize::from(to);
                return Taken::On;
            }
            Step::Done => return Taken::Done,
        }
        *step += 1;
        Taken::On
    }

    /// Behind so many characters of the set, or of fewer if there are no more.
    fn run(&self, set: &Letters, mut at: usize, count: u16) -> Result<usize, usize> {
        for _ in 0..count {
            at = set.behind(self.text, at).ok_or(at)?;
        }
        Ok(at)
    }

    /// The last end of a run from `least` to `end` behind which `ahead` may be.
    fn last_before(&mut self, ahead: &Ahead, least: usize, end: usize) -> Option<usize> {
        let (literal, text) = (&ahead.literal, self.text);
        match ahead.place {
            Place::Later => {
                let rest = &text[least..];
                self.spend(rest.len() / 16);
                literal.find(rest).map(|_| end)
            }
            Place::Next => {
                let rest = &text[..text.len().min(end + literal.needle().len())];
                self.spend((rest.len() - least) / 8);
                let mut last = None;
                let mut from = least;
                while let Some(found) = literal.find(&rest[from..]) {
                    last = Some(from + found);
                    from += found + 1;
                    self.spend(1);
                }
                last
            }
        }
    }

    /// Behind as many characters of the set as there are, at most so many.
    fn run_on(&self, set: &Letters, mut at: usize, max: u16) -> usize {
        if max >= ENDLESS - 1 {
            if !self.pattern.is_rewritten
                && let Some(but) = set.all_but()
            {
                let rest = &self.text[at..];
                return at + memchr::memchr(but, rest).unwrap_or(rest.len());
            }
            while let Some(behind) = set.behind(self.text, at) {
                at = behind;
            }
            return at;
        }
        for _ in 0..max {
            match set.behind(self.text, at) {
                Some(behind) => at = behind,
                None => break,
            }
        }
        at
    }

    /// To the last choice that is open: the step that is taken there, and where.
    fn go_back(&mut self) -> Option<(usize, usize)> {
        loop {
            match self.choices.pop()? {
                Choice::Place { place, was } => self.places[usize::from(place)] = was,
                Choice::Other { step, at } => return Some((usize::from(step), at as usize)),
                Choice::Less { step, least, at } => {
                    let Some(shorter) = self.less(step, least as usize, at as usize) else { continue };
                    if shorter > least as usize {
                        self.choices.push(Choice::Less { step, least, at: shorter as u32 });
                    }
                    return Some((usize::from(step) + 1, shorter));
                }
                Choice::More { step, more, at } => {
                    let Some((more, at)) = self.more(step, more, at as usize) else { continue };
                    self.choices.push(Choice::More { step, more, at: at as u32 });
                    return Some((usize::from(step) + 1, at));
                }
            }
        }
    }

    /// The end of a run that is shorter than one up to `at`, behind which the pattern may go on.
    fn less(&mut self, step: u8, least: usize, mut at: usize) -> Option<usize> {
        let Step::Run { gives: Gives::Back { to, .. }, .. } = self.pattern.steps[usize::from(step)] else {
            return None;
        };
        while at > least && self.spend(1) {
            at = self.before(at);
            if to.is_none_or(|to| self.pattern.set(to).behind(self.text, at).is_some()) {
                return Some(at);
            }
        }
        None
    }

    /// The end of a run that is longer than one up to `at`, behind which the pattern may go on, and how many characters it
    /// may take more.
    fn more(&mut self, step: u8, mut more: u16, mut at: usize) -> Option<(u16, usize)> {
        let Step::Run { of, gives: Gives::More { to }, .. } = self.pattern.steps[usize::from(step)] else {
            return None;
        };
        while more > 0 && self.spend(1) {
            at = self.pattern.set(of).behind(self.text, at)?;
            more -= 1;
            if to.is_none_or(|to| self.pattern.set(to).behind(self.text, at).is_some()) {
                return Some((more, at));
            }
        }
        None
    }

    /// Whether `look` holds at `at`.
    fn holds(&self, look: Look, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| self.text[before]);
        let after = self.text.get(at).copied();
        let word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match look {
            Look::Start => before.is_none(),
            Look::End => after.is_none(),
            Look::StartLF => before.is_none_or(|byte| byte == b'\n'),
            Look::EndLF => after.is_none_or(|byte| byte == b'\n'),
            Look::WordAscii => word(before) != word(after),
            Look::WordAsciiNegate => word(before) == word(after),
            Look::WordStartAscii => !word(before) && word(after),
            Look::WordEndAscii => word(before) && !word(after),
            // No list of steps has others.
            _ => false,
        }
    }
}

/// What came of a step.
enum Taken {
    On,
    Done,
    Failed,
}
