//! Rules that a log suggests: its commonest errors, by shape. No I/O, no clock.

use std::collections::HashMap;

use crate::event::Parse;
use crate::line::parse::{LEVELS, Parser};
use crate::severity::Severity;
use crate::shape::shape;

/// So many shapes are counted; what is new after that is rare.
const SHAPES_MAX: usize = 10_000;

/// A run of letters that is shorter tells nothing.
const LETTERS_MIN: usize = 3;

/// A suggested name has at most so many words.
const NAME_WORDS: usize = 4;

/// Words of a message that says no level, and is about trouble all the same.
const TROUBLE: [&str; 12] = [
    "exception",
    "traceback",
    "failed",
    "failure",
    "fails",
    "refused",
    "denied",
    "unreachable",
    "aborted",
    "crashed",
    "killed",
    "corrupt",
];

/// The beginnings of syslog's times; the machine's name follows them.
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A rule that would take one sort of error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// A name for it.
    pub name: String,
    /// A regex on the message.
    pub pattern: String,
    /// As the lines say.
    pub severity: Severity,
    /// How many lines were of this sort.
    pub count: u64,
    /// The first of them.
    pub example: String,
}

/// The errors of a log, counted by shape.
#[derive(Debug, Default)]
pub struct Errors {
    shapes: HashMap<String, Seen>,
    /// Lines so far.
    pub lines: u64,
}

#[derive(Debug)]
struct Seen {
    severity: Severity,
    count: u64,
    example: String,
    /// Of two that are as common the earlier comes first.
    place: usize,
}

impl Errors {
    /// One more line, as its input's parser sees it.
    pub fn add(&mut self, line: &[u8], parser: &Parser) {
        self.lines += 1;
        let parsed = parser.parse(line);
        let (message, severity) = match &parsed {
            Parse::Fields(parsed) => {
                let level = LEVELS.iter().find_map(|name| parsed.fields.get(*name));
                let text = level.map(|level| level.as_str().map_or_else(|| level.to_string(), str::to_owned));
                let message = parsed.message.as_deref().unwrap_or(line);
                (message, text.and_then(|level| Severity::from_level(&level)).or_else(|| told(message)))
            }
            Parse::Text | Parse::Failed => (line, told(line)),
        };
        let Some(severity) = severity.filter(|severity| *severity >= Severity::Error) else { return };
        let place = self.shapes.len();
        let shape = shape(message);
        match self.shapes.get_mut(&shape) {
            Some(seen) => seen.count += 1,
            None if place < SHAPES_MAX => {
                let example = String::from_utf8_lossy(message).into_owned();
                self.shapes.insert(shape, Seen { severity, count: 1, example, place });
            }
            None => {}
        }
    }

    /// The commonest sorts, at most so many.
    pub fn suggestions(self, max: usize) -> Vec<Suggestion> {
        let mut all: Vec<(String, Seen)> = self.shapes.into_iter().collect();
        all.sort_by_key(|(_, seen)| (std::cmp::Reverse(seen.count), seen.place));
        let mut suggested: Vec<Suggestion> = Vec::new();
        for (shape, seen) in all {
            let pieces = pieces(&shape, &seen.example);
            let pattern = pieces.iter().map(|piece| regex::escape(piece)).collect::<Vec<_>>().join(".*");
            let matches = regex::Regex::new(&pattern).is_ok_and(|regex| regex.is_match(&seen.example));
            if pieces.is_empty() || !matches || suggested.iter().any(|other| other.pattern == pattern) {
                continue;
            }
            let base = name(&pieces);
            let taken = |name: &str| suggested.iter().any(|other| other.name == name);
            let numbered = (2..).map(|n| format!("{base}-{n}"));
            let name = std::iter::once(base.clone()).chain(numbered).find(|name| !taken(name));
            let Seen { severity, count, example, .. } = seen;
            suggested.push(Suggestion { name: name.unwrap_or(base), pattern, severity, count, example });
            if suggested.len() == max {
                break;
            }
        }
        suggested
    }
}

