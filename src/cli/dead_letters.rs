//! `hooktail send --dead-letters`: posts again what was set aside, each alert by itself, with the receivers' answers.
//! What is taken leaves; the agent may be running meanwhile.

use std::collections::HashMap;
use std::io::Write;

use serde_json::json;

use crate::clock::Clock;
use crate::config::Config;
use crate::deliver::WebhookSpec;
use crate::deliver::answer::{Answer, Verdict, explain, verdict};
use crate::deliver::post::{Clients, post};
use crate::message::frame::Frame;
use crate::message::render;
use crate::rate::Limiter;
use crate::store::{DeadLetter, DeadLetters};

use super::exit::{Exit, Failure};
use super::runtime;
use super::state::StateDir;

/// How the results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printed {
    /// A line each, and what is left at the end.
    Lines,
    /// One array.
    Json,
}

/// Sends them once, the oldest first; status 1 where one is left.
pub(super) fn run(config: &Config, state: &StateDir, printed: Printed) -> Result<Exit, Failure> {
    let StateDir::Directory(path) = state else {
        return Err(Failure::usage("state in memory has no dead letters: give the agent's directory"));
    };
    let Some(letters) = DeadLetters::open(path).map_err(Failure::failed)? else {
        return Err(Failure::failed(format!(
            "there is no state in `{}`\nhelp: give the agent's directory with `--state-dir DIR`",
            path.display()
        )));
    };
    if letters.damaged > 0 {
        tracing::warn!(count = letters.damaged, "dead letters are damaged: they are not sent");
    }
    let results = runtime()?.block_on(send_all(config, &letters, printed))?;
    let left = results.iter().filter(|result| !result.taken).count();
    let text = match printed {
        Printed::Json => {
            let array: Vec<_> = results.iter().map(Sent::to_json).collect();
            format!("{}\n", json!(array))
        }
        Printed::Lines if results.is_empty() => "there are no dead letters\n".to_owned(),
        Printed::Lines => format!("{} sent again, {left} left\n", results.len() - left),
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::failed)?;
    Ok(if left == 0 { Exit::Done } else { Exit::Failed })
}

/// What became of one.
struct Sent {
    webhook: String,
    id: String,
    headline: String,
    answer: String,
    taken: bool,
}

impl Sent {
    fn to_json(&self) -> serde_json::Value {
        let Self { webhook, id, headline, answer, taken } = self;
        json!({ "webhook": webhook, "id": id, "headline": headline, "delivered": taken, "answer": answer })
    }
}

async fn send_all(config: &Config, letters: &DeadLetters, printed: Printed) -> Result<Vec<Sent>, Failure> {
    let clock = Clock::start();
    let clients = Clients::new(&config.webhooks).map_err(Failure::failed)?;
    let mut limiters: HashMap<&str, Limiter> = HashMap::new();
    let mut results = Vec::new();
    for (id, letter) in &letters.letters {
        let webhook = config.webhooks.iter().find(|webhook| webhook.name == letter.webhook);
        let sent = match webhook {
            Some(webhook) => {
                let limiter =
                    limiters.entry(&webhook.name).or_insert_with(|| Limiter::new(webhook.rate, clock.now()));
                while let Err(wait) = limiter.take(clock.now()) {
                    tokio::time::sleep(wait).await;
                }
                send(config, &clients, webhook, letter, &clock).await
            }
            None => headline(config, letter, "the configuration has no such webhook".to_owned(), false),
        };
        if sent.taken {
            letters.remove(*id).map_err(Failure::failed)?;
        }
        if printed == Printed::Lines {
            let Sent { webhook, id, headline, answer, .. } = &sent;
            writeln!(std::io::stdout(), "{webhook}: {headline} ({id}): {answer}").map_err(Failure::failed)?;
        }
        results.push(sent);
    }
    Ok(results)
}

async fn send(
    config: &Config,
    clients: &Clients,
    webhook: &WebhookSpec,
    letter: &DeadLetter,
    clock: &Clock,
) -> Sent {
    let rules = |name: &str| config.rules.iter().find(|rule| &*rule.name == name);
    let frame = Frame { flavor: webhook.flavor, ..Frame::slack(&rules, &config.host) };
    let message = render::message(&[&letter.alert], &frame).posted_as(&webhook.persona);
    let answer = post(clients, webhook, &message).await;
    let verdict = verdict(&answer, webhook.flavor, clock.now());
    let words = match &answer {
        Answer::Http { status, body, .. } => format!("{status} {body}: {}", explain(&verdict)),
        // What it means says why.
        Answer::Nothing(_) => explain(&verdict),
    };
    headline(config, letter, words, verdict == Verdict::Delivered)
}

fn headline(config: &Config, letter: &DeadLetter, answer: String, taken: bool) -> Sent {
    let rules = |name: &str| config.rules.iter().find(|rule| &*rule.name == name);
    let attachment = render::attachment(&letter.alert, &Frame::slack(&rules, &config.host));
    let (webhook, id) = (letter.webhook.to_string(), letter.alert.id.short());
    Sent { webhook, id, headline: attachment.fallback, answer, taken }
}
