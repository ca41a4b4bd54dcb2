//! A client's end of a connection that breaks where a test wants it to.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// When and how a link breaks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) side: Side,
    /// How many bytes have gone that way before.
    pub(crate) after: usize,
    pub(crate) manner: Manner,
}

/// Which bytes are counted, and which of them stop coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    ToServer,
    ToClient,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// What was sent still comes, then the end; a write fails.
    Fin,
    /// Both sides fail at once.
    Reset,
    /// The other direction goes on. To the client it is an end; to the server the bytes just vanish.
    Half,
}

/// What goes over all links of a server.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) connections: AtomicUsize,
    pub(crate) open: AtomicUsize,
    /// The most that were open at the same time.
    pub(crate) peak: AtomicUsize,
    /// Bytes to the server and to the client.
    pub(crate) bytes: [AtomicUsize; 2],
}

pub(crate) struct Link {
    inner: Option<DuplexStream>,
    cut: Option<Cut>,
    counts: [usize; 2],
    traffic: Arc<Traffic>,
}

impl Link {
    pub(crate) fn new(inner: DuplexStream, cut: Option<Cut>, traffic: &Arc<Traffic>) -> Self {
        traffic.connections.fetch_add(1, Ordering::Relaxed);
        let open = traffic.open.fetch_add(1, Ordering::Relaxed) + 1;
        traffic.peak.fetch_max(open, Ordering::Relaxed);
        Self { inner: Some(inner), cut, counts: [0; 2], traffic: Arc::clone(traffic) }
    }

    /// Returns how many bytes may still go this way.
    fn left(&self, side: Side) -> usize {
        match self.cut {
            Some(cut) if cut.side == side => cut.after - self.counts[side as usize],
            _ => usize::MAX,
        }
    }

    fn count(&mut self, side: Side, bytes: usize) {
        self.counts[side as usize] += bytes;
        self.traffic.bytes[side as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    fn is(&self, manner: Manner) -> bool {
        self.cut.is_some_and(|cut| cut.manner == manner)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.traffic.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl AsyncRead for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.left(Side::ToClient);
        if left == 0 && !self.is(Manner::Half) {
            self.inner = None;
        }
        let is_reset = self.is(Manner::Reset);
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(if is_reset { Err(io::ErrorKind::ConnectionReset.into()) } else { Ok(()) });
        };
        if left == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut some = buffer.take(left);
        ready!(Pin::new(inner).poll_read(cx, &mut some))?;
        // The part was initialized by the read into it.
        let bytes = some.filled().to_vec();
        buffer.put_slice(&bytes);
        self.count(Side::ToClient, bytes.len());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.left(Side::ToServer);
        if left == 0 {
            match self.cut.map(|cut| cut.manner) {
                Some(Manner::Half) => return Poll::Ready(Ok(bytes.len())),
                Some(Manner::Reset) => self.inner = None,
                _ => {
                    if let Some(inner) = &mut self.inner {
                        ready!(Pin::new(inner).poll_shutdown(cx))?;
                    }
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                }
            }
        }
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        };
        let written = ready!(Pin::new(inner).poll_write(cx, &bytes[..bytes.len().min(left)]))?;
        self.count(Side::ToServer, written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
