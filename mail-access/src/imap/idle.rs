use std::io;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::Look;
use super::fetch::Row;
use super::select::INBOX;
use super::selected::Selected;
use super::session::{Allowance, LONG, Next, SHORT, Said, Session, gone_is_fine};
use crate::wire::Fault;
use crate::{Position, Uid};

/// An IDLE under way (RFC 2177).
#[derive(Debug)]
pub(super) struct Idle {
    pub(super) tag: String,
    begun: Instant,
    /// When the server said something last.
    heard: Instant,
    /// The server is ready for it.
    goes: bool,
}

impl Session {
    /// Makes sure that the INBOX is selected, without having the server look anew.
    pub(super) async fn enter_inbox(&mut self) -> Result<(), Fault> {
        self.is_fresh = false;
        if !self.selected.as_ref().is_some_and(|selected| selected.is(INBOX)) {
            self.select_anew(INBOX).await?;
        }
        Ok(())
    }

    /// Tells whether there are messages behind a position, as far as that is known.
    pub(super) fn look(&self, after: Position) -> Look {
        self.selected.as_ref().map_or(Look::Unknown, |selected| selected.look(after))
    }

    /// Has a server that listens look at the INBOX at once, in one write, and go on; Dovecot does at the beginning of
    /// an IDLE. One that can't listen is asked.
    pub(super) async fn poke(&mut self) -> Result<(), Fault> {
        if self.can_idle() { self.listen().await } else { self.look_anew().await }
    }

    /// Begins to listen, by IDLE, anew if it does already.
    pub(super) async fn listen(&mut self) -> Result<(), Fault> {
        let tag = self.begin("IDLE", SHORT).await?;
        let now = Instant::now();
        self.idle = Some(Idle { tag, begun: now, heard: now, goes: false });
        Ok(())
    }

    /// Returns how many messages came since that was asked last.
    pub(super) fn take_arrived(&mut self) -> u32 {
        self.selected.as_mut().map_or(0, Selected::take_arrived)
    }

    /// Tells whether it listens, or can't.
    pub(super) fn is_listening(&self) -> bool {
        self.idle.is_some() || !self.can_idle()
    }

    /// Tells whether the server has not answered yet to the last IDLE.
    pub(super) fn is_beginning(&self) -> bool {
        self.idle.as_ref().is_some_and(|idle| !idle.goes) || self.is_ending()
    }

    /// Until when the server has to say something, or is to be asked whether it is alive.
    pub(super) fn due(&self) -> Instant {
        match &self.idle {
            Some(idle) if self.is_beginning() => idle.begun + PROOF,
            Some(idle) => (idle.begun + RENEW).min(idle.heard + SILENCE),
            None => self.synced + POLL,
        }
    }

    /// Asks whether the server is alive when that is due; a server that was asked and said nothing is given up.
    pub(super) async fn prove(&mut self) -> Result<(), Fault> {
        if self.is_beginning() {
            let problem = format!("the server was silent for {} s: IDLE", PROOF.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, problem).into());
        }
        self.poke().await
    }

    /// Reads what the server says while no command but IDLE is under way. It may be dropped and called again.
    pub(super) async fn hear(&mut self) -> Result<(), Fault> {
        self.overhear(SHORT, |_| {}).await
    }

    /// Does the same, and shows it to `see`.
    pub(super) async fn overhear(
        &mut self,
        allowance: Allowance,
        see: impl FnOnce(Said<'_>) + Send,
    ) -> Result<(), Fault> {
        self.is_fresh = false;
        // Each piece of news has the whole allowance, however long the last one is ago.
        self.allow_silence(allowance, None);
        let tag = self.idle.as_ref().map(|idle| idle.tag.clone()).unwrap_or_default();
        let next = self.next(&tag, see).await;
        match (next, &mut self.idle) {
            (Ok(Next::Untagged), None) => Ok(()),
            (Ok(Next::Untagged), Some(idle)) => {
                idle.heard = Instant::now();
                Ok(())
            }
            (Ok(Next::GoOn), Some(idle)) if !idle.goes => {
                idle.goes = true;
                idle.heard = Instant::now();
                Ok(())
            }
            (fault, _) => {
                self.idle = None;
                self.break_off();
                fault.and(Err(Fault::Protocol("it ends IDLE by itself".into())))
            }
        }
    }

    /// Waits until an IDLE under way can be ended: the server has to be ready for it first (RFC 2177 section 3).
    pub(super) async fn may_end_idle(&mut self) -> Result<(), Fault> {
        let Some(idle) = &self.idle else { return Ok(()) };
        let deadline = idle.begun + PROOF;
        while self.is_beginning() {
            timeout_at(deadline, self.hear()).await.map_err(io::Error::from)??;
        }
        Ok(())
    }

    /// Asks for the UID of the INBOX's last message, where only that tells whether there are messages behind `after`.
    pub(super) async fn look_up(&mut self, after: Position) -> Result<(), Fault> {
        if self.idle.is_some() {
            // Messages are numbered as they stand when nothing else is under way.
            self.look_anew().await?;
        }
        if self.exists() > 0 {
            gone_is_fine(self.run(&format!("FETCH {} (UID)", self.exists()), SHORT, |_| {}).await)?;
        }
        if self.look(after) == Look::Unknown {
            // It was deleted just now; there may be others before it.
            let (first, mut last) = (after.uid.saturating_add(1), None);
            let command = format!("UID FETCH {first}:4294967295 (UID)");
            let done = self.run(&command, LONG, |answer| {
                let uid = Row::read(answer).and_then(|row| row.uid).map(Uid::get);
                last = last.max(uid.filter(|uid| *uid >= first));
            });
            gone_is_fine(done.await)?;
            if let Some(selected) = &mut self.selected {
                selected.settle(after.uid, last);
            }
        }
        Ok(())
    }

    /// Takes leave (LOGOUT), and doesn't wait for long.
    pub(super) async fn leave(mut self) {
        let farewell = async {
            let tag = self.begin("LOGOUT", SHORT).await?;
            while let Next::Untagged = self.next(&tag, |_| {}).await? {}
            Ok::<(), Fault>(())
        };
        // The server said goodbye, or it is gone already.
        let _ = timeout(FAREWELL, farewell).await;
    }
}

/// Routers forget a silent connection sooner than the 29 minutes of RFC 2177.
const RENEW: Duration = Duration::from_mins(5);
/// Dovecot says `* OK Still here` every 2 minutes.
const SILENCE: Duration = Duration::from_secs(150);
const PROOF: Duration = Duration::from_secs(30);
/// How often a server without IDLE is asked.
const POLL: Duration = Duration::from_secs(5);
const FAREWELL: Duration = Duration::from_secs(2);
