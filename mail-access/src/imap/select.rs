use async_imap::imap_proto::{MailboxDatum, Response, ResponseCode};
use tokio::time::Instant;

use super::selected::Selected;
use super::session::{SHORT, Said, Session};
use crate::FolderName;
use crate::wire::Fault;

/// A folder as it was when it was selected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inbox {
    pub(super) uid_validity: u32,
    /// What the next message's UID will be at least; not every server says it.
    pub(super) uid_next: Option<u32>,
    /// There may be messages behind that.
    pub(super) is_open: bool,
    /// The state of its messages and flags (HIGHESTMODSEQ, RFC 7162), if it was asked for.
    pub(super) modseq: Option<u64>,
}

impl Session {
    /// Makes sure that the INBOX is selected, and tells how it is now.
    pub(crate) async fn select(&mut self) -> Result<Inbox, Fault> {
        self.select_mailbox(INBOX).await
    }

    /// Does the same with a folder.
    pub(super) async fn select_folder(&mut self, folder: &FolderName) -> Result<Inbox, Fault> {
        self.select_mailbox(&self.quoted(folder)).await
    }

    /// Selects a folder, again if it is already, and asks for the state of its messages and flags.
    pub(super) async fn select_state(&mut self, folder: &FolderName) -> Result<Inbox, Fault> {
        self.select_by("SELECT", &self.quoted(folder), " (CONDSTORE)").await
    }

    /// Selects a folder so that nothing can be changed there, not even by being seen (EXAMINE, RFC 3501 section 6.3.2).
    /// The session is good for nothing else from then on.
    pub(super) async fn examine_folder(&mut self, folder: &FolderName) -> Result<Inbox, Fault> {
        self.select_by("EXAMINE", &self.quoted(folder), "").await
    }

    /// Makes sure that a mailbox, named as it stands in a command, is selected, and tells how it is now.
    ///
    /// If it is selected already, a NOOP shows what came since, and that nothing renumbered it. That one is not sent in
    /// one flight with the next command: Dovecot would look only after both.
    pub(super) async fn select_mailbox(&mut self, mailbox: &str) -> Result<Inbox, Fault> {
        let is_fresh = std::mem::take(&mut self.is_fresh);
        if !self.selected.as_ref().is_some_and(|selected| selected.is(mailbox) && selected.unknown() <= MANY)
        {
            return self.select_anew(mailbox).await;
        }
        if !is_fresh {
            self.look_anew().await?;
        }
        match &self.selected {
            Some(selected) if selected.unknown() <= MANY => Ok(selected.inbox()),
            _ => self.select_anew(mailbox).await,
        }
    }

    /// Has the server look at the mailbox now.
    pub(super) async fn look_anew(&mut self) -> Result<(), Fault> {
        let sent = Instant::now();
        self.run("NOOP", SHORT, |_| {}).await?;
        self.synced = sent;
        Ok(())
    }

    /// Selects a mailbox, again if it is already.
    pub(super) async fn select_anew(&mut self, mailbox: &str) -> Result<Inbox, Fault> {
        self.select_by("SELECT", mailbox, "").await
    }

    async fn select_by(&mut self, verb: &str, mailbox: &str, parameters: &str) -> Result<Inbox, Fault> {
        if let Some(refused) = self.refused.take().filter(|_| mailbox == INBOX) {
            return Err(*refused);
        }
        // Before the server has answered nothing is selected.
        self.selected = None;
        let sent = Instant::now();
        let tag = self.begin(&format!("{verb} {mailbox}{parameters}"), SHORT).await?;
        self.read_selected(mailbox, &tag, sent).await
    }

    /// Reads the answer to a SELECT that was sent with the login.
    pub(super) async fn finish_select(&mut self, mailbox: &str, sent: Instant) -> Result<(), Fault> {
        let tag = self.begun(SHORT);
        self.read_selected(mailbox, &tag, sent).await?;
        self.is_fresh = true;
        Ok(())
    }

    async fn read_selected(&mut self, mailbox: &str, tag: &str, sent: Instant) -> Result<Inbox, Fault> {
        let deadline = Instant::now() + SHORT.time;
        let (mut uid_validity, mut uid_next, mut modseq, mut exists) = (None, None, None, 0);
        self.finish(tag, deadline, |answer| match answer {
            Said::Parsed(Response::MailboxData(MailboxDatum::Exists(count))) => exists = *count,
            Said::Parsed(Response::Expunge(_)) => exists = exists.saturating_sub(1),
            Said::Parsed(Response::Data { outcome, .. }) => match outcome.code {
                Some(ResponseCode::HighestModSeq(number)) => modseq = Some(number),
                Some(ResponseCode::UidValidity(number)) => uid_validity = Some(number),
                Some(ResponseCode::UidNext(number)) => uid_next = Some(number),
                _ => {}
            },
            _ => {}
        })
        .await?;
        let Some(uid_validity) = uid_validity else {
            return Err(Fault::Protocol("the mailbox has no UIDVALIDITY".into()));
        };
        self.synced = sent;
        self.selected = Some(Selected::new(mailbox, uid_validity, uid_next, exists));
        Ok(Inbox { uid_validity, uid_next, is_open: false, modseq })
    }

    /// Returns how many messages the selected mailbox holds, by the server's last word, whenever it came.
    pub(super) fn exists(&self) -> u32 {
        self.selected.as_ref().map_or(0, Selected::exists)
    }
}

pub(super) const INBOX: &str = "INBOX";
/// So many new messages make it worth while to ask for the UIDNEXT.
const MANY: u32 = 1000;
