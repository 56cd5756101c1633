//! `sink` over real sockets, and the scripted receiver that other tests rely on.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use hooktail::rate::Rate;
use hooktail::sink::{Counts, Options, Receiver as Sink, SAMPLE_PATH};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::client::{get, post, request};
use crate::receiver::{Fault, HOOK, Receiver};

const PATIENCE: Duration = Duration::from_secs(20);
const MESSAGE: &str =
    r##"{"text":"<!here> x","attachments":[{"color":"#a30200","fallback":"x","text":"y"}]}"##;

/// A sink on a runtime of its own, for a test that blocks.
pub(crate) struct Running {
    runtime: Runtime,
    sink: Option<Sink>,
}

impl Running {
    pub(crate) fn start(options: Options) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let sink = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            Sink::start(listener, options).expect("a listener with an address")
        });
        Self { runtime, sink: Some(sink) }
    }

    pub(crate) fn sink(&self) -> &Sink {
        self.sink.as_ref().expect("it is running")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.sink().url() + path
    }

    /// Waits until a page has shown request `seq` and waits for the next.
    pub(crate) fn wait_for_viewer(&self, seq: u64) {
        let mut viewers = self.sink().viewers();
        self.runtime.block_on(async {
            let waiting = viewers.wait_for(|viewers| viewers.waiting > 0 && viewers.seen >= seq);
            let waiting = tokio::time::timeout(PATIENCE, waiting).await.expect("a page that waits");
            waiting.expect("a sink that runs");
        });
    }

    pub(crate) fn stop(mut self) -> Counts {
        let sink = self.sink.take().expect("it is running");
        self.runtime.block_on(sink.stop()).expect("it served")
    }
}

fn one_a_second() -> Rate {
    Rate { number: NonZeroU32::MIN, per: Duration::from_secs(1), burst: NonZeroU32::MIN }
}

fn messages(running: &Running, query: &str) -> Value {
    let answer = get(&running.url(&format!("/messages.json{query}"))).expect("an answer");
    serde_json::from_str(&answer.body).expect("JSON")
}

#[test]
fn a_post_is_answered_kept_and_told() {
    let running = Running::start(Options::default());
    let mut arrivals = running.sink().subscribe();
    let answer = post(&running.sink().webhook_url(), MESSAGE).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    let told = arrivals.try_recv().unwrap();
    assert_eq!(told.verdict.message.as_ref().unwrap().text, "<!here> x");
    assert_eq!((told.seq, told.hook.as_str()), (1, "/services/T00000000/B00000000/…"));
    let kept = messages(&running, "?since=0");
    assert_eq!(kept["messages"][0]["message"]["text"], "<!here> x");
    assert_eq!((&kept["newest"], &kept["accepted"], &kept["refused"]), (&1.into(), &1.into(), &0.into()));
    assert_eq!(messages(&running, "?since=1")["messages"], serde_json::json!([]));
    assert_eq!(running.stop(), Counts { accepted: 1, refused: 0 });
}

#[test]
fn a_refusal_is_slacks_word_and_is_shown() {
    let running = Running::start(Options::default());
    for (path, body, status, word) in [
        (SAMPLE_PATH, "{", 400, "invalid_payload"),
        (SAMPLE_PATH, r#"{"text":""}"#, 400, "no_text"),
        ("/services/T00000000/B00000000/x", MESSAGE, 403, "invalid_token"),
        ("/elsewhere", MESSAGE, 404, "no_service"),
        ("/", MESSAGE, 404, "no_service"),
    ] {
        let answer = post(&running.url(path), body).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (status, word));
    }
    let answer = request("PUT", &running.sink().webhook_url(), &[], "").unwrap();
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(get(&running.sink().webhook_url()).unwrap().status, 405);
    let page = get(&running.url("/")).unwrap().body;
    assert!(page.contains("<code>no_text</code>"), "{page}");
    assert_eq!(running.stop(), Counts { accepted: 0, refused: 7 });
}

