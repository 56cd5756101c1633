//! hooktail tails logs, matches rules on their lines, folds repeats together, and posts what matters to Slack.
//!
//! One process, one pipeline; data goes one way:
//!
//! ```text
//! inputs ─▶ lines ─▶ scan ─▶ engine ─▶ outbox ─▶ plan ─▶ message ─▶ webhook
//! ```
//!
//! Each module is one station of that line and knows only the type that it takes and the type that it hands on.
//! `line`, `scan`, `engine`, `message` and `deliver`'s plan and answers do no I/O, read no clock and make no random
//! choice: time and jitter are arguments.

pub mod admin;
pub mod agent;
pub mod around;
pub mod board;
pub mod captures;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod engine;
pub mod event;
pub mod excerpt;
pub mod expr;
pub mod fields;
pub mod flavor;
pub mod herald;
pub mod input;
pub mod line;
pub mod mention;
pub mod message;
pub mod notice;
pub mod pattern;
pub mod proof;
pub mod pulse;
pub mod rate;
pub mod reload;
pub mod replay;
pub mod report;
pub mod rule;
pub mod rules;
pub mod scan;
pub mod schedule;
pub mod secret;
pub mod severity;
pub mod shape;
pub mod sink;
pub mod store;
pub mod suggest;
pub mod supervisor;
pub mod thread;
pub mod time;
mod web;
mod when;
