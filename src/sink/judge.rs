//! Slack's answer to a request, as a pure function of it.
//!
//! The rules are those of <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks> and the pages
//! on attachments; where Slack documents a word but no status, the status is what clients report to have seen.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::attachment;
use super::audit::{self, Live};
use super::strict;
use crate::message::payload::Message;

/// The largest body that is read; what Slack takes is not documented.
pub const BODY_BYTES_MAX: usize = 4 << 20;

const ATTACHMENTS_MAX: usize = 100;
const ATTACHMENTS_ADVISED: usize = 20;
const BLOCKS_MAX: usize = 50;
const TEXT_CHARS_MAX: usize = 40_000;
const TEXT_CHARS_ADVISED: usize = 4_000;

/// Remarks on one message; a sender can make as many keys as fit in a body.
const REMARKS_MAX: usize = 20;
/// Characters of one remark, which may name a sender's key.
const REMARK_CHARS_MAX: usize = 200;

/// The answer, and what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The HTTP status.
    pub status: u16,
    /// The answer's body: Slack's word for it, or JSON.
    pub body: String,
    /// Why it was refused; empty when it was taken.
    pub errors: Vec<String>,
    /// What Slack would take but cut, ignore or show badly.
    pub lint: Vec<String>,
    /// What Slack would obey in it, also when it was refused.
    pub live: Vec<Live>,
    /// What was posted, when it was taken.
    pub message: Option<Message>,
}

impl Verdict {
    /// Whether the message was posted.
    pub fn accepted(&self) -> bool {
        self.status == 200
    }

    /// The answer's content type.
    pub fn content_type(&self) -> &'static str {
        if self.body.starts_with('{') { "application/json" } else { "text/html" }
    }

    /// The sequences that would call somebody, with the parts in which they stand.
    pub fn mentions(&self) -> impl Iterator<Item = (&str, &str)> {
        let notifying = self.live.iter().filter(|live| live.notifies);
        notifying.map(|live| (live.part.as_str(), live.sequence.as_str()))
    }

    fn refused(status: u16, body: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            status,
            body: body.into(),
            errors: vec![cut(why.into())],
            lint: Vec::new(),
            live: Vec::new(),
            message: None,
        }
    }
}

/// A word of Slack's for what it does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    InvalidPayload,
    NoText,
    MissingText,
    TooManyAttachments,
    InvalidAttachments,
    InvalidBlocks,
    InvalidBlocksFormat,
}

impl Word {
    fn text(self) -> &'static str {
        match self {
            Self::InvalidPayload => "invalid_payload",
            Self::NoText => "no_text",
            Self::MissingText => "missing_text_or_fallback_or_attachments",
            Self::TooManyAttachments => "too_many_attachments",
            Self::InvalidAttachments => "invalid_attachments",
            Self::InvalidBlocks => "invalid_blocks",
            Self::InvalidBlocksFormat => "invalid_blocks_format",
        }
    }
}

/// Why a payload is not taken.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) word: Word,
    pub(super) why: String,
}

pub(super) type Checked<T = ()> = Result<T, Refusal>;

/// Refuses with `word` unless `holds`; `part` says where.
pub(super) fn need(holds: bool, word: Word, part: &str, why: &str) -> Checked {
    if holds { Ok(()) } else { Err(Refusal { word, why: format!("{part}: {why}") }) }
}

