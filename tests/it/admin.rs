//! The running agent as an operator sees it: health, metrics, the API, silences, and the commands that ask it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::agent::{Agent, Ended, Folder, Launch, PATIENCE};
use crate::client::{self, Answer};
use crate::page::{chromium, dump};
use crate::receiver::{Fault, HOOK, Receiver};

/// The webhook that some tests break.
const SPARE: &str = "/services/T00000000/B00000001/YSECRETYSECRETYSECRETYYY";
const TOKEN: &str = "a-token-of-twenty-4-characters";

/// A folder with a log, a receiver, and the configuration of an agent that can be asked.
pub(crate) struct Scene {
    pub(crate) folder: Folder,
    pub(crate) receiver: Receiver,
}

/// The agent while it runs, and where it answers.
pub(crate) struct Running {
    pub(crate) agent: Agent,
    pub(crate) url: String,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { folder: Folder::new(), receiver: Receiver::start() }
    }

    pub(crate) fn configure(&self, more: &str) {
        let [ops, spare] = [HOOK, SPARE].map(|path| self.receiver.url(path));
        let rules = format!(
            "webhooks:\n  ops: {{ url: '{ops}', rate: 100/s }}\n  spare: {{ url: '{spare}', rate: 100/s }}\n\
             inputs: {{ app: {{ files: app.log, poll: 20ms }} }}\n\
             state_dir: state\n\
             rules:\n  - {{ name: disk, match: 'ERROR (?P<what>\\S+)', webhook: ops, dedup: {{ by: what }} }}\n  \
               - {{ name: net, match: 'NET', webhook: spare, severity: critical }}\n{more}\n"
        );
        self.folder.write("rules.yaml", rules);
    }

    fn token(&self, mode: u32) {
        let path = self.folder.write("token", TOKEN);
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("it is ours");
    }

    fn command(&self, args: &[&str]) -> Launch {
        Launch::new(args).args(["-c", "rules.yaml"]).folder(&self.folder.path(""))
    }

    /// Starts it, with the endpoint on a port that is free.
    pub(crate) fn start(&self, more: &str) -> Running {
        self.configure(&format!("admin: {{ listen: '127.0.0.1:0'{more} }}"));
        let running = self.start_again();
        if !self.folder.path("app.log").exists() {
            // A log that is there before the reader looks for the first time is read from its end.
            running.agent.wait_for_stderr("names no file yet");
        }
        running
    }

    pub(crate) fn start_again(&self) -> Running {
        let agent = self.command(&["run"]).env("RUST_LOG", "hooktail=debug").start();
        agent.wait_for_stderr("admin endpoint listens address=127.0.0.1:");
        let said = agent.stderr();
        let (_, rest) = said.split_once("listens address=").expect("it was waited for");
        let url = format!("http://{}", rest.split_whitespace().next().expect("an address"));
        Running { agent, url }
    }

    #[track_caller]
    fn done(&self, args: &[&str]) -> String {
        let ended = self.command(args).output("");
        assert_eq!(ended.code(), 0, "{args:?}: {}", ended.stderr);
        String::from_utf8(ended.stdout).expect("text")
    }

    #[track_caller]
    fn refused(&self, args: &[&str]) -> String {
        let ended = self.command(args).output("");
        assert_eq!(ended.code(), 1, "{args:?}: {}", ended.stderr);
        ended.stderr
    }
}

impl Running {
    #[track_caller]
    fn get(&self, path: &str) -> Answer {
        client::get(&format!("{}{path}", self.url)).expect("it answers")
    }

    #[track_caller]
    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        serde_json::from_str(&answer.body).expect("JSON")
    }

    /// Asks until the answer is as it should be: what is published is as old as a second.
    #[track_caller]
    pub(crate) fn wait(&self, path: &str, is: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let json = self.json(path);
            if is(&json) {
                return json;
            }
            assert!(began.elapsed() < PATIENCE, "{path}: {json:#}");
            std::thread::yield_now();
        }
    }

    fn change(&self, method: &str, path: &str, token: Option<&str>, body: &str) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        client::request(method, &format!("{}{path}", self.url), &headers, body).expect("it answers")
    }

    pub(crate) fn stop(self) -> Ended {
        let ended = self.agent.stop();
        assert!([0, 3].contains(&ended.code()), "{}", ended.stderr);
        ended
    }
}

