use std::collections::VecDeque;

use super::*;
use crate::engine::EpisodeId;
use crate::engine::tests_support::alert;
use crate::store::{Outbox, Store};

const DAY: u64 = 24 * 3600;

fn at(secs: u64) -> Time {
    Time::EPOCH + Duration::from_secs(secs)
}

fn decided(rule: &str, id: u128, secs: u64) -> Arc<Alert> {
    Arc::new(Alert { decided: at(secs), episode: EpisodeId(id / 10), ..alert(rule, id) })
}

fn spec(alerts_max: usize, keep_days: u64) -> HistorySpec {
    HistorySpec { keep: Duration::from_secs(keep_days * DAY), alerts_max }
}

fn open(path: &Path, spec: HistorySpec, now: u64) -> (History, Vec<Notice>) {
    let mut notices = Vec::new();
    (History::open(path, spec, at(now), &mut notices).unwrap(), notices)
}

fn ids(entries: &[Entry]) -> Vec<u128> {
    entries.iter().map(|entry| entry.alert.id.0).collect()
}

fn all(history: &History) -> Vec<u128> {
    history.read(|past| Ok(ids(&past.latest(Wanted { limit: 1_000, ..Wanted::default() })?))).unwrap()
}

#[test]
fn an_alert_is_there_with_what_became_of_it_also_after_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let (history, _) = open(&path, HistorySpec::default(), 0);
    let one = decided("a", 0xabc_u128 << 116, 5);
    history.decided(&[one.clone(), decided("b", 21, 6), decided("b", 22, 7)], at(7));
    let receipt =
        Receipt { webhook: "ops".into(), at: at(8), fate: Fate::Delivered, answer: "200 ok".to_owned() };
    history.left_outbox(&[one.id, AlertId(22)], &receipt);
    // Of an alert that is not there, nothing is kept either.
    history.left_outbox(&[AlertId(99)], &receipt);
    drop(history);
    let (history, notices) = open(&path, HistorySpec::default(), 9);
    assert_eq!(notices, []);
    let entry = |digits: &str| history.read(|past| past.by_id(digits, 5)).unwrap();
    assert_eq!(
        (entry("abc")[0].alert.clone(), entry("ABC")[0].receipts.clone()),
        ((*one).clone(), vec![receipt])
    );
    assert_eq!(ids(&entry("0")), [21, 22]);
    assert_eq!(entry("abd"), []);
    let episode = format!("{:032x}", 2);
    assert_eq!(ids(&entry(&episode)), [21], "an episode is known by its first alert");
    assert_eq!(ids(&history.read(|past| past.of_episode(EpisodeId(2), 10)).unwrap()), [21, 22]);
    let of_b = |before| {
        let wanted = Wanted { rule: Some("b"), before, limit: 1 };
        history.read(|past| past.latest(wanted)).unwrap()
    };
    let newest = of_b(None);
    assert_eq!((ids(&newest), ids(&of_b(Some(newest[0].place)))), (vec![22], vec![21]));
    let receipts: i64 =
        history.lock().query_row("SELECT count(*) FROM receipts", [], |row| row.get(0)).unwrap();
    assert_eq!(receipts, 2);
}

#[test]
fn what_is_decided_again_is_there_once() {
    let history = History::in_memory(HistorySpec::default()).unwrap();
    history.decided(&[decided("a", 1, 1), decided("a", 2, 2)], at(2));
    history.decided(&[Arc::new(Alert { count: 7, ..(*decided("a", 1, 1)).clone() })], at(3));
    assert_eq!(all(&history), [2, 1]);
    let counts = history.read(|past| past.by_id(&AlertId(1).to_string(), 2)).unwrap();
    assert_eq!(counts[0].alert.count, 7, "as it was written last");
    assert_eq!((history.left(), history.missing()), (0, 0));
}

