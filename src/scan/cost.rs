//! What the rules cost: lines are counted, and the time that they take is told from some of them. The clock is an
//! argument.

use std::time::Duration;

use crate::event::RuleId;

/// Tells the processor time of the thread that asks. What it says by itself costs more than most looks at a line do.
pub type Stopwatch = fn() -> Duration;

/// The first looks of a rule, and the first blocks, are timed one by one: they may be all there are, and compile what is
/// compiled when it is needed.
const TIMED_FIRST: u32 = 8;

/// Later ones are timed once in so many. A prime: what alternates has its turn.
const TIMED_EVERY: u32 = 127;

/// Of later blocks one in so many is timed; large ones more often, since each costs more than the clock does.
const BLOCK_BYTES: usize = 16 * 1024;
const BLOCKS_EVERY: u32 = 13;
const LARGE_BLOCKS_EVERY: u32 = 5;

/// What a rule cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// How often a line was looked at for one of its patterns, or for its `where` alone.
    pub shown: u64,
    /// Processor time of these looks, and the rule's part in that of an automaton; in nanoseconds.
    pub nanos: u64,
}

impl Cost {
    /// Adds what it cost elsewhere.
    pub const fn add(&mut self, other: Self) {
        self.shown += other.shown;
        self.nanos += other.nanos;
    }
}

/// What one thread counts.
#[derive(Debug)]
pub(super) struct Costs {
    watch: Option<Watch>,
    /// By rule.
    rules: Vec<Spent>,
    /// Those of which something was counted since it was taken.
    touched: Vec<RuleId>,
    small_blocks: u32,
    large_blocks: u32,
}

#[derive(Debug, Clone, Copy)]
struct Watch {
    stopwatch: Stopwatch,
    /// What it takes to look at it.
    own: Duration,
}

impl Watch {
    fn lap(self, weight: u32) -> Lap {
        Lap { watch: self, since: (self.stopwatch)(), weight }
    }
}

/// For how many the `n`th stands, of which one in `every` is timed; `None`: for none.
const fn weight(n: u32, every: u32) -> Option<u32> {
    match n {
        ..=TIMED_FIRST => Some(1),
        n if n % every == 0 => Some(every),
        _ => None,
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    cost: Cost,
    looks: u32,
}

/// A stretch of time that is measured, for so many like it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lap {
    watch: Watch,
    since: Duration,
    weight: u32,
}

impl Lap {
    /// Nanoseconds since it began, or since this was asked last, of all that it stands for.
    pub(super) fn nanos(&mut self) -> u64 {
        let now = (self.watch.stopwatch)();
        let took = now.saturating_sub(std::mem::replace(&mut self.since, now));
        let took = took.saturating_sub(self.watch.own).as_nanos() as u64;
        took.saturating_mul(u64::from(self.weight))
    }
}

impl Costs {
    /// Of so many rules. Without a stopwatch, lines are counted alone.
    pub(super) fn new(rules: usize, stopwatch: Option<Stopwatch>) -> Self {
        let own = |stopwatch: Stopwatch| {
            let look = || {
                let began = stopwatch();
                stopwatch().saturating_sub(began)
            };
            (0..8).map(|_| look()).min().unwrap_or_default()
        };
        let watch = stopwatch.map(|stopwatch| Watch { stopwatch, own: own(stopwatch) });
        Self {
            watch,
            rules: vec![Spent::default(); rules],
            touched: Vec::new(),
            small_blocks: 0,
            large_blocks: 0,
        }
    }

    /// How many there are.
    pub(super) const fn rules(&self) -> usize {
        self.rules.len()
    }

    pub(super) fn stopwatch(&self) -> Option<Stopwatch> {
        self.watch.map(|watch| watch.stopwatch)
    }

    /// A line is shown to one of its patterns, or to its `where`.
    pub(super) fn shown(&mut self, rule: RuleId) {
        self.touch(rule).shown += 1;
    }

    /// A look at a line begins; it is timed if something is returned.
    #[inline]
    pub(super) fn look(&mut self, rule: RuleId) -> Option<Lap> {
        let watch = self.watch?;
        let spent = &mut self.rules[rule.0];
        spent.looks = spent.looks.wrapping_add(1);
        Some(watch.lap(weight(spent.looks, TIMED_EVERY)?))
    }