pub(crate) fn matched(rule: &str, count: u64) -> impl Fn(&Value) -> bool {
    move |status| {
        let rules = status["rules"].as_array().expect("a list");
        rules.iter().any(|one| one["name"] == rule && one["gates"]["matches"] == count)
    }
}

#[test]
fn what_the_agent_does_is_seen_and_adds_up() {
    let scene = Scene::new();
    let running = scene.start("");
    assert_eq!((running.get("/livez").body.as_str(), running.get("/readyz").body.as_str()), ("ok\n", "ok\n"));
    scene
        .folder
        .append("app.log", "ERROR sda\nERROR sda\nERROR sdb\nnothing\nNET\nERROR \x1b]0;x\x07<img>\n");
    scene.receiver.wait_for_messages(4, PATIENCE);
    let status = running.wait("/api/v1/status", matched("disk", 4));
    for rule in status["rules"].as_array().unwrap() {
        let gates = &rule["gates"];
        let sum: u64 = ["below_when", "silenced", "joined", "throttled", "posted"]
            .iter()
            .map(|gate| gates[gate].as_u64().unwrap())
            .sum();
        assert_eq!(gates["matches"], sum, "{rule}");
        assert_ne!(rule["last_match"], Value::Null);
        assert!(rule.get("hour").is_none());
    }
    let input = &status["inputs"][0];
    let numbers = ["lines", "errors"].map(|name| input[name].as_u64().unwrap());
    assert_eq!((numbers, input["source"].as_str()), ([6, 0], Some("files")));
    let gauge = &running.wait("/api/v1/inputs", |inputs| inputs[0]["gauge"]["files"] == 1)[0]["gauge"];
    assert_eq!((&gauge["lag_bytes"], &gauge["unreadable"]), (&json!(0), &json!(0)));
    let ops = &running.wait("/api/v1/webhooks", |all| all[0]["messages"] == 3)[0];
    assert_eq!((&ops["queue"], &ops["last_answer"]["words"]), (&json!(0), &json!("200 ok")));
    let rules = running.json("/api/v1/rules");
    let sum = |series: &Value| series.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum(&rules[0]["hour"]["matches"]), sum(&rules[0]["day"]["alerts"])), (4, 3));
    let open = running.json("/api/v1/episodes");
    assert_eq!(open[0]["rule"], "net", "the gravest is the first");
    assert_eq!(open.as_array().unwrap().len(), 4);
    let metrics = running.get("/metrics").body;
    for sample in [
        "hooktail_rule_matches_total{rule=\"disk\"} 4",
        "hooktail_rule_gate_total{rule=\"disk\",gate=\"joined\"} 1",
        "hooktail_rule_shown_lines_total{rule=\"disk\"} 4",
        "hooktail_input_lines_total{input=\"app\"} 6",
        "hooktail_webhook_messages_total{webhook=\"ops\"} 3",
        "hooktail_ready 1",
        "hooktail_history_alerts 4",
    ] {
        assert!(metrics.lines().any(|line| line == sample), "{sample}:\n{metrics}");
    }
    let spent = |name: &str| {
        let sample = metrics.lines().find(|line| line.starts_with(name)).expect(name);
        sample.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let disk = &rules[0]["cost"];
    assert!(disk["shown"] == 4 && disk["scan_seconds"].as_f64().unwrap() > 0.0, "{disk}");
    assert!(spent("hooktail_rule_scan_seconds_total{rule=\"disk\"}") > 0.0);
    assert!(spent("hooktail_input_filter_seconds_total{input=\"app\"}") > 0.0);
    let printed = scene.done(&["status"]);
    assert!(printed.contains("all is well") && !printed.contains('\x1b'), "{printed}");
    let json: Value = serde_json::from_str(&scene.done(&["status", "--json"])).unwrap();
    assert_eq!(json["rules"][0]["gates"], status["rules"][0]["gates"]);
    running.stop();
    let gone = scene.refused(&["status"]);
    assert!(gone.contains("no agent runs with the state directory"), "{gone}");
}