/// What Slack would answer to this request.
pub fn judge(method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Verdict {
    if let Some(verdict) = misdirected(method, path, body.len()) {
        return verdict;
    }
    let payload = match payload(content_type, body) {
        Ok(payload) => payload,
        Err(refusal) => return Verdict::refused(400, refusal.word.text(), refusal.why),
    };
    let whole = Value::Object(payload);
    let live = audit::live(&whole);
    let mut lint = Vec::new();
    let checked = check(&whole, &mut lint);
    let more = lint.len().saturating_sub(REMARKS_MAX);
    lint.truncate(REMARKS_MAX);
    let mut lint: Vec<String> = lint.into_iter().map(cut).collect();
    if more > 0 {
        lint.push(format!("and {more} more"));
    }
    match checked {
        Ok(message) => {
            Verdict { status: 200, body: "ok".into(), errors: Vec::new(), lint, live, message: Some(message) }
        }
        Err(refusal) => Verdict { live, ..Verdict::refused(400, refusal.word.text(), refusal.why) },
    }
}

/// What is decided before the body is looked at: method, size and path. Only what passes here, so that this is
/// `None`, counts against a webhook's rate.
pub fn misdirected(method: &str, path: &str, body_bytes: usize) -> Option<Verdict> {
    if method != "POST" {
        return Some(Verdict::refused(405, "method_not_allowed", format!("{method} instead of POST")));
    }
    if body_bytes > BODY_BYTES_MAX {
        let why = format!("the body is larger than {BODY_BYTES_MAX} bytes");
        return Some(Verdict::refused(413, "Request Entity Too Large", why));
    }
    if path.starts_with("/triggers/") || path.starts_with("/workflows/") {
        let why = "a Workflow Builder webhook takes a flat map of variables, no messages";
        let body = json!({"ok": false, "error": "invalid_webhook_format"});
        return Some(Verdict::refused(400, body.to_string(), why));
    }
    hook(path).err().map(|(status, word, why)| Verdict::refused(status, word, why))
}

fn hook(path: &str) -> Result<(), (u16, &'static str, &'static str)> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let rest = match path.strip_prefix("/services") {
        Some("") => "",
        Some(rest) if rest.starts_with('/') => &rest[1..],
        _ => return Err((404, "no_service", "the path is not /services/T…/B…/X…")),
    };
    let parts: Vec<&str> = rest.split('/').collect();
    if parts.len() > 3 {
        return Err((404, "no_service", "the path is not /services/T…/B…/X…"));
    }
    let part = |at: usize| parts.get(at).copied().unwrap_or("");
    let capitals = |text: &str| {
        text.len() >= 2 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    if !part(0).strip_prefix(['T', 'E']).is_some_and(capitals) {
        return Err((404, "no_team", "the path's first part is no team, as T00000000"));
    }
    if !part(1).strip_prefix('B').is_some_and(capitals) {
        return Err((404, "no_service_id", "the path's second part is no service, as B00000000"));
    }
    if part(2).len() < 4 || !part(2).bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err((403, "invalid_token", "the path's third part is no token, as XXXXXXXXXXXXXXXXXXXXXXXX"));
    }
    Ok(())
}

/// `verdict`, had the request come too soon: 429, and the whole seconds of its `Retry-After`.
pub fn rate_limited(verdict: &Verdict, wait: Duration) -> (Verdict, u64) {
    let secs = wait.as_nanos().div_ceil(1_000_000_000).max(1);
    let secs = u64::try_from(secs).unwrap_or(u64::MAX);
    let body = json!({"retry_after": secs, "ok": false, "error": "rate_limited"}).to_string();
    let why = format!("over this webhook's rate: again in {secs} s");
    (Verdict { live: verdict.live.clone(), ..Verdict::refused(429, body, why) }, secs)
}

fn cut(remark: String) -> String {
    match remark.char_indices().nth(REMARK_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &remark[..end]),
        None => remark,
    }
}

fn payload(content_type: Option<&str>, body: &[u8]) -> Checked<Map<String, Value>> {
    let invalid = |why: String| Refusal { word: Word::InvalidPayload, why };
    let given = content_type.unwrap_or("").to_ascii_lowercase();
    let (base, parameters) = given.split_once(';').unwrap_or((&given, ""));
    if base.trim() != "application/json" {
        let given = if given.is_empty() { "none" } else { &given };
        return Err(invalid(format!("content type: application/json is wanted, not {given}")));
    }
    let charset = parameters.split(';').find_map(|each| each.trim().strip_prefix("charset="));
    if charset.is_some_and(|name| !matches!(name.trim_matches('"'), "utf-8" | "utf8")) {
        return Err(invalid("content type: the charset is not UTF-8".into()));
    }
    match strict::parse(body) {
        Ok(Value::Object(payload)) => Ok(payload),
        Ok(_) => Err(invalid("the body is JSON, but no object".into())),
        Err(error) => Err(invalid(format!("the body is no JSON: {error}"))),
    }
}

const TEXTS: [&str; 8] =
    ["text", "thread_ts", "response_type", "channel", "username", "icon_emoji", "icon_url", "parse"];
const FLAGS: [&str; 6] =
    ["mrkdwn", "unfurl_links", "unfurl_media", "replace_original", "delete_original", "reply_broadcast"];
const OTHERS: [&str; 4] = ["attachments", "blocks", "link_names", "metadata"];
/// What only a legacy webhook of a custom integration obeys.
const LEGACY: [&str; 4] = ["channel", "username", "icon_emoji", "icon_url"];

