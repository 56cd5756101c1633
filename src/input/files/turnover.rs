//! What a reload changes of the inputs of files, between two of their turns: then nothing is held of any line.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::event::Origin;
use crate::input::feed::EngineGone;
use crate::store::{Record, Space};

use super::cutter::{Cutter, patience};
use super::discover::Globs;
use super::disk::{Disk, FileId, RealDisk};
use super::input::{FilesInput, GLOBS_KEY};
use super::lanes::Lanes;
use super::{FilesError, Reader, Reading, setup};

/// These inputs are read from now on, and no others.
#[derive(Debug)]
pub struct Turnover {
    /// Those that are read already go on where they are: their `positions` count only where they are new.
    pub inputs: Vec<Reading>,
    /// Brings, once it was looked what is there, the positions of those inputs that are read no longer: for when they come
    /// back.
    pub done: oneshot::Sender<Vec<Record>>,
}

impl Reader {
    pub(super) fn turn_over(&mut self, turnover: Turnover) -> Result<(), FilesError> {
        let Turnover { inputs, done } = turnover;
        let open_max = super::open_max(inputs.len());
        let mut before = std::mem::take(&mut self.inputs);
        for reading in inputs {
            let known = before.iter().position(|input| input.name == reading.name);
            self.inputs.push(match known {
                Some(place) => {
                    let mut input = before.swap_remove(place);
                    input.go_on(reading, open_max)?;
                    input
                }
                None => {
                    let (setup, positions) = setup(reading, self.until, open_max);
                    FilesInput::new(RealDisk, setup, &positions)?
                }
            });
        }
        let mut positions = Vec::new();
        for input in &mut before {
            input.feed.flush()?;
            positions.extend(input.positions());
        }
        self.looking = Some((done, positions));
        Ok(())
    }
}

impl<D: Disk> FilesInput<D> {
    /// Goes on as `reading` says.
    fn go_on(&mut self, reading: Reading, open_max: usize) -> Result<(), FilesError> {
        let Reading { spec, labels, name: _, feed, positions: _, deleted_max, threads, gauge } = reading;
        self.feed.tune(feed.tuning())?;
        self.lanes = Lanes::new(threads);
        let mut globs = Globs::new(&spec)?;
        globs.used_before(&self.globs.used());
        (self.spec, self.globs) = (spec, globs);
        (self.deleted_max, self.open_max, self.gauge) = (deleted_max, open_max, gauge);
        (self.cutter, self.patience) = (Cutter::new(self.feed.line_spec()), patience(self.feed.line_spec()));
        // What waits for the rest of its event is read again, as it is joined now.
        self.tails.values_mut().for_each(|tail| tail.kept = None);
        if self.labels != labels {
            self.labels = labels;
            for tail in self.tails.values_mut() {
                let Origin { input, file, stream, .. } = &*tail.origin;
                let (input, file, stream) = (input.clone(), file.clone(), *stream);
                tail.origin = Arc::new(Origin { input, file, stream, labels: self.labels.clone() });
            }
        }
        Ok(self.let_go_of_unnamed()?)
    }

    /// What the globs no longer name is not read on, as it would be if it had been moved away; where it is read to is
    /// remembered.
    fn let_go_of_unnamed(&mut self) -> Result<(), EngineGone> {
        let now = self.feed.now();
        let before: HashSet<FileId> = self.names.values().copied().collect();
        self.names.retain(|path, _| self.globs.name(path).is_some());
        let named: HashSet<FileId> = self.names.values().copied().collect();
        let unnamed = |file: &FileId| before.contains(file) && !named.contains(file);
        let unnamed = self.tails.values().filter(|tail| tail.position.file.as_ref().is_some_and(unnamed));
        let unnamed: Vec<_> = unnamed.map(|tail| tail.generation).collect();
        for generation in unnamed {
            if let Some(tail) = self.remove(generation) {
                self.keep(generation, tail.position, now);
            }
        }
        self.feed.flush()
    }

    /// All that is remembered of it, as it is stored.
    fn positions(&self) -> Vec<Record> {
        let tails = self.tails.values().map(|tail| (tail.generation, &tail.position));
        let gone = self.gone.iter().map(|(generation, position)| (*generation, position));
        let records = tails.chain(gone).map(|(generation, position)| position.record(&self.name, generation));
        let globs = Record {
            space: Space::Position,
            owner: self.name.clone(),
            key: GLOBS_KEY.into(),
            value: Some(serde_json::to_vec(&self.globs.used()).unwrap_or_default().into()),
        };
        records.chain([globs]).collect()
    }
}
