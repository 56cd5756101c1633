//! From a reader to the engine: lines through the scanner, and what a rule took in batches on its way.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use crate::clock::Clock;
use crate::event::{InputState, Match, Origin, RuleId};
use crate::line::join::Joined;
use crate::line::split::{Line, Piece};
use crate::line::{Ansi, LineSpec, ansi};
use crate::notice::Notice;
use crate::scan::{self, Ends, Filtered, Lines, Scanner, Search};
use crate::store::Record;
use crate::time::Time;

use super::batch::{Batch, Read};
use super::choosing::Choosing;

/// A batch is handed on once it has so many matches, or so many bytes of their lines: between two pieces of what is
/// read, so that positions go with just the lines before them.
const BATCH_MATCHES: usize = 512;
const BATCH_BYTES: usize = 512 * 1024;

/// While there is more to read, what no rule took anything of is handed on after so many bytes, or so many positions: it
/// wakes the engine's thread, which has nothing to do but to note it.
const QUIET_BYTES: u64 = 8 * 1024 * 1024;
const QUIET_POSITIONS: usize = 256;

/// Whether lines caused anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// At least one rule took one.
    ByARule,
    /// No rule did.
    ByNone,
}

/// The engine is gone: there is nothing to read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the engine has stopped")]
pub struct EngineGone;

/// What a reload changes of an input's way to the engine.
#[derive(Debug, Clone)]
pub struct Tuning {
    /// The rules that look at its lines.
    pub scanner: Arc<Scanner>,
    /// How its bytes become lines.
    pub line: LineSpec,
}

/// One input's way to the engine.
#[derive(Debug)]
pub struct Feed {
    scanner: Arc<Scanner>,
    search: Search,
    choosing: Choosing,
    line: LineSpec,
    clock: Arc<Clock>,
    outlet: Outlet,
    /// How the input stood when that was told last.
    stood: Option<InputState>,
    /// Whether the last block had escapes that are not shown to rules.
    has_escapes: bool,
}

/// Where what a rule took goes, in batches.
#[derive(Debug)]
struct Outlet {
    sender: SyncSender<Batch>,
    batch: Batch,
    /// Of the lines in the batch.
    batch_bytes: usize,
    /// It is handed on once it has so many matches.
    matches_max: usize,
}

impl Feed {
    /// For the input of that name.
    pub fn new(input: Arc<str>, tuning: Tuning, clock: Arc<Clock>, sender: SyncSender<Batch>) -> Self {
        let Tuning { scanner, line } = tuning;
        let batch = Batch { input, rules: scanner.rules().clone(), ..Batch::default() };
        let mut search = scanner.search();
        search.time_by(Clock::of_thread);
        let outlet = Outlet { sender, batch, batch_bytes: 0, matches_max: BATCH_MATCHES };
        Self {
            search,
            scanner,
            choosing: Choosing::default(),
            line,
            clock,
            outlet,
            stood: None,
            has_escapes: false,
        }
    }

    /// Another one, for a thread that reads other files of the input at the same time. It knows none of them yet.
    pub fn beside(&self) -> Self {
        let Outlet { sender, batch, matches_max, .. } = &self.outlet;
        let beside = Self::new(batch.input.clone(), self.tuning(), self.clock.clone(), sender.clone());
        beside.in_batches_of(*matches_max)
    }

    /// A batch is handed on once it has so many matches.
    pub(crate) fn in_batches_of(mut self, matches: usize) -> Self {
        self.outlet.matches_max = matches;
        self
    }

    /// Finds lines as `first` does by now.
    pub fn find_as(&mut self, first: &Self) {
        self.search.find_as(&first.search);
    }

    /// The file of these lines was read with `other` until now: what is known of it goes over.
    pub fn adopt(&mut self, origin: &Arc<Origin>, other: &mut Self) {
        self.search.adopt(origin, &mut other.search);
    }

    /// What `other` took and did not hand on is handed on from here.
    pub fn take_over(&mut self, other: &mut Self) {
        other.account();
        self.outlet.take_over(&mut other.outlet);
    }

