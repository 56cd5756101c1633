//! What waits to what one message holds: whose turn it is, what is put together, what is told as a digest. Pure.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

// Seeded, and quicker than the standard library's: what waits is asked for before each message.
use lru::DefaultHasher;

use crate::engine::{Alert, AlertId, EpisodeId, Kind};
use crate::rate::Rate;
use crate::rule::Severity;
use crate::store::Waiting;
use crate::time::Time;

/// An opening goes alone until it has waited for so long; then it is put together with what else waits.
const OPENING_ALONE: Duration = Duration::from_secs(1);

/// What has waited for so long goes before what is critical, so that a flood of critical alerts holds up no other rule
/// for more than 5 s: a place at 1/s and a slow answer come on top.
const OVERDUE: Duration = Duration::from_secs(3);

/// When all that waits would need longer than this, the oldest is told as a digest.
const BACKLOG_MAX: Duration = Duration::from_secs(60);

/// One attachment of a message, and the alerts that it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What is drawn: the latest state of the episode, or a digest.
    pub alert: Arc<Alert>,
    /// The alerts that are delivered with it.
    pub ids: Vec<AlertId>,
}

impl Part {
    pub(super) fn single(waiting: &Waiting) -> Self {
        Self { alert: waiting.alert.clone(), ids: vec![waiting.alert.id] }
    }
}

/// What decides how a message is put together, beside what waits.
#[derive(Debug, Clone)]
pub(super) struct Measure {
    /// What the webhook may take.
    pub(super) rate: Rate,
    /// How many attachments a message has at most.
    pub(super) attachments_max: usize,
}

/// The parts of the next message: critical first, then the rules in turn from the one after `last_rule`.
pub(super) fn put_together(
    waiting: &[Waiting],
    measure: &Measure,
    last_rule: Option<&Arc<str>>,
    now: Time,
) -> Vec<Part> {
    let groups = digested(groups(waiting), measure, now);
    let mut ranked = ranked(groups, measure, last_rule, now);
    // What goes alone goes as soon as it is found: in a flood of openings the others' order is asked for at each again.
    match ranked.iter().min_by_key(|(rank, _)| rank) {
        Some((_, first)) if first.is_fresh(now) => vec![Part::single(first.first)],
        _ => {
            ranked.retain(|(_, group)| !group.is_fresh(now));
            ranked.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            ranked.iter().take(measure.attachments_max).map(|(_, group)| group.part()).collect()
        }
    }
}

/// Alerts that become one attachment: those of an episode, or of a digest. In the order of the queue.
struct Group<'a> {
    first: &'a Waiting,
    /// Nearly always none, which takes no memory.
    more: Vec<&'a Waiting>,
    is_digest: bool,
}

impl<'a> Group<'a> {
    fn waiting(&self) -> impl DoubleEndedIterator<Item = &'a Waiting> {
        std::iter::once(self.first).chain(self.more.iter().copied())
    }

    fn rule(&self) -> &'a Arc<str> {
        &self.first.alert.rule
    }

    fn since(&self) -> Time {
        self.first.since
    }

    fn is_critical(&self) -> bool {
        self.waiting().any(|waiting| waiting.alert.severity == Severity::Critical)
    }

    fn is_fresh(&self, now: Time) -> bool {
        self.first.alert.kind == Kind::Opened && !self.is_digest && now.since(self.since()) < OPENING_ALONE
    }

    fn part(&self) -> Part {
        let Some(last) = self.more.last() else { return Part::single(self.first) };
        let ids = self.waiting().map(|waiting| waiting.alert.id).collect();
        let alert = if self.is_digest {
            let first = (*self.first.alert).clone();
            self.more.iter().fold(first, |digest, waiting| digest.digest(&waiting.alert))
        } else {
            self.latest_state(&last.alert)
        };
        Part { alert: Arc::new(alert), ids }
    }

    /// The latest state of an episode, with all that its messages would have said and called.
    fn latest_state(&self, last: &Alert) -> Alert {
        let alerts = || self.waiting().map(|waiting| &waiting.alert);
        let mut merged = last.clone();
        merged.suppressed = alerts().map(|alert| alert.suppressed).sum();
        merged.mention = alerts().flat_map(|alert| alert.mention.iter().cloned()).collect();
        merged.mention.sort();
        merged.mention.dedup();
        if last.kind == Kind::Resolved {
            // It is over: a resolution never calls anybody, also not for the messages that it stands for.
            merged.mention.clear();
        }
        merged.since_last = alerts().map(|alert| alert.since_last).sum();
        merged.held_back = alerts().rev().find_map(|alert| alert.held_back.clone());
        merged
    }
}

