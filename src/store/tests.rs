//! The store as its users see it: what was committed is there again, and nothing else. A row is one of the catalogue of
//! faults, as `docs/reliability.md` lists them.

mod damage;
mod full_disk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::around::{Around, Awaited, Reach};
use crate::engine::tests_support::alert;
use crate::engine::{Alert, AlertId, Kind};
use crate::time::Time;

use super::*;

/// A state directory, opened again and again.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// In memory, where there is such a place: a sync takes no time there.
    fn fast() -> Self {
        let memory = tempfile::tempdir_in("/dev/shm");
        Self { folder: memory.or_else(|_| tempfile::tempdir()).unwrap() }
    }

    fn directory(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn try_open(&self) -> Result<(Store, Restored), OpenError> {
        self.try_open_with(10)
    }

    fn try_open_with(&self, alerts_max: usize) -> Result<(Store, Restored), OpenError> {
        Store::open(&self.directory(), ["ops", "dev"].map(Arc::from).into_iter(), alerts_max)
    }

    #[track_caller]
    fn open(&self) -> (Store, Restored) {
        self.try_open().unwrap()
    }

    /// What somebody else does to the database.
    fn sql(&self, sql: &str) {
        Connection::open(self.directory().join("state.db")).unwrap().execute_batch(sql).unwrap();
    }

    fn count(&self, table: &str) -> i64 {
        let connection = Connection::open(self.directory().join("state.db")).unwrap();
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    }
}

fn record(space: Space, owner: &str, key: &str, value: &str) -> Record {
    Record { space, owner: owner.into(), key: key.into(), value: Some(value.as_bytes().into()) }
}

fn position(key: &str, value: &str) -> Record {
    record(Space::Position, "app", key, value)
}

fn alerts(ids: impl IntoIterator<Item = u128>) -> Vec<Arc<Alert>> {
    ids.into_iter().map(|id| Arc::new(alert("rule", id))).collect()
}

fn waiting(store: &Store) -> Vec<u128> {
    store.outbox().waiting("ops").iter().map(|waiting| waiting.alert.id.0).collect()
}

fn ids(ids: impl IntoIterator<Item = u128>) -> Vec<AlertId> {
    ids.into_iter().map(AlertId).collect()
}

fn words(restored: &Restored) -> Vec<&str> {
    restored.notices.iter().map(|notice| &*notice.text).collect()
}

const NOW: Time = Time::from_secs(1_795_000_000);

#[test]
fn what_was_committed_is_there_again_and_what_left_is_not() {
    let scene = Scene::new();
    let (store, restored) = scene.open();
    assert_eq!((restored.past, restored.records), (Past::None, vec![]));
    let engine = record(Space::Engine, "rule", "k", "state");
    store.commit(&[position("a", "1"), position("b", "1"), engine.clone()], &alerts(1..=3), NOW).unwrap();
    let gone = Record { value: None, ..position("b", "") };
    store.commit(&[position("a", "2"), gone], &alerts(4..=4), NOW).unwrap();
    store.outbox().settle("ops", &ids([1, 3]));
    drop(store);

    let (store, mut restored) = scene.open();
    assert_eq!((restored.past, restored.notices.len()), (Past::Kept, 0));
    assert_eq!(waiting(&store), [2, 4]);
    let again = &store.outbox().waiting("ops")[0];
    assert_eq!((&*again.alert, again.since), (&alert("rule", 2), NOW));
    assert_eq!(restored.take(Space::Position, "app"), [position("a", "2")]);
    assert_eq!(restored.records, [engine]);
    // The places go on: an alert that comes now goes last.
    store.commit(&[], &alerts(5..=5), NOW).unwrap();
    drop(store);
    assert_eq!(waiting(&scene.open().0), [2, 4, 5]);
}

/// As `alerts`, waiting for a line to come.
fn unfinished(id: u128) -> Arc<Alert> {
    let around = Arc::new(Around::new(std::iter::empty(), Reach { before: 0, after: 1 }, NOW));
    Arc::new(Alert { awaited: Some(Awaited { around, lines: 1 }), ..alert("rule", id) })
}

#[test]
fn an_unfinished_alert_is_durable_at_once_and_shown_when_it_is_finished() {
    let scene = Scene::new();
    let (store, _) = scene.open();
    store.commit(&[], &[unfinished(1), unfinished(2), alerts([3]).remove(0)], NOW).unwrap();
    assert_eq!(waiting(&store), [3], "the others are not held up");
    let finished = Arc::new(Alert { count: 7, ..alert("rule", 2) });
    store.finish(std::slice::from_ref(&finished)).unwrap();
    assert_eq!(waiting(&store), [2, 3]);
    // Killed: what was finished is as it was, and what was not is sent as it is.
    drop(store);
    let (store, restored) = scene.open();
    assert_eq!((waiting(&store), restored.notices.len()), (vec![1, 2, 3], 0));
    assert_eq!(store.outbox().waiting("ops")[1].alert.count, 7);
    store.outbox().settle("ops", &ids([1, 2, 3]));
    drop(store);
    assert_eq!(scene.count("outbox"), 0);
}

