//! The configuration's file as something that changes: read again when somebody asks, or when it has changed and
//! settled.
//!
//! Events say when to look; what was seen is what is true. Where events don't come, it is looked at each second.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::admin::AdminSpec;
use crate::agent::{Fresh, Load, Refused, Reloading};
use crate::config::{self, Config, Footprint, Level, Loaded, Print};
use crate::deliver::brief::Transport;
use crate::deliver::post::ClientError;
use crate::input::program::OnExit;
use crate::input::waker::Waker;
use crate::proof::rehearsal::Stations;
use crate::proof::trial::{self, Trial};
use crate::rule::Rule;
use crate::store::HistorySpec;

use super::exit::Failure;
use super::load::{env, usable};
use super::test::failure;
use super::watch::{Sees, Watch};

/// What is being written is waited for: a change counts once two looks agree that are so far apart. Where a change may raise
/// no event, this is how often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often they are looked at where events come: they are hints, and hints get lost.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);

/// For what a configuration is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// `hooktail run`.
    Run,
    /// `hooktail exec`: its program's output is read too.
    Exec,
}

/// The configuration's file, and all that belongs to it.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    purpose: Purpose,
    seen: Mutex<Seen>,
    /// Of the thread that looks after the files.
    waker: Arc<Waker>,
}

/// What a look has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    /// What was read, or what was asked for.
    Same,
    /// Another, which may still be written to.
    Changing,
    /// Another, which has settled.
    Settled,
}

/// As long as it is here, somebody looks after the files.
#[derive(Debug)]
pub(super) struct LookingAfter {
    waker: Arc<Waker>,
    _thread: JoinSet<()>,
}

impl Drop for LookingAfter {
    fn drop(&mut self) {
        self.waker.stop();
    }
}

/// The files, as far as they are known.
#[derive(Debug, Default)]
struct Seen {
    footprint: Footprint,
    /// As they were when they were read last.
    read: Print,
    /// As they were at the last look, where that was another.
    changed: Option<Print>,
}

/// What a command makes of a configuration before it is used; gives what is told of a program's end.
pub(super) type Adapt = Box<dyn Fn(&mut Config) -> Option<OnExit> + Send + Sync>;

impl Source {
    /// Reads it for the first time; what is wrong is printed.
    pub(super) fn open(path: PathBuf, purpose: Purpose) -> Result<(Config, Arc<Self>), Failure> {
        let waker = Arc::new(Waker::new().map_err(Failure::failed)?);
        let source = Arc::new(Self { path, purpose, seen: Mutex::default(), waker });
        Ok((usable(source.read())?, source))
    }

    fn read(&self) -> Loaded {
        let before = self.seen().footprint.print();
        let loaded = match self.purpose {
            Purpose::Run => config::load(&self.path, &env),
            Purpose::Exec => config::load_for_exec(&self.path, &env),
        };
        let mut footprint = Footprint::of(&self.path, &loaded);
        let mut seen = self.seen();
        if loaded.config.is_none() {
            // Not all of it could be read: what is missing may be what will mend it.
            footprint.add(seen.footprint.clone());
        }
        // What was changed while it was read is a change.
        seen.read = footprint.print().as_before(&before);
        seen.footprint = footprint;
        // Other folders may matter now.
        self.waker.wake();
        loaded
    }

    /// Whether it has changed since it was read, and is still so since the last look.
    fn look(&self) -> Look {
        let print = self.seen().footprint.print();
        let mut seen = self.seen();
        if print == seen.read {
            seen.changed = None;
            return Look::Same;
        }
        if seen.changed.as_ref() != Some(&print) {
            seen.changed = Some(print);
            return Look::Changing;
        }
        // It is asked for once.
        (seen.read, seen.changed) = (print, None);
        Look::Settled
    }

    /// Asks for a reload whenever it has changed, as long as what is returned lives.
    pub(super) fn watch(self: &Arc<Self>, requests: mpsc::Sender<()>) -> LookingAfter {
        let source = self.clone();
        let mut thread = JoinSet::new();
        thread.spawn_blocking(move || {
            crate::thread::call(c"configuration");
            if let Err(error) = source.look_after(&requests) {
                tracing::error!(%error, "the configuration is read again at a SIGHUP alone");
            }
        });
        LookingAfter { waker: self.waker.clone(), _thread: thread }
    }

