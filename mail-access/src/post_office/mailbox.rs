//! One mailbox: its INBOX, its other folders, its quota, and the bell that wakes who waits for mail.

use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use super::folder::{Folder, Found, Stored};
use super::folders::Folders;
use crate::{FlagChange, FolderName, MessageId, Position, Quota, Selection, Uid};

/// An empty one owns nothing on the heap but its password.
pub(super) struct Mailbox {
    pub(super) inbox: Folder,
    /// Whether it takes mail and its login works.
    pub(super) active: bool,
    password: SecretString,
    /// Further passwords, by their names.
    app_passwords: Vec<(Box<str>, SecretString)>,
    /// In bytes; 0 is no limit.
    quota: u64,
    used: u64,
    /// `None` until another one than the INBOX is wanted.
    folders: Option<Box<Folders>>,
    bell: Option<Arc<Notify>>,
}

impl Mailbox {
    pub(super) fn new(password: SecretString, quota_mib: u64, uid_validity: u32) -> Self {
        Self {
            inbox: Folder::new(uid_validity),
            active: true,
            password,
            app_passwords: Vec::new(),
            quota: quota_mib.saturating_mul(1 << 20),
            used: 0,
            folders: None,
            bell: None,
        }
    }

    pub(super) fn opens_with(&self, password: &SecretString) -> bool {
        let all = std::iter::once(&self.password).chain(self.app_passwords.iter().map(|(_, known)| known));
        all.into_iter().any(|known| known.expose_secret() == password.expose_secret())
    }

    pub(super) fn set_password(&mut self, password: SecretString) {
        self.password = password;
        self.ring();
    }

    pub(super) fn app_passwords(&self) -> impl Iterator<Item = &str> {
        self.app_passwords.iter().map(|(name, _)| &**name)
    }

    /// Adds a password, or sets that of the name.
    pub(super) fn set_app_password(&mut self, name: &str, password: SecretString) {
        self.remove_app_password(name);
        self.app_passwords.push((name.into(), password));
    }

    pub(super) fn remove_app_password(&mut self, name: &str) {
        self.app_passwords.retain(|(known, _)| **known != *name);
        self.ring();
    }

    /// Counts the messages of all folders.
    pub(super) fn len(&self) -> usize {
        self.inbox.len() + self.others().map(Folder::len).sum::<usize>()
    }

    /// Sets the limit of what it holds; what is in it already stays.
    pub(super) fn set_quota(&mut self, quota_mib: u64) {
        self.quota = quota_mib.saturating_mul(1 << 20);
    }

    pub(super) fn quota_mib(&self) -> u64 {
        self.quota >> 20
    }

    pub(super) fn has_quota(&self) -> bool {
        self.quota != 0
    }

    /// Tells whether this many bytes more would not pass the quota.
    pub(super) fn has_room(&self, size: u64) -> bool {
        self.quota == 0 || self.used.saturating_add(size) <= self.quota
    }

    pub(super) fn quota(&self) -> Option<Quota> {
        let whole = |bytes: u64| bytes.div_ceil(KIB) * KIB;
        self.has_quota().then(|| Quota::new(whole(self.used), self.quota))
    }

    pub(super) fn holds(&self, id: &MessageId) -> bool {
        self.inbox.holds(id) || self.others().any(|folder| folder.holds(id))
    }

    /// Delivers the message, unless it would pass the quota.
    pub(super) fn put(&mut self, stored: Stored) -> Result<(), Full> {
        if !self.has_room(stored.size()) {
            return Err(Full);
        }
        self.used += stored.size();
        self.inbox.put(stored);
        self.ring();
        Ok(())
    }

    /// Gives out the first `limit` messages of the INBOX that match, and whether there are more; the other UIDVALIDITY
    /// if the selection's UIDs belong to another one.
    pub(super) fn select(&self, selection: &Selection, limit: usize) -> Result<(Vec<Found>, bool), u32> {
        let mut uids = self.inbox.select(selection)?;
        let found = uids.by_ref().take(limit.max(1)).filter_map(|uid| self.inbox.get(uid)).collect();
        let more = uids.next().is_some();
        Ok((found, more))
    }

    pub(super) fn expunge(&mut self, folder: &FolderName, uids: &[Uid]) {
        if let Some(folder) = self.folder(folder) {
            let freed: u64 = folder.take(uids).iter().map(|(_, stored)| stored.size()).sum();
            self.used -= freed;
        }
    }

