use std::io;

use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use super::deadlines::upload;
use crate::wire::{Buffered, Fault};

/// A message as it goes over the wire, with what says where it ends.
pub(super) struct Content {
    bytes: Vec<u8>,
    /// How many bytes may have come without the server having seen the end.
    safe: usize,
}

impl Content {
    /// Follows DATA: the dots at the beginning of lines are doubled and a lone one is the end (RFC 5321 section
    /// 4.5.2).
    pub(super) fn dotted(message: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(message.len() + message.len() / 64 + 2 + END.len());
        for line in message.split_inclusive(|&byte| byte == b'\n') {
            if line.starts_with(b".") {
                bytes.push(b'.');
            }
            bytes.extend_from_slice(line);
        }
        let end = if bytes.ends_with(b"\r\n") { &END[2..] } else { END };
        bytes.extend_from_slice(end);
        Self { safe: bytes.len() - END.len(), bytes }
    }

    /// Is one chunk, whose length stands before it (RFC 3030): no byte of the message can be taken for its end.
    pub(super) fn chunk(message: &[u8]) -> Self {
        let rest: &[u8] = if message.ends_with(b"\r\n") { b"" } else { b"\r\n" };
        let mut bytes = format!("BDAT {} LAST\r\n", message.len() + rest.len()).into_bytes();
        bytes.extend_from_slice(message);
        bytes.extend_from_slice(rest);
        Self { safe: bytes.len() - 1, bytes }
    }

    /// Writes all of it, in pieces as large as TLS takes them. A write that failed may have sent what it was given,
    /// so that the end is in doubt as soon as a write holds any of it.
    pub(super) async fn send(self, stream: &mut Buffered) -> Result<(), Fault> {
        let Self { bytes, safe } = self;
        let deadline = Instant::now() + upload(bytes.len());
        let mut sent = 0;
        while sent < bytes.len() {
            let piece = &bytes[sent..bytes.len().min(sent + PIECE)];
            let in_doubt = sent + piece.len() > safe;
            let lost = |error| if in_doubt { Fault::Interrupted(error) } else { Fault::Lost(error) };
            match tokio::time::timeout_at(deadline, stream.write(piece)).await {
                Ok(Ok(0)) => return Err(lost(io::ErrorKind::WriteZero.into())),
                Ok(Ok(written)) => sent += written,
                Ok(Err(error)) => return Err(lost(error)),
                Err(_) => return Err(lost(io::ErrorKind::TimedOut.into())),
            }
        }
        match tokio::time::timeout_at(deadline, stream.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Fault::Interrupted(error)),
            Err(_) => Err(Fault::Interrupted(io::ErrorKind::TimedOut.into())),
        }
    }
}

const END: &[u8] = b"\r\n.\r\n";
const PIECE: usize = 1 << 16;
