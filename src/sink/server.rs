//! Listens, answers as Slack does, keeps the last messages, and serves the page.
//!
//! One task per receiver, on a set of its own: [`Receiver::stop`] ends it, and so does dropping the receiver. What is
//! kept is bounded by number and by size; who listens too slowly misses messages, and is told how many.

use std::collections::{HashMap, VecDeque};
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use axum::response::Response;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;

use super::judge::{self, BODY_BYTES_MAX, Verdict};
use super::{SAMPLE_PATH, page};
use crate::rate::{Limiter, Rate};
use crate::time::Time;

/// Who draws messages as they come has this many to catch up with before some are missed.
const BROADCAST_MAX: usize = 256;
/// Webhooks whose rate is watched at once; past that, all begin anew.
const HOOKS_MAX: usize = 1_000;
/// All bodies that are kept, together.
const KEPT_BYTES_MAX: usize = 32 << 20;
/// How long open connections get to end when the receiver is stopped.
const STOP_GRACE: Duration = Duration::from_secs(2);

/// How a [`Receiver`] behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// What each webhook takes before it answers 429; `None`: anything.
    pub rate: Option<Rate>,
    /// How many messages are kept for the page.
    pub kept_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { rate: None, kept_max: 1_000 }
    }
}

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Received {
    /// 1, 2, 3 …
    pub seq: u64,
    /// When its body was there.
    pub at: Time,
    /// The webhook's path, its token masked.
    pub hook: String,
    /// The answer, and the message.
    pub verdict: Verdict,
    bytes: usize,
}

impl Received {
    #[cfg(test)]
    pub(crate) fn new(seq: u64, at: Time, hook: &str, verdict: Verdict) -> Self {
        Self { seq, at, hook: hook.to_owned(), verdict, bytes: 0 }
    }
}

/// How many requests came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Posted.
    pub accepted: u64,
    /// Answered with anything but 200.
    pub refused: u64,
}

/// Who looks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Viewers {
    /// Pages that wait for the next message just now.
    pub waiting: usize,
    /// The newest request that a page has shown.
    pub seen: u64,
}

/// A running receiver.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<io::Result<()>>,
}

impl Receiver {
    /// Serves on `listener` until it is stopped or dropped.
    ///
    /// # Errors
    /// The listener has no address.
    pub fn start(listener: TcpListener, options: Options) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared::new(address, options, stopped.clone()));
        let routes = Router::new()
            .route("/", get(page::document).fallback(hook))
            .route("/page.css", get(page::stylesheet))
            .route("/page.js", get(page::script))
            .route("/messages.json", get(page::messages))
            .fallback(hook)
            .with_state(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(axum::serve(listener, routes).with_graceful_shutdown(flagged(stopped)).into_future());
        Ok(Self { address, shared, stop, tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page's URL; with a webhook's path after it, the webhook's. Ends without a slash.
    pub fn url(&self) -> String {
        self.shared.url()
    }

    /// A webhook to post to.
    pub fn webhook_url(&self) -> String {
        self.url() + SAMPLE_PATH
    }

    /// Every request from now on, taken or refused.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Received>> {
        self.shared.arrivals.subscribe()
    }

    /// What came so far.
    pub fn counts(&self) -> Counts {
        self.shared.log().counts
    }

    /// Who looks on, for whoever wants to wait until somebody does.
    pub fn viewers(&self) -> watch::Receiver<Viewers> {
        self.shared.viewers.subscribe()
    }

    /// Takes no more requests, lets those at hand end, and says what came in all.
    ///
    /// # Errors
    /// Serving had failed.
    ///
    /// # Panics
    /// Where the serving task did.
    pub async fn stop(mut self) -> io::Result<Counts> {
        self.stop.send_replace(true);
        match tokio::time::timeout(STOP_GRACE, self.tasks.join_next()).await {
            Ok(Some(Ok(ended))) => ended?,
            Ok(Some(Err(error))) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Cancelled, or a client that never ends its request: its connection is dropped with the set.
            Ok(Some(Err(_)) | None) | Err(_) => {}
        }
        Ok(self.counts())
    }
}

/// Ends when the flag is raised or its owner is gone.
async fn flagged(mut flag: watch::Receiver<bool>) {
    // An error means that the owner is gone, which ends it as well.
    let _ = flag.wait_for(|raised| *raised).await;
}

/// What the requests share.
#[derive(Debug)]
pub(super) struct Shared {
    address: SocketAddr,
    options: Options,
    /// Tells one run from the next, for a page that outlives it.
    pub(super) started: Time,
    log: Mutex<Log>,
    limiters: Mutex<HashMap<String, Limiter>>,
    arrivals: broadcast::Sender<Arc<Received>>,
    newest: watch::Sender<u64>,
    viewers: watch::Sender<Viewers>,
    stopped: watch::Receiver<bool>,
}

/// The last requests, oldest first.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) kept: VecDeque<Arc<Received>>,
    pub(super) counts: Counts,
    bytes: usize,
}

impl Log {
    pub(super) fn newest(&self) -> u64 {
        self.counts.accepted + self.counts.refused
    }

    fn push(&mut self, received: Arc<Received>, kept_max: usize) {
        self.bytes += received.bytes;
        self.kept.push_back(received);
        while self.kept.len() > kept_max || self.bytes > KEPT_BYTES_MAX {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes -= oldest.bytes;
        }
    }
}

