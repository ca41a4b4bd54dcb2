//! Many mailboxes at once, seen by lists instead of one by one.

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Mailbox, NewMailbox};
use crate::{Client, DomainName, Ensured, Error, How, SearchQuery, ensure::ensure_missing};

impl Client {
    /// Makes certain that mailboxes exist, as [`ensure_mailbox`](Self::ensure_mailbox) does for one, and returns what
    /// became of each, in the order of `wanted`. Safe to repeat, also after a dropped call.
    ///
    /// More than a few are looked up in the lists of their domains, page by page, instead of one by
    /// one. Those that are missing are created at the same time as far as
    /// [`concurrency`](crate::ClientBuilder::concurrency) allows, but one after the other in a domain that may have no
    /// room for all of them.
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, How, Mib, NewDomain, NewMailbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// let mut wanted = Vec::new();
    /// for name in ["planner", "researcher"] {
    ///     let address = format!("{name}@agents.example.com").parse()?;
    ///     wanted.push(NewMailbox::new(address, client.generate_password().await?, Mib::new(64)));
    /// }
    /// for mailbox in client.ensure_mailboxes(&wanted).await? {
    ///     assert_eq!(mailbox?.how, How::Created);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error`] if a list cannot be read, and [`Error::InvalidInput`] if an address is there twice; nothing was
    /// created then. What is wrong with one mailbox is in its own result.
    pub async fn ensure_mailboxes(
        &self,
        wanted: &[NewMailbox],
    ) -> Result<Vec<Result<Ensured<Mailbox>, Error>>, Error> {
        let mut domains: BTreeMap<DomainName, Vec<usize>> = BTreeMap::new();
        let mut places = HashMap::new();
        for (at, wish) in wanted.iter().enumerate() {
            if places.insert(wish.address().as_str(), at).is_some() {
                let reason = format!("{} is there twice", wish.address());
                return Err(Error::InvalidInput { operation: "add/mailbox", reason });
            }
            domains.entry(wish.address().domain().clone()).or_default().push(at);
        }
        let mut done: Vec<Option<Result<Ensured<Mailbox>, Error>>> = wanted.iter().map(|_| None).collect();
        for (domain, own) in &domains {
            for mailbox in self.look_up(domain, own, wanted).await? {
                let address = mailbox.address.to_lowercase();
                if let Some(&at) = places.get(address.as_str()) {
                    let differs = wanted[at].differs(&mailbox);
                    let ensured = Ensured { value: mailbox, how: How::Existed, changed: Vec::new(), differs };
                    done[at] = Some(Ok(ensured));
                }
            }
        }
        for (domain, own) in &mut domains {
            own.retain(|&at| done[at].is_none());
            // One alone finds its limit at the server; for several the client has to know how much room there is.
            if own.len() > 1 {
                self.get_domain(domain).await?;
            }
        }
        for own in domains.into_values() {
            let make = |at: usize| {
                let wish = &wanted[at];
                async move {
                    let read = || self.get_mailbox(wish.address());
                    let create = || self.add_mailbox(wish);
                    (at, ensure_missing(read, create, |found| wish.differs(found)).await)
                }
            };
            let mut results = stream::iter(own).map(make).buffer_unordered(MANY);
            while let Some((at, ensured)) = results.next().await {
                done[at] = Some(ensured);
            }
        }
        Ok(done.into_iter().flatten().collect())
    }

    /// Finds the mailboxes of a domain that are there, and maybe others.
    async fn look_up(
        &self,
        domain: &DomainName,
        own: &[usize],
        wanted: &[NewMailbox],
    ) -> Result<Vec<Mailbox>, Error> {
        if own.len() > FEW {
            let query = SearchQuery::all().with_text(&format!("@{domain}"));
            return self.search_mailboxes(query).try_collect().await;
        }
        let reads = own.iter().map(|&at| self.get_mailbox(wanted[at].address()));
        stream::iter(reads)
            .buffer_unordered(MANY)
            .try_filter_map(|found| async { Ok(found) })
            .try_collect()
            .await
    }
}

/// So many are read one by one.
const FEW: usize = 20;
/// So many calls wait for a turn at once; how many of them run is up to the client.
const MANY: usize = 16;
