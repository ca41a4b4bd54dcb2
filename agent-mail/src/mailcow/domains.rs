//! Domains, their keys and their other names.

use mail_access::DomainName;
use mailcow_api::{DkimKeySpec, Error as MailcowError, Mib, NewAliasDomain, NewDomain, ProblemKind};

use super::admin::Step;
use super::{domain_name, hourly};
use crate::spec::{DkimOptions, DomainLimits};
use crate::{Error, ErrorKind};

impl Step<'_> {
    pub(super) async fn set_domain(
        &self,
        description: &str,
        active: bool,
        limits: &DomainLimits,
    ) -> Result<(), Error> {
        let name = &self.name;
        // An empty one would be taken for the name in a create, and for nothing to be changed in an edit.
        let description = if description.is_empty() { name.as_str() } else { description };
        let mut wanted = NewDomain::new(name.clone())
            .with_description(description)
            .with_active(active)
            .with_max_mailboxes(limits.mailboxes)
            .with_max_aliases(limits.aliases)
            .with_quotas(
                Mib::new(limits.default_quota_mib),
                Mib::new(limits.max_quota_mib),
                Mib::new(limits.total_quota_mib),
            );
        if let Some(limit) = hourly(limits.hourly_limit) {
            wanted = wanted.with_rate_limit(limit);
        }
        let ensured = self.did(self.client.converge_domain(&wanted).await)?;
        if limits.hourly_limit.is_none() && ensured.value.rate_limit.is_some() {
            self.did(self.client.remove_domain_rate_limit(name).await)?;
        }
        if ensured.differs.is_empty() {
            return Ok(());
        }
        let kept = ensured.differs.join(", ");
        Err(self.failed(ErrorKind::Rejected, format!("the mail system keeps its own {kept}")))
    }

    pub(super) async fn remove_domain(&self) -> Result<(), Error> {
        let Some(domain) = self.did(self.client.get_domain(&self.name).await)? else { return Ok(()) };
        let not_empty =
            |what: &str| self.failed(ErrorKind::Rejected, format!("it has {what}; remove them first"));
        if domain.mailboxes > 0 {
            return Err(not_empty("mailboxes"));
        }
        if !self.did(self.client.aliases_of(&self.name).await)?.is_empty() {
            return Err(not_empty("aliases or a catch-all"));
        }
        if !self.other_names().await?.is_empty() {
            return Err(not_empty("other names"));
        }
        let is_in_it = |found: &mailcow_api::Resource| found.domain.eq_ignore_ascii_case(self.name.as_str());
        if self.did(self.client.resources().await)?.iter().any(is_in_it) {
            return Err(not_empty("resources"));
        }
        // First, as nobody would come back for it once the domain is gone.
        self.drop_relay(&domain).await?;
        let done = self.client.delete_domain(&self.name).await;
        self.settled(done, async { Ok(self.client.get_domain(&self.name).await?.is_none()) }).await
    }

    pub(super) async fn add_dkim(&self, key: &DkimOptions) -> Result<(), Error> {
        self.served().await?;
        let bits = u16::try_from(key.bits).unwrap_or(u16::MAX);
        let spec = self.did(DkimKeySpec::new(&key.selector).and_then(|spec| spec.with_bits(bits)))?;
        let _kept = self.did(self.client.ensure_dkim(&self.name, &spec).await)?;
        for other in self.other_names().await? {
            self.share_key(&other).await?;
        }
        Ok(())
    }

    pub(super) async fn add_alias_domain(&self, other: &DomainName) -> Result<(), Error> {
        self.served().await?;
        let other = domain_name(other)?;
        let found = self.did(self.client.get_alias_domain(&other).await)?;
        let taken = |detail| self.failed(ErrorKind::AlreadyExists, format!("{other} {detail}"));
        if found.is_some_and(|found| !found.target.eq_ignore_ascii_case(self.name.as_str())) {
            return Err(taken("is another name of another domain"));
        }
        let wanted = NewAliasDomain::new(other.clone(), self.name.clone());
        match self.client.ensure_alias_domain(&wanted).await {
            Ok(_) => {}
            // The name itself was checked.
            Err(MailcowError::Refused { problem, .. }) if problem.kind() == ProblemKind::InvalidValue => {
                return Err(taken("is a domain of the mail system").with_code(problem.code()));
            }
            Err(error) => return self.did(Err(error)),
        }
        self.share_key(&other).await
    }

    pub(super) async fn remove_alias_domain(&self, other: &DomainName) -> Result<(), Error> {
        let other = domain_name(other)?;
        let is_ours =
            |found: &mailcow_api::AliasDomain| found.target.eq_ignore_ascii_case(self.name.as_str());
        if !self.did(self.client.get_alias_domain(&other).await)?.is_some_and(|found| is_ours(&found)) {
            return Ok(());
        }
        self.did(self.client.delete_dkim(&other).await)?;
        let done = self.client.delete_alias_domain(&other).await;
        self.settled(done, async { Ok(self.client.get_alias_domain(&other).await?.is_none()) }).await
    }

    /// Gives another name of the domain the domain's key, unless it has one.
    async fn share_key(&self, other: &mailcow_api::DomainName) -> Result<(), Error> {
        let has_key = async |name| Ok::<_, Error>(self.did(self.client.get_dkim(name).await)?.is_some());
        if has_key(&self.name).await? && !has_key(other).await? {
            self.did(self.client.duplicate_dkim(&self.name, std::slice::from_ref(other)).await)?;
        }
        Ok(())
    }

    async fn other_names(&self) -> Result<Vec<mailcow_api::DomainName>, Error> {
        let all = self.did(self.client.alias_domains().await)?;
        let others = all.into_iter().filter(|found| found.target.eq_ignore_ascii_case(self.name.as_str()));
        Ok(others.filter_map(|found| found.name.parse().ok()).collect())
    }
}
