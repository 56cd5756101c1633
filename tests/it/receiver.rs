//! A scripted receiver: it judges as Slack does, and misbehaves where it is told to.
//!
//! Plain threads and blocking sockets, so that it works the same under any runtime of the code under test. All ends
//! with the value: open connections are shut and every thread is joined.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hooktail::message::payload::Message;
use hooktail::rate::{Limiter, Rate};
use hooktail::sink::{BODY_BYTES_MAX, Verdict, judge, misdirected, rate_limited};
use hooktail::time::Time;

/// The usual webhook.
pub(crate) const HOOK: &str = hooktail::sink::SAMPLE_PATH;

/// What to do with one request instead of answering it as Slack would.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    what: What,
    times: Option<usize>,
    delivered: bool,
    delay: Duration,
}

#[derive(Debug, Clone)]
enum What {
    /// The true answer.
    Pass,
    Answer {
        status: u16,
        body: Option<String>,
        headers: Vec<(String, String)>,
    },
    /// Read the request, then say nothing until the receiver ends.
    Hang,
    /// RST instead of an answer.
    Reset,
    /// FIN instead of an answer.
    Close,
    /// The true answer over a time, a byte after the other.
    Slow(Duration),
    /// The beginning of the true answer, then FIN.
    CloseAfter(usize),
}

impl Fault {
    fn new(what: What) -> Self {
        let delivered = matches!(what, What::Slow(_) | What::CloseAfter(_) | What::Pass);
        Self { what, times: Some(1), delivered, delay: Duration::ZERO }
    }

    /// None: spacing in a script.
    pub(crate) fn pass() -> Self {
        Self::new(What::Pass)
    }

    /// This status, with Slack's usual body for it.
    pub(crate) fn status(status: u16) -> Self {
        Self::new(What::Answer { status, body: None, headers: Vec::new() })
    }

    /// 429 with `Retry-After`, as it is spelled here.
    pub(crate) fn rate_limited(retry_after: &str) -> Self {
        Self::status(429).header("Retry-After", retry_after)
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::status(302).header("Location", to)
    }

    pub(crate) fn hang() -> Self {
        Self::new(What::Hang)
    }

    pub(crate) fn reset() -> Self {
        Self::new(What::Reset)
    }

    pub(crate) fn close() -> Self {
        Self::new(What::Close)
    }

    pub(crate) fn slow(over: Duration) -> Self {
        Self::new(What::Slow(over))
    }

    pub(crate) fn close_after(bytes: usize) -> Self {
        Self::new(What::CloseAfter(bytes))
    }

    /// With this body; only for answers.
    pub(crate) fn body(mut self, text: &str) -> Self {
        if let What::Answer { body, .. } = &mut self.what {
            *body = Some(text.to_owned());
        }
        self
    }

    /// With this header; only for answers.
    pub(crate) fn header(mut self, key: &str, value: &str) -> Self {
        if let What::Answer { headers, .. } = &mut self.what {
            headers.push((key.to_owned(), value.to_owned()));
        }
        self
    }

    /// For so many requests.
    pub(crate) fn times(self, times: usize) -> Self {
        Self { times: Some(times), ..self }
    }

    /// For all requests from then on.
    pub(crate) fn always(self) -> Self {
        Self { times: None, ..self }
    }

    /// The message counts as posted, although the client sees the fault.
    pub(crate) fn delivered(self) -> Self {
        Self { delivered: true, ..self }
    }

    /// Not before so long.
    pub(crate) fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What Slack would have answered.
    pub(crate) verdict: Verdict,
    /// The message, where it counts as posted.
    pub(crate) message: Option<Message>,
    /// The status that was sent; `None`: there was no answer, or not a whole one.
    pub(crate) answered: Option<u16>,
    pub(crate) at: Instant,
}

