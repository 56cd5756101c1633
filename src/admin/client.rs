//! Asks an agent over its socket: one request on one connection.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The agent ends a connection sooner.
const PATIENCE: Duration = Duration::from_secs(15);

/// An answer is no longer than this.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody is there.
    #[error("no agent runs with the state directory `{}`\nhelp: start it, or name its directory with `--state-dir DIR` or `-c FILE`", directory(.0).display())]
    NotRunning(PathBuf),
    /// Somebody else's.
    #[error("the agent's socket `{}` is another user's\nhelp: run this as the user of the agent", .0.display())]
    NotOurs(PathBuf),
    /// The connection failed.
    #[error("failed to ask the agent")]
    Failed(#[from] io::Error),
    /// What came is no answer.
    #[error("the agent's answer can't be read; is it another version of hooktail?")]
    Unreadable,
    /// The agent says no.
    #[error("{0}")]
    Refused(String),
}

/// Asks the agent that listens at `socket`; returns the JSON that it answers.
///
/// # Errors
/// There is no answer, or the agent refuses.
pub fn ask(socket: &Path, method: &str, path: &str, body: &str) -> Result<serde_json::Value, ClientError> {
    let mut stream = UnixStream::connect(socket).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            ClientError::NotRunning(socket.to_owned())
        }
        io::ErrorKind::PermissionDenied => ClientError::NotOurs(socket.to_owned()),
        _ => ClientError::Failed(error),
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer)?;
    read(&answer)
}

/// Where the socket lies.
fn directory(socket: &Path) -> &Path {
    socket.parent().unwrap_or(socket)
}

/// The JSON of an answer whose body reaches to the end.
fn read(answer: &[u8]) -> Result<serde_json::Value, ClientError> {
    let answer = std::str::from_utf8(answer).map_err(|_| ClientError::Unreadable)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(ClientError::Unreadable)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
    let json: serde_json::Value = serde_json::from_str(body).map_err(|_| ClientError::Unreadable)?;
    match (status, json["error"].as_str()) {
        (Some(200..300), _) => Ok(json),
        (Some(_), Some(why)) => Err(ClientError::Refused(why.to_owned())),
        _ => Err(ClientError::Unreadable),
    }
}

/// `text` as one part of a path or a query.
pub fn in_url(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
