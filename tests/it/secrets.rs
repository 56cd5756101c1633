//! A webhook's URL is a password: whatever goes wrong on the way there, nothing shows it.

use std::path::Path;

use crate::agent::{Folder, Launch};
use crate::receiver::{Fault, Receiver};

const TOKEN: &str = "XSECRETXSECRETXSECRETXX";

/// Every file below `folder` that holds the token.
fn leaks(folder: &Path) -> Vec<String> {
    let files = walkdir::WalkDir::new(folder).into_iter().map(|entry| entry.expect("the folder is ours"));
    let holds = |path: &Path| {
        let bytes = std::fs::read(path).expect("the folder is ours");
        bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes())
    };
    let files = files.filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path);
    files.filter(|path| holds(path)).map(|path| path.display().to_string()).collect()
}

#[test]
fn no_error_shows_a_webhooks_url() {
    let receiver = Receiver::start();
    let path = |name: &str| format!("/services/T00000000/{name}/{TOKEN}");
    let elsewhere = receiver.url(&path("BELSE"));
    for (name, fault) in [
        ("BHANG", Fault::hang()),
        ("B500", Fault::status(500)),
        ("B404", Fault::status(404)),
        ("B400", Fault::status(400)),
        ("BREDIRECT", Fault::redirect(&elsewhere)),
        ("BRESET", Fault::reset()),
        ("BHTML", Fault::status(200).body("<html>")),
    ] {
        receiver.script(&path(name), [fault.always()]);
    }
    let plain = receiver.url("");
    let tls = plain.replace("http://", "https://");
    let urls = [
        ("dns", format!("https://hooks.slack.invalid{}", path("BDNS")), ""),
        ("tls", format!("{tls}{}", path("BTLS")), ""),
        ("refused", format!("http://127.0.0.1:9{}", path("BNONE")), ""),
        (
            "proxied",
            format!("https://hooks.slack.invalid{}", path("BPROXY")),
            ", proxy: 'http://user:PROXYPASSWORD@127.0.0.1:9'",
        ),
        ("hang", format!("{plain}{}", path("BHANG")), ""),
        ("s500", format!("{plain}{}", path("B500")), ""),
        ("s404", format!("{plain}{}", path("B404")), ""),
        ("s400", format!("{plain}{}", path("B400")), ""),
        ("redirect", format!("{plain}{}", path("BREDIRECT")), ""),
        ("reset", format!("{plain}{}", path("BRESET")), ""),
        ("html", format!("{plain}{}", path("BHTML")), ""),
    ];
    let folder = Folder::new();
    let webhooks: String = urls
        .iter()
        .map(|(name, url, more)| format!("  {name}: {{ url: '{url}', rate: 100/s, timeout: 500ms, retry: {{ max: 100ms, probe: 100ms }}{more} }}\n"))
        .collect();
    let names = urls.iter().map(|(name, ..)| *name).collect::<Vec<_>>();
    let rules = format!(
        "webhooks:\n{webhooks}inputs: {{ app: {{ stdin: true }} }}\nrules: [{{ name: r, match: ERROR, webhook: [{}] }}]\n",
        names.join(", ")
    );
    // Its own folder: the rule file holds the URLs, of course.
    let configuration = Folder::new();
    let file = configuration.write("rules.yaml", rules);
    let [state, report] = ["state", "report.json"].map(|name| folder.path(name));
    let args = ["run".as_ref(), "-c".as_ref(), file.as_os_str(), "--drain".as_ref(), "3s".as_ref()];
    let ended = Launch::new(args)
        .args(["--report".as_ref(), report.as_os_str(), "--state-dir".as_ref(), state.as_os_str()])
        .env("RUST_LOG", "trace")
        .output("ERROR disk sda1 is full\n");
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    for said in
        ["no answer within 500ms", "404 no_service", "redirects", "set aside", "rollup_error", "<html>"]
    {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    folder.write("stdout", &ended.stdout);
    folder.write("stderr", &ended.stderr);
    assert_eq!(leaks(&folder.path("")), [""; 0]);
    assert!(!ended.stderr.contains("PROXYPASSWORD"));
    assert!(state.exists() && report.exists());

    for name in names {
        let args = ["send".as_ref(), "-c".as_ref(), file.as_os_str(), "--webhook".as_ref(), name.as_ref()];
        let ended = Launch::new(args).env("RUST_LOG", "trace").output("");
        assert_eq!(ended.code(), 1, "{name}");
        let said = format!("{}{}", String::from_utf8_lossy(&ended.stdout), ended.stderr);
        assert!(!said.contains(TOKEN) && !said.contains("PROXYPASSWORD"), "{name}: {said}");
    }
}
