//! Standard input, or a program's streams in its place: what of it a reload changes.

use std::sync::Arc;

use crate::event::Stream;
use crate::input::feed::Tuning;
use crate::input::program::Ending;
use crate::input::slot::Slot;
use crate::input::stdin::StreamTuning;
use crate::input::{InputSpec, Source};
use crate::scan::Scanner;

use super::sources::origin;

/// Standard input, or a program's streams, and where they are left what a reload changes.
#[derive(Debug)]
pub(super) struct StreamInput {
    /// As it is in the configuration.
    pub(super) spec: InputSpec,
    /// One, or one a stream of a program.
    pub(super) tunings: Vec<(Option<Stream>, Arc<Slot<StreamTuning>>)>,
    /// Where the readers of a program's streams are left what is told of its end.
    pub(super) endings: Arc<Slot<Ending>>,
}

impl StreamInput {
    /// Leaves its readers what they go by from now on. Returns what stays as it was until a restart, by its key.
    pub(super) fn tune(&mut self, input: &InputSpec, scanner: Arc<Scanner>) -> Vec<String> {
        let mut kept = Vec::new();
        let is_watched = !input.name.is_empty();
        if is_watched && passthrough(input) != passthrough(&self.spec) {
            kept.push(format!("`inputs.{}.passthrough`", input.name));
        }
        let mut line = input.line.clone();
        if line.line_bytes_max != self.spec.line.line_bytes_max {
            kept.push(format!("`inputs.{}.max_line`", input.name));
            line.line_bytes_max = self.spec.line.line_bytes_max;
        }
        if line.encoding != self.spec.line.encoding {
            kept.push(format!("`inputs.{}.encoding`", input.name));
            line.encoding = self.spec.line.encoding;
        }
        // Regexes have no other likeness than how they are written.
        if format!("{:?}", line.multiline) != format!("{:?}", self.spec.line.multiline) {
            kept.push(format!("`inputs.{}.multiline`", input.name));
            line.multiline.clone_from(&self.spec.line.multiline);
        }
        for (stream, tunings) in &self.tunings {
            let tuning = Tuning { scanner: scanner.clone(), line: line.clone() };
            tunings.put(StreamTuning { origin: Arc::new(origin(input, *stream)), tuning });
        }
        kept
    }
}

fn passthrough(input: &InputSpec) -> bool {
    matches!(input.source, Source::Stdin { passthrough: true })
}
