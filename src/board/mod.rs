//! How the running agent stands: what its stations publish, for whoever asks. Nobody who publishes waits for anybody who
//! asks; what is asked for often is drawn from the same copy.
//!
//! The engine's thread publishes a [`View`] when it is asked for one, and each second while it has something new; the
//! readers set their [`Gauge`], the webhooks' workers their [`Tally`]. What changes something in the agent is an [`Order`]
//! to the engine's thread.

mod drawing;
mod gauge;
mod health;
mod ledger;
mod order;
mod process;
mod status;
mod stored;
mod timeline;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

pub use gauge::{Gauge, Gauged};
pub use health::{About, Problem};
pub use ledger::{Ledger, RuleView, View};
pub use order::{Order, OrderError, OrderWay, Placed};
pub use process::Process;
pub use status::{
    Answered, Episode, Gates, InputStatus, LastReload, RuleStatus, Series, SilenceStatus, Status,
    StoreStatus, WebhookStatus,
};
pub use timeline::{MINUTES, Part, QUARTERS, Timeline};

use crate::clock::Clock;
use crate::deliver::tally::Tally;
use crate::input::bell::Bell;
use crate::pulse::Pulse;
use crate::reload;
use crate::rule::Rule;
use crate::store::Outbox;
use crate::time::Time;

/// The open episodes are gone through only while somebody looks: for so long after they were asked for.
const LOOKED_AT_FOR: Duration = Duration::from_secs(30);

/// For a view that is older than this, a newer one is asked for: so whoever asks often has it made no oftener.
const FRESH: Duration = Duration::from_secs(1);

/// How long a newer view is waited for: the engine's thread may wait for a full disk.
const FRESH_WITHIN: Duration = Duration::from_secs(3);

/// An input as it is read.
#[derive(Debug, Clone)]
pub struct InputSeat {
    /// Its name.
    pub name: Arc<str>,
    /// `files`, `stdin`, …
    pub source: &'static str,
    /// What its reader sees; `None`: there is nothing to see but what it reads.
    pub gauge: Option<Arc<Gauge>>,
}

/// A webhook as it is delivered to.
#[derive(Debug, Clone)]
pub struct WebhookSeat {
    /// Its name.
    pub name: Arc<str>,
    /// Its URL, masked.
    pub url: String,
    /// What its worker counts, and how it stands.
    pub tally: Arc<Tally>,
}

/// What the agent is made of now: another after a reload.
#[derive(Debug, Clone, Default)]
pub struct Seats {
    /// By the order of the configuration.
    pub inputs: Vec<InputSeat>,
    /// By the order of the configuration.
    pub webhooks: Vec<WebhookSeat>,
    /// By the order of the configuration.
    pub rules: Arc<[Rule]>,
}

/// What a board is made with.
#[derive(Debug)]
pub struct Known {
    /// The machine's name in messages.
    pub host: Arc<str>,
    /// Whose clock tells the times.
    pub clock: Arc<Clock>,
    /// What waits, and the history.
    pub outbox: Arc<Outbox>,
    /// Where state is kept; `None`: in memory.
    pub state_dir: Option<PathBuf>,
    /// The way to the engine's thread.
    pub orders: OrderWay,
    /// Has it publish a view.
    pub bell: Bell,
    /// Of the engine's thread.
    pub pulse: Arc<Pulse>,
    /// What came of the last reload.
    pub last_reload: Arc<reload::LastReload>,
}

/// What everybody publishes to, and everything is drawn from.
#[derive(Debug)]
pub struct Board {
    known: Known,
    started: Time,
    seats: Mutex<Seats>,
    view: watch::Sender<Arc<View>>,
    /// When somebody last asked for the open episodes, in nanoseconds.
    asked: AtomicI64,
    /// Somebody waits for a view.
    wanted: AtomicBool,
    /// The disk is full: the engine's thread waits.
    disk_full: AtomicBool,
    /// Nothing more is read: no other view follows.
    over: AtomicBool,
}

impl Board {
    /// Of an agent that starts now.
    pub fn new(known: Known) -> Self {
        let (view, _) = watch::channel(Arc::default());
        Self {
            started: known.clock.now(),
            known,
            seats: Mutex::default(),
            view,
            asked: AtomicI64::new(i64::MIN),
            wanted: AtomicBool::new(false),
            disk_full: AtomicBool::new(false),
            over: AtomicBool::new(false),
        }
    }

    /// The agent is made of this from now on.
    pub fn seat(&self, seats: Seats) {
        *self.lock() = seats;
    }

    /// What it is made of.
    pub fn seats(&self) -> Seats {
        self.lock().clone()
    }

    /// The engine stands so.
    pub fn publish(&self, view: View) {
        self.view.send_replace(Arc::new(view));
    }

    /// Whether the engine's thread waits for room on the disk.
    pub fn set_disk_full(&self, full: bool) {
        self.disk_full.store(full, Ordering::Relaxed);
    }

    /// The view that was published is the last.
    pub fn is_over(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has waited for a view since the last call.
    pub fn take_wanted(&self) -> bool {
        self.wanted.swap(false, Ordering::AcqRel)
    }

    /// Whether somebody asked for the open episodes lately.
    pub fn is_looked_at(&self, now: Time) -> bool {
        let asked = self.asked.load(Ordering::Relaxed);
        asked != i64::MIN && now.since(Time::from_nanos(asked)) < LOOKED_AT_FOR
    }

    /// How the engine stands, with the open episodes: no older than a second, unless the engine's thread is held up.
    pub async fn view(&self) -> Arc<View> {
        let now = self.now();
        self.asked.store(now.as_nanos(), Ordering::Relaxed);
        let mut views = self.view.subscribe();
        let fresh = |view: &Arc<View>| view.survey.is_some() && self.now().since(view.at) < FRESH;
        if !self.over.load(Ordering::Relaxed) && !fresh(&self.view.borrow()) {
            self.wanted.store(true, Ordering::Release);
            self.known.bell.ring();
            // What is there after that is the last that is known.
            let _ = tokio::time::timeout(FRESH_WITHIN, views.wait_for(fresh)).await;
        }
        Arc::clone(&self.view.borrow())
    }

    /// To be given to the engine's thread.
    pub fn orders(&self) -> &OrderWay {
        &self.known.orders
    }

    /// The machine's name in messages.
    pub fn host(&self) -> &str {
        &self.known.host
    }

    /// Whose clock tells the times.
    pub fn now(&self) -> Time {
        self.known.clock.now()
    }

    /// What waits, and the history.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.known.outbox
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
