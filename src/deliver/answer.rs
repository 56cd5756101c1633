//! A receiver's answer as a typed verdict. Pure. The table is the one of Slack's documented and observed answers:
//! status first, words second.

use std::time::Duration;

use crate::flavor::Flavor;
use crate::time::Time;

/// The shortest and the longest pause that a receiver may ask for.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// What came back for one POST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP answer.
    Http {
        /// Its status.
        status: u16,
        /// The `Retry-After` header.
        retry_after: Option<String>,
        /// The beginning of its body.
        body: String,
    },
    /// None came: no connection, a time-out, a reset. What the receiver did is unknown. In words, without the URL.
    Nothing(String),
}

/// What an answer means for the message and its webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was posted.
    Delivered,
    /// Nothing is to be sent to this webhook for so long; then it is sent again.
    Pause(Duration),
    /// It is sent again, later.
    Retry(String),
    /// The receiver will never take this message; the webhook is fine.
    Refused(String),
    /// The webhook takes nothing until somebody mends it.
    Broken(String),
}

/// The verdict on an answer that a receiver of this flavour gave at `now`.
pub fn verdict(answer: &Answer, flavor: Flavor, now: Time) -> Verdict {
    let (status, retry_after, body) = match answer {
        Answer::Nothing(why) => return Verdict::Retry(why.clone()),
        Answer::Http { status, retry_after, body } => (*status, retry_after.as_deref(), body.trim()),
    };
    let said = if body.is_empty() { status.to_string() } else { format!("{status} {body}") };
    match status {
        200 if body == "ok" => Verdict::Delivered,
        // A captive portal, a proxy's page: whoever answered was not Slack.
        200..=299 if flavor.is_slack() => Verdict::Retry(format!("{said}: not Slack's `ok`")),
        200..=299 if says_failure(body) => Verdict::Broken(said),
        200..=299 => Verdict::Delivered,
        429 => Verdict::Pause(pause(retry_after, now)),
        408 | 500..=599 => Verdict::Retry(said),
        400 if is_about_the_webhook(flavor, body) => Verdict::Broken(said),
        400 | 413 => Verdict::Refused(said),
        _ => Verdict::Broken(said),
    }
}

/// A JSON answer that says so itself, whatever its status: Rocket.Chat's `success`, others' `ok`.
fn says_failure(body: &str) -> bool {
    let json: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    json["success"] == false || json["ok"] == false
}

/// Whether a 400 is about the webhook and not about the message.
fn is_about_the_webhook(flavor: Flavor, body: &str) -> bool {
    let words: &[&str] = match flavor {
        Flavor::Slack | Flavor::SlackLegacy => return body == "user_not_found",
        // The ids of its messages; `.parse` and `.text` are about the message.
        Flavor::Mattermost => &[
            "incoming_webhook.invalid",
            "incoming_webhook.disabled",
            "incoming_webhook.channel",
            "incoming_webhook.permissions",
            "incoming_webhook.user",
        ],
        // A channel that the integration may not set.
        Flavor::RocketChat => &["invalid-channel", "channel"],
        Flavor::Discord => &["Unknown Webhook", "Invalid Webhook Token"],
    };
    words.iter().any(|word| body.contains(word))
}

/// Seconds, or an HTTP date; without either the shortest pause.
fn pause(retry_after: Option<&str>, now: Time) -> Duration {
    let asked = retry_after.and_then(|text| {
        let text = text.trim();
        if let Ok(secs) = text.parse::<u64>() {
            return Some(Duration::from_secs(secs));
        }
        let date = jiff::fmt::rfc2822::parse(text).ok()?;
        Some(Time::from_secs(date.timestamp().as_second()).since(now))
    });
    asked.unwrap_or(PAUSE_MIN).clamp(PAUSE_MIN, PAUSE_MAX)
}

/// What an answer means, for a person who can mend it.
pub fn explain(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Delivered => "the receiver took it".to_owned(),
        Verdict::Pause(pause) => {
            format!("the receiver is busy and asks for a pause of {}", crate::time::Human(*pause))
        }
        Verdict::Retry(why) => format!("{why}: a passing fault; it would be sent again"),
        Verdict::Refused(why) => {
            format!("{why}: the receiver does not take this message; sending it again is useless")
        }
        Verdict::Broken(why) => format!("{why}: {}", mend(why)),
    }
}

