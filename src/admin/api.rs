//! What is asked and answered: one router, for the network and for the socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Router, middleware};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::board::{Board, Order, OrderError, SilenceStatus, View};
use crate::engine::EpisodeId;
use crate::message::draw;
use crate::message::frame::Frame;
use crate::message::render;
use crate::rule::Rule;
use crate::store::{Entry, PastAlerts, Wanted};
use crate::web::names_this_machine;

use super::bounded::CONNECTION_FOR;
use super::metrics;
use super::page;
use super::past::PastAlert;
use super::silence::{self, Asked};
use super::token::Token;

/// What somebody sends is a few words.
const BODY_BYTES_MAX: usize = 16 * 1024;

/// How many alerts of the past one answer holds, at most and if nothing is said.
const PAST_MAX: usize = 200;
const PAST_USUAL: usize = 50;

/// A full disk is waited for: whoever wants something changed is told before the connection ends.
const ORDER_WITHIN: Duration = CONNECTION_FOR.saturating_sub(Duration::from_secs(2));

/// Who may ask by this way, and who may change something.
#[derive(Debug, Clone)]
pub(super) struct Way {
    /// Only requests for this machine's own name are answered.
    pub(super) loopback: bool,
    pub(super) changes: Changes,
}

/// Who may change something.
#[derive(Debug, Clone)]
pub(super) enum Changes {
    /// Whoever can write to the socket.
    Anybody,
    /// Whoever shows the token.
    WithToken(Token),
    /// Nobody: there is no token.
    Nobody,
}

#[derive(Debug, Clone)]
struct Shared {
    board: Arc<Board>,
    way: Way,
}

/// All that is answered by one way.
pub(super) fn router(board: Arc<Board>, way: Way) -> Router {
    let shared = Shared { board, way };
    Router::new()
        .route("/", get(page::document))
        .route("/page.css", get(page::stylesheet))
        .route("/page.js", get(page::script))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .route("/api/v1/status", get(status))
        .route("/api/v1/rules", get(rules))
        .route("/api/v1/episodes", get(episodes))
        .route("/api/v1/inputs", get(inputs))
        .route("/api/v1/webhooks", get(webhooks))
        .route("/api/v1/silences", get(silences).post(add_silence))
        .route("/api/v1/silences/{id}", delete(expire_silence))
        .route("/api/v1/history", get(history))
        .fallback(async || Refusal::new(StatusCode::NOT_FOUND, "there is nothing here"))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .with_state(shared)
}

/// Before anything else: a name that only leads here is not answered.
async fn guard(
    State(shared): State<Shared>,
    request: axum::extract::Request,
    next: middleware::Next,
) -> Response {
    if shared.way.loopback && !names_this_machine(request.headers()) {
        return Refusal::new(StatusCode::FORBIDDEN, "ask for localhost").into_response();
    }
    next.run(request).await
}

/// Why something was not answered, as JSON.
struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    fn new(status: StatusCode, why: impl Into<String>) -> Self {
        Self { status, why: why.into() }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.why }));
        match self.status {
            StatusCode::UNAUTHORIZED => (self.status, [(WWW_AUTHENTICATE, "Bearer")], body).into_response(),
            status => (status, body).into_response(),
        }
    }
}

/// Draws something on a thread that may wait for the disk.
async fn draw<T: Send + 'static>(
    shared: &Shared,
    draw: impl FnOnce(&Board, &View) -> T + Send + 'static,
) -> Result<T, Refusal> {
    let board = shared.board.clone();
    let view = board.view().await;
    let drawn = tokio::task::spawn_blocking(move || draw(&board, &view)).await;
    drawn.map_err(|_| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "a part of the agent panicked"))
}