impl Shared {
    fn new(address: SocketAddr, options: Options, stopped: watch::Receiver<bool>) -> Self {
        Self {
            address,
            options,
            started: now(),
            log: Mutex::default(),
            limiters: Mutex::default(),
            arrivals: broadcast::Sender::new(BROADCAST_MAX),
            newest: watch::Sender::new(0),
            viewers: watch::Sender::new(Viewers::default()),
            stopped,
        }
    }

    /// An address to reach it by: where it listens on all of them, loopback.
    pub(super) fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }

    pub(super) fn loopback(&self) -> bool {
        self.address.ip().is_loopback()
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends when there is a request after `seq`, when `longest` is over, or when the receiver stops.
    pub(super) async fn after(&self, seq: u64, longest: Duration) {
        let viewer = Viewer::new(&self.viewers, seq);
        let mut newest = self.newest.subscribe();
        tokio::select! {
            _ = newest.wait_for(|newest| *newest != seq) => {}
            () = tokio::time::sleep(longest) => {}
            () = flagged(self.stopped.clone()) => {}
        }
        drop(viewer);
    }

    /// How long this webhook must wait, if it must.
    fn wait(&self, path: &str, now: Time) -> Option<Duration> {
        let rate = self.options.rate?;
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        if limiters.len() >= HOOKS_MAX && !limiters.contains_key(path) {
            limiters.clear();
        }
        limiters.entry(path.to_owned()).or_insert_with(|| Limiter::new(rate, now)).take(now).err()
    }

    fn record(&self, hook: String, at: Time, bytes: usize, verdict: Verdict) {
        let mut log = self.log();
        let count = if verdict.accepted() { &mut log.counts.accepted } else { &mut log.counts.refused };
        *count += 1;
        let seq = log.newest();
        let received = Arc::new(Received { seq, at, hook, verdict, bytes });
        log.push(Arc::clone(&received), self.options.kept_max);
        // Sent under the lock, so that everyone sees the same order. No subscriber is no error.
        let _ = self.arrivals.send(received);
        self.newest.send_replace(seq);
    }
}

/// Counts a waiting page for as long as it waits.
struct Viewer<'a>(&'a watch::Sender<Viewers>);

impl<'a> Viewer<'a> {
    fn new(viewers: &'a watch::Sender<Viewers>, seen: u64) -> Self {
        viewers.send_modify(|viewers| {
            viewers.waiting += 1;
            viewers.seen = viewers.seen.max(seen);
        });
        Self(viewers)
    }
}

impl Drop for Viewer<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|viewers| viewers.waiting -= 1);
    }
}

/// Anything that is not the page: what Slack would say to it.
async fn hook(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let (method, path) = (head.method.as_str(), head.uri.path());
    if !path.starts_with("/services") && method == "GET" {
        return page::not_found();
    }
    let (body, too_long) = match to_bytes(body, BODY_BYTES_MAX).await {
        Ok(body) => (body, false),
        Err(error) if is_too_long(&error) => (Bytes::new(), true),
        // The client has gone, or sends what is no HTTP: nobody reads an answer.
        Err(_) => return Response::builder().status(400).body(Body::empty()).expect("a valid status"),
    };
    let at = now();
    let (verdict, wait_secs) = answer(&shared, method, path, &head.headers, &body, too_long, at);
    let response = respond(&verdict, wait_secs);
    shared.record(masked(path), at, body.len(), verdict);
    response
}

fn answer(
    shared: &Shared,
    method: &str,
    path: &str,
    headers: &axum::http::HeaderMap,
    body: &[u8],
    too_long: bool,
    at: Time,
) -> (Verdict, Option<u64>) {
    let body_bytes = if too_long { usize::MAX } else { body.len() };
    if let Some(verdict) = judge::misdirected(method, path, body_bytes) {
        return (verdict, None);
    }
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let verdict = judge::judge(method, path, content_type, body);
    match shared.wait(path, at) {
        Some(wait) => {
            let (verdict, secs) = judge::rate_limited(&verdict, wait);
            (verdict, Some(secs))
        }
        None => (verdict, None),
    }
}

fn respond(verdict: &Verdict, wait_secs: Option<u64>) -> Response {
    let mut response = Response::builder()
        .status(verdict.status)
        .header(CONTENT_TYPE, verdict.content_type())
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff");
    if verdict.status == 405 {
        response = response.header(ALLOW, "POST");
    }
    if let Some(secs) = wait_secs {
        response = response.header(RETRY_AFTER, secs);
    }
    response.body(Body::from(verdict.body.clone())).expect("its status and headers are valid")
}

/// The limit's own error is the last cause; its type belongs to a crate that is not ours to name.
fn is_too_long(error: &axum::Error) -> bool {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string() == "length limit exceeded"
}

/// `path` without what makes it a credential, and no longer than a page wants it.
fn masked(path: &str) -> String {
    let shown = if path.starts_with("/services/") { 4 } else { 3 };
    let mut parts: Vec<&str> = path.split('/').collect();
    if parts.len() > shown {
        parts.truncate(shown);
        parts.push("…");
    }
    parts.join("/").chars().take(80).collect()
}

fn now() -> Time {
    let nanos = jiff::Timestamp::now().as_nanosecond();
    Time::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_token_is_not_shown() {
        for (path, shown) in [
            ("/services/T0/B0/secret", "/services/T0/B0/…"),
            ("/services/T0/B0/secret/more", "/services/T0/B0/…"),
            ("/T0/B0/secret", "/T0/B0/…"),
            ("/triggers/T0/1/secret", "/triggers/T0/…"),
            ("/elsewhere", "/elsewhere"),
        ] {
            assert_eq!(masked(path), shown);
        }
    }
}
