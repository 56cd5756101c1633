//! The README and the pages for whoever runs it do what they say: its rule files are accepted, its commands run, its commands exist.
//!
//! Three sorts of blocks: `yaml` is a whole rule file, which is saved as `hooktail.yaml`; `console` holds commands
//! after `$ `, run by a shell in that same folder, in the README's order, each with what its output must hold in the
//! lines below it; `sh` holds commands that need the network or another program, of which only the names are checked.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const HOOKTAIL: &str = env!("CARGO_BIN_EXE_hooktail");
const WEBHOOK: &str = "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";

/// A fenced block: the first word after the fence, and what stands in it.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    language: String,
    text: String,
}

/// A command of a `console` block, and the lines of output that follow it.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    output: Vec<String>,
}

#[test]
fn the_readme_runs() {
    assert!(run_page("README.md") >= 4, "the README or this test has lost some blocks");
}

#[test]
fn the_pages_run() {
    for (page, least) in [("docs/operations.md", 5), ("docs/security.md", 1), ("docs/reference.md", 2)] {
        let ran = run_page(page);
        assert!(ran >= least, "only {ran} blocks of {page} were run: it or this test has lost some");
    }
}

/// Runs what a page says, in a folder of its own; how much that was.
fn run_page(page: &str) -> usize {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut ran = 0;
    for block in blocks(&read(page)) {
        match block.language.as_str() {
            "yaml" => {
                std::fs::write(folder.path().join("hooktail.yaml"), &block.text).expect("the folder is ours");
                run(
                    &Step { command: "hooktail check -c hooktail.yaml".into(), output: vec![] },
                    folder.path(),
                );
                ran += 1;
            }
            "console" => {
                for step in steps(&block.text) {
                    run(&step, folder.path());
                    ran += 1;
                }
            }
            "sh" | "text" => {}
            other => panic!("{page} has a block of `{other}`, which nobody checks"),
        }
    }
    ran
}

#[test]
fn every_command_that_is_named_exists() {
    let readme = [readme(), read("docs/operations.md"), read("docs/security.md")].concat();
    // In the table of commands, and wherever one is called with options.
    let pattern = regex::Regex::new("hooktail ([a-z]+)(?:`| -)").expect("a pattern");
    let mut names: Vec<&str> =
        pattern.captures_iter(&readme).map(|found| found.get(1).expect("one group").as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert!(names.len() >= 6, "found {names:?} only");
    for name in names {
        run(&Step { command: format!("hooktail {name} --help"), output: vec![] }, Path::new("/"));
    }
}

#[test]
fn every_shipped_configuration_is_accepted() {
    let credentials = tempfile::tempdir().expect("a temporary folder");
    let webhook = credentials.path().join("webhook");
    std::fs::write(&webhook, WEBHOOK).expect("the folder is ours");
    restrict(&webhook);
    let mut files: Vec<PathBuf> = ["examples", "packaging/hooktail.yaml"]
        .iter()
        .flat_map(|folder| walkdir::WalkDir::new(root().join(folder)))
        .map(|entry| entry.expect("our own folders can be read").into_path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() >= 5, "found {files:?} only");
    for file in files {
        let output = hooktail()
            .env("CREDENTIALS_DIRECTORY", credentials.path())
            .args(["check", "--strict", "-c"])
            .arg(&file)
            .output()
            .expect("hooktail can be run");
        assert!(output.status.success(), "{}: {}\n{}", file.display(), output.status, text(&output));
    }
}

#[test]
fn the_tests_of_the_examples_pass() {
    let mut passed = 0;
    for entry in walkdir::WalkDir::new(root().join("examples")) {
        let path = entry.expect("our own folders can be read").into_path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            let output =
                hooktail().args(["test", "--json", "-c"]).arg(&path).output().expect("hooktail can be run");
            assert!(output.status.success(), "{}: {}\n{}", path.display(), output.status, text(&output));
            let result: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
            passed += result["passed"].as_u64().unwrap_or(0);
        }
    }
    assert!(passed >= 3, "only {passed} tests were run");
}

