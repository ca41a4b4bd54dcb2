use std::io;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::select::Inbox;
use super::session::{COMMAND, Next, SHORT, Session};
use crate::wire::{Fault, within};
use crate::{Arrival, Position};

impl Session {
    /// Does what [`MailAccess::wait`](crate::MailAccess::wait) says, up to the moment `end`; by IDLE (RFC 2177)
    /// where the server has it, else by asking again and again.
    pub(crate) async fn wait(
        &mut self,
        inbox: Inbox,
        after: Position,
        end: Instant,
    ) -> Result<Arrival, Fault> {
        if inbox.uid_validity != after.uid_validity {
            return Ok(Arrival::New);
        }
        // UIDNEXT alone proves nothing: what was behind the position may be deleted again.
        let may_hold = inbox.uid_next.is_none_or(|next| next > after.uid.saturating_add(1));
        if may_hold && self.holds_behind(after.uid).await? {
            return Ok(Arrival::New);
        }
        match timeout_at(end + GRACE, self.watch(after.uid, end)).await {
            Ok(arrival) => arrival,
            Err(_) if self.news => Ok(Arrival::New),
            Err(_) => Ok(Arrival::TimedOut),
        }
    }

    async fn watch(&mut self, uid: u32, end: Instant) -> Result<Arrival, Fault> {
        loop {
            // News may have come with the answer to any command; the server doesn't repeat it.
            if self.news {
                if self.holds_behind(uid).await? {
                    return Ok(Arrival::New);
                }
            } else if Instant::now() >= end {
                return Ok(Arrival::TimedOut);
            } else if self.can_idle {
                self.idle(end).await?;
            } else {
                tokio::time::sleep_until(end.min(Instant::now() + POLL)).await;
                self.run("NOOP", SHORT, |_| {}).await?;
            }
        }
    }

    /// Listens until there is news, until `end`, or until it is time to ask for a sign of life.
    async fn idle(&mut self, end: Instant) -> Result<(), Fault> {
        let begin = Instant::now();
        let tag = self.begin("IDLE", SHORT).await?;
        loop {
            match timeout_at(begin + COMMAND, self.next(&tag, |_| {})).await.map_err(io::Error::from)?? {
                Next::Untagged => {}
                Next::GoOn => break,
                Next::End => return Err(Fault::Protocol("it ends IDLE by itself".into())),
            }
        }
        self.allow_silence(SHORT, None);
        let mut heard = Instant::now();
        while !self.news {
            let until = end.min(begin + RENEW).min(heard + SILENCE);
            match timeout_at(until, self.next(&tag, |_| {})).await {
                Ok(Ok(Next::Untagged)) => heard = Instant::now(),
                Ok(Ok(_)) => return Err(Fault::Protocol("it ends IDLE by itself".into())),
                Ok(Err(fault)) => return Err(fault),
                Err(_) => break,
            }
        }
        // The answer to DONE proves that the link is alive.
        within(PROOF, "DONE", async { Ok(self.done(&tag).await) }).await?
    }

    async fn done(&mut self, tag: &str) -> Result<(), Fault> {
        self.send(b"DONE\r\n").await?;
        loop {
            match self.next(tag, |_| {}).await? {
                Next::Untagged => {}
                Next::GoOn => return Err(Fault::Protocol("it asks for more of a command".into())),
                Next::End => return Ok(()),
            }
        }
    }
}

/// How much later than asked for a wait may end, for an orderly end of the command under way.
const GRACE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_secs(5);
/// Routers forget a silent connection sooner than the 29 minutes of RFC 2177.
const RENEW: Duration = Duration::from_mins(5);
/// Dovecot says `* OK Still here` every 2 minutes.
const SILENCE: Duration = Duration::from_secs(150);
const PROOF: Duration = Duration::from_secs(30);
