//! What a thread scans with.

use std::sync::Arc;

use crate::event::{Origin, RuleId};
use crate::pattern::Places;

use super::Scanner;
use super::cost::{Cost, Costs, Stopwatch};
use super::filter::{self, Filter};
use super::latest::Latest;
use super::sample::Sample;
use super::taken::Taken;
use super::trail::Trails;

/// What a thread needs to scan, kept from block to block.
#[derive(Debug)]
pub struct Search {
    /// What scanning could not do since this was taken last.
    pub scanned: Scanned,
    pub(super) filter: Arc<Filter>,
    pub(super) search: filter::Search,
    pub(super) sample: Sample,
    pub(super) latest: Latest,
    pub(super) trails: Trails,
    pub(super) costs: Costs,
    /// By what rules may take the line that is looked at.
    pub(super) taken: Vec<Taken>,
    /// What patterns caught of it; kept from line to line for their room.
    pub(super) places: Vec<Places>,
}

/// A filter for a stream of which some was seen.
#[derive(Debug)]
pub struct Chosen(pub(super) Arc<Filter>);

/// What scanning cost and could not do, for the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Expressions that could not be evaluated: a missing field, text compared with a number.
    pub expression_errors: u64,
    /// Lines that were parsed and are not what the input's `parse` says.
    pub unparsed: u64,
    /// Lines that a rule would have taken, had they not been older than `max_age`.
    pub too_old: u64,
    /// Processor time of looking for the needles of all rules together, in nanoseconds.
    pub needle_nanos: u64,
}

impl Scanned {
    /// Adds what another stretch of lines could not.
    pub fn add(&mut self, other: Self) {
        self.expression_errors += other.expression_errors;
        self.unparsed += other.unparsed;
        self.too_old += other.too_old;
        self.needle_nanos += other.needle_nanos;
    }
}

impl Search {
    pub(super) fn new(scanner: &Scanner) -> Self {
        Self {
            scanned: Scanned::default(),
            filter: scanner.filter.clone(),
            search: scanner.filter.search(),
            sample: Sample::new(scanner.patterns.len()),
            latest: Latest::new(),
            trails: Trails::new(scanner.reach),
            costs: Costs::new(scanner.rules.len(), None),
            taken: Vec::new(),
            places: Vec::new(),
        }
    }

    /// What is done from now on is timed.
    pub fn time_by(&mut self, stopwatch: Stopwatch) {
        self.costs = Costs::new(self.costs.rules(), Some(stopwatch));
    }

    /// What rules cost since this was taken last.
    pub fn take_costs(&mut self) -> Vec<(RuleId, Cost)> {
        self.costs.take()
    }

    /// The file of these lines holds something else now: what comes next follows none of them.
    pub fn forget(&mut self, origin: &Arc<Origin>) {
        self.trails.forget(origin);
    }

    /// The file of these lines was scanned with `other` until now: what is known of it goes over.
    pub fn adopt(&mut self, origin: &Arc<Origin>, other: &mut Self) {
        self.trails.adopt(origin, &mut other.trails);
        self.latest.adopt(origin, &mut other.latest);
    }

    /// Some of the stream, once, when enough of it was seen to choose what to look for in it. `block` comes next.
    pub fn sample(&mut self, block: &[u8]) -> Option<Vec<u8>> {
        self.sample.add(block)
    }

    /// Finds lines by a filter that the same scanner chose.
    pub fn go_by(&mut self, Chosen(filter): Chosen) {
        self.search = filter.search();
        self.filter = filter;
    }

    /// Finds lines by the filter that `other` has by now, and chooses none itself: they scan one stream.
    pub fn find_as(&mut self, other: &Self) {
        if !Arc::ptr_eq(&self.filter, &other.filter) {
            (self.filter, self.search) = (other.filter.clone(), other.filter.search());
        }
        self.sample = Sample::none();
    }
}
