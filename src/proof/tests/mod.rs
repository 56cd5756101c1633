//! Tests of tests, explanations and replays, each on a whole configuration.

mod explain;
mod trial;

use std::path::Path;

use super::case::Case;
use super::rehearsal::Stations;
use crate::config::{self, Config};

/// What stands above the rules of a test: lines 1 and 2.
const HEAD: &str = "webhooks: { ops: { url: \"http://127.0.0.1:9/services/T0/B0/X\" } }
inputs: { app: { files: /var/log/app.log } }
";

fn config(rules: &str) -> Config {
    let loaded = config::from_str(&format!("{HEAD}{rules}"), "hooktail.yaml", Path::new("/"), &|_| None);
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.render(false));
    loaded.config.expect("nothing is wrong")
}

fn stations(rules: &str) -> (Vec<Case>, Stations) {
    let mut config = config(rules);
    let tests = std::mem::take(&mut config.tests);
    (tests, Stations::new(config))
}
