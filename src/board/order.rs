//! What somebody wants changed in the running agent: done by the engine's thread, which owns what it changes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use tokio::sync::oneshot;

use crate::engine::Silence;
use crate::input::bell::Bell;

/// More than wait at once would be no person's doing.
const ORDERS_WAITING: usize = 16;

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// This silence holds from now on.
    Silence(Silence),
    /// The silence of this id ends now.
    Expire(Arc<str>),
}

/// Why it was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Too much waits already.
    #[error("the agent is busy with other orders: try again")]
    Busy,
    /// It ends.
    #[error("the agent is stopping")]
    Stopping,
    /// There is none of this id.
    #[error("there is no silence `{0}`")]
    NoSuchSilence(Arc<str>),
    /// It is not ours to end.
    #[error("`{0}` is a silence of the configuration\nhelp: take it out of `silences` there")]
    OfTheFile(Arc<str>),
    /// There are as many as there may be.
    #[error("there are {0} silences already\nhelp: end some of them with `hooktail silence expire ID`")]
    TooMany(usize),
}

/// An order, and who waits for its end.
pub type Placed = (Order, oneshot::Sender<Result<(), OrderError>>);

/// The way to the engine's thread.
#[derive(Debug, Clone)]
pub struct OrderWay {
    sender: SyncSender<Placed>,
    bell: Bell,
}

impl OrderWay {
    /// The way, and its end, where `bell` rings.
    pub fn new(bell: Bell) -> (Self, Receiver<Placed>) {
        let (sender, receiver) = sync_channel(ORDERS_WAITING);
        (Self { sender, bell }, receiver)
    }

    /// Has something done, and waits until it is stored.
    ///
    /// # Errors
    /// It was not done.
    pub async fn place(&self, order: Order) -> Result<(), OrderError> {
        let (done, told) = oneshot::channel();
        self.sender.try_send((order, done)).map_err(|error| match error {
            TrySendError::Full(_) => OrderError::Busy,
            TrySendError::Disconnected(_) => OrderError::Stopping,
        })?;
        self.bell.ring();
        told.await.unwrap_or(Err(OrderError::Stopping))
    }
}
