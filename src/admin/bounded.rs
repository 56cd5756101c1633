//! Connections with bounds: so many at once, each for so long. Each is for one request, so that a client that sends a byte
//! a second keeps nobody else out for longer than that.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};

/// More clients at once wait.
const CONNECTIONS_MAX: usize = 64;

/// From the connection to the last byte of the answer.
pub(super) const CONNECTION_FOR: Duration = Duration::from_secs(10);

/// A listener whose connections are bounded.
#[derive(Debug)]
pub(super) struct Bounded<L> {
    inner: L,
    places: Arc<Semaphore>,
}

impl<L> Bounded<L> {
    pub(super) fn new(inner: L) -> Self {
        Self { inner, places: Arc::new(Semaphore::new(CONNECTIONS_MAX)) }
    }
}

impl<L: Listener> Listener for Bounded<L> {
    type Io = Timed<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let place = self.places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (io, address) = self.inner.accept().await;
        (Timed::new(io, Some(place), CONNECTION_FOR), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection that ends after a time, whatever its client does.
#[derive(Debug)]
pub(super) struct Timed<S> {
    inner: S,
    end: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl<S> Timed<S> {
    fn new(inner: S, place: Option<OwnedSemaphorePermit>, lasts: Duration) -> Self {
        Self { inner, end: Box::pin(sleep(lasts)), _place: place }
    }

    /// `ready`, unless it is over.
    fn within<T>(&mut self, context: &mut Context<'_>, ready: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match self.end.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => ready,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.inner).poll_read(context, buffer);
        self.within(context, read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.within(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.within(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_client_that_never_ends_its_request_is_cut_off() {
        let (mut client, server) = tokio::io::duplex(4);
        let mut server = Timed::new(server, None, Duration::from_millis(20));
        client.write_all(b"GET").await.unwrap();
        let mut read = Vec::new();
        let kind = server.read_to_end(&mut read).await.unwrap_err().kind();
        assert_eq!((kind, &read[..]), (io::ErrorKind::TimedOut, &b"GET"[..]));
        assert_eq!(server.write_all(b"late").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn nor_does_one_that_reads_nothing_hold_a_place() {
        let (_client, server) = tokio::io::duplex(4);
        let mut server = Timed::new(server, None, Duration::from_millis(20));
        assert_eq!(server.write_all(b"more than fits").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
