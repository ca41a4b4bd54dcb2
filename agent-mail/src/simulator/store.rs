use std::ops::Range;
use std::time::SystemTime;

use async_trait::async_trait;
use mail_access::{
    Changes, Error, Flag, FlagChange, Folder, FolderName, FolderStatus, Found, Listing, Login, MessageStore,
    Messages, Position, Query, Quota, Selection, Uid,
};

use super::Service;
use super::mail::SimulatedMail;

impl SimulatedMail {
    /// Looks, which changes nothing: a lost answer is as good as an unreachable server.
    async fn looking<T>(
        &self,
        operation: &'static str,
        look: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.reach(Service::Imap, operation).await?;
        let seen = look.await;
        self.answer(Service::Imap, operation)
            .await
            .map_err(|_| super::mail::unavailable(operation, Service::Imap))?;
        seen
    }

    async fn acting<T>(
        &self,
        operation: &'static str,
        act: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.reach(Service::Imap, operation).await?;
        let done = act.await;
        self.answer(Service::Imap, operation).await?;
        done
    }
}

/// [`messages`](MessageStore::messages) takes no time, and is cut short by an outage only at its beginning.
#[async_trait]
impl MessageStore for SimulatedMail {
    async fn folders(&self, login: &Login) -> Result<Vec<Folder>, Error> {
        self.looking("folders", self.office.folders(login)).await
    }

    async fn create_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        self.acting("create_folder", self.office.create_folder(login, folder)).await
    }

    async fn delete_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        self.acting("delete_folder", self.office.delete_folder(login, folder)).await
    }

    async fn rename_folder(&self, login: &Login, from: &FolderName, to: &FolderName) -> Result<(), Error> {
        self.acting("rename_folder", self.office.rename_folder(login, from, to)).await
    }

    async fn subscribe(&self, login: &Login, folder: &FolderName, subscribed: bool) -> Result<(), Error> {
        self.acting("subscribe", self.office.subscribe(login, folder, subscribed)).await
    }

    async fn status(&self, login: &Login, folder: &FolderName) -> Result<FolderStatus, Error> {
        self.looking("status", self.office.status(login, folder)).await
    }

    async fn search(&self, login: &Login, folder: &FolderName, query: &Query) -> Result<Found, Error> {
        self.looking("search", self.office.search(login, folder, query)).await
    }

    async fn list(
        &self,
        login: &Login,
        folder: &FolderName,
        selection: &Selection,
    ) -> Result<Listing, Error> {
        self.looking("list", self.office.list(login, folder, selection)).await
    }

    fn messages(&self, login: &Login, folder: &FolderName, selection: &Selection) -> Messages {
        if self.outages.is_out(Service::Imap, self.time.elapsed()) {
            let out = Err(super::mail::unavailable("messages", Service::Imap));
            return Box::pin(futures_util::stream::iter([out]));
        }
        self.office.messages(login, folder, selection)
    }

    async fn read(
        &self,
        login: &Login,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Error> {
        self.looking("read", self.office.read(login, folder, at, range)).await
    }

    async fn change_flags(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), Error> {
        self.acting("change_flags", self.office.change_flags(login, folder, uid_validity, uids, change)).await
    }

    async fn copy(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        self.acting("copy", self.office.copy(login, folder, uid_validity, uids, to)).await
    }

    async fn move_to(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        self.acting("move_to", self.office.move_to(login, folder, uid_validity, uids, to)).await
    }

    async fn append(
        &self,
        login: &Login,
        folder: &FolderName,
        message: &[u8],
        flags: &[Flag],
        date: Option<SystemTime>,
    ) -> Result<Option<Position>, Error> {
        self.acting("append", self.office.append(login, folder, message, flags, date)).await
    }

    async fn expunge(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Error> {
        // The office has a method of this name for its administrator.
        self.acting("expunge", MessageStore::expunge(&self.office, login, folder, uid_validity, uids)).await
    }

    async fn changes(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        since: u64,
    ) -> Result<Changes, Error> {
        self.looking("changes", self.office.changes(login, folder, uid_validity, since)).await
    }

    async fn quota(&self, login: &Login) -> Result<Option<Quota>, Error> {
        self.looking("quota", self.office.quota(login)).await
    }
}
