//! What a wrong file gets: every mistake at once, each with its place and what to write instead.

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
fn webhooks() {
    check(
        file,
        &[
            (
                "webhooks:\n  a b: {}\n",
                &[
                    "2:3 error: `a b` is no name = a name is made of letters, digits, `-`, `_` and `.`",
                    "2:3 error: webhook `a b` needs `url` or `url_file` = write `url: \"${SLACK_OPS_WEBHOOK}\"` or `url_file: /run/secrets/slack`",
                ],
            ),
            (
                "webhooks:\n  x: { url: http://example.com/x }\n",
                &[
                    "2:13 error: the webhook's URL, its password, would be sent unencrypted = write `https://`; or `allow_http: true`, if the network between is yours",
                ],
            ),
            (
                "webhooks:\n  x: { url: https://hooks.slack.com/triggers/T0/1/2 }\n",
                &[
                    "2:13 error: the URL of a Slack workflow trigger, which takes variables of its own and no attachments = make an incoming webhook: api.slack.com/apps, your app, \"Incoming Webhooks\"",
                ],
            ),
            (
                "webhooks:\n  x: { url: https://hooks.slack.com/workflows/T0/1/2 }\n",
                &[
                    "2:13 error: the URL of a Slack workflow, which takes variables of its own and no attachments = make an incoming webhook: api.slack.com/apps, your app, \"Incoming Webhooks\"",
                ],
            ),
            (
                "webhooks:\n  x: { url: ftp://example.com/x }\n",
                &["2:13 error: a webhook can't be reached by `ftp` ^ write `https://…`"],
            ),
            (
                "webhooks:\n  x: { url: hooks.slack.com/services/T0/B0/SECRET }\n",
                &[
                    "2:13 error: not a URL = a webhook's URL begins with `https://`, as `https://hooks.slack.com/services/…`",
                ],
            ),
            (
                "webhooks:\n  x: { url: foo, url_file: bar }\n",
                &["2:18 error: webhook `x` has both `url` and `url_file` ^ write one of them"],
            ),
            (
                "webhooks:\n  x: { url: '${NOPE}' }\n",
                &[
                    "2:13 error: the environment variable `NOPE` is not set = set it, or give a default: ${NOPE:-default}",
                ],
            ),
            (
                "webhooks:\n  x: { url: '$SLACK' }\n",
                &["2:13 error: a `$` that begins no `${VAR}` = write `$$` for a dollar"],
            ),
            (
                "webhooks:\n  x: { url_file: nope }\n",
                &["2:18 error: `/etc/hooktail/nope` can't be read ^ No such file or directory (os error 2)"],
            ),
            (
                "webhooks:\n  x: { url: '${SLACK}', flavor: teams, timeout: 10, rate: 5, retry: { max: 5 } }\n",
                &[
                    "2:33 error: `teams` is no `flavor` = write `slack`, `slack-legacy`, `mattermost`, `rocketchat`, `discord`",
                    "2:49 error: a duration needs a unit ^ did you mean `10s`?",
                    "2:59 error: not a rate ^ did you mean `5/m`?",
                    "2:76 error: a duration needs a unit ^ did you mean `5s`?",
                ],
            ),
            (
                "webhooks:\n  a: { url: '${SLACK}', fallback: spar }\n  spare: { url: '${SLACK}', rate_group: 'a b' }\nrules: [{ name: r, match: x, webhook: a }]\n",
                &[
                    "2:35 error: there is no webhook `spar` ^ did you mean `spare`?",
                    "3:41 error: `a b` is no name = a name is made of letters, digits, `-`, `_` and `.`",
                ],
            ),
            (
                "webhooks:\n  a: { url: '${SLACK}', fallback: b }\n  b: { url: '${SLACK}', fallback: c }\n  c: { url: '${SLACK}', fallback: b }\n  d: { url: '${SLACK}', fallback: d }\nrules: [{ name: r, match: x, webhook: a }]\n",
                &[
                    "3:35 error: a loop of fallbacks ^ `b` → `c` → `b`: where they are revoked, nobody hears of it",
                    "5:35 error: a loop of fallbacks ^ `d` → `d`: where they are revoked, nobody hears of it",
                ],
            ),
            (
                "webhooks:\n  a: { url: '${SLACK}', rate_group: x }\n  b: { url: '${SLACK}', rate_group: x, rate: 1/m }\nrules: [{ name: r, match: x, webhook: [a, b] }]\n",
                &[
                    "3:37 error: the webhooks of `x` have one rate ^ `a` has 1 at once, then one every 1s, `b` has 1 at once, then one every 1m",
                ],
            ),
            (
                "webhooks:\n  x: { url: '${SLACK}', proxy: 'socks5://x:1' }\n",
                &["2:32 error: not a proxy's URL = write it as `http://proxy.example.com:3128`"],
            ),
            (
                "webhooks:\n  x: { url: '${SLACK}', channel: C0123, username: hooktail }\n",
                &[
                    "2:25 error: `flavor: slack` has no `channel` = an app's webhook always posts to its own channel under its own name; make one for each channel, or write `flavor: slack-legacy` if it is a custom integration",
                    "2:41 error: `flavor: slack` has no `username` = an app's webhook always posts to its own channel under its own name; make one for each channel, or write `flavor: slack-legacy` if it is a custom integration",
                ],
            ),
            (
                "webhooks:\n  x: { url: 'https://discord.com/api/webhooks/1/x/slack', flavor: discord, icon_url: 'https://a/b.png' }\n",
                &[
                    "2:76 error: `flavor: discord` has no `icon_url` = a webhook of Discord posts to its own channel; its name and picture are set there",
                ],
            ),
            (
                "webhooks:\n  x: { url: 'https://chat/hooks/x', flavor: mattermost, icon_emoji: 'a b', icon_url: nope, username: '' }\n",
                &[
                    "2:69 error: `a b` is no emoji = write an emoji's name, as `\":rotating_light:\"`",
                    "2:76 error: a webhook has one picture ^ write `icon_emoji` or `icon_url`",
                    "2:86 error: not a URL = write the whole of it, from `https://` on",
                    "2:102 error: not a `username` ^ 1 to 255 characters on one line",
                ],
            ),
            (
                "webhooks: https://hooks.slack.com/services/T0/B0/SECRET\n",
                &["1:11 error: `webhooks` takes a map ^ this is text"],
            ),
        ],
    );
}

