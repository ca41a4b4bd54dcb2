//! Alias domains that are as one wants them.

use super::{AliasDomain, AliasDomainChange, NewAliasDomain};
use crate::{
    Client, Ensured, Error,
    ensure::{Wish, converge, fields},
};

impl Client {
    /// Makes certain that an alias domain exists and is another name of the domain it should be, and writes nothing
    /// if it is. Safe to repeat, also after a dropped call. Of its DKIM key [`ensure_dkim`](Self::ensure_dkim) makes
    /// certain; here it is made only together with the alias domain.
    ///
    /// # Errors
    /// As [`add_alias_domain`](Self::add_alias_domain): among others [`Error::Refused`] with `alias_domain_invalid` if
    /// the name is that of a domain.
    pub async fn ensure_alias_domain(&self, wanted: &NewAliasDomain) -> Result<Ensured<AliasDomain>, Error> {
        converge(self, wanted).await
    }
}

impl Wish for NewAliasDomain {
    type Found = AliasDomain;

    async fn read(&self, client: &Client) -> Result<Option<AliasDomain>, Error> {
        client.get_alias_domain(&self.name).await
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        client.add_alias_domain(self).await
    }

    fn differs(&self, found: &AliasDomain) -> Vec<&'static str> {
        fields([
            ("target_domain", !found.target.eq_ignore_ascii_case(self.target.as_str())),
            ("active", found.active != self.active),
            ("rl_value", self.rate_limit.is_some() && self.rate_limit != found.rate_limit),
        ])
    }

    async fn change(&self, client: &Client, _: &AliasDomain, fields: &[&'static str]) -> Result<(), Error> {
        if let (Some(limit), true) = (&self.rate_limit, fields.contains(&"rl_value")) {
            client.set_domain_rate_limit(&self.name, limit).await?;
        }
        let mut change = AliasDomainChange::new();
        if fields.contains(&"target_domain") {
            change = change.with_target(self.target.clone());
        }
        if fields.contains(&"active") {
            change = change.with_active(self.active);
        }
        if change == AliasDomainChange::new() {
            return Ok(());
        }
        client.edit_alias_domain(&self.name, &change).await
    }
}
