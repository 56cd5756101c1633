//! `parse`, patterns on fields, and a severity that the line says.

use super::*;
use crate::line::own_time::TimeSpec;
use crate::line::parse::Parser;
use crate::rule::{On, Severity, SeverityFrom};

/// A file whose input `app` is parsed so, with one rule: its name is on line 4.
fn parsed(parse: &str, keys: &str) -> String {
    let input = format!("inputs: {{ app: {{ files: /var/log/app.log, parse: {parse} }} }}");
    rules(keys).replace("inputs: { app: { files: /var/log/app.log } }", &input)
}

#[test]
fn parsers_have_names_or_a_regex() {
    let parser = |parse: &str| config(&parsed(parse, "    match: x\n")).inputs.remove(0).line.parser;
    assert!(matches!(parser("text"), Parser::Text));
    assert!(matches!(parser("json"), Parser::Json));
    assert!(matches!(parser("logfmt"), Parser::Logfmt));
    assert!(matches!(parser("clf"), Parser::Clf));
    let Parser::Regex(regex) = parser("{ regex: '^(?P<level>\\w) \\$\\{YES\\} (?P<time>\\S+)$' }") else {
        panic!("a regex")
    };
    assert_eq!(regex.as_str(), "^(?P<level>\\w) \\$\\{YES\\} (?P<time>\\S+)$", "taken to the letter");
}

#[test]
fn a_matcher_is_a_regex_or_some_by_field() {
    let keys = "    match: [a, { level: '^E', message: b, line: '(?P<n>c)' }]\n    ignore: { labels.x: d }\n    labels: { x: y }\n";
    let rule = config(&parsed("json", keys)).rules.remove(0);
    let on: Vec<&On> = rule.patterns[1].parts.iter().map(|part| &part.on).collect();
    assert_eq!(on, [&On::field("level"), &On::Message, &On::Line]);
    assert_eq!(rule.patterns[0].to_string(), "a");
    assert_eq!(rule.patterns[1].to_string(), "{ level: ^E, message: b, line: (?P<n>c) }");
    assert_eq!(rule.ignore[0].to_string(), "{ labels.x: d }");
}

#[test]
fn a_severity_may_be_read() {
    let keys = "    match: x\n    severity: { from: lvl, min: warning, map: { Z: critical, info: warning }, else: info }\n";
    let rule = config(&parsed("json", keys)).rules.remove(0);
    let map = vec![("Z".into(), Severity::Critical), ("info".into(), Severity::Warning)];
    let from = SeverityFrom { field: "lvl".into(), min: Severity::Warning, map };
    assert_eq!((rule.severity, rule.severity_from.as_ref()), (Severity::Info, Some(&from)));
    assert_eq!(from.severity("Z"), Some(Severity::Critical));
    assert_eq!(from.severity("info"), Some(Severity::Warning));
    assert_eq!(from.severity("fatal"), Some(Severity::Critical));
    assert_eq!(from.severity("loud"), None);

    let keys = "    match: x\n    severity: { min: error }\n";
    let merged =
        format!("{}defaults: {{ severity: {{ from: level, else: warning }} }}\n", parsed("json", keys));
    let rule = config(&merged).rules.remove(0);
    let from = SeverityFrom { field: "level".into(), min: Severity::Error, map: vec![] };
    assert_eq!((rule.severity, rule.severity_from), (Severity::Warning, Some(from)));

    let word = format!(
        "{}defaults: {{ severity: {{ from: level }} }}\n",
        parsed("json", "    match: x\n    severity: info\n")
    );
    assert_eq!(config(&word).rules[0].severity_from, None);
}

#[track_caller]
fn check(parse: &str, keys: &str, expected: &[&str]) {
    assert_eq!(told(&parsed(parse, keys)), expected);
}

#[test]
fn a_parser_with_any_fields_has_an_open_set() {
    let keys = "    match: x\n    where: status >= 500 && req.path == '/' && fields.a == 1\n    when: { count: 2, within: 1m, by: user.name }\n    message: { title: '{{ a.b }} {{ fields.c }}' }\n";
    check("json", keys, &[]);
    check("logfmt", keys, &[]);
    let keys = "    match: x\n    where: captures.y == 'a' || labels.z == 'b'\n";
    check(
        "json",
        keys,
        &[
            "6:12 error: rule `r` has no field `captures.y` = its `match` has no named groups; write `(?P<name>…)` to have a field",
            "6:33 error: rule `r` has no field `labels.z` = its `match` has no named groups; write `(?P<name>…)` to have a field",
        ],
    );
}

