//! A replay as one page that holds all it needs: a timeline a rule, and the messages as Slack would show them.
//!
//! Its policy forbids everything but its own style sheet: no script, no image, nothing from elsewhere. What comes from
//! a log would be harmless even if it got past the escaping.

use std::fmt::Write;

use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;

use crate::engine::Counters;
use crate::event::RuleId;
use crate::message::draw::{self, STYLESHEET, escape};
use crate::message::thousands::Thousands;
use crate::proof::case::Part;
use crate::proof::rehearsal::Stations;
use crate::proof::shown::Shown;
use crate::rule::Color;
use crate::time::Time;
use crate::web::BASE;

use super::{Replayed, Timeline};

const STYLE: &str = include_str!("page.css");

/// A page of more is read by nobody, and slow.
const MESSAGES_MAX: usize = 1_000;

/// The timeline's own units: its width stretches with the page.
const WIDTH: usize = 960;
const PARTS: usize = 240;
const BARS_HEIGHT: u64 = 40;
const TICK_HEIGHT: usize = 14;

/// A page under construction.
#[derive(Debug)]
pub struct Page {
    /// By rule.
    timelines: Vec<Timeline>,
    /// By rule: the messages that are shown, as ticks.
    ticks: Vec<Vec<Tick>>,
    items: String,
    shown: usize,
    left_out: u64,
}

#[derive(Debug)]
struct Tick {
    time: Time,
    color: Color,
    number: usize,
    headline: String,
}

impl Page {
    /// An empty page for so many rules.
    pub fn new(rules: usize) -> Self {
        Self {
            timelines: vec![Timeline::default(); rules],
            ticks: (0..rules).map(|_| Vec::new()).collect(),
            items: String::new(),
            shown: 0,
            left_out: 0,
        }
    }

    /// A rule took a line.
    pub fn matched(&mut self, rule: RuleId, time: Time) {
        self.timelines[rule.0].add(time);
    }

    /// A message would have been sent.
    pub fn message(&mut self, shown: &Shown, stations: &Stations) {
        if self.shown == MESSAGES_MAX {
            self.left_out += 1;
            return;
        }
        self.shown += 1;
        let alert = &shown.alert;
        let headline = shown.part(&Part::Title).unwrap_or_default();
        if let Some(place) = stations.rules.iter().position(|rule| rule.name == alert.rule) {
            let color = stations.rules[place].look(alert.severity).color;
            self.ticks[place].push(Tick { time: alert.decided, color, number: self.shown, headline });
        }
        let webhooks: Vec<&str> = alert.webhooks.iter().map(|name| &**name).collect();
        let _ = writeln!(
            self.items,
            "<li class=\"item\" id=\"m{}\">\n<h3>{} <span class=\"kind\">{}</span> <time>{}</time> \
             <span class=\"to\">to {}</span></h3>\n{}</li>",
            self.shown,
            escape(&alert.rule),
            escape(alert.kind.name()),
            escape(&alert.decided.to_rfc3339()),
            escape(&webhooks.join(", ")),
            draw::html(&shown.message)
        );
    }

    /// The whole document.
    pub fn finish(self, stations: &Stations, replayed: &Replayed) -> String {
        let style = format!("{BASE}{STYLE}{STYLESHEET}");
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            base64(&sha256(style.as_bytes()))
        );
        let report = &replayed.report;
        let messages = self.shown as u64 + self.left_out;
        let period = replayed
            .period
            .map_or_else(String::new, |(from, to)| format!("{} to {}", from.to_rfc3339(), to.to_rfc3339()));
        let sums = format!(
            "{} lines, {} matches, {} messages",
            Thousands(report.lines),
            Thousands(report.total().matches),
            Thousands(messages)
        );
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>hooktail replay</title>\n\
             <style>{style}</style>\n</head>\n<body>\n<header>\n<h1>hooktail <span>replay</span></h1>\n\
             <p>{}</p>\n<p>{}</p>\n</header>\n<main>\n",
            escape(&period),
            escape(&sums)
        );
        self.rules(&mut out, stations, replayed);
        if self.shown > 0 {
            out.push_str("<h2>Messages</h2>\n<ol id=\"messages\">\n");
            out.push_str(&self.items);
            out.push_str("</ol>\n");
        } else {
            out.push_str("<p class=\"more\">Nothing would have been sent.</p>\n");
        }
        if self.left_out > 0 {
            let left = Thousands(self.left_out);
            let _ = writeln!(out, "<p class=\"more\">{left} later messages are not shown.</p>");
        }
        out.push_str("</main>\n</body>\n</html>\n");
        out
    }

    fn rules(&self, out: &mut String, stations: &Stations, replayed: &Replayed) {
        out.push_str("<h2>Rules</h2>\n");
        let mut quiet: Vec<String> = Vec::new();
        let all = stations.rules.iter().zip(&self.timelines).zip(&self.ticks).zip(&replayed.counters);
        for (((rule, timeline), ticks), counters) in all {
            match replayed.period.filter(|_| counters.matches > 0 || !ticks.is_empty()) {
                Some(period) => {
                    let messages = match ticks.len() {
                        1 => "1 message".to_owned(),
                        n => format!("{} messages", Thousands(n as u64)),
                    };
                    let counts = escape(&format!("{}; {messages}", counts(counters)));
                    let name = escape(&rule.name);
                    let _ = writeln!(
                        out,
                        "<section class=\"rule\">\n<h3>{name} <span class=\"counts\">{counts}</span></h3>"
                    );
                    out.push_str(&drawn(timeline, ticks, period));
                    out.push_str("</section>\n");
                }
                None => quiet.push(escape(&rule.name)),
            }
        }
        if !quiet.is_empty() {
            let _ = writeln!(out, "<p class=\"quiet\">Without a match: {}</p>", quiet.join(", "));
        }
    }
}