/// What tells groups apart.
#[derive(PartialEq, Eq, Hash)]
enum Whose<'a> {
    Episode(EpisodeId),
    /// Digests of one rule, from when there was no room for its alerts.
    Digest(&'a str),
}

fn groups(waiting: &[Waiting]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::with_capacity(waiting.len());
    let mut places: HashMap<Whose<'_>, usize, DefaultHasher> = HashMap::default();
    places.reserve(waiting.len());
    for one in waiting {
        let is_digest = one.alert.kind == Kind::Digest;
        let whose =
            if is_digest { Whose::Digest(&one.alert.rule) } else { Whose::Episode(one.alert.episode) };
        match places.entry(whose) {
            Entry::Occupied(place) => groups[*place.get()].more.push(one),
            Entry::Vacant(place) => {
                place.insert(groups.len());
                groups.push(Group { first: one, more: Vec::new(), is_digest });
            }
        }
    }
    groups
}

/// Where the groups would need more than [`BACKLOG_MAX`], the oldest become one of their rule: all that have waited for
/// so long, and as many more as it takes until the rest fits. Critical ones are the last to be folded.
fn digested<'a>(groups: Vec<Group<'a>>, measure: &Measure, now: Time) -> Vec<Group<'a>> {
    let room = messages_in(BACKLOG_MAX, measure.rate).saturating_mul(measure.attachments_max);
    if groups.len() <= room {
        return groups;
    }
    let mut oldest: Vec<&Group<'_>> = groups.iter().collect();
    oldest.sort_by_key(|group| (group.is_critical(), group.since()));
    let is_old = |group: &Group<'_>| now.since(group.since()) >= BACKLOG_MAX;
    let mut rules: HashSet<&str> = HashSet::new();
    let mut left = groups.len();
    let mut folded: HashSet<AlertId> = HashSet::new();
    for group in oldest {
        if !is_old(group) && left + rules.len() <= room {
            continue;
        }
        rules.insert(group.rule());
        folded.insert(group.first.alert.id);
        left -= 1;
    }
    fold(groups, &folded)
}

/// The groups whose first alerts are `folded` become one of each rule, in the place of the first of them.
fn fold<'a>(groups: Vec<Group<'a>>, folded: &HashSet<AlertId>) -> Vec<Group<'a>> {
    let mut out: Vec<Group<'a>> = Vec::with_capacity(groups.len() - folded.len());
    let mut places: HashMap<&'a str, usize> = HashMap::new();
    for group in groups {
        if !folded.contains(&group.first.alert.id) {
            out.push(group);
            continue;
        }
        match places.get(&**group.rule()) {
            Some(place) => {
                out[*place].more.extend(group.waiting());
                out[*place].is_digest = true;
            }
            None => {
                places.insert(group.rule(), out.len());
                out.push(group);
            }
        }
    }
    out
}

/// How many messages leave within `time`, from now on.
fn messages_in(time: Duration, rate: Rate) -> usize {
    let later = time.as_nanos() / rate.interval().as_nanos().max(1);
    usize::try_from(later).unwrap_or(usize::MAX).saturating_add(rate.burst.get() as usize)
}

/// Where a group stands: no two at the same place, and the least goes first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    class: Class,
    is_not_critical: bool,
    /// How many groups of its rule are before it.
    turn: u32,
    had_its_turn: bool,
    rule: &'a Arc<str>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Overdue,
    Critical,
    Usual,
}