#[test]
fn other_parsers_have_a_closed_set() {
    check("clf", "    match: { status: '^5' }\n    where: int(bytes) > 5 && fields.path == '/'\n", &[]);
    check(
        "clf",
        "    match: { statsu: '^5' }\n",
        &["5:14 error: rule `r` has no field `statsu` ^ did you mean `status`?"],
    );
    check(
        "{ regex: '(?P<level>.)(?P<what>.)' }",
        "    match: { level: E }\n    where: whta == 'x'\n",
        &["6:12 error: rule `r` has no field `whta` ^ did you mean `what`?"],
    );
    check(
        "text",
        "    match: { level: E }\n",
        &[
            "5:14 error: rule `r` has no field `level` = its `match` has no named groups; write `(?P<name>…)` to have a field",
        ],
    );
}

#[test]
fn mistakes_of_parsing() {
    check("{ regex: 'x(' }", "    match: x\n", &["2:61 error: the regex is wrong ^ unclosed group"]);
    check(
        "{ regex: x }",
        "    match: x\n",
        &["2:59 error: the regex reads no field = a field is a named group: `(?P<status>\\d+)`"],
    );
    check("{}", "    match: x\n", &["2:50 error: `parse` needs a `regex` = or one of its words"]);
    check("json", "    match: {}\n", &["5:12 error: patterns of no field = write `{ level: ERROR }`"]);
    check("json", "    match: { a: '(' }\n", &["5:18 error: the regex is wrong ^ unclosed group"]);
    check(
        "json",
        "    match: { count: x }\n",
        &["5:14 error: `count` is not known while a line is matched ^ only messages have it"],
    );
    check(
        "json",
        "    match: x\n    severity: { min: loud }\n",
        &[
            "6:15 error: `severity` needs the field that it is read `from` = write `{ from: level, min: warning }`",
            "6:22 error: `loud` is no `severity` = write `critical`, `error`, `warning`, `info`",
        ],
    );
    check(
        "json",
        "    match: ['\"level\":\"error\"', { line: '\"level\":\"error\"' }]\n",
        &[
            "5:13 warning: this pattern looks at the message, not at the JSON around it = write `{ FIELD: REGEX }` for one of its fields, `{ line: REGEX }` for the line as it was read",
        ],
    );
}

#[test]
fn a_time_is_found_read_or_in_a_field() {
    let time = |parse: &str, more: &str| {
        let parse = format!("{parse}, {more}");
        config(&parsed(&parse, "    match: x\n")).inputs.remove(0).line
    };
    assert!(matches!(config(&rules("    match: x\n")).inputs[0].line.time, TimeSpec::Auto(_)));
    assert!(matches!(time("text", "time: auto").time, TimeSpec::Auto(_)));
    assert!(matches!(time("text", "time: read").time, TimeSpec::Read));
    let TimeSpec::Auto(zone) = time("text", "time: { tz: Europe/Berlin }").time else { panic!("auto") };
    assert_eq!(zone.iana_name(), Some("Europe/Berlin"));
    let spec = time("json", "max_age: 2h, time: { field: a.b, format: '%d/%b/%Y:%H:%M:%S %z', tz: UTC }");
    let TimeSpec::Field(field) = spec.time else { panic!("a field") };
    assert_eq!((&*field.name, field.format.as_deref()), ("a.b", Some("%d/%b/%Y:%H:%M:%S %z")));
    assert_eq!(spec.max_age, Some(std::time::Duration::from_secs(7_200)));
}

#[test]
fn mistakes_of_time() {
    let told = |more: &str| told(&parsed(&format!("clf, {more}"), "    match: x\n"));
    assert_eq!(told("time: { field: st }"), ["2:70 error: no line has a field `st` ^ did you mean `ts`?"]);
    assert_eq!(
        told("time: { format: '%Y' }"),
        [
            "2:63 error: a `format` of no `field` = write `field: line` for a time at the line's beginning",
            "2:71 error: the format reads no time = it needs a day and a time of day, as in `%d/%b/%Y:%H:%M:%S %z`, or seconds as `%s`",
        ]
    );
    assert_eq!(told("time: { tz: Moon }").len(), 1);
    assert_eq!(told("time: { field: line, format: '%!' }").len(), 1);
    assert_eq!(
        told("time: read, max_age: 1h"),
        ["2:67 error: `max_age` with `time: read` ^ no line has a time of its own then"]
    );
}