    /// Goes on with another tuning; what was taken before is handed on first.
    ///
    /// # Errors
    /// The engine has stopped.
    pub fn tune(&mut self, tuning: Tuning) -> Result<(), EngineGone> {
        self.flush()?;
        let Tuning { scanner, line } = tuning;
        scanner.go_over(&mut self.search);
        self.outlet.batch.rules = scanner.rules().clone();
        (self.scanner, self.line) = (scanner, line);
        Ok(())
    }

    /// How it is tuned.
    pub fn tuning(&self) -> Tuning {
        Tuning { scanner: self.scanner.clone(), line: self.line.clone() }
    }

    /// How lines are found by now that `rule` may take.
    pub fn filtered(&self, rule: RuleId) -> Filtered {
        self.scanner.filtered(rule, &self.search)
    }

    /// How the input's bytes become lines.
    pub const fn line_spec(&self) -> &LineSpec {
        &self.line
    }

    /// Now, by the clock that tells when a line was read.
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Lines of a stream, which has no positions.
    ///
    /// # Errors
    /// The engine has stopped.
    pub fn piece(&mut self, origin: &Arc<Origin>, piece: Piece<'_>) -> Result<(), EngineGone> {
        self.take(origin, piece);
        self.flush_if_full()
    }

    /// A line of a stream.
    ///
    /// # Errors
    /// The engine has stopped.
    pub fn line(&mut self, origin: &Arc<Origin>, line: Line<'_>) -> Result<(), EngineGone> {
        self.piece(origin, Piece::One(line))
    }

    /// Lines that were just read. Whoever calls this asks [`Feed::is_full`] after it, and flushes with the position
    /// that the lines so far reach to.
    pub fn take(&mut self, origin: &Arc<Origin>, piece: Piece<'_>) -> Taken {
        self.taken(|feed| match piece {
            Piece::Lines(block) => feed.block(origin, block),
            Piece::One(line) => feed.one(origin, line, 1),
        })
    }

    /// The same of lines that are one event.
    pub fn take_joined(&mut self, origin: &Arc<Origin>, joined: Joined<'_>) -> Taken {
        self.taken(|feed| feed.one(origin, joined.line(), joined.lines as u64))
    }

    fn taken(&mut self, look: impl FnOnce(&mut Self)) -> Taken {
        let before = self.outlet.batch.matches.len();
        look(self);
        if self.outlet.batch.matches.len() > before { Taken::ByARule } else { Taken::ByNone }
    }

    /// Whether what was taken is to be handed on now.
    pub fn is_full(&self) -> bool {
        self.outlet.batch.matches.len() >= self.outlet.matches_max || self.outlet.batch_bytes >= BATCH_BYTES
    }

    /// Hands on what was taken of a stream, if it is enough.
    ///
    /// # Errors
    /// The engine has stopped.
    pub fn flush_if_full(&mut self) -> Result<(), EngineGone> {
        if self.is_full() { self.flush() } else { Ok(()) }
    }

    /// Hands on what there is while there is more to read, unless it can wait for that.
    ///
    /// # Errors
    /// The engine has stopped.
    pub fn flush_if_due(&mut self) -> Result<(), EngineGone> {
        let Batch { matches, positions, notices, state, read, .. } = &self.outlet.batch;
        let is_quiet = matches.is_empty() && notices.is_empty() && state.is_none();
        let can_wait = is_quiet && read.bytes < QUIET_BYTES && positions.len() < QUIET_POSITIONS;
        if can_wait { Ok(()) } else { self.flush() }
    }

    /// Whole lines at once, which costs much less than one by one.
    fn block(&mut self, origin: &Arc<Origin>, block: &[u8]) {
        let Self { scanner, search, choosing, line, clock, outlet, has_escapes, .. } = self;
        // All of it was read at once.
        let read_at = OnceCell::new();
        let lines = Lines { origin, time: || *read_at.get_or_init(|| clock.now()) };
        // Where they were, they are likely again: the rules are to see the text without them.
        let strips = line.ansi == Ansi::Strip;
        let known = (strips && *has_escapes).then(|| scan::survey(block)).filter(|survey| survey.escape);
        let (survey, looked_at) = match known {
            Some(survey) => (survey, None),
            None => {
                choose(scanner, search, choosing, block);
                let looked_at = scanner.look_at(block, Ends::Read, search);
                (looked_at.survey(), Some(looked_at))
            }
        };
        outlet.batch.read.lines += survey.lines;
        *has_escapes = strips && survey.escape;
        match looked_at {
            Some(looked_at) if !*has_escapes => looked_at.take(&lines, |found| outlet.take(found)),
            _ => {
                let text = ansi::strip_lines(block);
                choose(scanner, search, choosing, &text);
                scanner.scan_block(&text, Ends::Decoded, &lines, search, |found| outlet.take(found));
            }
        }
    }

