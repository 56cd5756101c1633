//! Tells what hooktail has to tell about itself: a line in our own log, and an alert for the webhook of `notices`.
//!
//! Any thread may tell something, and never waits for a receiver. It is stored at once and on its own: a notice that
//! is told again after a crash is better than one that waits for what it is about.

mod heartbeat;
mod limiter;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_128;

use crate::clock::Clock;
use crate::engine::{Alert, AlertId};
use crate::message::redact::Redactor;
use crate::message::redact_alert::redact_alert;
use crate::notice::Notice;
use crate::store::Outbox;
use crate::time::Time;

pub use heartbeat::HeartbeatSpec;
use limiter::{Limiter, Telling};

/// `notices` of the configuration, checked.
#[derive(Debug, Clone)]
pub struct NoticesSpec {
    /// The name of the webhook that gets them.
    pub webhook: Arc<str>,
    /// Whether starts and stops are told too.
    pub lifecycle: Lifecycle,
    /// What is fetched while all is well.
    pub heartbeat: Option<HeartbeatSpec>,
    /// What is taken out of them.
    pub redact: Arc<Redactor>,
}

/// Whether starts and stops are posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// They are.
    Told,
    /// They stand in our log alone.
    Logged,
}

/// The one mouth for notices, shared by all that have one.
#[derive(Debug)]
pub struct Herald {
    spec: Mutex<NoticesSpec>,
    outbox: Arc<Outbox>,
    clock: Arc<Clock>,
    state: Mutex<State>,
    /// Something is held back: somebody must see when it is due.
    held: Notify,
    /// Another configuration holds.
    renewed: Notify,
}

#[derive(Debug, Default)]
struct State {
    limiter: Limiter,
    /// So many were posted: part of each id.
    posted: u64,
}

impl Herald {
    /// Tells as `spec` says, by way of `outbox`.
    pub fn new(spec: NoticesSpec, outbox: Arc<Outbox>, clock: Arc<Clock>) -> Self {
        Self {
            spec: Mutex::new(spec),
            outbox,
            clock,
            state: Mutex::default(),
            held: Notify::new(),
            renewed: Notify::new(),
        }
    }

    /// Tells as `spec` says from now on, also what is held back.
    pub fn go_on(&self, spec: NoticesSpec) {
        *self.spec.lock().unwrap_or_else(PoisonError::into_inner) = spec;
        self.renewed.notify_one();
    }