#[test]
fn inputs() {
    check(
        file,
        &[
            (
                "inputs:\n  a: { files: x, stdin: true }\n",
                &["2:18 error: input `a` has two sources ^ make it an input of its own"],
            ),
            (
                "inputs:\n  a: {}\n",
                &["2:3 error: input `a` reads nothing = write `files: /var/log/app.log`, or `stdin: true`"],
            ),
            (
                "inputs:\n  a: { files: ['[', ''], passthrough: true }\n",
                &[
                    "2:16 error: the glob is wrong ^ unclosed character class; missing ']'",
                    "2:21 error: an empty path",
                    "2:26 error: `passthrough` belongs to `stdin`",
                ],
            ),
            (
                "inputs:\n  a: { files: [] }\n",
                &["2:8 error: an input that reads no files ^ name a path or a glob"],
            ),
            (
                "inputs:\n  a: { files: x, start: begining, max_line: 5, poll: 1, ansi: x, parse: jsn, encoding: utf8, time: now }\n",
                &[
                    "2:25 error: `begining` is no `start` ^ did you mean `beginning`?",
                    "2:45 error: a size out of bounds ^ must be from 64 to 67108864 bytes",
                    "2:54 error: a duration needs a unit ^ did you mean `1s`?",
                    "2:63 error: `x` is no `ansi` = write `strip`, `keep`",
                    "2:73 error: `jsn` is no `parse` ^ did you mean `json`?",
                    "2:88 error: `utf8` is no `encoding` ^ did you mean `utf-8`?",
                    "2:100 error: `now` is no `time` = write `auto`, `read`",
                ],
            ),
            (
                "inputs:\n  a: { files: x, multiline: {} }\n  b: { files: x, multiline: { start: '[', preset: java } }\n  \
                 c: { files: x, multiline: { preset: jav, max_lines: 1, timeout: 5 } }\n  \
                 d: { files: x, multiline: { start: '[' } }\n",
                &[
                    "2:29 error: `multiline` says not which lines belong together = write `start: REGEX`, `continue: REGEX`, or `preset: java`",
                    "3:43 error: `preset` beside `start` ^ one of them says which lines belong together",
                    "4:39 error: `jav` is no `preset` ^ did you mean `java`?",
                    "4:55 error: a number out of bounds ^ must be from 2 to 10000",
                    "4:67 error: a duration needs a unit ^ did you mean `5s`?",
                    "5:39 error: the regex is wrong ^ unclosed character class",
                ],
            ),
            (
                "inputs:\n  a: { files: x, max_line: 5XB }\n",
                &["2:28 error: not a size = write it as `64KiB`, `10MB`, or bytes as a number"],
            ),
            (
                "inputs:\n  a: { stdin: false }\n  b: { stdin: true, start: end }\n  c: { stdin: true }\n",
                &[
                    "2:15 error: input `a` reads nothing ^ write `true`",
                    "3:21 error: `start` belongs to `files`",
                    "4:8 error: input `c` reads standard input a second time ^ it can be read once",
                ],
            ),
        ],
    );
}

