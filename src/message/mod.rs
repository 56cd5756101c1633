//! Alerts to payloads, and the one renderer that draws a payload. No I/O, no clock.

pub mod draw;
pub mod payload;
pub mod redact;
pub mod template;
