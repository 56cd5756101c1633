//! The webhooks' workers: started, told to end and waited for here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

use crate::board::WebhookSeat;
use crate::deliver::WebhookSpec;
use crate::deliver::lane::Lane;
use crate::deliver::mentions::{Budget, MentionSpec};
use crate::deliver::place::{Place, SharedLane};
use crate::deliver::tally::Tally;
use crate::deliver::worker::{self, Shared};
use crate::time::Time;

/// The workers that run.
#[derive(Debug)]
pub(super) struct Workers {
    set: JoinSet<()>,
    tallies: Vec<(Arc<str>, Arc<Tally>)>,
    closing: watch::Sender<bool>,
}

impl Workers {
    /// None yet; each is to look at the receiver for the end.
    pub(super) fn new() -> (Self, watch::Receiver<bool>) {
        let (closing, closed) = watch::channel(false);
        (Self { set: JoinSet::new(), tallies: Vec::new(), closing }, closed)
    }

    /// Returns what each is called, and where it counts.
    pub(super) fn start(
        &mut self,
        webhooks: Vec<WebhookSpec>,
        mentions: &MentionSpec,
        shared: &Shared,
    ) -> Vec<WebhookSeat> {
        let places = places(webhooks, mentions, shared.clock.now());
        let mut seats = Vec::new();
        for own in &places {
            let tally = Arc::new(Tally::default());
            self.tallies.push((own.spec.name.clone(), tally.clone()));
            let (name, url) = (own.spec.name.clone(), own.spec.url.to_string());
            seats.push(WebhookSeat { name, url, tally: tally.clone() });
            let fallback = own.spec.fallback.as_ref();
            let fallback = fallback.and_then(|name| places.iter().find(|place| place.spec.name == *name));
            self.set.spawn(worker::run(own.clone(), fallback.cloned(), shared.clone(), tally));
        }
        seats
    }

    /// What each has delivered.
    pub(super) fn tallies(&self) -> impl Iterator<Item = &(Arc<str>, Arc<Tally>)> {
        self.tallies.iter()
    }

    /// Nothing more will be decided: each ends when nothing waits for it.
    pub(super) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// When a worker has ended; `None`: none is left.
    pub(super) async fn ended(&mut self) -> Option<Result<(), JoinError>> {
        self.set.join_next().await
    }

    /// Ends them where they are, and waits for it.
    pub(super) async fn shutdown(&mut self) {
        self.set.shutdown().await;
    }

    /// Ends them where they are.
    pub(super) fn abort(&mut self) {
        self.set.abort_all();
    }
}

/// The webhooks with their rates; those of one group share one.
fn places(webhooks: Vec<WebhookSpec>, mentions: &MentionSpec, now: Time) -> Vec<Place> {
    let mut groups: HashMap<Arc<str>, Arc<SharedLane>> = HashMap::new();
    let place = |spec: WebhookSpec| {
        let new = || Arc::new(SharedLane::new(Lane::new(spec.rate, now)));
        let lane = match &spec.rate_group {
            Some(group) => groups.entry(group.clone()).or_insert_with(new).clone(),
            None => new(),
        };
        let budget = Arc::new(Mutex::new(Budget::new(mentions.clone(), now)));
        Place { spec, lane, budget }
    };
    webhooks.into_iter().map(place).collect()
}
