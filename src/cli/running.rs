//! Which running agent is asked, and where its socket lies: in its state directory, or, with state in memory, where the
//! system or the user keeps what is gone after a restart, by the rule file's name and the process's number.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use clap::Args;
use rustix::process::{Pid, geteuid, test_kill_process};

use crate::admin::SOCKET;
use crate::config::Config;

use super::exit::Failure;
use super::load::{ConfigArgs, env};
use super::state::{StateArgs, StateDir, name};

/// The agent that is asked.
#[derive(Debug, Args)]
pub(super) struct RunningArgs {
    #[command(flatten)]
    config: ConfigArgs,

    #[command(flatten)]
    state: StateArgs,

    /// Of several with state in memory, the one with this process number
    #[arg(long, value_name = "NUMBER")]
    pid: Option<u32>,
}

/// Where an agent answers, or would.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Running {
    /// In this state directory.
    InDirectory(PathBuf),
    /// At this socket; its state is in memory.
    InMemory(PathBuf),
}

impl Running {
    /// Where to ask it.
    pub(super) fn socket(&self) -> PathBuf {
        match self {
            Self::InDirectory(directory) => directory.join(SOCKET),
            Self::InMemory(socket) => socket.clone(),
        }
    }
}

impl RunningArgs {
    /// Finds it: where nothing else is said, one with a state directory before one in memory. Of its configuration
    /// nothing but its name and `state_dir` is asked.
    pub(super) fn find(&self) -> Result<Running, Failure> {
        let directory = match self.state.given() {
            Some(StateDir::Directory(directory)) => return Ok(Running::InDirectory(directory.clone())),
            Some(StateDir::None) => None,
            None if self.pid.is_some() => None,
            None => Some(self.state.of_running(&self.config)?),
        };
        if let Some(directory) = &directory
            && UnixStream::connect(directory.join(SOCKET)).is_ok()
        {
            return Ok(Running::InDirectory(directory.clone()));
        }
        let config = self.config.path()?;
        let mut found = in_memory(&places(&env), &name(&config));
        found.retain(|(pid, _)| self.pid.is_none_or(|asked| asked == *pid));
        match (&found[..], directory) {
            ([(_, socket)], _) => Ok(Running::InMemory(socket.clone())),
            ([], Some(directory)) => Ok(Running::InDirectory(directory)),
            ([], None) => Err(Failure::failed(format!(
                "no agent with its state in memory runs by `{}`, or it has found no place for its socket\nhelp: such an \
                 agent is asked by the same user, with the same `-c`, and with `XDG_RUNTIME_DIR` as it had it",
                config.display()
            ))),
            (several, _) => {
                let pids: Vec<String> = several.iter().map(|(pid, _)| pid.to_string()).collect();
                let (file, pids) = (config.display(), pids.join(", "));
                Err(Failure::failed(format!(
                    "several agents run by `{file}` with their state in memory: the processes {pids}\nhelp: name one with `--pid`"
                )))
            }
        }
    }
}

/// Where this process is to be asked: in its state directory, which is locked, or, with state in memory, at a place of
/// its own. Where there is none, that is logged: the agent does what it is for without.
pub(super) fn socket(config: &Config, state: Option<&Path>) -> Option<PathBuf> {
    if let Some(directory) = state {
        return Some(directory.join(SOCKET));
    }
    let made = socket_in_memory(config.files.first()?);
    made.inspect_err(|why| {
        tracing::info!(
            "`hooktail status` and `silence` can't reach this agent, whose state is in memory: {why}"
        );
    })
    .ok()
}

/// # Errors
/// There is no place for one.
fn socket_in_memory(config: &Path) -> io::Result<PathBuf> {
    let name = name(config);
    let mut why = io::Error::other("there is no place for its socket");
    for place in places(&env) {
        match own(&place) {
            Ok(()) => {
                clear(&place, &name);
                return Ok(place.join(format!("{name}-{}.sock", std::process::id())));
            }
            Err(error) => why = error,
        }
    }
    Err(why)
}

/// Where such sockets may lie, the best place first.
fn places(env: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    // systemd separates several by colons; ours is the first. A relative one is to be ignored.
    let absolute = |path: &str| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let of_service = env("RUNTIME_DIRECTORY").and_then(|given| absolute(given.split(':').next()?));
    let of_user = env("XDG_RUNTIME_DIR").and_then(|given| Some(absolute(&given)?.join("hooktail")));
    of_service.into_iter().chain(of_user).chain([PathBuf::from("/run/hooktail")]).collect()
}

