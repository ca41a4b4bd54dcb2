use std::fmt;
use std::sync::Arc;

use super::{Inner, SiteStore, Sites};
use crate::locks::Locks;
use crate::{DomainSpec, Error, ErrorKind, Operator};

/// Builds a [`Sites`].
#[must_use]
pub struct SitesBuilder {
    operator: Operator,
    store: Arc<dyn SiteStore>,
    template: DomainSpec,
    provider: String,
}

impl SitesBuilder {
    pub(super) fn new(operator: Operator, store: Arc<dyn SiteStore>, template: DomainSpec) -> Self {
        Self { operator, store, template, provider: "mailcow".to_owned() }
    }

    /// Sets the name of the mail system in the sites' state; `mailcow` unless set.
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = provider.into();
        self
    }

    /// Finishes the system. Nothing is sent yet.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the template contradicts itself, names anybody (sites have their own
    /// mailboxes), describes the domain (that is the mark of whose it is), is switched off or removes what it doesn't
    /// name; or if the provider's name is not 1 to 63 letters, digits and hyphens.
    pub fn build(self) -> Result<Sites, Error> {
        let Self { operator, store, template, provider } = self;
        let refused = |detail: &str| {
            Err(Error::new(ErrorKind::InvalidInput, "build", "sites").with_detail(detail.to_owned()))
        };
        template.check()?;
        let empty = DomainSpec {
            limits: template.limits.clone(),
            dkim: template.dkim.clone(),
            relay: template.relay.clone(),
            spam: template.spam.clone(),
            dns: template.dns.clone(),
            ..DomainSpec::new(template.domain.clone(), template.mail_host.clone())
        };
        if template != empty {
            return refused("a template may set limits, key, relay, spam policy and records only");
        }
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if provider.is_empty() || provider.len() > 63 || !provider.bytes().all(word) {
            return refused("the provider's name has to be 1 to 63 letters, digits and hyphens");
        }
        let locks = Locks::default();
        Ok(Sites(Arc::new(Inner { operator, store, template, provider, locks })))
    }
}

/// Shows the provider.
impl fmt::Debug for SitesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SitesBuilder").field("provider", &self.provider).finish_non_exhaustive()
    }
}
