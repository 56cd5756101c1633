//! The integration tests: one binary, a file a feature.

mod client;
mod page;
mod purity;
mod readme;
mod receiver;
mod sink;