/// What became of a rule's matches.
pub fn counts(counters: &Counters) -> String {
    let parts = [
        (counters.matches, "matches"),
        (counters.below_when, "below `when`"),
        (counters.joined, "folded"),
        (counters.throttled, "throttled"),
        (counters.silenced, "silenced"),
        (counters.posted, "opened"),
        (counters.timed, "timed"),
    ];
    let told = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{} {what}", Thousands(*n)));
    told.collect::<Vec<_>>().join(", ")
}

/// Matches as bars, messages as ticks above them that lead to the message.
fn drawn(timeline: &Timeline, ticks: &[Tick], (from, to): (Time, Time)) -> String {
    let spread = timeline.spread(from, to, PARTS);
    let most = spread.iter().copied().max().unwrap_or(0).max(1);
    let height = TICK_HEIGHT + 2 + BARS_HEIGHT as usize;
    let mut out = format!(
        "<svg class=\"time-line\" viewBox=\"0 0 {WIDTH} {height}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"matches and messages over time\">\n<rect class=\"base\" y=\"{}\" width=\"{WIDTH}\" height=\"1\"/>\n\
         <g class=\"bars\">\n",
        height - 1
    );
    let part = WIDTH / PARTS;
    for (place, count) in spread.iter().enumerate().filter(|(_, count)| **count > 0) {
        // One match among thousands is seen all the same.
        let tall = (count * BARS_HEIGHT).div_ceil(most).max(2);
        let (x, y) = (place * part, height as u64 - tall);
        let _ = writeln!(out, "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{tall}\"/>", part - 1);
    }
    out.push_str("</g>\n");
    let whole = to.since(from).as_nanos().max(1);
    for tick in ticks {
        let x = tick.time.since(from).as_nanos() * (WIDTH as u128 - 3) / whole;
        let x = x.min(WIDTH as u128 - 3);
        let _ = writeln!(
            out,
            "<a href=\"#m{}\"><rect x=\"{x}\" width=\"3\" height=\"{TICK_HEIGHT}\" fill=\"{}\"><title>{} {}</title></rect></a>",
            tick.number,
            tick.color,
            escape(&tick.time.to_rfc3339()),
            escape(&tick.headline)
        );
    }
    let _ = writeln!(
        out,
        "</svg>\n<div class=\"axis\"><span>{}</span><span>{}</span></div>",
        escape(&from.to_rfc3339()),
        escape(&to.to_rfc3339())
    );
    out
}

/// By the TLS library, which is there anyway.
fn sha256(bytes: &[u8]) -> Vec<u8> {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("a suite of TLS 1.3");
    suite.common.hash_provider.hash(bytes).as_ref().to_vec()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let three = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let number = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            let digit = DIGITS[(number >> (18 - 6 * place)) as usize & 63];
            out.push(if place > chunk.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_what_browsers_compute() {
        let of = |text: &str| base64(&sha256(text.as_bytes()));
        assert_eq!(of(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(of("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
        assert_eq!(
            (base64(b"a"), base64(b"ab"), base64(b"abc")),
            ("YQ==".into(), "YWI=".into(), "YWJj".into())
        );
    }
}
