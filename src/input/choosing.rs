//! A filter that is chosen for a stream while it is read on: with many rules that takes longer than reading may stand still.

use std::panic;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::scan::{Chosen, Scanner};

/// One choice at a time.
#[derive(Debug, Default)]
pub(super) struct Choosing {
    running: Option<(Arc<Scanner>, JoinHandle<Chosen>)>,
    /// What the next one is for.
    waiting: Option<(Arc<Scanner>, Vec<u8>)>,
}

impl Choosing {
    /// For a stream that `scanner` looks at, and of which `sample` is some.
    pub(super) fn begin(&mut self, scanner: &Arc<Scanner>, sample: Vec<u8>) {
        self.waiting = Some((scanner.clone(), sample));
        self.go_on();
    }

    fn go_on(&mut self) {
        if self.running.is_some() {
            return;
        }
        let Some((scanner, sample)) = self.waiting.take() else { return };
        let chooser = scanner.clone();
        let thread = thread::Builder::new().name("filter".to_owned());
        match thread.spawn(move || chooser.choose(&sample)) {
            Ok(thread) => self.running = Some((scanner, thread)),
            Err(error) => {
                tracing::warn!(%error, "the system makes no further thread: lines are found as before");
            }
        }
    }

    /// What was chosen for `scanner`, once, when it is there.
    pub(super) fn chosen(&mut self, scanner: &Arc<Scanner>) -> Option<Chosen> {
        let (chooser, thread) = self.running.take_if(|(_, thread)| thread.is_finished())?;
        let chosen = thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked));
        self.go_on();
        // A reload may have come between.
        Arc::ptr_eq(&chooser, scanner).then_some(chosen)
    }

    /// Whether one is being chosen.
    #[cfg(test)]
    pub(super) const fn is_running(&self) -> bool {
        self.running.is_some()
    }
}

impl Drop for Choosing {
    fn drop(&mut self) {
        if let Some((_, thread)) = self.running.take() {
            // Whoever reads is over; a panic was told when it happened.
            let _ = thread.join();
        }
    }
}
