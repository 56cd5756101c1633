//! Rings for the engine's thread, which sleeps while there is nothing to do.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Weak};

use super::batch::Batch;

/// Has the engine's thread look up. It does not keep the way to that thread open: the thread ends with the last reader,
/// whoever may still ring.
#[derive(Debug, Clone)]
pub struct Bell(Weak<SyncSender<Batch>>);

impl Bell {
    /// By the way of the readers.
    pub fn of(way: &Arc<SyncSender<Batch>>) -> Self {
        Self(Arc::downgrade(way))
    }

    /// Rings.
    pub fn ring(&self) {
        if let Some(way) = self.0.upgrade() {
            // Where there is no room, the thread has much to do, and looks up after each of it.
            let _ = way.try_send(Batch::bell());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::TryRecvError;

    use super::*;
    use crate::input::batch;

    #[test]
    fn it_rings_as_long_as_somebody_reads_and_keeps_nothing_open() {
        let (way, engine) = batch::channel();
        let way = Arc::new(way);
        let bell = Bell::of(&way);
        // More often than there is room for.
        (0..100).for_each(|_| bell.ring());
        assert!(engine.try_iter().all(|batch| batch.is_bell()));
        bell.ring();
        assert!(engine.try_recv().is_ok_and(|batch| batch.is_bell()));
        drop(way);
        bell.ring();
        assert!(matches!(engine.try_recv(), Err(TryRecvError::Disconnected)));
    }
}
