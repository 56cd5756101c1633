//! How many files may be open at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Kept for sockets, the store, and what libraries open.
const RESERVED: u64 = 128;

/// More than this many are no use, whatever the system grants.
const OPEN_MAX: u64 = 65_536;

/// Raises this process's limit as far as it may, and returns how many files the readers may have open.
pub(super) fn raise_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(u64::MAX).min(OPEN_MAX + RESERVED);
    let current = current.unwrap_or(u64::MAX);
    let granted = match current < wanted {
        true if setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }).is_ok() => wanted,
        _ => current,
    };
    usize::try_from(granted.saturating_sub(RESERVED).max(granted / 4).clamp(1, OPEN_MAX)).unwrap_or(1)
}
