//! Sending limits that are as one wants them.

use super::{Wish, converge, fields};
use crate::{Client, DomainName, Ensured, Error, MailboxAddress, RateLimit};

impl Client {
    /// Makes certain that a mailbox has this sending limit of its own, or none, and writes nothing if it is so. Safe to
    /// repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox and a limit is wanted; without one
    /// that cannot be told from a mailbox without a limit.
    pub async fn ensure_mailbox_rate_limit(
        &self,
        mailbox: &MailboxAddress,
        limit: Option<&RateLimit>,
    ) -> Result<Ensured<Option<RateLimit>>, Error> {
        converge(self, &Limit { of: Of::Mailbox(mailbox), limit }).await
    }

    /// Makes certain that a domain has this sending limit, which counts for each mailbox without its own, or none, and
    /// writes nothing if it is so. Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such domain and a limit is wanted; without one
    /// that cannot be told from a domain without a limit.
    pub async fn ensure_domain_rate_limit(
        &self,
        domain: &DomainName,
        limit: Option<&RateLimit>,
    ) -> Result<Ensured<Option<RateLimit>>, Error> {
        converge(self, &Limit { of: Of::Domain(domain), limit }).await
    }
}

enum Of<'a> {
    Mailbox(&'a MailboxAddress),
    Domain(&'a DomainName),
}

struct Limit<'a> {
    of: Of<'a>,
    limit: Option<&'a RateLimit>,
}

impl Wish for Limit<'_> {
    type Found = Option<RateLimit>;

    async fn read(&self, client: &Client) -> Result<Option<Option<RateLimit>>, Error> {
        match self.of {
            Of::Mailbox(address) => client.mailbox_rate_limit(address).await,
            Of::Domain(domain) => client.domain_rate_limit(domain).await,
        }
        .map(Some)
    }

    /// Never called: there always is a limit or none.
    async fn create(&self, client: &Client) -> Result<(), Error> {
        self.change(client, &None, &[]).await
    }

    fn differs(&self, found: &Option<RateLimit>) -> Vec<&'static str> {
        fields([("rl_value", self.limit != found.as_ref())])
    }

    async fn change(&self, client: &Client, _: &Option<RateLimit>, _: &[&'static str]) -> Result<(), Error> {
        match (&self.of, self.limit) {
            (Of::Mailbox(address), Some(limit)) => client.set_mailbox_rate_limit(address, limit).await,
            (Of::Mailbox(address), None) => client.remove_mailbox_rate_limit(address).await,
            (Of::Domain(domain), Some(limit)) => client.set_domain_rate_limit(domain, limit).await,
            (Of::Domain(domain), None) => client.remove_domain_rate_limit(domain).await,
        }
    }
}
