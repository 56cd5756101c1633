//! The project's own receiver, for trying things out and for tests: it takes what Slack takes, refuses what Slack
//! refuses in Slack's own words, and shows each message on a page.
//!
//! [`judge`] is pure and is what the tests' scripted receiver uses too; [`Receiver`] listens and answers. It is not
//! Slack: `blocks` are taken but neither checked nor drawn, and forms (`payload=…`) are refused.

mod attachment;
mod audit;
mod judge;
mod page;
mod server;
mod strict;

pub use audit::{Live, live};
pub use judge::{BODY_BYTES_MAX, Verdict, judge, misdirected, rate_limited};
pub use server::{Counts, Options, Received, Receiver, Viewers};

/// The path of a webhook to try things with.
pub const SAMPLE_PATH: &str = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";
