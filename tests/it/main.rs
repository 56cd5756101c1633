//! The integration tests: one binary, a file a feature.

mod client;
mod page;
mod receiver;
mod sink;