/// What a text says of its own weight: by the first level in it, else by its words.
fn told(text: &[u8]) -> Option<Severity> {
    let text = String::from_utf8_lossy(text);
    let words = || text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() > LETTERS_MIN);
    let is_level = |word: &&str| {
        word.chars().all(char::is_uppercase)
            || word.chars().all(char::is_lowercase)
            || word.ends_with("Error")
    };
    let level = words().filter(is_level).find_map(|word| match word.to_ascii_lowercase().as_str() {
        "notice" | "alert" | "config" | "verbose" | "fine" => None,
        level => Severity::from_level(level),
    });
    let trouble = || {
        let about = |word: &str| {
            let word = word.to_ascii_lowercase();
            TROUBLE.contains(&word.as_str()) || word.ends_with("exception") || word.ends_with("error")
        };
        words().any(about).then_some(Severity::Error)
    };
    level.or_else(trouble)
}

/// What stays the same in lines of one shape, without the time and the machine's name at its beginning.
fn pieces(shape: &str, example: &str) -> Vec<String> {
    let syslog = MONTHS.iter().any(|month| example.starts_with(&format!("{month} ")));
    // There the masked time and the machine are a word each.
    let shape = if syslog { shape.splitn(3, ' ').nth(2).unwrap_or_default() } else { shape };
    let literal = shape.replace("\"…\"", "#");
    let mut pieces: Vec<&str> = literal.split('#').map(str::trim).filter(|piece| letters(piece)).collect();
    if let Some(first) = pieces.first_mut() {
        // What is left of the time has no words in it.
        while let Some((_, rest)) = first.split_once(' ').filter(|(word, _)| !letters(word)) {
            *first = rest.trim_start();
        }
    }
    pieces.into_iter().map(str::to_owned).collect()
}

fn letters(piece: &str) -> bool {
    piece.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() >= LETTERS_MIN)
}

/// Some words of the pieces.
fn name(pieces: &[String]) -> String {
    let words = pieces.iter().flat_map(|piece| piece.split(|c: char| !c.is_ascii_alphabetic()));
    let words: Vec<String> = words
        .filter(|word| word.len() >= LETTERS_MIN)
        .map(str::to_ascii_lowercase)
        .take(NAME_WORDS)
        .collect();
    if words.is_empty() { "error".to_owned() } else { words.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suggested(lines: &[&str], parser: &Parser) -> Vec<(String, String, Severity, u64)> {
        let mut errors = Errors::default();
        lines.iter().for_each(|line| errors.add(line.as_bytes(), parser));
        let all = errors.suggestions(3).into_iter();
        all.map(|one| (one.name, one.pattern, one.severity, one.count)).collect()
    }

    #[test]
    fn the_commonest_errors_are_rules() {
        let lines = [
            "2026-10-10T13:55:36Z INFO shop: failed never",
            "2026-10-10T13:55:36Z ERROR shop: order 17 lost",
            "2026-10-10T13:55:37Z ERROR shop: order 18 lost",
            "2026-10-10T13:55:38Z FATAL shop: no database \"main\" (tried 3 times)",
            "Oct 10 13:55:36 web-1 sshd[811]: Failed password for root from 203.0.113.7 port 4 ssh2",
            "plain talk",
        ];
        let rule = |name: &str, pattern: &str, severity, count| {
            (name.to_owned(), pattern.to_owned(), severity, count)
        };
        assert_eq!(
            suggested(&lines, &Parser::Text),
            [
                rule("error-shop-order-lost", "ERROR shop: order.*lost", Severity::Error, 2),
                rule(
                    "fatal-shop-database-tried",
                    r"FATAL shop: no database.*\(tried.*times\)",
                    Severity::Critical,
                    1
                ),
                rule(
                    "sshd-failed-password-for",
                    r"sshd\[.*\]: Failed password for root from.*port.*ssh",
                    Severity::Error,
                    1
                ),
            ]
        );
    }

    #[test]
    fn a_parsed_line_says_its_level() {
        let lines = [r#"{"level":50,"msg":"order 17 lost"}"#, r#"{"level":30,"msg":"order 18 failed"}"#];
        let all = suggested(&lines, &Parser::Json);
        assert_eq!(all, [("order-lost".to_owned(), "order.*lost".to_owned(), Severity::Error, 1)]);
    }

    #[test]
    fn names_are_told_apart_and_shapes_are_bounded() {
        let mut errors = Errors::default();
        for n in 0..3 * SHAPES_MAX {
            let word: String = n.to_string().bytes().map(|digit| char::from(digit + 49)).collect();
            errors.add(format!("error {word} ({word}) [{word}] {word}").as_bytes(), &Parser::Text);
        }
        assert_eq!(errors.shapes.len(), SHAPES_MAX);
        let all = errors.suggestions(50);
        let mut names: Vec<&str> = all.iter().map(|one| &*one.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }
}
