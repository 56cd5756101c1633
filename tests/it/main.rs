//! The integration tests: one binary, a file a feature.

mod client;
mod page;
mod readme;
mod receiver;
mod sink;
