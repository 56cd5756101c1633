//! Every byte of a small store changed in turn: it is opened, with what is whole and a word about the rest, or it is
//! refused in words. Every thirteenth byte here; all with `ALL_BYTES=1` in the environment.

use super::*;

const ALL: &str = "ALL_BYTES";

fn small(scene: &Scene) -> Vec<u8> {
    let (store, _) = scene.open();
    let records = [position("a", "1"), position("b", "2"), record(Space::Engine, "rule", "k", "state")];
    store.commit(&records, &alerts(1..=4), NOW).unwrap();
    store.outbox().settle("ops", &ids([1]));
    store.outbox().set_aside("ops", &ids([2]), "invalid_payload", NOW);
    drop(store);
    std::fs::read(scene.directory().join("state.db")).unwrap()
}

/// What became of one change.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Fate {
    Harmless,
    SetAside,
    Refused,
}

#[track_caller]
fn open_damaged(scene: &Scene, at: usize) -> Fate {
    let whole = [position("a", "1"), position("b", "2"), record(Space::Engine, "rule", "k", "state")];
    match scene.try_open() {
        Ok((store, restored)) => {
            assert!(restored.records.iter().all(|record| whole.contains(record)), "{at}: {restored:?}");
            let wait = store.outbox().waiting("ops");
            for waiting in &wait {
                assert_eq!(*waiting.alert, alert("rule", waiting.alert.id.0), "{at}");
            }
            let ids: Vec<_> = wait.iter().map(|waiting| waiting.alert.id.0).collect();
            assert!(ids.iter().all(|id| [3, 4].contains(id)), "{at}: {ids:?}");
            let complete = ids == [3, 4] && restored.records.len() == whole.len();
            assert!(
                complete || !restored.notices.is_empty(),
                "{at}: something is missing, and nothing is said"
            );
            // It can be written on, or says why not.
            let _ = store.commit(&[position("c", "3")], &alerts(5..=5), NOW);
            store.outbox().settle("ops", &super::ids([3]));
            if let Ok(Some(letters)) = DeadLetters::open(&scene.directory()) {
                assert!(letters.letters.iter().all(|(_, letter)| *letter.alert == alert("rule", 2)), "{at}");
            }
            if restored.notices.is_empty() { Fate::Harmless } else { Fate::SetAside }
        }
        Err(refused) => {
            let words = refused.to_string();
            assert!(words.contains("state.db"), "{at}: {words}");
            let lines = words.lines().filter(|line| !line.starts_with("help: ")).count();
            assert!(lines == 1 && words.contains("\nhelp: "), "{at}: {words}");
            Fate::Refused
        }
    }
}

#[test]
fn row_67_every_byte_changed_in_turn() {
    let scene = Scene::fast();
    let whole = small(&scene);
    let file = scene.directory().join("state.db");
    let step = if std::env::var_os(ALL).is_some() { 1 } else { 13 };
    let mut fates = BTreeMap::<Fate, usize>::new();
    for at in (0..whole.len()).step_by(step) {
        for beside in ["state.db-wal", "state.db-shm"] {
            let _ = std::fs::remove_file(scene.directory().join(beside));
        }
        let mut damaged = whole.clone();
        // Now a bit, now all of them.
        damaged[at] ^= if at % 2 == 0 { 1 << (at / 2 % 8) } else { 0xff };
        std::fs::write(&file, damaged).unwrap();
        *fates.entry(open_damaged(&scene, at)).or_default() += 1;
    }
    println!("{} bytes: {fates:?}", whole.len());
    assert_eq!(fates.len(), 3, "all three happen: {fates:?}");
}

#[test]
fn row_67_every_byte_of_what_was_written_ahead_changed_in_turn() {
    let scene = Scene::fast();
    let (store, _) = scene.open();
    let (file, ahead) = (scene.directory().join("state.db"), scene.directory().join("state.db-wal"));
    let records = [position("a", "1"), position("b", "2"), record(Space::Engine, "rule", "k", "state")];
    store.commit(&records, &alerts(3..=4), NOW).unwrap();
    let [whole, written] = [&file, &ahead].map(|path| std::fs::read(path).unwrap());
    drop(store);
    let step = if std::env::var_os(ALL).is_some() { 1 } else { 41 };
    for at in (0..written.len()).step_by(step) {
        let mut damaged = written.clone();
        damaged[at] ^= 0xff;
        let _ = std::fs::remove_file(scene.directory().join("state.db-shm"));
        std::fs::write(&file, &whole).unwrap();
        std::fs::write(&ahead, damaged).unwrap();
        // What was written ahead has checksums of its own: a commit counts whole or not at all.
        let (store, restored) = scene.open();
        let found = (waiting(&store), restored.records.len(), restored.notices.len());
        assert!(found == (vec![], 0, 0) || found == (vec![3, 4], 3, 0), "{at}: {found:?}");
    }
}

#[test]
fn row_67_a_head_that_forbids_writing_is_damage() {
    let scene = Scene::fast();
    let mut damaged = small(&scene);
    // The version that may write to it: https://www.sqlite.org/fileformat.html#file_format_version_numbers
    damaged[18] = 200;
    std::fs::write(scene.directory().join("state.db"), damaged).unwrap();
    assert_eq!(open_damaged(&scene, 18), Fate::Refused);
}
