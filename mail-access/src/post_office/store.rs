use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::task::coop::consume_budget;

use super::call::{Call, no_such_folder, refused};
use super::folder::{Given, Letter, Stored};
use super::folders::{Unnameable, objection};
use super::mailbox::{Mailbox, Unfit};
use super::marks::Marks;
use super::reader::Reader;
use super::search::Search;
use super::state::Name;
use super::{PostOffice, mail};
use crate::watch::Polled;
use crate::{
    Changes, Error, Flag, FlagChange, FolderChanges, FolderName, FolderStatus, Found, Listing, Login,
    MessageStore, Messages, Position, Query, Quota, Selection, Uid,
};

impl PostOffice {
    /// Watches folders: gives out how each is now, and then how one is each time it changes, by a look at them `every` so
    /// often. It ends with the first error.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use futures_util::StreamExt;
    /// use mail_access::{FolderName, Login, MessageStore, PostOffice};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let office = PostOffice::new();
    /// office.add_domain("agents.example".parse()?);
    /// let ada = Login::new("ada@agents.example".parse()?, "a password".into());
    /// office.add_mailbox(ada.address(), ada.password().clone(), 0)?;
    ///
    /// let folders = [FolderName::inbox(), "Sent".parse()?];
    /// let mut changes = office.watch_folders(&ada, &folders, Duration::from_millis(10));
    /// for folder in &folders {
    ///     assert_eq!(&changes.next().await.ok_or("it goes on")??.folder, folder);
    /// }
    /// office.append(&ada, &folders[1], b"Subject: a copy\r\n\r\nHello\r\n", &[], None).await?;
    /// let change = changes.next().await.ok_or("it goes on")??;
    /// assert_eq!((change.folder.as_str(), change.status.messages), ("Sent", 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch_folders(&self, login: &Login, folders: &[FolderName], every: Duration) -> FolderChanges {
        Box::pin(Polled::new(Arc::new(self.clone()), login.clone(), folders, every))
    }
}

/// Each mailbox has the folders Archive, Drafts, Junk, Sent and Trash of Mailcow, and levels of names stand between
/// `/`. Each method takes effect in one step, so that a dropped call has done everything or nothing.
///
/// [`messages`](MessageStore::messages) gives out every message whole, and finds it when it is asked for the first one
/// which they are.
#[async_trait]
impl MessageStore for PostOffice {
    async fn folders(&self, login: &Login) -> Result<Vec<crate::Folder>, Error> {
        self.reading(&Call::on_all(login, "folders"), |mailbox| Ok(mailbox.folders().list())).await
    }

