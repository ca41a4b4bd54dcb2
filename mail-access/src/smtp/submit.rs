use std::io;
use std::time::Duration;

use tokio::time::Instant;

use super::content::Content;
use super::deadlines::{LAST_WORDS, MESSAGE};
use super::envelope::Ahead;
use super::session::{Session, Standing};
use crate::wire::{CLOSING, Fault};
use crate::{Outgoing, Status};

/// Handing a message over takes three steps: [`envelope`](Session::envelope), `upload` and `finish`.
///
/// Every fault but [`Fault::Interrupted`] says that the message was not taken. After a refusal the session may be of
/// use for another one, as [`is_usable`](Session::is_usable) tells; after any other fault, and if a step was dropped, it
/// is not.
impl Session {
    /// Sends the message but for its last piece.
    pub(super) async fn upload<'a>(&mut self, message: &'a Outgoing) -> Result<Content<'a>, Fault> {
        let mut content = if self.chunks() {
            Content::chunk(message.bytes())
        } else {
            self.go_ahead().await?;
            Content::dotted(message.bytes())
        };
        if self.talk.is_ahead() {
            return Err(Fault::Protocol("it came before the message".into()));
        }
        self.standing = Standing::Content;
        match content.begin(&mut self.talk.stream).await {
            Ok(()) => Ok(content),
            Err(fault) => Err(self.last_words().await.unwrap_or(fault)),
        }
    }

    /// Sends the last piece, in the same go the envelope of the next message, and reads what became of this one.
    pub(super) async fn finish(
        &mut self,
        content: Content<'_>,
        ahead: Option<Ahead>,
    ) -> Result<Status, Fault> {
        let begin = Instant::now();
        let (envelope, asked) = ahead.unwrap_or_default();
        self.ahead = asked;
        if let Err(fault) = content.end(envelope.as_bytes(), &mut self.talk.stream).await {
            return Err(self.last_words().await.unwrap_or(fault));
        }
        // From here on the server may have taken the message, whatever is wrong with its answer.
        let reply =
            self.talk.reply(MESSAGE, "the answer to the message").await.map_err(|fault| match fault {
                Fault::Lost(error) => Fault::Interrupted(error),
                Fault::Protocol(problem) => Fault::Interrupted(io::Error::other(problem)),
                other => other,
            })?;
        self.is_brisk = begin.elapsed() < BRISK;
        self.standing = match reply.code {
            200..=299 if self.ahead.is_empty() => Standing::Idle,
            CLOSING => Standing::Unknown,
            400..=599 if self.ahead.is_empty() => Standing::Refused,
            200..=299 | 400..=599 => Standing::Ahead,
            _ => return Err(Fault::Interrupted(io::Error::other("the answer is neither yes nor no"))),
        };
        match reply.code {
            200..=299 => Ok(reply.status()),
            _ => Err(Fault::Refused(reply.status())),
        }
    }

    /// Reads why the server closed the connection in the middle of the message, if it said so.
    async fn last_words(&mut self) -> Option<Fault> {
        let reply = self.talk.reply(LAST_WORDS, "the reason").await.ok()?;
        (400..=599).contains(&reply.code).then(|| Fault::Refused(reply.status()))
    }

    /// Tells whether messages go as chunks, which need neither a go-ahead nor doubled dots.
    pub(super) fn chunks(&self) -> bool {
        self.offers.has("CHUNKING")
    }
}

/// A server that answers a message so fast may get the next envelope before its answer.
const BRISK: Duration = Duration::from_millis(250);
