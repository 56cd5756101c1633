//! `threads`.

use crate::config::diagnostic::Report;
use crate::config::layers::At;
use crate::config::raw::Count;
use crate::config::scalar::number::number;

/// A machine may have so many cores to give.
const THREADS_MAX: u64 = 256;

pub(super) fn resolve(at: Option<At<'_, Count>>, report: &mut Report) -> usize {
    let threads = at.and_then(|at| number(at, 1..=THREADS_MAX, report));
    threads.and_then(|threads| usize::try_from(threads).ok()).unwrap_or(1)
}
