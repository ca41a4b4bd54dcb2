//! A mail system that lists messages and leaves them out of the stream.

use std::ops::Range;

use async_trait::async_trait;
use futures_util::StreamExt as _;

use super::*;
use crate::{
    Arrival, Batch, Changes, Error, FlagChange, Folder, FolderStatus, Found, Listing, MailAccess, Messages,
    Outgoing, Position, Query, Quota, Submission, Uid,
};

#[tokio::test]
async fn what_is_listed_is_exported_whether_the_stream_has_it_or_not() {
    let world = World::new().await;
    for archive in world.archives() {
        let archive = archive.with_folder(FolderName::inbox());
        // One is there still, and one was removed between the list and the stream.
        let (kept, gone) = (Uid::new(3).unwrap(), Uid::new(5).unwrap());
        let mut store = LeavesOut { office: world.office.clone(), kept, gone, is_empty: true };
        let exported = archive.export(&store, &world.ada).await.unwrap();
        assert_eq!(exported.added, AWKWARD.len() as u64 - 2);
        let named: Vec<_> =
            exported.left_out.iter().map(|(folder, at)| (folder.is_inbox(), at.uid)).collect();
        assert_eq!(named, [(true, 3)]);
        store.is_empty = false;
        let exported = archive.export(&store, &world.ada).await.unwrap();
        assert_eq!((exported.added, exported.present), (1, AWKWARD.len() as u64 - 2));
        assert!(exported.left_out.is_empty());
        assert_eq!(archive.verify().await.unwrap().messages, AWKWARD.len() as u64 - 1);
        world.wipe(&world.bob);
        world.import(&archive, &world.bob).await.unwrap();
        let found = &world.contents(&world.bob).await;
        let (.., messages) = found.iter().find(|(name, ..)| name.is_inbox()).unwrap();
        assert!(messages.iter().any(|(bytes, ..)| bytes == AWKWARD[2]));
        assert!(!messages.iter().any(|(bytes, ..)| bytes == AWKWARD[4]));
    }
}

/// What its stream leaves out is in the mailbox all the same, also if nobody can read it there.
#[tokio::test]
async fn what_the_target_does_not_give_out_is_not_filed_twice() {
    let world = World::new().await;
    for archive in world.archives() {
        let archive = archive.with_folder(FolderName::inbox());
        world.export(&archive).await.unwrap();
        for is_empty in [false, true] {
            let (kept, gone) = (Uid::new(3).unwrap(), Uid::new(1_000).unwrap());
            let store = LeavesOut { office: world.office.clone(), kept, gone, is_empty };
            let imported = archive.import(&store, &world.ada).await.unwrap();
            assert_eq!((imported.added, imported.present), (0, AWKWARD.len() as u64), "{is_empty}");
        }
    }
}

/// IMAP carries no NUL: such a message is named, and keeps no other back.
#[tokio::test]
async fn a_message_with_a_nul_is_left_out_and_named() {
    let world = World::new().await;
    let root = world.root();
    fs::create_dir_all(root.join("cur")).unwrap();
    for (name, text) in [
        ("100.a.host:2,S", "Subject: a\n\na\n"),
        ("101.b.host:2,", "Subject: b\n\n\0\n"),
        ("102.c.host:2,", "c\n"),
    ] {
        fs::write(root.join("cur").join(name), text).unwrap();
    }
    let none = Uid::new(1_000).unwrap();
    let store = LeavesOut { office: world.office.clone(), kept: none, gone: none, is_empty: false };
    for (added, present) in [(2, 0), (0, 2)] {
        let imported = Archive::maildir(&root).import(&store, &world.bob).await.unwrap();
        assert_eq!((imported.added, imported.present, imported.left_out.len()), (added, present, 1));
        assert!(imported.left_out[0].ends_with("101.b.host:2,"), "{:?}", imported.left_out);
    }
}

#[derive(Debug)]
struct LeavesOut {
    office: PostOffice,
    kept: Uid,
    gone: Uid,
    /// Of the one that is there it gives out no bytes.
    is_empty: bool,
}

#[async_trait]
impl MailAccess for LeavesOut {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        self.office.submit(login, message).await
    }

    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        self.office.check_submission(login).await
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        self.office.fetch(login, selection, limit).await
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        self.office.mark_seen(login, uid_validity, uids).await
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        self.office.wait(login, after, at_most).await
    }
}

#[async_trait]
impl MessageStore for LeavesOut {
    async fn folders(&self, login: &Login) -> Result<Vec<Folder>, Error> {
        self.office.folders(login).await
    }

    async fn create_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        self.office.create_folder(login, folder).await
    }

    async fn delete_folder(&self, login: &Login, folder: &FolderName) -> Result<(), Error> {
        self.office.delete_folder(login, folder).await
    }

    async fn rename_folder(&self, login: &Login, from: &FolderName, to: &FolderName) -> Result<(), Error> {
        self.office.rename_folder(login, from, to).await
    }

    async fn subscribe(&self, login: &Login, folder: &FolderName, subscribed: bool) -> Result<(), Error> {
        self.office.subscribe(login, folder, subscribed).await
    }

    async fn status(&self, login: &Login, folder: &FolderName) -> Result<FolderStatus, Error> {
        self.office.status(login, folder).await
    }

    async fn search(&self, login: &Login, folder: &FolderName, query: &Query) -> Result<Found, Error> {
        self.office.search(login, folder, query).await
    }

    async fn list(
        &self,
        login: &Login,
        folder: &FolderName,
        selection: &Selection,
    ) -> Result<Listing, Error> {
        self.office.list(login, folder, selection).await
    }

    fn messages(&self, login: &Login, folder: &FolderName, selection: &Selection) -> Messages {
        let left_out = [self.kept, self.gone];
        let all = self.office.messages(login, folder, selection);
        Box::pin(all.filter(move |message| {
            let is_in = message.as_ref().is_ok_and(|message| !left_out.contains(&message.uid()));
            std::future::ready(is_in)
        }))
    }

    async fn read(
        &self,
        login: &Login,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, Error> {
        if self.is_empty && at.uid == self.kept.get() {
            return Ok(Vec::new());
        }
        let uid = if at.uid == self.gone.get() { 1_000 } else { at.uid };
        self.office.read(login, folder, Position { uid, ..at }, range).await
    }

    async fn change_flags(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), Error> {
        self.office.change_flags(login, folder, uid_validity, uids, change).await
    }

    async fn copy(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        self.office.copy(login, folder, uid_validity, uids, to).await
    }

    async fn move_to(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Error> {
        self.office.move_to(login, folder, uid_validity, uids, to).await
    }

    async fn append(
        &self,
        login: &Login,
        folder: &FolderName,
        message: &[u8],
        flags: &[Flag],
        date: Option<SystemTime>,
    ) -> Result<Option<Position>, Error> {
        if message.contains(&0) {
            return Err(Error::Invalid { what: "message", problem: "it holds a NUL".into() });
        }
        self.office.append(login, folder, message, flags, date).await
    }

    async fn expunge(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), Error> {
        MessageStore::expunge(&self.office, login, folder, uid_validity, uids).await
    }

    async fn changes(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        since: u64,
    ) -> Result<Changes, Error> {
        self.office.changes(login, folder, uid_validity, since).await
    }

    async fn quota(&self, login: &Login) -> Result<Option<Quota>, Error> {
        self.office.quota(login).await
    }
}
