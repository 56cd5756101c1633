//! Several files: `include`, and files that hold secrets.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::*;
use crate::config;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn load(&self) -> Loaded {
        let credentials = self.path("credentials").display().to_string();
        let env = move |name: &str| {
            (name == "CREDENTIALS_DIRECTORY").then(|| credentials.clone()).or_else(|| env(name))
        };
        config::load(&self.path("hooktail.yaml"), &env)
    }

    /// All that is said, with the folder's name left out.
    fn said(&self) -> String {
        self.load().render(false).replace(&format!("{}/", self.0.path().display()), "")
    }
}

#[test]
fn included_files_bring_webhooks_inputs_rules_and_defaults() {
    let folder = Folder::with(&[
        (
            "hooktail.yaml",
            "include: conf.d/*.yaml\ndefaults: { severity: info, mention: here }\nrules: [{ name: main, match: x, webhook: ops }]\n",
        ),
        ("conf.d/a.yaml", "webhooks: { ops: { url: '${SLACK}' } }\ninputs: { app: { files: app.log } }\n"),
        ("conf.d/b.yaml", "defaults: { severity: warning }\nrules: [{ name: b, match: y }]\n"),
        ("conf.d/c.txt", "not: read"),
    ]);
    let loaded = folder.load();
    assert_eq!(loaded.render(false), "");
    let config = loaded.config.unwrap();
    let rules: Vec<_> = config.rules.iter().map(|rule| format!("{} {}", rule.name, rule.severity)).collect();
    assert_eq!(rules, ["main info", "b warning"]);
    assert_eq!(config.rules[1].looks[0].mention.len(), 1, "the main file's defaults hold too");
    let crate::input::Source::Files(files) = &config.inputs[0].source else { panic!("files") };
    assert_eq!(files.globs, [folder.path("conf.d/app.log").display().to_string()]);
    assert_eq!(
        config.files,
        ["hooktail.yaml", "conf.d/a.yaml", "conf.d/b.yaml"].map(|name| folder.path(name))
    );
}

#[test]
fn one_name_in_two_files_shows_both() {
    let folder = Folder::with(&[
        ("hooktail.yaml", &format!("{}include: [b.yaml]\n", rules("    match: x\n"))),
        ("b.yaml", "inputs:\n  app: { files: /y }\n"),
    ]);
    assert_eq!(
        folder.said(),
        "error: `app` is named twice under `inputs`
 --> b.yaml:2:3
  |
2 |   app: { files: /y }
  |   ^^^ a second time here
  |
 ::: hooktail.yaml:2:11
  |
2 | inputs: { app: { files: /var/log/app.log } }
  |           --- first here
"
    );
}

#[test]
fn what_holds_for_all_belongs_in_the_main_file() {
    let folder = Folder::with(&[
        ("hooktail.yaml", &format!("{}include: [b.yaml, none/*.yaml]\n", rules("    match: x\n"))),
        ("b.yaml", "host: x\nwhat: y\nrules: [{ name: r, match: x }]\n"),
    ]);
    let told: Vec<String> = folder.load().diagnostics.iter().map(line).collect();
    assert_eq!(
        told,
        [
            "6:19 warning: no file is found here ^ nothing is included",
            "1:1 error: `host` belongs in the main file = an included file has `webhooks`, `inputs`, `rules`, `schedules`, `silences` and `defaults`",
            "2:1 error: unknown key `what` = the keys here are `webhooks`, `inputs`, `rules`, `defaults`, `severities`, \
             `schedules`, `redact`, `mentions`, `silences`, `notices`, `admin`, `on_exit`, `host`, `state_dir`, `threads`, `limits`, `include`",
            "3:17 error: two rules are called `r` ^ the second",
        ]
    );
}

