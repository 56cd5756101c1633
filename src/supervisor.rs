//! What the service manager is told of us: datagrams to the socket that systemd names in the environment, as
//! [sd_notify(3)](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html) has them. Where nobody named
//! a socket, nothing is told.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::pulse::Pulse;

type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The service manager that started us, if one did.
#[derive(Debug, Default)]
pub struct Supervisor {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
    /// That it can't be told anything is said once.
    complained: AtomicBool,
}

impl Supervisor {
    /// The one that the environment names.
    pub fn from_env(env: Env<'_>) -> Self {
        let Some(name) = env("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return Self::default() };
        let opened = address(&name).and_then(|address| {
            let socket = UnixDatagram::unbound()?;
            // A word that finds no room is lost: whoever listens is in trouble, and reading goes on.
            socket.set_nonblocking(true)?;
            Ok((socket, address))
        });
        match opened {
            Ok(socket) => Self { socket: Some(socket), watchdog: watchdog(env), ..Self::default() },
            Err(error) => {
                tracing::warn!(socket = %name.display(), %error, "the service manager's socket is none");
                Self::default()
            }
        }
    }

    /// Lines are read from now on.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// A changed configuration is being read; what follows is [`ready`](Self::ready), whatever comes of it.
    pub fn reloading(&self) {
        // The service manager tells by it whether this is the answer to its own signal.
        let now = clock_gettime(ClockId::Monotonic);
        let micros = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=reading the configuration again"));
    }

    /// Nothing more is read.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=delivering what waits");
    }

    /// How often whoever shows a pulse must show it for the watchdog; `None`: nobody asks.
    pub fn pulse_every(&self) -> Option<Duration> {
        self.watchdog.map(|watchdog| watchdog / 4)
    }

    /// Tells the watchdog that all is well, as long as `pulse` beats, until it is dropped.
    pub async fn watch(&self, pulse: &Pulse) -> Infallible {
        let Some(watchdog) = self.watchdog else { return std::future::pending().await };
        let mut seen = pulse.count();
        self.tell("WATCHDOG=1");
        loop {
            tokio::time::sleep(watchdog / 2).await;
            if pulse.goes_on_since(&mut seen) {
                self.tell("WATCHDOG=1");
            }
        }
    }

    fn tell(&self, words: &str) {
        let Some((socket, address)) = &self.socket else { return };
        if let Err(error) = socket.send_to_addr(words.as_bytes(), address)
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(%error, "the service manager can't be told that all is well");
        }
    }
}

/// A path, or, after an `@`, a name that is no file's.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name),
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(name)
        }
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "neither a path nor an abstract name")),
    }
}

/// How long the watchdog waits for a word, if it waits for ours.
fn watchdog(env: Env<'_>) -> Option<Duration> {
    let number = |name: &str| env(name)?.to_str()?.parse::<u64>().ok();
    let ours = env("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(u64::from(std::process::id()));
    number("WATCHDOG_USEC").filter(|micros| ours && *micros > 0).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(all: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
        move |asked| all.iter().find(|(name, _)| *name == asked).map(|(_, value)| OsString::from(value))
    }

    #[test]
    fn a_watchdog_is_ours_if_it_says_so() {
        for (all, expected) in [
            (&[("WATCHDOG_USEC", "3000000")][..], Some(Duration::from_secs(3))),
            (&[("WATCHDOG_USEC", "3000000"), ("WATCHDOG_PID", "1")], None),
            (&[("WATCHDOG_USEC", "0")], None),
            (&[("WATCHDOG_USEC", "soon")], None),
            (&[("WATCHDOG_PID", "1")], None),
        ] {
            assert_eq!(watchdog(&env(all)), expected, "{all:?}");
        }
    }

    #[test]
    fn a_socket_that_is_none_is_no_reason_to_fail() {
        for name in ["relative", "vsock:2:1234", "/no/such/socket", ""] {
            let env = move |asked: &str| (asked == "NOTIFY_SOCKET").then(|| OsString::from(name));
            let supervisor = Supervisor::from_env(&env);
            supervisor.ready("ready");
            supervisor.stopping();
            assert_eq!(supervisor.pulse_every(), None);
        }
    }
}