/// Listens on loopback until it is dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    began: Instant,
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    scripts: Vec<(String, Vec<Fault>)>,
    rates: Vec<(String, Rate)>,
    limiters: HashMap<String, Limiter>,
    open: HashMap<u64, TcpStream>,
    held: bool,
    stopping: bool,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared =
            Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), began: Instant::now() });
        let accepting = {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || accept_all(&listener, &shared))
        };
        Self { address, shared, accepting: Some(accepting) }
    }

    /// The URL of `path` here.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Appends to the faults of a path, or of all paths that begin so where it ends in `*`. Each request takes the
    /// first that is left.
    pub(crate) fn script(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        self.shared.lock().scripts.push((path.to_owned(), faults.into_iter().collect()));
    }

    /// From now on, more than `rate` at a path (or a beginning and `*`) is answered with 429. A request that meets a
    /// fault does not count.
    pub(crate) fn limit(&self, path: &str, rate: Rate) {
        self.shared.lock().rates.push((path.to_owned(), rate));
    }

    /// From now on, requests are read and not answered, until [`Receiver::release`].
    pub(crate) fn hold(&self) {
        self.shared.lock().held = true;
    }

    /// All that was held is answered.
    pub(crate) fn release(&self) {
        self.shared.lock().held = false;
        self.shared.changed.notify_all();
    }

    /// Every request so far, in order of arrival.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.lock().received.clone()
    }

    /// What counts as posted so far.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.shared.lock().messages()
    }

    /// All sequences in all requests that would have called somebody, with their parts.
    pub(crate) fn mentions(&self) -> Vec<(String, String)> {
        let owned = |(part, sequence): (&str, &str)| (part.to_owned(), sequence.to_owned());
        self.shared.lock().received.iter().flat_map(|each| each.verdict.mentions().map(owned)).collect()
    }

    /// Waits for `count` requests, good or bad, and returns all that came.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize, timeout: Duration) -> Vec<Received> {
        self.wait(timeout, |state| state.received.len() >= count);
        self.received()
    }

    /// Waits for `count` messages that count as posted, and returns all that came.
    #[track_caller]
    pub(crate) fn wait_for_messages(&self, count: usize, timeout: Duration) -> Vec<Message> {
        self.wait(timeout, |state| state.messages().len() >= count);
        self.messages()
    }

    #[track_caller]
    fn wait(&self, timeout: Duration, done: impl Fn(&State) -> bool) {
        let state = self.shared.lock();
        let (state, _) =
            self.shared.changed.wait_timeout_while(state, timeout, |state| !done(state)).expect("no poison");
        assert!(done(&state), "not within {timeout:?}; so far: {:#?}", state.received);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let open = {
            let mut state = self.shared.lock();
            state.stopping = true;
            std::mem::take(&mut state.open)
        };
        self.shared.changed.notify_all();
        for stream in open.into_values() {
            // It may be closed already.
            let _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        let ended = self.accepting.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))), "the receiver panicked");
    }
}

impl State {
    fn messages(&self) -> Vec<Message> {
        self.received.iter().filter_map(|each| each.message.clone()).collect()
    }

    fn next_fault(&mut self, path: &str) -> Option<Fault> {
        let scripts = self.scripts.iter_mut().filter(|(pattern, _)| covers(pattern, path));
        let faults = scripts.map(|(_, faults)| faults).find(|faults| !faults.is_empty())?;
        let fault = faults[0].clone();
        match &mut faults[0].times {
            Some(1) => drop(faults.remove(0)),
            Some(times) => *times -= 1,
            None => {}
        }
        Some(fault)
    }

    fn over_rate(&mut self, path: &str, now: Time) -> Option<Duration> {
        let (_, rate) = self.rates.iter().rev().find(|(pattern, _)| covers(pattern, path))?;
        let limiter = self.limiters.entry(path.to_owned()).or_insert_with(|| Limiter::new(*rate, now));
        limiter.take(now).err()
    }
}

fn covers(pattern: &str, path: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == path, |beginning| path.starts_with(beginning))
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A test that gave up waiting has poisoned it; what it holds is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns early, with `false`, when the receiver ends.
    fn pause(&self, length: Duration) -> bool {
        let state = self.lock();
        let (state, _) = self
            .changed
            .wait_timeout_while(state, length, |state| !state.stopping)
            .unwrap_or_else(PoisonError::into_inner);
        !state.stopping
    }

    fn wait_while_held(&self) {
        let state = self.lock();
        let is_held = |state: &mut State| state.held && !state.stopping;
        drop(self.changed.wait_while(state, is_held).unwrap_or_else(PoisonError::into_inner));
    }

    fn record(&self, received: Received) {
        self.lock().received.push(received);
        self.changed.notify_all();
    }
}

fn accept_all(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut serving = Vec::new();
    for (id, stream) in (0..).zip(listener.incoming()) {
        let mut state = shared.lock();
        if state.stopping {
            break;
        }
        let stream = stream.expect("a connection");
        state.open.insert(id, stream.try_clone().expect("a second handle"));
        drop(state);
        let shared = Arc::clone(shared);
        serving.push(std::thread::spawn(move || {
            // An error is a client that went away: its test sees it from the other side.
            let _ = serve(&stream, &shared);
            // Both handles close: FIN, or RST where that was set. A shutdown would send FIN in any case.
            shared.lock().open.remove(&id);
        }));
    }
    for thread in serving {
        thread.join().expect("a connection's thread");
    }
}

struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader)? {
        if !answer(stream, shared, request)? {
            return Ok(());
        }
    }
    Ok(())
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut parts = line.split_whitespace().map(str::to_owned);
    let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    // As a proxy it is given the whole URL.
    let target =
        target.strip_prefix("http://").and_then(|url| url.find('/').map(|at| &url[at..])).unwrap_or(&target);
    let path = target.split('?').next().unwrap_or_default().to_owned();
    let mut request = Request { method, path, headers: Vec::new(), body: Vec::new() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((key, value)) = line.trim_end().split_once(':') else { break };
        request.headers.push((key.to_owned(), value.trim().to_owned()));
    }
    request.body = if request.header("Transfer-Encoding").is_some_and(|value| value.contains("chunked")) {
        read_chunks(reader)?
    } else {
        let length = request.header("Content-Length").and_then(|length| length.parse().ok()).unwrap_or(0);
        read_exactly(reader, length)?
    };
    Ok(Some(request))
}

