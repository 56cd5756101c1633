//! A line's fields, as its input's `parse` reads them.

mod clf;
mod json;
mod logfmt;
mod pattern;

use std::sync::Arc;

use serde_json::Value;

use crate::event::{Kinds, Parse, Parsed, ParsedLine};

/// Under these names a parsed line has its message, the first that is there.
const MESSAGES: [&str; 2] = ["message", "msg"];

/// Under these names it has its level: where a rule asks for one of them, the others will do.
pub const LEVELS: [&str; 5] = ["level", "severity", "lvl", "loglevel", "log.level"];

/// How a line's fields are read.
#[derive(Debug, Clone, Default)]
pub enum Parser {
    /// Not at all: the line is text.
    #[default]
    Text,
    /// A JSON object.
    Json,
    /// `key=value key="quoted value"`.
    Logfmt,
    /// The common log format of web servers, or the combined one.
    Clf,
    /// The named groups of a regex.
    Regex(regex::bytes::Regex),
}

impl Parser {
    /// What it makes of a decoded line.
    pub fn parse(&self, line: &[u8]) -> Parse {
        let parsed = match self {
            Self::Text => return Parse::Text,
            Self::Json => json::parse(line).map(|fields| with_message(fields, Kinds::Told)),
            Self::Logfmt => logfmt::parse(line).map(|fields| with_message(fields, Kinds::Text)),
            Self::Clf => {
                clf::parse(line).map(|fields| ParsedLine { fields, kinds: Kinds::Text, message: None })
            }
            Self::Regex(regex) => pattern::parse(regex, line),
        };
        parsed.map_or(Parse::Failed, |parsed| Parse::Fields(Box::new(parsed)))
    }

    /// Whether the line itself is the message of each of its lines: then patterns can look at lines that nobody parsed.
    pub fn message_is_line(&self) -> bool {
        match self {
            Self::Text | Self::Clf => true,
            Self::Json | Self::Logfmt => false,
            Self::Regex(regex) => regex.capture_names().flatten().all(|name| name != "message"),
        }
    }

    /// The names of all fields that it can read; `None`: any.
    pub fn names(&self) -> Option<Vec<Arc<str>>> {
        match self {
            Self::Text => Some(Vec::new()),
            Self::Json | Self::Logfmt => None,
            Self::Clf => Some(clf::NAMES.map(Arc::from).to_vec()),
            Self::Regex(regex) => Some(regex.capture_names().flatten().map(Arc::from).collect()),
        }
    }
}

fn with_message(fields: Parsed, kinds: Kinds) -> ParsedLine {
    let message = MESSAGES.iter().find_map(|name| fields.get(*name)?.as_str());
    let message = message.map(|text| text.as_bytes().into());
    ParsedLine { fields, kinds, message }
}

/// What is not UTF-8 becomes U+FFFD: fields are texts.
fn text(bytes: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(super) fn fields(parser: &Parser, line: &str) -> Option<(Value, Option<String>)> {
        match parser.parse(line.as_bytes()) {
            Parse::Fields(parsed) => {
                let message = parsed.message.map(|message| String::from_utf8_lossy(&message).into_owned());
                Some((Value::Object(parsed.fields), message))
            }
            Parse::Failed => None,
            Parse::Text => panic!("{parser:?} reads fields"),
        }
    }

    #[test]
    fn a_parser_knows_whether_its_fields_are_all_known() {
        let regex = |text| Parser::Regex(regex::bytes::Regex::new(text).unwrap());
        assert_eq!(Parser::Text.names(), Some(vec![]));
        assert_eq!(Parser::Json.names(), None);
        assert_eq!(regex("(?P<a>x)(?P<b>y)").names(), Some(vec!["a".into(), "b".into()]));
        assert!(regex("(?P<a>x)").message_is_line() && !regex("(?P<message>x)").message_is_line());
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_not(line in proptest::collection::vec(any::<u8>(), 0..80)) {
            for parser in [Parser::Json, Parser::Logfmt, Parser::Clf] {
                let _ = parser.parse(&line);
            }
        }
    }
}
