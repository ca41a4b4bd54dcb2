//! Puts a system together from its backends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mail_access::{DomainName, MailAccess, MessageStore, TrustedServer};

use crate::backend::{
    DnsProvider, Doorbell, DynamicDns, LoginRotation, Provisioner, PublicAddressSource, SecretStore,
    StateStore, SystemTimeAndChance, TimeAndChance,
};
use crate::bootstrap::{Dns, Keeping};
use crate::embedded::{MemorySecrets, MemoryState};
use crate::readiness::SendGate;
use crate::safety::{InboundCheck, OutboundCheck, Policy};
use crate::{AgentMail, DnsOptions, Error, OnHub, Way};

/// Builds an [`AgentMail`]: a [`Provisioner`] and a [`MailAccess`] are needed, the rest has defaults.
#[must_use]
pub struct AgentMailBuilder {
    pub(crate) domain: DomainName,
    pub(crate) prefix: String,
    pub(crate) provisioner: Option<Arc<dyn Provisioner>>,
    pub(crate) mail: Option<Arc<dyn MailAccess>>,
    pub(crate) store: Option<Arc<dyn MessageStore>>,
    pub(crate) dns: Option<Dns>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) secrets: Arc<dyn SecretStore>,
    pub(crate) rotation: Option<Arc<dyn LoginRotation>>,
    pub(crate) quota_mib: u32,
    pub(crate) hourly_limit: Option<u32>,
    pub(crate) gate: Option<SendGate>,
    pub(crate) chance: Arc<dyn TimeAndChance>,
    pub(crate) outbound: Vec<Arc<dyn OutboundCheck>>,
    pub(crate) inbound: Vec<Arc<dyn InboundCheck>>,
    pub(crate) trusted: Option<TrustedServer>,
    pub(crate) policy: Option<Policy>,
    pub(crate) sent_kept: Duration,
    pub(crate) hub: Option<OnHub>,
    pub(crate) addresses: Option<Way>,
    pub(crate) tombstones: Option<Duration>,
    pub(crate) doorbell: Option<Arc<dyn Doorbell>>,
}

impl AgentMailBuilder {
    pub(crate) fn new(domain: DomainName) -> Self {
        Self {
            domain,
            prefix: "agent_".to_owned(),
            provisioner: None,
            mail: None,
            store: None,
            dns: None,
            state: Arc::new(MemoryState::default()),
            secrets: Arc::new(MemorySecrets::default()),
            rotation: None,
            quota_mib: 256,
            hourly_limit: None,
            gate: None,
            chance: Arc::new(SystemTimeAndChance),
            outbound: Vec::new(),
            inbound: Vec::new(),
            trusted: None,
            policy: None,
            sent_kept: crate::journal::SENT_KEPT,
            hub: None,
            addresses: None,
            tombstones: None,
            doorbell: None,
        }
    }

    /// Sets what makes and removes mailboxes.
    pub fn provisioner(mut self, provisioner: Arc<dyn Provisioner>) -> Self {
        self.provisioner = Some(provisioner);
        self
    }

    /// Sets what carries the mail. A [`message_store`](Self::message_store) and a [`doorbell`](Self::doorbell) that were set
    /// before stay as they are: where this leads to other mailboxes they are to be set anew.
    pub fn mail_access(mut self, mail: Arc<dyn MailAccess>) -> Self {
        self.mail = Some(mail);
        self
    }

