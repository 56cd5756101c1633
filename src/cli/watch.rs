//! A hint that a file of the configuration may have changed: inotify, told of names in the folders that lead to it. A
//! hint only: what has changed is looked at.
//!
//! It is not notify's: that has a thread for it, and wakes it at each write to any file of a folder. Here a file that is
//! written to counts when it is closed, and only by the names that matter.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use crate::config::{Folders, Names};
use crate::input::waker::Waker;

use events::Events;

/// Whether whatever changes raises an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sees {
    /// It does, as far as is known.
    All,
    /// Not everywhere.
    NotAll,
}

/// Sees changes of names.
#[derive(Debug)]
pub(super) struct Watch {
    /// `None`: the system grants none.
    events: Option<Events>,
    /// By the number of a folder's watch.
    names: BTreeMap<i32, Names>,
}

impl Watch {
    pub(super) fn new() -> Self {
        Self { events: Events::new(), names: BTreeMap::new() }
    }

    /// Watches just these folders; `None`: those that matter can't be told.
    pub(super) fn set(&mut self, folders: Option<Folders>) -> Sees {
        let Some(events) = &self.events else { return Sees::NotAll };
        let mut sees = if folders.is_some() { Sees::All } else { Sees::NotAll };
        let mut watched = BTreeMap::new();
        for (folder, names) in folders.unwrap_or_default() {
            match events.watch(&folder, &names) {
                Ok(watch) => drop(watched.insert(watch, names)),
                // The folder above it is watched for its name.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => sees = Sees::NotAll,
            }
        }
        self.names
            .keys()
            .filter(|watch| !watched.contains_key(watch))
            .for_each(|watch| events.forget(*watch));
        self.names = watched;
        sees
    }

    /// Until a name that matters may have changed, `waker` wakes, or `wait` is over.
    ///
    /// # Errors
    /// As those of [`Waker::wait`].
    pub(super) fn wait(&self, waker: &Waker, wait: Duration) -> io::Result<()> {
        let until = Instant::now() + wait;
        loop {
            let rest = until.saturating_duration_since(Instant::now());
            let came = waker.wait_for_any(self.events.as_ref().map(Events::descriptor), Some(rest))?;
            let matters = came.ready && self.events.as_ref().is_some_and(|events| events.any(&self.names));
            if matters || came.woken || rest.is_zero() {
                return Ok(());
            }
        }
    }
}

#[cfg(target_os = "linux")]
mod events {
    use std::collections::{BTreeMap, BTreeSet};
    use std::ffi::OsStr;
    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init, remove_watch};
    use rustix::fs::statfs;
    use rustix::io::Errno;

    use crate::config::Names;

    /// Room for some events; one has at most 272 bytes.
    const BYTES: usize = 4_096;

    /// File systems on which others change files without a word: NFS, FUSE, SMB and its second version, 9P, Ceph and AFS,
    /// by their magic numbers (statfs(2)).
    const SILENT: [i64; 7] =
        [0x6969, 0x6573_5546, 0xff53_4d42, 0xfe53_4d42, 0x0102_1997, 0x00c3_6400, 0x5346_414f];

    #[derive(Debug)]
    pub(super) struct Events(OwnedFd);

    impl Events {
        pub(super) fn new() -> Option<Self> {
            let made = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK);
            made.inspect_err(
                |error| tracing::info!(%error, "no watcher: the configuration is looked at each second instead"),
            )
            .ok()
            .map(Self)
        }

        /// Watches a folder and these names in it; returns the number that its events have.
        pub(super) fn watch(&self, folder: &Path, names: &Names) -> io::Result<i32> {
            let of_itself = WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR;
            let of_names = WatchFlags::CREATE
                | WatchFlags::DELETE
                | WatchFlags::MOVE
                | WatchFlags::CLOSE_WRITE
                | WatchFlags::ATTRIB;
            let any = *names != Names::These(BTreeSet::new());
            let changes = if any { of_itself | of_names } else { of_itself };
            let watch = add_watch(&self.0, folder, changes)?;
            match SILENT.contains(&statfs(folder)?.f_type) {
                true => Err(io::ErrorKind::Unsupported.into()),
                false => Ok(watch),
            }
        }

        pub(super) fn forget(&self, watch: i32) {
            // It may have gone with its folder.
            let _ = remove_watch(&self.0, watch);
        }

        pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
            self.0.as_fd()
        }

        /// Whether one of those that have come is of these names, of a folder itself, or tells that some were lost.
        pub(super) fn any(&self, names: &BTreeMap<i32, Names>) -> bool {
            let mut bytes = [MaybeUninit::uninit(); BYTES];
            let mut events = Reader::new(&self.0, &mut bytes);
            let mut any = false;
            loop {
                match events.next() {
                    Ok(event) if event.wd() < 0 => any = true,
                    Ok(event) => {
                        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()));
                        let of_watch = names.get(&event.wd());
                        any |= of_watch.is_some_and(|names| name.is_none_or(|name| names.has(name)));
                    }
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => return any,
                    // Looking is what is true.
                    Err(_) => return true,
                }
            }
        }
    }
}

