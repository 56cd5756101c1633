//! `hooktail sink`: a local receiver that behaves as Slack does, with a live page.
//!
//! It takes `blocks` without checking or drawing them, and says so with the message.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;

use super::screen;
use crate::message::draw::{self, Style};
use crate::rate::Rate;
use crate::sink::{Counts, Options, Received, Receiver};

/// The options of `hooktail sink`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SinkArgs {
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8089")]
    listen: SocketAddr,

    /// Messages a second that each webhook takes before it answers 429, as Slack does; 0: any number
    #[arg(long, value_name = "N", default_value_t = 1)]
    rate: u32,

    /// How many may come at once
    #[arg(long, value_name = "N", default_value = "1")]
    burst: NonZeroU32,

    /// Print each request as one line of JSON, instead of drawing it
    #[arg(long)]
    json: bool,
}

/// Why the receiver ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub(super) enum SinkError {
    /// The address can't be had.
    #[error(
        "can't listen on {address}\nhelp: another program may have it; `--listen 127.0.0.1:0` takes any free port"
    )]
    Listen {
        /// The one that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The signals can't be listened for.
    #[error("can't wait for signals")]
    Signals(#[source] io::Error),
    /// Serving failed.
    #[error("the receiver failed")]
    Serve(#[source] io::Error),
    /// Standard output can't be written.
    #[error("can't write to standard output")]
    Output(#[source] io::Error),
}

/// Receives until SIGINT or SIGTERM, and says what came. Standard output's reader going away ends it too, well.
///
/// # Errors
/// The address is taken, or standard output fails.
pub(super) async fn run(args: SinkArgs) -> Result<(), SinkError> {
    let address = args.listen;
    let listener =
        TcpListener::bind(address).await.map_err(|source| SinkError::Listen { address, source })?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "not a loopback address: whoever reaches it can post and read the messages");
    }
    let rate = NonZeroU32::new(args.rate).map(|number| Rate {
        number,
        per: Duration::from_secs(1),
        burst: args.burst,
    });
    let receiver =
        Receiver::start(listener, Options { rate, ..Options::default() }).map_err(SinkError::Serve)?;
    let told = tell_all(&receiver, args.json).await;
    let counts = receiver.stop().await.map_err(SinkError::Serve)?;
    match told {
        Err(SinkError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        other => other?,
    }
    print(args.json, &format!("{}\n", count(counts)))
}

/// Tells of each request until a signal.
async fn tell_all(receiver: &Receiver, as_json: bool) -> Result<(), SinkError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(SinkError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(SinkError::Signals)?;
    let mut arrivals = receiver.subscribe();
    print(as_json, &greeting(receiver))?;
    loop {
        let arrival = tokio::select! {
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            arrival = arrivals.recv() => arrival,
        };
        let text = match arrival {
            Ok(received) if as_json => line(&received),
            Ok(received) => drawn(&received, &screen::stdout_style()),
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "requests came faster than they could be printed");
                continue;
            }
            Err(RecvError::Closed) => return Ok(()),
        };
        write(&mut io::stdout().lock(), &text)?;
    }
}

/// For people: on standard output, or on standard error where that is for a program.
fn print(as_json: bool, text: &str) -> Result<(), SinkError> {
    if as_json { write(&mut io::stderr().lock(), text) } else { write(&mut io::stdout().lock(), text) }
}

fn write(out: &mut impl Write, text: &str) -> Result<(), SinkError> {
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(SinkError::Output)
}

fn greeting(receiver: &Receiver) -> String {
    format!("page      {}/\nwebhook   {}\nCtrl-C ends it.\n\n", receiver.url(), receiver.webhook_url())
}

/// `3 messages posted, 1 refused`
fn count(counts: Counts) -> String {
    let plural = if counts.accepted == 1 { "" } else { "s" };
    format!("{} message{plural} posted, {} refused", counts.accepted, counts.refused)
}

/// A request as it is drawn, an empty line after it.
fn drawn(received: &Received, style: &Style) -> String {
    let verdict = &received.verdict;
    let mut out = match &verdict.message {
        Some(message) => draw::terminal(message, style),
        None => {
            let reasons = verdict.errors.join("; ");
            let plain = one_line(&format!("{} {}: {reasons}", verdict.status, verdict.body));
            let red = anstyle::AnsiColor::Red.on_default().bold();
            let (on, off) = if style.color {
                (red.render().to_string(), red.render_reset().to_string())
            } else {
                Default::default()
            };
            format!("{on}refused{off} {plain}\n")
        }
    };
    for remark in &verdict.lint {
        out.push_str(&format!("  note: {}\n", one_line(remark)));
    }
    out.push('\n');
    out
}

/// What a sender has named, so that it can't draw.
fn one_line(text: &str) -> String {
    draw::visible(text).replace('\n', "\\n")
}

fn line(received: &Received) -> String {
    let verdict = &received.verdict;
    let line = json!({
        "seq": received.seq,
        "at": received.at.to_rfc3339(),
        "hook": received.hook,
        "status": verdict.status,
        "answer": verdict.body,
        "errors": verdict.errors,
        "lint": verdict.lint,
        "message": verdict.message,
    });
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{SAMPLE_PATH, judge};
    use crate::time::Time;

    fn received(body: &str) -> Received {
        let verdict = judge("POST", SAMPLE_PATH, Some("application/json"), body.as_bytes());
        Received::new(7, Time::EPOCH, "/services/T00000000/B00000000/…", verdict)
    }

    const PLAIN: Style = Style { color: false, width: 80 };

    #[test]
    fn a_message_is_drawn_with_its_remarks() {
        assert_eq!(
            drawn(&received(r##"{"text":"<!here> x","attachments":[{"color":"red","text":"y"}]}"##), &PLAIN),
            "@here x\n▌ y\n  note: attachments[0].color: neither good, warning, danger nor #RRGGBB\n\n"
        );
    }

    #[test]
    fn a_refusal_says_why_and_nothing_in_it_acts() {
        assert_eq!(
            drawn(&received("{\"a\\u001bb\":1,\"a\\u001bb\":1}"), &PLAIN),
            "refused 400 invalid_payload: the body is no JSON: the key `a\\x1bb` stands twice at line 1 column 27\n\n"
        );
    }

    #[test]
    fn for_a_program_a_request_is_a_line() {
        let line = line(&received(r#"{"text":"a\nb"}"#));
        assert_eq!(line.matches('\n').count(), 1);
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&line["seq"], &line["status"]), (&json!(7), &json!(200)));
        assert_eq!(line["message"]["text"], "a\nb");
    }

    #[test]
    fn the_end_counts() {
        assert_eq!(count(Counts { accepted: 1, refused: 0 }), "1 message posted, 0 refused");
        assert_eq!(count(Counts { accepted: 2, refused: 3 }), "2 messages posted, 3 refused");
    }
}
