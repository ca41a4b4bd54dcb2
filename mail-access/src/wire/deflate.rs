use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Stream, Violation};

/// A stream that is compressed both ways (RFC 4978): raw DEFLATE (RFC 1951), all of it at hand after each write.
///
/// What it keeps for a session that only waits is the window of what it inflates. Short writes are not compressed but
/// only framed, and for a long one there is a window only while it is encoded.
///
/// It reads no more at once than it is asked for, however much that inflates to.
pub(crate) struct DeflateStream {
    inner: Stream,
    inflate: Decompress,
    /// What was read and is not inflated, from `start` on up to `end`.
    read: Box<[u8]>,
    start: usize,
    end: usize,
    /// It may have more to give without more to read.
    is_full: bool,
    has_ended: bool,
    /// Where the answer under way began: bytes read, and bytes that they were inflated to.
    since: (u64, u64),
    /// What was encoded, and is sent from `sent` on.
    encoded: Vec<u8>,
    sent: usize,
}

impl DeflateStream {
    /// Begins to compress, where nothing of the other side is under way.
    pub(crate) fn new(inner: Stream) -> Self {
        Self {
            inner,
            inflate: Decompress::new(false),
            read: vec![0; READ].into_boxed_slice(),
            start: 0,
            end: 0,
            is_full: false,
            has_ended: false,
            since: (0, 0),
            encoded: Vec::new(),
            sent: 0,
        }
    }

    /// Inflates into `buf` what is at hand.
    fn inflate(&mut self, buf: &mut ReadBuf<'_>) -> Result<(), Violation> {
        let (read, given) = (self.inflate.total_in(), self.inflate.total_out());
        let room = buf.initialize_unfilled();
        let pending = &self.read[self.start..self.end];
        let status = self.inflate.decompress(pending, room, FlushDecompress::None);
        let status = status.map_err(|_| Violation("what it sends is not compressed as agreed"))?;
        let (taken, count) = (width(self.inflate.total_in() - read), width(self.inflate.total_out() - given));
        self.start += taken;
        self.is_full = count == room.len();
        self.has_ended = status == Status::StreamEnd;
        let (read, given) = (self.inflate.total_in() - self.since.0, self.inflate.total_out() - self.since.1);
        if given > FLOOR + read * RATIO {
            return Err(Violation("an answer is compressed too much"));
        }
        if taken == 0 && count == 0 && self.start < self.end {
            return Err(Violation("what it sends is not compressed as agreed"));
        }
        buf.advance(count);
        Ok(())
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.encoded.len() {
            match ready!(Pin::new(&mut self.inner).poll_write(cx, &self.encoded[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        (self.encoded, self.sent) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for DeflateStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeflateStream").finish_non_exhaustive()
    }
}

impl AsyncRead for DeflateStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        loop {
            if buf.remaining() == 0 || this.has_ended {
                return Poll::Ready(Ok(()));
            }
            if this.start < this.end || this.is_full {
                this.inflate(buf)?;
            } else {
                let mut read = ReadBuf::new(&mut this.read);
                ready!(Pin::new(&mut this.inner).poll_read(cx, &mut read))?;
                (this.start, this.end) = (0, read.filled().len());
                if this.end == 0 {
                    return Poll::Ready(Ok(()));
                }
            }
            if buf.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for DeflateStream {
    /// Takes a piece as soon as the one before is on its way.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_send(cx))?;
        let piece = &bytes[..bytes.len().min(PIECE)];
        self.encoded =
            if piece.len() < WORTHWHILE { stored(piece) } else { deflated(piece, Compression::fast())? };
        // What the server says from now on is another answer.
        self.since = (self.inflate.total_in(), self.inflate.total_out());
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Frames bytes as they are (RFC 1951 section 3.2.4); the block before ended with a whole byte.
pub(crate) fn stored(bytes: &[u8]) -> Vec<u8> {
    let blocks = bytes.chunks(usize::from(u16::MAX)).flat_map(|block| {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        let [low, high] = length.to_le_bytes();
        [&[0, low, high, !low, !high], block].concat()
    });
    blocks.collect()
}

/// Compresses bytes so that they can be read at once, and without what was sent before.
pub(crate) fn deflated(bytes: &[u8], level: Compression) -> io::Result<Vec<u8>> {
    let mut compress = Compress::new(level, false);
    let mut encoded = Vec::with_capacity(bytes.len() / 2 + 64);
    loop {
        let rest = &bytes[width(compress.total_in())..];
        compress.compress_vec(rest, &mut encoded, FlushCompress::Sync).map_err(io::Error::other)?;
        // Room that is left shows that nothing stayed behind.
        if encoded.len() < encoded.capacity() {
            return Ok(encoded);
        }
        encoded.reserve(bytes.len() / 2 + 64);
    }
}

fn width(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// An answer inflates to this many times its bytes at most; DEFLATE itself ends at 1032.
const RATIO: u64 = 200;
/// Bytes that an answer may have whatever their ratio.
const FLOOR: u64 = 64 << 10;
const READ: usize = 4096;
/// Shorter than this, what a command saves is less than what its window costs.
const WORTHWHILE: usize = 1024;
/// What is encoded at once.
const PIECE: usize = 64 << 10;

#[cfg(test)]
mod tests;