/// Elsewhere files are looked at.
#[cfg(not(target_os = "linux"))]
mod events {
    use std::collections::BTreeMap;
    use std::convert::Infallible;
    use std::io;
    use std::os::fd::BorrowedFd;
    use std::path::Path;

    use crate::config::Names;

    #[derive(Debug)]
    pub(super) struct Events(Infallible);

    impl Events {
        pub(super) fn new() -> Option<Self> {
            None
        }

        pub(super) fn watch(&self, _: &Path, _: &Names) -> io::Result<i32> {
            match self.0 {}
        }

        pub(super) fn forget(&self, _: i32) {
            match self.0 {}
        }

        pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
            match self.0 {}
        }

        pub(super) fn any(&self, _: &BTreeMap<i32, Names>) -> bool {
            match self.0 {}
        }
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::fs::{self, File};
    use std::io::Write;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use rustix::fs::{CWD, RenameFlags, renameat_with};

    use super::*;
    use crate::config::{Footprint, load};

    const RULES: &str = "webhooks: { ops: { url_file: url } }\ninputs: { app: { files: a.log } }\n\
                         include: conf.d/*.yaml\nrules: [{ name: a, match: x }]\n";

    /// A configuration whose file is a link through another, which leads to one of two folders.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for version in ["v1", "v2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("hooktail.yaml"), RULES).unwrap();
        }
        fs::create_dir(at("conf.d")).unwrap();
        fs::create_dir(at("conf.new")).unwrap();
        symlink("v1", at("..data")).unwrap();
        symlink("..data/hooktail.yaml", at("hooktail.yaml")).unwrap();
        fs::write(at("url"), "https://hooks.slack.com/services/T0/B0/X").unwrap();
        folder
    }

    #[test]
    fn what_leads_elsewhere_raises_an_event_and_what_else_happens_there_does_not() {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let path = at("hooktail.yaml");
        let mut watch = Watch::new();
        // As whoever looks after the files does it: what was seen may lead elsewhere after each.
        let mut is_hint = |act: &dyn Fn()| {
            let footprint = Footprint::of(&path, &load(&path, &|_| None));
            assert_eq!(watch.set(footprint.folders()), Sees::All);
            let events = watch.events.as_ref().expect("the system has them");
            events.any(&watch.names);
            act();
            events.any(&watch.names)
        };
        let write = |path: &Path, text: &str| fs::write(path, text).unwrap();
        let mut log = File::create(at("a.log")).unwrap();
        assert!(
            !is_hint(&|| log.try_clone().unwrap().write_all(b"x\n").unwrap()),
            "another file is written to"
        );
        assert!(!is_hint(&|| write(&at("other.yaml"), "")), "another file is made");
        log.write_all(b"y\n").unwrap();
        assert!(is_hint(&|| write(&at("v1/hooktail.yaml"), RULES)), "it is written in its place");
        assert!(is_hint(&|| write(&at("url"), "https://hooks.slack.com/services/T0/B0/Y")), "so is a URL's");
        let replace = |name: &str| {
            write(&at("new~"), RULES);
            fs::rename(at("new~"), at(name)).unwrap();
        };
        assert!(is_hint(&|| replace("v1/hooktail.yaml")), "another file takes its name");
        assert!(is_hint(&|| {
            symlink("v2", at("..new")).unwrap();
            fs::rename(at("..new"), at("..data")).unwrap();
        }));
        assert!(!is_hint(&|| write(&at("v1/hooktail.yaml"), RULES)), "nothing leads there any more");
        assert!(is_hint(&|| replace("v2/hooktail.yaml")), "and this is where it leads");
        assert!(is_hint(&|| write(&at("conf.d/new.yaml"), "")), "a glob finds one more");
        assert!(is_hint(&|| fs::remove_file(at("conf.d/new.yaml")).unwrap()), "and one less");
        let swap = || renameat_with(CWD, at("conf.d"), CWD, at("conf.new"), RenameFlags::EXCHANGE).unwrap();
        assert!(is_hint(&swap), "another folder takes the name");
        assert!(is_hint(&|| write(&at("conf.d/new.yaml"), "")), "and is watched then");
        assert!(is_hint(&|| fs::remove_dir_all(at("v2")).unwrap()), "the folder goes");
        assert!(is_hint(&|| fs::create_dir(at("v2")).unwrap()), "and comes back");
        assert!(is_hint(&|| write(&at("v2/hooktail.yaml"), RULES)), "with its file");
    }

    #[test]
    fn a_wait_ends_when_it_is_woken_or_over() {
        let (mut watch, waker) = (Watch::new(), Waker::new().unwrap());
        assert_eq!(watch.set(None), Sees::NotAll);
        watch.wait(&waker, Duration::ZERO).unwrap();
        waker.wake();
        let began = Instant::now();
        watch.wait(&waker, Duration::from_secs(3_600)).unwrap();
        assert!(began.elapsed() < Duration::from_secs(1_800));
    }
}