/// What to do about a broken webhook.
fn mend(why: &str) -> &'static str {
    let knows = |word: &str| why.contains(word);
    match () {
        () if knows("channel_is_archived") || knows("channel_not_found") => {
            "the webhook's channel is gone or archived; make a new webhook for a channel that exists"
        }
        () if knows("invalid_token")
            || knows("no_service")
            || knows("no_active_hooks")
            || knows("no_team") =>
        {
            "Slack does not know this webhook: it was revoked or mistyped; copy its URL again or make a new one"
        }
        () if knows("action_prohibited") || knows("posting_to_general_channel_denied") => {
            "an administrator of the workspace does not allow this webhook to post there"
        }
        () if knows("Unknown Webhook")
            || knows("incoming_webhook.invalid")
            || knows("Invalid integration") =>
        {
            "the receiver does not know this webhook: it was deleted or mistyped; copy its URL again or make a new one"
        }
        () if knows("incoming_webhook.channel") || knows("invalid-channel") => {
            "the webhook may not post to this channel; leave `channel` out, or allow it in the receiver's settings"
        }
        () if knows("team_disabled") => "the workspace is disabled",
        () if knows("user_not_found") => "the user that the webhook posts to is gone; make a new webhook",
        () if why.starts_with('3') => {
            "the receiver redirects, which is not followed; use the address that it leads to"
        }
        () => "the receiver takes nothing by this URL; check it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(status: u16, body: &str) -> Verdict {
        judge_as(Flavor::Slack, status, body)
    }

    fn judge_as(flavor: Flavor, status: u16, body: &str) -> Verdict {
        let answer = Answer::Http { status, retry_after: None, body: body.to_owned() };
        verdict(&answer, flavor, Time::EPOCH)
    }

    #[test]
    fn each_receiver_is_understood() {
        use Flavor::{Discord, Mattermost, RocketChat, SlackLegacy};
        let invalid = r#"{"id":"web.incoming_webhook.invalid.app_error","status_code":400}"#;
        let text = r#"{"id":"web.incoming_webhook.text.app_error","status_code":400}"#;
        for (flavor, status, body, expected) in [
            (SlackLegacy, 200, "ok", "delivered"),
            (SlackLegacy, 200, "{}", "retry"),
            (Mattermost, 200, "ok", "delivered"),
            (Mattermost, 400, invalid, "broken"),
            (Mattermost, 400, text, "refused"),
            (Mattermost, 501, "web.incoming_webhook.disabled.app_error", "retry"),
            (RocketChat, 200, r#"{"success":true}"#, "delivered"),
            (RocketChat, 200, r#"{"success":false}"#, "broken"),
            (
                RocketChat,
                404,
                r#"{"success":false,"error":"Invalid integration id or token provided."}"#,
                "broken",
            ),
            (RocketChat, 400, r#"{"success":false,"error":"invalid-channel"}"#, "broken"),
            (RocketChat, 400, r#"{"success":false,"error":"error-invalid-message"}"#, "refused"),
            (RocketChat, 503, "", "retry"),
            (Discord, 200, "ok", "delivered"),
            (Discord, 204, "", "delivered"),
            (Discord, 200, r#"{"ok":false}"#, "broken"),
            (Discord, 404, r#"{"message":"Unknown Webhook","code":10015}"#, "broken"),
            (Discord, 400, r#"{"embeds":["0"]}"#, "refused"),
            (Discord, 301, "", "broken"),
        ] {
            let found = match judge_as(flavor, status, body) {
                Verdict::Delivered => "delivered",
                Verdict::Pause(_) => "pause",
                Verdict::Retry(_) => "retry",
                Verdict::Refused(_) => "refused",
                Verdict::Broken(_) => "broken",
            };
            assert_eq!(found, expected, "{flavor:?} {status} {body}");
        }
    }

    #[test]
    fn every_answer_of_slack_has_its_verdict() {
        assert_eq!(judge(200, "ok"), Verdict::Delivered);
        assert_eq!(judge(200, "ok\n"), Verdict::Delivered);
        for (status, body) in
            [(200, "<html>"), (204, ""), (500, "rollup_error"), (502, ""), (503, "x"), (408, "")]
        {
            assert!(matches!(judge(status, body), Verdict::Retry(_)), "{status} {body}");
        }
        for (status, body) in [
            (400, "invalid_payload"),
            (400, "no_text"),
            (400, "missing_text_or_fallback_or_attachments"),
            (400, "too_many_attachments"),
            (400, "invalid_blocks"),
            (400, "invalid_attachments"),
            (400, "invalid_blocks_format"),
            (413, ""),
        ] {
            assert!(matches!(judge(status, body), Verdict::Refused(_)), "{status} {body}");
        }
        for (status, body) in [
            (301, ""),
            (302, ""),
            (400, "user_not_found"),
            (401, ""),
            (403, "action_prohibited"),
            (403, "invalid_token"),
            (403, "posting_to_general_channel_denied"),
            (403, "team_disabled"),
            (404, "channel_not_found"),
            (404, "no_service"),
            (404, "no_active_hooks"),
            (404, "no_service_id"),
            (404, "no_team"),
            (405, ""),
            (410, "channel_is_archived"),
            (418, ""),
        ] {
            assert!(matches!(judge(status, body), Verdict::Broken(_)), "{status} {body}");
        }
        assert!(matches!(
            verdict(&Answer::Nothing("timed out".into()), Flavor::Slack, Time::EPOCH),
            Verdict::Retry(_)
        ));
    }

    #[test]
    fn a_pause_is_as_long_as_the_receiver_asks_within_bounds() {
        let now = Time::from_secs(784_111_777);
        for (header, secs) in [
            (Some("30"), 30),
            (Some("0"), 1),
            (Some("86400"), 900),
            (None, 1),
            (Some("soon"), 1),
            (Some("Sun, 06 Nov 1994 08:50:17 GMT"), 40),
        ] {
            let answer =
                Answer::Http { status: 429, retry_after: header.map(str::to_owned), body: String::new() };
            assert_eq!(
                verdict(&answer, Flavor::Slack, now),
                Verdict::Pause(Duration::from_secs(secs)),
                "{header:?}"
            );
        }
    }
}
