//! The live page: what came is in the document itself, so that it can be read without a script; the script asks for
//! what comes after.
//!
//! All of it comes from this receiver.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::SAMPLE_PATH;
use super::server::{Received, Shared};
use crate::message::draw::{self, STYLESHEET, escape};
use crate::time::Time;
use crate::web::{BAR, BASE, HEADERS, fill, names_this_machine};

const DOCUMENT: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

/// The newest messages that a document or an answer holds; the script keeps as many.
const SHOWN_MAX: usize = 200;
/// The longest that a page's question is kept open.
const WAIT_MAX: Duration = Duration::from_secs(25);

/// The answer to a question that was asked by a name which only leads here.
fn forbidden(shared: &Shared, headers: &HeaderMap) -> Option<Response> {
    let forbidden = shared.loopback() && !names_this_machine(headers);
    forbidden.then(|| (StatusCode::FORBIDDEN, "ask for localhost").into_response())
}

/// `GET /`
pub(super) async fn document(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if let Some(response) = forbidden(&shared, &headers) {
        return response;
    }
    let log = shared.log();
    let shown: Vec<_> = log.kept.iter().rev().take(SHOWN_MAX).cloned().collect();
    let (counts, newest) = (log.counts, log.newest());
    drop(log);
    let items: String = shown.iter().map(|received| item(received)).collect();
    let webhook = escape(&(shared.url() + SAMPLE_PATH));
    let document = fill(
        DOCUMENT,
        &[
            ("webhook", &webhook),
            ("started", &shared.started.as_nanos().to_string()),
            ("newest", &newest.to_string()),
            ("accepted", &counts.accepted.to_string()),
            ("refused", &counts.refused.to_string()),
            ("items", &items),
        ],
    );
    file("text/html; charset=utf-8", document)
}

/// `GET /page.css`
pub(super) async fn stylesheet() -> Response {
    file("text/css; charset=utf-8", format!("{BASE}{BAR}{STYLESHEET}\n{STYLE}"))
}

/// `GET /page.js`
pub(super) async fn script() -> Response {
    file("text/javascript; charset=utf-8", SCRIPT.to_owned())
}

/// What [`messages`] is asked.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Only what came after this one.
    #[serde(default)]
    since: u64,
    /// Seconds to wait for something, at most 25.
    #[serde(default)]
    wait: u64,
}

/// `GET /messages.json?since=N&wait=S`
pub(super) async fn messages(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    if let Some(response) = forbidden(&shared, &headers) {
        return response;
    }
    if asked.wait > 0 {
        shared.after(asked.since, Duration::from_secs(asked.wait).min(WAIT_MAX)).await;
    }
    let log = shared.log();
    // The newest of them, oldest first.
    let fresh = log.kept.iter().filter(|received| received.seq > asked.since);
    let skipped = fresh.clone().count().saturating_sub(SHOWN_MAX);
    let fresh: Vec<_> = fresh.skip(skipped).cloned().collect();
    let (counts, newest) = (log.counts, log.newest());
    drop(log);
    let answer = json!({
        "started": shared.started.as_nanos().to_string(),
        "newest": newest,
        "accepted": counts.accepted,
        "refused": counts.refused,
        "messages": fresh.iter().map(|received| entry(received)).collect::<Vec<_>>(),
    });
    (HEADERS, Json(answer)).into_response()
}

pub(super) fn not_found() -> Response {
    (StatusCode::NOT_FOUND, HEADERS, "not found\n").into_response()
}

fn entry(received: &Received) -> serde_json::Value {
    let verdict = &received.verdict;
    json!({
        "seq": received.seq,
        "at": received.at.to_rfc3339(),
        "hook": received.hook,
        "status": verdict.status,
        "answer": verdict.body,
        "errors": verdict.errors,
        "lint": verdict.lint,
        "message": verdict.message,
        "html": item(received),
    })
}

fn file(content_type: &'static str, body: String) -> Response {
    (HEADERS, [(CONTENT_TYPE, content_type)], body).into_response()
}

/// One request as an item of the page's list.
fn item(received: &Received) -> String {
    let verdict = &received.verdict;
    let (class, body) = match &verdict.message {
        Some(message) => ("item", draw::html(message)),
        None => ("item refused", refusal(received)),
    };
    let heading = if verdict.accepted() { "hooktail" } else { "Refused" };
    let badge = if verdict.accepted() { "<span class=\"badge\">APP</span>" } else { "" };
    format!(
        "<li class=\"{class}\" data-seq=\"{}\"><div class=\"avatar\" aria-hidden=\"true\"></div><div class=\"content\">\
         <h3>{heading} {badge} {} <span class=\"hook\">{}</span></h3>\n{body}{}</div></li>\n",
        received.seq,
        time(received.at),
        escape(short(&received.hook)),
        remarks(&verdict.lint),
    )
}

/// A webhook's path without what all of them have.
fn short(hook: &str) -> &str {
    let hook = hook.strip_prefix("/services/").unwrap_or(hook);
    hook.strip_suffix("/…").unwrap_or(hook)
}

fn refusal(received: &Received) -> String {
    let verdict = &received.verdict;
    let reasons: String = verdict.errors.iter().map(|why| format!("<li>{}</li>", escape(why))).collect();
    let word = escape(&verdict.body);
    format!(
        "<p class=\"answer\"><strong>{}</strong> <code>{word}</code></p><ul class=\"reasons\">{reasons}</ul>",
        verdict.status
    )
}

fn remarks(lint: &[String]) -> String {
    if lint.is_empty() {
        return String::new();
    }
    let items: String = lint.iter().map(|remark| format!("<li>{}</li>", escape(remark))).collect();
    let count = if lint.len() == 1 { "1 remark".to_owned() } else { format!("{} remarks", lint.len()) };
    format!("<details class=\"remarks\"><summary>{count}</summary><ul>{items}</ul></details>")
}

fn time(at: Time) -> String {
    let whole = at.to_rfc3339();
    let clock = whole.get(11..19).unwrap_or("");
    format!("<time datetime=\"{whole}\" title=\"{whole}\">{clock}</time>")
}