    /// Sets what opens the whole mailboxes, with all folders, of the same mail system: without one nothing is put into
    /// the folder for sent mail.
    pub fn message_store(mut self, store: Arc<dyn MessageStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Sets for how long at least a message that was sent is remembered, so that delivery reports and complaints are
    /// matched with it; 30 days unless set. After twice that time it is forgotten when the agent next sends. It takes
    /// about 250 bytes with the caller's key, and 40 for each further recipient.
    pub fn sent_kept(mut self, kept: Duration) -> Self {
        self.sent_kept = kept;
        self
    }

    /// Sets what holds the zone: the domain itself or one above it; and the host that the domain's mail goes to.
    pub fn dns(mut self, provider: Arc<dyn DnsProvider>, zone: DomainName, mail_host: DomainName) -> Self {
        let keeping = self.dns.map(|dns| dns.keeping).unwrap_or_default();
        self.dns = Some(Dns { provider, zone, mail_host, keeping });
        self
    }

    /// Sets which records the domain has; the usual ones unless set. It has no effect before [`dns`](Self::dns), as the
    /// other methods on DNS.
    pub fn dns_options(self, options: DnsOptions) -> Self {
        self.keeping(|keeping| keeping.options = options)
    }

    /// Sets how often [`AgentMail::keep_dns`] looks after the records; once in 24 hours unless set.
    pub fn dns_interval(self, interval: Duration) -> Self {
        self.keeping(|keeping| keeping.interval = interval)
    }

    /// Sets who knows the public addresses of the mail host, where they are not fixed. They are published as A and AAAA
    /// of the mail host, which has to lie in the zone.
    pub fn public_address(self, source: Arc<dyn PublicAddressSource>) -> Self {
        self.keeping(|keeping| keeping.source = Some(source))
    }

    /// Sets how often [`AgentMail::keep_dns`] asks for these addresses, at most once a minute; every 5 minutes unless
    /// set.
    pub fn public_address_interval(self, interval: Duration) -> Self {
        self.keeping(|keeping| keeping.look_up_interval = interval)
    }

    /// Sets what publishes these addresses instead of the provider of the zone, so that others forget them soon.
    pub fn dynamic_dns(self, dynamic: Arc<dyn DynamicDns>) -> Self {
        self.keeping(|keeping| keeping.dynamic = Some(dynamic))
    }

    /// Sets what remembers agents, cursors and the outbox; in memory unless set.
    ///
    /// Systems of one process may share it. Of several processes only one at a time may work for a domain: what one
    /// is sending, another would take for broken off.
    pub fn state(mut self, state: Arc<dyn StateStore>) -> Self {
        self.state = state;
        self
    }

    /// Sets what keeps the passwords; in memory unless set.
    pub fn secrets(mut self, secrets: Arc<dyn SecretStore>) -> Self {
        self.secrets = secrets;
        self
    }

    /// Sets what gives mailboxes a second password while the first still works, for [`AgentMail::rotate`]; most often
    /// what makes the mailboxes is that too.
    pub fn rotation(mut self, rotation: Arc<dyn LoginRotation>) -> Self {
        self.rotation = Some(rotation);
        self
    }

    /// Sets what stands before an agent's name in its address; `agent_` unless set.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how much mail each new mailbox may hold in MiB, 0 for any amount; 256 unless set.
    pub fn mailbox_quota_mib(mut self, quota: u32) -> Self {
        self.quota_mib = quota;
        self
    }

    /// Sets how many messages each new mailbox may send in an hour; no limit of its own unless set.
    pub fn hourly_limit(mut self, messages: u32) -> Self {
        self.hourly_limit = Some(messages);
        self
    }

    /// Lets mail to the outside pass only while the domain is proven ready; all mail passes unless set.
    pub fn send_gate(mut self, gate: SendGate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// Sets who tells the time and throws the dice; the operating system unless set.
    pub fn time_and_chance(mut self, chance: Arc<dyn TimeAndChance>) -> Self {
        self.chance = chance;
        self
    }

    /// Adds a check that every message passes before it is written down and sent; several are asked in turn.
    pub fn outbound_check(mut self, check: Arc<dyn OutboundCheck>) -> Self {
        self.outbound.push(check);
        self
    }

    /// Adds a check that every message passes before it is handed out as received; several are asked in turn.
    pub fn inbound_check(mut self, check: Arc<dyn InboundCheck>) -> Self {
        self.inbound.push(check);
        self
    }

    /// Sets the rules by which the agents send and receive; none unless set.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets the own server, whose verdicts on inbound mail (RFC 8601) are believed; nobody's are unless set.
    pub fn trusted_server(mut self, server: TrustedServer) -> Self {
        self.trusted = Some(server);
        self
    }

    /// Sets the mailbox that agents may share. Unless [`addresses`](Self::addresses) says otherwise, new agents have
    /// their addresses on it, and no mailbox of their own; what was provisioned before stays as it is, until it is
    /// [moved](AgentMail::move_to).
    ///
    /// The hub is begun when the first call needs it, and reads until the Tokio runtime of that call ends.
    pub fn hub(mut self, hub: OnHub) -> Self {
        self.hub = Some(hub);
        self
    }

    /// Sets how the mail of new agents comes: over the [hub](Self::hub) if there is one, else into a mailbox each.
    pub fn addresses(mut self, way: Way) -> Self {
        self.addresses = Some(way);
        self
    }

    /// Sets for how long the address of an agent that was [retired](AgentMail::retire) isn't given again, so that mail
    /// that was on its way to it comes back to its sender; not at all unless set. A later agent of the name never gets
    /// what came before it, however short that time is.
    pub fn tombstones(mut self, time: Duration) -> Self {
        self.tombstones = Some(time);
        self
    }

    /// Sets what tells in which mailboxes mail came in, so that a [`Fleet`](crate::Fleet) needn't wait for each.
    pub fn doorbell(mut self, doorbell: Arc<dyn Doorbell>) -> Self {
        self.doorbell = Some(doorbell);
        self
    }

    /// Finishes the system. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a needed backend is missing, the prefix makes no legal
    /// address, the domain lies outside the zone, the send gate is for another domain, a limit or interval is 0, or the mail host has a source of its
    /// address and lies outside the zone or has fixed addresses too.
    pub fn build(self) -> Result<AgentMail, Error> {
        AgentMail::assemble(self)
    }

    fn keeping(mut self, change: impl FnOnce(&mut Keeping)) -> Self {
        if let Some(dns) = &mut self.dns {
            change(&mut dns.keeping);
        }
        self
    }
}

/// Shows the domain.
impl fmt::Debug for AgentMailBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentMailBuilder").field("domain", &self.domain).finish_non_exhaustive()
    }
}
