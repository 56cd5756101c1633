//! The webhooks' workers: started, given their briefs, told to end and waited for here.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use tokio::sync::{self, watch};
use tokio::task::{JoinError, JoinSet};

use crate::board::WebhookSeat;
use crate::deliver::WebhookSpec;
use crate::deliver::brief::{Brief, Shared, Transport};
use crate::deliver::lane::Lane;
use crate::deliver::mentions::{Budget, MentionSpec};
use crate::deliver::place::{Place, SharedLane};
use crate::deliver::tally::Tally;
use crate::deliver::worker;
use crate::rule::Rule;
use crate::rules::Rules;
use crate::time::Time;

/// The workers that run.
#[derive(Debug)]
pub(super) struct Workers {
    set: JoinSet<()>,
    shared: Shared,
    closing: watch::Sender<bool>,
    /// By webhook.
    posts: BTreeMap<Arc<str>, Post>,
    /// Of each webhook that there ever was.
    tallies: Vec<(Arc<str>, Arc<Tally>)>,
    mentions: MentionSpec,
}

/// Where a worker stands.
#[derive(Debug)]
struct Post {
    /// Without it, its worker ends once what is under way is answered; `None`: the webhook is no longer there.
    briefs: Option<watch::Sender<Brief>>,
    /// Held by the worker: one that comes waits for the one that leaves.
    seat: Arc<sync::Mutex<()>>,
}

/// What the workers are told by a configuration.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) webhooks: Vec<WebhookSpec>,
    pub(super) mentions: MentionSpec,
    pub(super) rules: Arc<[Rule]>,
    pub(super) host: Arc<str>,
    pub(super) transport: Transport,
}

impl Workers {
    /// None yet. `shared`: with the receiver of `closing`.
    pub(super) fn new(shared: Shared, closing: watch::Sender<bool>) -> Self {
        Self {
            set: JoinSet::new(),
            shared,
            closing,
            posts: BTreeMap::new(),
            tallies: Vec::new(),
            mentions: MentionSpec::default(),
        }
    }

    /// Gives each webhook's worker its brief, and starts those that don't run. Others go on.
    pub(super) fn brief(&mut self, orders: Orders) {
        let Orders { webhooks, mentions, rules, host, transport } = orders;
        let rules = Rules::new(rules);
        let places = self.places(webhooks, &mentions, self.shared.clock.now());
        self.mentions = mentions;
        for own in &places {
            let fallback = own.spec.fallback.as_ref();
            let fallback = fallback.and_then(|name| places.iter().find(|place| place.spec.name == *name));
            let brief = Brief {
                own: own.clone(),
                fallback: fallback.cloned(),
                rules: rules.clone(),
                host: host.clone(),
                transport: transport.clone(),
            };
            match self.posts.get(&own.spec.name).and_then(|post| post.briefs.as_ref()) {
                Some(briefs) => drop(briefs.send_replace(brief)),
                None => self.start(brief),
            }
        }
    }

    fn start(&mut self, brief: Brief) {
        let name = brief.own.spec.name.clone();
        let (sender, briefs) = watch::channel(brief.clone());
        let post =
            self.posts.entry(name.clone()).or_insert_with(|| Post { briefs: None, seat: Arc::default() });
        post.briefs = Some(sender);
        let seat = post.seat.clone();
        let (shared, tally) = (self.shared.clone(), self.tally(&name));
        self.set.spawn(async move {
            let _seated = seat.lock().await;
            worker::run(brief, briefs, shared, tally).await;
        });
    }

    fn tally(&mut self, name: &Arc<str>) -> Arc<Tally> {
        if let Some((_, tally)) = self.tallies.iter().find(|(known, _)| known == name) {
            return tally.clone();
        }
        let tally = Arc::new(Tally::default());
        self.tallies.push((name.clone(), tally.clone()));
        tally
    }

    /// How these webhooks are seen from outside.
    pub(super) fn seats(&self, webhooks: &[Arc<str>]) -> Vec<WebhookSeat> {
        let seat = |name: &Arc<str>| {
            let url = self.posts.get(name)?.briefs.as_ref()?.borrow().own.spec.url.to_string();
            let (_, tally) = self.tallies.iter().find(|(known, _)| known == name)?;
            Some(WebhookSeat { name: name.clone(), url, tally: tally.clone() })
        };
        webhooks.iter().filter_map(seat).collect()
    }

    /// The workers of all webhooks but these end.
    pub(super) fn dismiss_others(&mut self, webhooks: &[Arc<str>]) {
        let gone = self.posts.iter_mut().filter(|(name, _)| !webhooks.contains(name));
        gone.for_each(|(_, post)| post.briefs = None);
    }

    /// The webhooks with their rates; those of one group share one. What is used up of a rate that is the same, and of
    /// the mentions' budget, stays used up.
    fn places(&self, webhooks: Vec<WebhookSpec>, mentions: &MentionSpec, now: Time) -> Vec<Place> {
        let before: Vec<Place> =
            self.posts.values().filter_map(|post| Some(post.briefs.as_ref()?.borrow().own.clone())).collect();
        let mut groups: HashMap<Arc<str>, Arc<SharedLane>> = HashMap::new();
        let place = |spec: WebhookSpec| {
            let known = before.iter().find(|place| place.spec.name == spec.name);
            let lane = match &spec.rate_group {
                Some(group) => {
                    let of_group = |place: &&Place| place.spec.rate_group.as_ref() == Some(group);
                    let before = before.iter().find(of_group);
                    groups.entry(group.clone()).or_insert_with(|| lane(&spec, before, now)).clone()
                }
                None => {
                    let is_same =
                        |place: &&Place| place.spec.rate_group.is_none() && place.spec.url == spec.url;
                    lane(&spec, known.filter(is_same), now)
                }
            };
            let budget = known.filter(|_| self.mentions == *mentions).map(|place| place.budget.clone());
            let budget = budget.unwrap_or_else(|| Arc::new(Mutex::new(Budget::new(mentions.clone(), now))));
            Place { spec, lane, budget }
        };
        webhooks.into_iter().map(place).collect()
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

fn lane(spec: &WebhookSpec, before: Option<&Place>, now: Time) -> Arc<SharedLane> {
    match before {
        Some(before) if before.spec.rate == spec.rate => before.lane.clone(),
        Some(before) => Arc::new(before.lane.at_rate(spec.rate, now)),
        None => Arc::new(SharedLane::new(Lane::new(spec.rate, now))),
    }
}
