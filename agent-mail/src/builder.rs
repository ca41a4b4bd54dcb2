//! Puts a system together from its backends.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use mail_access::{DomainName, MailAccess};

use crate::backend::{DnsProvider, Provisioner, SecretStore, StateStore};
use crate::embedded::{MemorySecrets, MemoryState};
use crate::readiness::SendGate;
use crate::system::Dns;
use crate::{AgentMail, Error};

/// Builds an [`AgentMail`]: a [`Provisioner`] and a [`MailAccess`] are needed, the rest has defaults.
#[must_use]
pub struct AgentMailBuilder {
    pub(crate) domain: DomainName,
    pub(crate) prefix: String,
    pub(crate) provisioner: Option<Arc<dyn Provisioner>>,
    pub(crate) mail: Option<Arc<dyn MailAccess>>,
    pub(crate) dns: Option<Dns>,
    pub(crate) state: Arc<dyn StateStore>,
    pub(crate) secrets: Arc<dyn SecretStore>,
    pub(crate) quota_mib: u32,
    pub(crate) hourly_limit: Option<u32>,
    pub(crate) gate: Option<SendGate>,
}

impl AgentMailBuilder {
    pub(crate) fn new(domain: DomainName) -> Self {
        Self {
            domain,
            prefix: "agent_".to_owned(),
            provisioner: None,
            mail: None,
            dns: None,
            state: Arc::new(MemoryState::default()),
            secrets: Arc::new(MemorySecrets::default()),
            quota_mib: 256,
            hourly_limit: None,
            gate: None,
        }
    }

    /// Sets what makes and removes mailboxes.
    pub fn provisioner(mut self, provisioner: Arc<dyn Provisioner>) -> Self {
        self.provisioner = Some(provisioner);
        self
    }

    /// Sets what carries the mail.
    pub fn mail_access(mut self, mail: Arc<dyn MailAccess>) -> Self {
        self.mail = Some(mail);
        self
    }

    /// Sets what holds the zone: the domain itself or one above it; and the host that the domain's mail goes to.
    pub fn dns(mut self, provider: Arc<dyn DnsProvider>, zone: DomainName, mail_host: DomainName) -> Self {
        let interval = self.dns.map_or(Duration::from_hours(24), |dns| dns.interval);
        self.dns = Some(Dns { provider, zone, mail_host, interval });
        self
    }

    /// Sets how often [`AgentMail::keep_dns`] looks after the records; once in 24 hours unless set. It has no effect
    /// before [`dns`](Self::dns).
    pub fn dns_interval(mut self, interval: Duration) -> Self {
        if let Some(dns) = &mut self.dns {
            dns.interval = interval;
        }
        self
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

    /// Finishes the system. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if a needed backend is missing, the prefix makes no legal
    /// address, the domain lies outside the zone, the send gate is for another domain, or a limit or interval is 0.
    pub fn build(self) -> Result<AgentMail, Error> {
        AgentMail::assemble(self)
    }
}

/// Shows the domain.
impl fmt::Debug for AgentMailBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentMailBuilder").field("domain", &self.domain).finish_non_exhaustive()
    }
}
