use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_util::stream;

use super::Event;
use super::reader::Reader;
use crate::{AgentMailbox, Error};

/// The events of one mailbox, in the order of arrival, without end.
///
/// - Each message is handed out until it is acknowledged with [`Event::ack`]: at once, and again by each stream that
///   is begun later, in this run of the program or the next. What comes again is marked by
///   [`Event::is_redelivery`].
/// - Messages may be acknowledged in any order; those that are not come again, those that are never do, not even when
///   the server numbers the mailbox anew (another UIDVALIDITY).
/// - A copy with the Message-ID of an earlier message is marked as a redelivery too. One that equals a message byte for
///   byte, the trace of its way here included, is that message, and doesn't come when that one was acknowledged.
/// - While the mail system or the state store can't be reached the stream waits, with growing pauses up to a minute, and
///   goes on by itself. An error that no waiting mends, such as a password that is refused, is handed out and ends the stream.
/// - When the agent is retired it ends with such an error, also where another agent has the name by then.
/// - It may be dropped at any point: what was handed out and not acknowledged comes again.
/// - Of two streams of one mailbox at the same time each new message goes to one.
/// - What happens without a mail, such as [`Sent`](crate::EventKind::Sent), is handed out before the mail that was not
///   read yet, and in the order in which it happened. It is told of mail that the
///   [courier](crate::AgentMail::courier) sends, and kept until it is acknowledged, in about 300 bytes.
/// - A delivery report or complaint that names a message of this agent comes as what it tells of that message:
///   [`Bounced`](crate::EventKind::Bounced), [`Deferred`](crate::EventKind::Deferred),
///   [`Complaint`](crate::EventKind::Complaint).
///
/// Use [`next`](Self::next), or the `Stream` it is. A stream holds at most 32 messages in memory. Each message is
/// noted before it is handed out and when it is acknowledged: two commits to the state store, of which about 200 bytes
/// stay until the agent is retired.
pub struct Events(Option<Found>);

type Found = Pin<Box<dyn Stream<Item = Result<Event, Error>> + Send>>;

impl Events {
    pub(crate) fn new(mailbox: AgentMailbox) -> Self {
        // In one place from one event to the next: it is large, and there are many.
        let found = stream::unfold(Reader::new(mailbox), async |reader| {
            let (reader, item) = reader.into_next().await;
            Some((item, reader))
        });
        Self(Some(Box::pin(found)))
    }

    /// Waits for the next event; `None` after an error that ended the stream. A dropped call loses nothing.
    ///
    /// # Errors
    /// An error that no waiting mends; the stream has ended then.
    pub async fn next(&mut self) -> Option<Result<Event, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(found) = &mut self.0 else { return Poll::Ready(None) };
        let Poll::Ready(item) = found.as_mut().poll_next(cx) else { return Poll::Pending };
        if !matches!(item, Some(Ok(_))) {
            self.0 = None;
        }
        Poll::Ready(item)
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("ended", &self.0.is_none()).finish()
    }
}
