//! Backends of which one call goes wrong, in the way that the test chooses.

use std::future::pending;
use std::sync::{Arc, Mutex};

use agent_mail::backend::{
    Change, Claim, Committed, DkimKey, DnsProvider, MailAdmin, MailChange, MailboxSpec, PasswordRules,
    Provisioner, RrSet, SecretStore, ServedDomain, StateStore, Zone,
};
use agent_mail::{Address, DomainName, Error, ErrorKind};
use async_trait::async_trait;
use mailcow_api::{FakeMailcow, HttpClient, HttpError, HttpRequest, HttpResponse};
use secrecy::SecretString;

/// What becomes of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// It does nothing and says so.
    NotDone,
    /// It is done, and its answer is lost.
    DoneButLost,
    /// It does nothing and never answers.
    Hangs,
    /// It is done and never answers.
    DoneButHangs,
}

impl How {
    pub(crate) const ALL: [Self; 4] = [Self::NotDone, Self::DoneButLost, Self::Hangs, Self::DoneButHangs];
}

/// Counts the calls to all backends of a world.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    calls: usize,
    fault: Option<(usize, How)>,
}

impl Faults {
    /// Lets the call after `spared` others go wrong.
    pub(crate) fn arm(&self, spared: usize, how: How) {
        *self.0.lock().unwrap() = State { calls: 0, fault: Some((spared, how)) };
    }

    /// Lets nothing go wrong any more, and tells whether something did.
    pub(crate) fn calm(&self) -> bool {
        self.0.lock().unwrap().fault.take().is_none()
    }

    pub(crate) async fn through<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match self.next() {
            None => work.await,
            Some(How::NotDone) => Err(Error::new(ErrorKind::Unavailable, "use", "faulty backend")),
            Some(How::DoneButLost) => {
                work.await?;
                Err(Error::new(ErrorKind::Interrupted, "use", "faulty backend"))
            }
            Some(How::Hangs) => pending().await,
            Some(How::DoneButHangs) => {
                work.await?;
                pending().await
            }
        }
    }

    /// Counts a call, and returns how it goes wrong if it does.
    pub(crate) fn next(&self) -> Option<How> {
        let mut state = self.0.lock().unwrap();
        state.calls += 1;
        let (at, how) = state.fault?;
        (at < state.calls).then(|| {
            state.fault = None;
            how
        })
    }
}

#[derive(Debug)]
pub(crate) struct Faulty<T: ?Sized>(pub(crate) Arc<T>, pub(crate) Arc<Faults>);

#[async_trait]
impl MailAdmin for Faulty<dyn MailAdmin> {
    async fn survey(&self, domain: &DomainName) -> Result<Option<ServedDomain>, Error> {
        self.1.through(self.0.survey(domain)).await
    }

    async fn change(
        &self,
        domain: &DomainName,
        change: &MailChange,
        secret: Option<&SecretString>,
    ) -> Result<(), Error> {
        self.1.through(self.0.change(domain, change, secret)).await
    }

    async fn password_rules(&self) -> Result<PasswordRules, Error> {
        self.1.through(self.0.password_rules()).await
    }
}

#[async_trait]
impl Provisioner for Faulty<dyn Provisioner> {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        self.1.through(self.0.ensure_domain(domain)).await
    }

    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        self.1.through(self.0.dkim(domain)).await
    }

    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        self.1.through(self.0.ensure_mailbox(spec)).await
    }

    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        self.1.through(self.0.remove_mailbox(address, claim)).await
    }
}

#[async_trait]
impl DnsProvider for Faulty<dyn DnsProvider> {
    async fn zone(&self, name: &DomainName) -> Result<Zone, Error> {
        self.1.through(self.0.zone(name)).await
    }

    async fn replace(&self, zone: &DomainName, sets: &[RrSet]) -> Result<(), Error> {
        self.1.through(self.0.replace(zone, sets)).await
    }
}

#[async_trait]
impl SecretStore for Faulty<dyn SecretStore> {
    async fn get(&self, address: &Address) -> Result<Option<SecretString>, Error> {
        self.1.through(self.0.get(address)).await
    }

    async fn put(&self, address: &Address, secret: &SecretString) -> Result<(), Error> {
        self.1.through(self.0.put(address, secret)).await
    }

    async fn remove(&self, address: &Address) -> Result<(), Error> {
        self.1.through(self.0.remove(address)).await
    }
}

#[async_trait]
impl StateStore for Faulty<dyn StateStore> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        self.1.through(self.0.get(key)).await
    }

    async fn scan(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        self.1.through(self.0.scan(prefix)).await
    }

    async fn commit(&self, change: Change) -> Result<Committed, Error> {
        self.1.through(self.0.commit(change)).await
    }
}

/// A way to Mailcow of which one request goes wrong.
#[derive(Debug)]
pub(crate) struct FaultyHttp(pub(crate) FakeMailcow, pub(crate) Arc<Faults>);

#[async_trait]
impl HttpClient for FaultyHttp {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match self.1.next() {
            None => self.0.handle(&request),
            Some(How::NotDone) => Err(HttpError::Connect("refused".into())),
            Some(How::DoneButLost) => {
                self.0.handle(&request)?;
                Err(HttpError::Lost("reset".into()))
            }
            Some(How::Hangs) => pending().await,
            Some(How::DoneButHangs) => {
                self.0.handle(&request)?;
                pending().await
            }
        }
    }
}
