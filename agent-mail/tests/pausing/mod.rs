//! Backends that give way around each operation, where a caller may be dropped or another one come first.

#![allow(dead_code, reason = "each test needs a part of it")]

use std::fmt::Debug;
use std::future::poll_fn;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::{Duration, SystemTime};

use agent_mail::backend::{
    Change, Claim, Committed, DkimKey, MailboxSpec, Provisioner, SecretStore, StateStore,
};
use agent_mail::{Address, DomainName, Error};
use async_trait::async_trait;
use futures_util::StreamExt as _;
use mail_access::{
    Arrival, Batch, Changes, Error as MailError, Flag, FlagChange, Folder, FolderName, FolderStatus, Found,
    Listing, Login, MailAccess, MessageStore, Messages, Outgoing, Position, Query, Quota, Selection,
    Submission, Uid,
};
use secrecy::SecretString;
use tokio::task::yield_now;

/// Gives way before and after each operation, as often as a seed says.
#[derive(Debug)]
pub(crate) struct Pausing<T: ?Sized> {
    seed: AtomicU64,
    pub(crate) inner: Arc<T>,
}

impl<T: ?Sized> Pausing<T> {
    /// With the seed 0 it gives way once each time.
    pub(crate) fn new(inner: Arc<T>, seed: u64) -> Self {
        Self { inner, seed: AtomicU64::new(seed) }
    }

    /// Gives way once before and once after each operation.
    pub(crate) fn once(inner: Arc<T>) -> Arc<Self> {
        Arc::new(Self::new(inner, 0))
    }

    pub(crate) async fn pause(&self) {
        let seed = self.seed.load(Ordering::Relaxed);
        let next = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let times = if seed == 0 { 1 } else { (next >> 33) % 5 };
        self.seed.store(if seed == 0 { 0 } else { next }, Ordering::Relaxed);
        for _ in 0..times {
            yield_now().await;
        }
    }
}

/// Polls a future `times` times and drops it; what it came to, if it came to an end.
pub(crate) async fn drop_after<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = times;
    poll_fn(|cx| {
        while left > 0 {
            left -= 1;
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
        }
        Poll::Ready(None)
    })
    .await
}

macro_rules! pausing {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        $self.pause().await;
        let result = $self.inner.$call($($argument),*).await;
        $self.pause().await;
        result
    }};
}

#[async_trait]
impl<T: StateStore + ?Sized> StateStore for Pausing<T> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        pausing!(self.get(key))
    }
    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        pausing!(self.scan(prefix))
    }
    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        pausing!(self.commit(change))
    }
}

#[async_trait]
impl<T: SecretStore + ?Sized> SecretStore for Pausing<T> {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        pausing!(self.get(address))
    }
    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        pausing!(self.put(address, secret))
    }
    async fn remove(&self, address: &Address) -> Result<(), Error> {
        pausing!(self.remove(address))
    }
}

#[async_trait]
impl<T: Provisioner + ?Sized> Provisioner for Pausing<T> {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        pausing!(self.ensure_domain(domain))
    }
    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        pausing!(self.dkim(domain))
    }
    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        pausing!(self.ensure_mailbox(spec))
    }
    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        pausing!(self.remove_mailbox(address, claim))
    }
}

#[async_trait]
impl<T: MailAccess + ?Sized> MailAccess for Pausing<T> {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        pausing!(self.submit(login, message))
    }
    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        pausing!(self.check_submission(login))
    }
    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        pausing!(self.fetch(login, selection, limit))
    }
    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        pausing!(self.mark_seen(login, uid_validity, uids))
    }
    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        pausing!(self.wait(login, after, at_most))
    }
}

#[async_trait]
impl<T: MessageStore + ?Sized> MessageStore for Pausing<T> {
    async fn folders(&self, login: &Login) -> Result<Vec<Folder>, MailError> {
        pausing!(self.folders(login))
    }
    async fn create_folder(&self, login: &Login, folder: &FolderName) -> Result<(), MailError> {
        pausing!(self.create_folder(login, folder))
    }
    async fn delete_folder(&self, login: &Login, folder: &FolderName) -> Result<(), MailError> {
        pausing!(self.delete_folder(login, folder))
    }
    async fn rename_folder(
        &self,
        login: &Login,
        from: &FolderName,
        to: &FolderName,
    ) -> Result<(), MailError> {
        pausing!(self.rename_folder(login, from, to))
    }
    async fn subscribe(&self, login: &Login, folder: &FolderName, on: bool) -> Result<(), MailError> {
        pausing!(self.subscribe(login, folder, on))
    }
    async fn status(&self, login: &Login, folder: &FolderName) -> Result<FolderStatus, MailError> {
        pausing!(self.status(login, folder))
    }
    async fn search(&self, login: &Login, folder: &FolderName, query: &Query) -> Result<Found, MailError> {
        pausing!(self.search(login, folder, query))
    }
    async fn list(
        &self,
        login: &Login,
        folder: &FolderName,
        selection: &Selection,
    ) -> Result<Listing, MailError> {
        pausing!(self.list(login, folder, selection))
    }
    fn messages(&self, login: &Login, folder: &FolderName, selection: &Selection) -> Messages {
        let messages = self.inner.messages(login, folder, selection);
        Box::pin(messages.then(async |message| {
            yield_now().await;
            message
        }))
    }
    async fn read(
        &self,
        login: &Login,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, MailError> {
        pausing!(self.read(login, folder, at, range))
    }
    async fn change_flags(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), MailError> {
        pausing!(self.change_flags(login, folder, uid_validity, uids, change))
    }
    async fn copy(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, MailError> {
        pausing!(self.copy(login, folder, uid_validity, uids, to))
    }
    async fn move_to(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, MailError> {
        pausing!(self.move_to(login, folder, uid_validity, uids, to))
    }
    async fn append(
        &self,
        login: &Login,
        folder: &FolderName,
        message: &[u8],
        flags: &[Flag],
        date: Option<SystemTime>,
    ) -> Result<Option<Position>, MailError> {
        pausing!(self.append(login, folder, message, flags, date))
    }
    async fn expunge(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
    ) -> Result<(), MailError> {
        pausing!(self.expunge(login, folder, uid_validity, uids))
    }
    async fn changes(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        since: u64,
    ) -> Result<Changes, MailError> {
        pausing!(self.changes(login, folder, uid_validity, since))
    }
    async fn quota(&self, login: &Login) -> Result<Option<Quota>, MailError> {
        pausing!(self.quota(login))
    }
}
