//! All that a mailbox holds, over IMAP.

use std::ops::Range;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use futures_util::stream;

use super::{SmtpImap, report};
use crate::imap;
use crate::wire::Fault;
use crate::{
    Changes, Error, Flag, FlagChange, Folder, FolderName, FolderStatus, Found, Listing, Login, MessageStore,
    Messages, Position, Query, Quota, Selection, Uid,
};

/// Names of folders are written in modified UTF-7, which every server reads. What a server doesn't offer is done by other
/// means where that is possible: MOVE by COPY and EXPUNGE, LIST-EXTENDED by LSUB, QRESYNC by SEARCH.
#[async_trait]
impl MessageStore for SmtpImap {
    async fn folders(&self, login: &Login) -> Result<Vec<Folder>, Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.folders().await;
            self.end(login, session, done)
        };
        report("folders", &self.config.imap, login, done.await)
    }

    async fn create_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.create_folder(folder).await;
            self.end(login, session, done)
        };
        report("create_folder", &self.config.imap, login, done.await)
    }

    async fn delete_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.delete_folder(folder).await;
            self.end(login, session, done)
        };
        report("delete_folder", &self.config.imap, login, done.await)
    }

    async fn rename_folder(&self, login: &Login, from: &FolderName, to: &FolderName) -> Result<(), Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.rename_folder(from, to).await;
            self.end(login, session, done)
        };
        report("rename_folder", &self.config.imap, login, done.await)
    }

    async fn subscribe(&self, login: &Login, folder: &FolderName, subscribed: bool) -> Result<(), Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.subscribe(folder, subscribed).await;
            self.end(login, session, done)
        };
        report("subscribe", &self.config.imap, login, done.await)
    }

    async fn status(&self, login: &Login, folder: &FolderName) -> Result<FolderStatus, Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.status(folder).await;
            self.end(login, session, done)
        };
        report("status", &self.config.imap, login, done.await)
    }

    async fn search(&self, login: &Login, folder: &FolderName, query: &Query) -> Result<Found, Error> {
        query.check()?;
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.find(folder, query).await;
            self.end(login, session, done)
        };
        report("search", &self.config.imap, login, done.await)
    }

    async fn list(
        &self,
        login: &Login,
        folder: &FolderName,
        selection: &Selection,
    ) -> Result<Listing, Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.entries(folder, selection).await;
            self.end(login, session, done)
        };
        report("list", &self.config.imap, login, done.await)
    }

    /// Opens a connection of its own, so that a slow reader keeps no other call waiting.
    fn messages(&self, login: &Login, folder: &FolderName, selection: &Selection) -> Messages {
        let (connector, server, limits) =
            (Arc::clone(&self.connector), self.config.imap.clone(), self.limits());
        let (login, folder, selection) = (login.clone(), folder.clone(), selection.clone());
        Box::pin(stream::try_unfold(None, move |reading| {
            let (connector, server) = (Arc::clone(&connector), server.clone());
            let (login, folder, selection) = (login.clone(), folder.clone(), selection.clone());
            async move {
                let done = async {
                    let mut reading = match reading {
                        Some(reading) => reading,
                        None => {
                            let stream = connector.connect(&server).await?;
                            let session = imap::Session::open(stream, &login).await?;
                            imap::Reading::begin(session, &folder, &selection, limits).await?
                        }
                    };
                    Ok(reading.next().await?.map(|message| (message, Some(reading))))
                };
                report("messages", &server, &login, done.await)
            }
        }))
    }

    async fn read(
        &self,
        login: &Login,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Error> {
        let done = async {
            if range.end < range.start || range.end - range.start > MAX_READ {
                return Err(Fault::Invalid {
                    what: "range",
                    problem: "it is of 16 MiB at most and ends where it begins or behind",
                });
            }
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.read(folder, at, range).await;
            self.end(login, session, done)
        };
        report("read", &self.config.imap, login, done.await)
    }

    async fn change_flags(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.change_flags(folder, uid_validity, uids, change).await;
            self.end(login, session, done)
        };
        report("change_flags", &self.config.imap, login, done.await)
    }

    async fn copy(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.copy(folder, uid_validity, uids, to).await;
            self.end(login, session, done)
        };
        report("copy", &self.config.imap, login, done.await)
    }

    async fn move_to(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.move_to(folder, uid_validity, uids, to).await;
            self.end(login, session, done)
        };
        report("move_to", &self.config.imap, login, done.await)
    }

    async fn append(
        &self,
        login: &Login,
        folder: &FolderName,
        message: &[u8],
        flags: &[Flag],
        date: Option<SystemTime>,
    ) -> Result<Option<Position>, Error> {
        let done = async {
            imap::check_message(message)?;
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.append(folder, message, flags, date).await;
            self.end(login, session, done)
        };
        report("append", &self.config.imap, login, done.await)
    }

    async fn expunge(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.expunge(folder, uid_validity, uids).await;
            self.end(login, session, done)
        };
        report("expunge", &self.config.imap, login, done.await)
    }

    async fn changes(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        since: u64,
    ) -> Result<Changes, Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.changes(folder, uid_validity, since).await;
            self.end(login, session, done)
        };
        report("changes", &self.config.imap, login, done.await)
    }

    async fn quota(&self, login: &Login) -> Result<Option<Quota>, Error> {
        let done = async {
            let (mut session, _) = self.mailbox(login).await?;
            let done = session.quota().await;
            self.end(login, session, done)
        };
        report("quota", &self.config.imap, login, done.await)
    }
}

/// Bytes in one range.
const MAX_READ: u64 = 16 << 20;
