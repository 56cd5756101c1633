//! What holds a rule back, and what it misses: `absent`, `silences` and `active_during`, with the real binary.

use serde_json::Value;

use crate::agent::{Agent, Ended, Launch};
use crate::scene::{Scene, wait_until_read};

const LOGS: &str = "logs: { files: 'logs/*.log', poll: 20ms }";

fn scene() -> Scene {
    let scene = Scene::new();
    scene.folder.make("logs");
    scene.folder.write("logs/a.log", "");
    scene
}

/// Follows the log with these rules and sections, on the state that the scene keeps.
fn launch(scene: &Scene, rules: &str, sections: &str) -> Launch {
    let launch = scene.launch_with(LOGS, rules).args(["--state-dir", "state", "--report", "report.json"]);
    let file = scene.folder.read("rules.yaml");
    scene.folder.write("rules.yaml", file + sections);
    launch
}

fn start(scene: &Scene, rules: &str, sections: &str) -> Agent {
    let agent = launch(scene, rules, sections).start();
    wait_until_read(&agent, "a.log");
    agent
}

/// Stops it once it has handed on what was written, and returns what became of the rule's matches.
#[track_caller]
fn stop(scene: &Scene, agent: Agent) -> (Ended, Value) {
    let ended = agent.stop();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    let report: Value = serde_json::from_str(&scene.folder.read("report.json")).expect("JSON");
    (ended, report["rules"]["r"].clone())
}

/// Waits until so many headlines came.
#[track_caller]
fn wait_for(scene: &Scene, count: usize) -> Vec<String> {
    while scene.fallbacks().len() < count {
        scene.receiver.wait_for_messages(scene.receiver.messages().len() + 1, crate::agent::PATIENCE);
    }
    scene.fallbacks()
}

#[test]
fn what_is_absent_is_missed_and_then_there_again() {
    let scene = scene();
    let agent = start(&scene, "{ name: r, match: 'backup (?P<of>\\w+)', when: { absent: 500ms } }", "");
    assert_eq!(wait_for(&scene, 1), ["[ERROR] r"]);
    scene.folder.append("logs/a.log", "backup one\n");
    let told = wait_for(&scene, 2);
    assert!(told[1].starts_with("[RESOLVED] r · after "), "{told:?}");
    // It is missed again, and was there before: within the window that is the same problem.
    let told = wait_for(&scene, 3);
    assert!(told[2].starts_with("[ERROR] r · again after "), "{told:?}");
    assert_eq!(stop(&scene, agent).1["matches"], 1);
}

#[test]
fn what_is_absent_of_a_key_is_missed_once_it_was_there() {
    let scene = scene();
    let rule = "{ name: r, match: 'backup (?P<of>\\w+)', when: { absent: 300ms, by: of }, \
                message: { title: 'no backup of {{ of }}' } }";
    let agent = start(&scene, rule, "");
    scene.folder.append("logs/a.log", "backup db\n");
    assert_eq!(wait_for(&scene, 1), ["[ERROR] no backup of db"]);
    stop(&scene, agent);
}

#[test]
fn a_silence_holds_back_and_its_end_says_how_many() {
    let scene = scene();
    let rule = "{ name: r, match: 'error (?P<of>\\w+)', dedup: off }";
    let until = "until: 2200-01-01T00:00:00Z";
    let silence = format!("silences: [{{ where: 'of == \"db\"', {until}, why: it moves }}]\n");
    let agent = start(&scene, rule, &silence);
    scene.folder.append("logs/a.log", "error db\nerror web\nerror db\n");
    assert_eq!(wait_for(&scene, 1), ["[ERROR] r"]);
    let (_, counted) = stop(&scene, agent);
    assert_eq!(
        (&counted["matches"], &counted["silenced"], &counted["posted"]),
        (&3.into(), &2.into(), &1.into())
    );
    // It is gone from the file: what it held back is told, and the next alert opens as usual.
    let agent = start(&scene, rule, "");
    assert_eq!(wait_for(&scene, 2)[1], "[ERROR] r · 2 held back by a silence");
    scene.folder.append("logs/a.log", "error db\n");
    assert_eq!(wait_for(&scene, 3)[2], "[ERROR] r");
    stop(&scene, agent);
}

#[test]
fn a_silence_that_is_over_is_told_by_itself() {
    let scene = scene();
    let rule = "{ name: r, match: error, dedup: off }";
    let soon = jiff::Timestamp::now() + std::time::Duration::from_secs(2);
    let silence = format!("silences: [{{ where: 'true', until: {soon}, why: a moment }}]\n");
    let agent = start(&scene, rule, &silence);
    scene.folder.append("logs/a.log", "error\n");
    let told = wait_for(&scene, 1).remove(0);
    scene.folder.append("logs/a.log", "error\n");
    assert_eq!(wait_for(&scene, 2)[1], "[ERROR] r");
    let (_, counted) = stop(&scene, agent);
    // A slow machine may read the first line when the silence is over.
    let expected =
        if counted["silenced"] == 1 { "[ERROR] r · 1 held back by a silence" } else { "[ERROR] r" };
    assert_eq!((told.as_str(), &counted["matches"]), (expected, &2.into()));
}

#[test]
fn outside_its_hours_a_rule_is_silent_and_says_so_when_they_begin() {
    let scene = scene();
    // Days that are neither today nor tomorrow, whatever the hour.
    let today = jiff::Timestamp::now().as_second().div_euclid(86_400) + 3;
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let day = names[usize::try_from((today + 3).rem_euclid(7)).unwrap()];
    let rule = "{ name: r, match: error, dedup: off, active_during: hours }";
    let schedule = |days: &str| format!("schedules: {{ hours: {{ days: {days}, tz: UTC }} }}\n");
    let agent = start(&scene, rule, &schedule(day));
    scene.folder.append("logs/a.log", "error one\nerror two\n");
    let (_, counted) = stop(&scene, agent);
    assert_eq!(
        (&counted["matches"], &counted["silenced"]),
        (&2.into(), &2.into()),
        "the stop reads to the end"
    );
    assert_eq!(scene.fallbacks(), [""; 0]);
    let agent = start(&scene, rule, &schedule("mon-sun"));
    assert_eq!(wait_for(&scene, 1), ["[ERROR] r · 2 held back outside its hours"]);
    scene.folder.append("logs/a.log", "error three\n");
    assert_eq!(wait_for(&scene, 2)[1], "[ERROR] r");
    stop(&scene, agent);
}
