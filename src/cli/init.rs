//! `hooktail init`: a first rule file on standard output: a pack, or rules that a log suggests.

use std::fmt::Write as _;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::line::LineSpec;
use crate::line::encoding::{Encoding, HEAD_BYTES};
use crate::line::parse::Parser;
use crate::line::split::Splitter;
use crate::message::draw::visible;
use crate::message::redact::Redactor;
use crate::suggest::{Errors, Suggestion};

use super::exit::{Exit, Failure};

/// Of a longer log its end is looked at.
const LOG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// More rules are more than one reads.
const RULES_MAX: usize = 8;

/// Of an example so much is shown.
const EXAMPLE_CHARS_MAX: usize = 140;

/// So many of the first lines tell whether a log is JSON.
const FIRST_LINES: usize = 20;

/// The packs, each a rule file with its tests.
const PACKS: [(&str, &str); 9] = [
    ("jvm", include_str!("../../examples/packs/jvm.yaml")),
    ("kernel", include_str!("../../examples/packs/kernel.yaml")),
    ("kubernetes", include_str!("../../examples/packs/kubernetes.yaml")),
    ("nginx", include_str!("../../examples/packs/nginx.yaml")),
    ("postgres", include_str!("../../examples/packs/postgres.yaml")),
    ("python", include_str!("../../examples/packs/python.yaml")),
    ("rust", include_str!("../../examples/packs/rust.yaml")),
    ("sshd", include_str!("../../examples/packs/sshd.yaml")),
    ("systemd", include_str!("../../examples/packs/systemd.yaml")),
];

const MINIMAL: &str = include_str!("../../examples/minimal.yaml");

/// The options of `hooktail init`.
#[derive(Debug, Args)]
#[command(
    after_help = "hooktail init /var/log/app.log > hooktail.yaml\nhooktail init --pack sshd > hooktail.yaml"
)]
pub(super) struct InitArgs {
    /// Logs to look at: their commonest errors become rules
    #[arg(value_name = "LOG")]
    logs: Vec<PathBuf>,

    /// A ready rule file: jvm, kernel, kubernetes, nginx, postgres, python, rust, sshd or systemd
    #[arg(long, value_name = "NAME", conflicts_with = "logs")]
    pack: Option<String>,
}

/// Prints the file.
pub(super) fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let file = match &args.pack {
        Some(name) => pack(name)?.to_owned(),
        None if args.logs.is_empty() => MINIMAL.to_owned(),
        None => suggested(&args.logs)?,
    };
    std::io::stdout().write_all(file.as_bytes()).map_err(Failure::failed)?;
    Ok(Exit::Done)
}

fn pack(name: &str) -> Result<&'static str, Failure> {
    PACKS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).ok_or_else(|| {
        let names: Vec<String> = PACKS.iter().map(|(name, _)| format!("`{name}`")).collect();
        Failure::usage(format!("there is no pack `{name}`\nhelp: there are {}", names.join(", ")))
    })
}

/// What was found in one log.
struct Log {
    input: String,
    path: PathBuf,
    /// Its input must say how it is written.
    unmarked: Option<Encoding>,
    json: bool,
    lines: u64,
    rules: Vec<Suggestion>,
}

fn suggested(logs: &[PathBuf]) -> Result<String, Failure> {
    let mut all: Vec<Log> = Vec::new();
    for path in logs {
        let mut log = look(path)?;
        let base = log.input.clone();
        let mut numbers = 2..;
        while all.iter().any(|other| other.input == log.input) {
            log.input = format!("{base}-{}", numbers.next().unwrap_or_default());
        }
        all.push(log);
    }
    Ok(rule_file(&all))
}

fn look(path: &Path) -> Result<Log, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("`{}`: {error}", path.display()));
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let (encoding, unmarked) = encoding_of(&mut file).map_err(failed)?;
    let unread = size.saturating_sub(LOG_BYTES_MAX).next_multiple_of(encoding.unit_bytes() as u64);
    file.seek(SeekFrom::Start(unread)).map_err(failed)?;
    let spec = LineSpec { encoding: Some(encoding), ..LineSpec::default() };
    let mut splitter = Splitter::of_stream(&spec);
    let (mut first, mut parser, mut errors) = (Vec::new(), None, Errors::default());
    let mut take = |line: &[u8]| {
        let line = spec.text(line).into_owned();
        if parser.is_none() {
            first.push(line);
            if first.len() == FIRST_LINES {
                parser = Some(parser_of(&first));
                first.drain(..).for_each(|line| errors.add(&line, parser.as_ref().unwrap_or(&Parser::Text)));
            }
        } else if let Some(parser) = &parser {
            errors.add(&line, parser);
        }
    };
    loop {
        let read = file.read(splitter.room()).map_err(failed)?;
        if read == 0 {
            break;
        }
        splitter.filled(read);
        while let Some(line) = splitter.next_line() {
            take(line.bytes);
        }
    }
    while let Some(line) = splitter.finish() {
        take(line.bytes);
    }
    let parser = parser.unwrap_or_else(|| parser_of(&first));
    first.iter().for_each(|line| errors.add(line, &parser));
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    Ok(Log {
        input: if name.is_empty() { "log".to_owned() } else { name },
        path: std::path::absolute(path).map_err(failed)?,
        unmarked,
        json: matches!(parser, Parser::Json),
        lines: errors.lines,
        rules: errors.suggestions(RULES_MAX),
    })
}

