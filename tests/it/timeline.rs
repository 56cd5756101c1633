//! What rules did over the last hour and day goes on after a restart and after a kill.

use hooktail::store::{self, Record, Space};
use rustix::process::Signal;
use serde_json::Value;

use crate::admin::{Running, Scene, matched};
use crate::agent::PATIENCE;

/// Matches and alerts of the rule `disk` over the last hour, and over the last day.
#[track_caller]
fn sums(running: &Running) -> [u64; 4] {
    let rules = running.json("/api/v1/rules");
    let sum = |series: &Value| -> u64 {
        series.as_array().expect("a list").iter().map(|n| n.as_u64().expect("a number")).sum()
    };
    let disk = &rules[0];
    assert_eq!(disk["name"], "disk");
    ["/hour/matches", "/hour/alerts", "/day/matches", "/day/alerts"]
        .map(|path| sum(disk.pointer(path).expect("it is there")))
}

/// What is stored of it once there is something.
#[track_caller]
fn stored(scene: &Scene, is: impl Fn(&[Record]) -> bool) {
    let began = std::time::Instant::now();
    loop {
        let mut restored = store::look(&scene.folder.path("state")).expect("it can be read");
        let records = restored.take_all(Space::Timeline);
        if is(&records) {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "{records:?}");
        std::thread::yield_now();
    }
}

#[test]
fn a_restart_goes_on_with_the_last_hour_and_day() {
    let scene = Scene::new();
    let running = scene.start("");
    scene.folder.append("app.log", "ERROR a\nERROR b\nERROR b\n");
    scene.receiver.wait_for_messages(2, PATIENCE);
    running.wait("/api/v1/status", matched("disk", 3));
    // What comes last is told with the stop alone.
    scene.folder.append("app.log", "ERROR c\n");
    scene.receiver.wait_for_messages(3, PATIENCE);
    running.stop();
    let running = scene.start_again();
    assert_eq!(sums(&running), [4, 3, 4, 3]);
    let rules = running.json("/api/v1/rules");
    assert!(rules[0]["last_match"].is_string() && rules[0]["last_alert"].is_string(), "{rules:#}");
    assert!(rules[1]["last_match"].is_null(), "{rules:#}");
    scene.folder.append("app.log", "ERROR d\n");
    running.wait("/api/v1/status", matched("disk", 5));
    assert_eq!(sums(&running)[..1], [5]);
    running.stop();
}

#[test]
fn a_kill_costs_none_of_the_matches() {
    let scene = Scene::new();
    let running = scene.start("");
    scene.folder.append("app.log", "ERROR a\n");
    stored(&scene, |records| !records.is_empty());
    // Stored with the alert, and before the timeline is again.
    scene.folder.append("app.log", "ERROR b\nERROR c\n");
    scene.receiver.wait_for_messages(3, PATIENCE);
    running.agent.signal(Signal::KILL);
    drop(running);
    let running = scene.start_again();
    let [matches, alerts, of_day, _] = sums(&running);
    assert_eq!([matches, of_day], [3, 3]);
    assert!(alerts >= 1);
    running.stop();
}

#[test]
fn nothing_is_kept_of_a_rule_that_is_gone() {
    let scene = Scene::new();
    let running = scene.start("");
    scene.folder.append("app.log", "ERROR a\nNET b\n");
    stored(&scene, |records| !records.is_empty());
    running.wait("/api/v1/status", matched("net", 1));
    running.stop();
    stored(&scene, |records| records.len() == 2);
    let rules = scene.folder.read("rules.yaml");
    scene.folder.write("rules.yaml", rules.replace("name: net,", "name: other,"));
    let running = scene.start_again();
    stored(&scene, |records| records.iter().all(|record| &*record.owner == "disk"));
    // By a reload as by a start.
    scene.folder.write("rules.yaml", rules.replace("name: disk,", "name: another,"));
    running.agent.signal(Signal::HUP);
    stored(&scene, <[Record]>::is_empty);
    running.stop();
}