#[test]
fn a_body_that_is_too_long_is_refused() {
    let running = Running::start(Options::default());
    let url = running.sink().webhook_url();
    let text = "x".repeat(5 << 20);
    // The answer may come while the body is still being sent, and the connection end then.
    if let Ok(answer) = post(&url, &format!(r#"{{"text":"{text}"}}"#)) {
        assert_eq!(answer.status, 413);
    }
    assert_eq!(running.stop(), Counts { accepted: 0, refused: 1 });
}

#[test]
fn each_webhook_has_its_rate() {
    let running = Running::start(Options { rate: Some(one_a_second()), ..Options::default() });
    let url = running.sink().webhook_url();
    let other = running.url("/services/T00000000/B11111111/XXXX");
    assert_eq!(post(&url, MESSAGE).unwrap().status, 200);
    let limited = post(&url, MESSAGE).unwrap();
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("1")));
    assert_eq!(limited.header("content-type"), Some("application/json"));
    assert_eq!(limited.body, r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#);
    assert_eq!(post(&other, MESSAGE).unwrap().status, 200);
}

#[test]
fn what_is_kept_is_bounded() {
    let running = Running::start(Options { kept_max: 3, ..Options::default() });
    for _ in 0..5 {
        post(&running.sink().webhook_url(), MESSAGE).unwrap();
    }
    let kept = messages(&running, "");
    let seqs: Vec<_> = kept["messages"].as_array().unwrap().iter().map(|each| each["seq"].clone()).collect();
    assert_eq!(seqs, [3, 4, 5]);
}

#[test]
fn a_question_is_held_until_something_comes_or_the_end() {
    let running = Running::start(Options::default());
    let ask = |since: u64| {
        let url = running.url(&format!("/messages.json?since={since}&wait=25"));
        std::thread::spawn(move || serde_json::from_str::<Value>(&get(&url).unwrap().body).unwrap())
    };
    let first = ask(0);
    running.wait_for_viewer(0);
    post(&running.sink().webhook_url(), MESSAGE).unwrap();
    assert_eq!(first.join().unwrap()["newest"], 1);
    let second = ask(1);
    running.wait_for_viewer(1);
    let begin = Instant::now();
    running.stop();
    assert_eq!(second.join().unwrap()["messages"], serde_json::json!([]));
    assert!(begin.elapsed() < PATIENCE);
}

#[test]
fn the_page_forbids_what_is_not_its_own() {
    let running = Running::start(Options::default());
    for path in ["/", "/page.css", "/page.js", "/messages.json"] {
        let answer = get(&running.url(path)).unwrap();
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(!answer.body.contains(" style=\"") && !answer.body.contains("https://"), "{path}");
    }
    let page = get(&running.url("/")).unwrap().body;
    assert!(page.contains(&running.sink().webhook_url()) && !page.contains("{{"), "{page}");
    assert_eq!(get(&running.url("/favicon.ico")).unwrap().status, 404);
}

