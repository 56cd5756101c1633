//! Of rules, and what stands in them.

use super::*;

#[test]
fn regexes() {
    check(
        rules,
        &[
            ("    match: 'a(b'\n", &["5:14 error: the regex is wrong ^ unclosed group"]),
            ("    match: it's [\n", &["5:17 error: the regex is wrong ^ unclosed character class"]),
            ("    match: 'it''s [a'\n", &["5:19 error: the regex is wrong ^ unclosed character class"]),
            (
                "    match:\n      - 'ok'\n      - \"a\\\\d(b\"\n",
                &["7:14 error: the regex is wrong ^ unclosed group"],
            ),
            ("    match: |-\n      foo\n      b(ar\n", &["7:8 error: the regex is wrong ^ unclosed group"]),
            ("    match: >-\n      foo\n      b(ar\n", &["6:7 error: the regex is wrong ^ unclosed group"]),
            (
                "    match: x\n    ignore: '*'\n",
                &["6:14 error: the regex is wrong ^ repetition operator missing expression"],
            ),
            (
                "    match: '(?=x)y'\n",
                &[
                    "5:13 error: the regex is wrong ^ look-around, including look-ahead and look-behind, is not supported = leave lines out with `ignore` or `where`",
                ],
            ),
            (
                "    match: '(?P<a>x)(?P<a>y)'\n",
                &["5:25 error: the regex is wrong ^ duplicate capture group name"],
            ),
            (
                "    match: '(?P<line>x)'\n",
                &["5:17 error: a group can't be called `line` ^ every event has a field of that name"],
            ),
            (
                "    match: 'x*'\n",
                &[
                    "5:12 warning: the regex matches an empty text, and so perhaps every line = is there a `*` that should be a `+`, or an empty alternative?",
                ],
            ),
            (
                "    match: '\\w{200}'\n",
                &[
                    "5:12 warning: the regex takes over 1 MiB of memory = Unicode makes classes large: write `(?-u:\\w)`, `(?-u:\\d)` where ASCII will do",
                ],
            ),
            (
                "    match: '\\w{3000}'\n",
                &[
                    "5:12 error: the regex is too large ^ over 10485760 bytes when compiled = Unicode makes classes large: write `(?-u:\\w)`, `(?-u:\\d)` where ASCII will do; the bound is `limits.regex`",
                ],
            ),
            (
                "    match: x\n    redact: { patterns: ['(', '(?-u:\\xff)'] }\n",
                &[
                    "6:27 error: the regex is wrong ^ unclosed group",
                    "6:31 error: the regex could match a part of a character = here texts are matched, not bytes: leave `(?-u)` out",
                ],
            ),
        ],
    );
}

#[test]
fn expressions() {
    check(
        rules,
        &[
            ("    where: 'line == '\n", &["5:21 error: the expression is wrong ^ it ends too early"]),
            ("    where: 'line == \"x\" )'\n", &["5:25 error: the expression is wrong ^ unexpected `)`"]),
            ("    where: 'line # 5'\n", &["5:18 error: the expression is wrong ^ unexpected `#`"]),
            (
                "    where: 'lower(line) == \"x\"'\n",
                &[
                    "5:13 error: the expression is wrong ^ there is no function `lower`; there are bool, bytes, contains, double, dyn, endsWith, int, matches, size, startsWith, string, type, uint",
                ],
            ),
            (
                "    where: 'line.matches(\"(\")'\n",
                &["5:25 error: the expression is wrong ^ `matches` can't take this regex: unclosed group"],
            ),
            ("    where: ''\n", &["5:12 error: the expression is wrong ^ the expression is empty"]),
            (
                "    match: '(?P<ip>x)'\n    where: 'ipp == \"x\" && captures.ip == \"y\" && labels.z == \"\" && fields.q == 1'\n",
                &[
                    "6:13 error: rule `r` has no field `ipp` ^ did you mean `ip`?",
                    "6:49 error: rule `r` has no field `labels.z` = its own fields are `ip`",
                    "6:67 error: rule `r` has no field `fields.q` ^ lines that are not parsed have no `fields`",
                ],
            ),
            (
                "    match: x\n    where: 'count > 5'\n",
                &["6:13 error: `count` is not known while a line is matched ^ only messages have it"],
            ),
            ("    match: x\n    where: 'has(captures.nothing)'\n", &[]),
        ],
    );
}

