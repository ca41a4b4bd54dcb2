//! Backends that give way before and after each operation, where a program may be killed.

use std::ops::Range;
use std::time::SystemTime;

use agent_mail::backend::{
    Change, Claim, Committed, DkimKey, MailAdmin, MailChange, MailboxSpec, PasswordRules, Provisioner,
    ServedDomain, StateStore,
};
use agent_mail::mail_access::{
    Arrival, Batch, Changes, Error as MailError, Flag, FlagChange, Folder, FolderName, FolderStatus, Found,
    Listing, Login, MailAccess, MessageStore, Messages, Outgoing, Position, Query, Quota, Selection,
    Submission, Uid,
};
use agent_mail::{Address, DomainName};
use secrecy::SecretString;
use tokio::task::yield_now;

use super::*;

#[derive(Debug)]
pub(crate) struct Pausing<T>(pub(crate) Arc<T>);

macro_rules! pausing {
    ($self:ident.$call:ident($($argument:expr),*)) => {{
        yield_now().await;
        let result = $self.0.$call($($argument),*).await;
        yield_now().await;
        result
    }};
}

/// Polls a future so many times, with everything else running in between, and drops it; what it came to, if it came to
/// an end. Half-way something happens.
pub(crate) async fn drop_after<F: Future>(
    times: usize,
    future: F,
    half_way: impl AsyncFnOnce(),
) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut half_way = Some(half_way);
    for n in 0..times {
        if n == times / 2
            && let Some(happens) = half_way.take()
        {
            happens().await;
        }
        if let std::task::Poll::Ready(output) = futures_util::poll!(&mut future) {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

#[async_trait]
impl<T: StateStore> StateStore for Pausing<T> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(key).await
    }
    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.0.scan(prefix).await
    }
    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        pausing!(self.commit(change))
    }
}

#[async_trait]
impl<T: Provisioner> Provisioner for Pausing<T> {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        self.0.ensure_domain(domain).await
    }
    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        self.0.dkim(domain).await
    }
    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        pausing!(self.ensure_mailbox(spec))
    }
    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        pausing!(self.remove_mailbox(address, claim))
    }
}

#[async_trait]
impl<T: MailAdmin> MailAdmin for Pausing<T> {
    async fn survey(&self, domain: &DomainName) -> Result<Option<ServedDomain>, Error> {
        self.0.survey(domain).await
    }
    async fn change(
        &self,
        domain: &DomainName,
        change: &MailChange,
        secret: Option<&SecretString>,
    ) -> Result<(), Error> {
        pausing!(self.change(domain, change, secret))
    }
    async fn password_rules(&self) -> Result<PasswordRules, Error> {
        self.0.password_rules().await
    }
}

#[async_trait]
impl<T: MailAccess> MailAccess for Pausing<T> {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        self.0.submit(login, message).await
    }
    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        self.0.check_submission(login).await
    }
    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        pausing!(self.fetch(login, selection, limit))
    }
    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        self.0.mark_seen(login, uid_validity, uids).await
    }
    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        self.0.wait(login, after, at_most).await
    }
}

#[async_trait]
impl<T: MessageStore> MessageStore for Pausing<T> {
    async fn folders(&self, login: &Login) -> Result<Vec<Folder>, MailError> {
        self.0.folders(login).await
    }
    async fn create_folder(&self, login: &Login, folder: &FolderName) -> Result<(), MailError> {
        self.0.create_folder(login, folder).await
    }
    async fn delete_folder(&self, login: &Login, folder: &FolderName) -> Result<(), MailError> {
        self.0.delete_folder(login, folder).await
    }
    async fn rename_folder(
        &self,
        login: &Login,
        from: &FolderName,
        to: &FolderName,
    ) -> Result<(), MailError> {
        self.0.rename_folder(login, from, to).await
    }
    async fn subscribe(&self, login: &Login, folder: &FolderName, subscribed: bool) -> Result<(), MailError> {
        self.0.subscribe(login, folder, subscribed).await
    }
    async fn status(&self, login: &Login, folder: &FolderName) -> Result<FolderStatus, MailError> {
        self.0.status(login, folder).await
    }
    async fn search(&self, login: &Login, folder: &FolderName, query: &Query) -> Result<Found, MailError> {
        self.0.search(login, folder, query).await
    }
    async fn list(
        &self,
        login: &Login,
        folder: &FolderName,
        wanted: &Selection,
    ) -> Result<Listing, MailError> {
        self.0.list(login, folder, wanted).await
    }
    fn messages(&self, login: &Login, folder: &FolderName, selection: &Selection) -> Messages {
        self.0.messages(login, folder, selection)
    }
    async fn read(
        &self,
        login: &Login,
        folder: &FolderName,
        at: Position,
        range: Range<u64>,
    ) -> Result<Vec<u8>, MailError> {
        self.0.read(login, folder, at, range).await
    }
    async fn change_flags(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        change: &FlagChange,
    ) -> Result<(), MailError> {
        self.0.change_flags(login, folder, uid_validity, uids, change).await
    }
    async fn copy(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, MailError> {
        self.0.copy(login, folder, uid_validity, uids, to).await
    }
    async fn move_to(
        &self,
        login: &Login,
        folder: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Vec<(Uid, Position)>, MailError> {
        self.0.move_to(login, folder, uid_validity, uids, to).await
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
        self.0.changes(login, folder, uid_validity, since).await
    }
    async fn quota(&self, login: &Login) -> Result<Option<Quota>, MailError> {
        self.0.quota(login).await
    }
}
