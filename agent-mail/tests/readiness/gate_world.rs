//! A world in memory for the send gate, whose outside can be switched off and whose mail system can change its mind.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_mail::backend::{
    Claim, DkimKey, MailAdmin, MailChange, MailboxSpec, PasswordRules, Provisioner, ServedDomain,
};
use agent_mail::readiness::{Answer, LookUp, LookUpError, Readiness, RecordType, SendGate, Server, Target};
use agent_mail::{Address, AgentMail, AgentMailbox, DomainName, Embedded, Error, ErrorKind, NewMessage};
use async_trait::async_trait;
use mail_access::Foreign;
use secrecy::SecretString;

use crate::world::name;

pub(crate) const DOMAIN: &str = "agents.example";

/// A world in memory whose DNS can be switched off, and whose key can be changed.
pub(crate) struct World {
    pub(crate) embedded: Embedded,
    pub(crate) dns: Arc<Switched>,
    pub(crate) keys: Arc<Keys>,
}

#[derive(Debug)]
pub(crate) struct Switched {
    world: Embedded,
    pub(crate) is_down: AtomicBool,
    checks: AtomicUsize,
}

#[async_trait]
impl LookUp for Switched {
    async fn look_up(&self, server: Server, name: &str, rtype: RecordType) -> Result<Answer, LookUpError> {
        if (server, name, rtype) == (Server::Recursive, DOMAIN, RecordType::Ns) {
            self.checks.fetch_add(1, Ordering::Relaxed);
        }
        // Long enough for others to come in between.
        tokio::time::sleep(Duration::from_millis(100)).await;
        if self.is_down.load(Ordering::Relaxed) {
            return Err(LookUpError::Silent(Duration::from_secs(5)));
        }
        self.world.look_up(server, name, rtype).await
    }
}

#[derive(Debug)]
pub(crate) struct Keys {
    world: Embedded,
    pub(crate) other: Mutex<Option<Result<DkimKey, ErrorKind>>>,
}

#[async_trait]
impl Provisioner for Keys {
    async fn ensure_domain(&self, domain: &DomainName) -> Result<(), Error> {
        self.world.ensure_domain(domain).await
    }
    async fn dkim(&self, domain: &DomainName) -> Result<DkimKey, Error> {
        let other = self.other.lock().unwrap().clone();
        match other {
            Some(Ok(key)) => Ok(key),
            Some(Err(kind)) => Err(Error::new(kind, "ask for key", domain)),
            None => self.world.dkim(domain).await,
        }
    }
    async fn ensure_mailbox(&self, spec: &MailboxSpec) -> Result<(), Error> {
        self.world.ensure_mailbox(spec).await
    }
    async fn remove_mailbox(&self, address: &Address, claim: &Claim) -> Result<(), Error> {
        self.world.remove_mailbox(address, claim).await
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let embedded = Embedded::new(name(DOMAIN));
        let office = embedded.post_office();
        office.add_domain(name(DOMAIN));
        office.set_policy(office.policy().with_foreign_domains(Foreign::Kept));
        let checks = AtomicUsize::new(0);
        let dns = Arc::new(Switched { world: embedded.clone(), is_down: AtomicBool::new(false), checks });
        let keys = Arc::new(Keys { world: embedded.clone(), other: Mutex::default() });
        Self { embedded, dns, keys }
    }

    /// Makes a world whose records are there.
    pub(crate) async fn ready() -> Self {
        let world = Self::new();
        world.embedded.system().build().unwrap().bootstrap_dns().await.unwrap();
        world
    }

    pub(crate) fn gate(&self) -> SendGate {
        let readiness = Readiness::new(self.dns.clone(), Arc::new(self.embedded.clone()));
        SendGate::new(readiness, Target::new(name(DOMAIN), name("mail.agents.example")))
    }

    pub(crate) fn system(&self, gate: SendGate) -> AgentMail {
        self.embedded.system().provisioner(self.keys.clone()).send_gate(gate).build().unwrap()
    }

    pub(crate) fn checks(&self) -> usize {
        self.dns.checks.load(Ordering::Relaxed)
    }

    pub(crate) fn departed(&self) -> usize {
        self.embedded.post_office().take_departed().len()
    }
}

pub(crate) async fn ada(mail: &AgentMail) -> AgentMailbox {
    mail.provision(&"ada".parse().unwrap()).await.unwrap()
}

pub(crate) fn outside() -> NewMessage {
    NewMessage::to(address("carol@elsewhere.example")).with_text("hello")
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// What the mail system says of the domain, while it says anything.
#[derive(Debug)]
pub(crate) struct Admin(pub(crate) Mutex<Option<ServedDomain>>);

#[async_trait]
impl MailAdmin for Admin {
    async fn survey(&self, domain: &DomainName) -> Result<Option<ServedDomain>, Error> {
        let served = self.0.lock().unwrap().clone();
        served.map(Some).ok_or_else(|| Error::new(ErrorKind::Unavailable, "survey", domain))
    }
    async fn change(
        &self,
        domain: &DomainName,
        _: &MailChange,
        _: Option<&SecretString>,
    ) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "change", domain))
    }
    async fn password_rules(&self) -> Result<PasswordRules, Error> {
        Ok(PasswordRules::of_length(6))
    }
}
