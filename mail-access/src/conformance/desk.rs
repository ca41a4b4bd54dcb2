//! One mailbox, read and changed as a whole.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Harness, Missing};
use crate::{
    Entry, Error, Flag, FlagChange, Folder, FolderName, FolderStatus, Listing, Login, MessageStore, Position,
    Query, Selection, Uid,
};

pub(super) struct Desk {
    pub(super) store: Arc<dyn MessageStore>,
    pub(super) login: Login,
}

impl Desk {
    pub(super) async fn open(harness: &dyn Harness) -> Result<Self, Missing> {
        Ok(Self { store: harness.store()?, login: harness.mailbox().await })
    }

    /// Opens it with so many messages in the INBOX, and returns these as they are listed.
    pub(super) async fn with_messages(harness: &dyn Harness, count: u32) -> Result<(Self, Listing), Missing> {
        let desk = Self::open(harness).await?;
        for number in 1..=count {
            desk.append(&inbox(), &letter(&format!("message {number}"), "a text"), &[]).await;
        }
        let listing = desk.list(&inbox()).await;
        Ok((desk, listing))
    }

    /// Makes a folder.
    pub(super) async fn make(&self, name: &str) -> FolderName {
        let folder = named(name);
        self.store.create_folder(&self.login, &folder).await.expect("the folder is made");
        folder
    }

    pub(super) async fn folders(&self) -> Vec<Folder> {
        self.store.folders(&self.login).await.expect("the folders are listed")
    }

    pub(super) async fn folder(&self, name: &FolderName) -> Option<Folder> {
        self.folders().await.into_iter().find(|folder| folder.name == *name)
    }

    pub(super) async fn append(&self, folder: &FolderName, message: &[u8], flags: &[Flag]) -> Uid {
        let place = self.store.append(&self.login, folder, message, flags, None).await;
        uid_at(place.expect("the message is filed").expect("its place is told"))
    }

    pub(super) async fn status(&self, folder: &FolderName) -> FolderStatus {
        self.store.status(&self.login, folder).await.expect("the folder has a status")
    }

    /// Lists all messages of a folder.
    pub(super) async fn list(&self, folder: &FolderName) -> Listing {
        let all = Selection::After(None);
        self.store.list(&self.login, folder, &all).await.expect("the messages are listed")
    }

    /// Returns what a search of the INBOX finds.
    pub(super) async fn search(&self, query: Query) -> Vec<Uid> {
        let found = self.store.search(&self.login, &inbox(), &query).await;
        found.unwrap_or_else(|error| panic!("{query:?}: {error}")).uids
    }

    pub(super) async fn change_flags(&self, listing: &Listing, uids: &[Uid], change: &FlagChange) {
        let (inbox, uid_validity) = (inbox(), listing.uid_validity);
        let changing = self.store.change_flags(&self.login, &inbox, uid_validity, uids, change);
        changing.await.expect("the flags are changed");
    }

    /// Copies from the INBOX.
    pub(super) async fn copy(
        &self,
        listing: &Listing,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        self.store.copy(&self.login, &inbox(), listing.uid_validity, uids, to).await
    }

    /// Moves from the INBOX.
    pub(super) async fn move_to(
        &self,
        listing: &Listing,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        self.store.move_to(&self.login, &inbox(), listing.uid_validity, uids, to).await
    }

    /// Expunges from the INBOX.
    pub(super) async fn expunge(&self, listing: &Listing, uids: &[Uid]) {
        let inbox = inbox();
        let expunging = self.store.expunge(&self.login, &inbox, listing.uid_validity, uids);
        expunging.await.expect("the messages are expunged");
    }

    /// Reads a whole message.
    pub(super) async fn bytes(&self, folder: &FolderName, at: Position) -> Vec<u8> {
        self.store.read(&self.login, folder, at, 0..16 << 20).await.expect("the message is read")
    }
}

pub(super) fn inbox() -> FolderName {
    FolderName::inbox()
}

pub(super) fn named(name: &str) -> FolderName {
    name.parse().expect("it names a folder")
}

pub(super) fn letter(subject: &str, text: &str) -> Vec<u8> {
    format!("From: Ada <ada@agents.example>\r\nSubject: {subject}\r\n\r\n{text}\r\n").into_bytes()
}

pub(super) fn uids(entries: &[Entry]) -> Vec<Uid> {
    entries.iter().map(|entry| entry.uid).collect()
}

pub(super) fn flags(entries: &[Entry]) -> Vec<Vec<Flag>> {
    entries.iter().map(|entry| entry.flags.clone()).collect()
}

pub(super) fn keyword(text: &str) -> Flag {
    Flag::keyword(text).expect("it is a keyword")
}

pub(super) fn uid_at(place: Position) -> Uid {
    Uid::new(place.uid).expect("a message has a UID")
}

/// A time some seconds behind 2020-01-01 at noon, in UTC.
pub(super) fn in_2020(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_577_880_000 + seconds)
}

pub(super) fn assert_refused<T: std::fmt::Debug>(answer: &Result<T, Error>) {
    assert!(matches!(answer, Err(Error::Refused { .. })), "{answer:?}");
}

pub(super) fn assert_no_such_folder<T: std::fmt::Debug>(answer: &Result<T, Error>) {
    match answer {
        Err(error @ Error::Refused { .. }) => {
            assert_eq!(error.reason(), Some(crate::Reason::NoSuchFolder), "{error}");
        }
        _ => panic!("{answer:?}"),
    }
}
