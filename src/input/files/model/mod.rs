//! The reader against a model of the world: writers that append, rename, truncate, copy, delete, link and replace at
//! random, polls and commits and crashes between, and an oracle that knows each line.
//!
//! What is shown: a line that was whole on the disk at a poll, in a file that a glob names or that was read before, and
//! was there until the next commit, is handed on exactly once, through all crashes. More than once only where a file was
//! cut to a part of itself, where a copy was made of what was read less than a kibibyte of, or where a copy goes on on its
//! own: then the content doesn't say that it is the same. Nothing is handed on that nobody wrote.

mod play;
mod world;

use play::Play;

/// Plays `steps` steps of the games that `seed` and its followers name, each from an empty world.
fn play(seed: u64, steps: usize) {
    for game in 0.. {
        if game * STEPS_A_GAME >= steps {
            break;
        }
        Play::new(seed + game as u64).run(STEPS_A_GAME);
    }
}

/// Long enough for files to be rotated away and forgotten, short enough to be looked through.
const STEPS_A_GAME: usize = 500;

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