#[test]
fn a_broken_webhook_is_named_and_its_alert_says_why_it_waits() {
    let scene = Scene::new();
    scene.receiver.script(SPARE, [Fault::status(404).always()]);
    let running = scene.start("");
    scene.folder.append("app.log", "NET down\n");
    running.agent.wait_for_stderr("the webhook `spare` is broken");
    let answer = running.get("/readyz");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.body, "webhook: the webhook `spare` is broken, its alerts wait: 404 no_service\n");
    assert_eq!(running.get("/livez").status, 200);
    let ended = scene.command(&["status"]).output("");
    assert_eq!(ended.code(), 1);
    assert!(String::from_utf8_lossy(&ended.stdout).contains("! the webhook `spare` is broken"));
    let past = running.json("/api/v1/history?rule=net&html=true");
    let id = past[0]["id"].as_str().unwrap();
    let why = scene.done(&["why", &id[..6]]);
    assert!(why.contains("spare: waits: it is broken: 404 no_service"), "{why}");
    let drawn = past[0]["html"].as_str().unwrap();
    assert!(drawn.contains("NET down"), "{drawn}");
    running.stop();
}

#[test]
fn what_cannot_be_read_is_named() {
    let scene = Scene::new();
    scene.folder.make("app.log");
    let running = scene.start("");
    running.agent.wait_for_stderr("not read");
    running.wait("/api/v1/inputs", |inputs| inputs[0]["gauge"]["unreadable"] == 1);
    let answer = running.get("/readyz");
    assert_eq!(answer.status, 503);
    assert!(answer.body.starts_with("input: a file of the input `app` can't be read"), "{}", answer.body);
    running.stop();
}

#[test]
fn the_past_of_an_alert_and_of_a_rule_is_told_also_when_nobody_runs() {
    let scene = Scene::new();
    scene.receiver.script(HOOK, [Fault::status(400).times(2)]);
    let running = scene.start("");
    scene.folder.append("app.log", "ERROR sda password=hunter22\n");
    running.agent.wait_for_stderr("set aside");
    scene.folder.append("app.log", "ERROR sdb\n");
    scene.receiver.wait_for_messages(1, PATIENCE);
    running.wait("/api/v1/status", matched("disk", 2));
    let now = scene.done(&["why", "disk"]);
    assert!(now.contains("matches so far: 2") && now.contains("2  opened an episode"), "{now}");
    running.stop();
    let past = scene.done(&["why", "disk"]);
    assert!(past.contains("this is its past"), "{past}");
    assert!(past.contains("ops: set aside") && past.contains("ops: delivered"), "{past}");
    assert!(past.contains("password=[redacted]") && !past.contains("hunter22"), "{past}");
    let json: Value = serde_json::from_str(&scene.done(&["why", "disk", "--json"])).unwrap();
    let id = json["alerts"][1]["id"].as_str().unwrap();
    let one = scene.done(&["why", &id[..8]]);
    assert!(one.contains("key        what = sda"), "{one}");
    assert!(one.contains("ops: set aside ") && one.contains("400 invalid_payload"), "{one}");
    let unknown = scene.refused(&["why", "nobody"]);
    assert!(unknown.contains("no rule `nobody` is known"), "{unknown}");
}

