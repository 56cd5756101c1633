//! What each key means, and what holds without it.

use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::around::Reach;
use crate::config::{Limits, describe};
use crate::event::Texts;
use crate::flavor::{Flavor, Persona};
use crate::herald::Lifecycle;
use crate::input::{FilesSpec, Source, Start};
use crate::line::Ansi;
use crate::line::encoding::Encoding;
use crate::line::join::Joins;
use crate::line::parse::Parser;
use crate::line::trace::Preset;
use crate::rule::{Color, Mention, Severity, StepAt, When};
use crate::store::HistorySpec;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn texts(texts: &Texts) -> Vec<(&str, &str)> {
    texts.iter().map(|(name, text)| (&**name, &**text)).collect()
}

/// A configuration whose first input has these keys, in braces.
fn input(keys: &str) -> crate::input::InputSpec {
    let yaml = format!(
        "webhooks: {{ ops: {{ url: '${{SLACK}}' }} }}\ninputs: {{ app: {keys} }}\nrules: [{{ name: r, match: x }}]"
    );
    config(&yaml).inputs.remove(0)
}

fn files(keys: &str) -> FilesSpec {
    match input(keys).source {
        Source::Files(files) => files,
        Source::Stdin { .. } => panic!("{keys} is standard input"),
    }
}

fn webhook(keys: &str) -> crate::deliver::WebhookSpec {
    let yaml = format!(
        "webhooks: {{ ops: {keys} }}\ninputs: {{ app: {{ files: /x }} }}\nrules: [{{ name: r, match: x }}]"
    );
    config(&yaml).webhooks.remove(0)
}

