//! What a wrong file gets: every mistake at once, each with its place and what to write instead.

mod rules;
mod sections;
mod shown;

use super::*;

/// Each text with all that is said of it.
fn check(yaml: impl Fn(&str) -> String, cases: &[(&str, &[&str])]) {
    for (written, expected) in cases {
        assert_eq!(told(&yaml(written)), *expected, "{written}");
    }
}

/// The other sections that a file needs.
fn file(sections: &str) -> String {
    let mut whole = sections.to_owned();
    for (section, example) in [
        ("webhooks:", "webhooks: { ops: { url: '${SLACK}' } }\n"),
        ("inputs:", "inputs: { app: { files: /var/log/app.log } }\n"),
        ("rules:", "rules: [{ name: r, match: x }]\n"),
    ] {
        if !sections.contains(section) && !sections.is_empty() && !sections.starts_with('-') {
            whole.push_str(example);
        }
    }
    whole
}

#[test]
fn unknown_and_duplicate_keys() {
    check(
        rules,
        &[
            (
                "    match: x\n    sevirity: critical\n",
                &["6:5 error: unknown key `sevirity` ^ did you mean `severity`?"],
            ),
            (
                "    match: x\n    frequency: 5\n",
                &[
                    "6:5 error: unknown key `frequency` = the keys here are `name`, `input`, `match`, `ignore`, `where`, `when`, `severity`, `color`, `webhook`, `mention`, `dedup`, `throttle`, `escalate`, `resolve`, `message`, `context`, `runbook`, `redact`, `active_during`, `labels`, `tests`, `enabled`",
                ],
            ),
            (
                "    match: x\n    match: y\n",
                &["6:5 error: the key `match` is given twice ^ this one would be lost"],
            ),
            (
                "    match: x\n    dedup: { windw: 5m }\n",
                &["6:14 error: unknown key `windw` ^ did you mean `window`?"],
            ),
            (
                "    match: x\n    message: { titel: x, fields: [{ tilte: a, value: b }] }\n",
                &[
                    "6:16 error: unknown key `titel` ^ did you mean `title`?",
                    "6:37 error: unknown key `tilte` ^ did you mean `title`?",
                ],
            ),
        ],
    );
}

#[test]
fn yamls_traps() {
    check(
        rules,
        &[
            (
                "    match: x\n    color: #8b0000\n",
                &["6:5 error: `color` has no value = an unquoted `#` begins a comment: write \"#8b0000\""],
            ),
            ("    match: x\n    mention:\n      - # nobody\n", &["7:17 error: an item has no value"]),
            (
                "    match: x\n    mention: @here\n",
                &[
                    "6:14 error: the file is not valid YAML ^ unexpected character: `@' = a value can't begin with `@` unless it is quoted: write \"@here\"",
                ],
            ),
            (
                "    match: x\n    message:\n      title: {{ ip }}\n",
                &[
                    "7:14 error: braces without quotes make a map = a template that begins with `{{` wants quotes: \"{{ ip }}\"",
                ],
            ),
            (
                "    match: x\n    message:\n      title: {{ ip }} is down\n",
                &[
                    "7:23 error: the file is not valid YAML ^ while parsing a block mapping, did not find expected key = a template that begins with `{{` wants quotes: \"{{ ip }}\"",
                ],
            ),
            (
                "    match: \"\\d+\"\n",
                &[
                    "5:13 error: the file is not valid YAML ^ while parsing a quoted scalar, found unknown escape character = in double quotes a backslash begins an escape: put a regex in single quotes",
                ],
            ),
            (
                "    match: \"a\\\\b\\(\"\n",
                &[
                    "5:17 error: the file is not valid YAML ^ while parsing a quoted scalar, found unknown escape character = in double quotes a backslash begins an escape: put a regex in single quotes",
                ],
            ),
            (
                "    match: foo: bar\n",
                &[
                    "5:15 error: the file is not valid YAML ^ mapping values are not allowed in this context = put the value in single quotes",
                ],
            ),
            (
                "    match: *.log\n",
                &[
                    "5:12 error: the file is not valid YAML ^ while parsing node, found unknown anchor = put the value in single quotes",
                ],
            ),
            ("    match: [x\n", &["5:12 error: the file is not valid YAML ^ unclosed bracket '['"]),
            (
                "    match: x\n\tseverity: error\n",
                &[
                    "6:1 error: the file is not valid YAML ^ while scanning a plain scalar, found a tab = YAML is indented with spaces, not with tabs",
                ],
            ),
            (
                "    match: x\n---\nb: 1\n",
                &[
                    "6:1 error: a second YAML document = hooktail reads one document a file: name further files under `include`",
                ],
            ),
        ],
    );
}

#[test]
fn wrong_types() {
    check(
        rules,
        &[
            (
                "    match: 404\n",
                &["5:12 error: `match` takes text or a map ^ this is a number = put it in quotes: '404'"],
            ),
            (
                "    match: [a, 5, true]\n",
                &[
                    "5:16 error: an item of `match` takes text or a map ^ this is a number = put it in quotes: '5'",
                    "5:19 error: an item of `match` takes text or a map ^ this is a truth value = put it in quotes: 'true'",
                ],
            ),
            (
                "    match: x\n    enabled: yes\n",
                &["6:14 error: `enabled` takes `true` or `false` ^ write `true`: YAML takes `yes` for text"],
            ),
            ("    match: x\n    when: 5\n", &["6:11 error: `when` takes a map ^ this is a number"]),
            (
                "    match: x\n    when: { count: five, within: [1m] }\n",
                &[
                    "6:20 error: `count` takes a whole number ^ this is text",
                    "6:34 error: `within` takes a single value ^ this is a list",
                ],
            ),
            (
                "    match: x\n    when: { count: -1, within: 1m }\n",
                &["6:20 error: `count` takes a whole number ^ this is a negative number"],
            ),
            (
                "    match: x\n    when: { count: 1.5, within: 1m }\n",
                &["6:20 error: `count` takes a whole number ^ this is a number with a fraction"],
            ),
            (
                "    match: x\n    labels: [a]\n    mention: { who: me }\n",
                &[
                    "6:13 error: `labels` takes a map ^ this is a list",
                    "7:14 error: `mention` takes text ^ this is a map",
                ],
            ),
            ("    match: x\n  - foo\n", &["6:5 error: an item of `rules` takes a map ^ this is text"]),
        ],
    );
}
