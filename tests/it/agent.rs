//! The real binary, started with a clean environment, its streams collected as they come.
//!
//! Every wait is for something that a thread of ours signals: bytes on a stream, or the process's end.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tempfile::TempDir;

/// So long that only a hanging test meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A temporary folder; what lies in it is named relative to it.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::with_prefix("hooktail-").expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Replaces a file's content in place: the file stays the same one.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), content).expect("the folder is ours");
        self.path(name)
    }

    /// Appends to a file, which need not exist, in one write.
    pub(crate) fn append(&self, name: &str, content: impl AsRef<[u8]>) {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(self.path(name));
        file.and_then(|mut file| file.write_all(content.as_ref())).expect("the folder is ours");
    }

    pub(crate) fn make(&self, folder: &str) {
        std::fs::create_dir_all(self.path(folder)).expect("the folder is ours");
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.path(from), self.path(to)).expect("the folder is ours");
    }

    pub(crate) fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).expect("the folder is ours");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file of text")
    }
}

/// `hooktail` and its arguments, not yet started.
#[derive(Debug)]
pub(crate) struct Launch {
    command: Command,
    /// Where they are somebody else's, they are not collected.
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    /// What is kept where nothing else is said; it goes with the process.
    state: Folder,
}

impl Launch {
    /// With these arguments; its environment has nothing that this machine has set for hooktail, nor a proxy. Its state
    /// is its own.
    pub(crate) fn new(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        Self::program(env!("CARGO_BIN_EXE_hooktail"), args)
    }

    /// Another program, which becomes hooktail.
    pub(crate) fn program(program: &str, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy().to_lowercase();
            if text.ends_with("_proxy") || text.starts_with("hooktail_") || text == "rust_log" {
                command.env_remove(name);
            }
        }
        let state = Folder::new();
        command.env("NO_COLOR", "1").env("STATE_DIRECTORY", state.path("state")).args(args);
        command.env("XDG_RUNTIME_DIR", state.path("")).env_remove("RUNTIME_DIRECTORY");
        Self { command, stdout: None, stderr: None, state }
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Run by another program, which gets hooktail and its arguments behind its own.
    pub(crate) fn under(mut self, program: &[&str]) -> Self {
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).arg(self.command.get_program()).args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = self.command.get_current_dir() {
            command.current_dir(folder);
        }
        self.command = command;
        self
    }

    /// With no signal ignored: what started the tests may ignore some, as a shell does for what it runs beside itself.
    /// Called before what is said of its user and its group.
    pub(crate) fn with_default_signals(self) -> Self {
        if cfg!(target_os = "linux") { self.under(&["env", "--default-signal"]) } else { self }
    }

    /// In this folder.
    pub(crate) fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// With its standard output here.
    pub(crate) fn stdout(self, to: impl Into<Stdio>) -> Self {
        Self { stdout: Some(to.into()), ..self }
    }

    /// With its standard error here.
    pub(crate) fn stderr(self, to: impl Into<Stdio>) -> Self {
        Self { stderr: Some(to.into()), ..self }
    }

    /// In a process group of its own, as no key of this terminal reaches it.
    pub(crate) fn in_own_group(mut self) -> Self {
        self.command.process_group(0);
        self
    }

    /// As a user who owns nothing; only root may become one.
    pub(crate) fn by_nobody(mut self) -> Self {
        self.command.uid(65_534).gid(65_534);
        std::os::unix::fs::chown(self.state.path(""), Some(65_534), Some(65_534)).expect("root may");
        self
    }

    /// Starts it with all three streams piped.
    pub(crate) fn start(self) -> Agent {
        self.try_start().expect("hooktail can be run")
    }

    /// The same, where it may be that it can't be run.
    pub(crate) fn try_start(mut self) -> std::io::Result<Agent> {
        let Self { command, stdout, stderr, .. } = &mut self;
        let [own_stdout, own_stderr] = [stdout.is_none(), stderr.is_none()];
        command.stdin(Stdio::piped());
        command.stdout(stdout.take().unwrap_or_else(Stdio::piped));
        command.stderr(stderr.take().unwrap_or_else(Stdio::piped));
        let mut child = command.spawn()?;
        // The command holds our copies of what it was given: a pipe's end must come when the program's copy is closed.
        let Self { state, .. } = self;
        let shared = Arc::new(Shared::default());
        let stdin = child.stdin.take();
        let pid = Pid::from_child(&child);
        let mut collecting = Vec::new();
        shared.lock().stdout.closed = !own_stdout;
        shared.lock().stderr.closed = !own_stderr;
        if let Some(stdout) = child.stdout.take().filter(|_| own_stdout) {
            collecting.push(collect(stdout, &shared, |state| &mut state.stdout));
        }
        if let Some(stderr) = child.stderr.take().filter(|_| own_stderr) {
            collecting.push(collect(stderr, &shared, |state| &mut state.stderr));
        }
        collecting.push(watch(child, &shared));
        Ok(Agent { pid, stdin, shared, collecting, _state: state })
    }

    /// Starts it, writes `input` to its standard input, closes that, and waits for its end.
    pub(crate) fn output(self, input: impl AsRef<[u8]>) -> Ended {
        let mut agent = self.start();
        agent.write(input);
        agent.close_stdin();
        agent.wait()
    }
}