fn read_exactly(reader: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    // What is too long for the judge is read no further.
    let mut body = Vec::new();
    reader.take(length.min(BODY_BYTES_MAX + 1) as u64).read_to_end(&mut body)?;
    if body.len() < length.min(BODY_BYTES_MAX + 1) {
        Err(io::ErrorKind::UnexpectedEof.into())
    } else {
        Ok(body)
    }
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
        body.extend(read_exactly(reader, length)?);
        reader.read_line(&mut String::new())?;
        if length == 0 || body.len() > BODY_BYTES_MAX {
            return Ok(body);
        }
    }
}

/// What is sent, as text on the wire.
struct Answer {
    status: u16,
    body: String,
    content_type: &'static str,
    headers: Vec<(String, String)>,
}

impl Answer {
    fn of(verdict: &Verdict) -> Self {
        Self {
            status: verdict.status,
            body: verdict.body.clone(),
            content_type: verdict.content_type(),
            headers: Vec::new(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { status, body, content_type, headers } = self;
        let mut head = format!("HTTP/1.1 {status} -\r\nContent-Type: {content_type}\r\n");
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        for (key, value) in headers {
            head.push_str(&format!("{key}: {value}\r\n"));
        }
        format!("{head}\r\n{body}").into_bytes()
    }
}

/// Answers, and says whether the connection goes on.
fn answer(mut stream: &TcpStream, shared: &Shared, request: Request) -> io::Result<bool> {
    let at = Instant::now();
    shared.wait_while_held();
    let fault = shared.lock().next_fault(&request.path);
    let (verdict, truth) = truth(shared, &request, fault.as_ref());
    let fault = fault.unwrap_or_else(Fault::pass);
    let last = request.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let goes_on = shared.pause(fault.delay) && !last;
    let sent = match &fault.what {
        What::Answer { status, body, headers } => Some(scripted(*status, body.as_deref(), headers)),
        What::Pass | What::Slow(_) | What::CloseAfter(_) => Some(truth),
        What::Hang | What::Reset | What::Close => None,
    };
    let whole = !matches!(fault.what, What::CloseAfter(_));
    shared.record(Received {
        message: verdict.message.clone().filter(|_| fault.delivered),
        answered: sent.as_ref().filter(|_| whole).map(|sent| sent.status),
        verdict,
        at,
        method: request.method,
        path: request.path,
        headers: request.headers,
        body: request.body,
    });
    let bytes = sent.map(|sent| sent.bytes()).unwrap_or_default();
    match fault.what {
        What::Pass | What::Answer { .. } => stream.write_all(&bytes)?,
        What::Hang => {
            shared.pause(Duration::MAX);
            return Ok(false);
        }
        What::Reset => {
            rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO))?;
            return Ok(false);
        }
        What::Close => return Ok(false),
        What::Slow(over) => return Ok(drip(stream, shared, &bytes, over)? && goes_on),
        What::CloseAfter(length) => {
            stream.write_all(&bytes[..length.min(bytes.len())])?;
            return Ok(false);
        }
    }
    Ok(goes_on)
}

/// What Slack would say, and the same on the wire.
fn truth(shared: &Shared, request: &Request, fault: Option<&Fault>) -> (Verdict, Answer) {
    let Request { method, path, body, .. } = request;
    let verdict = judge(method, path, request.header("Content-Type"), body);
    let counts = fault.is_none_or(|fault| matches!(fault.what, What::Pass));
    if counts && misdirected(method, path, body.len()).is_none() {
        let now = Time::EPOCH + shared.began.elapsed();
        if let Some(wait) = shared.lock().over_rate(path, now) {
            let (verdict, secs) = rate_limited(&verdict, wait);
            let headers = vec![("Retry-After".to_owned(), secs.to_string())];
            let answer = Answer { headers, ..Answer::of(&verdict) };
            return (verdict, answer);
        }
    }
    let answer = Answer::of(&verdict);
    (verdict, answer)
}

fn scripted(status: u16, body: Option<&str>, headers: &[(String, String)]) -> Answer {
    let usual = match status {
        200 => "ok",
        400 => "invalid_payload",
        403 => "action_prohibited",
        404 => "no_service",
        410 => "channel_is_archived",
        429 => r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#,
        500 => "rollup_error",
        _ => "",
    };
    let body = body.unwrap_or(usual).to_owned();
    let content_type = if body.starts_with('{') { "application/json" } else { "text/html" };
    Answer { status, body, content_type, headers: headers.to_vec() }
}

fn drip(mut stream: &TcpStream, shared: &Shared, bytes: &[u8], over: Duration) -> io::Result<bool> {
    let step = over / u32::try_from(bytes.len().max(1)).unwrap_or(u32::MAX);
    for byte in bytes {
        stream.write_all(&[*byte])?;
        if !shared.pause(step) {
            return Ok(false);
        }
    }
    Ok(true)
}
