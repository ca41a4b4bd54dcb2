use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};

use super::{Fault, Stream};

/// A stream and what was read of it ahead.
pub(crate) type Buffered = BufReader<Stream>;

/// Puts a small buffer before a stream; big reads go past it.
pub(crate) fn buffered(stream: Stream) -> Buffered {
    BufReader::with_capacity(BUFFER, stream)
}

/// A stream without its buffer: what was read ahead comes first.
pub(crate) struct Unread {
    ahead: Vec<u8>,
    stream: Stream,
}

impl From<Buffered> for Unread {
    fn from(buffered: Buffered) -> Self {
        Self { ahead: buffered.buffer().to_vec(), stream: buffered.into_inner() }
    }
}

impl AsyncRead for Unread {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let count = self.ahead.len().min(buf.remaining());
        let rest = self.ahead.split_off(count);
        buf.put_slice(&std::mem::replace(&mut self.ahead, rest));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Unread {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Reads one line of at most `limit` bytes and returns it without its CR LF.
///
/// A line that ends in a lone LF is no line: two programs may see two different answers in it.
pub(crate) async fn read_line(stream: &mut Buffered, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut line = Vec::new();
    loop {
        let ahead = stream.fill_buf().await?;
        if ahead.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let end = ahead.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(ahead.len(), |end| end + 1);
        if line.len() + taken > limit {
            return Err(Fault::Protocol(format!("a line is longer than {limit} bytes")));
        }
        line.extend_from_slice(&ahead[..taken]);
        stream.consume(taken);
        if end.is_some() {
            break;
        }
    }
    let inner = line.len().saturating_sub(2);
    if line[inner..] != *b"\r\n" || line[..inner].iter().any(|byte| b"\r\0".contains(byte)) {
        return Err(Fault::Protocol("a line doesn't end in CR LF, or holds a lone CR or a NUL".into()));
    }
    line.truncate(inner);
    Ok(line)
}

/// Sends a request: all of it in one go, and only if the server has nothing to say first.
///
/// An answer that is there before its question would be taken for the answer of the next one.
pub(crate) async fn write(stream: &mut Buffered, request: &[u8]) -> Result<(), Fault> {
    if !stream.buffer().is_empty() {
        return Err(Fault::Protocol("it came before the question".into()));
    }
    stream.write_all(request).await?;
    stream.flush().await?;
    Ok(())
}

/// Tells whether the stream is open and the server silent, as far as is known without asking it.
pub(crate) fn is_quiet(stream: &mut Buffered) -> bool {
    stream.fill_buf().now_or_never().is_none()
}

/// A session that waits for mail holds this buffer all the time.
const BUFFER: usize = 1024;

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn lines_end_in_crlf_and_nothing_else() {
        for (sent, line) in [
            (&b"250 ok\r\nmore"[..], Some("250 ok")),
            (b"\r\n", Some("")),
            (b"250 ok\n", None),
            (b"\n", None),
            (b"250\rok\r\n", None),
            (b"250\0ok\r\n", None),
            (b"250 o", None),
            (b"", None),
            (b"250 0123456789\r\n", None),
        ] {
            let (here, mut there) = tokio::io::duplex(64);
            there.write_all(sent).await.unwrap();
            drop(there);
            let mut stream = buffered(Box::new(here));
            let read = read_line(&mut stream, 14).await.ok();
            assert_eq!(read.as_deref(), line.map(str::as_bytes), "{:?}", String::from_utf8_lossy(sent));
        }
    }

    #[tokio::test]
    async fn what_was_read_ahead_comes_first() {
        for room in [1, 2, 100] {
            let (here, mut there) = tokio::io::duplex(64);
            there.write_all(b"a line\r\nthe rest").await.unwrap();
            let mut stream = buffered(Box::new(here));
            read_line(&mut stream, 14).await.unwrap();
            let mut unread = Unread::from(stream);
            there.write_all(b" and more").await.unwrap();
            drop(there);
            let (mut read, mut piece) = (Vec::new(), vec![0; room]);
            while let Ok(count @ 1..) = unread.read(&mut piece).await {
                read.extend_from_slice(&piece[..count]);
            }
            assert_eq!(String::from_utf8(read).unwrap(), "the rest and more", "{room}");
        }
    }

    #[tokio::test]
    async fn quiet_is_open_and_silent() {
        let (here, mut there) = tokio::io::duplex(64);
        let mut stream = buffered(Box::new(here));
        assert!(is_quiet(&mut stream));
        assert!(write(&mut stream, b"NOOP\r\n").await.is_ok());
        there.write_all(b"421 bye\r\n").await.unwrap();
        assert!(!is_quiet(&mut stream));
        assert!(matches!(write(&mut stream, b"NOOP\r\n").await, Err(Fault::Protocol(_))));
        drop(there);
        let (here, there) = tokio::io::duplex(64);
        drop(there);
        assert!(!is_quiet(&mut buffered(Box::new(here))));
    }
}
