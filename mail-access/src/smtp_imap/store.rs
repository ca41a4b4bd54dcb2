//! All that a mailbox holds, over IMAP.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;

use super::{SmtpImap, report};
use crate::imap::{self, Course, Manner, Session};
use crate::wire::Fault;
use crate::{
    Changes, Error, Flag, FlagChange, Folder, FolderChanges, FolderName, FolderStatus, Found, Listing, Login,
    MessageStore, Messages, Position, Query, Quota, Selection, Uid,
};

/// Names of folders are written in modified UTF-7, which every server reads. What a server doesn't offer is done by other
/// means where that is possible: MOVE by COPY and EXPUNGE, LIST-EXTENDED by LSUB, QRESYNC by SEARCH.
///
/// [`messages`](MessageStore::messages) opens a connection of its own for each stream, within the limit of
/// [`with_max_imap_connections`](super::SmtpImapConfig::with_max_imap_connections), so that a slow reader keeps no
/// other call waiting as long as there are connections left. A stream holds its own until it ends or is dropped, unless
/// nobody reads it: after 5 to 10 s it gives the connection up to those who wait for one, after 2 minutes in any case, and
/// goes on over another one when it is asked for the next message. If the folder was numbered anew by then, it ends with
/// [`Error::Renumbered`].
///
/// A message that the server lists and doesn't give out (it leaves it out, or answers with what can't be read) is given
/// out by its header, or else by its UID alone, and marked: [`Limit::Withheld`](crate::Limit::Withheld). This costs up to
/// 3 connections. A server that refuses for now, or is lost, is an error as ever.
#[async_trait]
impl MessageStore for SmtpImap {
    async fn folders(&self, login: &Login) -> Result<Vec<Folder>, Error> {
        self.on("folders", login, SAFE, (), |session, ()| Box::pin(session.folders())).await
    }

