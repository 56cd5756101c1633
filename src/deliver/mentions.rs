//! How often a webhook's messages may call a whole channel, and when only what is critical calls anybody. Pure.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use crate::mention::{Held, Mention};
use crate::rate::{Limiter, Rate};
use crate::rule::Severity;
use crate::schedule::Schedule;
use crate::time::Time;

use super::batch::Part;

/// `mentions` of the configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct MentionSpec {
    /// How many messages with `here`, `channel` or `everyone` a webhook gets; what is critical is not held to it.
    pub budget: Rate,
    /// When only what is critical calls somebody.
    pub quiet_hours: Option<Arc<Schedule>>,
}

impl Default for MentionSpec {
    /// `12/h`, and no quiet hours.
    fn default() -> Self {
        let number = NonZeroU32::new(12).expect("twelve is not zero");
        Self { budget: Rate { number, per: Duration::from_secs(3_600), burst: number }, quiet_hours: None }
    }
}

/// What a webhook's messages have left to call.
#[derive(Debug)]
pub struct Budget {
    spec: MentionSpec,
    limiter: Limiter,
}

/// What a message's mentions cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Nothing: it calls no channel, or it is critical.
    Nothing,
    /// One of the budget.
    One,
    /// More than there is: they are held.
    Held(Held),
}

/// Whether a place of the budget was taken for a message that was never posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// There is none left over.
    None,
    /// There is one.
    Unused,
}

impl Budget {
    /// Full at `now`.
    pub fn new(spec: MentionSpec, now: Time) -> Self {
        Self { limiter: Limiter::new(spec.budget, now), spec }
    }

    /// What the mentions of `parts` cost at `now`, when the clock on the wall shows `wall`.
    pub fn weigh(&mut self, parts: &[Part], grant: Grant, now: Time, wall: Time) -> Cost {
        let (critical, others) = (widest(parts, true), widest(parts, false));
        // What a critical alert calls anyway, no other one calls.
        let is_called_anyway = critical.is_some_and(Mention::is_broadcast) && critical >= others;
        if others.is_none() || is_called_anyway {
            return Cost::Nothing;
        }
        if self.spec.quiet_hours.as_ref().is_some_and(|hours| hours.is_active(wall)) {
            return Cost::Held(Held::QuietHours);
        }
        if !others.is_some_and(Mention::is_broadcast) {
            return Cost::Nothing;
        }
        match grant {
            Grant::Unused => Cost::One,
            Grant::None if self.limiter.take(now).is_ok() => Cost::One,
            Grant::None => Cost::Held(Held::Budget),
        }
    }
}

/// The widest mention of the alerts that are critical, or of those that are not.
fn widest(parts: &[Part], critical: bool) -> Option<&Mention> {
    let alerts = parts.iter().map(|part| &part.alert);
    let asked = alerts.filter(|alert| (alert.severity == Severity::Critical) == critical);
    asked.flat_map(|alert| &alert.mention).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Alert;
    use crate::engine::tests_support::alert;
    use crate::schedule::{Days, Hours};

    const START: Time = Time::from_secs(1_764_028_800);

    fn part(severity: Severity, mention: &[Mention]) -> Part {
        let alert = Alert { severity, mention: mention.to_vec(), ..alert("a", 1) };
        Part { ids: vec![alert.id], alert: Arc::new(alert) }
    }

    fn user() -> Mention {
        Mention::User("U0123456".into())
    }

    fn budget(quiet: bool) -> Budget {
        let zone = jiff::tz::TimeZone::UTC;
        let hours = vec![Hours { days: Days::ALL, from: 0, to: 60, zone }];
        let quiet_hours = quiet.then(|| Arc::new(Schedule { name: "night".into(), hours }));
        let number = NonZeroU32::new(2).unwrap();
        let rate = Rate { number, per: Duration::from_secs(3_600), burst: number };
        Budget::new(MentionSpec { budget: rate, quiet_hours }, START)
    }

    #[test]
    fn the_budget_is_kept_but_for_what_is_critical() {
        let mut budget = budget(false);
        let mut weigh = |parts: &[Part], minutes: u64| {
            let now = START + Duration::from_secs(60 * minutes);
            budget.weigh(parts, Grant::None, now, now)
        };
        let here = || part(Severity::Error, &[Mention::Here]);
        assert_eq!(weigh(&[part(Severity::Error, &[user()])], 0), Cost::Nothing);
        assert_eq!(
            [0, 1, 2, 31, 32].map(|at| weigh(&[here()], at)),
            [Cost::One, Cost::One, Cost::Held(Held::Budget), Cost::One, Cost::Held(Held::Budget),]
        );
        let critical = part(Severity::Critical, &[Mention::Channel]);
        assert_eq!(weigh(std::slice::from_ref(&critical), 33), Cost::Nothing);
        assert_eq!(weigh(&[here(), critical], 33), Cost::Nothing, "they are called anyway");
        let narrow = part(Severity::Critical, &[Mention::Here]);
        assert_eq!(
            weigh(&[part(Severity::Error, &[Mention::Channel]), narrow], 34),
            Cost::Held(Held::Budget)
        );
        let named = part(Severity::Critical, &[user()]);
        assert_eq!(weigh(&[here(), named], 34), Cost::Held(Held::Budget));
    }

    #[test]
    fn what_was_granted_and_not_posted_is_not_paid_twice() {
        let mut budget = budget(false);
        let here = [part(Severity::Error, &[Mention::Here])];
        for _ in 0..5 {
            assert_eq!(budget.weigh(&here, Grant::Unused, START, START), Cost::One);
        }
        assert_eq!(budget.weigh(&here, Grant::None, START, START), Cost::One);
    }

    #[test]
    fn in_quiet_hours_only_what_is_critical_calls() {
        let mut budget = budget(true);
        let mut weigh = |parts: &[Part], minutes: u64| {
            budget.weigh(parts, Grant::None, START, START + Duration::from_secs(60 * minutes))
        };
        assert_eq!(weigh(&[part(Severity::Error, &[user()])], 59), Cost::Held(Held::QuietHours));
        assert_eq!(weigh(&[part(Severity::Critical, &[user()])], 59), Cost::Nothing);
        assert_eq!(weigh(&[part(Severity::Error, &[])], 59), Cost::Nothing);
        assert_eq!(weigh(&[part(Severity::Error, &[user()])], 60), Cost::Nothing);
    }
}
