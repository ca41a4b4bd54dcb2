use std::fmt;
use std::sync::Arc;

use mail_access::DomainName;
use secrecy::SecretString;

use super::Operator;
use crate::backend::{DnsProvider, MailAdmin, SecretStore, StateStore};
use crate::embedded::{MemorySecrets, MemoryState};
use crate::{AgentMail, Error, ErrorKind};

/// Builds an [`Operator`].
#[must_use]
pub struct OperatorBuilder {
    pub(super) admin: Arc<dyn MailAdmin>,
    pub(super) zones: Vec<(Arc<dyn DnsProvider>, DomainName)>,
    pub(super) secrets: Arc<dyn SecretStore>,
    pub(super) state: Arc<dyn StateStore>,
    pub(super) agents: Option<AgentMail>,
    pub(super) relays: Vec<RelayPassword>,
    pub(super) at_once: usize,
}

/// The password of a relay's login.
pub(super) struct RelayPassword {
    pub(super) user: String,
    pub(super) host: DomainName,
    pub(super) password: SecretString,
}

impl OperatorBuilder {
    pub(super) fn new(admin: Arc<dyn MailAdmin>) -> Self {
        Self {
            admin,
            zones: Vec::new(),
            secrets: Arc::new(MemorySecrets::default()),
            state: Arc::new(MemoryState::default()),
            agents: None,
            relays: Vec::new(),
            at_once: 8,
        }
    }

    /// Adds a zone and what holds it: domains in it get their records there. Of several zones a domain takes the
    /// smallest that it lies in. Without any, plans have no records.
    pub fn dns(mut self, provider: Arc<dyn DnsProvider>, zone: DomainName) -> Self {
        self.zones.retain(|(_, known)| *known != zone);
        self.zones.push((provider, zone));
        self
    }

    /// Sets what keeps the passwords of mailboxes; in memory unless set.
    pub fn secrets(mut self, secrets: Arc<dyn SecretStore>) -> Self {
        self.secrets = secrets;
        self
    }

    /// Sets what remembers which plan is being applied and what plans made; in memory unless set, so that an interrupted
    /// apply is forgotten with the program.
    pub fn state(mut self, state: Arc<dyn StateStore>) -> Self {
        self.state = state;
        self
    }

    /// Sets what gives agents their mailboxes. Without it no specification may name agents.
    pub fn agents(mut self, agents: AgentMail) -> Self {
        self.agents = Some(agents);
        self
    }

    /// Adds the password of a relay's login.
    pub fn relay_password(
        mut self,
        user: impl Into<String>,
        host: DomainName,
        password: impl Into<SecretString>,
    ) -> Self {
        let (user, password) = (user.into(), password.into());
        self.relays.retain(|known| known.user != user || known.host != host);
        self.relays.push(RelayPassword { user, host, password });
        self
    }

    /// Sets how many steps are done at once; 8 unless set.
    pub fn at_once(mut self, steps: usize) -> Self {
        self.at_once = steps;
        self
    }

    /// Finishes the operator. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if no step may be done at once.
    pub fn build(self) -> Result<Operator, Error> {
        if self.at_once == 0 {
            return Err(Error::new(ErrorKind::InvalidInput, "build", "operator")
                .with_detail("at least one step has to be done at once"));
        }
        Ok(Operator::assemble(self))
    }
}

/// Shows the zones.
impl fmt::Debug for OperatorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zones: Vec<_> = self.zones.iter().map(|(_, zone)| zone).collect();
        f.debug_struct("OperatorBuilder").field("zones", &zones).finish_non_exhaustive()
    }
}