    async fn create_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        const CREATE: &str = "create_folder";
        if let Some(objection) = objection(folder) {
            return self.changing(&Call::on_all(login, CREATE), |_| Err(refused(CREATE, objection))).await;
        }
        self.changing(&Call::of(login, CREATE, folder).making_it(), |_| Ok(())).await
    }

    async fn delete_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        const DELETE: &str = "delete_folder";
        let delete = |mailbox: &mut Mailbox| {
            if folder.is_inbox() {
                return Err(refused(DELETE, "[CANNOT] INBOX can't be deleted"));
            }
            mailbox.remove_folder(folder);
            Ok(())
        };
        self.changing(&Call::on_all(login, DELETE), delete).await
    }

    async fn rename_folder(&self, login: &Login, from: &FolderName, to: &FolderName) -> Result<(), Error> {
        const RENAME: &str = "rename_folder";
        let rename = |mailbox: &mut Mailbox| {
            if from.is_inbox() {
                return Err(refused(RENAME, "[CANNOT] Renaming INBOX isn't supported"));
            }
            if let Some(objection) = objection(to) {
                return Err(refused(RENAME, objection));
            }
            mailbox.folders().rename(from, to).map_err(|why| match why {
                Unnameable::Exists => refused(RENAME, "[ALREADYEXISTS] Target mailbox already exists"),
                Unnameable::NoSuchFolder => no_such_folder(RENAME, "NONEXISTENT", from),
                Unnameable::TooLong => refused(RENAME, "[CANNOT] Mailbox name too long"),
                Unnameable::UnderItself => {
                    refused(RENAME, "[CANNOT] Can't rename mailbox under its own child")
                }
            })
        };
        self.changing(&Call::of(login, RENAME, from), rename).await
    }

    async fn subscribe(&self, login: &Login, folder: &FolderName, subscribed: bool) -> Result<(), Error> {
        let call = Call::of(login, "subscribe", folder);
        let note = |mailbox: &mut Mailbox| {
            if subscribed {
                call.folder_in(mailbox)?;
            }
            mailbox.folders().subscribe(folder, subscribed);
            Ok(())
        };
        self.changing(&call, note).await
    }

    async fn status(&self, login: &Login, folder: &FolderName) -> Result<FolderStatus, Error> {
        let call = Call::of(login, "status", folder);
        self.reading(&call, |mailbox| Ok(call.folder_in(mailbox)?.status())).await
    }

    async fn search(&self, login: &Login, folder: &FolderName, query: &Query) -> Result<Found, Error> {
        let call = Call::of(login, "search", folder);
        query.check()?;
        let search = Search::new(query);
        let all = |mailbox: &mut Mailbox| {
            let folder = call.folder_in(mailbox)?;
            Ok((folder.uid_validity, folder.all().collect::<Vec<_>>()))
        };
        let (uid_validity, all) = self.reading(&call, all).await?;
        let mut uids = Vec::new();
        for message in all {
            if search.fits(&message) {
                uids.push(message.uid);
            }
            consume_budget().await;
        }
        Ok(Found::new(uid_validity, uids))
    }

    async fn list(
        &self,
        login: &Login,
        folder: &FolderName,
        selection: &Selection,
    ) -> Result<Listing, Error> {
        let call = Call::of(login, "list", folder);
        let list = |mailbox: &mut Mailbox| {
            let folder = call.folder_in(mailbox)?;
            let selected = folder.select(selection).map_err(|expected| call.renumbered(expected, folder))?;
            Ok(Listing::new(folder.uid_validity, selected.filter_map(|uid| folder.entry(uid)).collect()))
        };
        self.reading(&call, list).await
    }

    fn messages(&self, login: &Login, folder: &FolderName, selection: &Selection) -> Messages {
        Box::pin(Reader::new(self.clone(), login.clone(), folder.clone(), selection.clone()))
    }

    async fn read(
        &self,
        login: &Login,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Error> {
        let call = Call::of(login, "read", folder);
        if range.end < range.start || range.end - range.start > MAX_READ {
            let problem = format!("{range:?} has to be of 0 to {MAX_READ} bytes");
            return Err(Error::Invalid { what: "range", problem });
        }
        let find = |mailbox: &mut Mailbox| {
            let found = call.numbered(mailbox, at.uid_validity)?.get(at.uid);
            found.ok_or_else(|| refused(call.operation, "[EXPUNGEISSUED] There is no such message"))
        };
        let found = self.reading(&call, find).await?;
        if found.stored.given != Given::Whole {
            let problem = "it doesn't give out the piece that was asked for".into();
            return Err(Error::Protocol { operation: call.operation, problem });
        }
        let bytes = found.stored.bytes();
        let place = |at: u64| usize::try_from(at).map_or(bytes.len(), |at| at.min(bytes.len()));
        Ok(bytes[place(range.start)..place(range.end)].to_vec())
    }

    async fn change_flags(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), Error> {
        let call = Call::of(login, "change_flags", folder);
        let mark = |mailbox: &mut Mailbox| {
            if !uids.is_empty() {
                call.numbered(mailbox, uid_validity)?.change_flags(uids, change);
            }
            Ok(())
        };
        self.changing(&call, mark).await
    }

    async fn copy(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        let call = Call::of(login, "copy", folder).with_target(to);
        let copy = |mailbox: &mut Mailbox| {
            if uids.is_empty() {
                return Ok(Vec::new());
            }
            call.numbered(mailbox, uid_validity)?;
            mailbox.copy(folder, uids, to).map_err(|why| unfit(call.operation, why, to))
        };
        let copied = self.changing(&call, copy).await;
        self.ring_for(login, to);
        copied
    }

    async fn move_to(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        let call = Call::of(login, "move_to", folder).with_target(to);
        let move_to = |mailbox: &mut Mailbox| {
            if uids.is_empty() {
                return Ok(Vec::new());
            }
            call.numbered(mailbox, uid_validity)?;
            mailbox.move_to(folder, uids, to).map_err(|why| unfit(call.operation, why, to))
        };
        let moved = self.changing(&call, move_to).await;
        self.ring_for(login, to);
        moved
    }

    async fn append(
        &self,
        login: &Login,
        folder: &FolderName,
        message: &[u8],
        flags: &[Flag],
        date: Option<SystemTime>,
    ) -> Result<Option<Position>, Error> {
        let call = Call::of(login, "append", folder);
        if message.is_empty() {
            let problem = "it has no bytes; a message has one at least".to_owned();
            return Err(Error::Invalid { what: "message", problem });
        }
        let size_limit = self.state().policy.size_limit;
        let date = date.unwrap_or_else(|| (self.office.settings.clock)());
        let letter = Letter { message_id: mail::message_id(message), bytes: message.to_vec() };
        let stored = Stored::new("", Arc::new(letter), date, Marks::of(flags));
        let file = |mailbox: &mut Mailbox| {
            if message.len() > size_limit {
                return Err(refused(call.operation, "[TOOBIG] The message is over the size limit"));
            }
            mailbox.file(folder, stored).map(Some).map_err(|why| unfit(call.operation, why, folder))
        };
        let filed = self.changing(&call, file).await;
        self.ring_for(login, folder);
        filed
    }

    async fn expunge(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Error> {
        let call = Call::of(login, "expunge", folder);
        let expunge = |mailbox: &mut Mailbox| {
            if !uids.is_empty() {
                call.numbered(mailbox, uid_validity)?;
                mailbox.expunge(folder, uids);
            }
            Ok(())
        };
        self.changing(&call, expunge).await
    }

    async fn changes(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        since: u64,
    ) -> Result<Changes, Error> {
        let call = Call::of(login, "changes", folder);
        self.reading(&call, |mailbox| Ok(call.numbered(mailbox, uid_validity)?.changes(since))).await
    }

    async fn quota(&self, login: &Login) -> Result<Option<Quota>, Error> {
        self.reading(&Call::on_all(login, "quota"), |mailbox| Ok(mailbox.quota())).await
    }
}

impl PostOffice {
    /// Tells who listens for all mailboxes, if something was filed in the INBOX. What was filed and is an error to the
    /// caller is told of too: it costs a look.
    fn ring_for(&self, login: &Login, folder: &FolderName) {
        if folder.is_inbox() {
            self.state().listeners.ring(|| Name::of(login.address()).to_string());
        }
    }
}

fn unfit(operation: &'static str, why: Unfit, folder: &FolderName) -> Error {
    match why {
        Unfit::Full => refused(operation, "[OVERQUOTA] Quota exceeded (mailbox for user is full)"),
        Unfit::NoSuchFolder => no_such_folder(operation, "TRYCREATE", folder),
    }
}

const MAX_READ: u64 = 16 << 20;