#[test]
fn the_file() {
    check(
        file,
        &[
            (
                "",
                &["1:1 error: there are no rules = write one:\nrules:\n  - name: errors\n    match: 'ERROR'"],
            ),
            (
                "- a\n",
                &[
                    "1:1 error: the file is not a map of keys = begin with `webhooks:`, `inputs:` and `rules:`",
                ],
            ),
            (
                "rules:\n",
                &["1:1 error: there are no rules = write one:\nrules:\n  - name: errors\n    match: 'ERROR'"],
            ),
            ("rules: {}\n", &["1:8 error: `rules` takes a list ^ this is a map"]),
            (
                "rules: []\n",
                &["1:1 error: there are no rules = write one:\nrules:\n  - name: errors\n    match: 'ERROR'"],
            ),
            (
                "state_dir: none\nlimits: { keys: 1 }\n",
                &[
                    "1:12 error: `none` is no directory = `--state-dir none` keeps state in memory; a directory of that name is `./none`",
                ],
            ),
            ("state_dir: ''\n", &["1:12 error: an empty path"]),
            ("state_dir: [a]\n", &["1:12 error: `state_dir` takes text ^ this is a list"]),
            (
                "limits: { keys: 0, regex: 5XB }\nredact: { patterns: ['('] }\nhosst: x\ninclude: [none.yaml, '[']\n",
                &[
                    "1:17 error: a number out of bounds ^ must be from 1 to 1000000000",
                    "1:27 error: not a size = write it as `64KiB`, `10MB`, or bytes as a number",
                    "2:23 error: the regex is wrong ^ unclosed group",
                    "3:1 error: unknown key `hosst` ^ did you mean `host`?",
                    "4:11 warning: no file is found here ^ nothing is included",
                    "4:22 error: the glob is wrong ^ unclosed character class; missing ']'",
                ],
            ),
        ],
    );
}

/// The whole of what a person sees.
fn check_rendered(yaml: &str, expected: &str) {
    assert_eq!(load(yaml).render(false), expected);
}

#[test]
fn a_diagnostic_looks_as_the_contract_shows() {
    let yaml = format!(
        "{HEAD}rules:\n  - name: a\n    match: x\n\n\n\n\n  - name: r\n    match: x\n    sevirity: critical\n"
    );
    check_rendered(
        &yaml,
        "\
error: unknown key `sevirity`
  --> hooktail.yaml:12:5
   |
12 |     sevirity: critical
   |     ^^^^^^^^ did you mean `severity`?
",
    );
}

#[test]
fn help_two_places_and_secrets_as_they_are_shown() {
    check_rendered(
        &rules(
            "    match: x\n    color: #8b0000\n  - name: r\n    match: y\n    webhook: https://hooks.slack.com/services/T0/B0/SECRET\n",
        ),
        "\
error: `color` has no value
 --> hooktail.yaml:6:5
  |
6 |     color: #8b0000
  |     ^^^^^
  |
  = help: an unquoted `#` begins a comment: write \"#8b0000\"

error: two rules are called `r`
 --> hooktail.yaml:7:11
  |
4 |   - name: r
  |           - the first
...
7 |   - name: r
  |           ^ the second

error: a URL in the place of a webhook's name
 --> hooktail.yaml:9:14
  |
9 |     webhook: https://hooks.slack.com/services/************
  |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: name it under `webhooks`, and write that name here
",
    );
}