/// A hooktail that runs; it is killed with the value.
#[derive(Debug)]
pub(crate) struct Agent {
    pid: Pid,
    stdin: Option<ChildStdin>,
    shared: Arc<Shared>,
    collecting: Vec<JoinHandle<()>>,
    /// Dropped last: it writes there as long as it runs.
    _state: Folder,
}

/// How it ended, and all that it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stdout: Stream,
    stderr: Stream,
    status: Option<ExitStatus>,
}

#[derive(Debug, Default)]
struct Stream {
    bytes: Vec<u8>,
    closed: bool,
}

impl Agent {
    /// Writes to its standard input. What it no longer reads is lost.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) {
        let stdin = self.stdin.as_mut().expect("it is open");
        // It may have ended, which the test sees from its status.
        let _ = stdin.write_all(bytes.as_ref());
    }

    /// The most memory that it has used so far, in bytes; only Linux says.
    pub(crate) fn memory_peak(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid.as_raw_pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
    }

    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Its standard input, for a thread that writes.
    pub(crate) fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().expect("it is open")
    }

    /// Its process's.
    pub(crate) fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let state = self.shared.lock();
        // As long as its end is not noted it is not reaped: the id is its own.
        if state.status.is_none() {
            kill_process(self.pid, signal).expect("it is ours");
        }
    }

    /// What it has written to standard error so far.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().stderr.bytes).into_owned()
    }

    /// Waits until standard error holds `text`.
    #[track_caller]
    pub(crate) fn wait_for_stderr(&self, text: &str) {
        drop(self.wait_until(text, |state| String::from_utf8_lossy(&state.stderr.bytes).contains(text)));
    }

    /// Waits until standard error holds `text` so many times.
    #[track_caller]
    pub(crate) fn wait_for_stderr_times(&self, text: &str, times: usize) {
        let often = |state: &State| String::from_utf8_lossy(&state.stderr.bytes).matches(text).count();
        drop(self.wait_until(text, |state| often(state) >= times));
    }

    /// Waits until standard output holds `length` bytes, and returns what it holds.
    #[track_caller]
    pub(crate) fn wait_for_stdout(&self, length: usize) -> Vec<u8> {
        let state = self.wait_until("standard output", |state| state.stdout.bytes.len() >= length);
        state.stdout.bytes.clone()
    }

    #[track_caller]
    fn wait_until(&self, what: &str, done: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.shared.lock();
        let goes_on = |state: &mut State| !done(state) && state.status.is_none();
        let (state, _) = self
            .shared
            .changed
            .wait_timeout_while(state, PATIENCE, goes_on)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            done(&state),
            "{what}: not seen; its end: {:?}; standard error:\n{}",
            state.status,
            String::from_utf8_lossy(&state.stderr.bytes)
        );
        state
    }

    /// Asks it to stop, and waits for its end.
    #[track_caller]
    pub(crate) fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for its end, and for the ends of its streams.
    #[track_caller]
    pub(crate) fn wait(self) -> Ended {
        let done = |state: &State| state.status.is_some() && state.stdout.closed && state.stderr.closed;
        let goes_on = |state: &mut State| !done(state);
        let (mut state, _) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.lock(), PATIENCE, goes_on)
            .unwrap_or_else(PoisonError::into_inner);
        let stderr = String::from_utf8_lossy(&state.stderr.bytes).into_owned();
        assert!(done(&state), "it has not ended; standard error:\n{stderr}");
        let status = state.status.expect("it has ended");
        Ended { status, stdout: std::mem::take(&mut state.stdout.bytes), stderr }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        for thread in self.collecting.drain(..) {
            let ended = thread.join();
            assert!(std::thread::panicking() || ended.is_ok(), "a thread that collects panicked");
        }
    }
}

impl Ended {
    /// The exit status.
    #[track_caller]
    pub(crate) fn code(&self) -> i32 {
        let signal = self.status.signal();
        self.status.code().unwrap_or_else(|| panic!("ended by signal {signal:?}:\n{}", self.stderr))
    }

    /// How often a line of standard error holds all of `parts`.
    pub(crate) fn said(&self, parts: &[&str]) -> usize {
        self.stderr.lines().filter(|line| parts.iter().all(|part| line.contains(part))).count()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that gave up waiting has poisoned it; what it holds is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn collect(
    mut source: impl Read + Send + 'static,
    shared: &Arc<Shared>,
    stream: fn(&mut State) -> &mut Stream,
) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = source.read(&mut buffer).expect("a pipe can be read");
            let mut state = shared.lock();
            let stream = stream(&mut state);
            stream.bytes.extend_from_slice(&buffer[..read]);
            stream.closed = read == 0;
            drop(state);
            shared.changed.notify_all();
            if read == 0 {
                return;
            }
        }
    })
}

/// Waits for the end of `child` without taking its id away, then takes it under the lock.
fn watch(mut child: Child, shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        let pid = Pid::from_child(&child);
        while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).is_err() {}
        // The lock comes first: an assignment would run its right side before it locks.
        let mut state = shared.lock();
        state.status = Some(child.wait().expect("it is our child"));
        drop(state);
        shared.changed.notify_all();
    })
}
