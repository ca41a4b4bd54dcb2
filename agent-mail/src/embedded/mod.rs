//! A world in memory that needs no server and behaves as the real one.

mod admin;
mod dns;
mod keys;
mod provisioner;
mod readiness;
mod registry;
mod rotation;
mod secrets;
mod snapshot;
mod state;
mod vitals;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mail_access::{Address, DomainName, Login, PostOffice};

pub use secrets::MemorySecrets;
pub use state::MemoryState;
pub use vitals::Vitals;

use self::registry::Registry;
use crate::backend::{Provisioner as _, RrSet, SecretStore as _};
use crate::{AgentMail, AgentMailBuilder, Error, ErrorKind, OnHub, Operator, OperatorBuilder};

/// A whole world in memory: a mail system ([`PostOffice`]), its provisioning, a zone, state and secrets.
///
/// Cheap to clone; the clones are one world. It outlives the systems that are made over it, so that a test can end
/// a program and start it again.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use agent_mail::{Embedded, NewMessage};
///
/// let world = Embedded::new("agents.example".parse()?);
/// let before = world.system().build()?;
/// before.provision(&"ada".parse()?).await?;
/// drop(before);
///
/// let after = world.system().build()?;
/// let ada = after.open(&"ada".parse()?).await?;
/// ada.send(NewMessage::to(ada.address()).with_text("note to self")).await?;
/// assert_eq!(ada.fetch_unseen(10).await?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Embedded(Arc<World>);

struct World {
    domain: DomainName,
    post_office: PostOffice,
    registry: Mutex<Registry>,
    records: Mutex<Vec<RrSet>>,
    state: Arc<MemoryState>,
    secrets: Arc<MemorySecrets>,
    vitals: Vitals,
}

impl Embedded {
    /// Makes a world whose zone is `domain`.
    pub fn new(domain: DomainName) -> Self {
        Self::around(domain, PostOffice::new())
    }

    /// Makes a world around a mail system.
    pub(crate) fn around(domain: DomainName, post_office: PostOffice) -> Self {
        Self(Arc::new(World {
            records: Mutex::new(dns::new_zone()),
            domain,
            vitals: Vitals::new(post_office.clone()),
            post_office,
            registry: Mutex::default(),
            state: Arc::default(),
            secrets: Arc::default(),
        }))
    }

    /// Begins a system in this world, with this world's state and secrets.
    pub fn system(&self) -> AgentMailBuilder {
        let world = Arc::new(self.clone());
        let domain = self.0.domain.clone();
        let mail_host = format!("mail.{domain}").parse().unwrap_or_else(|_| domain.clone());
        AgentMail::builder(domain.clone())
            .provisioner(world.clone())
            .mail_access(Arc::new(self.0.post_office.clone()))
            .message_store(Arc::new(self.0.post_office.clone()))
            .doorbell(Arc::new(self.0.post_office.clone()))
            .rotation(world.clone())
            .dns(world, domain, mail_host)
            .state(self.0.state.clone())
            .secrets(self.0.secrets.clone())
    }

    /// Makes a mailbox `hub@` that gets all mail of this world's domain which has no mailbox of its own, for
    /// [`AgentMailBuilder::hub`]; one that was made before is the same.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use agent_mail::{Embedded, NewMessage};
    ///
    /// let world = Embedded::new("agents.example".parse()?);
    /// let mail = world.system().hub(world.hub().await?).build()?;
    /// let ada = mail.provision(&"ada".parse()?).await?;
    /// ada.send(NewMessage::to(ada.contact()).with_subject("note to self")).await?;
    /// assert_eq!(ada.fetch_unseen(10).await?[0].subject(), "note to self");
    /// assert!(!world.post_office().has_mailbox(ada.address()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the domain has another mailbox of that name or another catch-all.
    pub async fn hub(&self) -> Result<OnHub, Error> {
        let domain = &self.0.domain;
        self.ensure_domain(domain).await?;
        let address = Address::new("hub", domain.clone())
            .map_err(|source| Error::new(ErrorKind::InvalidInput, "make hub", domain).with_source(source))?;
        let lift = |error| provisioner::lift(error, "make hub", &address);
        let secret = if let Some(secret) = self.0.secrets.get(&address).await? {
            secret
        } else {
            let secret = crate::password::generate();
            self.0.post_office.add_mailbox(&address, secret.clone(), 0).map_err(lift)?;
            self.0.post_office.add_catch_all(domain, vec![address.clone()]).map_err(lift)?;
            self.0.secrets.put(&address, &secret).await?;
            secret
        };
        Ok(OnHub::new(Login::new(address, secret)).with_admin(Arc::new(self.clone())))
    }

    /// Begins an operator of this world's domain, with this world's zone, state and secrets and a [system](Self::system)
    /// for its agents.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use agent_mail::{DomainSpec, Embedded, MailboxEntry};
    ///
    /// let world = Embedded::new("shop.example".parse()?);
    /// let operator = world.operator()?.build()?;
    /// let spec = DomainSpec::new("shop.example".parse()?, "mail.shop.example".parse()?)
    ///     .with_mailbox(MailboxEntry::new("ada@shop.example".parse()?));
    ///
    /// let plan = operator.plan(&spec).await?;
    /// println!("{plan}");
    /// operator.apply(&plan).await?;
    /// assert!(operator.plan(&spec).await?.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`AgentMailBuilder::build`].
    pub fn operator(&self) -> Result<OperatorBuilder, Error> {
        let world = Arc::new(self.clone());
        Ok(Operator::builder(world.clone())
            .dns(world, self.0.domain.clone())
            .state(self.0.state.clone())
            .secrets(self.0.secrets.clone())
            .agents(self.system().build()?))
    }

    /// Returns the mail system, for mailboxes beside the agents' and for faults on purpose.
    pub fn post_office(&self) -> &PostOffice {
        &self.0.post_office
    }

    /// Returns what an operator measures of the mail system, and what it holds up.
    pub fn vitals(&self) -> &Vitals {
        &self.0.vitals
    }

    /// Returns the zone's RRsets, ordered by name and type.
    pub fn zone_records(&self) -> Vec<RrSet> {
        let mut records = lock(&self.0.records).clone();
        records.sort_by(|a, b| (&a.name, &a.rtype).cmp(&(&b.name, &b.rtype)));
        records
    }
}

/// Shows the domain.
impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("domain", &self.0.domain).finish_non_exhaustive()
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere leaves whole values: each is changed in one step.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

const HOUR: Duration = Duration::from_hours(1);
