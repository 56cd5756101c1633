//! The named groups of a regex as fields.

use regex::bytes::Regex;

use crate::event::{Kinds, Parsed, ParsedLine};

use super::text;

/// The groups that took part; `message` is the message, byte for byte.
pub(super) fn parse(regex: &Regex, line: &[u8]) -> Option<ParsedLine> {
    let groups = regex.captures(line)?;
    let mut fields = Parsed::new();
    for name in regex.capture_names().flatten() {
        if let Some(group) = groups.name(name) {
            fields.insert(name.to_owned(), text(group.as_bytes()));
        }
    }
    let message = groups.name("message").map(|group| group.as_bytes().into());
    Some(ParsedLine { fields, kinds: Kinds::Text, message })
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use super::super::tests::fields;
    use serde_json::json;

    #[test]
    fn groups_are_fields() {
        let regex = regex::bytes::Regex::new(r"^(?P<level>\w) (?:(?P<unit>\w+): )?(?P<message>.*)$").unwrap();
        let parser = Parser::Regex(regex);
        let expected = json!({ "level": "E", "unit": "db", "message": "disk full" });
        assert_eq!(fields(&parser, "E db: disk full"), Some((expected, Some("disk full".to_owned()))));
        let expected = json!({ "level": "E", "message": "full" });
        assert_eq!(fields(&parser, "E full"), Some((expected, Some("full".to_owned()))));
        assert_eq!(fields(&parser, "something else"), None);
    }
}