    fn look_after(&self, requests: &mpsc::Sender<()>) -> io::Result<()> {
        let mut watch = Watch::new();
        while !self.waker.stopped() {
            // Before the look: what changes after it raises an event.
            let folders = self.seen().footprint.folders();
            let sees = watch.set(folders);
            let look = self.look();
            if look == Look::Settled {
                tracing::info!(file = %self.path.display(), "the configuration has changed");
                // One that waits already will see this change too.
                let _ = requests.try_send(());
            }
            match (look, sees) {
                (Look::Changing, _) => self.settle()?,
                (Look::Same | Look::Settled, Sees::All) => watch.wait(&self.waker, LOOK_ANYWAY)?,
                (Look::Same | Look::Settled, Sees::NotAll) => watch.wait(&self.waker, LOOK_EVERY)?,
            }
        }
        Ok(())
    }

    /// Waits, whatever happens meanwhile.
    fn settle(&self) -> io::Result<()> {
        let until = Instant::now() + LOOK_EVERY;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() || self.waker.stopped() {
                return Ok(());
            }
            self.waker.wait(None, Some(rest))?;
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How messages go out to the webhooks of a configuration.
pub(super) type MakeTransport = Box<dyn Fn(&Config) -> Result<Transport, ClientError> + Send + Sync>;

/// How a running agent comes by another configuration.
pub(super) struct Reloader {
    pub(super) source: Arc<Source>,
    pub(super) fixed: Fixed,
    pub(super) adapt: Adapt,
    /// How its messages go out.
    pub(super) transport: MakeTransport,
}

/// What stays as it was until a restart.
#[derive(Debug)]
pub(super) struct Fixed {
    state_dir: Option<PathBuf>,
    admin: Option<AdminSpec>,
    history: HistorySpec,
}

impl Fixed {
    /// Of the configuration at the start.
    pub(super) fn of(config: &Config) -> Self {
        let Config { state_dir, admin, limits, .. } = config;
        Self { state_dir: state_dir.clone(), admin: admin.clone(), history: limits.history }
    }

    /// The keys under which `config` says something else.
    fn changed(&self, config: &Config) -> Vec<String> {
        let Self { state_dir, admin, history } = self;
        let changed = [
            (config.state_dir != *state_dir, "`state_dir`"),
            (config.admin != *admin, "`admin`"),
            (config.limits.history != *history, "`limits.history`"),
        ];
        changed.into_iter().filter(|(is_other, _)| *is_other).map(|(_, key)| key.to_owned()).collect()
    }
}

impl Reloader {
    /// For the agent; `requests` brings its requests.
    pub(super) fn reloading(self, requests: mpsc::Receiver<()>) -> Reloading {
        let load: Load = Arc::new(move || self.load());
        Reloading { requests, load, last: Arc::default() }
    }

    /// Reads and checks the configuration, and runs its own tests.
    fn load(&self) -> Result<Fresh, Refused> {
        let mut loaded = self.source.read();
        let Some(mut config) = loaded.config.take() else { return Err(wrong(&loaded)) };
        if !loaded.diagnostics.is_empty() {
            tracing::warn!("the configuration has warnings:\n{}", loaded.render(false));
        }
        let on_exit = (self.adapt)(&mut config);
        let rules: Arc<[Rule]> = std::mem::take(&mut config.rules).into();
        test(&config, &rules)?;
        let transport = (self.transport)(&config).map_err(|error| {
            let why = error.to_string();
            Refused { whole: why.clone(), why }
        })?;
        let kept = self.fixed.changed(&config);
        Ok(Fresh { config, rules, transport, on_exit, kept })
    }
}

/// Why a configuration with mistakes is not taken.
fn wrong(loaded: &Loaded) -> Refused {
    let mut errors = loaded.diagnostics.iter().filter(|found| found.level == Level::Error);
    let mut why = errors.next().map_or_else(String::new, |first| {
        let place = first.file.as_ref().zip(first.line);
        let place = place.map(|(file, line)| format!(" ({file}:{line})")).unwrap_or_default();
        format!("{}{place}", first.message)
    });
    why += &and_more(errors.count());
    Refused { why, whole: loaded.render(false) }
}

/// The rules' own tests, as `hooktail test` runs them.
fn test(config: &Config, rules: &Arc<[Rule]>) -> Result<(), Refused> {
    if config.tests.is_empty() {
        return Ok(());
    }
    let stations = Stations::with(config, rules.clone());
    let trials = config.tests.iter().map(|case| trial::run(case, &stations));
    let failed: Vec<Trial<'_>> = trials.filter(|trial| !trial.passed()).collect();
    let Some(first) = failed.first() else { return Ok(()) };
    let case = first.case;
    let why = format!(
        "test {} of `{}` fails ({}:{}){}",
        case.number,
        case.rule,
        case.file,
        case.line,
        and_more(failed.len() - 1)
    );
    let told = failed.iter().map(|trial| format!("{}\n{}", trial.case.rule, failure(trial)));
    Err(Refused { why, whole: strip_str(&told.collect::<String>()).to_string() })
}

fn and_more(n: usize) -> String {
    if n == 0 { String::new() } else { format!(", and {n} more") }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn source(folder: &Path) -> Arc<Source> {
        let path = folder.join("hooktail.yaml");
        let waker = Arc::new(Waker::new().unwrap());
        let source = Source { path, purpose: Purpose::Run, seen: Mutex::default(), waker };
        Arc::new(source)
    }

    const RULES: &str = "webhooks: { ops: { url_file: url } }\ninputs: { app: { files: a.log } }\n\
                         include: conf.d/*.yaml\nrules: [{ name: a, match: x }]\n";

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("conf.d")).unwrap();
        fs::write(folder.path().join("url"), "https://hooks.slack.com/services/T0/B0/X").unwrap();
        fs::write(folder.path().join("hooktail.yaml"), RULES).unwrap();
        folder
    }