#[test]
fn a_silence_holds_survives_a_restart_and_ends() {
    let scene = Scene::new();
    let running = scene.start("");
    scene.folder.append("app.log", "ERROR sda\n");
    scene.receiver.wait_for_messages(1, PATIENCE);
    let past = running.wait("/api/v1/history", |past| past.as_array().is_some_and(|all| all.len() == 1));
    let id = past[0]["id"].as_str().unwrap().to_owned();
    let made = scene.done(&["silence", "add", &id[..6], "--for", "2h", "--why", "the disk is being changed"]);
    assert!(made.contains("`rule == \"disk\" && what == \"sda\"`"), "{made}");
    let by_rule = scene.done(&["silence", "add", "net", "--for", "1h", "--why", "x"]);
    assert!(by_rule.contains("`rule == \"net\"`"), "{by_rule}");
    running.stop();
    let running = scene.start_again();
    let list: Value = serde_json::from_str(&scene.done(&["silence", "list", "--json"])).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
    assert_eq!(
        (&list[1]["why"], &list[1]["configured"]),
        (&json!("the disk is being changed"), &json!(false))
    );
    scene.folder.append("app.log", "NET a\nNET b\nERROR sda\nERROR sdb\n");
    scene.receiver.wait_for_messages(2, PATIENCE);
    let status = running.wait("/api/v1/status", matched("net", 2));
    assert_eq!(status["rules"][1]["gates"]["silenced"], 2);
    assert_eq!(status["rules"][0]["gates"]["silenced"], 1);
    let silenced = scene.done(&["silence", "expire", by_rule.split(':').next().unwrap()]);
    assert!(silenced.ends_with(": ended\n"), "{silenced}");
    // What it held back is told at its end.
    let told = scene.receiver.wait_for_messages(3, PATIENCE);
    let fallback = &told[2].attachments[0].fallback;
    assert!(fallback.contains("2 held back by a silence"), "{fallback}");
    let twice = scene.refused(&["silence", "expire", by_rule.split(':').next().unwrap()]);
    assert!(twice.contains("there is no silence"), "{twice}");
    for (args, words) in [
        (&["silence", "add", "nobody", "--for", "1h", "--why", "x"][..], "no rule `nobody`"),
        (&["silence", "add", "net", "--for", "1", "--why", "x"], "needs a unit"),
        (&["silence", "add", "--where", "a ==", "--for", "1h", "--why", "x"], "`a ==`"),
    ] {
        let refused = scene.refused(args);
        assert!(refused.contains(words), "{refused}");
    }
    running.stop();
}

#[test]
fn only_the_token_changes_something_over_the_network() {
    let scene = Scene::new();
    scene.token(0o600);
    let running = scene.start(", token_file: token");
    let wanted = r#"{ "target": "net", "for": "1h", "why": "x" }"#;
    for wrong in
        [None, Some(""), Some("a-token-of-twenty-4-character"), Some("a-token-of-twenty-4-characterS")]
    {
        let answer = running.change("POST", "/api/v1/silences", wrong, wanted);
        assert_eq!(answer.status, 401, "{wrong:?}: {}", answer.body);
        assert_eq!(running.change("DELETE", "/api/v1/silences/x", wrong, "").status, 401);
    }
    let made = running.change("POST", "/api/v1/silences", Some(TOKEN), wanted);
    assert_eq!(made.status, 201, "{}", made.body);
    let made: Value = serde_json::from_str(&made.body).unwrap();
    let path = format!("/api/v1/silences/{}", made["id"].as_str().unwrap());
    assert_eq!(running.change("DELETE", &path, Some(TOKEN), "").status, 200);
    assert_eq!(running.change("DELETE", &path, Some(TOKEN), "").status, 404);
    for body in ["", "{", "{}", r#"{ "target": "net", "for": "1h", "why": "x", "other": 1 }"#] {
        let answer = running.change("POST", "/api/v1/silences", Some(TOKEN), body);
        assert!((400..500).contains(&answer.status), "{body}: {}", answer.status);
    }
    let ended = running.stop();
    assert!(!ended.stderr.contains(TOKEN));
    let running = scene.start("");
    let answer = running.change("POST", "/api/v1/silences", Some(TOKEN), wanted);
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("hooktail silence"), "{}", answer.body);
    running.stop();
}

