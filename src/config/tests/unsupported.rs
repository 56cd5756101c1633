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
            ("files: /x, parse: cri", "`parse: cri`"),
            ("files: /x, parse: docker", "`parse: docker`"),
            ("files: /x, parse: syslog", "`parse: syslog`"),
        ],
    );
}

#[test]
fn rule_keys() {
    refused(|keys| rules(&format!("    {keys}\n")), &[("metric: cpu", "`metric`")]);
}