    /// A look at a line ends.
    #[inline]
    pub(super) fn looked(&mut self, rule: RuleId, lap: Option<Lap>) {
        if let Some(mut lap) = lap {
            self.spend(rule, lap.nanos());
        }
    }

    /// A block is searched; it is timed if something is returned.
    pub(super) fn block(&mut self, bytes: usize) -> Option<Lap> {
        let watch = self.watch?;
        let (blocks, every) = match bytes {
            BLOCK_BYTES.. => (&mut self.large_blocks, LARGE_BLOCKS_EVERY),
            _ => (&mut self.small_blocks, BLOCKS_EVERY),
        };
        *blocks = blocks.wrapping_add(1);
        Some(watch.lap(weight(*blocks, every)?))
    }

    /// The rule took so much more.
    pub(super) fn spend(&mut self, rule: RuleId, nanos: u64) {
        self.touch(rule).nanos += nanos;
    }

    fn touch(&mut self, rule: RuleId) -> &mut Cost {
        let cost = &mut self.rules[rule.0].cost;
        if *cost == Cost::default() {
            self.touched.push(rule);
        }
        cost
    }

    /// What was counted since this was asked last.
    pub(super) fn take(&mut self) -> Vec<(RuleId, Cost)> {
        let touched = self.touched.drain(..);
        touched.map(|rule| (rule, std::mem::take(&mut self.rules[rule.0].cost))).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    thread_local! {
        static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    /// Each look at it takes a microsecond.
    fn stopwatch() -> Duration {
        NOW.with(|now| now.replace(now.get() + Duration::from_micros(1)))
    }

    fn pass(nanos: u64) {
        NOW.with(|now| now.set(now.get() + Duration::from_nanos(nanos)));
    }

    #[test]
    fn looks_that_alternate_are_told_from_a_few_of_them() {
        let (mut costs, rule) = (Costs::new(2, Some(stopwatch)), RuleId(1));
        let (mut timed, mut spent) = (0, 0);
        for turn in 0..100_000_u64 {
            let nanos = 100 + 800 * (turn % 2);
            costs.shown(rule);
            let lap = costs.look(rule);
            timed += u32::from(lap.is_some());
            pass(nanos);
            costs.looked(rule, lap);
            spent += nanos;
        }
        let taken = costs.take();
        let [(RuleId(1), Cost { shown: 100_000, nanos })] = taken[..] else { panic!("{taken:?}") };
        assert!(nanos.abs_diff(spent) < spent / 50, "{nanos} of {spent}");
        assert!(timed < 100_000 / 100, "{timed}");
        assert_eq!(costs.take(), [], "it is taken once");
    }

    #[test]
    fn the_first_looks_count_one_by_one() {
        let (mut costs, rule) = (Costs::new(1, Some(stopwatch)), RuleId(0));
        for nanos in [5_000_000, 300, 300] {
            let lap = costs.look(rule);
            pass(nanos);
            costs.looked(rule, lap);
        }
        assert_eq!(costs.take(), [(rule, Cost { shown: 0, nanos: 5_000_600 })]);
    }

    #[test]
    fn blocks_stand_for_others_like_them() {
        let mut costs = Costs::new(0, Some(stopwatch));
        let mut spend = |bytes: usize, blocks: usize| {
            let laps = (0..blocks).filter_map(|_| {
                let lap = costs.block(bytes);
                pass(bytes as u64);
                lap.map(|mut lap| lap.nanos())
            });
            laps.sum::<u64>()
        };
        // The first eight stand for themselves, and one of the large ones would have been a sample.
        assert_eq!(spend(100, 1_300), (1_300 + 8) * 100);
        assert_eq!(spend(1 << 20, 100), (100 - 5 + 8) << 20);
    }

    #[test]
    fn without_a_stopwatch_lines_are_counted_alone() {
        let (mut costs, rule) = (Costs::new(1, None), RuleId(0));
        assert!(costs.look(rule).is_none() && costs.block(1 << 20).is_none());
        costs.shown(rule);
        assert_eq!(costs.take(), [(rule, Cost { shown: 1, nanos: 0 })]);
    }
}