    fn one(&mut self, origin: &Arc<Origin>, line: Line<'_>, lines: u64) {
        let Self { scanner, search, line: spec, clock, outlet, .. } = self;
        outlet.batch.read.lines += lines;
        outlet.batch.read.truncated += u64::from(line.truncated);
        let text = spec.text(line.bytes);
        let lines = Lines { origin, time: || clock.now() };
        scanner.scan(&text, line.truncated, &lines, search, |found| outlet.take(found));
    }

    /// The file of these lines holds something else now: what comes next follows none of them.
    pub fn forget(&mut self, origin: &Arc<Origin>) {
        self.search.forget(origin);
    }

    /// What goes with the next batch: how far its lines reach.
    pub fn position(&mut self, record: Record) {
        self.outlet.batch.positions.push(record);
    }

    /// Something is to be told about the reading itself.
    pub fn notice(&mut self, notice: Notice) {
        self.outlet.batch.notices.push(notice);
    }

    /// How the input stands after what was handed over so far.
    pub fn stands(&mut self, state: InputState) {
        if self.stood != Some(state) {
            self.stood = Some(state);
            self.outlet.batch.state = Some(state);
        }
    }

    /// Bytes were read, or lost.
    pub fn count(&mut self, count: impl FnOnce(&mut Read)) {
        count(&mut self.outlet.batch.read);
    }

    /// Hands on what there is.
    ///
    /// # Errors
    /// The engine has stopped.
    pub fn flush(&mut self) -> Result<(), EngineGone> {
        self.account();
        self.outlet.flush()
    }

    /// What scanning cost goes with the batch.
    fn account(&mut self) {
        let batch = &mut self.outlet.batch;
        batch.read.scanned.add(std::mem::take(&mut self.search.scanned));
        batch.costs.extend(self.search.take_costs());
    }
}

/// What to look for in a stream of which `text` comes next.
fn choose(scanner: &Arc<Scanner>, search: &mut Search, choosing: &mut Choosing, text: &[u8]) {
    if let Some(sample) = search.sample(text) {
        choosing.begin(scanner, sample);
    }
    if let Some(chosen) = choosing.chosen(scanner) {
        search.go_by(chosen);
    }
}

impl Outlet {
    fn take(&mut self, found: Match) {
        self.batch_bytes += found.event.line.len();
        self.batch.matches.push(found);
    }

