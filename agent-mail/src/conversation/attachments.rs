use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use mail_access::Attachment;

use super::collection::Place;
use super::mime::Walker;
use crate::{AgentMailbox, Error, Untrusted};

/// The files in a message, one after the other, as a stream of pieces: each [begins](AttachmentPiece::Begin), has its
/// bytes, and [ends](AttachmentPiece::End).
///
/// They are read in ranges of 256 KiB and decoded as they come: however large the message is, less than a MiB is in
/// memory. While nobody asks for the next piece the server is not asked either, and a dropped stream leaves nothing
/// behind.
pub struct Attachments(Pin<Box<dyn Stream<Item = Result<AttachmentPiece, Error>> + Send>>);

/// A piece of the files in a message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AttachmentPiece {
    /// A file begins.
    Begin(AttachmentHead),
    /// The next bytes of it, decoded: up to some 70 KiB.
    Bytes(Untrusted<Vec<u8>>),
    /// It ends.
    End,
}

/// What is known of a file before its bytes come.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AttachmentHead {
    /// The name that the sender gave it: a hint to show to people and no safe path.
    pub name: Option<Untrusted<String>>,
    /// A name that it may be saved under, in a folder of the reader's choice: see [`Attachment::safe_name`].
    pub safe_name: String,
    /// The media type that the sender gave it.
    pub content_type: Untrusted<String>,
    /// Which of the message's files it is, counted from 0.
    pub index: usize,
}

impl AgentMailbox {
    /// Reads the files in a message as a stream, also those of a message that is too large to be read whole.
    ///
    /// The stream is [`Unsupported`](crate::ErrorKind::Unsupported) if the system has no
    /// [message store](crate::AgentMailBuilder::message_store), and ends with the first error.
    pub fn attachments(&self, place: &Place) -> Attachments {
        let reader = Reader {
            mailbox: self.clone(),
            place: place.clone(),
            at: 0,
            walker: Walker::new(),
            ready: VecDeque::new(),
            over: false,
        };
        let pieces = futures_util::stream::try_unfold(reader, async |mut reader| {
            Ok(reader.next().await?.map(|piece| (piece, reader)))
        });
        Attachments(Box::pin(pieces))
    }
}

impl Attachments {
    /// Waits for the next piece; `None` at the end.
    ///
    /// # Errors
    /// What the mail system says; the stream has ended then.
    pub async fn next(&mut self) -> Option<Result<AttachmentPiece, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Attachments {
    type Item = Result<AttachmentPiece, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Attachments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachments").finish_non_exhaustive()
    }
}

impl AttachmentHead {
    pub(super) fn of(file: &Attachment, index: usize) -> Self {
        Self {
            name: file.name.clone().map(Untrusted::new),
            safe_name: file.safe_name(),
            content_type: Untrusted::new(file.content_type.clone()),
            index,
        }
    }
}

struct Reader {
    mailbox: AgentMailbox,
    place: Place,
    /// How many bytes of the message were read.
    at: u64,
    walker: Walker,
    ready: VecDeque<AttachmentPiece>,
    over: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<AttachmentPiece>, Error> {
        while self.ready.is_empty() && !self.over {
            let desk = self.mailbox.desk("read attachments")?;
            let bytes = desk.read(&self.place.folder, self.place.at, self.at..self.at + RANGE).await?;
            self.at += bytes.len() as u64;
            self.walker.take(&bytes);
            if bytes.is_empty() {
                self.over = true;
                self.walker.end();
            }
            self.ready.extend(self.walker.ready.drain(..));
        }
        Ok(self.ready.pop_front())
    }
}

/// Bytes.
const RANGE: u64 = 256 << 10;