#[test]
fn what_nobody_finishes_is_shown_at_the_end() {
    let scene = Scene::new();
    let (store, _) = scene.try_open_with(2).unwrap();
    store.commit(&[], &[unfinished(1), unfinished(2), unfinished(3), unfinished(4)], NOW).unwrap();
    // What found no room is a digest, whose alerts nobody knows any more.
    let four = Arc::new(alert("rule", 4));
    store.finish(&[four]).unwrap();
    assert_eq!(waiting(&store), [0; 0]);
    store.outbox().show_all();
    assert_eq!(waiting(&store), [1, 2]);
    store.outbox().settle("ops", &ids([1]));
    let left = store.outbox().waiting("ops");
    assert_eq!((left.len(), left[1].alert.kind, left[1].alert.count), (2, Kind::Digest, 2));
}

#[test]
fn row_66_power_loss_leaves_the_last_commit() {
    let scene = Scene::fast();
    let (store, _) = scene.open();
    let mut sizes = Vec::new();
    let ahead = scene.directory().join("state.db-wal");
    for n in 1..=8 {
        store.commit(&[position("a", &n.to_string())], &alerts([n]), NOW).unwrap();
        sizes.push(ahead.metadata().unwrap().len());
    }
    let files = ["state.db", "state.db-wal"].map(|name| std::fs::read(scene.directory().join(name)).unwrap());
    drop(store);
    // However much of what was written ahead reached the disk, and whatever its last page holds.
    for cut in (0..=files[1].len()).step_by(1_999) {
        for torn in [false, true] {
            let other = Scene::fast();
            std::fs::create_dir(other.directory()).unwrap();
            let mut written = files[1][..cut].to_vec();
            if torn {
                let torn = written.len().saturating_sub(512);
                written[torn..].fill(0);
            }
            std::fs::write(other.directory().join("state.db"), &files[0]).unwrap();
            std::fs::write(other.directory().join("state.db-wal"), written).unwrap();
            let (store, restored) = other.open();
            let last = waiting(&store).len() as u128;
            assert_eq!(waiting(&store), (1..=last).collect::<Vec<_>>(), "cut at {cut}");
            let expected: Vec<_> = (last > 0).then(|| position("a", &last.to_string())).into_iter().collect();
            assert_eq!((restored.records, restored.notices), (expected, vec![]), "cut at {cut}");
            let whole = sizes.iter().filter(|size| **size <= cut as u64).count();
            assert!(torn || last >= whole as u128, "{last} of {whole} commits at {cut}");
        }
    }
}

#[test]
fn row_67_a_flipped_bit_in_a_stored_record() {
    let scene = Scene::new();
    let (store, _) = scene.open();
    store.commit(&[position("a", "1"), position("b", "2"), position("c", "3")], &alerts(1..=3), NOW).unwrap();
    drop(store);
    scene.sql(
        "UPDATE records SET value = x'00' WHERE key = 'b'; UPDATE outbox SET webhook = 'dev' WHERE place = 2",
    );

    let (store, restored) = scene.open();
    assert_eq!(waiting(&store), [1, 3]);
    assert_eq!(store.outbox().len("dev"), 0);
    assert_eq!(restored.records, [position("a", "1"), position("c", "3")]);
    let [records, alerts] = words(&restored)[..] else { panic!("{:?}", restored.notices) };
    assert!(records.contains("1 of its records are set aside"), "{records}");
    assert!(alerts.contains("1 of its waiting alerts are set aside, and not sent"), "{alerts}");
    drop(store);
    assert_eq!(scene.count("damaged"), 2);
    let (store, restored) = scene.open();
    assert_eq!((restored.notices.len(), waiting(&store)), (0, vec![1, 3]), "it is told once");
}

#[test]
fn row_67_a_record_that_is_missing_or_old_is_told() {
    for sql in [
        "DELETE FROM records WHERE key = 'b'",
        "DELETE FROM outbox WHERE place = 2",
        // Whole, but from before.
        "CREATE TEMP TABLE old AS SELECT * FROM records; UPDATE records SET (value, checksum) = (SELECT value, checksum FROM old WHERE key = 'a')",
        "DELETE FROM meta WHERE name = 'outbox'",
    ] {
        let scene = Scene::new();
        let (store, _) = scene.open();
        store.commit(&[position("a", "1"), position("b", "2")], &alerts(1..=3), NOW).unwrap();
        drop(store);
        scene.sql(sql);
        let (_, restored) = scene.open();
        assert_eq!(restored.notices.len(), 1, "{sql}");
        assert!(words(&restored)[0].contains("damaged"), "{sql}: {:?}", restored.notices);
        assert_eq!(scene.open().1.notices.len(), 0, "{sql}: it is told once");
    }
}

