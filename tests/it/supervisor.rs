//! What a service manager hears of the agent, over a real socket.

use std::os::unix::net::UnixDatagram;

use rustix::process::Signal;

use crate::agent::{Folder, Launch, PATIENCE};
use crate::scene::Scene;

const INPUT: &str = "app: { files: app.log }";

/// A service manager that listens at a path.
struct Manager {
    socket: UnixDatagram,
    folder: Folder,
}

impl Manager {
    fn new() -> Self {
        let folder = Folder::new();
        let socket = UnixDatagram::bind(folder.path("notify")).expect("the folder is ours");
        Self { socket, folder }
    }

    fn starts(&self, launch: Launch) -> Launch {
        launch.env("NOTIFY_SOCKET", self.folder.path("notify"))
    }

    fn next(&self) -> String {
        next(&self.socket)
    }
}

fn next(socket: &UnixDatagram) -> String {
    socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut words = [0; 4096];
    let length = socket.recv(&mut words).expect("a word within the test's patience");
    String::from_utf8(words[..length].to_vec()).expect("text")
}

#[test]
fn what_is_written_after_ready_is_read() {
    let scene = Scene::new();
    let manager = Manager::new();
    scene.folder.write("app.log", "old\n");
    let agent = manager.starts(scene.launch(INPUT)).start();
    assert_eq!(manager.next(), "READY=1\nSTATUS=1 rule, 1 input");
    // The file existed, and is read from its end on: from where that was before.
    scene.folder.append("app.log", "new\n");
    assert_eq!(scene.wait_for(1), ["new"]);
    agent.signal(Signal::TERM);
    assert_eq!(manager.next(), "STOPPING=1\nSTATUS=delivering what waits");
    assert_eq!(agent.wait().code(), 0);
    manager.socket.set_nonblocking(true).expect("a socket");
    assert!(manager.socket.recv(&mut [0; 64]).is_err(), "there was one word too many");
}

#[test]
fn a_reload_is_told_and_what_is_written_after_it_is_read() {
    let scene = Scene::new();
    let manager = Manager::new();
    ["app.log", "new.log"].iter().for_each(|log| drop(scene.folder.write(log, "old\n")));
    let agent = manager.starts(scene.launch(INPUT)).start();
    assert_eq!(manager.next(), "READY=1\nSTATUS=1 rule, 1 input");
    drop(scene.launch(&format!("{INPUT}, new: {{ files: new.log }}")));
    agent.signal(Signal::HUP);
    assert!(manager.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(manager.next(), "READY=1\nSTATUS=1 rule, 2 inputs");
    // The input begins at the file's end: at where that was before.
    scene.folder.append("new.log", "new\n");
    assert_eq!(scene.wait_for(1), ["new"]);
    drop(scene.launch("new: { files: new.log, poll: never }"));
    agent.signal(Signal::HUP);
    assert!(manager.next().starts_with("RELOADING=1\n"));
    assert_eq!(manager.next(), "READY=1\nSTATUS=1 rule, 2 inputs", "what holds is as it was");
    agent.stop();
}

#[test]
fn the_end_of_the_input_is_a_stop_too() {
    let scene = Scene::new();
    let manager = Manager::new();
    manager.starts(scene.launch("app: { stdin: true }")).output("line\n");
    assert!(manager.next().starts_with("READY=1\n"));
    assert!(manager.next().starts_with("STOPPING=1\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_may_have_a_name_that_is_no_files() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    let name = format!("hooktail-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a short name");
    let socket = UnixDatagram::bind_addr(&address).expect("nobody else has our number");
    let scene = Scene::new();
    let agent = scene.launch(INPUT).env("NOTIFY_SOCKET", format!("@{name}")).start();
    assert!(next(&socket).starts_with("READY=1\n"));
    agent.stop();
}

#[test]
fn nobody_hears_of_what_is_no_service() {
    let scene = Scene::new();
    let manager = Manager::new();
    scene.folder.write("app.log", "line\n");
    manager.starts(scene.launch(INPUT).args(["--dry-run", "--until-eof"])).output("");
    let file = scene.folder.path("rules.yaml");
    let args = ["exec".as_ref(), "-c".as_ref(), file.as_os_str(), "--".as_ref(), "true".as_ref()];
    manager.starts(Launch::new(args)).output("");
    manager.socket.set_nonblocking(true).expect("a socket");
    assert!(manager.socket.recv(&mut [0; 64]).is_err());
}

#[test]
fn a_service_manager_that_does_not_listen_holds_nobody_up() {
    let scene = Scene::new();
    let manager = Manager::new();
    // Its queue is full after a few words.
    let agent = manager.starts(scene.launch(INPUT)).env("WATCHDOG_USEC", "2000").start();
    agent.wait_for_stderr("the service manager can't be told");
    scene.folder.append("app.log", "line\n");
    assert_eq!(scene.wait_for(1), ["line"]);
    assert_eq!(agent.stop().said(&["the service manager can't be told"]), 1);
}

#[test]
fn the_watchdog_of_another_process_is_left_alone() {
    let scene = Scene::new();
    let manager = Manager::new();
    let launch = scene.launch(INPUT).env("WATCHDOG_USEC", "2000").env("WATCHDOG_PID", "1");
    let agent = manager.starts(launch).start();
    assert!(manager.next().starts_with("READY=1\n"));
    scene.folder.append("app.log", "line\n");
    scene.wait_for(1);
    agent.signal(Signal::TERM);
    assert!(manager.next().starts_with("STOPPING=1\n"));
}

/// The engine's thread stands still in the sixth of its commits; the rest of the agent goes on.
#[test]
fn the_watchdog_hears_as_long_as_the_engine_goes_on() {
    let tracing = std::process::Command::new("strace").args(["-o", "/dev/null", "true"]).status();
    if !tracing.is_ok_and(|status| status.success()) {
        println!("skipped: strace is not installed, or may not trace");
        return;
    }
    let scene = Scene::new();
    let manager = Manager::new();
    // No answer: only the engine has something to store.
    scene.receiver.hold();
    let input = "app: { stdin: true }";
    scene.launch(input).args(["--state-dir", "state", "--until-eof"]).output("");
    let delay = "inject=fsync,fdatasync:delay_enter=1000000000:when=6+";
    let slow = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", delay];
    let launch =
        scene.launch(input).args(["--state-dir", "state"]).env("WATCHDOG_USEC", "200000").under(&slow);
    let mut agent = manager.starts(launch).start();
    let mut heard = 0;
    while heard < 5 {
        heard += usize::from(manager.next() == "WATCHDOG=1");
    }
    let mut stdin = agent.take_stdin();
    let (stop, stopped) = std::sync::mpsc::sync_channel::<()>(0);
    let writing = std::thread::spawn(move || {
        let pause = std::time::Duration::from_millis(5);
        while std::io::Write::write_all(&mut stdin, b"line\n").is_ok() && stopped.recv_timeout(pause).is_err()
        {
        }
    });
    // Ten times as long as it may be.
    manager.socket.set_read_timeout(Some(std::time::Duration::from_secs(1))).expect("a socket");
    while manager.socket.recv(&mut [0; 64]).is_ok() {}
    let lock = scene.folder.read("state/lock");
    let id = lock.lines().next().and_then(|id| id.parse().ok());
    let id = id.and_then(rustix::process::Pid::from_raw).expect("the number of a process");
    rustix::process::kill_process(id, Signal::KILL).expect("it is still there");
    // strace would wait for the end of the delay.
    drop(agent);
    drop(stop);
    writing.join().expect("it ends with the pipe");
}
