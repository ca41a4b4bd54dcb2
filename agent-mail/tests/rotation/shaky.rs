//! Parts of a system that fail at one of their calls.

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::backend::{
    Change, Claim, Committed, LoginRotation, MailAdmin, MailChange, PasswordRules, SecretStore, ServedDomain,
    StateStore,
};
use agent_mail::mail_access::{
    Arrival, Batch, Error as MailError, Login, MailAccess, Outgoing, Position, PostOffice, Selection, Status,
    Submission, Uid,
};
use agent_mail::{Address, DomainName, Error, ErrorKind, MemorySecrets, MemoryState};
use async_trait::async_trait;
use secrecy::SecretString;

/// Lets one call fail, before it is carried out or after.
#[derive(Debug, Default)]
pub(crate) struct Chance {
    left: Mutex<Option<usize>>,
    after: AtomicBool,
    /// Lets new passwords open mailboxes for reading only.
    pub(crate) reads_only: AtomicBool,
}

impl Chance {
    pub(crate) fn fail_after(&self, calls: usize, after: bool) {
        *self.left.lock().unwrap() = Some(calls);
        self.after.store(after, Ordering::Relaxed);
    }

    /// Lets nothing fail any more, and tells whether the failure was still to come.
    pub(crate) fn calm(&self) -> bool {
        self.left.lock().unwrap().take().is_some()
    }

    async fn around<T>(&self, call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let fails = {
            let mut left = self.left.lock().unwrap();
            let fails = *left == Some(0);
            *left = left.and_then(|n| n.checked_sub(1));
            fails
        };
        let failure = |kind| Err(Error::new(kind, "call", "a shaky backend").with_repeatable());
        if !fails {
            return call.await;
        }
        if !self.after.load(Ordering::Relaxed) {
            return failure(ErrorKind::Unavailable);
        }
        call.await?;
        failure(ErrorKind::Interrupted)
    }
}

#[derive(Debug)]
pub(crate) struct Shaky<T: ?Sized> {
    pub(crate) chance: Arc<Chance>,
    pub(crate) inner: Arc<T>,
}

#[async_trait]
impl SecretStore for Shaky<MemorySecrets> {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        self.chance.around(self.inner.get(address)).await
    }
    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        self.chance.around(self.inner.put(address, secret)).await
    }
    async fn remove(&self, address: &Address) -> Result<(), Error> {
        self.chance.around(self.inner.remove(address)).await
    }
}

#[async_trait]
impl StateStore for Shaky<MemoryState> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.chance.around(self.inner.get(key)).await
    }
    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.chance.around(self.inner.scan(prefix)).await
    }
    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        self.chance.around(self.inner.commit(change)).await
    }
}

#[async_trait]
impl LoginRotation for Shaky<dyn LoginRotation> {
    async fn add_login(
        &self,
        address: &Address,
        claim: &Claim,
        label: &str,
        password: &SecretString,
    ) -> Result<(), Error> {
        self.chance.around(self.inner.add_login(address, claim, label, password)).await
    }
    async fn keep_only_login(&self, address: &Address, claim: &Claim, label: &str) -> Result<(), Error> {
        self.chance.around(self.inner.keep_only_login(address, claim, label)).await
    }
}

#[async_trait]
impl MailAccess for Shaky<PostOffice> {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, MailError> {
        self.inner.submit(login, message).await
    }
    async fn check_submission(&self, login: &Login) -> Result<(), MailError> {
        let reached = self.chance.around(async { Ok(()) }).await;
        reached.map_err(|_| MailError::Unavailable {
            operation: "check_submission",
            server: "mail.example:465".to_owned(),
            source: io::ErrorKind::ConnectionReset.into(),
        })?;
        if self.chance.reads_only.load(Ordering::Relaxed) {
            return Err(MailError::Authentication {
                operation: "check_submission",
                login: login.address().clone(),
                status: Status::new(535, Some((5, 7, 8)), "authentication failed"),
                retry_after: None,
            });
        }
        self.inner.check_submission(login).await
    }
    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, MailError> {
        let reached = self.chance.around(async { Ok(()) }).await;
        reached.map_err(|_| MailError::Unavailable {
            operation: "fetch",
            server: "mail.example:993".to_owned(),
            source: io::ErrorKind::ConnectionReset.into(),
        })?;
        self.inner.fetch(login, selection, limit).await
    }
    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), MailError> {
        self.inner.mark_seen(login, uid_validity, uids).await
    }
    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, MailError> {
        self.inner.wait(login, after, at_most).await
    }
}

/// A mail system for people, as far as passwords go.
#[async_trait]
impl MailAdmin for Shaky<PostOffice> {
    async fn survey(&self, _: &DomainName) -> Result<Option<ServedDomain>, Error> {
        Err(Error::new(ErrorKind::Unsupported, "survey", "a mail system for passwords only"))
    }
    async fn change(
        &self,
        _: &DomainName,
        change: &MailChange,
        secret: Option<&SecretString>,
    ) -> Result<(), Error> {
        let MailChange::SetPassword { address, .. } = change else { panic!("{change:?}") };
        let set = async {
            let set = self.inner.set_password(address, secret.expect("it is given").clone());
            set.map_err(|error| Error::new(ErrorKind::NotFound, "set password", address).with_source(error))
        };
        self.chance.around(set).await
    }
    async fn password_rules(&self) -> Result<PasswordRules, Error> {
        self.chance.around(async { Ok(PasswordRules::of_length(20)) }).await
    }
}
