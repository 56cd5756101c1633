//! `hooktail explain --cost`: what finding lines costs each rule, on the reading stations of `run`.

use std::fmt::Write as _;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::config::Config;
use crate::event::{Origin, Role, RuleId};
use crate::input::InputSpec;
use crate::input::batch::{self, Batch, Read as Counted};
use crate::input::feed::{Feed, Tuning};
use crate::line::join::{Joined, Joiner};
use crate::line::split::Splitter;
use crate::message::thousands::Thousands;
use crate::rule::Rule;
use crate::scan::{Cost, Filtered, Scanner};

use super::exit::Failure;
use super::status::size;
use super::table::Table;

/// What finding some lines of one input cost.
#[derive(Debug)]
pub(super) struct Priced {
    input: Arc<str>,
    read: Counted,
    /// The costliest first.
    rules: Vec<Price>,
}

/// What it cost one rule.
#[derive(Debug)]
struct Price {
    rule: Arc<str>,
    found_by: Filtered,
    cost: Cost,
    taken: u64,
}

impl Priced {
    /// Of the lines of `source`, as the input `name` reads them.
    pub(super) fn of(config: Config, name: Option<&str>, source: impl Read) -> Result<Self, Failure> {
        let Config { host, inputs, rules, .. } = config;
        let input = only(inputs, name)?;
        let rules: Arc<[Rule]> = rules.into();
        let scanner = Arc::new(Scanner::new(&input.name, input.line.clone(), rules.clone(), host));
        let (sender, batches) = batch::channel();
        let tuning = Tuning { scanner, line: input.line.clone() };
        let feed = Feed::new(input.name.clone(), tuning, Arc::new(Clock::start()), sender);
        let (name, labels) = (input.name.clone(), input.labels.clone());
        let origin = Arc::new(Origin { input: name.clone(), file: None, stream: None, labels });
        let reader = Reader { feed, batches, origin, bill: Bill::new(rules.len()) };
        let (feed, bill) = reader.read_all(source)?;
        let reads = |rule: &Rule| rule.inputs.contains(&name);
        let own = rules.iter().enumerate().filter(|(_, rule)| reads(rule));
        let price = |(place, rule): (usize, &Rule)| Price {
            rule: rule.name.clone(),
            found_by: feed.filtered(RuleId(place)),
            cost: bill.costs[place],
            taken: bill.taken[place],
        };
        let mut prices: Vec<Price> = own.map(price).collect();
        prices.sort_by_key(|price| std::cmp::Reverse(price.cost.nanos));
        Ok(Self { input: name, read: bill.read, rules: prices })
    }

    fn nanos(&self) -> u64 {
        let rules: u64 = self.rules.iter().map(|price| price.cost.nanos).sum();
        self.read.scanned.needle_nanos + rules
    }

    /// The part of `nanos` in all, in per cent.
    fn share(&self, nanos: u64) -> f64 {
        100.0 * nanos as f64 / self.nanos().max(1) as f64
    }

    fn per_line(&self, nanos: u64) -> f64 {
        nanos as f64 / self.read.lines.max(1) as f64
    }

    /// For a person.
    pub(super) fn words(&self) -> String {
        let lines = self.read.lines;
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{} line{} ({}) of `{}`: {:.3} s of CPU for finding lines, {:.0} ns a line",
            Thousands(lines),
            if lines == 1 { "" } else { "s" },
            size(self.read.bytes),
            self.input,
            seconds(self.nanos()),
            self.per_line(self.nanos()),
        );
        let mut table = Table::default();
        table.row(["RULE", "of the time", "ns a line", "found by", "lines shown", "lines taken"]);
        let needles = self.read.scanned.needle_nanos;
        let timed = |nanos| [format!("{:.1} %", self.share(nanos)), format!("{:.1}", self.per_line(nanos))];
        table.row(std::iter::once("(texts, of all rules)".to_owned()).chain(timed(needles)));
        for Price { rule, found_by, cost, taken } in &self.rules {
            let [share, nanos] = timed(cost.nanos);
            let counts = [cost.shown, *taken].map(|n| Thousands(n).to_string());
            let cells = [rule.to_string(), share, nanos, words(*found_by).to_owned()];
            table.row(cells.into_iter().chain(counts));
        }
        let _ = write!(out, "\n{}", table.draw(""));
        out
    }

    /// For a program; the keys are those of `docs/testing-rules.md`.
    pub(super) fn object(&self) -> Value {
        let rule = |Price { rule, found_by, cost, taken }: &Price| {
            json!({
                "rule": rule, "share": self.share(cost.nanos) / 100.0, "found_by": key(*found_by),
                "shown": cost.shown, "taken": taken, "scan_seconds": seconds(cost.nanos),
                "nanos_per_line": self.per_line(cost.nanos),
            })
        };
        json!({
            "input": self.input, "lines": self.read.lines, "bytes": self.read.bytes,
            "scan_seconds": seconds(self.nanos()),
            "filter_seconds": seconds(self.read.scanned.needle_nanos),
            "rules": self.rules.iter().map(rule).collect::<Vec<_>>(),
        })
    }
}

