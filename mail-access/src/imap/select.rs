use async_imap::imap_proto::{Response, ResponseCode};

use super::command::Command;
use super::session::{SHORT, Said, Session};
use crate::FolderName;
use crate::wire::Fault;

/// A folder as it was when it was selected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inbox {
    pub(super) uid_validity: u32,
    /// What the next message's UID will be at least; not every server says it.
    pub(super) uid_next: Option<u32>,
    /// The state of its messages and flags (HIGHESTMODSEQ, RFC 7162).
    pub(super) modseq: Option<u64>,
}

impl Session {
    /// Selects the INBOX, again if it is already: that shows new mail and another UIDVALIDITY alike.
    pub(crate) async fn select(&mut self) -> Result<Inbox, Fault> {
        self.open_folder(&Command::new("SELECT INBOX")).await
    }

    /// Selects a folder to change what is in it.
    pub(super) async fn select_folder(&mut self, folder: &FolderName) -> Result<Inbox, Fault> {
        self.open_folder(&Command::new("SELECT ").folder(folder)).await
    }

    /// Selects a folder to read it, which changes nothing in it.
    pub(super) async fn examine(&mut self, folder: &FolderName) -> Result<Inbox, Fault> {
        self.open_folder(&Command::new("EXAMINE ").folder(folder)).await
    }

    /// Selects a folder to read it, and asks for the state of its messages and flags.
    pub(super) async fn examine_state(&mut self, folder: &FolderName) -> Result<Inbox, Fault> {
        self.open_folder(&Command::new("EXAMINE ").folder(folder).words(" (CONDSTORE)")).await
    }

    async fn open_folder(&mut self, command: &Command<'_>) -> Result<Inbox, Fault> {
        let (mut uid_validity, mut uid_next, mut modseq) = (None, None, None);
        self.exists = 0;
        self.execute(command, SHORT, |answer| {
            if let Said::Parsed(Response::Data { outcome, .. }) = answer {
                match outcome.code {
                    Some(ResponseCode::UidValidity(number)) => uid_validity = Some(number),
                    Some(ResponseCode::UidNext(number)) => uid_next = Some(number),
                    Some(ResponseCode::HighestModSeq(number)) => modseq = Some(number),
                    _ => {}
                }
            }
        })
        .await?;
        self.news = false;
        match uid_validity {
            Some(uid_validity) => Ok(Inbox { uid_validity, uid_next, modseq }),
            None => Err(Fault::Protocol("a folder has no UIDVALIDITY".into())),
        }
    }
}
