//! A hub: one mailbox that takes the mail of a whole domain and may send as any of its addresses.

use super::{Wish, converge, fields};
use crate::{
    Alias, AliasAddress, Client, Ensured, Error, Filter, FilterKind, How, Mailbox, MailboxAddress,
    MailboxChange, NewAlias, NewFilter, NewMailbox, Problem,
};

/// A hub to be made: a mailbox, the catch-all of its domain that leads to it, the right to send as any address of the
/// domain, and a sieve filter of its own.
///
/// The filter files each mail explicitly. Without it the script of the server that drops duplicates would keep one copy
/// of a mail that has several addresses of the hub as recipients; with it each recipient's copy arrives, with the address
/// in `X-Original-To`.
#[derive(Clone, Debug)]
pub struct NewHub {
    mailbox: NewMailbox,
}

impl NewHub {
    /// Builds a hub of the domain of `mailbox`.
    pub fn new(mailbox: NewMailbox) -> Self {
        Self { mailbox }
    }
}

/// A hub as the server shows it, part by part.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hub {
    /// The mailbox; `sender_acl` is among the changed fields if it may now send as the domain.
    pub mailbox: Ensured<Mailbox>,
    /// The catch-all.
    pub alias: Ensured<Alias>,
    /// The filter.
    pub filter: Ensured<Filter>,
}

impl Hub {
    /// Returns whether nothing had to be written.
    pub fn is_unchanged(&self) -> bool {
        let is_left = |how: How, changed: &[&'static str]| how == How::Existed && changed.is_empty();
        is_left(self.mailbox.how, &self.mailbox.changed)
            && is_left(self.alias.how, &self.alias.changed)
            && is_left(self.filter.how, &self.filter.changed)
    }
}

impl Client {
    /// Makes certain that a domain has a hub, and writes nothing if it has. Safe to repeat, also after a dropped call,
    /// which may leave the first parts of it behind.
    ///
    /// The mailbox is created if need be but otherwise left as it is, as by [`ensure_mailbox`](Self::ensure_mailbox),
    /// except that it may send as the domain. One that lacks a wanted tag is taken for somebody else's: then nothing at
    /// all is written. A catch-all that leads elsewhere is led to the hub, and another active filter of the same kind is
    /// turned off.
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, Mib, NewDomain, NewHub, NewMailbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// let address = "hub@agents.example.com".parse()?;
    /// let wanted = NewHub::new(NewMailbox::new(address, "Fake-Passw0rd-1".into(), Mib::new(1024)));
    /// let hub = client.ensure_hub(&wanted).await?;
    /// assert_eq!(hub.alias.value.address, "@agents.example.com");
    /// assert!(client.ensure_hub(&wanted).await?.is_unchanged());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`add_mailbox`](Self::add_mailbox), [`ensure_alias`](Self::ensure_alias) and
    /// [`ensure_filter`](Self::ensure_filter), and [`Error::Refused`] with `object_exists` if the mailbox lacks a tag.
    pub async fn ensure_hub(&self, wanted: &NewHub) -> Result<Hub, Error> {
        let address = wanted.mailbox.address();
        let mailbox = self.ensure_mailbox(&wanted.mailbox).await?;
        if mailbox.differs.contains(&"tags") {
            let problem = Problem::decode(&serde_json::json!(["object_exists", address.as_str()]));
            let subject = address.as_str().to_owned();
            return Err(Error::Refused { operation: "add/mailbox", subject, problem, further: Vec::new() });
        }
        let everything = AliasAddress::catch_all(address.domain());
        let senders = converge(self, &Senders { address, everything: &everything }).await?;
        // Nobody picks the catch-all as a sender in web mail.
        let alias = NewAlias::new(everything, address.clone()).with_webmail_visible(false);
        let alias = self.ensure_alias(&alias).await?;
        let filter = NewFilter::new(address.clone(), FilterKind::Before, FILTER_DESCRIPTION, FILTER_SCRIPT);
        let filter = self.ensure_filter(&filter).await?;
        let mailbox = Ensured { value: senders.value, changed: senders.changed, ..mailbox };
        Ok(Hub { mailbox, alias, filter })
    }
}

struct Senders<'a> {
    address: &'a MailboxAddress,
    everything: &'a AliasAddress,
}

impl Wish for Senders<'_> {
    type Found = Mailbox;

    async fn read(&self, client: &Client) -> Result<Option<Mailbox>, Error> {
        client.get_mailbox(self.address).await
    }

    async fn create(&self, _: &Client) -> Result<(), Error> {
        Err(super::missing("edit/mailbox", self.address.as_str()))
    }

    fn differs(&self, found: &Mailbox) -> Vec<&'static str> {
        let is_allowed =
            |sender: &String| sender == "*" || sender.eq_ignore_ascii_case(self.everything.as_str());
        fields([("sender_acl", !found.senders.iter().any(is_allowed))])
    }

    async fn change(&self, client: &Client, found: &Mailbox, _: &[&'static str]) -> Result<(), Error> {
        // The list is replaced as a whole.
        let mut senders: Vec<AliasAddress> =
            found.senders.iter().filter_map(|sender| sender.parse().ok()).collect();
        senders.push(self.everything.clone());
        client.edit_mailbox(self.address, &MailboxChange::new().with_senders(senders)).await
    }
}

const FILTER_DESCRIPTION: &str = "hub files explicitly";
const FILTER_SCRIPT: &str = "require [\"fileinto\"];\n\
    if header :contains \"X-Spam-Flag\" \"YES\" { fileinto \"Junk\"; } else { fileinto \"INBOX\"; }\n";
