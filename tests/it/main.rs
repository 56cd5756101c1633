//! The integration tests: one binary, a file a feature.

mod agent;
mod client;
mod damage;
mod delivery;
mod exec;
mod files;
mod flavours;
mod help;
mod notices;
mod oracle;
mod page;
mod pipe;
mod purity;
mod readme;
mod receiver;
mod refusals;
mod replay;
mod rotation;
mod rule_tests;
mod scene;
mod secrets;
mod sink;
mod state;
