//! How mistakes are shown: whole, in JSON, and without secrets.

use super::*;

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
