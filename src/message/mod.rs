//! Alerts to payloads, and the one renderer that draws a payload. No I/O, no clock.
//!
//! Log text comes in as `&str` and leaves as [`escape::Mrkdwn`], which nothing but escaping can make of it:
//! [`clean`] shows what is invisible, [`escape`] takes Slack's markup out, [`markup`] does both around an author's own
//! markup. [`redact`] has been over an alert before any of them sees it.

mod alert_scope;
mod body;
pub mod clean;
mod dialect;
pub mod draw;
pub mod escape;
pub mod frame;
mod gutter;
mod headline;
mod link;
pub mod markup;
pub mod payload;
pub mod redact;
pub mod redact_alert;
mod redact_context;
pub mod render;
mod scope;
pub mod simplest;
pub mod template;
pub mod thousands;
mod words;

#[cfg(test)]
mod tests;
