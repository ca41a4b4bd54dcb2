use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::Endpoint;

/// A TCP connection that waits for nobody: it sends what it is given at once, and while it is young it acknowledges at
/// once too.
///
/// Postfix says its first words inside TLS only when the end of its handshake is acknowledged; Linux puts that off by
/// 40 ms, and goes back to putting it off after each write.
pub(super) struct Tcp {
    stream: TcpStream,
    /// How many writes are left after which it acknowledges at once.
    eager: u8,
}

impl Tcp {
    pub(super) async fn connect(server: &Endpoint) -> io::Result<Self> {
        let stream = TcpStream::connect((server.host(), server.port())).await?;
        // A request is written in one go; waiting for the last one's acknowledgement costs 40 ms each.
        stream.set_nodelay(true)?;
        Ok(Self { stream, eager: YOUTH })
    }

    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() && self.eager > 0 {
            self.eager -= 1;
            // Without it everything is slower and nothing is wrong.
            #[cfg(any(target_os = "linux", target_os = "android"))]
            let _ = self.stream.set_quickack(true);
        }
        written
    }
}

impl AsyncRead for Tcp {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// STARTTLS needs five writes up to the first one inside TLS.
const YOUTH: u8 = 8;