#[test]
fn row_68_a_state_file_that_is_empty_or_missing() {
    for act in [|path: PathBuf| std::fs::write(path, ""), |path: PathBuf| std::fs::remove_file(path)] {
        let scene = Scene::new();
        let (store, _) = scene.open();
        store.commit(&[position("a", "1")], &alerts(1..=1), NOW).unwrap();
        drop(store);
        act(scene.directory().join("state.db")).unwrap();
        let (store, restored) = scene.open();
        assert_eq!((restored.past, waiting(&store).len(), restored.records.len()), (Past::Lost, 0, 0));
        assert!(words(&restored)[0].contains("begins anew"), "{:?}", restored.notices);
        store.commit(&[position("a", "1")], &alerts(1..=1), NOW).unwrap();
        drop(store);
        assert_eq!(scene.open().1.past, Past::Kept);
    }
}

#[test]
fn row_64_a_kill_while_the_state_is_made_loses_nothing_and_is_not_told() {
    let begun: [&str; 5] = [
        "",
        "PRAGMA auto_vacuum = INCREMENTAL;",
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = 1752133483;",
        "PRAGMA journal_mode = WAL;",
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = 1752133483; PRAGMA journal_mode = WAL;",
    ];
    for begun in begun {
        let scene = Scene::new();
        drop(Directory::take(&scene.directory()).unwrap());
        drop(create_private(&scene.directory().join("state.db")).unwrap());
        scene.sql(begun);
        let (store, restored) = scene.open();
        assert_eq!((restored.past, words(&restored).len()), (Past::None, 0), "{begun}");
        store.commit(&[position("a", "1")], &alerts(1..=1), NOW).unwrap();
        drop(store);
        let (store, restored) = scene.open();
        assert_eq!((restored.past, waiting(&store).len()), (Past::Kept, 1), "{begun}");
    }
}

#[test]
fn row_68_a_newer_state_is_refused() {
    let scene = Scene::new();
    drop(scene.open());
    let sum = checksum::checksum(&[
        rusqlite::types::ValueRef::Text(b"format"),
        rusqlite::types::ValueRef::Integer(99),
    ]);
    scene.sql(&format!("UPDATE meta SET value = 99, checksum = {sum} WHERE name = 'format'"));
    let refused = scene.try_open().unwrap_err().to_string();
    assert!(refused.contains("newer hooktail: it has format 99, and this one knows 1"), "{refused}");
}

