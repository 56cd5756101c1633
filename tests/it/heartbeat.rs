//! The heartbeat: fetched while all is well, and only then.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver as Heard, sync_channel};
use std::time::Duration;

use crate::agent::{Agent, Launch, PATIENCE};
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
        let url = format!("http://{}/beat/SECRET", self.address);
        scene.launch("app: { files: app.log, start: beginning }");
        let rules = scene.folder.read("rules.yaml");
        let notices = "notices: { heartbeat: { url: \"${BEAT}\", every: 1s } }\n";
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
    agent.wait_for_stderr("not all is well: no heartbeat");
    // What was on its way.
    while listener.heard.try_recv().is_ok() {}
    assert!(listener.heard.recv_timeout(Duration::from_secs(3)).is_err(), "it said that all is well");
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
