use std::io::{self, IoSlice};

use memchr::memmem;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use super::deadlines::upload;
use crate::wire::{Buffered, Fault};

/// A message on its way over the wire, with what says where it ends.
///
/// It goes in pieces, so that a large one is never copied as a whole.
pub(super) struct Content<'a> {
    /// What comes before the rest.
    begun: Vec<u8>,
    rest: &'a [u8],
    end: &'static [u8],
    /// The dots at the beginning of lines are doubled.
    dotted: bool,
    /// The rest begins a line.
    at_line: bool,
    deadline: Instant,
}

impl<'a> Content<'a> {
    /// Follows DATA: the dots at the beginning of lines are doubled and a lone one is the end (RFC 5321 section
    /// 4.5.2).
    pub(super) fn dotted(message: &'a [u8]) -> Self {
        let end: &[u8] = if message.ends_with(b"\r\n") { b".\r\n" } else { b"\r\n.\r\n" };
        Self { dotted: true, ..Self::new(message, end) }
    }

    /// Is one chunk, whose length stands before it (RFC 3030): no byte of the message can be taken for its end.
    pub(super) fn chunk(message: &'a [u8]) -> Self {
        let end: &[u8] = if message.ends_with(b"\r\n") { b"" } else { b"\r\n" };
        let begun = format!("BDAT {} LAST\r\n", message.len() + end.len()).into_bytes();
        Self { begun, ..Self::new(message, end) }
    }

    fn new(rest: &'a [u8], end: &'static [u8]) -> Self {
        let deadline = Instant::now() + upload(rest.len());
        Self { begun: Vec::new(), rest, end, dotted: false, at_line: true, deadline }
    }

    /// Writes all but the last piece, in pieces as large as TLS takes them.
    pub(super) async fn begin(&mut self, stream: &mut Buffered) -> Result<(), Fault> {
        while self.rest.len() > PIECE {
            let begun = std::mem::take(&mut self.begun);
            let mut slices = vec![&*begun];
            self.move_on(PIECE, &mut slices);
            self.put(&slices, stream, Fault::Lost).await?;
        }
        Ok(())
    }

    /// Writes the last piece, the end, and in the same go what comes behind it. A write that failed may have sent what
    /// it was given, so that from here on the end is in doubt.
    pub(super) async fn end(mut self, behind: &[u8], stream: &mut Buffered) -> Result<(), Fault> {
        let begun = std::mem::take(&mut self.begun);
        let mut slices = vec![&*begun];
        self.move_on(self.rest.len(), &mut slices);
        slices.extend([self.end, behind]);
        self.put(&slices, stream, Fault::Interrupted).await?;
        match tokio::time::timeout_at(self.deadline, stream.flush()).await {
            Ok(flushed) => flushed.map_err(Fault::Interrupted),
            Err(_) => Err(Fault::Interrupted(io::ErrorKind::TimedOut.into())),
        }
    }

    /// Puts so many bytes of the message to those that are written next. A dot is doubled by two slices that both hold
    /// it.
    fn move_on<'b>(&mut self, bytes: usize, slices: &mut Vec<&'b [u8]>)
    where
        'a: 'b,
    {
        let (piece, rest) = self.rest.split_at(bytes);
        let mut from = 0;
        if self.dotted {
            if self.at_line && piece.starts_with(b".") {
                slices.push(b".");
            }
            for end in memmem::find_iter(piece, b"\n.") {
                slices.push(&piece[from..=end + 1]);
                from = end + 1;
            }
            self.at_line = piece.ends_with(b"\n");
        }
        slices.push(&piece[from..]);
        self.rest = rest;
    }

    async fn put(
        &self,
        slices: &[&[u8]],
        stream: &mut Buffered,
        lost: fn(io::Error) -> Fault,
    ) -> Result<(), Fault> {
        match tokio::time::timeout_at(self.deadline, write_all(slices, stream)).await {
            Ok(written) => written.map_err(lost),
            Err(_) => Err(lost(io::ErrorKind::TimedOut.into())),
        }
    }
}

/// Writes slices as one, and without a copy if the stream takes them so.
async fn write_all(slices: &[&[u8]], stream: &mut Buffered) -> io::Result<()> {
    if slices.len() > MAX_SLICES || !stream.is_write_vectored() {
        return stream.write_all(&slices.concat()).await;
    }
    let mut slices: Vec<_> = slices.iter().map(|slice| IoSlice::new(slice)).collect();
    let mut left = &mut slices[..];
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match stream.write_vectored(left).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut left, written),
        }
    }
    Ok(())
}

const PIECE: usize = 1 << 16;
/// TLS goes through all of them for each of its records.
const MAX_SLICES: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::wire::buffered;

    fn sent(mut content: Content<'_>, behind: &[u8]) -> Vec<u8> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (here, mut there) = tokio::io::duplex(1 << 22);
            let mut stream = buffered(Box::new(here));
            content.begin(&mut stream).await.unwrap();
            content.end(behind, &mut stream).await.unwrap();
            drop(stream);
            let mut sent = Vec::new();
            there.read_to_end(&mut sent).await.unwrap();
            sent
        })
    }

    fn lines(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(prop::sample::select(vec!["", ".", "..", "a", "ab.", ".c"]), count)
    }

    /// Reads as a server does, line by line.
    fn received(mut sent: &[u8]) -> (Vec<u8>, &[u8]) {
        let mut message = Vec::new();
        loop {
            let end = sent.iter().position(|&byte| byte == b'\n').expect("it has an end") + 1;
            let (line, rest) = sent.split_at(end);
            sent = rest;
            if line == b".\r\n" {
                return (message, sent);
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        }
    }

    #[test]
    fn what_is_behind_the_end_is_not_part_of_it() {
        for message in ["", ".", "..\r\n", "a\r\n.b\r\n.\r\n", "a\r\n\r\n.\r\n..\r\nc"] {
            let whole = sent(Content::dotted(message.as_bytes()), b"MAIL\r\n");
            let (message, rest) = (message.as_bytes(), received(&whole));
            assert_eq!(
                rest.0.strip_suffix(b"\r\n").filter(|_| !message.ends_with(b"\n")).unwrap_or(&rest.0),
                message
            );
            assert_eq!(rest.1, b"MAIL\r\n");
        }
        assert_eq!(sent(Content::chunk(b".x"), b"MAIL\r\n"), b"BDAT 4 LAST\r\n.x\r\nMAIL\r\n");
        assert_eq!(sent(Content::chunk(b".\r\n"), b""), b"BDAT 3 LAST\r\n.\r\n");
    }

    proptest! {
        /// Pieces end anywhere, between a line's end and a dot too; few dots go as slices and many in a copy.
        #[test]
        fn a_message_in_pieces_arrives_as_it_was(
            first in 0..4_usize,
            lines in prop_oneof![lines(0..MAX_SLICES), lines(0..40_000)],
        ) {
            let message = "x".repeat(first) + &lines.concat().replace('a', "a\r\n") + &lines.join("\r\n") + "\r\n";
            let whole = sent(Content::dotted(message.as_bytes()), b"");
            let (arrived, rest) = received(&whole);
            prop_assert!(arrived == message.as_bytes());
            prop_assert_eq!(rest, b"");
            let chunk = sent(Content::chunk(message.as_bytes()), b"");
            prop_assert!(chunk.ends_with(message.as_bytes()));
        }
    }
}