#[test]
fn a_name_that_only_leads_here_gets_nothing() {
    let running = Running::start(Options::default());
    for (host, status) in [
        ("evil.example", 403),
        ("evil.example:80", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost", 200),
        ("localhost:8089", 200),
        ("[::1]:8089", 200),
        ("127.0.0.1:1", 200),
    ] {
        for path in ["/", "/messages.json"] {
            let answer = request("GET", &running.url(path), &[("Host", host)], "").unwrap();
            assert_eq!(answer.status, status, "{host}{path}");
        }
    }
}

#[test]
fn a_client_that_never_ends_its_request_does_not_hold_up_the_end() {
    let running = Running::start(Options::default());
    let mut stream = TcpStream::connect(running.sink().address()).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf").unwrap();
    let begin = Instant::now();
    running.stop();
    assert!(begin.elapsed() < PATIENCE);
}

#[test]
fn the_scripted_receiver_judges_and_records() {
    let receiver = Receiver::start();
    let answer = post(&receiver.url(HOOK), MESSAGE).unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
    assert_eq!(post(&receiver.url(HOOK), "{}").unwrap().status, 400);
    let received = receiver.wait_for(2, PATIENCE);
    assert_eq!((received[0].method.as_str(), received[0].path.as_str()), ("POST", HOOK));
    assert_eq!(received[0].body, MESSAGE.as_bytes());
    assert!(received[0].headers.contains(&("Content-Type".into(), "application/json".into())));
    assert!(received[0].at <= received[1].at);
    assert_eq!(received[1].verdict.body, "missing_text_or_fallback_or_attachments");
    assert_eq!(receiver.mentions(), [("text".into(), "<!here>".into())]);
    assert_eq!(receiver.wait_for_messages(1, PATIENCE)[0].text, "<!here> x");
}

#[test]
fn faults_come_in_order_each_path_its_own() {
    let receiver = Receiver::start();
    let other = "/services/T00000000/B11111111/XXXX";
    receiver.script(
        HOOK,
        [
            Fault::status(500).times(2),
            Fault::pass(),
            Fault::rate_limited("7"),
            Fault::redirect("http://127.0.0.1:1/"),
            Fault::status(404).body("no_active_hooks"),
        ],
    );
    let told = |_| {
        let answer = post(&receiver.url(HOOK), MESSAGE).unwrap();
        let header = answer.header("retry-after").or(answer.header("location")).unwrap_or("").to_owned();
        (answer.status, answer.body, header)
    };
    let all: Vec<_> = (0..7).map(told).collect();
    let all: Vec<_> =
        all.iter().map(|(status, body, header)| (*status, body.as_str(), header.as_str())).collect();
    assert_eq!(
        all,
        [
            (500, "rollup_error", ""),
            (500, "rollup_error", ""),
            (200, "ok", ""),
            (429, r#"{"retry_after":1,"ok":false,"error":"rate_limited"}"#, "7"),
            (302, "", "http://127.0.0.1:1/"),
            (404, "no_active_hooks", ""),
            (200, "ok", ""),
        ]
    );
    assert_eq!(post(&receiver.url(other), MESSAGE).unwrap().status, 200);
    assert_eq!(receiver.messages().len(), 3);
    receiver.script("/services/T00000000/*", [Fault::status(503).always()]);
    assert_eq!(post(&receiver.url(other), MESSAGE).unwrap().status, 503);
    assert_eq!(post(&receiver.url(HOOK), MESSAGE).unwrap().status, 503);
}

#[test]
fn faults_of_the_connection() {
    let receiver = Receiver::start();
    receiver.script(
        HOOK,
        [Fault::reset(), Fault::close(), Fault::close_after(10), Fault::reset().delivered(), Fault::hang()],
    );
    let url = receiver.url(HOOK);
    assert_eq!(post(&url, MESSAGE).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(post(&url, MESSAGE).unwrap_err().kind(), ErrorKind::Other);
    assert_eq!(post(&url, MESSAGE).unwrap_err().kind(), ErrorKind::Other);
    assert_eq!(receiver.messages().len(), 1, "what was cut short counts as posted");
    assert_eq!(post(&url, MESSAGE).unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(receiver.messages().len(), 2);
    let hanging = std::thread::spawn(move || post(&url, MESSAGE).is_err());
    let received = receiver.wait_for(5, PATIENCE);
    assert!(received.iter().all(|each| each.answered.is_none()));
    drop(receiver);
    assert!(hanging.join().unwrap(), "the end of the receiver ends what hangs");
}

#[test]
fn slow_and_late_answers_are_whole() {
    let receiver = Receiver::start();
    let (over, late) = (Duration::from_millis(100), Duration::from_millis(50));
    receiver.script(HOOK, [Fault::slow(over), Fault::pass().after(late)]);
    for least in [over / 2, late] {
        let begin = Instant::now();
        let answer = post(&receiver.url(HOOK), MESSAGE).unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "ok"));
        assert!(begin.elapsed() >= least);
    }
    assert_eq!(receiver.received()[0].answered, Some(200));
}

#[test]
fn the_scripted_receiver_limits_where_it_is_told_to() {
    let receiver = Receiver::start();
    receiver.limit("/services/*", one_a_second());
    receiver.script(HOOK, [Fault::status(500)]);
    let statuses: Vec<_> = (0..3).map(|_| post(&receiver.url(HOOK), MESSAGE).unwrap().status).collect();
    assert_eq!(statuses, [500, 200, 429], "a fault takes nothing from the rate");
    assert_eq!(receiver.messages().len(), 1);
}

#[test]
fn a_connection_is_kept_and_chunks_are_read() {
    let receiver = Receiver::start();
    let mut stream = TcpStream::connect(receiver.url("").trim_start_matches("http://")).unwrap();
    let request = format!(
        "POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\n{{\"tex\r\n8\r\nt\": \"x\"}}\r\n0\r\n\r\n"
    );
    for count in 1..=2 {
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\nok") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        assert_eq!(receiver.messages().len(), count);
    }
}