    /// Files a message, unless there is no such folder or no room.
    pub(super) fn file(&mut self, folder: &FolderName, stored: Stored) -> Result<Position, Unfit> {
        let (size, has_room) = (stored.size(), self.has_room(stored.size()));
        let place = match self.folder(folder) {
            None => return Err(Unfit::NoSuchFolder),
            Some(_) if !has_room => return Err(Unfit::Full),
            Some(folder) => folder.put(stored),
        };
        self.used += size;
        self.ring_for(folder);
        Ok(place)
    }

    /// Copies what is there of the messages; nothing without room for all.
    pub(super) fn copy(
        &mut self,
        from: &FolderName,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Unfit> {
        let Some(source) = self.folder(from) else { return Err(Unfit::NoSuchFolder) };
        let found: Vec<_> = source.present(uids).into_iter().filter_map(|uid| source.get(uid)).collect();
        let size = found.iter().map(|found| found.stored.size()).sum();
        let has_room = self.has_room(size);
        let target = match self.folder(to) {
            _ if found.is_empty() => return Ok(Vec::new()),
            None => return Err(Unfit::NoSuchFolder),
            Some(_) if !has_room => return Err(Unfit::Full),
            Some(target) => target,
        };
        let places = found.into_iter().map(|Found { uid, stored }| (uid, target.put(stored))).collect();
        self.used += size;
        self.ring_for(to);
        Ok(places)
    }

    pub(super) fn move_to(
        &mut self,
        from: &FolderName,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, Unfit> {
        let is_there = self.folder(to).is_some();
        let taken = match self.folder(from) {
            None => return Err(Unfit::NoSuchFolder),
            Some(source) if source.present(uids).is_empty() => return Ok(Vec::new()),
            Some(_) if !is_there => return Err(Unfit::NoSuchFolder),
            Some(source) => source.take(uids),
        };
        let Some(target) = self.folder(to) else { return Err(Unfit::NoSuchFolder) };
        let places = taken.into_iter().map(|(uid, stored)| (uid, target.put(stored))).collect();
        self.ring_for(to);
        Ok(places)
    }

    /// Removes a folder with what is in it.
    pub(super) fn remove_folder(&mut self, folder: &FolderName) {
        if let Some(folders) = &mut self.folders
            && let Some(removed) = folders.remove(folder)
        {
            self.used -= removed.size();
        }
    }

    pub(super) fn mark_seen(&mut self, uids: &[Uid]) {
        self.inbox.change_flags(uids, &FlagChange::Add(vec![crate::Flag::Seen]));
    }

    /// Finds a folder that was made.
    pub(super) fn folder(&mut self, name: &FolderName) -> Option<&mut Folder> {
        if name.is_inbox() { Some(&mut self.inbox) } else { self.folders.as_mut()?.get(name) }
    }

    pub(super) fn folders(&mut self) -> &mut Folders {
        self.folders.get_or_insert_default()
    }

    /// Numbers a folder's messages from 1, in their order, and keeps everything else about them.
    pub(super) fn renumber(&mut self, folder: &FolderName, uid_validity: u32) {
        if let Some(folder) = self.folder(folder) {
            folder.renumber(uid_validity);
        }
        self.ring_for(folder);
    }

    /// Completes at the next ring after this call, be it polled before or only later.
    pub(super) fn next_ring(&mut self) -> OwnedNotified {
        Arc::clone(self.bell.get_or_insert_default()).notified_owned()
    }

    pub(super) fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.notify_waiters();
        }
    }

    /// Wakes who waits for news of the INBOX, if it is the one.
    fn ring_for(&self, folder: &FolderName) {
        if folder.is_inbox() {
            self.ring();
        }
    }

    /// Shows the INBOX, and then the other folders that were used.
    pub(super) fn for_each_folder(&self, mut see: impl FnMut(&FolderName, &Folder)) {
        see(&FolderName::inbox(), &self.inbox);
        for (name, folder) in self.folders.iter().flat_map(|folders| folders.made()) {
            see(name, folder);
        }
    }

    fn others(&self) -> impl Iterator<Item = &Folder> {
        self.folders.iter().flat_map(|folders| folders.made()).map(|(_, folder)| folder)
    }
}

/// Nobody waits at the copy.
impl Clone for Mailbox {
    fn clone(&self) -> Self {
        Self {
            inbox: self.inbox.clone(),
            active: self.active,
            password: self.password.clone(),
            app_passwords: self.app_passwords.clone(),
            quota: self.quota,
            used: self.used,
            folders: self.folders.clone(),
            bell: None,
        }
    }
}

/// The quota has no room for the message.
#[derive(Debug)]
pub(super) struct Full;

/// Why messages can't be filed in a folder.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unfit {
    Full,
    NoSuchFolder,
}

const KIB: u64 = 1_024;
