//! The system as a whole: which agents there are, and their way in and out.

mod provisioning;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use mail_access::{Address, DomainName, Login, MailAccess, MessageStore, TrustedServer};
use tokio::sync::OnceCell;

use crate::agent_id::AddressRule;
use crate::backend::{Doorbell, LoginRotation, Provisioner, SecretStore, TimeAndChance};
use crate::bootstrap::Dns;
use crate::fleet::{Link, Messenger, Ways};
use crate::journal::{AgentRecord, Journal, Phase};
use crate::locks::Locks;
use crate::logins::Logins;
use crate::observe::Operation;
use crate::readiness::Gate;
use crate::safety::{InboundCheck, OutboundCheck, Policy};
use crate::{AgentId, AgentMailBuilder, AgentMailbox, Error, ErrorKind, Way};

/// Gives the agents of a program their mailboxes in one domain.
///
/// Cheap to clone; the clones are one system. [`AgentMail::embedded`] makes one with a world of its own in memory,
/// [`AgentMail::builder`] one over backends of your choice, and `AgentMail::from_env` (feature `from-env`) one over
/// Mailcow and deSEC.
#[derive(Clone)]
pub struct AgentMail(Arc<System>);

pub(crate) struct System {
    pub(crate) rule: AddressRule,
    pub(crate) mail: Arc<dyn MailAccess>,
    /// The same, as what it is.
    pub(crate) ways: Arc<Ways>,
    /// How the mail of new agents comes.
    way: Way,
    /// For how long the address of an agent that is gone isn't given again.
    tombstones: Option<Duration>,
    pub(crate) doorbell: Option<Arc<dyn Doorbell>>,
    pub(crate) fleet: Link,
    /// The whole mailboxes, where the mail system opens them.
    pub(crate) store: Option<Arc<dyn MessageStore>>,
    pub(crate) journal: Journal,
    pub(crate) locks: Arc<Locks>,
    pub(crate) gate: Option<Gate>,
    pub(crate) provisioner: Arc<dyn Provisioner>,
    pub(crate) dns: Option<Dns>,
    pub(crate) secrets: Arc<dyn SecretStore>,
    pub(crate) rotation: Option<Arc<dyn LoginRotation>>,
    pub(crate) logins: Logins,
    pub(crate) chance: Arc<dyn TimeAndChance>,
    pub(crate) outbound: Vec<Arc<dyn OutboundCheck>>,
    pub(crate) inbound: Vec<Arc<dyn InboundCheck>>,
    pub(crate) trusted: Option<TrustedServer>,
    pub(crate) policy: Option<Policy>,
    /// Random bytes of this run.
    pub(crate) salt: [u8; 16],
    quota_mib: u32,
    hourly_limit: Option<u32>,
    domain_ready: OnceCell<()>,
}

impl AgentMail {
    /// Makes a system with a world of its own in memory: mail system, provisioning, zone and state. It needs no
    /// server and no configuration, and ends with the program. It has no outside, and so no
    /// [`SendGate`](crate::readiness::SendGate).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use agent_mail::AgentMail;
    ///
    /// let mail = AgentMail::embedded("agents.example")?;
    /// let ada = mail.provision(&"ada".parse()?).await?;
    /// assert_eq!(ada.address().to_string(), "agent_ada@agents.example");
    /// # Ok::<(), agent_mail::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if `domain` is no domain name.
    pub fn embedded(domain: &str) -> Result<Self, Error> {
        let domain: DomainName = domain.parse().map_err(|source| {
            Error::new(ErrorKind::InvalidInput, "embed", format!("{domain:?}")).with_source(source)
        })?;
        crate::Embedded::new(domain).system().build()
    }

    /// Begins a system over backends of the caller's choice.
    pub fn builder(domain: DomainName) -> AgentMailBuilder {
        AgentMailBuilder::new(domain)
    }

    /// Returns the domain of the agents' addresses.
    pub fn domain(&self) -> &DomainName {
        self.0.rule.domain()
    }

    /// Returns the address that an agent has or would have.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the name is too long for an address.
    pub fn address_of(&self, id: &AgentId) -> Result<Address, Error> {
        self.0.rule.address(id)
    }

