//! Outages by chance, with a seed: whatever a receiver does, every alert arrives.
//!
//! `HOOKTAIL_DRILL_FAULTS` makes a drill longer (40), `HOOKTAIL_DRILL_SEED` makes it another one (1).

use std::collections::BTreeMap;
use std::time::Duration;

use hooktail::message::payload::Attachment;

use crate::agent::{Folder, Launch, PATIENCE};
use crate::receiver::{Fault, HOOK, Received, Receiver};

/// One message each, at ten a second.
const INTERVAL: Duration = Duration::from_millis(100);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

fn chance(random: &mut fastrand::Rng) -> Fault {
    match random.u8(0..10) {
        0 => Fault::hang(),
        1 => Fault::reset(),
        2 => Fault::status(500),
        3 => Fault::status(503).body("<html>busy</html>"),
        4 => Fault::rate_limited("1"),
        5 => Fault::status(200).body("<html>please log in</html>"),
        // The receiver took it, and nobody hears of that.
        6 => Fault::close().delivered(),
        7 => Fault::close_after(20),
        8 => Fault::reset().delivered(),
        _ => Fault::pass(),
    }
}

/// The attachments that count as posted, by the number in them.
fn told(received: &[Received]) -> BTreeMap<u64, Vec<Attachment>> {
    let mut told: BTreeMap<u64, Vec<Attachment>> = BTreeMap::new();
    let messages = received.iter().filter_map(|each| each.message.as_ref());
    for attachment in messages.flat_map(|message| &message.attachments) {
        let number = attachment.fields[0].value.parse().expect("a number");
        told.entry(number).or_default().push(attachment.clone());
    }
    told
}

#[test]
fn after_any_outage_every_alert_has_arrived() {
    let faults = setting("HOOKTAIL_DRILL_FAULTS", 40);
    let mut random = fastrand::Rng::with_seed(setting("HOOKTAIL_DRILL_SEED", 1));
    let (folder, receiver) = (Folder::new(), Receiver::start());
    receiver.script("*", (0..faults).map(|_| chance(&mut random)).collect::<Vec<_>>());
    let rules = format!(
        "webhooks: {{ ops: {{ url: '{}', rate: 10/s, timeout: 300ms, retry: {{ max: 200ms }} }} }}\n\
         inputs: {{ app: {{ stdin: true }} }}\n\
         rules: [{{ name: each, match: 'ERROR (?P<n>\\d+)', dedup: off }}]\n",
        receiver.url(HOOK)
    );
    let file = folder.write("rules.yaml", rules);
    let mut agent = Launch::new(["run".as_ref(), "-c".as_ref(), file.as_os_str()]).start();
    let mut written = 0;
    while (receiver.received().len() as u64) <= faults {
        agent.write(format!("ERROR {written} happened\n"));
        written += 1;
        receiver.wait_for(receiver.received().len() + 1, PATIENCE);
    }
    agent.close_stdin();
    let ended = agent.wait();
    assert_eq!(ended.code(), 0, "{}", ended.stderr);

    let received = receiver.received();
    let told = told(&received);
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), (0..written).collect::<Vec<_>>());
    let lost = received.iter().filter(|each| each.answered.is_none());
    let lost: usize =
        lost.filter_map(|each| each.message.as_ref()).map(|message| message.attachments.len()).sum();
    let repeated: usize = told.values().map(|times| times.len() - 1).sum();
    assert!(repeated <= lost, "{repeated} attachments came again, the answers to {lost} were lost");
    assert!(told.values().all(|times| times.iter().all(|each| each.footer == times[0].footer)), "other ids");
    let closest = received.windows(2).map(|pair| pair[1].at - pair[0].at).min().expect("several");
    assert!(closest >= INTERVAL, "two requests lay {closest:?} apart");
}

#[test]
fn of_a_hundred_webhooks_one_that_hangs_is_felt_by_no_other() {
    let (folder, receiver) = (Folder::new(), Receiver::start());
    let path = |n: usize| format!("/services/T00000000/B{n:08}/XXXXXXXXXXXXXXXXXXXXXXXX");
    receiver.script(&path(0), [Fault::hang().always()]);
    let webhooks: String = (0..100)
        .map(|n| format!("  w{n}: {{ url: '{}', rate: 100/s, timeout: 10m }}\n", receiver.url(&path(n))))
        .collect();
    let names = (0..100).map(|n| format!("w{n}")).collect::<Vec<_>>().join(", ");
    let rules = format!(
        "webhooks:\n{webhooks}inputs: {{ app: {{ stdin: true }} }}\n\
         rules: [{{ name: each, match: 'ERROR (?P<n>\\d+)', dedup: off, webhook: [{names}] }}]\n"
    );
    let file = folder.write("rules.yaml", rules);
    let args = ["run".as_ref(), "-c".as_ref(), file.as_os_str(), "--drain".as_ref(), "1s".as_ref()];
    let mut agent = Launch::new(args).args(["--state-dir", "none"]).start();
    for n in 0..5_u64 {
        agent.write(format!("ERROR {n}\n"));
        let received = receiver.wait_for_messages(99 * (n as usize + 1), PATIENCE);
        let newest = received.iter().flat_map(|message| &message.attachments);
        assert_eq!(newest.filter(|each| each.fields[0].value == n.to_string()).count(), 99);
    }
    let hanging = receiver.received().into_iter().filter(|each| each.path == path(0));
    assert_eq!(hanging.map(|each| each.answered).collect::<Vec<_>>(), [None], "it hangs all the time");
    agent.close_stdin();
    let ended = agent.wait();
    assert_eq!(ended.code(), 3, "{}", ended.stderr);
    assert_eq!(ended.said(&["undelivered to `w0`"]), 5, "{}", ended.stderr);
}
