//! What YAML does with what people write, and what they should have written.

use super::diagnostic::Report;
use super::source::{Place, Source};

/// Reports that `source` is no YAML, in the parser's words, with help where a trap is recognised.
pub(super) fn report_syntax(source: &Source, words: &str, at: usize, report: &mut Report) {
    let at = start_of_mistake(&source.text, at, words);
    let width = source.text[at..].chars().next().map_or(0, char::len_utf8);
    let span = source.span(at..at + width);
    let found = report.error(&span, "the file is not valid YAML");
    let (words, _) = words.split_once(" at line ").unwrap_or((words, ""));
    found.label(words);
    if let Some(help) = help(&source.text, at) {
        found.help(help);
    }
}

/// Where a diagnostic about a key or item without a value gets its help from: a comment right behind it.
pub(super) fn empty(place: Place<'_>) -> Option<String> {
    let span = place.key_span();
    let rest = &place.source.text[span.range.end..];
    let line = rest.split('\n').next().unwrap_or_default();
    let behind = line.trim_start_matches([':', ' ', '\t', '"', '\'', '-']);
    if !behind.starts_with('#') {
        return None;
    }
    let word = behind.split_whitespace().next().unwrap_or_default();
    Some(format!("an unquoted `#` begins a comment: write \"{word}\""))
}

/// The parser notices some mistakes at the end of a line or of a quoted text, and some at its beginning.
fn start_of_mistake(text: &str, at: usize, words: &str) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    if words.contains("escape") {
        return at + bad_escape(&text[at..]).unwrap_or(0);
    }
    if words.contains("tab") {
        return at + text[at..].find('\t').unwrap_or(0);
    }
    if at == text.len() || text[at..].starts_with(['\n', '\r']) {
        return text[..at].trim_end().char_indices().next_back().map_or(0, |(last, _)| last);
    }
    at
}

/// The first backslash that begins no escape of YAML's.
fn bad_escape(quoted: &str) -> Option<usize> {
    let mut skip = false;
    quoted.char_indices().zip(quoted.chars().skip(1)).find_map(|((at, c), next)| {
        if std::mem::take(&mut skip) || c != '\\' {
            return None;
        }
        skip = true;
        (!"0abt\tnvfre \"/\\N_LPxuU\n\r".contains(next)).then_some(at)
    })
}

fn help(text: &str, at: usize) -> Option<String> {
    let line_start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].split('\n').next().unwrap_or_default();
    let here = &text[at..];
    if let Some(first @ ('@' | '`')) = here.chars().next() {
        let word: String = here.chars().take_while(|c| !c.is_whitespace() && !",]}".contains(*c)).collect();
        return Some(format!("a value can't begin with `{first}` unless it is quoted: write \"{word}\""));
    }
    if line.contains('"') && line.contains('\\') {
        return Some(
            "in double quotes a backslash begins an escape: put a regex in single quotes".to_owned(),
        );
    }
    if line.contains(": {{") || line.contains("- {{") {
        return Some("a template that begins with `{{` wants quotes: \"{{ ip }}\"".to_owned());
    }
    if here.starts_with('\t') {
        return Some("YAML is indented with spaces, not with tabs".to_owned());
    }
    if line.matches(": ").count() > 1 || line.contains(": *") || line.contains(": !") || line.contains(": %")
    {
        return Some("put the value in single quotes".to_owned());
    }
    None
}