#[test]
fn what_is_no_state_is_refused_and_left_alone() {
    for content in
        ["not a database, but a file of text that is long enough for a header".repeat(90), "x".to_owned()]
    {
        let scene = Scene::new();
        drop(scene.open());
        let file = scene.directory().join("state.db");
        std::fs::write(&file, &content).unwrap();
        let refused = scene.try_open().unwrap_err().to_string();
        assert!(refused.contains("is damaged") && refused.contains("move it away"), "{refused}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
    }
    let scene = Scene::new();
    drop(scene.open());
    std::fs::remove_file(scene.directory().join("state.db")).unwrap();
    scene.sql("CREATE TABLE contacts (name)");
    let refused = scene.try_open().unwrap_err().to_string();
    assert!(refused.contains("it is not hooktail's"), "{refused}");
}

#[test]
fn what_found_no_room_is_durable_too() {
    let scene = Scene::new();
    let (store, _) = scene.try_open_with(2).unwrap();
    store.commit(&[], &alerts(1..=4), NOW).unwrap();
    store.commit(&[], &alerts(5..=6), NOW).unwrap();
    drop(store);
    assert_eq!(scene.count("outbox"), 3);
    let (store, _) = scene.try_open_with(2).unwrap();
    assert_eq!(waiting(&store), [1, 2]);
    store.outbox().settle("ops", &ids([1, 2]));
    assert_eq!(waiting(&store), [3]);
    drop(store);
    let (store, _) = scene.try_open_with(2).unwrap();
    let left = store.outbox().waiting("ops");
    assert_eq!((left.len(), left[0].alert.kind, left[0].alert.count), (1, Kind::Digest, 4));
}

#[test]
fn a_lower_bound_folds_what_waits() {
    let scene = Scene::new();
    let (store, _) = scene.open();
    store.commit(&[], &alerts(1..=6), NOW).unwrap();
    drop(store);
    drop(scene.try_open_with(2).unwrap());
    assert_eq!(scene.count("outbox"), 3);
    let (store, restored) = scene.open();
    assert_eq!((waiting(&store), restored.notices.len()), (vec![1, 2, 3], 0));
    assert_eq!(store.outbox().waiting("ops")[2].alert.count, 4);
}

#[test]
fn what_is_refused_for_good_is_among_the_dead_letters() {
    let scene = Scene::new();
    let (store, _) = scene.open();
    store.commit(&[], &alerts(1..=2), NOW).unwrap();
    store.outbox().set_aside("ops", &ids([1]), "invalid_payload", NOW);
    assert_eq!(waiting(&store), [2]);
    drop(store);
    assert_eq!((scene.count("outbox"), scene.count("dead_letters")), (1, 1));
    assert_eq!(waiting(&scene.open().0), [2]);
}

#[test]
fn what_waits_for_a_webhook_that_is_gone_is_kept() {
    let scene = Scene::new();
    let (store, _) = scene.open();
    store.commit(&[], &alerts(1..=1), NOW).unwrap();
    drop(store);
    let only_dev = || Store::open(&scene.directory(), ["dev".into()].into_iter(), 10).unwrap();
    drop(only_dev());
    assert_eq!(waiting(&scene.open().0), [1]);
}

#[test]
fn looking_writes_nothing_and_needs_no_lock() {
    let scene = Scene::new();
    let look = || look(&scene.directory()).unwrap();
    assert_eq!((look().past, scene.directory().exists()), (Past::None, false));
    let names = || {
        let entries = std::fs::read_dir(scene.directory()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (store, _) = scene.open();
    store.commit(&[position("a", "1")], &alerts(1..=1), NOW).unwrap();
    assert_eq!(look().records, [position("a", "1")], "while an agent has it");
    drop(store);
    let before = (names(), std::fs::read(scene.directory().join("state.db")).unwrap());
    assert_eq!((look().past, look().records), (Past::Kept, vec![position("a", "1")]));
    scene.sql("UPDATE records SET value = x'00'");
    assert_eq!(look().notices.len(), 1);
    assert_eq!(look().notices.len(), 1, "it is not set aside yet");
    assert_eq!(names(), before.0);
    assert_eq!(waiting(&scene.open().0), [1]);
}

#[test]
fn row_71_a_state_of_format_1_is_read() {
    let scene = Scene::new();
    std::fs::create_dir(scene.directory()).unwrap();
    scene.sql(include_str!("tests/format_1.sql"));
    let (store, mut restored) = scene.open();
    assert_eq!((restored.past, words(&restored)), (Past::Kept, vec![]));
    assert_eq!(restored.take(Space::Position, "app"), [position("a", "1"), position("b", "2")]);
    assert_eq!(restored.records, [record(Space::Engine, "rule", "k", "state")]);
    let wait = store.outbox().waiting("ops");
    let told: Vec<_> = wait.iter().map(|waiting| (waiting.since, (*waiting.alert).clone())).collect();
    assert_eq!(told, [(NOW, alert("rule", 2)), (NOW, alert("rule", 3))]);
    let letters = DeadLetters::open(&scene.directory()).unwrap().unwrap();
    assert_eq!((letters.letters.len(), letters.damaged), (1, 0));
    // It is written on in the format of this version.
    store.commit(&[position("a", "3")], &alerts(4..=4), NOW).unwrap();
    drop(store);
    assert_eq!(waiting(&scene.open().0), [2, 3, 4]);
}

#[test]
fn dead_letters_are_there_for_another_process_until_they_are_delivered() {
    let scene = Scene::new();
    assert!(DeadLetters::open(&scene.directory()).unwrap().is_none());
    let (store, _) = scene.open();
    store.commit(&[], &alerts(1..=3), NOW).unwrap();
    for id in 1..=3 {
        store.outbox().set_aside("ops", &ids([id]), "invalid_payload", NOW);
    }
    let read = || DeadLetters::open(&scene.directory()).unwrap().unwrap();
    let letters = read();
    let [(first, letter), _, _] = &letters.letters[..] else { panic!("{letters:?}") };
    assert_eq!((&*letter.webhook, &*letter.answer, letter.since), ("ops", "invalid_payload", NOW));
    assert_eq!(*letter.alert, alert("rule", 1));
    letters.remove(*first).unwrap();
    scene.sql("UPDATE dead_letters SET answer = 'ok' WHERE place = 3");
    let left = read();
    assert_eq!((left.letters.len(), left.damaged), (1, 1));
    // The agent goes on meanwhile.
    store.commit(&[], &alerts(4..=4), NOW).unwrap();
    store.outbox().set_aside("ops", &ids([4]), "no_text", NOW);
    assert_eq!(read().letters.len(), 2);
    drop(store);
    assert_eq!(scene.open().1.notices.len(), 0);
}