#[test]
fn it_keeps_what_a_queue_of_its_bounds_would_keep() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let bounds = spec(7, 1);
    let (mut history, _) = open(&path, bounds, 0);
    let mut model: VecDeque<(u128, u64)> = VecDeque::new();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut now, mut left) = (0, 0);
    for id in 1..300_u128 {
        now += if random.u8(..) < 8 { DAY } else { random.u64(..DAY / 6) };
        history.decided(&[decided("a", id, now)], at(now));
        let receipt =
            Receipt { webhook: "ops".into(), at: at(now), fate: Fate::Delivered, answer: String::new() };
        history.left_outbox(&[AlertId(id)], &receipt);
        model.push_back((id, now));
        let before = model.len();
        while model.len() > 7 || model.front().is_some_and(|(_, at)| *at < now.saturating_sub(DAY)) {
            model.pop_front();
        }
        left += before - model.len();
        let expected: Vec<u128> = model.iter().rev().map(|(id, _)| *id).collect();
        assert_eq!(all(&history), expected);
        let receipts: i64 =
            history.lock().query_row("SELECT count(*) FROM receipts", [], |row| row.get(0)).unwrap();
        assert_eq!(receipts, model.len() as i64);
        assert_eq!(history.left(), left as u64);
        if random.u8(..) < 16 {
            drop(history);
            (history, _) = open(&path, bounds, now);
            left = 0;
        }
    }
    drop(history);
    let (history, _) = open(&path, spec(2, 1), now);
    assert_eq!(all(&history).len(), model.len().min(2), "narrower bounds hold from the start");
    drop(history);
    let (history, _) = open(&path, bounds, now + 3 * DAY);
    assert_eq!(all(&history), [0; 0], "what grew old while nobody ran is gone");
}

#[test]
fn damage_is_set_aside_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    let (history, _) = open(&path, HistorySpec::default(), 0);
    history.decided(&[decided("a", 1, 1), decided("a", 2, 2)], at(2));
    history
        .lock()
        .execute("UPDATE alerts SET alert = replace(alert, '\"a\"', '\"b\"') WHERE place = 1", [])
        .unwrap();
    assert_eq!(all(&history), [2], "a record that is not as it was written is left out");
    drop(history);
    std::fs::write(&path, "no database, but long enough to be looked at as one ".repeat(100)).unwrap();
    let (history, notices) = open(&path, HistorySpec::default(), 3);
    assert_eq!(notices.len(), 1);
    assert!(notices[0].text.contains("history.db.damaged"), "{notices:?}");
    assert!(folder.path().join("history.db.damaged").exists());
    history.decided(&[decided("a", 3, 3)], at(3));
    assert_eq!(all(&history), [3]);
}

#[test]
fn a_newer_one_is_left_alone_and_the_agent_does_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let open = || Store::open(&path, ["ops".into()].into_iter(), 10).unwrap().0;
    let store = open();
    assert_eq!(store.keep_history(HistorySpec::default(), at(0)), []);
    drop(store);
    Connection::open(path.join("history.db")).unwrap().pragma_update(None, "user_version", 9).unwrap();
    let store = open();
    let told = store.keep_history(HistorySpec::default(), at(0));
    assert!(told[0].text.contains("format 9"), "{told:?}");
    store.commit(&[], &[decided("a", 1, 1)], at(1)).unwrap();
    assert!(store.outbox().history().is_none());
    assert_eq!(store.outbox().len("ops"), 1);
}

#[test]
fn the_outbox_writes_what_it_takes_and_what_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let (store, _) = Store::open(&path, ["ops".into()].into_iter(), 2).unwrap();
    store.keep_history(HistorySpec::default(), at(0));
    let outbox: &Outbox = store.outbox();
    let alerts: Vec<_> = (1..=5).map(|id| decided("a", id, 1)).collect();
    store.commit(&[], &alerts, at(1)).unwrap();
    outbox.note("ops", &[AlertId(1)], Fate::Delivered, "200 ok", at(2));
    outbox.settle("ops", &[AlertId(1)]);
    outbox.set_aside("ops", &[AlertId(2)], "400 no_text", at(3));
    let fates =
        look_back(&path, |past| past.latest(Wanted { limit: 10, ..Wanted::default() })).unwrap().unwrap();
    let fates: Vec<_> = fates
        .iter()
        .rev()
        .map(|entry| entry.receipts.first().map(|receipt| (receipt.fate, receipt.answer.as_str())))
        .collect();
    let folded = Some((Fate::Folded, "the outbox was full"));
    let expected =
        [Some((Fate::Delivered, "200 ok")), Some((Fate::SetAside, "400 no_text")), None, folded, folded];
    assert_eq!(fates, expected);
    assert_eq!(look_back(&folder.path().join("none"), |past: &Past<'_>| past.count()).unwrap(), None);
}

#[test]
fn row_64_a_kill_while_the_history_is_made_is_no_damage() {
    for begun in ["", "PRAGMA journal_mode = WAL; PRAGMA user_version = 0;"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.db");
        Connection::open(&path).unwrap().execute_batch(begun).unwrap();
        let (history, notices) = open(&path, HistorySpec::default(), 0);
        assert_eq!((notices.len(), all(&history)), (0, Vec::new()), "{begun}");
    }
}
