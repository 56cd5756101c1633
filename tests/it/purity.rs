//! The stations that decide do no I/O, read no clock and take no random number: time and jitter are arguments.

use std::path::{Path, PathBuf};

use regex::Regex;

/// Below `src`: files, and folders with all that lies in them.
const PURE: &[&str] = &[
    "line",
    "scan",
    "engine",
    "message",
    "shape",
    "suggest.rs",
    "excerpt.rs",
    "severity.rs",
    "mention.rs",
    "fields.rs",
    "rule.rs",
    "rules.rs",
    "pattern",
    "when.rs",
    "schedule.rs",
    "captures.rs",
    "event.rs",
    "around.rs",
    "agent/unfinished.rs",
    "expr.rs",
    "proof",
    "deliver/plan.rs",
    "deliver/batch.rs",
    "deliver/lane.rs",
    "deliver/mentions.rs",
    "flavor.rs",
    "deliver/answer.rs",
    "herald/limiter.rs",
    "input/program/death.rs",
    "input/program/tail.rs",
    "notice.rs",
    "board/timeline.rs",
    "board/health.rs",
    "board/stored.rs",
    "admin/metrics.rs",
    "admin/past.rs",
    "admin/silence.rs",
];

const FORBIDDEN: &str =
    r"\b(tokio|reqwest|notify|fastrand|SystemTime)\b|\bstd::(fs|env|net|thread)\b|\bInstant::now\b";

#[test]
fn what_decides_is_pure() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let forbidden = Regex::new(FORBIDDEN).unwrap();
    let mut found = Vec::new();
    let mut files = 0;
    for file in PURE.iter().flat_map(|part| rust_files(&sources.join(part))) {
        files += 1;
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in offences(&text, &forbidden) {
            found.push(format!("{}:{number}: {line}", file.strip_prefix(&sources).unwrap().display()));
        }
    }
    assert!(files >= 40, "only {files} files were found");
    assert!(found.is_empty(), "these belong outside:\n{}", found.join("\n"));
}

#[test]
fn tests_and_comments_may_name_what_is_forbidden() {
    let forbidden = Regex::new(FORBIDDEN).unwrap();
    let text = "use std::fs;\n// tokio\nlet now = Instant::now(); // now\n#[cfg(test)]\nmod support;\nuse fastrand;\n\
                #[cfg(test)]\n#[path = \"x\"]\nmod tests {\n    use std::env;\n}\nuse notify::Event;\nnotifies();\n";
    let found: Vec<usize> = offences(text, &forbidden).map(|(number, _)| number).collect();
    assert_eq!(found, [1, 3, 6, 12]);
}

fn rust_files(path: &Path) -> Vec<PathBuf> {
    assert!(path.exists(), "{} is not there: has it moved?", path.display());
    let entries = walkdir::WalkDir::new(path).sort_by_file_name().into_iter();
    let paths = entries.map(|entry| entry.expect("our own sources can be read").into_path());
    let of_tests = |path: &Path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        name == "tests"
            || name == "tests_support"
            || path.parent().is_some_and(|folder| folder.ends_with("tests"))
    };
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "rs") && !of_tests(path)).collect()
}

/// The lines outside of tests and comments in which something forbidden stands, numbered from 1.
fn offences<'a>(text: &'a str, forbidden: &Regex) -> impl Iterator<Item = (usize, &'a str)> {
    let mut in_test = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        in_test |= *line == "#[cfg(test)]";
        let offends = !in_test && forbidden.is_match(line.split("//").next().unwrap_or_default());
        // rustfmt ends an item of the outermost level so, and an attribute never.
        if *line == "}" || line.ends_with(';') && !line.starts_with(' ') {
            in_test = false;
        }
        offends
    })
}