/// What the table under "Not yet" says of one key or value.
#[derive(Debug)]
struct NotYet {
    /// The first column: `top level`, or the section's name.
    place: String,
    /// As it would be written in a rule file: `metric`, `parse: json`.
    entry: String,
}

#[test]
fn what_is_not_yet_supported_is_refused_so() {
    let told = not_yet();
    assert!(told.len() > 5, "found {} only", told.len());
    for NotYet { place, entry } in &told {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("hooktail.yaml");
        std::fs::write(&file, rule_file_with(place, entry)).expect("the folder is ours");
        let output = hooktail().args(["check", "-c"]).arg(&file).output().expect("hooktail can be run");
        let printed = text(&output);
        assert_eq!(output.status.code(), Some(2), "{place}: `{entry}`\n{printed}");
        assert!(printed.contains(&format!("`{entry}` is not yet supported")), "{place}: {entry}\n{printed}");
    }
}

/// The other way round: what the program refuses so is in the table.
#[test]
fn what_is_refused_is_in_the_table() {
    let source = std::fs::read_to_string(root().join("src/config/unsupported.rs")).expect("our own source");
    let row = regex::Regex::new(r#"\("([^"]+)", (?:(Key)|Values\(&\[([^\]]+)\]\)|Map\("([^"]+)"\))\),"#)
        .expect("a pattern");
    let told = not_yet();
    let mut rows = 0;
    for found in row.captures_iter(&source) {
        let steps: Vec<&str> = found[1].split('.').collect();
        let [.., key] = steps[..] else { unreachable!("a path has a key") };
        let key = key.trim_end_matches("[]");
        let place = match steps[..] {
            [_] => "top level",
            ["rules[]", section, _] => section.trim_end_matches("[]"),
            [section, ..] => section.trim_end_matches("[]"),
            [] => unreachable!("a path has a key"),
        };
        let entries = match (found.get(3), found.get(4)) {
            (Some(values), _) => values
                .as_str()
                .split(", ")
                .map(|value| format!("{key}: {}", value.trim_matches('"')))
                .collect(),
            (_, Some(spelled)) => vec![format!("{key}: {}", spelled.as_str())],
            _ => vec![key.to_owned()],
        };
        for entry in entries {
            let is_told = told.iter().any(|told| told.place == place && told.entry == entry);
            assert!(is_told, "{place}: `{entry}` is not yet supported, and the README doesn't say so");
        }
        rows += 1;
    }
    assert!(rows > 5, "only {rows} rows of the program's table were understood");
}

fn not_yet() -> Vec<NotYet> {
    let readme = readme();
    let section =
        readme.split("\n## ").find(|section| section.starts_with("Not yet\n")).expect("the section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
    rows.filter(|(place, _)| *place != "where" && !place.starts_with("---"))
        .flat_map(|(place, entries)| {
            // Every second part stands between backticks.
            entries
                .split('`')
                .skip(1)
                .step_by(2)
                .map(|entry| NotYet { place: place.trim_matches('`').to_owned(), entry: entry.to_owned() })
        })
        .collect()
}

/// A rule file without a mistake but for `entry`, which stands at its place.
fn rule_file_with(place: &str, entry: &str) -> String {
    let mut file = serde_json::json!({
        "webhooks": { "team": { "url": WEBHOOK } },
        "inputs": { "app": { "files": "app.log" } },
        "limits": {},
        "mentions": {},
        "notices": {},
        "rules": [{ "name": "r", "match": "x", "when": { "count": 5, "within": "1m" }, "escalate": [{ "mention": "here" }] }],
    });
    let entry = if entry.contains(": ") { format!("{{ {entry} }}") } else { format!("{{ {entry}: 1 }}") };
    let entry: serde_json::Map<String, serde_json::Value> = serde_yaml::from_str(&entry).expect("YAML");
    let at = match place {
        "top level" => "",
        "webhooks" => "/webhooks/team",
        "inputs" => "/inputs/app",
        "rules" => "/rules/0",
        "when" => "/rules/0/when",
        "escalate" => "/rules/0/escalate/0",
        "limits" => "/limits",
        "mentions" => "/mentions",
        "notices" => "/notices",
        other => panic!("the README's table has a row for `{other}`, which nobody checks"),
    };
    file.pointer_mut(at).and_then(|map| map.as_object_mut()).expect("a map").extend(entry);
    file.to_string()
}

#[test]
fn blocks_and_steps_are_told_apart() {
    let text = "intro\n```yaml\na: 1\n```\nwords\n```console\n$ one\nout\n$ two\n```\n";
    let found = blocks(text);
    assert_eq!(found.iter().map(|block| block.language.as_str()).collect::<Vec<_>>(), ["yaml", "console"]);
    assert_eq!(found[0].text, "a: 1\n");
    assert_eq!(
        steps(&found[1].text),
        [
            Step { command: "one".into(), output: vec!["out".into()] },
            Step { command: "two".into(), output: vec![] },
        ],
    );
}

/// Runs one command as a shell would. It must end with status 0, and its output must hold the step's lines in order.
fn run(step: &Step, folder: &Path) {
    let beside = Path::new(HOOKTAIL).parent().expect("a program lies in a folder");
    let path = std::env::join_paths(
        std::iter::once(beside.to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").expect("there is a PATH"))),
    )
    .expect("no colon in the target folder");
    let mut shell = Command::new("sh");
    let output = with_environment(&mut shell)
        .args(["-c", &step.command])
        .current_dir(folder)
        .env("PATH", path)
        .env("STATE_DIRECTORY", folder.join("state"))
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    let printed = text(&output);
    assert!(output.status.success(), "`{}`: {}\n{printed}", step.command, output.status);
    let mut rest = printed.as_str();
    for line in &step.output {
        let at = rest.find(line.trim()).unwrap_or_else(|| {
            panic!("`{}` doesn't print, at its place:\n{line}\nbut:\n{printed}", step.command);
        });
        rest = &rest[at + line.trim().len()..];
    }
}

fn hooktail() -> Command {
    let mut command = Command::new(HOOKTAIL);
    with_environment(&mut command).stdin(Stdio::null());
    command
}

/// What the README has its reader set, and nothing that this machine has set for hooktail.
fn with_environment(command: &mut Command) -> &mut Command {
    command
        .env_remove("HOOKTAIL_CONFIG")
        .env_remove("HOOKTAIL_WEBHOOK")
        .env_remove("LOG_DIR")
        .env_remove("RUST_LOG")
        .env("NO_COLOR", "1")
        .env("SLACK_WEBHOOK_URL", WEBHOOK)
        .env("SLACK_ONCALL_URL", WEBHOOK)
}

/// Both streams, what was printed on standard output first.
fn text(output: &std::process::Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn restrict(secret: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(secret, std::fs::Permissions::from_mode(0o600)).expect("the file is ours");
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn readme() -> String {
    read("README.md")
}

fn read(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// A link to a file that isn't there helps nobody.
#[test]
fn links_between_pages_lead_somewhere() {
    let link = regex::Regex::new(r"\]\(([^)#\s]+)[^)]*\)").expect("a pattern");
    let docs = std::fs::read_dir(root().join("docs")).expect("our own folder");
    let docs = docs.map(|entry| format!("docs/{}", entry.expect("ours").file_name().to_string_lossy()));
    let mut followed = 0;
    for page in docs.chain(["README.md".to_owned()]).filter(|page| page.ends_with(".md")) {
        let folder = root().join(&page).parent().expect("a page lies in a folder").to_owned();
        // What is neither an address nor a path is a word of an example.
        let is_path = |path: &str| path.contains(['.', '/']) && !path.contains("://");
        for found in link.captures_iter(&read(&page)).filter(|found| is_path(&found[1])) {
            assert!(folder.join(&found[1]).exists(), "{page}: {}", &found[1]);
            followed += 1;
        }
    }
    assert!(followed > 20, "{followed} only");
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in markdown.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(language)) => {
                open = Some(Block { language: language.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert_eq!(open, None, "a block of the README isn't closed");
    blocks
}

fn steps(console: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in console.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), output: Vec::new() });
        } else {
            let step = steps.last_mut().expect("a `console` block begins with a command");
            step.output.push(line.to_owned());
        }
    }
    steps
}