#[test]
fn the_contracts_example_is_taken() {
    let yaml = r#"
webhooks:                             # where alerts go, by name
  ops:     { url: "${SLACK}" }
  oncall:  { url: "${SLACK}" }

inputs:                               # where lines come from, by name
  app:  { files: [/var/log/app/*.log], labels: { service: checkout } }
  auth: { files: /var/log/auth.log }

severities:                           # optional: what each severity looks like, and whom it wakes
  critical: { mention: channel }

rules:                                # what is worth telling someone
  - name: ssh-bruteforce
    input: auth
    match: 'Failed password for (?:invalid user )?(?P<user>\S+) from (?P<ip>\S+)'
    when: { count: 5, within: 1m, by: ip }
    severity: warning
    webhook: ops
    throttle: { rate: 6/m }
    escalate:
      - { count: 50, mention: here }
      - { count: 500, mention: channel, severity: critical, webhook: oncall }
    message:
      title: "SSH brute force from {{ ip }}"
      text: "{{ count }} failures in {{ elapsed }}, last user `{{ user }}`"
"#;
    let config = config(yaml);
    let rule = &config.rules[0];
    assert_eq!(rule.when, When::Count { count: 5, within: secs(60), by: vec!["ip".into()] });
    assert_eq!(
        describe(rule, &config).join("; "),
        "takes lines of `auth` that match `Failed password for (?:invalid user )?(?P<user>\\S+) from (?P…`; \
         alerts when 5 lie within 1m per `ip`; posts to `ops` as warning; \
         repeats per `ip` are folded for 10m, then twice as long each time, up to 4h; \
         at most 6 messages at once, then one every 10s; at 50 mentions here; \
         at 500 mentions channel, becomes critical, posts to `oncall` too"
    );
}

#[test]
fn notices_go_to_the_first_webhook_unless_another_is_named() {
    let yaml = |more: &str| {
        format!(
            "webhooks: {{ ops: {{ url: '${{SLACK}}' }}, own: {{ url: '${{SLACK}}' }} }}\ninputs: {{ app: {{ files: /x }} }}\n\
             rules: [{{ name: r, match: x, webhook: ops }}, {{ name: s, match: x, webhook: own }}]\n{more}"
        )
    };
    let notices = config(&yaml("")).notices;
    assert_eq!((&*notices.webhook, notices.lifecycle), ("ops", Lifecycle::Logged));
    let notices =
        config(&yaml("notices: { webhook: own, lifecycle: true }\nredact: { patterns: ['h.d'] }\n")).notices;
    assert_eq!((&*notices.webhook, notices.lifecycle), ("own", Lifecycle::Told));
    assert_eq!(notices.redact.redact("hid password=x1"), "[redacted] password=[redacted]");
    assert!(notices.heartbeat.is_none());
}

#[test]
fn the_heartbeats_url_is_a_secret() {
    let yaml =
        |heartbeat: &str| format!("notices: {{ heartbeat: {heartbeat} }}\n{}", rules("    match: x\n"));
    let beat = config(&yaml("{ url: 'https://example.com/SECRET' }")).notices.heartbeat.expect("it is named");
    assert_eq!((beat.url.expose().path(), beat.every), ("/SECRET", Duration::from_secs(60)));
    assert!(!format!("{beat:?}").contains("SECRET"));
    let beat = config(&yaml("{ url: 'https://example.com/SECRET', every: 10s }")).notices.heartbeat;
    assert_eq!(beat.expect("it is named").every, Duration::from_secs(10));
}

#[test]
fn on_exit_is_a_rule_that_takes_no_line() {
    let yaml = |keys: &str| {
        format!(
            "{}severities: {{ critical: {{ mention: channel }} }}\non_exit: {keys}\n",
            rules("    match: x\n")
        )
    };
    assert!(config(&rules("    match: x\n")).on_exit.is_none());
    let on_exit = config(&yaml("{}")).on_exit.unwrap();
    assert_eq!((on_exit.lines, &on_exit.ok[..]), (20, &[0, 143][..]));
    let rule = &on_exit.rule;
    assert_eq!(
        (rule.severity, &rule.webhooks[..], rule.inputs.len()),
        (Severity::Critical, &["ops".into()][..], 0)
    );
    assert_eq!(rule.look(Severity::Critical).mention, [Mention::Channel]);
    assert!(rule.dedup.is_none());
    let on_exit = config(&yaml("{ severity: info, mention: here, lines: 5, ok: 7 }")).on_exit.unwrap();
    assert_eq!((on_exit.lines, &on_exit.ok[..], on_exit.rule.severity), (5, &[7][..], Severity::Info));
    assert_eq!(on_exit.rule.look(Severity::Info).mention, [Mention::Here]);
}

#[test]
fn a_rules_defaults() {
    let rule = rule("    match: x\n");
    assert_eq!(rule.inputs, ["app".into()]);
    assert_eq!(rule.webhooks, ["ops".into()]);
    assert_eq!(rule.when, When::Every);
    assert_eq!(rule.severity, Severity::Error);
    assert_eq!(rule.look(Severity::Error).color, Color::DANGER);
    assert!(rule.look(Severity::Critical).mention.is_empty());
    let dedup = rule.dedup.unwrap();
    assert_eq!((dedup.by, dedup.window, dedup.backoff), (None, secs(600), 2.0));
    assert_eq!((dedup.max, dedup.summary), (secs(4 * 3600), true));
    assert!(rule.throttle.is_none() && rule.escalate.is_empty() && rule.filter.is_none());
}

#[test]
fn match_and_ignore_are_one_or_many() {
    let rule = rule("    match: [a, '(?P<n>b)']\n    ignore: c\n");
    let sources: Vec<&str> = rule.patterns.iter().map(|matcher| matcher.parts[0].as_str()).collect();
    assert_eq!(sources, ["a", "(?P<n>b)"]);
    assert_eq!(*rule.patterns[1].parts[0].names, ["n".into()]);
    assert_eq!(rule.ignore[0].parts[0].as_str(), "c");
}

#[test]
fn where_alone_takes_every_line_that_it_holds_for() {
    let rule = rule("    where: 'line.contains(\"x\") && labels.a == \"b\"'\n    labels: { a: b }\n");
    assert!(rule.patterns.is_empty());
    assert_eq!(rule.filter.unwrap().source(), "line.contains(\"x\") && labels.a == \"b\"");
}

#[test]
fn inputs_and_webhooks_by_name() {
    let yaml = "webhooks: { a: { url: '${SLACK}' }, b: { url: '${SLACK}' } }
inputs: { one: { files: /x }, two: { files: /y } }
rules:
  - { name: r, match: x, webhook: [b, a, b] }
  - { name: s, match: x, webhook: a, input: two }
";
    let config = config(yaml);
    assert_eq!(config.rules[0].webhooks, ["b".into(), "a".into()]);
    assert_eq!(config.rules[0].inputs, ["one".into(), "two".into()]);
    assert_eq!(config.rules[1].inputs, ["two".into()]);
}

#[test]
fn severities_color_and_mention_yield_to_the_rules_own() {
    let yaml = |keys: &str| {
        format!(
            "{}severities: {{ critical: {{ mention: channel }}, error: {{ color: good, mention: U0123ABCD }} }}\n",
            rules(keys)
        )
    };
    let plain = config(&yaml("    match: x\n")).rules.remove(0);
    assert_eq!(plain.look(Severity::Critical).mention, [Mention::Channel]);
    assert_eq!(plain.look(Severity::Error).color, Color::GOOD);
    assert_eq!(plain.look(Severity::Error).mention, [Mention::User("U0123ABCD".into())]);
    let own =
        config(&yaml("    match: x\n    color: '#102030'\n    mention: [here, S0123ABCD]\n")).rules.remove(0);
    for severity in Severity::ALL {
        assert_eq!(own.look(severity).color, Color([0x10, 0x20, 0x30]));
        assert_eq!(own.look(severity).mention, [Mention::Here, Mention::Group("S0123ABCD".into())]);
    }
}

#[test]
fn dedup_off_and_on() {
    assert!(rule("    match: x\n    dedup: off\n").dedup.is_none());
    let keys = "    match: '(?P<ip>x)'\n    dedup: { by: [ip, file], window: 5m, backoff: 1.5, max: 1h, summary: false }\n";
    let dedup = rule(keys).dedup.unwrap();
    assert_eq!(dedup.by, Some(vec!["ip".into(), "file".into()]));
    assert_eq!((dedup.window, dedup.backoff, dedup.max, dedup.summary), (secs(300), 1.5, secs(3600), false));
    let long = rule("    match: x\n    dedup: { window: 1d }\n").dedup.unwrap();
    assert_eq!((long.window, long.max), (secs(86_400), secs(86_400)));
}

#[test]
fn context_is_lines_before_and_after() {
    let reach = |keys: &str| {
        let Reach { before, after } = rule(&format!("    match: x\n{keys}")).context;
        (before, after)
    };
    assert_eq!(reach(""), (0, 0));
    assert_eq!(reach("    context: { before: 3 }\n"), (3, 0));
    assert_eq!(reach("    context: { before: 0, after: 50 }\n"), (0, 50));
    let yaml = rules("    match: x\n    context: { after: 2 }\n")
        + "defaults: { context: { before: 1, after: 9 } }\n";
    let config = config(&yaml);
    assert_eq!(config.rules[0].context, Reach { before: 1, after: 2 });
    let words = describe(&config.rules[0], &config).join("; ");
    assert!(words.contains("; shows the line with 1 before and 2 after it; "), "{words}");
}

#[test]
fn a_throttles_burst_is_the_rates_number() {
    let throttle = rule("    match: x\n    throttle: { rate: 6/m, by: [file] }\n").throttle.unwrap();
    assert_eq!((throttle.rate.burst.get(), throttle.rate.per), (6, secs(60)));
    assert_eq!(throttle.by, ["file".into()]);
    let throttle = rule("    match: x\n    throttle: { rate: 6/m, burst: 2 }\n").throttle.unwrap();
    assert_eq!(throttle.rate.burst.get(), 2);
}

#[test]
fn escalation_steps() {
    let rule = rule(
        "    match: x\n    escalate:\n      - { count: 5, mention: [here] }\n      - { count: 9, severity: critical, webhook: ops }\n",
    );
    assert_eq!(rule.escalate[0].mention, [Mention::Here]);
    assert_eq!(
        (rule.escalate[1].at, rule.escalate[1].severity),
        (StepAt::Count(9), Some(Severity::Critical))
    );
    assert_eq!(rule.escalate[1].webhooks, ["ops".into()]);
}

#[test]
fn messages_are_templates() {
    let rule = rule(
        "    match: '(?P<ip>x)'
    runbook: https://runbooks.example.com/x
    message:
      title: 'from {{ ip }}'
      link: 'https://example.com/{{ captures.ip }}'
      fields:
        - { title: IP, value: '{{ ip }}', short: true }
        - { title: Count, value: 1 }
",
    );
    assert_eq!(rule.message.title.unwrap().source(), "from {{ ip }}");
    assert_eq!(rule.message.link.unwrap().source(), "https://example.com/{{ captures.ip }}");
    let fields = rule.message.fields.unwrap();
    let shown: Vec<_> =
        fields.iter().map(|field| (&*field.title, field.value.source(), field.short)).collect();
    assert_eq!(shown, [("IP", "{{ ip }}", true), ("Count", "1", false)]);
    assert_eq!(rule.runbook.as_deref(), Some("https://runbooks.example.com/x"));
    assert!(rule.message.text.is_none());
}

#[test]
fn a_rule_that_is_not_enabled_is_left_out() {
    let yaml = format!("{}  - {{ name: s, match: y }}\n", rules("    match: x\n    enabled: false\n"));
    let names: Vec<_> = config(&yaml).rules.iter().map(|rule| rule.name.to_string()).collect();
    assert_eq!(names, ["s"]);
}

#[test]
fn defaults_fill_what_a_rule_leaves_open() {
    let yaml = |keys: &str| {
        format!(
            "{}defaults:\n  severity: info\n  mention: here\n  ignore: noise\n  dedup: {{ window: 1m, backoff: 1 }}\n  \
             when: {{ count: 3, within: 1m }}\n  labels: {{ team: a, site: b }}\n  message: {{ title: T, footer: F }}\n",
            rules(keys)
        )
    };
    let rule = config(&yaml("    match: x\n    dedup: { window: 2m }\n    when: { count: 9 }\n    ignore: []\n    labels: { team: c }\n    message: { title: U }\n")).rules.remove(0);
    assert_eq!(rule.severity, Severity::Info);
    assert_eq!(rule.look(Severity::Info).mention, [Mention::Here]);
    assert!(rule.ignore.is_empty(), "a list replaces a list");
    let dedup = rule.dedup.unwrap();
    assert_eq!((dedup.window, dedup.backoff), (secs(120), 1.0), "maps are merged");
    assert_eq!(rule.when, When::Count { count: 9, within: secs(60), by: vec![] });
    assert_eq!(texts(&rule.labels), [("team", "c"), ("site", "b")], "labels add up");
    assert_eq!(rule.message.title.unwrap().source(), "U");
    assert_eq!(rule.message.footer.unwrap().source(), "F");
    assert!(config(&yaml("    match: x\n    dedup: off\n")).rules[0].dedup.is_none());
}

#[test]
fn redact_adds_up() {
    let yaml = format!(
        "{}redact: {{ builtin: false, patterns: one }}\ndefaults: {{ redact: {{ patterns: [two] }} }}\n",
        rules("    match: x\n    redact: { patterns: [three, four] }\n")
    );
    config(&yaml);
}

#[test]
fn a_state_directory_is_relative_to_its_file() {
    let at = |line: &str| config(&format!("{}{line}\n", rules("    match: x\n"))).state_dir;
    assert_eq!(at("state_dir: /var/lib/hooktail"), Some(PathBuf::from("/var/lib/hooktail")));
    assert_eq!(at("state_dir: '${NODE_NAME}/state'"), Some(PathBuf::from("/etc/hooktail/node-7/state")));
    assert_eq!(at("# nothing"), None);
}

#[test]
fn host_and_limits() {
    let config = config(&format!(
        "{}host: '${{NODE_NAME}}'\nlimits: {{ keys: 5, outbox: 6, regex: 1MiB, deleted_file: 1h, history: 2d, \
         history_alerts: 7 }}\n",
        rules("    match: x\n")
    ));
    assert_eq!(&*config.host, "node-7");
    assert_eq!(
        config.limits,
        Limits {
            keys: 5,
            outbox: 6,
            regex: 1 << 20,
            deleted_file: secs(3600),
            history: HistorySpec { keep: secs(2 * 24 * 3600), alerts_max: 7 }
        }
    );
    assert_eq!(
        Limits::default(),
        Limits {
            keys: 100_000,
            outbox: 2_000,
            regex: 10 << 20,
            deleted_file: secs(300),
            history: HistorySpec { keep: secs(30 * 24 * 3600), alerts_max: 100_000 }
        }
    );
    assert_eq!(&*super::config(&format!("{}host: 7\n", rules("    match: x\n"))).host, "7");
}

#[test]
fn threads() {
    let of = |line: &str| config(&format!("{}{line}\n", rules("    match: x\n"))).threads;
    assert_eq!([of("threads: 4"), of("# nothing")], [4, 1]);
}

/// A file of this mode that holds a token, and what stands in it.
fn token_file(mode: u32) -> (tempfile::TempDir, String) {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "0123456789abcdef\n").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
    (folder, path.display().to_string())
}

#[test]
fn an_admins_keys() {
    let admin = |section: &str| config(&format!("{}{section}\n", rules("    match: x\n"))).admin;
    assert_eq!(admin("# none"), None);
    let usual = admin("admin: {}").unwrap();
    assert_eq!((usual.listen.to_string().as_str(), usual.token), ("127.0.0.1:9321", None));
    let (_folder, path) = token_file(0o640);
    let full = admin(&format!("admin: {{ listen: '[::1]:80', token_file: {path} }}")).unwrap();
    assert_eq!(full.listen.to_string(), "[::1]:80");
    assert!(full.token.is_some_and(|token| token.is("0123456789abcdef")));
}

#[test]
fn an_admins_mistakes() {
    let said = |section: &str| {
        let told = told(&format!("{}{section}\n", rules("    match: x\n")));
        told.iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let help = "write `127.0.0.1:9321` or `\"[::1]:9321\"`";
    for wrong in ["localhost:9321", "':9321'", "'9321'", "/run/x.sock"] {
        let expected = format!("error: not an address with a port = {help}");
        assert_eq!(said(&format!("admin: {{ listen: {wrong} }}")), [expected]);
    }
    let open = &said("admin: { listen: '0.0.0.0:9321' }")[0];
    assert!(open.starts_with("warning: whoever reaches this address can read"), "{open}");
    let (_folder, path) = token_file(0o644);
    let everyone = format!("error: everyone on this machine can read `{path}` = chmod o-r {path}");
    assert_eq!(said(&format!("admin: {{ token_file: {path} }}")), [everyone]);
    let (_folder, path) = token_file(0o600);
    std::fs::write(&path, "short").unwrap();
    let short = &said(&format!("admin: {{ token_file: {path} }}"))[0];
    assert!(short.contains("fewer than 16 characters") && !short.contains("short`"), "{short}");
    assert_eq!(
        said("admin: { token_file: /nonexistent/token }"),
        ["error: `/nonexistent/token` can't be read ^ No such file or directory (os error 2)"]
    );
}

#[test]
fn a_webhooks_keys() {
    let plain = webhook("{ url: '${SLACK}' }");
    assert_eq!(plain.url.to_string(), "https://hooks.slack.com/services/T…/…");
    assert_eq!(plain.url.expose().path(), "/services/T0/B0/SECRET");
    assert_eq!((plain.rate.number.get(), plain.rate.per, plain.rate.burst.get()), (1, secs(1), 1));
    assert_eq!((plain.timeout, plain.retry_max, plain.retry_probe), (secs(10), secs(300), secs(600)));
    let full = webhook(
        "{ url: 'http://example.com/x', allow_http: '${YES}', flavor: slack, rate: 10/m, burst: 3, timeout: 2s, \
         retry: { max: 1m, probe: 2m } }",
    );
    assert_eq!((full.rate.number.get(), full.rate.per, full.rate.burst.get()), (10, secs(60), 3));
    assert_eq!((full.timeout, full.retry_max, full.retry_probe), (secs(2), secs(60), secs(120)));
    assert_eq!((plain.rate_group, plain.fallback, plain.url_file), (None, None, None));
    for loopback in ["http://localhost:8080/x", "http://127.1.2.3/x", "http://[::1]:9/x"] {
        webhook(&format!("{{ url: '{loopback}' }}"));
    }
}

#[test]
fn a_webhook_has_a_flavor_and_may_post_as_somebody() {
    let plain = webhook("{ url: '${SLACK}' }");
    assert_eq!((plain.flavor, plain.persona), (Flavor::Slack, Persona::default()));
    let full = webhook(
        "{ url: '${SLACK}', flavor: slack-legacy, channel: '#ops', username: hooktail, icon_emoji: rotating_light }",
    );
    assert_eq!(full.flavor, Flavor::SlackLegacy);
    let text = |text: &str| Some(std::sync::Arc::from(text));
    let persona = Persona {
        channel: text("#ops"),
        username: text("hooktail"),
        icon_emoji: text(":rotating_light:"),
        icon_url: None,
    };
    assert_eq!(full.persona, persona);
    let url = webhook("{ url: 'https://chat/hooks/x', flavor: rocketchat, icon_url: 'https://a/b.png' }");
    assert_eq!((url.flavor, url.persona.icon_url), (Flavor::RocketChat, text("https://a/b.png")));
    assert_eq!(
        webhook("{ url: 'https://discord.com/api/webhooks/1/x/slack', flavor: discord }").flavor,
        Flavor::Discord
    );
}

#[test]
fn a_webhook_may_have_a_proxy() {
    assert_eq!(webhook("{ url: '${SLACK}' }").proxy, None);
    let proxied = webhook("{ url: '${SLACK}', proxy: 'http://user:SECRET@proxy:3128' }");
    assert_eq!(proxied.proxy.unwrap().to_string(), "http://proxy:3128");
}

#[test]
fn silences_and_lateness() {
    let yaml = "silences: [{ where: 'rule == \"r\"', until: 2026-12-01T00:00:00+01:00, why: moving house }]\n\
                mentions: { late: 1h }";
    let config = config(&format!("{}{yaml}\n", rules("    match: x\n")));
    let silence = &config.silences[0];
    assert_eq!((silence.until.as_secs(), silence.why.as_str()), (1_796_079_600, "moving house"));
    assert_eq!(silence.filter.source(), "rule == \"r\"");
    assert_eq!(config.rules[0].late, secs(3600));
    assert_eq!(rule("    match: x\n").late, secs(900));
}

#[test]
fn mentions_have_a_budget() {
    let mentions = |yaml: &str| config(&format!("{}{yaml}\n", rules("    match: x\n"))).mentions;
    let plain = mentions("");
    assert_eq!(plain.budget.to_string(), "12 at once, then one every 5m");
    assert_eq!(plain.quiet_hours, None);
    let full = mentions(
        "mentions: { budget: 3/d, quiet_hours: night }\nschedules: { night: { hours: '22:00-06:00' } }",
    );
    assert_eq!(full.budget.to_string(), "3 at once, then one every 8h");
    assert_eq!(&*full.quiet_hours.unwrap().name, "night");
}

#[test]
fn webhooks_may_share_a_rate_and_fall_back() {
    let yaml = "webhooks:
  ops: { url: '${SLACK}', rate_group: channel, fallback: spare }
  dev: { url: '${SLACK}', rate_group: channel, fallback: ops }
  spare: { url: '${SLACK}', rate: 2/s }
inputs: { app: { files: /x } }
rules: [{ name: r, match: x, webhook: [ops, dev] }]
";
    let config = config(yaml);
    let told = |name: &str| config.webhooks.iter().find(|webhook| &*webhook.name == name).unwrap();
    assert_eq!(
        (told("ops").rate_group.as_deref(), told("ops").fallback.as_deref()),
        (Some("channel"), Some("spare"))
    );
    assert_eq!((told("dev").fallback.as_deref(), told("spare").fallback.as_deref()), (Some("ops"), None));
    let words = describe(&config.rules[0], &config).join("; ");
    assert!(
        words.contains(
            "; while `ops` is revoked, posts to `spare` in its place; while `dev` is revoked, posts to `ops`"
        ),
        "{words}"
    );
}

#[test]
fn a_files_inputs_keys() {
    let plain = input("{ files: logs/./*.log }");
    assert_eq!((plain.line.line_bytes_max, plain.line.ansi), (256 * 1024, Ansi::Strip));
    assert!(matches!(plain.line.parser, Parser::Text));
    let spec = files("{ files: logs/./*.log }");
    assert_eq!(spec.globs, ["/etc/hooktail/logs/*.log"]);
    assert_eq!((spec.start, spec.poll, spec.follow_symlinks), (Start::End, secs(1), false));
    assert!(spec.exclude.is_match("/var/log/app.log.1.gz") && !spec.exclude.is_match("/var/log/app.log.1"));
    let spec = files(
        "{ files: [/a, '${NODE_NAME}/b'], exclude: ['*.old', sub/x], start: beginning, poll: 5s, follow_symlinks: true, \
         encoding: utf-8, parse: text, time: read }",
    );
    assert_eq!(spec.globs, ["/a", "/etc/hooktail/node-7/b"]);
    assert_eq!((spec.start, spec.poll, spec.follow_symlinks), (Start::Beginning, secs(5), true));
    for (path, left_out) in
        [("/a/b/c.old", true), ("/etc/hooktail/sub/x", true), ("/sub/x", false), ("/a/b.gz", false)]
    {
        assert_eq!(spec.exclude.is_match(path), left_out, "{path}");
    }
    let encoding = |keys: &str| input(&format!("{{ files: /x{keys} }}")).line.encoding;
    assert_eq!(encoding(""), None);
    for known in Encoding::ALL {
        assert_eq!(encoding(&format!(", encoding: {}", known.name())), Some(known));
    }
    assert!(plain.line.multiline.is_none());
    let joined =
        |keys: &str| input(&format!("{{ files: /x, multiline: {{ {keys} }} }}")).line.multiline.unwrap();
    let java = joined("preset: java");
    assert!(matches!(java.by, Joins::Preset(Preset::Java)));
    assert_eq!((java.timeout, java.lines_max), (secs(1), 500));
    let start = joined("start: '^\\d{4}', timeout: 5s, max_lines: 20");
    assert!(matches!(&start.by, Joins::Start(regex) if regex.as_str() == "^\\d{4}"), "{start:?}");
    assert_eq!((start.timeout, start.lines_max), (secs(5), 20));
    assert!(matches!(joined("continue: '^\\s'").by, Joins::Continue(_)));
    let cut = input("{ files: /x, max_line: 1KiB, ansi: keep }");
    assert_eq!((cut.line.line_bytes_max, cut.line.ansi), (1024, Ansi::Keep));
}

#[test]
fn how_lines_are_joined_is_said() {
    let said = |keys: &str| {
        let yaml = format!(
            "webhooks: {{ ops: {{ url: \"https://hooks.slack.com/services/T0/B0/x\" }} }}\n\
             inputs: {{ app: {{ files: /x, multiline: {{ {keys} }} }} }}\nrules: [{{ name: r, match: boom }}]\n"
        );
        let config = config(&yaml);
        describe(&config.rules[0], &config).remove(0)
    };
    assert_eq!(
        said("preset: java"),
        "takes lines of `app` (joined with the java stack traces after them) that match `boom`"
    );
    assert_eq!(
        said("start: '^\\d'"),
        "takes lines of `app` (joined up to the next that matches `^\\d`) that match `boom`"
    );
}

#[test]
fn standard_input() {
    assert!(matches!(input("{ stdin: true }").source, Source::Stdin { passthrough: false }));
    assert!(matches!(
        input("{ stdin: true, passthrough: true }").source,
        Source::Stdin { passthrough: true }
    ));
}

#[test]
fn labels_are_what_is_written() {
    let spec = input(
        "{ files: /x, labels: { version: 1.10, on: true, port: 0x10, name: a b, node: '${NODE_NAME}' } }",
    );
    assert_eq!(
        texts(&spec.labels),
        [("version", "1.10"), ("on", "true"), ("port", "0x10"), ("name", "a b"), ("node", "node-7")]
    );
}

#[test]
fn anchors_and_merge_keys_work() {
    let yaml =
        format!("{HEAD}rules:\n  - &a {{ name: r, match: x, severity: info }}\n  - {{ <<: *a, name: s }}\n");
    let config = config(&yaml);
    assert_eq!((&*config.rules[1].name, config.rules[1].severity), ("s", Severity::Info));
}

#[test]
fn what_a_rule_does_is_told() {
    let told = |keys: &str| {
        let config = config(&rules(keys));
        describe(&config.rules[0], &config).join("; ")
    };
    assert_eq!(
        told("    match: [a, b]\n    ignore: c\n    mention: here\n    dedup: { window: 1m, backoff: 1 }\n"),
        "takes lines of `app` that match `a` or `b`, unless they match `c`; posts to `ops` as error and mentions here; \
         repeats of one shape are folded for 1m at a time"
    );
    assert_eq!(
        told("    where: 'line == \"x\"'\n    dedup: off\n    throttle: { rate: 1/h, by: file }\n"),
        "takes lines of `app`, where `line == \"x\"`; posts to `ops` as error; each alert is a message of its own; \
         at most 1 message at once, then one every 1h, per `file`"
    );
    assert_eq!(
        told("    match: a\n    when: { count: 2, within: 1h }\n    dedup: { summary: false, by: file }\n"),
        "takes lines of `app` that match `a`; alerts when 2 lie within 1h; posts to `ops` as error; \
         repeats per `file` are folded for 10m, without a summary"
    );
}

#[test]
fn the_files_are_named() {
    assert_eq!(config(&rules("    match: x\n")).files, Vec::<PathBuf>::new(), "a text is no file");
}