#[test]
fn ten_mistakes_are_ten_diagnostics() {
    let yaml = r##"webhooks:
  ops: { url: "http://hooks.example.com/x", rate: fast }
  pager: { url: "${PAGER_URL}" }
inputs:
  app: { files: /var/log/app.log, start: begining }
rules:
  - name: first
    match: 'fäiled (\d+'
    webhook: opps
    when: { count: 5, within: 60 }
  - name: second
    matsch: x
    where: 'status >= '
    webhook: [ops, pager]
    mention: bob
"##;
    let places: Vec<String> = told(yaml)
        .iter()
        .map(|line| {
            line.split(" ^ ").next().unwrap_or_default().split(" = ").next().unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(
        places,
        [
            "2:15 error: the webhook's URL, its password, would be sent unencrypted",
            "2:51 error: not a rate",
            "3:17 error: the environment variable `PAGER_URL` is not set",
            "5:42 error: `begining` is no `start`",
            "8:20 error: the regex is wrong",
            "9:14 error: there is no webhook `opps`",
            "10:31 error: a duration needs a unit",
            "12:5 error: unknown key `matsch`",
            "13:23 error: the expression is wrong",
            "15:14 error: `bob` is no mention",
        ]
    );
}

#[test]
fn notices() {
    check(
        |notices| file(&format!("notices: {notices}\n")),
        &[
            ("{ webhook: opps }", &["1:21 error: there is no webhook `opps` ^ did you mean `ops`?"]),
            ("{ webhok: ops }", &["1:12 error: unknown key `webhok` ^ did you mean `webhook`?"]),
            (
                "{ heartbeat: { every: 1m } }",
                &["1:12 error: a heartbeat needs `url` = write `{ url: \"${HEARTBEAT_URL}\", every: 1m }`"],
            ),
            (
                "{ heartbeat: { url: example.com/SECRET } }",
                &["1:30 error: not a URL = write the whole of it, from `https://` on"],
            ),
            (
                "{ heartbeat: { url: 'https://example.com/SECRET', every: 500ms } }",
                &["1:67 error: a heartbeat too often ^ at least 1s"],
            ),
            ("{ lifecycle: 1 }", &["1:23 error: `lifecycle` takes `true` or `false` ^ this is a number"]),
        ],
    );
    let yaml = "webhooks:\n  ops: { url: '${SLACK}' }\n  own: { url: '${SLACK}' }\ninputs: { app: { files: /x } }\n\
                rules: [{ name: r, match: x, webhook: ops }]\nnotices: { webhook: own }\n";
    assert_eq!(told(yaml), [""; 0], "a webhook that hears of notices is used");
}

#[test]
fn row_49_our_own_state_is_no_log() {
    check(
        |files| file(&format!("inputs: {{ app: {{ {files} }} }}\nstate_dir: /var/lib/hooktail\n")),
        &[
            (
                "files: '/var/lib/hooktail/*'",
                &["1:25 error: this reads hooktail's own state ^ it lies in `state_dir`"],
            ),
            (
                "files: [/x, '/var/lib/**']",
                &["1:25 error: this reads hooktail's own state ^ it lies in `state_dir`"],
            ),
            ("files: /var/lib/**, exclude: '*.db*'", &[]),
            ("files: '/var/lib/hooktail/*.log'", &[]),
            ("files: '/var/lib/*'", &[]),
        ],
    );
}

#[test]
fn on_exit() {
    check(
        |on_exit| file(&format!("on_exit: {on_exit}\n")),
        &[
            ("{ webhook: opps }", &["1:21 error: there is no webhook `opps` ^ did you mean `ops`?"]),
            (
                "{ severity: fatal }",
                &["1:22 error: `fatal` is no `severity` = write `critical`, `error`, `warning`, `info`"],
            ),
            (
                "{ mention: bob }",
                &[
                    "1:21 error: `bob` is no mention = Slack needs the id, not the name: `U…` or `W…` of a person (profile, \"Copy member ID\"), `S…` of a user group; or `here`, `channel`, `everyone`",
                ],
            ),
            ("{ lines: 0 }", &["1:19 error: a number out of bounds ^ must be from 1 to 100"]),
            ("{ ok: [0, 256] }", &["1:20 error: a number out of bounds ^ must be from 0 to 255"]),
            ("{ oks: 0 }", &["1:12 error: unknown key `oks` ^ did you mean `ok`?"]),
        ],
    );
    let yaml = "webhooks: { a: { url: '${SLACK}' }, b: { url: '${SLACK}' } }\ninputs: { app: { files: /x } }\n\
                rules: [{ name: on_exit, match: x, webhook: [a, b] }]\non_exit: {}\n";
    assert_eq!(
        told(yaml),
        [
            "4:1 error: a rule is called `on_exit` = `on_exit` posts under this name: give the rule another one",
            "4:10 error: rule `on_exit` needs a `webhook` = there are several: `a`, `b`; one for all rules can stand under `defaults`",
        ]
    );
}

#[test]
fn warnings_alone_leave_a_configuration() {
    let yaml = "webhooks:\n  ops: { url: '${SLACK}' }\n  spare: { url: '${SLACK}' }\ninputs: { app: { files: /x } }\nrules: [{ name: r, match: x, webhook: ops }]\n";
    let loaded = load(yaml);
    assert_eq!(
        loaded.diagnostics.iter().map(line).collect::<Vec<_>>(),
        ["3:3 warning: no rule posts to the webhook `spare`"]
    );
    assert!(loaded.config.is_some());
    assert!(load(&rules("    sevirity: x\n")).config.is_none());
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
fn silences() {
    check(
        |keys| format!("silences:\n{keys}{}", rules("    match: x\n")),
        &[
            (
                "  - { where: 'count > 5', until: 2026-12-01 }\n",
                &[
                    "2:15 error: `count` is not known to a silence ^ only messages have it",
                    "2:34 error: not a time = write it as `2026-12-01T00:00:00Z` or `2026-12-01T00:00:00+01:00`",
                ],
            ),
            (
                "  - { where: 'a ==', why: x }\n",
                &[
                    "2:5 error: a silence needs `until` = write `{ where: 'rule == \"disk\"', until: 2026-12-01T00:00:00Z, why: moving house }`",
                    "2:19 error: the expression is wrong ^ it ends too early",
                ],
            ),
        ],
    );
}

#[test]
fn slacks_ids_are_slacks() {
    let yaml = "webhooks:
  mm: { url: 'https://chat/hooks/x', flavor: mattermost }
  ops: { url: '${SLACK}' }
inputs: { app: { files: /x } }
rules:
  - { name: r, match: x, webhook: mm, mention: [here, U0123456] }
  - { name: s, match: x, webhook: ops, mention: U0123456, escalate: [{ count: 5, mention: S0123456, webhook: mm }] }
";
    let expected = [
        "6:13 warning: `r` mentions `U0123456` by Slack's id ^ the webhook `mm` (mattermost) doesn't know it: it calls nobody there",
        "7:13 warning: `s` mentions `S0123456` by Slack's id ^ the webhook `mm` (mattermost) doesn't know it: it calls nobody there",
    ];
    assert_eq!(told(yaml), expected);
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
fn hostile_yaml_ends_in_a_diagnostic() {
    let bomb: String =
        (1..30).map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "))).collect();
    for yaml in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        format!("a0: &a0 [x]\n{bomb}"),
        "- ".repeat(50_000),
        "a: !tag x\n".to_owned(),
        "a: &a [*a]\n".to_owned(),
        "? [a, b]\n: c\n".to_owned(),
        "\u{0}".to_owned(),
        "a: 99999999999999999999999999999999999\n".to_owned(),
    ] {
        assert!(!load(&yaml).diagnostics.is_empty());
    }
}

#[test]
fn the_json_form_is_flat() {
    let loaded = load(&rules("    match: x\n    sevirity: error\n"));
    assert_eq!(
        serde_json::to_string(&loaded.diagnostics).unwrap(),
        "[{\"level\":\"error\",\"message\":\"unknown key `sevirity`\",\"file\":\"hooktail.yaml\",\"line\":6,\"column\":5,\
         \"range\":{\"start\":152,\"end\":160},\"label\":\"did you mean `severity`?\"}]"
    );
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

#[test]
fn no_secret_is_shown_wherever_it_was_put() {
    let url = "hooks.slack.com/services/T0/B0/SECRET";
    for yaml in [
        format!("webhooks: https://{url}\n"),
        format!("webhooks: {{ ops: https://{url} }}\n"),
        format!("webhooks: {{ ops: {{ url: {url} }} }}\n"),
        format!("webhooks: {{ ops: {{ urll: 'https://{url}' }} }}\n"),
        format!("webhooks: {{ ops: {{ 'https://{url}': x }} }}\n"),
        format!("webhooks: {{ 'https://{url}': {{}} }}\n"),
        format!(
            "webhooks: {{ ops: {{ url: 'https://{url}', flavor: 'https://{url}', rate: 'https://{url}' }} }}\n"
        ),
        format!("webhooks: {{ ops: {{ url: https://{url}, timeout: [ }} }}\n"),
        format!("webhooks: {{ ops: {{ url_file: https://{url} }} }}\n"),
        format!("rules: [{{ name: r, match: x, webhook: [{url}, 'https://{url}'] }}]\n"),
        format!(
            "rules: [{{ name: 'https://{url}', match: x, mention: 'https://{url}', color: 'https://{url}' }}]\n"
        ),
    ] {
        let loaded = load(&yaml);
        let said = loaded.render(false)
            + &serde_json::to_string(&loaded.diagnostics).unwrap()
            + &format!("{loaded:?}");
        assert!(!loaded.diagnostics.is_empty() && !said.contains("SECRET"), "{said}");
    }
}
