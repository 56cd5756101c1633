//! Many alerts of one rule told as one: where more wait than can be told one by one.

use std::time::Duration;

use super::alert::{Alert, EpisodeId, HeldBack, Kind};
use crate::event::Texts;

impl Alert {
    /// `self` and `later`, of one rule, as one: how many, from when to when, and the first as an example. As large as
    /// one alert, however many are folded.
    #[must_use]
    pub fn digest(self, later: &Self) -> Self {
        Self {
            // No episode's: nothing is put together with it but what is folded in.
            episode: EpisodeId(!self.id.0),
            severity: self.severity.max(later.severity),
            mention: union(self.mention, &later.mention),
            decided: self.decided.max(later.decided),
            key: Texts::new(),
            count: alerts(self.kind, self.count) + alerts(later.kind, later.count),
            kind: Kind::Digest,
            suppressed: 0,
            first_seen: self.first_seen.min(later.first_seen),
            last_seen: self.last_seen.max(later.last_seen),
            since_last: Duration::ZERO,
            folded: None,
            held_back: sum(self.held_back, later.held_back.as_ref()),
            ..self
        }
    }
}

/// How many alerts one stands for.
fn alerts(kind: Kind, count: u64) -> u64 {
    if kind == Kind::Digest { count } else { 1 }
}

fn union<T: Clone + Ord>(mut all: Vec<T>, more: &[T]) -> Vec<T> {
    all.extend(more.iter().filter(|one| !all.contains(one)).cloned().collect::<Vec<_>>());
    all
}

/// The commonest keys are those of the first: together they can't be known.
fn sum(first: Option<HeldBack>, later: Option<&HeldBack>) -> Option<HeldBack> {
    match (first, later) {
        (Some(first), Some(later)) => Some(HeldBack { count: first.count + later.count, ..first }),
        (first, later) => first.or_else(|| later.cloned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::tests_support::alert;
    use crate::rule::{Mention, Severity};
    use crate::time::Time;

    #[test]
    fn a_digest_says_how_many_from_when_to_when_and_calls_all_that_they_called() {
        let at = |secs| (Time::from_secs(secs), Time::from_secs(secs + 1));
        let one = |id: u128, secs, mention| {
            let (first_seen, last_seen) = at(secs);
            let held_back =
                Some(HeldBack { count: 2, keys: vec![(id.to_string(), 2)], ..HeldBack::default() });
            Alert { first_seen, last_seen, mention, held_back, ..alert("a", id) }
        };
        let first = one(1, 10, vec![Mention::Here]);
        let second = Alert { severity: Severity::Critical, ..one(2, 20, vec![Mention::Channel]) };
        let third = one(3, 5, vec![Mention::Here]);
        let digest = first.digest(&second).digest(&third);
        assert_eq!((digest.kind, digest.count, digest.id.0), (Kind::Digest, 3, 1));
        assert_eq!((digest.first_seen, digest.last_seen), (Time::from_secs(5), Time::from_secs(21)));
        assert_eq!(
            (digest.severity, &digest.mention[..]),
            (Severity::Critical, &[Mention::Here, Mention::Channel][..])
        );
        assert_eq!(digest.held_back.as_ref().map(|held| (held.count, held.keys.len())), Some((6, 1)));
        let both = alert("a", 7).digest(&digest);
        assert_eq!(both.count, 4, "a digest counts for all that it stands for");
    }
}
