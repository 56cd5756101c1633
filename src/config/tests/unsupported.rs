//! What is not built yet is refused by name, never taken in silence and never called unknown.

use super::*;

/// Takes the file's sections or a rule's keys, a line each; each line must be refused with these words.
fn refused(yaml: impl Fn(&str) -> String, lines: &[(&str, &str)]) {
    for (written, words) in lines {
        let told = told(&yaml(written));
        let said: Vec<&str> =
            told.iter().filter_map(|line| line.split_once("error: ")).map(|(_, said)| said).collect();
        assert_eq!(said, [format!("{words} is not yet supported")], "{written}");
    }
}

#[test]
fn sections() {
    refused(
        |section| format!("{}{section}\n", rules("    match: x\n")),
        &[
            ("silences: []", "`silences`"),
            ("mentions: { late: 15m }", "`late`"),
            ("notices: { heartbeat: { url: x } }", "`heartbeat`"),
            ("admin: { listen: '127.0.0.1:1' }", "`admin`"),
            ("threads: 2", "`threads`"),
            ("limits: { history: 30d }", "`history`"),
            ("limits: { history_alerts: 1 }", "`history_alerts`"),
            ("defaults: { context: { before: 1 } }", "`context`"),
        ],
    );
}

#[test]
fn inputs() {
    refused(
        |keys| {
            format!(
                "webhooks: {{ ops: {{ url: '${{SLACK}}' }} }}\ninputs: {{ a: {{ {keys} }} }}\nrules: [{{ name: r, match: x }}]\n"
            )
        },
        &[
            ("command: [a, b]", "`command`"),
            ("journald: { units: [x] }", "`journald`"),
            ("syslog: { listen: x }", "`syslog`"),
            ("prometheus: { url: x }", "`prometheus`"),
            ("statsd: { listen: x }", "`statsd`"),
            ("host: { every: 15s }", "`host`"),
            ("files: /x, max_age: 5m", "`max_age`"),
            ("files: /x, multiline: { preset: java }", "`multiline`"),
            ("files: /x, encoding: utf-16le", "`encoding: utf-16le`"),
            ("files: /x, encoding: utf-16be", "`encoding: utf-16be`"),
            ("files: /x, encoding: latin1", "`encoding: latin1`"),
            ("files: /x, parse: json", "`parse: json`"),
            ("files: /x, parse: logfmt", "`parse: logfmt`"),
            ("files: /x, parse: cri", "`parse: cri`"),
            ("files: /x, parse: docker", "`parse: docker`"),
            ("files: /x, parse: syslog", "`parse: syslog`"),
            ("files: /x, parse: clf", "`parse: clf`"),
            ("files: /x, parse: { regex: x }", "`parse: { regex: REGEX }`"),
            ("files: /x, time: auto", "`time: auto`"),
            ("files: /x, time: { field: ts }", "`time: { field: NAME }`"),
        ],
    );
}

#[test]
fn rule_keys() {
    refused(
        |keys| rules(&format!("    {keys}\n")),
        &[
            ("match: { level: x }", "`match: { FIELD: REGEX }`"),
            ("match: [x, { level: x }]", "`match: { FIELD: REGEX }`"),
            ("metric: cpu", "`metric`"),
        ],
    );
    refused(
        |keys| rules(&format!("    match: x\n    {keys}\n")),
        &[
            ("ignore: { level: x }", "`ignore: { FIELD: REGEX }`"),
            ("ignore: [{ level: x }]", "`ignore: { FIELD: REGEX }`"),
            ("severity: { from: level }", "`severity: { from: FIELD }`"),
            ("when: { absent: 10m }", "`absent`"),
            ("when: { new: user }", "`new`"),
            ("when: { changed: user }", "`changed`"),
            ("escalate: [{ after: 5m, mention: here }]", "`after`"),
            ("resolve: { after: 5m }", "`resolve`"),
            ("context: { before: 3 }", "`context`"),
            ("active_during: work", "`active_during`"),
        ],
    );
    let told = told(&rules("    match: x\n    when: { distinct: user, count: 10, within: 5m }\n"));
    assert_eq!(told, ["6:13 error: `distinct` is not yet supported"]);
    for keys in [
        "spike: 3, within: 5m, min: 20",
        "drop: 3, within: 5m",
        "above: 5, of: ms, agg: p95, for: 1m, samples: 2, within: 5m",
        "below: 5",
        "not_followed_by: x, within: 5m",
        "new: x, remember: 1d, learn: 1d",
    ] {
        for line in super::told(&rules(&format!("    match: x\n    when: {{ {keys} }}\n"))) {
            assert!(line.ends_with(" is not yet supported"), "{line}");
        }
    }
}