    /// Gives an agent its mailbox: makes it, or opens it if the agent has one.
    ///
    /// Safe to repeat: an agent that is there is opened without a call to the mail system. What was begun and broken
    /// off, by a crash, an error or a dropped call, is finished by the next one, with the same password and without
    /// a second mailbox. The domain is made too if the mail system doesn't serve it yet.
    ///
    /// # Errors
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) if the mailbox is there and was not made by this system;
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the name makes no address; [`NotFound`](ErrorKind::NotFound) if
    /// the agent is there and the secret store has lost its password; [`NotReady`](ErrorKind::NotReady) if another
    /// process provisions or retires it, or if its address was an agent's that was retired
    /// [lately](AgentMailBuilder::tombstones); else what the backends say.
    pub async fn provision(&self, id: &AgentId) -> Result<AgentMailbox, Error> {
        Operation::Provision.begin(id).over(self.provide(id)).await
    }

    async fn provide(&self, id: &AgentId) -> Result<AgentMailbox, Error> {
        let address = self.0.rule.address(id)?;
        let _alone = self.0.locks.acquire(&agent_lock(id)).await;
        let record = match self.0.journal.agent(id).await? {
            Some(active) if active.phase == Phase::Active => return self.mailbox(&active).await,
            Some(retiring) if retiring.phase == Phase::Retiring => {
                self.finish_retiring(&retiring).await?;
                None
            }
            pending => pending,
        };
        let record = match record {
            Some(pending) => pending,
            None => self.begin(id, address).await?,
        };
        self.finish_provisioning(record).await
    }

    /// Opens the mailbox of an agent that was provisioned, in this run of the program or an earlier one.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such agent or the secret store has lost its password;
    /// [`NotReady`](ErrorKind::NotReady) if its provisioning was begun and not finished:
    /// [`provision`](Self::provision) finishes it; else what the stores say.
    pub async fn open(&self, id: &AgentId) -> Result<AgentMailbox, Error> {
        Operation::Open.begin(id).over(self.opened(id)).await
    }

    async fn opened(&self, id: &AgentId) -> Result<AgentMailbox, Error> {
        let not = |kind| Error::new(kind, "open", id).with_fix("provision the agent");
        match self.0.journal.agent(id).await? {
            Some(record) if record.phase == Phase::Active => self.mailbox(&record).await,
            Some(record) if record.phase == Phase::Pending => Err(not(ErrorKind::NotReady)),
            _ => Err(not(ErrorKind::NotFound)),
        }
    }

    /// Removes an agent with its mailbox, its mail, its password and all that was remembered of it.
    ///
    /// Safe to repeat: for an agent that is not there nothing is done. What was broken off is finished by the next
    /// call. Streams of events that are still open end with an error, and no [`AgentMailbox`] that was opened before reads
    /// or writes anything of a later agent of that name.
    ///
    /// # Errors
    /// [`NotReady`](ErrorKind::NotReady) if another process provisions or retires it, or what the backends say; the
    /// agent is then still there or half removed, and the call can be repeated.
    pub async fn retire(&self, id: &AgentId) -> Result<(), Error> {
        Operation::Retire.begin(id).over(self.remove(id)).await
    }

    async fn remove(&self, id: &AgentId) -> Result<(), Error> {
        let _alone = self.0.locks.acquire(&agent_lock(id)).await;
        let Some(record) = self.0.journal.agent(id).await? else { return Ok(()) };
        let retiring = self.0.journal.enter(record, Phase::Retiring).await?;
        self.finish_retiring(&retiring).await
    }

    /// Returns the agents that have been provisioned, in no meaningful order.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn agents(&self) -> Result<Vec<Agent>, Error> {
        self.agents_where(|phase| phase == Phase::Active).await
    }

    /// Returns the agents whose provisioning or retirement was begun and not finished, those at work at this moment
    /// among them. [`provision`](Self::provision) or [`retire`](Self::retire) finishes it; until then a mailbox or a
    /// secret of theirs may be there.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn unfinished(&self) -> Result<Vec<Agent>, Error> {
        self.agents_where(|phase| phase != Phase::Active).await
    }

    async fn agents_where(&self, wanted: fn(Phase) -> bool) -> Result<Vec<Agent>, Error> {
        let records = self.0.journal.agents().await?;
        Ok(records.into_iter().filter(|record| wanted(record.phase)).map(Agent::from).collect())
    }

    /// Returns all that is known of the agents, whatever their phase.
    pub(crate) async fn records(&self) -> Result<Vec<AgentRecord>, Error> {
        self.0.journal.agents().await
    }

    /// Makes the mailbox of an agent again that the mail system has lost, with the same password and claim.
    pub(crate) async fn restore(&self, id: &AgentId) -> Result<(), Error> {
        let _alone = self.0.locks.acquire(&agent_lock(id)).await;
        let Some(record) = self.0.journal.agent(id).await? else { return Ok(()) };
        if record.phase == Phase::Active {
            let pending = self.0.journal.enter(record, Phase::Pending).await?;
            self.finish_provisioning(pending).await?;
        }
        Ok(())
    }

    async fn mailbox(&self, record: &AgentRecord) -> Result<AgentMailbox, Error> {
        loop {
            let replaced = self.0.logins.replaced();
            let login = self.login(record).await?;
            if self.0.logins.has_other(&record.address, &record.claim) {
                // Another call may have retired this one and provisioned the other since the record was read.
                self.0.journal.of(&record.claim).still(&record.id).await?;
            }
            if let Some(login) = self.0.logins.share(login, &record.claim, replaced) {
                return Ok(AgentMailbox::new(self.clone(), record, login));
            }
        }
    }

    /// Returns what opens the mail of an agent. On a hub that is its address alone.
    pub(crate) async fn login(&self, record: &AgentRecord) -> Result<Login, Error> {
        if record.way == Way::Hub {
            self.0.ways.adopt(record).await?;
            return Ok(Login::new(record.address.clone(), "".into()));
        }
        let secret = self.0.secrets.get(&record.address).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "open", &record.id)
                .with_detail("the secret store has no password for it")
                .with_fix("restore the secrets that belong to this state, or retire the agent and provision it anew")
        })?;
        Ok(Login::new(record.address.clone(), secret))
    }

    /// Returns the login of an address if one of our agents has it.
    pub(crate) async fn login_of(&self, address: &Address) -> Result<Option<Login>, Error> {
        let Some(id) = self.0.rule.agent(address) else { return Ok(None) };
        match self.0.journal.agent(&id).await? {
            Some(record) if record.phase == Phase::Active => self.login(&record).await.map(Some),
            _ => Ok(None),
        }
    }

    pub(crate) fn system(&self) -> &System {
        &self.0
    }

    pub(crate) fn assemble(builder: AgentMailBuilder) -> Result<Self, Error> {
        let AgentMailBuilder {
            domain,
            prefix,
            provisioner,
            mail,
            store,
            dns,
            state,
            secrets,
            rotation,
            quota_mib,
            hourly_limit,
            gate,
            chance,
            outbound,
            inbound,
            trusted,
            policy,
            sent_kept,
            hub,
            addresses,
            tombstones,
            doorbell,
        } = builder;
        let wrong = |detail: &str| Error::new(ErrorKind::InvalidInput, "build", &domain).with_detail(detail);
        if hourly_limit == Some(0) {
            return Err(wrong("an hourly limit is at least 1; for none, don't set it"));
        }
        if let Some(gate) = &gate {
            gate.is_for(&domain).map_err(|problem| wrong(&problem))?;
        }
        if let Some(policy) = &policy {
            policy.check(&domain)?;
        }
        let missing = |what: &str, fix| wrong(&format!("no {what} was given")).with_fix(fix);
        let provisioner = provisioner
            .ok_or_else(|| missing("Provisioner", "call provisioner, or begin with Embedded::system"))?;
        let mail =
            mail.ok_or_else(|| missing("MailAccess", "call mail_access, or begin with Embedded::system"))?;
        if let Some(objection) = dns.as_ref().and_then(|dns| dns.objection(&domain)) {
            return Err(wrong(&objection));
        }
        let mut salt = [0; 16];
        chance.fill(&mut salt);
        let rule = AddressRule::new(&prefix, domain.clone())?;
        let way = addresses.unwrap_or(if hub.is_some() { Way::Hub } else { Way::Mailbox });
        if way == Way::Hub && hub.is_none() {
            return Err(
                wrong("agents are to have addresses on a hub, and there is none").with_fix("call hub")
            );
        }
        let host = trusted.as_ref().and_then(|server| server.authserv_id().parse().ok());
        let host = host.or_else(|| format!("mail.{domain}").parse().ok()).unwrap_or_else(|| domain.clone());
        let journal = Journal::new(state.clone(), domain.clone()).with_sent_kept(sent_kept);
        let messenger = Messenger::new(rule.clone(), host, chance.clone());
        let ways = Arc::new(Ways::new(mail, hub, journal.clone(), messenger));
        Ok(Self(Arc::new(System {
            rule,
            mail: ways.clone(),
            ways,
            way,
            tombstones,
            doorbell,
            fleet: Link::default(),
            store,
            locks: Locks::of(&state, &domain),
            journal,
            gate: gate.map(|gate| Gate::new(gate, provisioner.clone())),
            provisioner,
            secrets,
            rotation,
            logins: Logins::default(),
            dns,
            quota_mib,
            hourly_limit,
            domain_ready: OnceCell::new(),
            chance,
            outbound,
            inbound,
            trusted,
            policy,
            salt,
        })))
    }
}

/// Shows the domain.
impl fmt::Debug for AgentMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentMail").field("domain", self.domain()).finish_non_exhaustive()
    }
}

/// An agent, and the mailbox that it has or would have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agent {
    /// The name by which the program knows it.
    pub id: AgentId,
    /// Its address.
    pub address: Address,
    /// When its provisioning was begun, to the second.
    pub created: SystemTime,
}

impl From<AgentRecord> for Agent {
    fn from(record: AgentRecord) -> Self {
        Self { id: record.id, address: record.address, created: record.created }
    }
}

pub(crate) fn agent_lock(id: &AgentId) -> String {
    format!("agent/{}", id.encoded())
}