#[test]
fn names_of_webhooks_and_inputs() {
    check(
        rules,
        &[
            (
                "    match: x\n    webhook: opps\n",
                &["6:14 error: there is no webhook `opps` ^ did you mean `ops`?"],
            ),
            (
                "    match: x\n    webhook: [ops, pagers]\n",
                &["6:20 error: there is no webhook `pagers` = there are `ops`"],
            ),
            (
                "    match: x\n    webhook: https://hooks.slack.com/services/T0/B0/SECRET\n",
                &[
                    "6:14 error: a URL in the place of a webhook's name = name it under `webhooks`, and write that name here",
                ],
            ),
            ("    match: x\n    webhook: []\n", &["6:5 error: rule `r` posts to no webhook"]),
            (
                "    match: x\n    input: apq\n",
                &["6:12 error: there is no input `apq` ^ did you mean `app`?"],
            ),
            (
                "    match: x\n    input: []\n",
                &[
                    "6:5 error: rule `r` reads no input = leave `input` out to read all inputs, or `enabled: false` to leave the rule out",
                ],
            ),
        ],
    );
}

#[test]
fn rules_as_such() {
    check(
        rules,
        &[
            (
                "    severity: error\n",
                &[
                    "4:5 error: rule `r` takes nothing = write `match: REGEX`; or `where: EXPRESSION`, which reads every line",
                ],
            ),
            // `when` is near to `where`, and is none.
            (
                "    when: { count: 5, within: 1m }\n",
                &[
                    "4:5 error: rule `r` takes nothing = write `match: REGEX`; or `where: EXPRESSION`, which reads every line",
                ],
            ),
            (
                "    match: x\n  - name: r\n    match: y\n",
                &["6:11 error: two rules are called `r` ^ the second"],
            ),
            (
                "    match: x\n  - match: x\n  - { name: a b, match: x }\n",
                &[
                    "6:5 error: a rule needs a `name` = write `name: disk-full`",
                    "7:13 error: `a b` is no name = a name is made of letters, digits, `-`, `_` and `.`",
                ],
            ),
            (
                "    match: x\ndefaults: { name: x, match: y, severity: foo }\n",
                &[
                    "6:13 error: `name` can't have a default ^ write it in each rule",
                    "6:22 error: `match` can't have a default ^ write it in each rule",
                    "6:42 error: `foo` is no `severity` = write `critical`, `error`, `warning`, `info`",
                ],
            ),
        ],
    );
}

#[test]
fn when_and_throttle() {
    check(
        rules,
        &[
            (
                "    match: x\n    when: { count: 5, within: 60 }\n",
                &["6:31 error: a duration needs a unit ^ did you mean `60s`?"],
            ),
            (
                "    match: x\n    when: { count: 0, within: 5 minutes }\n",
                &[
                    "6:20 error: a number out of bounds ^ must be from 1 to 10000",
                    "6:31 error: not a duration = write it as `500ms`, `10s`, `5m`, `1h30m` or `2d`",
                ],
            ),
            (
                "    match: x\n    when: { count: 10001, within: 5w }\n",
                &[
                    "6:20 error: a number out of bounds ^ must be from 1 to 10000",
                    "6:35 error: `w` is no unit of time = write it as `500ms`, `10s`, `5m`, `1h30m` or `2d`",
                ],
            ),
            (
                "    match: x\n    when: { count: 5 }\n",
                &["6:13 error: `count` needs `within` = write `{ count: 5, within: 1m }`"],
            ),
            (
                "    match: '(?P<ip>x)'\n    when: { count: 5, within: 1m, by: [ipp, count, captures.ip] }\n",
                &[
                    "6:40 error: rule `r` has no field `ipp` ^ did you mean `ip`?",
                    "6:45 error: `count` is not known while a line is matched ^ only messages have it",
                ],
            ),
            (
                "    match: x\n    when: {}\n",
                &[
                    "6:5 error: `when` needs `count` = write `{ count: 5, within: 1m }`: an alert when 5 matches lie within a minute",
                ],
            ),
            (
                "    match: x\n    context: {}\n",
                &[
                    "6:5 error: `context` needs `before` or `after` = write `{ before: 3, after: 3 }`, or one of the two",
                ],
            ),
            (
                "    match: x\n    context: { before: 51, after: 1.5 }\n",
                &[
                    "6:24 error: a number out of bounds ^ must be from 0 to 50",
                    "6:35 error: `after` takes a whole number ^ this is a number with a fraction",
                ],
            ),
            (
                "    match: x\n    context: { befor: 1 }\n",
                &["6:16 error: unknown key `befor` ^ did you mean `before`?"],
            ),
            ("    match: x\n    throttle: { rate: 6 }\n", &["6:23 error: not a rate ^ did you mean `6/m`?"]),
            (
                "    match: x\n    throttle: { rate: 6/min, burst: 0 }\n",
                &[
                    "6:23 error: not a rate = write it as `10/m`; also `/s`, `/h`, `/d`",
                    "6:37 error: a number out of bounds ^ must be from 1 to 1000000",
                ],
            ),
            (
                "    match: x\n    throttle: { by: user }\n",
                &[
                    "6:5 error: `throttle` needs `rate` = write `{ rate: 6/m }`",
                    "6:21 error: rule `r` has no field `user` = its `match` has no named groups; write `(?P<name>…)` to have a field",
                ],
            ),
        ],
    );
}

