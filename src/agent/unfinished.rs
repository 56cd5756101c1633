//! Alerts that are stored, and wait for the lines after theirs before they are sent. No I/O, no clock.

use std::collections::HashSet;

use crate::engine::{Alert, EpisodeId};
use crate::time::Time;

/// So many wait at once; further ones are sent with the lines that have come. In a flood these come at once too.
const UNFINISHED_MAX: usize = 512;

/// In the order in which they were decided, with their secrets: what still comes may show what one is.
#[derive(Debug, Default)]
pub(super) struct Unfinished(Vec<Alert>);

impl Unfinished {
    /// Those of `decided` that are to be kept once they are stored; the others take in what has come.
    pub(super) fn among(&self, decided: &mut [Alert], now: Time) -> Vec<Alert> {
        let mut unfinished = Vec::new();
        for alert in decided {
            match alert.follow(now) {
                Some(_) if self.0.len() + unfinished.len() < UNFINISHED_MAX => unfinished.push(alert.clone()),
                Some(_) => alert.settle(now),
                None => {}
            }
        }
        unfinished
    }

    /// These are stored.
    pub(super) fn keep(&mut self, unfinished: Vec<Alert>) {
        self.0.extend(unfinished);
    }

    /// When the next one is sent at the latest.
    pub(super) fn due(&self) -> Option<Time> {
        let until =
            self.0.iter().filter_map(|alert| alert.awaited.as_ref()).map(|awaited| awaited.around.until());
        until.min()
    }

    /// Those that wait for nothing any more, or that an alert follows in their episode which doesn't: one of `decided`,
    /// or one that waited too.
    pub(super) fn take_finished(&mut self, decided: &[Alert], now: Time) -> Vec<Alert> {
        let ready = decided.iter().filter(|alert| alert.awaited.is_none());
        let mut ready: HashSet<EpisodeId> = ready.map(|alert| alert.episode).collect();
        let mut finished = Vec::new();
        for mut alert in std::mem::take(&mut self.0).into_iter().rev() {
            let whole = alert.follow(now).is_none();
            if whole || ready.contains(&alert.episode) {
                alert.settle(now);
                ready.insert(alert.episode);
                finished.push(alert);
            } else {
                self.0.push(alert);
            }
        }
        self.0.reverse();
        finished.reverse();
        finished
    }

    /// Those of rules that `are_gone`: nobody will know what of them is a secret.
    pub(super) fn take_of(&mut self, are_gone: impl Fn(&str) -> bool, now: Time) -> Vec<Alert> {
        let mut gone: Vec<Alert> = self.0.extract_if(.., |alert| are_gone(&alert.rule)).collect();
        gone.iter_mut().for_each(|alert| alert.settle(now));
        gone
    }

    /// All of them: nothing comes any more.
    pub(super) fn take_all(&mut self, now: Time) -> Vec<Alert> {
        let mut all = std::mem::take(&mut self.0);
        all.iter_mut().for_each(|alert| alert.settle(now));
        all
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::around::{Around, Awaited, FOLLOW_WAIT, Reach};
    use crate::engine::tests_support::alert;

    const READ: Time = Time::from_secs(1_000);

    fn around() -> Arc<Around> {
        Arc::new(Around::new(std::iter::empty(), Reach { before: 0, after: 2 }, READ))
    }

    fn waiting(id: u128, episode: u128, around: &Arc<Around>) -> Alert {
        let awaited = Some(Awaited { around: around.clone(), lines: 2 });
        Alert { awaited, episode: EpisodeId(episode), ..alert("r", id) }
    }

    fn ids(alerts: &[Alert]) -> Vec<u128> {
        assert!(alerts.iter().all(|alert| alert.awaited.is_none()));
        alerts.iter().map(|alert| alert.id.0).collect()
    }

    fn keep(unfinished: &mut Unfinished, mut alerts: Vec<Alert>) -> Vec<Alert> {
        let kept = unfinished.among(&mut alerts, READ);
        unfinished.keep(kept);
        alerts
    }

    #[test]
    fn each_is_finished_when_its_lines_are_there_or_too_late() {
        let (one, other, mut unfinished) = (around(), around(), Unfinished::default());
        keep(&mut unfinished, vec![waiting(1, 1, &one), waiting(2, 2, &other)]);
        assert_eq!(unfinished.due(), Some(READ + FOLLOW_WAIT));
        assert!(unfinished.take_finished(&[], READ).is_empty());
        while other.follow(b"next", READ) {}
        assert_eq!(ids(&unfinished.take_finished(&[], READ)), [2]);
        assert_eq!(ids(&unfinished.take_finished(&[], READ + FOLLOW_WAIT)), [1]);
        assert_eq!(unfinished.due(), None);
        let whole = keep(&mut unfinished, vec![waiting(3, 3, &other)]);
        assert_eq!((ids(&whole), unfinished.due()), (vec![3], None), "what is there is not waited for");
    }

    #[test]
    fn no_alert_is_sent_before_an_earlier_one_of_its_episode() {
        let (one, other, mut unfinished) = (around(), around(), Unfinished::default());
        let alerts = [(1, 7, &one), (2, 8, &one), (3, 7, &other), (4, 9, &one)];
        keep(&mut unfinished, alerts.map(|(id, episode, around)| waiting(id, episode, around)).into());
        while other.follow(b"next", READ) {}
        assert_eq!(ids(&unfinished.take_finished(&[], READ)), [1, 3]);
        let resolved = Alert { episode: EpisodeId(8), ..alert("r", 5) };
        assert_eq!(ids(&unfinished.take_finished(&[resolved], READ)), [2]);
        keep(&mut unfinished, vec![Alert { rule: "gone".into(), ..waiting(6, 10, &one) }]);
        assert_eq!(ids(&unfinished.take_of(|rule| rule == "gone", READ)), [6]);
        assert_eq!(ids(&unfinished.take_all(READ)), [4]);
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let (around, mut unfinished) = (around(), Unfinished::default());
        let alerts = keep(&mut unfinished, (0..600).map(|id| waiting(id, id, &around)).collect());
        let waiting = alerts.iter().filter(|alert| alert.awaited.is_some()).count();
        assert_eq!((waiting, unfinished.0.len()), (UNFINISHED_MAX, UNFINISHED_MAX));
    }
}