    async fn create_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        self.on("create_folder", login, SAFE, folder.clone(), |session, folder| {
            Box::pin(session.create_folder(folder))
        })
        .await
    }

    async fn delete_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        self.on("delete_folder", login, SAFE, folder.clone(), |session, folder| {
            Box::pin(session.delete_folder(folder))
        })
        .await
    }

    async fn rename_folder(&self, login: &Login, from: &FolderName, to: &FolderName) -> Result<(), Error> {
        self.on("rename_folder", login, ONCE, (from.clone(), to.clone()), |session, (from, to)| {
            Box::pin(session.rename_folder(from, to))
        })
        .await
    }

    async fn subscribe(&self, login: &Login, folder: &FolderName, subscribed: bool) -> Result<(), Error> {
        self.on("subscribe", login, SAFE, (folder.clone(), subscribed), |session, (folder, subscribed)| {
            Box::pin(session.subscribe(folder, *subscribed))
        })
        .await
    }

    async fn status(&self, login: &Login, folder: &FolderName) -> Result<FolderStatus, Error> {
        self.on("status", login, SAFE, folder.clone(), |session, folder| Box::pin(session.status(folder)))
            .await
    }

    async fn search(&self, login: &Login, folder: &FolderName, query: &Query) -> Result<Found, Error> {
        query.check()?;
        self.on("search", login, SAFE, (folder.clone(), query.clone()), |session, (folder, query)| {
            Box::pin(session.find(folder, query))
        })
        .await
    }

    async fn list(
        &self,
        login: &Login,
        folder: &FolderName,
        selection: &Selection,
    ) -> Result<Listing, Error> {
        self.on("list", login, SAFE, (folder.clone(), selection.clone()), |session, (folder, selection)| {
            Box::pin(session.entries(folder, selection))
        })
        .await
    }

    fn messages(&self, login: &Login, folder: &FolderName, selection: &Selection) -> Messages {
        let course = Course::new(folder.clone(), selection.clone(), self.limits());
        let (server, login) = (self.config.imap.clone(), login.clone());
        let read = imap::messages(self.mailboxes.opener(&login), course);
        Box::pin(read.map_err(move |fault: Fault| fault.lift("messages", &server, &login)))
    }

    async fn read(
        &self,
        login: &Login,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Error> {
        if range.end < range.start || range.end - range.start > MAX_READ {
            let problem = format!("{range:?} has to be of 0 to {MAX_READ} bytes");
            return Err(Error::Invalid { what: "range", problem });
        }
        self.on("read", login, SAFE, (folder.clone(), at, range), |session, (folder, at, range)| {
            Box::pin(session.read(folder, *at, range.clone()))
        })
        .await
    }

    async fn change_flags(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), Error> {
        self.on(
            "change_flags",
            login,
            SAFE,
            (folder.clone(), uid_validity, uids.to_vec(), change.clone()),
            |session, (folder, uid_validity, uids, change)| {
                Box::pin(session.change_flags(folder, *uid_validity, uids, change))
            },
        )
        .await
    }

    async fn copy(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        self.on(
            "copy",
            login,
            ONCE,
            (folder.clone(), uid_validity, uids.to_vec(), to.clone()),
            |session, (folder, uid_validity, uids, to)| {
                Box::pin(session.copy(folder, *uid_validity, uids, to))
            },
        )
        .await
    }

    async fn move_to(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        self.on(
            "move_to",
            login,
            ONCE,
            (folder.clone(), uid_validity, uids.to_vec(), to.clone()),
            |session, (folder, uid_validity, uids, to)| {
                Box::pin(session.move_to(folder, *uid_validity, uids, to))
            },
        )
        .await
    }

    async fn append(
        &self,
        login: &Login,
        folder: &FolderName,
        message: &[u8],
        flags: &[Flag],
        date: Option<SystemTime>,
    ) -> Result<Option<Position>, Error> {
        self.said("append", login, imap::check_message(message))?;
        self.on(
            "append",
            login,
            ONCE,
            (folder.clone(), message.to_vec(), flags.to_vec(), date),
            |session, (folder, message, flags, date)| Box::pin(session.append(folder, message, flags, *date)),
        )
        .await
    }

    async fn expunge(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Error> {
        self.on(
            "expunge",
            login,
            SAFE,
            (folder.clone(), uid_validity, uids.to_vec()),
            |session, (folder, uid_validity, uids)| Box::pin(session.expunge(folder, *uid_validity, uids)),
        )
        .await
    }

    async fn changes(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        since: u64,
    ) -> Result<Changes, Error> {
        self.on(
            "changes",
            login,
            SAFE,
            (folder.clone(), uid_validity, since),
            |session, (folder, uid_validity, since)| Box::pin(session.changes(folder, *uid_validity, *since)),
        )
        .await
    }

    async fn quota(&self, login: &Login) -> Result<Option<Quota>, Error> {
        self.on("quota", login, SAFE, (), |session, ()| Box::pin(session.quota())).await
    }
}

impl SmtpImap {
    /// Watches folders over one connection: gives out how each is now, and then how one is each time it changes.
    ///
    /// A server that offers it tells of changes by itself (NOTIFY, RFC 5465), Dovecot within a second. Any is asked `every`
    /// so often as well, as some offer it and do not tell, and such a one after 150 s in any case. Several changes at a
    /// time may come as one.
    ///
    /// # Contract
    /// - Nothing that changes after a folder was told of is missed: it is told anew if it is otherwise then.
    /// - It ends with the first error; a stream that is begun anew tells how each folder is by then. A folder that isn't
    ///   there is [`Error::Refused`].
    /// - It takes one of the connections for reading for as long as it lasts. Nothing is changed, and a dropped stream
    ///   leaves nothing behind.
    pub fn watch_folders(&self, login: &Login, folders: &[FolderName], every: Duration) -> FolderChanges {
        let (server, login) = (self.config.imap.clone(), login.clone());
        let told = imap::folder_changes(self.mailboxes.opener(&login), folders.to_vec(), every);
        Box::pin(told.map_err(move |fault: Fault| fault.lift("watch_folders", &server, &login)))
    }

    /// Has a job done with what was given, on the login's connection.
    async fn on<A, T>(
        &self,
        operation: &'static str,
        login: &Login,
        manner: Manner,
        given: A,
        job: for<'a> fn(&'a mut Session, &'a A) -> BoxFuture<'a, Result<T, Fault>>,
    ) -> Result<T, Error>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let given = Arc::new(given);
        let done = self.mailboxes.run(login, manner, move |session| {
            let given = Arc::clone(&given);
            Box::pin(async move { job(session, &given).await })
        });
        self.said(operation, login, done.await)
    }

    fn said<T>(&self, operation: &'static str, login: &Login, done: Result<T, Fault>) -> Result<T, Error> {
        report(operation, &self.config.imap, login, done)
    }
}

const SAFE: Manner = Manner { in_inbox: false, is_repeatable: true };
const ONCE: Manner = Manner { in_inbox: false, is_repeatable: false };
/// Bytes in one range.
const MAX_READ: u64 = 16 << 20;