#[test]
fn looks() {
    check(
        rules,
        &[
            (
                "    match: x\n    severity: fatal\n",
                &["6:15 error: `fatal` is no `severity` = write `critical`, `error`, `warning`, `info`"],
            ),
            (
                "    match: x\n    severity: waring\n",
                &["6:15 error: `waring` is no `severity` ^ did you mean `warning`?"],
            ),
            (
                "    match: x\n    color: '#8b00'\n",
                &[
                    "6:12 error: `#8b00` is no colour = write `good`, `warning`, `danger`, or six hex digits as \"#8b0000\"",
                ],
            ),
            ("    match: x\n    color: god\n", &["6:12 error: `god` is no colour ^ did you mean `good`?"]),
            (
                "    match: x\n    mention: '@here'\n",
                &["6:14 warning: `@here` is taken for `here` ^ write `here`"],
            ),
            (
                "    match: x\n    mention: ['<!channel>', bob, '#ops']\n",
                &[
                    "6:15 warning: `<!channel>` is taken for `channel` ^ write `channel`",
                    "6:29 error: `bob` is no mention = Slack needs the id, not the name: `U…` or `W…` of a person (profile, \"Copy member ID\"), `S…` of a user group; or `here`, `channel`, `everyone`",
                    "6:34 error: `#ops` is no mention = a channel can't be mentioned: a webhook posts to its own; write `here` or `channel` to call who is in it",
                ],
            ),
            (
                "    match: x\nseverities: { critcal: { mention: here }, error: { color: read } }\n",
                &[
                    "6:15 error: `critcal` is no severity ^ did you mean `critical`?",
                    "6:59 error: `read` is no colour = write `good`, `warning`, `danger`, or six hex digits as \"#8b0000\"",
                ],
            ),
        ],
    );
}

#[test]
fn episodes() {
    check(
        rules,
        &[
            (
                "    match: x\n    dedup: off\n    escalate: [{ count: 5, mention: here }]\n",
                &[
                    "7:5 error: `escalate` with `dedup: off` ^ without `dedup` each alert is a problem of its own, and none goes on",
                ],
            ),
            (
                "    match: x\n    escalate: [{ count: 5, mention: here }, { count: 5 }, { mention: here }]\n",
                &[
                    "6:45 error: a step of `escalate` that changes nothing = give it a `mention`, a `severity` or a `webhook`",
                    "6:54 error: the counts of `escalate` must increase ^ must be more than 5",
                    "6:59 error: a step of `escalate` needs `count` or `after` = write `{ count: 50, mention: here }`: at the fiftieth occurrence; or `{ after: 1h, … }`",
                ],
            ),
            (
                "    match: x\n    dedup: { window: 0s, backoff: 0.5, max: 1m }\n",
                &[
                    "6:22 error: a duration of nothing ^ must be longer than 0",
                    "6:35 error: a backoff out of bounds ^ must be from 1 (the window stays as it is) to 1000",
                ],
            ),
            (
                "    match: x\n    dedup: { window: 10m, max: 5m }\n",
                &["6:32 error: `max` is shorter than the window ^ at least 10m"],
            ),
            (
                "    match: x\n    dedup: no\n",
                &["6:12 error: `dedup` can't be `no` = write `off`, or a map as `{ window: 10m }`"],
            ),
        ],
    );
}

#[test]
fn messages() {
    check(
        rules,
        &[
            (
                "    match: x\n    runbook: foo\n",
                &["6:14 error: not a URL = write the whole of it, from `https://` on"],
            ),
            (
                "    match: x\n    message: { fields: [{ title: a }, { value: b }] }\n",
                &[
                    "6:25 error: a field needs `value` = write `{ title: User, value: \"{{ user }}\", short: true }`",
                    "6:39 error: a field needs `title` = write `{ title: User, value: \"{{ user }}\", short: true }`",
                ],
            ),
            (
                "    match: x\n    labels: { line: x }\n",
                &[
                    "6:15 error: `line` is a reserved name: every event has a field of that name ^ choose another",
                ],
            ),
        ],
    );
}