    fn spec(&self) -> NoticesSpec {
        self.spec.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Logs a notice, and posts it unless one of its sort was posted within the last hour; then it is counted.
    pub fn tell(&self, notice: Notice) {
        notice.log();
        if notice.sort.is_lifecycle() && self.spec().lifecycle == Lifecycle::Logged {
            return;
        }
        let now = self.clock.now();
        let mut state = self.lock();
        match state.limiter.take(notice, now) {
            Some(telling) => self.post(&mut state, telling, now),
            None => self.held.notify_one(),
        }
    }

    /// The same of a webhook that takes nothing: it is not told of its own trouble, which would wait with the rest and
    /// come when it is over.
    pub fn tell_of(&self, webhook: &str, notice: Notice) {
        if webhook == &*self.spec().webhook { notice.log() } else { self.tell(notice) }
    }

    /// Posts what is held back when it is due, until it is dropped.
    pub async fn run(&self) -> Infallible {
        loop {
            let due = self.lock().limiter.next_due();
            match due {
                Some(due) => tokio::time::sleep(due.since(self.clock.now())).await,
                None => self.held.notified().await,
            }
            self.post_all(Limiter::due);
        }
    }

    /// Posts what is held back: nothing more is waited for.
    pub fn finish(&self) {
        self.post_all(Limiter::rest);
    }

    fn post_all(&self, which: fn(&mut Limiter, Time) -> Vec<Telling>) {
        let now = self.clock.now();
        let mut state = self.lock();
        for telling in which(&mut state.limiter, now) {
            self.post(&mut state, telling, now);
        }
    }

    fn post(&self, state: &mut State, telling: Telling, now: Time) {
        state.posted += 1;
        let alert = self.alert(&telling, state.posted, now);
        let alert = Arc::new(alert);
        if self.outbox.commit(&[], std::slice::from_ref(&alert), now).is_err() {
            // Why it can't be stored is told by who must store something; it may be this notice.
            self.outbox.hold(&alert, now);
        }
    }

    fn alert(&self, telling: &Telling, number: u64, now: Time) -> Alert {
        let Telling { notice, repeats, since_last } = telling;
        let seed = format!("{}\0{number}\0{}", now.as_nanos(), notice.text);
        let id = AlertId(xxh3_128(seed.as_bytes()));
        let NoticesSpec { webhook, redact, .. } = self.spec();
        let mut alert = Alert::notice(id, notice, webhook, now);
        alert.count += repeats;
        alert.suppressed = *repeats;
        alert.since_last = *since_last;
        redact_alert(&mut alert, &redact);
        alert
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Kind;
    use crate::notice::Sort;
    use crate::rule::Severity;

    fn herald(lifecycle: Lifecycle) -> Herald {
        let redact = Arc::new(Redactor::new(true, vec![]));
        let spec = NoticesSpec { webhook: "ops".into(), lifecycle, heartbeat: None, redact };
        let outbox = Arc::new(Outbox::new(["ops".into(), "dev".into()].into_iter(), 10));
        Herald::new(spec, outbox, Arc::new(Clock::start()))
    }

    fn notice(sort: Sort, danger: bool, text: &str) -> Notice {
        Notice { sort, danger, text: text.to_owned() }
    }

    fn waiting(herald: &Herald) -> Vec<(Severity, u64, String)> {
        assert_eq!(herald.outbox.len("dev"), 0);
        let waiting = herald.outbox.waiting("ops");
        let row = |alert: &Alert| {
            assert_eq!((alert.kind, alert.mention.len()), (Kind::Notice, 0));
            (alert.severity, alert.suppressed, alert.event.as_ref().unwrap().line.clone())
        };
        waiting.iter().map(|waiting| row(&waiting.alert)).collect()
    }

    #[test]
    fn what_is_told_waits_for_the_webhook_without_its_secrets() {
        let herald = herald(Lifecycle::Logged);
        herald.tell(notice(Sort::Gap, true, "a gap in /x?password=hunter22"));
        herald.tell(notice(Sort::Truncation, false, "cut"));
        herald.tell(notice(Sort::Truncation, false, "cut again"));
        herald.tell(notice(Sort::Started, false, "started"));
        let expected = [
            (Severity::Error, 0, "a gap in /x?password=[redacted]".to_owned()),
            (Severity::Info, 0, "cut".to_owned()),
        ];
        assert_eq!(waiting(&herald), expected);
        herald.finish();
        assert_eq!(waiting(&herald)[2], (Severity::Info, 0, "cut again".to_owned()));
        let ids: Vec<AlertId> = herald.outbox.waiting("ops").iter().map(|waiting| waiting.alert.id).collect();
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
    }

    #[test]
    fn starts_and_stops_are_told_where_somebody_asks() {
        let herald = herald(Lifecycle::Told);
        herald.tell(notice(Sort::Started, false, "started"));
        herald.tell(notice(Sort::Stopped, false, "stopped"));
        assert_eq!(waiting(&herald).len(), 2);
    }

    #[test]
    fn a_broken_webhook_is_not_told_of_itself() {
        let herald = herald(Lifecycle::Logged);
        herald.tell_of("ops", notice(Sort::Webhook, true, "ops is broken"));
        assert!(waiting(&herald).is_empty());
        herald.tell_of("dev", notice(Sort::Webhook, true, "dev is broken"));
        assert_eq!(waiting(&herald).len(), 1);
    }
}
