//! The inputs of a configuration, ready to be read.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Origin, Stream};
use crate::input::program::{Ending, OnExit};
use crate::input::{InputSpec, Source};
use crate::rule::Rule;
use crate::scan::Scanner;

/// The inputs of a configuration, with what looks at their lines.
#[derive(Debug)]
pub(super) struct Sources {
    /// With their scanners.
    pub(super) inputs: Vec<(InputSpec, Arc<Scanner>)>,
    pub(super) rules: Arc<[Rule]>,
    pub(super) host: Arc<str>,
    on_exit: Option<OnExit>,
    /// How files are read.
    pub(super) files: FilesTuning,
}

/// What holds for all inputs of files.
#[derive(Debug, Clone, Copy)]
pub(super) struct FilesTuning {
    /// How long a deleted file is held open.
    pub(super) deleted_max: Duration,
    /// How many of an input are read at once.
    pub(super) threads: usize,
}

impl Sources {
    /// Builds the scanners, which takes its time.
    pub(super) fn new(
        inputs: Vec<InputSpec>,
        rules: Arc<[Rule]>,
        host: Arc<str>,
        on_exit: Option<OnExit>,
        files: FilesTuning,
    ) -> Self {
        let scanner =
            |input: &InputSpec| Scanner::new(&input.name, input.line.clone(), rules.clone(), host.clone());
        let inputs = inputs.into_iter().map(|input| {
            let scanner = Arc::new(scanner(&input));
            (input, scanner)
        });
        Self { inputs: inputs.collect(), rules, host, on_exit, files }
    }

    /// The names of the inputs of files.
    pub(super) fn file_names(&self) -> Vec<Arc<str>> {
        let files = self.inputs.iter().filter(|(input, _)| matches!(input.source, Source::Files(_)));
        files.map(|(input, _)| input.name.clone()).collect()
    }

    /// The names of all inputs.
    pub(super) fn names(&self) -> impl Iterator<Item = Arc<str>> {
        self.inputs.iter().map(|(input, _)| input.name.clone())
    }

    /// What is told of the end of a program that is read as `input`.
    pub(super) fn ending(&mut self, input: &InputSpec) -> Ending {
        let origin = Arc::new(origin(input, None));
        Ending { on_exit: self.on_exit.take(), rules: self.rules.clone(), origin }
    }
}

/// Where the lines of an input that is no file come from.
pub(super) fn origin(input: &InputSpec, stream: Option<Stream>) -> Origin {
    Origin { input: input.name.clone(), file: None, stream, labels: input.labels.clone() }
}