#[test]
fn mentions_have_a_budget_and_quiet_hours() {
    check(
        file,
        &[
            ("mentions: { budget: 12 }\n", &["1:21 error: not a rate ^ did you mean `12/m`?"]),
            (
                "mentions: { quiet_hours: nigth }\nschedules: { night: { hours: '22:00-06:00' } }\n",
                &["1:26 error: there is no schedule `nigth` ^ did you mean `night`?"],
            ),
            (
                "mentions: { quiet: x }\n",
                &["1:13 error: unknown key `quiet` = the keys here are `budget`, `late`, `quiet_hours`"],
            ),
            ("mentions: { late: 15 }\n", &["1:19 error: a duration needs a unit ^ did you mean `15s`?"]),
        ],
    );
}

#[test]
fn several_webhooks_want_a_choice() {
    let yaml = "webhooks:\n  a: { url: '${SLACK}' }\n  b: { url: '${SLACK}' }\ninputs: { app: { files: /x } }\nrules: [{ name: r, match: x }]\n";
    assert_eq!(
        told(yaml),
        [
            "5:17 error: rule `r` needs a `webhook` = there are several: `a`, `b`; one for all rules can stand under `defaults`"
        ]
    );
}

#[test]
fn a_long_pattern_is_refused() {
    let yaml = rules(&format!("    match: '{}'\n", "x".repeat(4097)));
    assert_eq!(
        told(&yaml),
        ["5:12 error: the regex is too long ^ 4097 bytes; at most 4096 = make it a list of several"]
    );
}

#[test]
fn the_regex_bound_can_be_moved() {
    let yaml = format!("{}limits: {{ regex: 10KiB }}\n", rules("    match: '\\w{9}'\n"));
    let told = told(&yaml);
    assert!(
        told[0].starts_with("5:12 error: the regex is too large ^ over 10240 bytes when compiled"),
        "{told:?}"
    );
}

#[test]
fn rules_are_no_place_for_the_environment() {
    let rule = rule("    match: 'x$$'\n    message: { title: 'pay $5, ${SLACK}' }\n");
    assert_eq!(rule.patterns[0].parts[0].as_str(), "x$$");
    assert_eq!(rule.message.title.unwrap().source(), "pay $5, ${SLACK}");
}

#[test]
fn templates() {
    check(
        rules,
        &[
            (
                "    match: '(?P<ip>x)'\n    message: { title: '{{ ipp }} {{ captures.ip }} {{ labels.x }} {{ count }} {{ ip.x }} {{ fields.a }}' }\n",
                &[
                    "6:27 error: rule `r` has no field `ipp` ^ did you mean `ip`?",
                    "6:55 error: rule `r` has no field `labels.x` = its own fields are `ip`",
                    "6:82 error: rule `r` has no field `ip.x` = its own fields are `ip`",
                    "6:93 error: rule `r` has no field `fields.a` ^ lines that are not parsed have no `fields`",
                ],
            ),
            (
                "    match: x\n    message: { title: 'a {{ ip' }\n",
                &[
                    "6:29 error: the template is wrong ^ unexpected end of input, expected end of variable block",
                ],
            ),
            (
                "    match: x\n    message: { text: '{{ line|shout }}', footer: '{{ foo(1) }}' }\n",
                &[
                    "6:31 error: the template is wrong ^ unknown filter `shout`",
                    "6:54 error: the template is wrong ^ unknown function `foo`",
                ],
            ),
            (
                "    match: x\n    message:\n      text: |\n        first\n        {{ line }\n",
                &["9:17 error: the template is wrong ^ unexpected `}`, expected end of variable block"],
            ),
            (
                "    match: x\n    message: { text: '{% for a in [1] %}{{ a }}{{ loop.index }}{% endfor %}{% set b = 1 %}{{ b }}' }\n",
                &[],
            ),
            (
                "    match: x\n    message: { fields: [{ title: a, value: '{{ user }}' }], link: '{{ nope }}' }\n",
                &[
                    "6:48 error: rule `r` has no field `user` = its `match` has no named groups; write `(?P<name>…)` to have a field",
                    "6:71 error: rule `r` has no field `nope` = its `match` has no named groups; write `(?P<name>…)` to have a field",
                ],
            ),
            ("    match: ['(?P<ip>x)', '(?P<user>y)']\n    message: { title: '{{ ip }}{{ user }}' }\n", &[]),
        ],
    );
}
