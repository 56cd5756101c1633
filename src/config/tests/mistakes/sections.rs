//! Of webhooks, inputs and the file's other sections.

use super::*;

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
                "webhooks:\n  x: { url: 'https://münchen.example/SECRET' }\n",
                &[
                    "2:13 error: not a URL = letters beyond ASCII are written as browsers send them: the host as `xn--…`",
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
            ("threads: 0\n", &["1:10 error: a number out of bounds ^ must be from 1 to 256"]),
            ("threads: all\n", &["1:10 error: `threads` takes a whole number ^ this is text"]),
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
