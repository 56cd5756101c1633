//! Lines that wait for the rest of their event: reading goes on behind them, and where their file is truncated, they are
//! handed on. What is stored is where they begin: a start reads them again.

use crate::line::join::Group;

use super::cutter::Cutter;
use super::marks::Marks;

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) group: Group,
    /// Where they end in the file, and what lies before that.
    pub(super) end: u64,
    pub(super) marks: Marks,
}

impl Kept {
    /// What waits in `cutter`, behind a position of these marks; `None`: nothing, or more than there is room for.
    pub(super) fn of(cutter: &mut Cutter, marks: &Marks) -> Option<Box<Self>> {
        let group = cutter.joiner.as_mut()?.take(cutter.room)?;
        cutter.room -= group.joined().text.len();
        let end = cutter.unfinished();
        let mut marks = cutter.known.take().unwrap_or_else(|| marks.clone());
        marks.set(end, cutter.beginning.as_deref(), cutter.splitter.before());
        Some(Box::new(Self { group, end, marks }))
    }
}
