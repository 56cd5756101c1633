//! Alerts to payloads, and the one renderer that draws a payload. No I/O, no clock.

pub mod clean;
pub mod payload;
pub mod redact;
pub mod template;
mod thousands;

#[cfg(test)]
mod tests;