/// Makes the folder, where it is missing; nobody else may write to it.
fn own(place: &Path) -> io::Result<()> {
    match std::fs::DirBuilder::new().mode(0o700).create(place) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = place.symlink_metadata()?;
    let ours = found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o022 == 0;
    ours.then_some(()).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("`{}` is not a folder that this user alone writes to", place.display()),
        )
    })
}

/// The sockets of agents that follow the rule file of this name, by process number.
fn in_memory(places: &[PathBuf], name: &str) -> Vec<(u32, PathBuf)> {
    let mut found: Vec<(u32, PathBuf)> = places.iter().flat_map(|place| sockets(place, name)).collect();
    found.retain(|(_, socket)| UnixStream::connect(socket).is_ok());
    found.sort();
    found
}

fn sockets(place: &Path, name: &str) -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir(place).into_iter().flatten().filter_map(Result::ok);
    let of_name = |path: PathBuf| {
        let file = path.file_name()?.to_str()?;
        let pid = file.strip_prefix(name)?.strip_prefix('-')?.strip_suffix(".sock")?.parse().ok()?;
        Some((pid, path))
    };
    entries.filter_map(|entry| of_name(entry.path())).collect()
}

/// Removes what processes left that were killed.
fn clear(place: &Path, name: &str) {
    for (pid, socket) in sockets(place, name) {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
        let runs = pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
        if !runs && UnixStream::connect(&socket).is_err() {
            // Where it can't be removed it is only in the way of nobody.
            let _ = std::fs::remove_file(&socket);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    use super::*;

    #[test]
    fn where_the_system_or_the_user_keeps_such_things() {
        #[track_caller]
        fn check(vars: &[(&str, &str)], expected: &[&str]) {
            let env =
                |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(places(&env), expected.iter().map(PathBuf::from).collect::<Vec<_>>());
        }
        check(&[], &["/run/hooktail"]);
        check(&[("XDG_RUNTIME_DIR", "run")], &["/run/hooktail"]);
        let xdg = ("XDG_RUNTIME_DIR", "/run/user/7");
        check(&[xdg], &["/run/user/7/hooktail", "/run/hooktail"]);
        check(
            &[xdg, ("RUNTIME_DIRECTORY", "/run/a:/run/b")],
            &["/run/a", "/run/user/7/hooktail", "/run/hooktail"],
        );
    }

    #[test]
    fn a_folder_that_others_write_to_is_none_for_a_socket() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("hooktail");
        own(&place).unwrap();
        assert_eq!(place.metadata().unwrap().mode() & 0o777, 0o700);
        std::fs::set_permissions(&place, PermissionsExt::from_mode(0o770)).unwrap();
        assert_eq!(own(&place).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        own(&link).unwrap_err();
        own(&folder.path().join("no/such")).unwrap_err();
    }

    #[test]
    fn those_that_answer_are_found_and_what_the_killed_left_is_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let ours = std::process::id();
        let _listener = UnixListener::bind(place(&format!("web-a1-{ours}.sock"))).unwrap();
        // Of another sort: one that listened could be open a moment longer, in a program that another test starts.
        let silent = |name: &str| drop(UnixDatagram::bind(place(name)).unwrap());
        // More than the system gives out.
        silent("web-a1-999999999.sock");
        silent("web-a1-2-999999999.sock");
        silent(&format!("other-{ours}.sock"));
        std::fs::write(place("web-a1-.sock"), "").unwrap();
        let places = [folder.path().to_owned(), place("missing")];
        assert_eq!(in_memory(&places, "web-a1"), [(ours, place(&format!("web-a1-{ours}.sock")))]);
        assert_eq!(in_memory(&places, "other"), []);
        clear(folder.path(), "web-a1");
        clear(folder.path(), "other");
        let mut left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        let mut kept = [
            format!("other-{ours}.sock"),
            "web-a1-.sock".into(),
            "web-a1-2-999999999.sock".into(),
            format!("web-a1-{ours}.sock"),
        ];
        kept.sort();
        assert_eq!(left, kept.map(std::ffi::OsString::from));
    }
}
