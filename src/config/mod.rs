//! YAML to checked, typed rules; every mistake as a diagnostic with its place.
//!
//! ```text
//! text ─▶ yaml (values) ─▶ expand, unsupported ─▶ decode (raw structs) ─▶ resolve (checked types)
//!    └──▶ spans (places) ─────────────────────────────┴───────────────────────┴─▶ diagnostics
//! ```
//!
//! A step that finds a mistake reports it, takes it out, and goes on with the rest: all mistakes are told at once.

mod decode;
mod describe;
mod diagnostic;
mod expand;
mod folders;
mod footprint;
mod layers;
mod load;
mod mask;
mod raw;
mod resolve;
mod scalar;
mod schema;
mod source;
mod spans;
mod spelling;
#[cfg(test)]
mod tests;
mod tests_file;
mod traps;
mod unsupported;
mod yaml;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use describe::{alerts, describe};
pub use diagnostic::{Diagnostic, Level, Other};
pub use folders::{Folders, Names};
pub use footprint::{Footprint, Print};
pub use load::{Loaded, from_str, load, load_for_exec, render, state_dir};
pub use schema::schema;
pub use source::Source;
pub use tests_file::{LoadedTests, load_tests};

use crate::admin::AdminSpec;
use crate::deliver::WebhookSpec;
use crate::deliver::mentions::MentionSpec;
use crate::engine::Silence;
use crate::herald::NoticesSpec;
use crate::input::InputSpec;
use crate::proof::case::Case;
use crate::rule::Rule;
use crate::store::HistorySpec;

/// A configuration without a mistake.
#[derive(Debug)]
pub struct Config {
    /// This machine's name in messages.
    pub host: Arc<str>,
    /// By the order of the files.
    pub webhooks: Vec<WebhookSpec>,
    /// How often a webhook's messages may call a channel, and when.
    pub mentions: MentionSpec,
    /// What nothing is posted of for a time.
    pub silences: Vec<Silence>,
    /// By the order of the files.
    pub inputs: Vec<InputSpec>,
    /// By the order of the files, without those that are not `enabled`.
    pub rules: Vec<Rule>,
    /// Where hooktail tells about itself.
    pub notices: NoticesSpec,
    /// The endpoint for whoever runs it; `None`: there is none.
    pub admin: Option<AdminSpec>,
    /// What is posted when the program of `hooktail exec` ends; `None`: nothing.
    pub on_exit: Option<OnExitSpec>,
    /// The rules' own tests, by the order of the files.
    pub tests: Vec<Case>,
    /// How many threads look through files at once.
    pub threads: usize,
    /// The bounds.
    pub limits: Limits,
    /// Where state is kept, if it says.
    pub state_dir: Option<PathBuf>,
    /// The files that it was read from, the main one first; none where it was no file.
    pub files: Vec<PathBuf>,
}

/// `on_exit`, checked.
#[derive(Debug)]
pub struct OnExitSpec {
    /// Says to whom and how; it takes no line.
    pub rule: Rule,
    /// How many of the program's last lines are shown.
    pub lines: usize,
    /// The exit statuses of which nobody is told.
    pub ok: Vec<u8>,
}

/// The bounds that the configuration may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Keys a rule.
    pub keys: usize,
    /// Alerts that wait a webhook.
    pub outbox: usize,
    /// A compiled regex, in bytes.
    pub regex: usize,
    /// How long a deleted file is held open.
    pub deleted_file: Duration,
    /// The alerts of the past.
    pub history: HistorySpec,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keys: 100_000,
            outbox: 2_000,
            regex: 10 * 1024 * 1024,
            deleted_file: Duration::from_secs(300),
            history: HistorySpec::default(),
        }
    }
}
