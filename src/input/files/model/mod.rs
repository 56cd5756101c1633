//! The reader against a model of the world: writers that append, rename, truncate, copy, delete, link and replace at
//! random, polls and commits and crashes between, and an oracle that knows each line.
//!
//! What is shown: a line that was whole on the disk at a poll, in a file that a glob names or that was read before, and
//! was there until the next commit, is handed on exactly once, through all crashes. More than once only where a file was
//! cut to a part of itself, where a copy was made of what was read less than a kibibyte of, where a copy goes on on its
//! own, or where it is given its original's number within a tick of the clock: then nothing says which it is. Nothing is
//! handed on that nobody wrote.

mod bench;
mod one_file;
mod play;
mod rows;
mod world;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use globset::GlobSet;

use crate::clock::Clock;
use crate::input::batch::Batch;
use crate::input::feed::{Feed, Tuning};
use crate::input::{FilesSpec, Start};
use crate::line::LineSpec;
use crate::rule::Rule;
use crate::scan::Scanner;
use crate::store::Record;
use crate::time::Time;

use super::Until;
use super::input::{FilesInput, Setup};
use super::lanes::Lanes;
use play::Play;
use world::{ModelDisk, Shared};

/// Each line is handed on.
const RULES: &str = r#"
webhooks: { w: { url: "https://hooks.slack.com/services/T0/B0/x" } }
inputs: { m: { files: /x } }
rules: [{ name: all, match: "" }]
"#;

fn rules() -> Arc<[Rule]> {
    let loaded = crate::config::from_str(RULES, "rules", Path::new("."), &|_| None);
    loaded.config.expect("a good configuration").rules.into()
}

/// How a reader reads.
#[derive(Debug, Clone)]
struct Manner {
    line: LineSpec,
    open_max: usize,
    threads: usize,
    /// A batch is handed on after so many lines.
    batch_lines: usize,
}

impl Manner {
    /// By one thread, without any need.
    fn plain(line: LineSpec) -> Self {
        Self { line, open_max: 100, threads: 1, batch_lines: 512 }
    }
}

/// More than a turn hands on: nobody receives meanwhile.
const BATCHES_MAX: usize = 10_000;

/// A reader of `world` that has had its first look, and what it hands on.
fn reader(
    world: &Shared,
    rules: &Arc<[Rule]>,
    manner: Manner,
    stored: &[Record],
) -> (FilesInput<ModelDisk>, Receiver<Batch>) {
    let Manner { line, open_max, threads, batch_lines } = manner;
    let (sender, receiver) = sync_channel(BATCHES_MAX);
    let scanner = Arc::new(Scanner::new("m", line.clone(), rules.clone(), "h".into()));
    let setup = Setup {
        name: "m".into(),
        labels: Vec::new(),
        spec: FilesSpec {
            globs: vec!["/l/?.log".into(), "/l/?.log.in.*".into()],
            exclude: GlobSet::empty(),
            start: Start::End,
            poll: Duration::from_secs(1),
            follow_symlinks: true,
        },
        feed: Feed::new("m".into(), Tuning { scanner, line }, Arc::new(Clock::start()), sender)
            .in_batches_of(batch_lines),
        lanes: Lanes::new(threads).for_shares_of(1),
        until: Until::Stopped,
        deleted_max: Duration::from_secs(300),
        open_max,
        gauge: Arc::default(),
    };
    let mut input = FilesInput::new(ModelDisk(world.clone()), setup, stored).expect("good globs");
    let now = Time::from_nanos(world.borrow().now);
    // Nothing is read before a look.
    input.look(now);
    (input, receiver)
}

/// Plays `steps` steps of the games that `seed` and its followers name, each from an empty world.
fn play(seed: u64, steps: usize) {
    for game in 0.. {
        if game * STEPS_A_GAME >= steps {
            break;
        }
        let seed = seed + game as u64;
        Play::new(seed, THREADS[(seed / 6) as usize % THREADS.len()]).run(STEPS_A_GAME);
    }
}

/// How many threads read, in one game or another.
const THREADS: [usize; 3] = [1, 2, 3];

/// Long enough for files to be rotated away and forgotten, short enough to be looked through.
const STEPS_A_GAME: usize = 500;

/// Each of these found a fault: a number given anew to a file that begins alike, lines that waited for the rest of their
/// event when their file was closed or replaced, a lost file that a copy was taken for, a copy that failed to be read
/// when its original was over.
const FAULTS_FOUND: [u64; 17] =
    [195, 280, 342, 357, 393, 472, 508, 510, 559, 574, 736, 744, 793, 798, 806, 984, 990];

#[test]
fn games_that_found_a_fault_find_none() {
    for threads in THREADS {
        FAULTS_FOUND.into_iter().for_each(|seed| Play::new(seed, threads).run(STEPS_A_GAME));
    }
}

/// 50,000 steps in CI; `HOOKTAIL_MODEL_STEPS` and `HOOKTAIL_MODEL_SEED` ask for others.
#[test]
fn each_line_is_handed_on_once_whatever_happens() {
    let from_env = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let steps = from_env("HOOKTAIL_MODEL_STEPS").unwrap_or(50_000);
    let seed = from_env("HOOKTAIL_MODEL_SEED").unwrap_or(1);
    println!("seed {seed}, {steps} steps");
    if std::env::var_os("HOOKTAIL_MODEL_TRACE").is_some() {
        let all =
            tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).without_time().with_ansi(false);
        let _ = all.with_writer(std::io::stderr).try_init();
    }
    play(seed, steps as usize);
}