fn check(payload: &Value, lint: &mut Vec<String>) -> Checked<Message> {
    types(payload, lint)?;
    let attachments = list(payload, "attachments", Word::InvalidPayload)?;
    need(
        attachments.len() <= ATTACHMENTS_MAX,
        Word::TooManyAttachments,
        "attachments",
        "more than 100 of them",
    )?;
    if attachments.len() > ATTACHMENTS_ADVISED {
        lint.push("attachments: more than the 20 that Slack advises".into());
    }
    let blocks = list(payload, "blocks", Word::InvalidBlocksFormat)?;
    need(blocks.len() <= BLOCKS_MAX, Word::InvalidBlocks, "blocks", "more than 50 of them")?;
    if !blocks.is_empty() {
        lint.push("blocks: not checked and not drawn here".into());
    }
    let text = payload["text"].as_str().unwrap_or("");
    if text.is_empty() && attachments.is_empty() && blocks.is_empty() {
        let word = if payload.get("text").is_some() { Word::NoText } else { Word::MissingText };
        return Err(Refusal { word, why: "neither text nor attachments".into() });
    }
    let attachments = attachments
        .iter()
        .enumerate()
        .map(|(at, each)| attachment::check(each, &format!("attachments[{at}]"), lint))
        .collect::<Checked<Vec<_>>>()?;
    lint_text(text, lint);
    lint.extend(audit::unescaped(payload).iter().map(|part| format!("{part}: an unescaped `<`, `>` or `&`")));
    let posted_as = |key: &str| payload[key].as_str().map(str::to_owned);
    Ok(Message {
        channel: posted_as("channel"),
        username: posted_as("username"),
        icon_emoji: posted_as("icon_emoji"),
        icon_url: posted_as("icon_url"),
        text: text.to_owned(),
        unfurl_links: payload["unfurl_links"] == true,
        unfurl_media: payload["unfurl_media"] == true,
        attachments,
    })
}

/// A list that may be left out or `null`.
pub(super) fn list<'a>(object: &'a Value, key: &str, word: Word) -> Checked<&'a [Value]> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Refusal { word, why: format!("{key}: not a list") }),
    }
}

fn types(payload: &Value, lint: &mut Vec<String>) -> Checked {
    for key in payload.as_object().into_iter().flat_map(Map::keys).map(String::as_str) {
        let value = &payload[key];
        let (texts, flags) = (TEXTS.contains(&key), FLAGS.contains(&key));
        need(!texts || value.is_null() || value.is_string(), Word::InvalidPayload, key, "not a string")?;
        need(!flags || value.is_null() || value.is_boolean(), Word::InvalidPayload, key, "not a boolean")?;
        if LEGACY.contains(&key) {
            lint.push(format!("{key}: an app's webhook ignores it, only a legacy one obeys"));
        } else if !texts && !flags && !OTHERS.contains(&key) {
            lint.push(format!("{key}: a key that Slack does not document"));
        }
    }
    let names = &payload["link_names"];
    let flag = names.is_null() || names.is_boolean() || *names == 0 || *names == 1;
    need(flag, Word::InvalidPayload, "link_names", "not a boolean")?;
    if let Some(kind) = payload["response_type"].as_str() {
        let known = matches!(kind, "in_channel" | "ephemeral");
        need(known, Word::InvalidPayload, "response_type", "neither in_channel nor ephemeral")?;
        lint.push("response_type: for answers to interactions, not for webhooks".into());
    }
    if let Some(thread) = payload["thread_ts"].as_str() {
        need(is_message_ts(thread), Word::InvalidPayload, "thread_ts", "not as 1234567890.123456")?;
    }
    let metadata = &payload["metadata"];
    let whole = metadata["event_type"].is_string() && metadata["event_payload"].is_object();
    need(
        metadata.is_null() || whole,
        Word::InvalidPayload,
        "metadata",
        "event_type and event_payload are wanted",
    )
}

fn is_message_ts(text: &str) -> bool {
    let digits = |part: &str, min: usize| part.len() >= min && part.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(secs, rest)| digits(secs, 6) && digits(rest, 6) && rest.len() == 6)
}

fn lint_text(text: &str, lint: &mut Vec<String>) {
    let chars = text.chars().count();
    if chars == 0 {
        lint.push("text: none, so a notification and a screen reader have nothing to say".into());
    } else if chars > TEXT_CHARS_MAX {
        lint.push("text: over 40,000 characters, Slack cuts it".into());
    } else if chars > TEXT_CHARS_ADVISED {
        lint.push("text: over the 4,000 characters that Slack advises".into());
    }
}

#[cfg(test)]
mod tests;
