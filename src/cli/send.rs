//! `hooktail send`: one test message, the receiver's answer, and what it means; or what was set aside, again.

use std::io::Write;

use clap::Args;
use serde_json::json;

use crate::clock::Clock;
use crate::deliver::answer::{Answer, Verdict, explain, verdict};
use crate::deliver::post::{Clients, post};
use crate::message::render;

use super::dead_letters::{self, Printed};
use super::exit::{Exit, Failure};
use super::load::ConfigArgs;
use super::runtime;
use super::state::StateArgs;

/// The options of `hooktail send`.
#[derive(Debug, Args)]
pub(super) struct SendArgs {
    #[command(flatten)]
    config: ConfigArgs,

    /// The webhook's name in the rule file
    #[arg(long, value_name = "NAME", required_unless_present = "dead_letters")]
    webhook: Option<String>,

    /// Send again what receivers refused for good; what is taken leaves
    #[arg(long, conflicts_with_all = ["webhook", "message"])]
    dead_letters: bool,

    #[command(flatten)]
    state: StateArgs,

    /// What to say
    #[arg(long, value_name = "TEXT", default_value = "This is a test: this webhook works.")]
    message: String,

    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Sends it once, without a retry; status 1 where the receiver does not take it.
pub(super) fn run(args: &SendArgs) -> Result<Exit, Failure> {
    let config = args.config.load()?;
    let Some(name) = args.webhook.as_deref() else {
        let printed = if args.json { Printed::Json } else { Printed::Lines };
        return dead_letters::run(&config, &args.state.of(&config)?, printed);
    };
    let Some(webhook) = config.webhooks.iter().find(|webhook| *webhook.name == *name) else {
        let names: Vec<_> = config.webhooks.iter().map(|webhook| format!("`{}`", webhook.name)).collect();
        let known = names.join(", ");
        return Err(Failure::usage(format!("there is no webhook `{name}`\nhelp: there is {known}")));
    };
    let clock = Clock::start();
    let message = render::test_message(&args.message, &config.host, webhook.flavor, clock.now());
    let message = message.posted_as(&webhook.persona);
    let clients = Clients::new(&config.webhooks).map_err(Failure::failed)?;
    let answer = runtime()?.block_on(post(&clients, webhook, &message));
    let verdict = verdict(&answer, webhook.flavor, clock.now());
    let delivered = verdict == Verdict::Delivered;
    let (status, body) = match &answer {
        Answer::Http { status, body, .. } => (Some(*status), body.clone()),
        Answer::Nothing(why) => (None, why.clone()),
    };
    let text = if args.json {
        let result = json!({
            "webhook": name, "delivered": delivered, "status": status, "answer": body, "meaning": explain(&verdict),
        });
        format!("{result}\n")
    } else {
        // Without an answer, what it means says why.
        let answered = status.map_or_else(|| "no answer".to_owned(), |status| format!("{status} {body}"));
        format!("{name} ({}): {answered}\n{}\n", webhook.url, explain(&verdict))
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Failure::failed)?;
    Ok(if delivered { Exit::Done } else { Exit::Failed })
}