#[test]
fn bad_requests_are_refused_or_harmless() {
    let scene = Scene::new();
    scene.token(0o600);
    let running = scene.start(", token_file: token");
    let address = running.url.strip_prefix("http://").unwrap().to_owned();
    let raw = |request: &str| {
        let mut stream = TcpStream::connect(&address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("it may");
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut answer = String::new();
        // It may reset a connection that sends more than it reads.
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    // A client that sends a byte a second, or nothing more, is cut off; meanwhile the others are answered.
    let mut slow: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(&address).expect("it listens")).collect();
    slow.iter_mut().for_each(|stream| stream.write_all(b"GET /live").expect("it listens"));
    for path in [
        "/../../etc/passwd",
        "/api/v1/../../state/state.db",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/nothing",
    ] {
        let answer = raw(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        assert!(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 400"), "{path}: {answer}");
        assert!(!answer.contains("root:"), "{answer}");
    }
    let other = raw("GET /api/v1/status HTTP/1.1\r\nHost: attacker.example:9321\r\n\r\n");
    assert!(other.starts_with("HTTP/1.1 403"), "{other}");
    let gigabyte = format!(
        "POST /api/v1/silences HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n{}",
        "x".repeat(64 * 1024)
    );
    let answer = raw(&gigabyte);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    let long = raw(&format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(1 << 20)));
    assert!(long.is_empty() || long.starts_with("HTTP/1.1 4"), "{long:.60}");
    assert!(raw("DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with("HTTP/1.1 405"));
    assert!(raw("\0\0\0\r\n\r\n").starts_with("HTTP/1.1 400"));
    for stream in &mut slow {
        stream.set_read_timeout(Some(PATIENCE)).expect("it may");
        let mut rest = Vec::new();
        // Cut off with an end or a reset: both are ends.
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&rest));
    }
    assert_eq!(running.get("/livez").status, 200);
    if let Some(peak) = running.agent.memory_peak() {
        assert!(peak < 200 << 20, "{peak}");
    }
    running.stop();
}

#[test]
fn what_is_wrong_with_the_endpoint_is_said_at_the_start() {
    let scene = Scene::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address");
    scene.configure(&format!("admin: {{ listen: '{address}' }}"));
    let said = scene.refused(&["run"]);
    assert!(
        said.contains(&format!("`admin.listen`: {address} is in use")) && said.contains("help: "),
        "{said}"
    );
    scene.token(0o644);
    scene.configure("admin: { listen: '127.0.0.1:0', token_file: token }");
    let ended = scene.command(&["run"]).output("");
    assert_eq!(ended.code(), 2);
    assert!(ended.stderr.contains("everyone on this machine can read"), "{}", ended.stderr);
    let running = scene.start("");
    let second = scene.refused(&["run"]);
    assert!(second.contains(&format!("in use by process {}", running.agent.id())), "{second}");
    assert!(scene.done(&["status"]).contains("all is well"), "the second one has not taken the socket away");
    running.stop();
}

#[test]
fn what_came_of_a_changed_configuration_is_seen_and_silences_outlive_it() {
    let scene = Scene::new();
    let running = scene.start("");
    scene.done(&["silence", "add", "net", "--for", "1h", "--why", "x"]);
    let rules = scene.folder.read("rules.yaml");
    scene.folder.write("rules.yaml", rules.replace("name: disk, match", "name: disk, mtach"));
    running.agent.signal(Signal::HUP);
    let refused = running.wait("/api/v1/status", |status| status["last_reload"]["taken"] == false);
    let why = refused["problems"][0]["text"].as_str().unwrap();
    assert!(why.contains("is refused, and the one before goes on: error: unknown key `mtach`"), "{why}");
    assert_eq!(
        (&refused["problems"][0]["about"], running.get("/readyz").status),
        (&json!("configuration"), 200)
    );
    let more = "\n  - { name: more, match: 'MORE', webhook: ops }";
    scene.folder.write(
        "rules.yaml",
        rules.replace(", severity: critical }", &format!(", severity: critical }}{more}")),
    );
    running.agent.signal(Signal::HUP);
    let taken = running.wait("/api/v1/status", |status| status["last_reload"]["taken"] == true);
    assert_eq!(taken["problems"], json!([]));
    scene.folder.append("app.log", "MORE\nNET\n");
    scene.receiver.wait_for_messages(1, PATIENCE);
    let status = running.wait("/api/v1/status", matched("more", 1));
    running.wait("/api/v1/status", matched("net", 1));
    assert_eq!(status["silences"][0]["where"], "rule == \"net\"");
    let net = running.json("/api/v1/rules")[1]["gates"]["silenced"].clone();
    assert_eq!(net, 1, "the silence still holds");
    running.stop();
}

#[test]
fn no_answer_shows_a_secret() {
    let scene = Scene::new();
    scene.token(0o600);
    let echo = format!("404 the URL {SPARE} is unknown");
    scene.receiver.script(SPARE, [Fault::status(404).body(&echo).always()]);
    let running = scene.start(", token_file: token");
    scene.folder.append("app.log", "ERROR sda token=abcdefabcdefabcdef\nNET\n");
    running.agent.wait_for_stderr("the webhook `spare` is broken");
    scene.receiver.wait_for_messages(1, PATIENCE);
    let mut shown = String::new();
    for path in ["status", "rules", "episodes", "inputs", "webhooks", "silences", "history?html=true"] {
        shown += &running.get(&format!("/api/v1/{path}")).body;
    }
    for path in ["/metrics", "/readyz", "/"] {
        shown += &running.get(path).body;
    }
    shown += &String::from_utf8_lossy(&scene.command(&["status"]).output("").stdout);
    shown += &scene.done(&["why", "net"]);
    shown += &running.stop().stderr;
    assert!(shown.contains("is unknown"));
    for secret in [SPARE, "YSECRETYSECRETYSECRETYYY", TOKEN, "abcdefabcdefabcdef"] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

#[test]
fn each_metric_is_documented_and_each_documented_metric_is_there() {
    let scene = Scene::new();
    let running = scene.start("");
    let metrics = running.get("/metrics").body;
    running.stop();
    let written: Vec<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let pages = ["docs/admin.md", "README.md"].map(|page| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        std::fs::read_to_string(path).expect("it is there")
    });
    for name in &written {
        assert!(pages[0].contains(&format!("| `{name}`")), "{name} is not in docs/admin.md");
    }
    let named = regex::Regex::new(r"\b(hooktail|process)_[a-z_]+[a-z]").expect("a regex");
    for page in &pages {
        for name in named.find_iter(page) {
            assert!(written.contains(&name.as_str()), "{} is documented, and not there", name.as_str());
        }
    }
}

#[test]
fn the_page_asks_nobody_else_and_runs_nothing_but_its_own_script() {
    let scene = Scene::new();
    let running = scene.start("");
    let document = running.get("/");
    let policy = document.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(document.header("content-type"), Some("text/html; charset=utf-8"));
    let leads = regex::Regex::new(r#"(?:src|href|action)="([^"]+)""#).expect("a regex");
    let leads = leads.captures_iter(&document.body).map(|found| found[1].to_owned());
    for lead in leads.filter(|lead| !lead.starts_with("data:")) {
        assert_eq!(running.get(&format!("/{lead}")).status, 200, "{lead}");
    }
    let script = running.get("/page.js").body;
    let elsewhere = regex::Regex::new(r#"["'`]https?://"#).expect("a regex");
    let found: Vec<_> = elsewhere.find_iter(&script).collect();
    // The name space of SVG, which is asked for nothing.
    assert_eq!(found.len(), 1, "{found:?}");
    running.stop();
}

#[test]
fn the_page_shows_what_is_wrong_and_hostile_text_as_text() {
    let Some(chromium) = chromium() else { return };
    let scene = Scene::new();
    scene.receiver.script(SPARE, [Fault::status(404).always()]);
    let running = scene.start("");
    scene.folder.append("app.log", "ERROR <script>document.title='owned'</script><img/src=x\nNET\n");
    running.agent.wait_for_stderr("the webhook `spare` is broken");
    running.wait("/api/v1/status", matched("disk", 1));
    let profile = tempfile::tempdir().expect("a temporary folder");
    let browser = dump(&chromium, profile.path(), &format!("{}/", running.url), 3_000);
    let output = browser.wait_with_output().expect("chromium ends");
    let drawn = String::from_utf8_lossy(&output.stdout);
    running.stop();
    assert!(drawn.contains("<title>(!) hooktail status</title>"), "{drawn}");
    assert!(drawn.contains("the webhook `spare` is broken, its alerts wait: 404 no_service"), "{drawn}");
    assert!(
        drawn.contains("ERROR &lt;script&gt;document.title='owned'&lt;/script&gt;&lt;img/src=x"),
        "{drawn}"
    );
    assert!(!drawn.contains("<img"), "{drawn}");
}

#[test]
fn a_connection_is_cut_off_in_time() {
    let scene = Scene::new();
    let running = scene.start("");
    let address = running.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_millis(200))).expect("it may");
    let began = Instant::now();
    loop {
        // A byte at a time, until the agent has had enough.
        let sent = stream.write_all(b"G");
        let ended = match stream.read(&mut [0; 256]) {
            Ok(0) => true,
            Ok(_) => true,
            Err(error) => {
                !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
            }
        };
        if sent.is_err() || ended {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "it still listens");
    }
    running.stop();
}
