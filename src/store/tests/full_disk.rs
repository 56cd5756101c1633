//! A disk without room: a file system of 3 MiB, which only root can make.

use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use super::*;

/// Mounted as long as the value lives.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// None where it can't be mounted, which is said.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let options = Some(c"size=3m,mode=700");
        let mounted = mount("tmpfs", folder.path(), "tmpfs", MountFlags::empty(), options).is_ok();
        if !mounted {
            println!("skipped: a file system can't be mounted here");
        }
        mounted.then(|| Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all the room that is left, as another program would.
    fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.path().join("filler")).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        std::fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = unmount(self.path(), UnmountFlags::DETACH);
    }
}

fn open(disk: &SmallDisk) -> Store {
    let (store, restored) =
        Store::open(&disk.path().join("state"), ["ops".into()].into_iter(), 100_000).unwrap();
    assert_eq!(restored.notices, []);
    store
}

/// Commits alerts until there is no room, and returns the ids of those that were stored.
fn commit_until_full(store: &Store, first: u128) -> Vec<u128> {
    let mut stored = Vec::new();
    for id in (first..).step_by(10) {
        match store.commit(&[position("a", &id.to_string())], &alerts(id..id + 10), NOW) {
            Ok(()) => stored.extend(id..id + 10),
            Err(WriteError::Full) => return stored,
            Err(other) => panic!("{other:?}"),
        }
    }
    stored
}

#[test]
fn row_58_a_full_disk_stops_what_is_new_and_no_answer() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = open(&disk);
    let stored = commit_until_full(&store, 1);
    assert!(stored.len() > 200, "{} alerts found room", stored.len());
    assert_eq!(waiting(&store), stored, "what was not stored does not show");
    disk.fill();
    // What was written ahead and has been moved makes a little room, and then there is none.
    let mut stored = stored;
    loop {
        let more = commit_until_full(&store, 10_000 + stored.len() as u128);
        if more.is_empty() {
            break;
        }
        stored.extend(more);
    }

    // Every answer is durable at once, one after the other, on a disk that stays full.
    let (gone, left) = stored.split_at(stored.len() / 2);
    for some in gone.chunks(9) {
        store.outbox().settle("ops", &ids(some.iter().copied()));
    }
    store.outbox().set_aside("ops", &ids([left[0]]), "invalid_payload", NOW);
    let left = &left[1..];
    let killed = tempfile::tempdir().unwrap();
    let copy = killed.path().join("state");
    std::fs::create_dir(&copy).unwrap();
    for name in ["state.db", "state.db-wal"] {
        std::fs::copy(disk.path().join("state").join(name), copy.join(name)).unwrap();
    }
    let (after, restored) = Store::open(&copy, ["ops".into()].into_iter(), 100_000).unwrap();
    assert_eq!((waiting(&after), restored.notices), (left.to_vec(), vec![]));

    // There is room again: it goes on by itself.
    disk.empty();
    store.commit(&[position("a", "after")], &alerts([99_999]), NOW).unwrap();
    drop(store);
    let store = open(&disk);
    assert_eq!(waiting(&store), [left, &[99_999]].concat());
}

#[test]
fn row_58_room_that_answers_make_is_used() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = open(&disk);
    let stored = commit_until_full(&store, 1);
    // Nobody else gives anything back: what was delivered makes the room.
    store.outbox().settle("ops", &ids(stored));
    // The first attempt may find what was written ahead still in the way.
    let again = [commit_until_full(&store, 10_000), commit_until_full(&store, 20_000)].concat();
    assert!(again.len() > 200, "{} alerts found room", again.len());
    drop(store);
    assert_eq!(waiting(&open(&disk)), again);
}

#[test]
fn row_58_an_unfinished_alert_is_shown_on_a_full_disk_too() {
    let Some(disk) = SmallDisk::mount() else { return };
    let store = open(&disk);
    store.commit(&[], &[unfinished(1)], NOW).unwrap();
    commit_until_full(&store, 10);
    disk.fill();
    while !commit_until_full(&store, 100_000).is_empty() {}
    let long = Arc::new(Alert { value: Some("x".repeat(100_000)), ..alert("rule", 1) });
    store.finish(&[long]).unwrap();
    let shown = &store.outbox().waiting("ops")[0].alert;
    assert_eq!((shown.id, shown.value.as_ref().map(String::len)), (AlertId(1), Some(100_000)));
}
