use super::*;

#[test]
fn scratch() {
    for keys in [
        "    match: x\n    message:\n      title: {{ ip }}\n",
        "    match: \"\\d+\"\n",
        "    match:\n      - a\n      - {x: y}\n",
        "    match: |\n      foo\n      bar[\n",
        "    match: |-\n      foo\n      b(ar\n",
        "    where: 'ip == '\n",
        "    where: 'line == \"x\" )'\n",
        "    where: 'line # 5'\n",
        "    match: x\n    enabled: yes\n",
        "    match: x\n    dedup: { window: 0s, backoff: 0.5, max: 1m }\n",
        "    match: x\n\tseverity: error\n",
    ] {
        let loaded = load(&rules(keys));
        println!("{}", loaded.render(false));
    }
    for yaml in [
        "",
        "# c\n",
        "- a\n",
        "foo",
        "rules:\n",
        "webhooks:\n  a b: {}\n  x: {url: http://example.com/x}\n  y: {url: https://hooks.slack.com/triggers/T0/1/2}\n  z: {url: foo, url_file: bar}\n  w: {url: '${NOPE}'}\n  v: {url_file: nope}\n  u: {url: 'SECRETSECRET'}\n  t: {url: 'http://[::1]/x', timeout: 10, rate: 5, burst: 0, retry: {max: 5, foo: 1}, flavor: mattermost, channel: x}\nrules: [{name: a, match: x}]\ninclude: [conf.d/*.yaml]\n",
        "inputs:\n  a: {files: x, stdin: true}\n  b: {}\n  c: {files: ['[', ''], start: begining, passthrough: true, max_line: 5, encoding: utf-16le, parse: jsn, time: auto, poll: 1, ansi: x}\n  d: {stdin: yes, start: end}\n  e: {stdin: true}\n  f: {stdin: true}\n  g: { journald: {} }\n",
        "rules: {}\nseverities: { critcal: {mention: here}, error: {color: read}}\nredact: {patterns: ['(']}\nlimits: {keys: 0, regex: 5XB, history: 30d}\nhosst: x\nschedules: {}\ndefaults: {name: x, match: y, severity: foo}",
    ] {
        let loaded = load(yaml);
        println!("--------\n{}", loaded.render(false));
    }
}