const fn words(found_by: Filtered) -> &'static str {
    match found_by {
        Filtered::ByNeedles => "a text",
        Filtered::ByAutomaton => "an automaton",
        Filtered::Never => "every line",
    }
}

const fn key(found_by: Filtered) -> &'static str {
    match found_by {
        Filtered::ByNeedles => "text",
        Filtered::ByAutomaton => "automaton",
        Filtered::Never => "every_line",
    }
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// The input of that name, or the only one.
fn only(mut inputs: Vec<InputSpec>, name: Option<&str>) -> Result<InputSpec, Failure> {
    let known: Vec<String> = inputs.iter().map(|input| format!("`{}`", input.name)).collect();
    let place = match name {
        Some(name) => inputs.iter().position(|input| &*input.name == name),
        None => (inputs.len() == 1).then_some(0),
    };
    place.map(|place| inputs.swap_remove(place)).ok_or_else(|| {
        Failure::usage(match name {
            Some(name) => format!("there is no input `{name}`\nhelp: there are {}", known.join(", ")),
            None => format!(
                "lines cost what the rules of their input make of them\nhelp: say which it is: `--input NAME`; there are {}",
                known.join(", ")
            ),
        })
    })
}

/// What came of the lines so far.
#[derive(Debug)]
struct Bill {
    read: Counted,
    /// By rule.
    costs: Vec<Cost>,
    taken: Vec<u64>,
}

impl Bill {
    fn new(rules: usize) -> Self {
        Self { read: Counted::default(), costs: vec![Cost::default(); rules], taken: vec![0; rules] }
    }

    fn add(&mut self, batch: Batch) {
        self.read.add(batch.read);
        batch.costs.into_iter().for_each(|(rule, cost)| self.costs[rule.0].add(cost));
        let matches = batch.matches.iter().filter(|found| found.role == Role::Match);
        matches.for_each(|found| self.taken[found.rule.0] += 1);
    }
}

/// Reads as standard input is read, and takes what comes of it at once: the way between never fills.
struct Reader {
    feed: Feed,
    batches: Receiver<Batch>,
    origin: Arc<Origin>,
    bill: Bill,
}

impl Reader {
    fn read_all(mut self, mut source: impl Read) -> Result<(Feed, Bill), Failure> {
        let spec = self.feed.line_spec().clone();
        let (mut splitter, mut joiner) = (Splitter::of_stream(&spec), Joiner::new(&spec));
        loop {
            let read = match source.read(splitter.room()) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.map_err(Failure::failed)?,
            };
            splitter.filled(read);
            self.feed.count(|count| count.bytes += read as u64);
            if read == 0 {
                break;
            }
            self.hand_on(&mut splitter, &mut joiner)?;
        }
        while let Some(line) = splitter.finish() {
            match &mut joiner {
                None => self.feed.line(&self.origin, line).map_err(Failure::failed)?,
                Some(joiner) => joiner.add(line, |joined| self.join(joined)),
            }
        }
        if let Some(joiner) = &mut joiner {
            joiner.finish(|joined| self.join(joined));
        }
        self.feed.flush().map_err(Failure::failed)?;
        self.take();
        Ok((self.feed, self.bill))
    }

    /// The lines that have an end.
    fn hand_on(&mut self, splitter: &mut Splitter, joiner: &mut Option<Joiner>) -> Result<(), Failure> {
        loop {
            match joiner {
                None => match splitter.next_piece() {
                    Some(piece) => self.feed.piece(&self.origin, piece).map_err(Failure::failed)?,
                    None => return Ok(()),
                },
                Some(joiner) => match splitter.next_line() {
                    Some(line) => joiner.add(line, |joined| self.join(joined)),
                    None => return Ok(()),
                },
            }
            self.feed.flush_if_full().map_err(Failure::failed)?;
            self.take();
        }
    }

    fn join(&mut self, joined: Joined<'_>) {
        self.feed.take_joined(&self.origin, joined);
    }

    fn take(&mut self) {
        self.batches.try_iter().for_each(|batch| self.bill.add(batch));
    }
}
