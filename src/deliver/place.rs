//! Where messages go, with what is used up of its rate and its mentions. Shared by the workers that post there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::rate::Rate;
use crate::time::Time;

use super::WebhookSpec;
use super::lane::Lane;
use super::mentions::Budget;

/// Where a webhook's messages go: its own place, or its fallback's.
#[derive(Debug, Clone)]
pub struct Place {
    /// The webhook.
    pub spec: WebhookSpec,
    /// Its rate, which it may share.
    pub lane: Arc<SharedLane>,
    /// Whom its messages may call.
    pub budget: Arc<Mutex<Budget>>,
}

/// A [`Lane`] that several workers use.
#[derive(Debug)]
pub struct SharedLane {
    lane: Mutex<Lane>,
    /// A message was answered: time goes on.
    answered: Notify,
}

impl SharedLane {
    /// One that has not been used.
    pub fn new(lane: Lane) -> Self {
        Self { lane: Mutex::new(lane), answered: Notify::new() }
    }

    /// The same place at another rate, not used yet; what is under way is answered to this one.
    pub fn at_rate(&self, rate: Rate, now: Time) -> Self {
        Self::new(self.lock().at_rate(rate, now))
    }

    /// Takes the place of one message, which then has to be answered.
    ///
    /// # Errors
    /// How long it is until the next is free.
    pub(super) fn take(&self, now: Time) -> Result<(), Duration> {
        self.lock().take(now)
    }

    /// A message was answered, perhaps with the wish for a pause.
    pub(super) fn answer(&self, now: Time, pause: Option<Time>) {
        let mut lane = self.lock();
        lane.answered(now);
        if let Some(until) = pause {
            lane.pause(until);
        }
        drop(lane);
        self.answered.notify_waiters();
    }

    /// Waits until a message is answered.
    pub(super) async fn answered(&self) {
        self.answered.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Lane> {
        self.lane.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