    fn flush(&mut self) -> Result<(), EngineGone> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let batch = self.next();
        self.sender.send(batch).map_err(|_| EngineGone)
    }

    /// The batch; another one is begun.
    fn next(&mut self) -> Batch {
        self.batch_bytes = 0;
        let next = self.batch.next();
        std::mem::replace(&mut self.batch, next)
    }

    fn take_over(&mut self, other: &mut Self) {
        self.batch_bytes += other.batch_bytes;
        self.batch.append(other.next());
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::config;
    use crate::event::Texts;
    use crate::input::batch::channel;
    use crate::rule::Rule;

    /// How an input of so many rules is tuned, anew with each call.
    fn tunings(rules: usize) -> impl Fn() -> Tuning {
        let text = "webhooks: { w: { url: 'https://hooks.slack.com/services/T0/B0/x' } }\n\
                    inputs: { a: { stdin: true } }\nrules:\n";
        let rule = |n| format!("  - {{ name: rule-{n}, match: 'error {n}: (?P<what>[a-z]+) failed' }}\n");
        let text = text.to_owned() + &(0..rules).map(rule).collect::<String>();
        let config = config::from_str(&text, "rules", Path::new("."), &|_| None).config.expect("it is right");
        let (rules, line) = (Arc::<[Rule]>::from(config.rules), config.inputs[0].line.clone());
        move || {
            let scanner = Scanner::new("a", line.clone(), rules.clone(), "host".into());
            Tuning { scanner: Arc::new(scanner), line: line.clone() }
        }
    }

    /// Reading goes on meanwhile, and a reload may come between.
    #[test]
    fn what_to_look_for_is_chosen_on_a_thread_of_its_own() {
        let tuning = tunings(20);
        let (sender, engine) = channel();
        let mut feed = Feed::new("a".into(), tuning(), Arc::new(Clock::start()), sender);
        let origin =
            Arc::new(Origin { input: "a".into(), file: None, stream: None, labels: Texts::default() });
        let calm = "all is well\n".repeat(1_000);
        for reloads in [true, false] {
            while !feed.choosing.is_running() {
                assert_eq!(feed.take(&origin, Piece::Lines(calm.as_bytes())), Taken::ByNone);
            }
            if reloads {
                feed.tune(tuning()).expect("the engine is there");
            }
            while feed.choosing.is_running() {
                assert_eq!(feed.take(&origin, Piece::Lines(b"error 7: disk failed\n")), Taken::ByARule);
                feed.flush_if_full().expect("the engine is there");
                engine.try_iter().for_each(drop);
            }
        }
        assert_eq!(feed.take(&origin, Piece::Lines(b"error 19: disk failed\n")), Taken::ByARule);
    }

    /// Whatever the block before was like: rules see the text without escapes, and each line is counted once.
    #[test]
    fn rules_see_no_escapes_in_whichever_block_they_begin() {
        let (sender, engine) = channel();
        let mut feed = Feed::new("a".into(), tunings(20)(), Arc::new(Clock::start()), sender);
        let origin =
            Arc::new(Origin { input: "a".into(), file: None, stream: None, labels: Texts::default() });
        let (plain, calm) = ("error 7: disk failed\n", "\u{1b}[32mall is well\u{1b}[0m\n");
        let colored = "\u{1b}[31mer\u{1b}[0mror 7: \u{1b}[1mdisk\u{1b}[0m failed\n";
        let blocks = [plain, colored, plain, colored, colored, calm, plain, plain, calm, calm, colored];
        for block in blocks {
            let taken = feed.take(&origin, Piece::Lines(format!("{block}none\n").as_bytes()));
            assert_eq!(taken == Taken::ByARule, block != calm, "{block:?}");
        }
        feed.flush().expect("the engine is there");
        let batch = engine.try_recv().expect("it was flushed");
        assert_eq!(batch.read.lines, 2 * blocks.len() as u64);
        assert_eq!(batch.matches.len(), blocks.iter().filter(|block| **block != calm).count());
        assert!(batch.matches.iter().all(|found| &*found.event.line == b"error 7: disk failed"));
        // A reload may have them kept from a block to the next one.
        let Tuning { scanner, mut line } = tunings(20)();
        line.ansi = Ansi::Keep;
        feed.tune(Tuning { scanner, line }).expect("the engine is there");
        assert_eq!(feed.take(&origin, Piece::Lines(format!("{calm}{plain}").as_bytes())), Taken::ByARule);
        assert_eq!(feed.take(&origin, Piece::Lines(colored.as_bytes())), Taken::ByNone);
    }

    /// What a reload has the reading threads do, and nothing else: what takes time was done beside them. By the thread's own
    /// processor time, so that it doesn't matter who else has the processor.
    #[test]
    fn a_reader_goes_over_to_a_thousand_rules_in_no_time() {
        let tuning = tunings(1_000);
        let (sender, _engine) = channel();
        let mut feed = Feed::new("a".into(), tuning(), Arc::new(Clock::start()), sender);
        for _ in 0..5 {
            let other = tuning();
            let before = Clock::of_thread();
            feed.tune(other).expect("the engine is there");
            let took = Clock::of_thread() - before;
            assert!(took < Duration::from_millis(100), "{took:?}");
        }
    }
}
