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
use tokio::time::{Instant, Sleep, sleep_until};

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
        (Timed::new(io, Some(place)), address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.inner.local_addr()
    }
}

/// A connection that ends after [`CONNECTION_FOR`], whatever its client does.
#[derive(Debug)]
pub(super) struct Timed<S> {
    inner: S,
    end: Pin<Box<Sleep>>,
    _place: Option<OwnedSemaphorePermit>,
}

impl<S> Timed<S> {
    fn new(inner: S, place: Option<OwnedSemaphorePermit>) -> Self {
        Self { inner, end: Box::pin(sleep_until(Instant::now() + CONNECTION_FOR)), _place: place }
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

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_a_byte_a_second_is_cut_off() {
        let (mut client, server) = tokio::io::duplex(64);
        let mut server = Timed::new(server, None);
        let sending = async {
            for _ in 0..60 {
                client.write_all(b"x").await.unwrap();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let reading = async {
            let mut all = Vec::new();
            let error = server.read_to_end(&mut all).await.unwrap_err();
            (error.kind(), all.len())
        };
        let (kind, read) = tokio::select! { ended = reading => ended, () = sending => panic!("not cut off") };
        assert_eq!(kind, io::ErrorKind::TimedOut);
        assert!((9..=11).contains(&read), "{read}");
        assert_eq!(server.write_all(b"late").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