/// How a log is written, by its beginning; and again, where that doesn't say so itself.
fn encoding_of(file: &mut std::fs::File) -> std::io::Result<(Encoding, Option<Encoding>)> {
    let mut head = Vec::new();
    file.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let unmarked = Encoding::unmarked(&head).map(|unmarked| unmarked.0);
    let by_mark = Encoding::by_mark(&head).map(|(encoding, _)| encoding);
    Ok((by_mark.or(unmarked).unwrap_or_default(), unmarked))
}

fn parser_of(lines: &[Vec<u8>]) -> Parser {
    let is_json = |line: &&Vec<u8>| matches!(Parser::Json.parse(line), crate::event::Parse::Fields(_));
    if lines.iter().filter(is_json).count() * 2 > lines.len() { Parser::Json } else { Parser::Text }
}

fn rule_file(logs: &[Log]) -> String {
    let mut file = String::from(
        "# Suggested by a log: read it, keep what is worth a message, and say what to do about it.\n#\n\
         #     SLACK_WEBHOOK_URL=https://hooks.slack.com/services/... hooktail check -c hooktail.yaml\n\n\
         webhooks:\n  team: { url: \"${SLACK_WEBHOOK_URL}\" }\n\ninputs:\n",
    );
    for log in logs {
        let path = log.path.to_string_lossy().replace('$', "$$");
        let parse = if log.json { ", parse: json" } else { "" };
        let encoding = log.unmarked.map(|encoding| format!(", encoding: {}", encoding.name()));
        let encoding = encoding.unwrap_or_default();
        let _ = writeln!(file, "  {}: {{ files: {}{encoding}{parse} }}", log.input, quoted(&path));
    }
    file += "\nrules:\n";
    let redactor = Redactor::new(true, Vec::new());
    let mut names: Vec<String> = Vec::new();
    for (log, rule) in logs.iter().flat_map(|log| log.rules.iter().map(move |rule| (log, rule))) {
        let mut name = rule.name.clone();
        let mut numbers = 2..;
        while names.contains(&name) {
            name = format!("{}-{}", rule.name, numbers.next().unwrap_or_default());
        }
        let example: String =
            visible(&redactor.redact(&rule.example)).chars().take(EXAMPLE_CHARS_MAX).collect();
        let _ = writeln!(file, "  # {} of {} lines: {}", rule.count, log.lines, example.trim_end());
        let _ = writeln!(
            file,
            "  - name: {name}\n    input: {}\n    match: {}",
            log.input,
            quoted(&rule.pattern)
        );
        let _ = writeln!(file, "    severity: {}\n", rule.severity);
        names.push(name);
    }
    if names.is_empty() {
        file += "  # Nothing in it looks like an error.\n  - name: errors\n    match: 'ERROR|FATAL|panic'\n";
    }
    format!("{}\n", file.trim_end())
}

/// A YAML text in single quotes, in which nothing but they is special.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn rules(yaml: &str) -> Vec<String> {
        let env = |name: &str| {
            (name == "SLACK_WEBHOOK_URL").then(|| "http://127.0.0.1:9/services/T/B/X".to_owned())
        };
        let loaded = config::from_str(yaml, "hooktail.yaml", Path::new("/"), &env);
        assert!(loaded.diagnostics.is_empty(), "{}\n{yaml}", loaded.render(false));
        loaded.config.expect("nothing is wrong").rules.iter().map(|rule| rule.name.to_string()).collect()
    }

    #[test]
    fn what_is_suggested_is_a_good_rule_file() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let text =
            write("it's $one.log", "ERROR can't open 'a b' {x}: password=hunter2\nERROR $HOME #1\nfine\n");
        let json = write("two.json", "{\"level\":\"error\",\"msg\":\"order 17 lost\"}\n");
        let quiet = write("quiet.log", "all is well\n");
        let wide = folder.path().join("wide.log");
        let units = "ERROR disk full\nfine\n".encode_utf16();
        std::fs::write(&wide, units.flat_map(u16::to_le_bytes).collect::<Vec<_>>()).unwrap();
        let file = suggested(&[wide]).unwrap();
        assert!(file.contains("encoding: utf-16le") && rules(&file).len() == 1, "{file}");
        let file = suggested(&[text.clone(), json, text]).unwrap();
        assert!(!file.contains("hunter2") && file.contains("parse: json"), "{file}");
        assert_eq!(rules(&file).len(), 5, "{file}");
        assert_eq!(rules(&suggested(&[quiet]).unwrap()), ["errors"]);
        assert!(suggested(&[folder.path().join("none.log")]).is_err());
    }

    #[test]
    fn packs_are_found_by_name() {
        for (name, file) in PACKS {
            assert!(rules(file).len() >= 3, "{name}");
        }
        assert!(pack("nothing").is_err());
        assert_eq!(rules(MINIMAL), ["errors"]);
    }
}
