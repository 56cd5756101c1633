//! Where state is kept: `--state-dir` wins over the configuration's `state_dir`, and that over where the system or the
//! user keeps such things.

use std::path::{Path, PathBuf};

use clap::Args;
use xxhash_rust::xxh3::xxh3_64;

use crate::agent::Opened;
use crate::config::{Config, state_dir};

use super::exit::Failure;
use super::load::{ConfigArgs, env};

/// Where state is kept.
#[derive(Debug, Args)]
pub(super) struct StateArgs {
    /// Where state is kept, or `none`: in memory
    #[arg(long, value_name = "DIR", value_parser = StateDir::parse)]
    state_dir: Option<StateDir>,
}

/// Where state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StateDir {
    /// In memory.
    None,
    /// In this directory.
    Directory(PathBuf),
}

impl StateDir {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "none" => Ok(Self::None),
            "" => Err("it is empty"),
            path => Ok(Self::Directory(path.into())),
        }
    }

    /// The directory, where there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Self::None => None,
            Self::Directory(path) => Some(path),
        }
    }

    /// Takes it for this process.
    pub(super) fn open(&self, config: &Config) -> Result<Opened, Failure> {
        match self {
            Self::None => Ok(Opened::in_memory(config)),
            Self::Directory(path) => Opened::in_directory(config, path).map_err(Failure::failed),
        }
    }

    /// Begins where [`StateDir::open`] would, and writes nothing.
    pub(super) fn look(&self, config: &Config) -> Result<Opened, Failure> {
        match self {
            Self::None => Ok(Opened::in_memory(config)),
            Self::Directory(path) => Opened::looking_at(config, path).map_err(Failure::failed),
        }
    }
}

impl StateArgs {
    /// Of an agent that follows `config`.
    pub(super) fn of(&self, config: &Config) -> Result<StateDir, Failure> {
        if let Some(given) =
            self.state_dir.clone().or_else(|| config.state_dir.clone().map(StateDir::Directory))
        {
            return Ok(given);
        }
        let place = default(config.files.first(), &env, rustix::process::geteuid().is_root());
        place.map(StateDir::Directory).ok_or_else(|| {
            Failure::usage(
                "nowhere to keep state: $HOME is not set\nhelp: give a directory with `--state-dir DIR` or \
                 `state_dir`, or `--state-dir none` to keep state in memory",
            )
        })
    }

    /// What the command line says.
    pub(super) const fn given(&self) -> Option<&StateDir> {
        self.state_dir.as_ref()
    }

    /// The directory of an agent that runs already, or ran; of its configuration nothing but this is asked.
    pub(super) fn of_running(&self, config: &ConfigArgs) -> Result<PathBuf, Failure> {
        let given = match &self.state_dir {
            Some(StateDir::None) => return Err(Failure::usage("state in memory is gone with its process")),
            Some(StateDir::Directory(path)) => return Ok(path.clone()),
            None => config.path()?,
        };
        let said = state_dir(&given, &env);
        let place = said.or_else(|| default(Some(&given), &env, rustix::process::geteuid().is_root()));
        place.ok_or_else(|| Failure::usage("which agent? $HOME is not set\nhelp: give its `--state-dir DIR`"))
    }

    /// Of what is not a service: in memory, if nothing else is said.
    pub(super) fn or_memory(&self) -> StateDir {
        self.state_dir.clone().unwrap_or(StateDir::None)
    }
}

fn default(config: Option<&PathBuf>, env: &dyn Fn(&str) -> Option<String>, is_root: bool) -> Option<PathBuf> {
    // A relative one is to be ignored, as the specification of these variables says.
    let absolute = |name| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(given) = env("STATE_DIRECTORY").filter(|given| !given.is_empty()) {
        // systemd separates several by colons; ours is the first.
        return given.split(':').next().map(PathBuf::from);
    }
    let base = match is_root {
        true => PathBuf::from("/var/lib"),
        false => absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")))?,
    };
    Some(base.join("hooktail").join(name(config?)))
}

/// The configuration file's name without its ending, and what tells it from others of that name.
pub(super) fn name(config: &Path) -> String {
    let whole = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
    let stem = whole.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let hash = xxh3_64(whole.as_os_str().as_encoded_bytes()) >> 40;
    format!("{stem}-{hash:06x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(vars: &[(&str, &str)], is_root: bool, expected: Option<&str>) {
        let env =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let found = default(Some(&"/etc/hooktail/web.yaml".into()), &env, is_root);
        assert_eq!(found, expected.map(PathBuf::from));
    }

    #[test]
    fn where_the_system_or_the_user_keeps_such_things() {
        let home = ("HOME", "/home/ann");
        check(&[home], true, Some("/var/lib/hooktail/web-6858bb"));
        check(&[home], false, Some("/home/ann/.local/state/hooktail/web-6858bb"));
        check(&[home, ("XDG_STATE_HOME", "/data")], false, Some("/data/hooktail/web-6858bb"));
        check(&[home, ("XDG_STATE_HOME", "data")], false, Some("/home/ann/.local/state/hooktail/web-6858bb"));
        check(&[home, ("STATE_DIRECTORY", "/run/s")], true, Some("/run/s"));
        check(&[home, ("STATE_DIRECTORY", "/a:/b"), ("XDG_STATE_HOME", "/data")], false, Some("/a"));
        check(&[], false, None);
    }

    #[test]
    fn two_files_of_one_name_have_two_places() {
        assert_ne!(name(Path::new("/a/web.yaml")), name(Path::new("/b/web.yaml")));
    }
}
