//! A block between the two steps of scanning: the filter has looked at it, and no rule has taken anything yet.

use crate::event::Match;
use crate::pattern::Text;
use crate::time::Time;

use super::Scanner;
use super::block::{Ends, Lines, Survey, line_at, survey};
use super::filter::Certainty;
use super::search::Search;
use super::trail::Stretch;
use super::vector::Passed;

/// A block that was looked at. What was found in it lies in the thread's [`Search`], so nothing else is looked at before
/// this one is taken or left.
#[derive(Debug)]
pub struct LookedAt<'a> {
    scanner: &'a Scanner,
    /// Its candidates are those of the block.
    search: &'a mut Search,
    block: Stretch<'a>,
    /// What else is in the block, if it was seen on the way.
    seen: Option<Passed>,
}

impl LookedAt<'_> {
    /// What the block is like. Where that was not seen on the way, it is looked for now.
    pub fn survey(&self) -> Survey {
        let block = self.block.text;
        self.seen.map_or_else(|| survey(block), |seen| Survey::new(block, seen))
    }

    /// Hands each match of a rule on a line of the block to `found`, in the order of the lines and of the rules.
    pub fn take<T: Fn() -> Time>(self, lines: &Lines<'_, T>, mut found: impl FnMut(Match)) {
        let Self { scanner, search, block: stretch, seen: _ } = self;
        let Stretch { text: block, ends } = stretch;
        scanner.enter(stretch, lines, search);
        let filter = search.filter.clone();
        let candidates = std::mem::take(&mut search.search.candidates);
        let mut rest = &candidates[..];
        // Where a rule wants to see each line, each is shown; else only those that a pattern may match.
        let every = !scanner.open.is_empty() || !filter.unfiltered().is_empty();
        let unfiltered = filter.unfiltered().iter().map(|pattern| (*pattern, Certainty::Maybe));
        let mut at = 0;
        while let Some(line) = if every {
            (at < block.len()).then(|| line_at(block, at))
        } else {
            rest.first().map(|first| first.line)
        } {
            at = line.end + 1;
            let same = rest.iter().take_while(|candidate| candidate.line == line).count();
            let (named, later) = rest.split_at(same);
            rest = later;
            let text = Text::new(line.text(block, ends));
            let named = named.iter().map(|candidate| (candidate.pattern, candidate.certainty));
            scanner.decide(&text, named.chain(unfiltered.clone()), search);
            scanner.hand_on(&text, false, (stretch, line), lines, search, &mut found);
        }
        search.search.candidates = candidates;
        scanner.leave(stretch, lines, search);
    }
}

impl Scanner {
    /// Looks at a block of whole lines, none of which is longer than what is kept of a line.
    pub fn look_at<'a>(&'a self, block: &'a [u8], ends: Ends, search: &'a mut Search) -> LookedAt<'a> {
        let seen = self.find(block, ends, search);
        LookedAt { scanner: self, search, block: Stretch { text: block, ends }, seen }
    }

    /// Looks at a block, and takes it: see [`Scanner::look_at`] and [`LookedAt::take`].
    pub fn scan_block<T: Fn() -> Time>(
        &self,
        block: &[u8],
        ends: Ends,
        lines: &Lines<'_, T>,
        search: &mut Search,
        found: impl FnMut(Match),
    ) {
        self.look_at(block, ends, search).take(lines, found);
    }
}