fn text(body: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

/// `GET /livez`: the process answers, and its engine does.
async fn live(State(shared): State<Shared>) -> Response {
    match shared.board.hangs() {
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
        None => text("ok\n".to_owned()),
    }
}

/// `GET /readyz`: what keeps it from what it is for, a line each.
async fn ready(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let status = draw(&shared, Board::status).await?;
    if status.ready {
        return Ok(text("ok\n".to_owned()));
    }
    let grave = status.problems.iter().filter(|problem| problem.about.is_grave());
    let lines: String =
        grave.map(|problem| format!("{}: {}\n", problem.about.name(), problem.text)).collect();
    Ok((StatusCode::SERVICE_UNAVAILABLE, text(lines)).into_response())
}

/// `GET /metrics`
async fn metrics(State(shared): State<Shared>) -> Result<Response, Refusal> {
    let status = draw(&shared, Board::status).await?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics::text(&status)).into_response())
}

async fn document<T: Serialize + Send + 'static>(
    shared: Shared,
    of: impl FnOnce(&Board, &View) -> T + Send + 'static,
) -> Result<Response, Refusal> {
    Ok(Json(draw(&shared, of).await?).into_response())
}

/// `GET /api/v1/status`
async fn status(State(shared): State<Shared>) -> Result<Response, Refusal> {
    document(shared, Board::status).await
}

/// `GET /api/v1/rules`: with what they did over the last hour and day.
async fn rules(State(shared): State<Shared>) -> Result<Response, Refusal> {
    document(shared, Board::rules_over_time).await
}

/// `GET /api/v1/episodes`
async fn episodes(State(shared): State<Shared>) -> Result<Response, Refusal> {
    document(shared, Board::episodes).await
}

/// `GET /api/v1/inputs`
async fn inputs(State(shared): State<Shared>) -> Result<Response, Refusal> {
    document(shared, |board, view| board.status(view).inputs).await
}

/// `GET /api/v1/webhooks`
async fn webhooks(State(shared): State<Shared>) -> Result<Response, Refusal> {
    document(shared, |board, view| board.status(view).webhooks).await
}

/// `GET /api/v1/silences`
async fn silences(State(shared): State<Shared>) -> Result<Response, Refusal> {
    document(shared, Board::silences).await
}

/// `POST /api/v1/silences`
async fn add_silence(
    State(shared): State<Shared>,
    headers: HeaderMap,
    asked: Result<Json<Asked>, JsonRejection>,
) -> Result<Response, Refusal> {
    shared.way.changes.allow(&headers)?;
    let Json(asked) = asked.map_err(|rejected| Refusal::new(rejected.status(), rejected.body_text()))?;
    let now = shared.board.now();
    let target = match asked.target.clone() {
        Some(target) => Some(draw(&shared, move |board, _| meant(board, &target)).await??),
        None => None,
    };
    let made = silence::silence(&asked, target, now)
        .map_err(|why| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why))?;
    let drawn = SilenceStatus::from(&made);
    order(&shared, Order::Silence(made)).await?;
    Ok((StatusCode::CREATED, Json(drawn)).into_response())
}

/// `DELETE /api/v1/silences/ID`
async fn expire_silence(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    shared.way.changes.allow(&headers)?;
    order(&shared, Order::Expire(id.into())).await?;
    Ok(Json(json!({})).into_response())
}

async fn order(shared: &Shared, order: Order) -> Result<(), Refusal> {
    let placed = tokio::time::timeout(ORDER_WITHIN, shared.board.orders().place(order)).await;
    let refusal = match placed {
        Ok(Ok(())) => return Ok(()),
        Err(_) => Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the state can't be written just now: it is done as soon as it can",
        ),
        Ok(Err(error)) => {
            let status = match &error {
                OrderError::NoSuchSilence(_) => StatusCode::NOT_FOUND,
                OrderError::OfTheFile(_) | OrderError::TooMany(_) => StatusCode::CONFLICT,
                OrderError::Busy | OrderError::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            };
            Refusal::new(status, error.to_string())
        }
    };
    Err(refusal)
}