    #[test]
    fn a_change_counts_once_two_looks_agree_and_once() {
        let folder = folder();
        let source = source(folder.path());
        assert!(source.read().config.is_some());
        assert_eq!([source.look(), source.look()], [Look::Same; 2], "nothing has changed");
        for name in ["hooktail.yaml", "url", "conf.d/new.yaml"] {
            let path = folder.path().join(name);
            let text = fs::read_to_string(&path).unwrap_or_default();
            fs::write(&path, &text).unwrap();
            assert_eq!(source.look(), Look::Changing, "{name} may still be written to");
            fs::write(&path, text + "\n").unwrap();
            assert_eq!(source.look(), Look::Changing, "{name} was still written to");
            assert_eq!(source.look(), Look::Settled, "{name} has settled");
            assert_eq!([source.look(), source.look()], [Look::Same; 2], "{name} was asked for");
            source.read();
            assert_eq!(source.look(), Look::Same);
        }
        fs::remove_file(folder.path().join("conf.d/new.yaml")).unwrap();
        assert_eq!([source.look(), source.look()], [Look::Changing, Look::Settled]);
    }

    #[test]
    fn a_link_that_is_set_anew_is_a_change() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        for version in ["v1", "v2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("hooktail.yaml"), RULES).unwrap();
        }
        // As Kubernetes mounts a ConfigMap: the file is a link through another, which is replaced.
        std::os::unix::fs::symlink("v1", at("..data")).unwrap();
        fs::remove_file(at("hooktail.yaml")).unwrap();
        std::os::unix::fs::symlink("..data/hooktail.yaml", at("hooktail.yaml")).unwrap();
        let source = source(folder.path());
        source.read();
        std::os::unix::fs::symlink("v2", at("..new")).unwrap();
        fs::rename(at("..new"), at("..data")).unwrap();
        assert_eq!([source.look(), source.look()], [Look::Changing, Look::Settled]);
    }

    #[test]
    fn what_a_mistake_hides_is_watched_on() {
        let folder = folder();
        let source = source(folder.path());
        source.read();
        fs::write(folder.path().join("hooktail.yaml"), "rules: [").unwrap();
        assert_eq!([source.look(), source.look()], [Look::Changing, Look::Settled]);
        assert!(source.read().config.is_none());
        fs::write(folder.path().join("url"), "https://hooks.slack.com/services/T0/B0/Y").unwrap();
        assert_eq!([source.look(), source.look()], [Look::Changing, Look::Settled]);
        fs::write(folder.path().join("hooktail.yaml"), RULES).unwrap();
        assert_eq!([source.look(), source.look()], [Look::Changing, Look::Settled]);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line_and_in_full() {
        let folder = folder();
        let path = folder.path().join("hooktail.yaml");
        fs::write(&path, RULES.replace("match: x", "mach: x, sevirity: error")).unwrap();
        let refused = wrong(&source(folder.path()).read());
        assert_eq!(refused.why, format!("unknown key `mach` ({}:4), and 1 more", path.display()));
        assert!(refused.whole.contains("did you mean `severity`?"), "{}", refused.whole);
    }
}
