//! The whole mailbox of one agent: its folders, through the message store that the system has.

use std::ops::Range;

use futures_util::StreamExt;
use mail_access::{
    Error as MailError, Flag, FlagChange, FolderName, FolderStatus, Found, Listing, MessageStore, Position,
    Query, Received, Selection, SpecialUse, Uid,
};

use crate::mail::lift;
use crate::{AgentMailbox, Error, ErrorKind};

/// A mailbox as a store opens it, for one operation, which errors name.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    mailbox: &'a AgentMailbox,
    store: &'a dyn MessageStore,
    operation: &'static str,
}

impl AgentMailbox {
    /// Opens the whole mailbox.
    pub(crate) fn desk(&self, operation: &'static str) -> Result<Desk<'_>, Error> {
        match &self.inner().system.system().store {
            Some(store) => Ok(Desk { mailbox: self, store: &**store, operation }),
            None => Err(Error::new(ErrorKind::Unsupported, operation, self.id())
                .with_detail("the system has no message store, which opens folders")
                .with_fix("give the builder one by message_store")),
        }
    }
}

/// Makes a call, once more if the login was replaced while it was refused.
macro_rules! call {
    ($desk:ident, $login:ident => $call:expr) => {{
        let mut login = $desk.mailbox.inner().login.current();
        loop {
            let $login = &login;
            match $call.await {
                Err(error) if $desk.mailbox.inner().login.has_another(&error, &mut login) => {}
                outcome => break outcome.map_err(|error| $desk.lift(error)),
            }
        }
    }};
}

impl Desk<'_> {
    /// Finds the folder that is meant for something, or makes one of this name.
    pub(crate) async fn folder_for(&self, wanted: SpecialUse, name: &str) -> Result<FolderName, Error> {
        if let Some(folder) = self.find_folder(wanted).await? {
            return Ok(folder);
        }
        let name: FolderName = name.parse().map_err(|source| {
            Error::new(ErrorKind::InvalidInput, self.operation, self.mailbox.id()).with_source(source)
        })?;
        call!(self, login => self.store.create_folder(login, &name))?;
        Ok(name)
    }

    pub(crate) async fn find_folder(&self, wanted: SpecialUse) -> Result<Option<FolderName>, Error> {
        let folders = call!(self, login => self.store.folders(login))?;
        let fits = |folder: &&mail_access::Folder| folder.selectable && folder.special_use == Some(wanted);
        Ok(folders.iter().find(fits).map(|folder| folder.name.clone()))
    }

    /// Lists the folders whose messages belong to conversations: all but drafts, junk, trash, and those that show the
    /// messages of others.
    pub(crate) async fn folders(&self) -> Result<Vec<FolderName>, Error> {
        let folders = call!(self, login => self.store.folders(login))?;
        let apart =
            [SpecialUse::All, SpecialUse::Drafts, SpecialUse::Flagged, SpecialUse::Junk, SpecialUse::Trash];
        let fits = |folder: &mail_access::Folder| {
            folder.selectable && !folder.special_use.is_some_and(|special| apart.contains(&special))
        };
        Ok(folders.into_iter().filter(fits).map(|folder| folder.name).collect())
    }

    pub(crate) async fn status(&self, folder: &FolderName) -> Result<FolderStatus, Error> {
        call!(self, login => self.store.status(login, folder))
    }

    pub(crate) async fn list(&self, folder: &FolderName, selection: &Selection) -> Result<Listing, Error> {
        call!(self, login => self.store.list(login, folder, selection))
    }

    pub(crate) async fn search(&self, folder: &FolderName, query: &Query) -> Result<Found, Error> {
        call!(self, login => self.store.search(login, folder, query))
    }

    /// Reads messages of a folder and gives each to `take`, once, so that only one is in memory.
    pub(crate) async fn read_each(
        &self,
        folder: &FolderName,
        selection: &Selection,
        mut take: impl FnMut(Received) + Send,
    ) -> Result<(), Error> {
        let mut login = self.mailbox.inner().login.current();
        let mut messages = self.store.messages(&login, folder, selection);
        let mut last = None;
        while let Some(message) = messages.next().await {
            match message {
                // They come by ascending UID: what was taken before the login was replaced comes again.
                Ok(message) if last >= Some(message.uid()) => {}
                Ok(message) => {
                    last = Some(message.uid());
                    take(message);
                }
                Err(error) if self.mailbox.inner().login.has_another(&error, &mut login) => {
                    messages = self.store.messages(&login, folder, selection);
                }
                Err(error) => return Err(self.lift(error)),
            }
        }
        Ok(())
    }

    pub(crate) async fn read(
        &self,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Error> {
        call!(self, login => self.store.read(login, folder, at, range.clone()))
    }

    pub(crate) async fn append(
        &self,
        folder: &FolderName,
        message: &[u8],
        flags: &[Flag],
    ) -> Result<Option<Position>, Error> {
        let now = self.mailbox.inner().system.system().chance.now();
        call!(self, login => self.store.append(login, folder, message, flags, Some(now)))
    }

    pub(crate) async fn expunge(
        &self,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Error> {
        if uids.is_empty() {
            return Ok(());
        }
        call!(self, login => self.store.expunge(login, folder, uid_validity, uids))
    }

    pub(crate) async fn change_flags(
        &self,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), Error> {
        if uids.is_empty() {
            return Ok(());
        }
        call!(self, login => self.store.change_flags(login, folder, uid_validity, uids, change))
    }

    fn lift(&self, error: MailError) -> Error {
        lift(error, self.operation, self.mailbox.id())
    }
}
