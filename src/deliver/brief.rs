//! What a worker goes by.

use std::sync::Arc;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::herald::Herald;
use crate::message::payload::Message;
use crate::rules::Rules;
use crate::store::Outbox;

use super::place::Place;
use super::post::Clients;

/// Where messages go.
#[derive(Clone)]
pub enum Transport {
    /// To the webhook's URL.
    Http(Clients),
    /// Nowhere: they are drawn for a person.
    Draw(Arc<dyn Fn(&Message) + Send + Sync>),
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Http(_) => "Http",
            Self::Draw(_) => "Draw",
        })
    }
}

/// What the workers of all webhooks share, as long as they run.
#[derive(Debug, Clone)]
pub struct Shared {
    /// What waits.
    pub outbox: Arc<Outbox>,
    /// Tells of broken webhooks.
    pub herald: Arc<Herald>,
    /// The engine's.
    pub clock: Arc<Clock>,
    /// `true` once nothing more will be decided.
    pub closing: watch::Receiver<bool>,
}

/// What one worker goes by until the next reload.
#[derive(Debug, Clone)]
pub struct Brief {
    /// The webhook.
    pub own: Place,
    /// Where its alerts go while it is broken.
    pub fallback: Option<Place>,
    /// For the messages' templates and colours.
    pub rules: Rules,
    /// This machine's name in messages.
    pub host: Arc<str>,
    /// Where messages go.
    pub transport: Transport,
}