#[test]
fn for_exec_an_input_is_added_where_none_reads_standard_input() {
    let inputs = |files: &[(&str, &str)]| -> Vec<(Vec<String>, usize)> {
        let folder = Folder::with(files);
        let loaded = config::load_for_exec(&folder.path("hooktail.yaml"), &env);
        let config = loaded
            .config
            .unwrap_or_else(|| panic!("{}", config::render(&loaded.diagnostics, &loaded.sources, false)));
        let names = |names: &[std::sync::Arc<str>]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let all: Vec<_> = config.inputs.iter().map(|input| input.name.clone()).collect();
        let read = std::iter::once(names(&all)).chain(config.rules.iter().map(|rule| names(&rule.inputs)));
        read.map(|names| (names, config.files.len())).collect()
    };
    let head = "webhooks: { ops: { url: '${SLACK}' } }\n";
    let rules = "rules: [{ name: all, match: x }]\n";
    let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let only = (list(&["exec"]), 1);
    assert_eq!(inputs(&[("hooktail.yaml", &format!("{head}{rules}"))]), [only.clone(), only]);
    let two = "inputs: { app: { files: /x } }\nrules: [{ name: all, match: x }, { name: one, input: app, match: x }]\n";
    let both = list(&["app", "exec"]);
    assert_eq!(
        inputs(&[("hooktail.yaml", &format!("{head}{two}"))]),
        [(both.clone(), 1), (both, 1), (list(&["app"]), 1)]
    );
    let own = (list(&["out"]), 2);
    let included = [
        ("hooktail.yaml", &*format!("{head}{rules}include: b.yaml\n")),
        ("b.yaml", "inputs: { out: { stdin: true } }\n"),
    ];
    assert_eq!(inputs(&included), [own.clone(), own]);
}

#[test]
fn a_missing_or_unreadable_file_is_said_without_a_place() {
    let folder = Folder::with(&[]);
    assert_eq!(folder.said(), "error: cannot read `hooktail.yaml`: No such file or directory (os error 2)\n");
    let folder = Folder::with(&[]);
    fs::write(folder.path("hooktail.yaml"), b"rules:\n  - name: \xff\n").unwrap();
    assert_eq!(folder.said(), "error: cannot read `hooktail.yaml`: line 2 is not UTF-8\n");
}

#[test]
fn a_url_file_is_read_from_beside_the_configuration() {
    let yaml = "webhooks: { ops: { url_file: secret } }\ninputs: { app: { files: /x } }\nrules: [{ name: r, match: x }]\n";
    let url = "https://hooks.slack.com/services/T0/B0/FROMFILE\n";
    let folder = Folder::with(&[("hooktail.yaml", yaml), ("secret", url)]);
    let config = folder.load().config.unwrap();
    assert_eq!(config.webhooks[0].url.expose().path(), "/services/T0/B0/FROMFILE");
    fs::set_permissions(folder.path("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        folder.said(),
        "warning: everyone on this machine can read `secret`
 --> hooktail.yaml:1:30
  |
1 | webhooks: { ops: { url_file: secret } }
  |                              ^^^^^^
  |
  = help: chmod o-r secret
"
    );
    assert!(folder.load().config.is_some(), "a warning doesn't fail");
    let guarded = Folder::with(&[
        ("hooktail.yaml", &yaml.replace("secret", "credentials/secret")),
        ("credentials/secret", url),
    ]);
    fs::set_permissions(guarded.path("credentials/secret"), fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(guarded.said(), "");
}

#[test]
fn a_url_file_that_holds_no_url_is_not_shown() {
    let yaml = "webhooks: { ops: { url_file: secret } }\ninputs: { app: { files: /x } }\nrules: [{ name: r, match: x }]\n";
    let folder = Folder::with(&[("hooktail.yaml", yaml), ("secret", "xoxb-SECRET")]);
    let said = folder.said();
    assert!(said.starts_with("error: not a URL\n --> hooktail.yaml:1:30\n"), "{said}");
    assert!(!said.contains("SECRET"));
}
