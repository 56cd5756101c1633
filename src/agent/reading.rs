//! The agent while it reads: until all inputs have ended, and the engine after them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::store::WriteError;

use super::decide::Finish;
use super::inputs::Reader;
use super::{Agent, AgentError, sleep_until};

/// Of the grace that a stop is given, standard input is read for so much at most: the rest is for delivering.
const READING_SHARE: f64 = 0.8;

impl Agent {
    /// Until all inputs have ended, and the engine after them. Returns what went wrong first.
    pub(super) async fn read(&mut self, stops: &mut mpsc::Receiver<()>) -> Option<AgentError> {
        let mut failure = None;
        let mut reading_ends: Option<Instant> = None;
        let store = self.store.clone();
        let decided = loop {
            tokio::select! {
                Some(ended) = self.inputs.ended() => {
                    match ended {
                        Ok(Reader::Files | Reader::Stdin) => {}
                        Ok(Reader::Program) => {
                            self.reloads.stop();
                            self.inputs.stop_files();
                        }
                        Err(error) => {
                            failure.get_or_insert(error);
                            self.stop_reading();
                        }
                    }
                }
                Some(ended) = self.engine.join_next() => break ended,
                step = self.reloads.next() => self.reload(step),
                error = store.failed() => return Some(self.give_up(error)),
                Some(()) = stops.recv() => match reading_ends {
                    None => {
                        let now = Instant::now();
                        self.deadline = Some(now + self.options.grace);
                        reading_ends = Some(now + self.options.grace.mul_f64(READING_SHARE));
                        self.stopping.store(true, Ordering::Relaxed);
                        self.reloads.stop();
                        self.inputs.wind_down();
                        tracing::info!(grace = ?self.options.grace, "stopping: delivering what waits");
                    }
                    Some(_) => {
                        self.deadline = Some(Instant::now());
                        self.stop_reading();
                        self.inputs.stop_program();
                    }
                },
                () = sleep_until(reading_ends.filter(|_| self.patience.is_some())) => {
                    self.stop_reading();
                    self.inputs.stop_program();
                }
            }
        };
        match decided.map_err(AgentError::from) {
            Ok(Ok((decider, finish))) => {
                self.decided = Some(decider);
                failure = failure.or(self.rest(finish).await);
            }
            Ok(Err(error)) => return Some(self.give_up(Arc::new(error))),
            Err(panic) => {
                self.stop_reading();
                failure.get_or_insert(panic);
            }
        }
        failure
    }

    /// Passes on what a program writes although nothing is watched any more, until its end.
    pub(super) async fn outlive_program(&mut self, stops: &mut mpsc::Receiver<()>) {
        if !self.inputs.has_program() {
            return;
        }
        loop {
            tokio::select! {
                ended = self.inputs.ended() => if ended.is_none() { return },
                Some(()) = stops.recv() => self.inputs.stop_program(),
            }
        }
    }

    /// No input is waited for any longer, nor a full disk.
    fn stop_reading(&mut self) {
        self.reloads.stop();
        self.inputs.stop();
        self.patience = None;
    }

    /// The readers' ends, which come with the engine's.
    async fn rest(&mut self, finish: Finish) -> Option<AgentError> {
        self.stop_reading();
        let mut failure = None;
        while let Some(ended) = self.inputs.ended().await {
            if let Err(error) = ended {
                failure.get_or_insert(error);
            }
        }
        match finish {
            Finish::Whole => failure,
            Finish::GaveUp => {
                // That the engine is gone is then no failure of the readers.
                tracing::error!(
                    "the state could not be written until the stop: what was read since the last commit is read again at \
                     the next start, and of standard input it is lost"
                );
                None
            }
        }
    }

    /// The state can't be written any more: whatever is done from now on would be forgotten.
    pub(super) fn give_up(&mut self, error: Arc<WriteError>) -> AgentError {
        self.stop_reading();
        self.workers.abort();
        AgentError::Store(error)
    }
}
