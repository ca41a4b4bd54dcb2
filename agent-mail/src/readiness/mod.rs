//! Whether a domain's mail will arrive: what the DNS, the ports and the certificate of its mail host say.
//!
//! A [`Readiness`] looks at everything at once, through [`LookUp`] (name servers) and [`Probe`] (ports). `NameServers`
//! and `Sockets` (feature `readiness`) do so in the real world; an [`Embedded`](crate::Embedded) world answers for
//! itself:
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use agent_mail::Embedded;
//! use agent_mail::readiness::{CheckName, State, Target};
//!
//! let world = Embedded::new("agents.example".parse()?);
//! let target = Target::new("agents.example".parse()?, "mail.agents.example".parse()?);
//!
//! let before = world.readiness().check(&target).await;
//! assert_eq!(before.check(CheckName::Mx).unwrap().state, State::Failed);
//! assert!(!before.is_ready());
//!
//! world.system().build()?.bootstrap_dns().await?;
//! let after = world.readiness().check(&target).await;
//! assert!(after.is_ready(), "{after}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`SendGate`] makes this the condition of mail to the outside.

mod blocklists;
mod delegation;
mod dmarc_reports;
mod dnssec;
mod gate;
mod host;
mod look_up;
#[cfg(feature = "readiness")]
mod name_servers;
mod other_names;
mod policies;
mod ports;
mod report;
mod scene;
#[cfg(feature = "readiness")]
mod sockets;
mod spf;
mod system;
mod target;
mod zone;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use mail_access::DomainName;
use tokio::time::timeout;

pub use gate::{Ready, SendGate};
pub use look_up::{Answer, LookUp, LookUpError, Record, RecordData, RecordType, Server};
#[cfg(feature = "readiness")]
pub use name_servers::NameServers;
pub use ports::{Certificate, Greeting, Probe, ProbeError, Security};
pub use report::{Check, CheckName, Report, State};
#[cfg(feature = "readiness")]
pub use sockets::Sockets;
pub use spf::{SpfResult, evaluate as evaluate_spf};
pub use target::Target;

pub(crate) use gate::Gate;
pub(crate) use look_up::{REVERSE, reversed};

use crate::backend::{DnsProvider, Provisioner};
use report::Finding;
use scene::{Known, Scene};

/// Looks at all that decides whether a domain's mail arrives. Cheap to clone.
#[derive(Clone)]
#[must_use]
pub struct Readiness {
    look_up: Arc<dyn LookUp>,
    probe: Arc<dyn Probe>,
    keys: Option<Arc<dyn Provisioner>>,
    dns: Option<(Arc<dyn DnsProvider>, DomainName)>,
    blocklists: Vec<DomainName>,
    required: Vec<CheckName>,
    deadline: Duration,
}

impl Readiness {
    /// Looks through these.
    pub fn new(look_up: Arc<dyn LookUp>, probe: Arc<dyn Probe>) -> Self {
        let (blocklists, required) = (Vec::new(), Vec::new());
        let deadline = Duration::from_secs(30);
        Self { look_up, probe, keys: None, dns: None, blocklists, required, deadline }
    }

    /// Sets who knows the key that a domain's mail is signed with, for targets that don't name one.
    pub fn with_keys(mut self, keys: Arc<dyn Provisioner>) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Sets who holds the zone that is meant, for targets that don't name its name servers: those that the zone itself
    /// names are the ones that the world has to be led to. While the provider doesn't answer, any will do.
    pub fn with_dns(mut self, provider: Arc<dyn DnsProvider>, zone: DomainName) -> Self {
        self.dns = Some((provider, zone));
        self
    }

    /// Sets the lists on which the mail host's addresses must not be (RFC 5782), `zen.spamhaus.org`; none unless set.
    /// Most answer only few questions, and none through public name servers: see their terms.
    pub fn with_blocklists(mut self, lists: impl IntoIterator<Item = DomainName>) -> Self {
        self.blocklists = lists.into_iter().collect();
        self
    }

    /// Makes more checks mandatory than are by themselves.
    pub fn requiring(mut self, checks: impl IntoIterator<Item = CheckName>) -> Self {
        self.required.extend(checks);
        self
    }

    /// Sets how long a check of a domain may take; 30 seconds unless set. What isn't known then is
    /// [`State::Unknown`].
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Looks at a domain, at everything at the same time.
    ///
    /// It reads only, and always gives a report within the deadline: what can't be found out is said in it. A dropped
    /// call leaves nothing behind.
    pub async fn check(&self, target: &Target) -> Report {
        let known = Known { keys: self.keys.as_deref(), dns: self.dns.as_ref() };
        let scene = Scene::new(&*self.look_up, &*self.probe, target, known, &self.blocklists);
        let names = CheckName::ALL.iter().copied();
        let made = names.filter(|name| *name != CheckName::Blocklists || !self.blocklists.is_empty());
        let checks = made.map(|name| self.one(name, &scene));
        Report::new(target.domain.clone(), target.mail_host.clone(), join_all(checks).await)
    }

    async fn one(&self, name: CheckName, scene: &Scene<'_>) -> Check {
        let late = |_| Finding::unknown(format!("no answer in {} s", self.deadline.as_secs()));
        let finding = timeout(self.deadline, scene.find(name)).await.unwrap_or_else(late);
        let mandatory = CheckName::MANDATORY.contains(&name)
            || self.required.contains(&name)
            // Whoever gets mail from a relay looks at the relay's addresses.
            || (name == CheckName::Reverse && scene.target.relay.is_none());
        Check::new(name, mandatory, scene.wanted(name), finding)
    }
}

/// Shows the lists and the deadline.
impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readiness")
            .field("blocklists", &self.blocklists)
            .field("required", &self.required)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
