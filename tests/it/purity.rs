//! What decides reads no clock, takes no chance and does no I/O: `docs/architecture.md` promises it, and this reads the
//! sources for it.

use std::path::{Path, PathBuf};

/// The stations that decide; of `deliver` only the plan and the answers.
const PURE: [&str; 6] = ["line", "scan", "engine", "message", "deliver/plan.rs", "deliver/answer.rs"];

const IMPURE: [&str; 10] = [
    "tokio",
    "reqwest",
    "notify::",
    "std::fs",
    "std::env",
    "std::net",
    "std::thread",
    "fastrand",
    "Instant",
    "SystemTime",
];

#[test]
fn what_decides_reads_no_clock_takes_no_chance_and_does_no_io() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut read = 0;
    for file in PURE.iter().flat_map(|station| sources(&src.join(station))) {
        let text = std::fs::read_to_string(&file).expect("our own source can be read");
        // Tests may: they stand last.
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for line in code.lines().map(str::trim_start).filter(|line| !line.starts_with("//")) {
            let found = IMPURE.iter().find(|word| line.contains(**word));
            assert_eq!(found, None, "{}: {line}", file.display());
        }
        read += 1;
    }
    assert!(read > 30, "only {read} sources were found");
}

fn sources(station: &Path) -> Vec<PathBuf> {
    walkdir::WalkDir::new(station)
        .into_iter()
        .map(|entry| entry.expect("our own sources can be listed").into_path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .filter(|path| path.file_stem().is_none_or(|name| name != "tests"))
        .collect()
}