/// Each rule's first group, from the rule after the one that was served last, then each rule's second, and so on; what
/// is critical before that. Of what has waited too long each rule's first goes before everything, in half the places.
fn ranked<'a>(
    groups: Vec<Group<'a>>,
    measure: &Measure,
    last_rule: Option<&Arc<str>>,
    now: Time,
) -> Vec<(Rank<'a>, Group<'a>)> {
    let mut turns: HashMap<&'a str, u32, DefaultHasher> = HashMap::default();
    turns.reserve(groups.len());
    let mut overdue_left = measure.attachments_max.div_ceil(2);
    let rank = |group: Group<'a>| {
        let rule = group.rule();
        let next_turn = turns.entry(rule).or_default();
        let turn = *next_turn;
        *next_turn += 1;
        let is_overdue = turn == 0 && overdue_left > 0 && now.since(group.since()) >= OVERDUE;
        overdue_left -= usize::from(is_overdue);
        let class = match (is_overdue, group.is_critical()) {
            (true, _) => Class::Overdue,
            (false, true) => Class::Critical,
            (false, false) => Class::Usual,
        };
        let had_its_turn = last_rule.is_some_and(|last| rule <= last);
        (Rank { class, is_not_critical: !group.is_critical(), turn, had_its_turn, rule }, group)
    };
    groups.into_iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::engine::tests_support::alert;
    use crate::rule::Mention;

    const START: Time = Time::from_secs(1_000_000);

    fn millis(millis: u64) -> Time {
        START + Duration::from_millis(millis)
    }

    fn waiting(alert: Alert, at: u64) -> Waiting {
        Waiting { alert: Arc::new(alert), since: millis(at) }
    }

    fn opened(rule: &str, id: u128, at: u64) -> Waiting {
        waiting(alert(rule, id), at)
    }

    fn critical(rule: &str, id: u128, at: u64) -> Waiting {
        waiting(Alert { severity: Severity::Critical, ..alert(rule, id) }, at)
    }

    fn later(kind: Kind, rule: &str, episode: u128, id: u128) -> Alert {
        Alert { kind, episode: EpisodeId(episode), ..alert(rule, id) }
    }

    fn measure(per_secs: u64) -> Measure {
        let per = Duration::from_secs(per_secs);
        let rate = Rate { number: NonZeroU32::MIN, per, burst: NonZeroU32::MIN };
        Measure { rate, attachments_max: 20 }
    }

    fn parts(queue: &[Waiting], last_rule: Option<&str>, at: u64) -> Vec<Part> {
        put_together(queue, &measure(1), last_rule.map(Arc::from).as_ref(), millis(at))
    }

    fn ids(parts: &[Part]) -> Vec<Vec<u128>> {
        parts.iter().map(|part| part.ids.iter().map(|id| id.0).collect()).collect()
    }

    #[test]
    fn a_fresh_opening_goes_alone_and_at_once() {
        let queue = [opened("a", 1, 0), opened("b", 2, 0)];
        assert_eq!(ids(&parts(&queue, None, 0)), [[1]]);
    }

    #[test]
    fn what_has_waited_is_put_together() {
        let queue = [
            opened("a", 1, 0),
            opened("a", 2, 0),
            opened("b", 3, 0),
            waiting(later(Kind::Summary, "a", 1, 4), 500),
            opened("c", 5, 1_500),
        ];
        assert_eq!(ids(&parts(&queue, None, 1_600)), [vec![1, 4], vec![3], vec![2]]);
    }

    #[test]
    fn a_message_has_at_most_twenty_attachments() {
        let queue: Vec<Waiting> = (0..50).map(|id| opened("a", id, 0)).collect();
        assert_eq!(parts(&queue, None, 2_000).len(), 20);
    }

    #[test]
    fn critical_goes_first_and_then_the_rules_in_turn() {
        let mut queue: Vec<Waiting> = (10..30).map(|id| opened("flood", id, 0)).collect();
        queue.extend([opened("quiet", 1, 0), critical("flood", 9, 0)]);
        assert_eq!(ids(&parts(&queue, None, 2_000))[..3], [[9], [10], [1]]);
        assert_eq!(ids(&parts(&queue, Some("flood"), 2_000))[..3], [[9], [1], [10]]);
    }

    #[test]
    fn no_flood_holds_up_another_rule_not_even_a_critical_one() {
        let mut queue: Vec<Waiting> = (100..200).map(|id| critical("flood", id, 1_000)).collect();
        queue.insert(0, opened("quiet", 1, 0));
        assert!(!ids(&parts(&queue, None, 2_900)).concat().contains(&1));
        assert_eq!(ids(&parts(&queue, None, 3_000))[..2], [[1], [100]]);
        let many: Vec<Waiting> = (0..40).map(|id| opened(&format!("r{id}"), id, 0)).collect();
        let queue: Vec<Waiting> = many.into_iter().chain([critical("z", 99, 8_900)]).collect();
        let sent = ids(&parts(&queue, None, 9_950));
        assert_eq!(sent[10], [99], "half of the places are left to what is critical");
    }

    #[test]
    fn a_problem_that_is_over_before_it_was_told_calls_nobody() {
        let first = Alert { mention: vec![Mention::Here], ..alert("a", 1) };
        let over = later(Kind::Resolved, "a", 1, 2);
        let parts = parts(&[waiting(first, 0), waiting(over, 0)], None, 1_000);
        assert_eq!((parts.len(), parts[0].alert.kind, parts[0].ids.len()), (1, Kind::Resolved, 2));
        assert_eq!(parts[0].alert.mention, []);
    }

    #[test]
    fn the_parts_of_an_episode_keep_their_mentions_and_counts() {
        let first = Alert { mention: vec![Mention::Here], suppressed: 2, ..alert("a", 1) };
        let second = Alert {
            mention: vec![Mention::Channel],
            suppressed: 5,
            count: 8,
            ..later(Kind::Escalated, "a", 1, 2)
        };
        let parts = parts(&[waiting(first, 0), waiting(second, 0)], None, 1_000);
        let told = &parts[0].alert;
        assert_eq!((told.kind, told.count, told.suppressed), (Kind::Escalated, 8, 7));
        assert_eq!(told.mention, [Mention::Here, Mention::Channel]);
    }

    /// What a queue becomes, message by message, one a second.
    fn drain(mut queue: Vec<Waiting>, from: u64) -> Vec<Vec<Part>> {
        let mut messages = Vec::new();
        while !queue.is_empty() {
            let parts = parts(&queue, None, from + 1_000 * messages.len() as u64);
            let told: HashSet<AlertId> = parts.iter().flat_map(|part| part.ids.iter().copied()).collect();
            queue.retain(|waiting| !told.contains(&waiting.alert.id));
            messages.push(parts);
        }
        messages
    }

    #[test]
    fn after_an_outage_the_oldest_are_told_as_a_digest_a_rule() {
        let mut queue: Vec<Waiting> =
            (0..2_000).map(|id| opened(&format!("r{}", id % 3), id, 20 * id as u64)).collect();
        queue.push(opened("fresh", 5_000, 86_400_000));
        let overflow = Alert { kind: Kind::Digest, count: 48_000, ..alert("r1", 6_000) };
        queue.push(waiting(overflow, 86_000_000));
        let messages = drain(queue, 86_401_500);
        assert_eq!(messages.len(), 1);
        let told: Vec<(&str, Kind, u64)> =
            messages[0].iter().map(|part| (&*part.alert.rule, part.alert.kind, part.alert.count)).collect();
        assert_eq!(
            told,
            [
                ("r0", Kind::Digest, 667),
                ("r1", Kind::Digest, 48_667),
                ("r2", Kind::Digest, 666),
                ("fresh", Kind::Opened, 1)
            ]
        );
    }

    #[test]
    fn a_flood_of_a_moment_is_folded_only_as_far_as_it_takes() {
        let queue: Vec<Waiting> = (0..2_000).map(|id| opened("a", id, 0)).collect();
        let messages = drain(queue, 1_500);
        let digest = &messages[0][0];
        assert_eq!((digest.alert.kind, digest.ids.len()), (Kind::Digest, 781));
        assert_eq!(messages.len(), 61, "a minute's at one a second");
        assert_eq!(messages.concat().iter().map(|part| part.ids.len()).sum::<usize>(), 2_000);
    }

    #[test]
    fn what_is_critical_is_folded_last() {
        let mut queue: Vec<Waiting> = (0..1_500).map(|id| opened("a", id, 5_000)).collect();
        queue.extend((2_000..2_010).map(|id| critical("a", id, 0)));
        let parts = parts(&queue, None, 7_000);
        assert!(
            parts
                .iter()
                .filter(|part| part.alert.severity == Severity::Critical)
                .all(|part| part.ids.len() == 1)
        );
    }

    #[test]
    fn one_alert_of_a_rule_makes_no_digest() {
        let mut queue: Vec<Waiting> = (0..1_500).map(|id| opened("a", id, 0)).collect();
        queue.push(opened("b", 9_000, 0));
        let messages = drain(queue, 70_000);
        let told: Vec<Kind> = messages.concat().iter().map(|part| part.alert.kind).collect();
        assert_eq!(told, [Kind::Digest, Kind::Opened]);
    }
}
