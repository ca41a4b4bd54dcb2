//! Domains that are as one wants them.

use super::{Domain, DomainChange, NewDomain};
use crate::{
    Client, Ensured, Error,
    ensure::{Wish, converge},
    flag::Flag,
    tags,
};

impl Client {
    /// Makes certain that a domain exists and is as wanted in everything that was set, and writes nothing if it is.
    /// Safe to repeat, also after a dropped call. What [`ensure_domain`](Self::ensure_domain) only reports in
    /// [`differs`](Ensured::differs), this call changes; tags are added, and none is removed (see
    /// [`ensure_domain_tags`](Self::ensure_domain_tags)).
    ///
    /// Of the DKIM key [`ensure_dkim`](Self::ensure_dkim) makes certain; here it is made only together with the domain.
    ///
    /// # Errors
    /// As [`add_domain`](Self::add_domain) and [`edit_domain`](Self::edit_domain). After an error a part of the changes
    /// may be there; repeat the call.
    pub async fn converge_domain(&self, wanted: &NewDomain) -> Result<Ensured<Domain>, Error> {
        converge(self, wanted).await
    }
}

impl Wish for NewDomain {
    type Found = Domain;

    async fn read(&self, client: &Client) -> Result<Option<Domain>, Error> {
        client.get_domain(&self.name).await
    }

    async fn create(&self, client: &Client) -> Result<(), Error> {
        client.add_domain(self).await
    }

    fn differs(&self, found: &Domain) -> Vec<&'static str> {
        Self::differs(self, found)
    }

    async fn change(&self, client: &Client, found: &Domain, fields: &[&'static str]) -> Result<(), Error> {
        let has = |field| fields.contains(&field);
        if let (Some(limit), true) = (&self.rate_limit, has("rl_value")) {
            client.set_domain_rate_limit(&self.name, limit).await?;
        }
        let change = DomainChange {
            description: self.description.clone().filter(|_| has("description")),
            aliases: self.max_aliases.filter(|_| has("aliases")),
            mailboxes: self.max_mailboxes.filter(|_| has("mailboxes")),
            defquota: self.default_quota.filter(|_| has("defquota")),
            maxquota: self.max_quota.filter(|_| has("maxquota")),
            quota: self.quota.filter(|_| has("quota")),
            active: has("active").then_some(Flag(self.active)),
            gal: self.global_address_list.filter(|_| has("gal")).map(Flag),
            backupmx: self.backup_mx.filter(|_| has("backupmx")).map(Flag),
            relay_all_recipients: self.relay_all_recipients.filter(|_| has("relay_all_recipients")).map(Flag),
            relay_unknown_only: self.relay_unknown_only.filter(|_| has("relay_unknown_only")).map(Flag),
            tags: tags::missing(&self.tags, &found.tags),
            ..DomainChange::default()
        };
        if change == DomainChange::default() {
            return Ok(());
        }
        client.edit_domain(&self.name, &change).await
    }
}
