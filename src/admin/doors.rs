//! Where the agent can be asked: opened before it starts, so that what is wrong with that is told at once.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use rustix::process::umask;

use super::AdminSpec;

/// The socket's name in the state directory.
pub const SOCKET: &str = "admin.sock";

/// What is open.
#[derive(Debug)]
pub struct Doors {
    pub(super) network: Option<(TcpListener, AdminSpec)>,
    pub(super) socket: Option<Socket>,
}

/// The local socket; it is gone with the value.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Whoever wants its place next removes what is left.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Why the agent does not start.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// Somebody else listens there.
    #[error(
        "`admin.listen`: {listen} is in use by another program\nhelp: stop that one (`ss -ltnp` shows it), or write another address"
    )]
    InUse {
        /// The address.
        listen: SocketAddr,
    },
    /// The system refuses.
    #[error(
        "`admin.listen`: can't listen on {listen}: {error}\nhelp: write an address of this machine, with a port above 1023"
    )]
    Refused {
        /// The address.
        listen: SocketAddr,
        /// Why.
        error: io::Error,
    },
}

impl Doors {
    /// Listens where `admin` says, and at the socket, whose place is this process's; `None`: nowhere.
    ///
    /// # Errors
    /// The address can't be listened on. Without the socket the agent does what it is for: that is logged.
    pub fn open(admin: Option<&AdminSpec>, path: Option<&Path>) -> Result<Option<Self>, DoorError> {
        let network = admin.map(listen).transpose()?;
        let socket = path.and_then(|path| match socket(path) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!(%error, socket = %path.display(),
                    "there is no socket: `hooktail status` and `silence` can't reach this agent");
                None
            }
        });
        let any = network.is_some() || socket.is_some();
        Ok(any.then_some(Self { network, socket }))
    }
}

fn listen(admin: &AdminSpec) -> Result<(TcpListener, AdminSpec), DoorError> {
    let listen = admin.listen;
    let bound = TcpListener::bind(listen).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    match bound {
        Ok(listener) => Ok((listener, admin.clone())),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(DoorError::InUse { listen }),
        Err(error) => Err(DoorError::Refused { listen, error }),
    }
}

fn socket(path: &Path) -> io::Result<Socket> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    // Whoever may write to it gives orders. Nothing else of the process makes files yet.
    let before = umask(Mode::from_raw_mode(0o177));
    let bound = UnixListener::bind(path);
    umask(before);
    let listener = bound?;
    listener.set_nonblocking(true)?;
    Ok(Socket { listener, path: path.to_owned() })
}
