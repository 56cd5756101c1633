//! Whether the agent does what it is for, and what keeps it from that. Pure.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{InputStatus, WebhookStatus};

/// An alert that has waited longer for its webhook is a problem of its own.
pub(super) const QUEUE_AGE_MAX: Duration = Duration::from_secs(5 * 60);

/// The engine's thread shows that it goes on whenever it has something to do: after so long without a sign it hangs. Longer
/// than a disk that is busy makes it wait.
pub(super) const SILENT_MAX: Duration = Duration::from_secs(60);

/// One thing that somebody should mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it is about.
    pub about: About,
    /// Its name; empty where there is only one.
    pub name: String,
    /// One sentence.
    pub text: String,
}

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A webhook is broken, or its queue ages.
    Webhook,
    /// An input can't be read.
    Input,
    /// The state can't be written.
    Store,
    /// The engine's thread does nothing any more.
    Engine,
    /// A changed configuration was refused: the old one goes on.
    Configuration,
}

impl About {
    /// Its name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Input => "input",
            Self::Store => "store",
            Self::Engine => "engine",
            Self::Configuration => "configuration",
        }
    }

    /// Whether whoever watches should take the agent for not ready: a refused configuration stops nothing.
    pub const fn is_grave(self) -> bool {
        !matches!(self, Self::Configuration)
    }
}

/// What is wrong with the inputs and the webhooks.
pub(super) fn problems(inputs: &[InputStatus], webhooks: &[WebhookStatus]) -> Vec<Problem> {
    let webhooks = webhooks.iter().filter_map(|webhook| Some((webhook, of_webhook(webhook)?)));
    let webhooks =
        webhooks.map(|(webhook, text)| Problem { about: About::Webhook, name: webhook.name.clone(), text });
    let inputs = inputs.iter().filter_map(|input| Some((input, of_input(input)?)));
    let inputs = inputs.map(|(input, text)| Problem { about: About::Input, name: input.name.clone(), text });
    webhooks.chain(inputs).collect()
}

fn of_webhook(webhook: &WebhookStatus) -> Option<String> {
    let name = &webhook.name;
    match (&webhook.broken, &webhook.fallback) {
        (Some(why), Some(fallback)) => {
            return Some(format!("the webhook `{name}` is broken, its alerts go to `{fallback}`: {why}"));
        }
        (Some(why), None) => return Some(format!("the webhook `{name}` is broken, its alerts wait: {why}")),
        (None, _) => {}
    }
    let age = webhook.oldest_seconds.filter(|age| *age >= QUEUE_AGE_MAX.as_secs_f64())?;
    let minutes = age as u64 / 60;
    Some(format!("alerts have waited for the webhook `{name}` for {minutes} minutes: {} wait", webhook.queue))
}

fn of_input(input: &InputStatus) -> Option<String> {
    let gauge = input.gauge.filter(|gauge| gauge.unreadable > 0)?;
    let (name, some) = (&input.name, gauge.unreadable);
    Some(match some {
        1 => format!("a file of the input `{name}` can't be read: the log says which"),
        _ => format!("{some} files of the input `{name}` can't be read: the log says which"),
    })
}