/// The expression of a rule's name, or of an alert's id.
fn meant(board: &Board, target: &str) -> Result<String, Refusal> {
    if board.seats().rules.iter().any(|rule| *rule.name == *target) {
        return Ok(silence::of_rule(target));
    }
    let unknown = || format!("there is no rule `{target}`, and no alert whose id begins so");
    let not_found = |why: String| Refusal::new(StatusCode::NOT_FOUND, why);
    if target.is_empty() || !target.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(not_found(unknown()));
    }
    let found = past(board, |past| past.by_id(target, 10))?;
    match &found[..] {
        [] => Err(not_found(unknown())),
        [entry] => {
            silence::of_alert(&entry.alert).map_err(|why| Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, why))
        }
        several => {
            let ids: Vec<String> =
                several.iter().map(|entry| format!("{} ({})", entry.alert.id, entry.alert.rule)).collect();
            let why = format!("several alerts have an id that begins so: {}", ids.join(", "));
            Err(Refusal::new(StatusCode::CONFLICT, why))
        }
    }
}

/// Asks the history; nothing, where there is none.
fn past(
    board: &Board,
    ask: impl FnOnce(&PastAlerts<'_>) -> rusqlite::Result<Vec<Entry>>,
) -> Result<Vec<Entry>, Refusal> {
    let Some(history) = board.outbox().history() else { return Ok(Vec::new()) };
    history.read(ask).map_err(|error| {
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the history can't be read: {error}"))
    })
}

/// What [`history`] is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PastAsked {
    /// Only of this rule.
    rule: Option<String>,
    /// Only those whose id begins so.
    id: Option<String>,
    /// Only those of the episode of this id, in order.
    episode: Option<String>,
    /// Only those before this place.
    before: Option<i64>,
    /// At most so many.
    limit: Option<usize>,
    /// With their messages, drawn.
    html: bool,
}

/// `GET /api/v1/history?rule=R&id=I&episode=E&before=P&limit=N&html=true`: the newest first.
async fn history(
    State(shared): State<Shared>,
    asked: Result<Query<PastAsked>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(asked) = asked.map_err(|rejected| Refusal::new(rejected.status(), rejected.body_text()))?;
    document_of_past(shared, asked).await
}

async fn document_of_past(shared: Shared, asked: PastAsked) -> Result<Response, Refusal> {
    let drawn = draw(&shared, move |board, _| {
        let limit = asked.limit.unwrap_or(PAST_USUAL).min(PAST_MAX);
        let episode =
            asked.episode.as_deref().map(|id| EpisodeId(u128::from_str_radix(id, 16).unwrap_or_default()));
        let entries = past(board, |past| match (&asked.id, episode) {
            (Some(id), _) => past.by_id(id, limit),
            (None, Some(episode)) => past.of_episode(episode, limit),
            (None, None) => past.latest(Wanted { rule: asked.rule.as_deref(), before: asked.before, limit }),
        })?;
        let rules = board.seats().rules;
        let alert = |entry: &Entry| PastAlert {
            html: asked.html.then(|| message(entry, &rules, board.host())),
            ..PastAlert::from(entry)
        };
        Ok(entries.iter().map(alert).collect::<Vec<_>>())
    });
    Ok(Json(drawn.await??).into_response())
}

/// As Slack would show it.
fn message(entry: &Entry, rules: &[Rule], host: &str) -> String {
    let rule = |name: &str| rules.iter().find(|rule| *rule.name == *name);
    draw::html(&render::message(&[&entry.alert], &Frame::slack(&rule, host)))
}

impl Changes {
    fn allow(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match self {
            Self::Anybody => Ok(()),
            Self::Nobody => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "without `admin.token_file` changes are taken over the socket of the state directory alone: use `hooktail silence`",
            )),
            Self::WithToken(token) => {
                let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
                let shown = shown.and_then(|value| value.strip_prefix("Bearer "));
                match shown {
                    Some(shown) if token.is(shown.trim()) => Ok(()),
                    _ => Err(Refusal::new(StatusCode::UNAUTHORIZED, "show the token of `admin.token_file`")),
                }
            }
        }
    }
}
