//! The heartbeat: fetched while all is well, and only then.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Heard, sync_channel};
use std::time::Duration;

use crate::agent::{Agent, Launch, PATIENCE};
use crate::client::{self, Answer};
use crate::receiver::{Fault, HOOK};
use crate::scene::Scene;

/// Somebody who listens for the heartbeat, and answers each request with this status.
struct Listener {
    address: std::net::SocketAddr,
    heard: Heard<String>,
}

impl Listener {
    fn new(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
        let address = listener.local_addr().expect("it is bound");
        // More than any test hears.
        let (sender, heard) = sync_channel(100);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Some(line) = answer(stream, status)
                    && sender.send(line).is_err()
                {
                    return;
                }
            }
        });
        Self { address, heard }
    }

    fn launch(&self, scene: &Scene) -> Launch {
        scene.launch("app: { files: app.log, start: beginning, poll: 20ms }");
        self.launch_again(scene, &scene.folder.read("rules.yaml"))
    }

    fn launch_again(&self, scene: &Scene, rules: &str) -> Launch {
        let url = format!("http://{}/beat/SECRET", self.address);
        let notices =
            "notices: { heartbeat: { url: \"${BEAT}\", every: 1s } }\nadmin: { listen: '127.0.0.1:0' }\n";
        let file = scene.folder.write("rules.yaml", format!("{notices}{rules}"));
        let args = ["run".as_ref(), "-c".as_ref(), file.as_os_str()];
        Launch::new(args).env("BEAT", url).env("RUST_LOG", "hooktail=debug").folder(&scene.folder.path(""))
    }

    fn next(&self) -> String {
        self.heard.recv_timeout(PATIENCE).expect("a heartbeat within the test's patience")
    }
}

/// The first line of a request.
fn answer(mut stream: TcpStream, status: &str) -> Option<String> {
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return None,
            Ok(length) => request.extend_from_slice(&piece[..length]),
        }
    }
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    stream.write_all(answer.as_bytes()).ok()?;
    String::from_utf8_lossy(&request).lines().next().map(str::to_owned)
}

/// What `/readyz` answers.
#[track_caller]
fn readyz(agent: &Agent) -> Answer {
    agent.wait_for_stderr("admin endpoint listens address=127.0.0.1:");
    let said = agent.stderr();
    let address = said.split_once("listens address=").and_then(|(_, rest)| rest.split_whitespace().next());
    client::get(&format!("http://{}/readyz", address.expect("it was waited for"))).expect("it answers")
}

/// What one says the other says.
#[track_caller]
fn assert_not_well(agent: &Agent, listener: &Listener, why: &str) {
    agent.wait_for_stderr("not all is well: no heartbeat");
    let answer = readyz(agent);
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains(why), "{}", answer.body);
    // What was on its way.
    while listener.heard.try_recv().is_ok() {}
    assert!(listener.heard.recv_timeout(Duration::from_secs(3)).is_err(), "it said that all is well");
}

#[track_caller]
fn stop(agent: Agent) -> String {
    let ended = agent.stop();
    assert!(!ended.stderr.contains("SECRET"), "{}", ended.stderr);
    ended.stderr
}

#[test]
fn it_is_fetched_while_all_is_well() {
    let (scene, listener) = (Scene::new(), Listener::new("200 OK"));
    let agent = listener.launch(&scene).start();
    for _ in 0..3 {
        assert_eq!(listener.next(), "GET /beat/SECRET HTTP/1.1");
    }
    assert!(!stop(agent).contains("heartbeat"), "there is nothing to tell");
}

#[test]
fn it_stops_while_a_webhook_is_broken() {
    let (scene, listener) = (Scene::new(), Listener::new("204 No Content"));
    scene.receiver.script(HOOK, [Fault::status(404).body("no_service").always()]);
    let agent = listener.launch(&scene).start();
    listener.next();
    scene.folder.append("app.log", "line\n");
    agent.wait_for_stderr("the webhook `hook` is broken");
    assert_not_well(&agent, &listener, "the webhook `hook` is broken");
    stop(agent);
}

#[test]
fn it_stops_also_where_a_fallback_gets_the_alerts() {
    let (scene, listener) = (Scene::new(), Listener::new("200 OK"));
    scene.receiver.script(HOOK, [Fault::status(404).body("no_service").always()]);
    scene.launch("app: { files: app.log, start: beginning, poll: 20ms }");
    let spare = scene.receiver.url("/services/T00000000/B00000001/YYYY");
    let rules = scene.folder.read("rules.yaml").replace("name: all,", "name: all, webhook: hook,").replace(
        "rate: 1000/s }",
        &format!("rate: 1000/s, fallback: spare }}, spare: {{ url: \"{spare}\" }}"),
    );
    let agent = listener.launch_again(&scene, &rules).start();
    listener.next();
    scene.folder.append("app.log", "line\n");
    agent.wait_for_stderr("its alerts go to `spare`");
    assert_not_well(&agent, &listener, "its alerts go to `spare`");
    stop(agent);
}

#[test]
fn it_stops_while_a_file_can_not_be_read_and_goes_on_after_that() {
    let (scene, listener) = (Scene::new(), Listener::new("200 OK"));
    let agent = listener.launch(&scene).start();
    listener.next();
    // UTF-16 that doesn't say so.
    scene.folder.append("app.log", "l\0i\0n\0e\0\n\0".repeat(100));
    agent.wait_for_stderr("is not read: ");
    assert_not_well(&agent, &listener, "input: a file of the input `app` can't be read");
    scene.folder.write("app.log", "line\n");
    listener.next();
    assert_eq!(readyz(&agent).status, 200);
    stop(agent);
}

#[test]
fn that_nobody_hears_it_is_told_once() {
    let (scene, listener) = (Scene::new(), Listener::new("500 Internal Server Error"));
    let agent = listener.launch(&scene).start();
    for _ in 0..3 {
        listener.next();
    }
    let told = stop(agent);
    assert_eq!(told.matches("the heartbeat is not heard").count(), 1, "{told}");
    assert!(told.contains("status 500"), "{told}");
}

#[test]
fn what_is_drawn_has_none() {
    let (scene, listener) = (Scene::new(), Listener::new("200 OK"));
    scene.folder.write("app.log", "line\n");
    let ended = listener.launch(&scene).args(["--dry-run", "--until-eof"]).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    assert!(listener.heard.try_recv().is_err());
}
