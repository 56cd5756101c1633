//! `when: { absent }`: nothing has matched for so long. It holds until the next match.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::Match;

use super::super::key::Key;
use super::super::keyed::Keyed;
use super::super::last::Last;
use super::{Instant, Met, Moment, RETRY, Said, Verdict};

/// When a key was seen last.
#[derive(Debug)]
pub(in crate::engine) struct AbsentKey {
    pub(in crate::engine) state: AbsentState,
    /// None before the first match.
    pub(in crate::engine) last: Option<Last>,
}

/// What is stored of it beside the line.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(in crate::engine) struct AbsentState {
    /// What the rule's running time was at the last match, or when it was armed.
    pub(in crate::engine) since: Duration,
    pub(in crate::engine) holds: bool,
}

pub(super) fn take(
    keys: &mut Keyed<AbsentKey>,
    after: Duration,
    key: &Key,
    found: &Match,
    moment: &mut Moment<'_, '_>,
) -> Verdict {
    let since = moment.standing.ran(moment.out.now);
    let last = Some(Last::Live(found.clone()));
    match keys.see(key) {
        Some(absent) => {
            absent.last = last;
            absent.state.since = since;
            let held = std::mem::replace(&mut absent.state.holds, false);
            // Its timer sees when it is due that there was a match; while it held there was none.
            if held {
                arm(after, key, since, moment);
            }
        }
        None => {
            let state = AbsentState { since, holds: false };
            moment.counters.keys_forgotten += keys.put(key.clone(), AbsentKey { state, last });
            arm(after, key, since, moment);
        }
    }
    // Also where the key was forgotten while its alert held.
    Verdict::Over
}

/// Without `by`, time begins before there is a match.
pub(super) fn begin(keys: &mut Keyed<AbsentKey>, after: Duration, key: &Key, moment: &mut Moment<'_, '_>) {
    if keys.peek(key).is_none() {
        let since = moment.standing.ran(moment.out.now);
        let state = AbsentState { since, holds: false };
        keys.put(key.clone(), AbsentKey { state, last: None });
        arm(after, key, since, moment);
    }
}

/// Sets the timer of a key, where time goes on.
pub(super) fn arm(after: Duration, key: &Key, since: Duration, moment: &mut Moment<'_, '_>) {
    let now = moment.out.now;
    if moment.standing.runs() {
        moment.judge_at(now + (since + after).saturating_sub(moment.standing.ran(now)), key);
    }
}

pub(super) fn due(
    keys: &mut Keyed<AbsentKey>,
    after: Duration,
    key: &Key,
    moment: &mut Moment<'_, '_>,
) -> Option<Said> {
    let now = moment.out.now;
    let state = keys.peek(key)?.state;
    if !moment.standing.runs() {
        return None;
    }
    if moment.standing.ran(now).saturating_sub(state.since) < after {
        arm(after, key, state.since, moment);
        return None;
    }
    // What the throttle or a silence holds back is tried again.
    moment.judge_at(now + RETRY, key);
    let again = state.holds;
    if !again {
        keys.change(key)?.state.holds = true;
    }
    let last = keys.peek(key)?.last.clone();
    let first_seen = last.as_ref().map_or(now, Last::time);
    Some(Said::Alert(Instant { met: Met { count: 0, first_seen }, last, again }))
}
