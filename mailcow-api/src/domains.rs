//! Mail domains.

mod ensure;
mod footer;
mod request;
mod template;

use serde::Deserialize;

use crate::{
    Bytes, Client, DomainName, Ensured, Error, RateLimit, RelayhostId,
    client::{EditItems, Read, Target, Write},
    ensure::ensure,
    input, loose, tags,
};

pub use self::{
    footer::DomainFooter,
    request::{DomainChange, NewDomain},
    template::{DomainTemplate, DomainTemplateAttributes, DomainTemplateId, DomainTemplateSpec},
};

/// A domain as the server shows it.
#[allow(clippy::struct_excessive_bools, reason = "they are the switches of the server")]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Domain {
    /// The name, in its ASCII form.
    #[serde(rename = "domain_name")]
    pub name: String,
    /// The name as people write it.
    #[serde(default, rename = "domain_h_name", deserialize_with = "loose::text")]
    pub unicode_name: String,
    /// The description.
    #[serde(default, deserialize_with = "loose::text")]
    pub description: String,
    /// How many aliases it may have.
    #[serde(default, rename = "max_num_aliases_for_domain", deserialize_with = "loose::int")]
    pub max_aliases: i64,
    /// How many aliases it has.
    #[serde(default, rename = "aliases_in_domain", deserialize_with = "loose::int")]
    pub aliases: i64,
    /// How many aliases can still be created; negative if the limit was overrun.
    #[serde(default, deserialize_with = "loose::int")]
    pub aliases_left: i64,
    /// How many mailboxes it may have.
    #[serde(default, rename = "max_num_mboxes_for_domain", deserialize_with = "loose::int")]
    pub max_mailboxes: i64,
    /// How many mailboxes it has.
    #[serde(default, rename = "mboxes_in_domain", deserialize_with = "loose::int")]
    pub mailboxes: i64,
    /// How many mailboxes can still be created; negative if the limit was overrun.
    #[serde(default, rename = "mboxes_left", deserialize_with = "loose::int")]
    pub mailboxes_left: i64,
    /// What a new mailbox is proposed.
    #[serde(default, rename = "def_quota_for_mbox")]
    pub default_mailbox_quota: Bytes,
    /// What one mailbox may have at most.
    #[serde(default, rename = "max_quota_for_mbox")]
    pub max_mailbox_quota: Bytes,
    /// What all mailboxes together may have.
    #[serde(default, rename = "max_quota_for_domain")]
    pub quota: Bytes,
    /// What the next mailbox may have at most; negative if the limit was overrun.
    #[serde(default, rename = "max_new_mailbox_quota")]
    pub max_new_mailbox_quota: Bytes,
    /// What is assigned to the mailboxes.
    #[serde(default, rename = "quota_used_in_domain")]
    pub quota_assigned: Bytes,
    /// What is stored in the mailboxes.
    #[serde(default, rename = "bytes_total")]
    pub stored: Bytes,
    /// How many messages are stored in the mailboxes.
    #[serde(default, rename = "msgs_total", deserialize_with = "loose::int")]
    pub messages: i64,
    /// The user names of its administrators.
    #[serde(default, rename = "domain_admins", deserialize_with = "loose::list")]
    pub admins: Vec<String>,
    /// Whether the domain takes mail and logins.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// Whether its users see each other in the address book.
    #[serde(default, rename = "gal", deserialize_with = "loose::flag")]
    pub global_address_list: bool,
    /// Whether the domain is only relayed to another server.
    #[serde(default, rename = "backupmx", deserialize_with = "loose::flag")]
    pub backup_mx: bool,
    /// Whether a domain that is relayed takes mail for any recipient.
    #[serde(default, deserialize_with = "loose::flag")]
    pub relay_all_recipients: bool,
    /// Whether a domain that is relayed delivers to the mailboxes that it has.
    #[serde(default, deserialize_with = "loose::flag")]
    pub relay_unknown_only: bool,
    /// The relay host that its mail leaves through.
    #[serde(default, deserialize_with = "loose::id_if_any")]
    pub relayhost: Option<RelayhostId>,
    /// The sending limit of each mailbox without its own.
    #[serde(default, rename = "rl", deserialize_with = "loose::object_if_any")]
    pub rate_limit: Option<RateLimit>,
    /// The tags, sorted.
    #[serde(default)]
    pub tags: Vec<String>,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
}

impl Client {
    /// Returns all domains (`get/domain/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn domains(&self) -> Result<Vec<Domain>, Error> {
        Ok(self.read(GET, ["all"]).await?.unwrap_or_default())
    }

    /// Returns the domains that have at least one of the tags (`get/domain/all` with `tags`).
    ///
    /// # Errors
    /// Returns [`Error::InvalidInput`] for no tag or one that no domain can have.
    pub async fn domains_tagged(&self, tags: &[&str]) -> Result<Vec<Domain>, Error> {
        let tags = tags::query(GET.0, tags)?;
        Ok(self.read(GET, Target::from(["all"]).with_query("tags", tags)).await?.unwrap_or_default())
    }

    /// Returns a domain, `None` if there is none of that name (`get/domain/{domain}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_domain(&self, name: &DomainName) -> Result<Option<Domain>, Error> {
        let over = self.capacity().over(name);
        let found: Option<Domain> = self.read(GET, Some(name.as_str())).await?;
        // Asked for an alias domain, mailcow shows the domain it points to.
        let found = found.filter(|domain| domain.name.eq_ignore_ascii_case(name.as_str()));
        if let Some(domain) = &found {
            self.capacity().noted(name, domain, over);
        }
        Ok(found)
    }

    /// Creates a domain (`add/domain`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] if the name is taken (`domain_exists`) or the sizes contradict each other.
    pub async fn add_domain(&self, new: &NewDomain) -> Result<(), Error> {
        let body = new.body(ADD.route)?;
        let _turn = self.dkim_turn(new.name()).await;
        self.write(ADD, new.name().as_str(), &body).await
    }

    /// Makes certain that a domain exists and writes nothing if it does. Safe to repeat, also after a dropped call.
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, How, NewDomain};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// let wanted = NewDomain::new("agents.example.com".parse()?).with_max_mailboxes(5000);
    /// assert_eq!(client.ensure_domain(&wanted).await?.how, How::Created);
    /// assert_eq!(client.ensure_domain(&wanted).await?.how, How::Existed);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Refused`] if the name is an alias domain (`domain_exists`) or the server wants no such domain.
    pub async fn ensure_domain(&self, wanted: &NewDomain) -> Result<Ensured<Domain>, Error> {
        ensure(|| self.get_domain(wanted.name()), || self.add_domain(wanted), |found| wanted.differs(found))
            .await
    }

    /// Changes a domain (`edit/domain`). Safe to repeat, except that tags that are there cannot be added again.
    ///
    /// A domain whose limits were overrun refuses each change, whatever it is, with `domain_quota_m_in_use`.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `access_denied` (no such domain), and [`Error::Unknown`] where a
    /// tag is there already.
    pub async fn edit_domain(&self, name: &DomainName, change: &DomainChange) -> Result<(), Error> {
        change.check(EDIT.route)?;
        self.capacity().forget(name);
        self.write(EDIT, name.as_str(), &EditItems { items: &[name], attr: change }).await
    }

    /// Removes tags from a domain (`delete/domain/tag/{domain}`). Those that it does not have are skipped.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such domain.
    pub async fn remove_domain_tags(&self, name: &DomainName, tags: &[&str]) -> Result<(), Error> {
        input::some(DELETE_TAG.route, tags)?;
        self.write_at(DELETE_TAG, [name.as_str()], &tags).await
    }

    /// Deletes a domain (`delete/domain`). Deleting one that does not exist succeeds too.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `domain_not_empty` as long as it holds mailboxes, aliases or resources.
    pub async fn delete_domain(&self, name: &DomainName) -> Result<(), Error> {
        self.write(DELETE, name.as_str(), &[name]).await
    }

    /// Deletes several domains (`delete/domain`). Those that do not exist count as deleted.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] if some still hold mailboxes, aliases or resources.
    pub async fn delete_domains(&self, names: &[DomainName]) -> Result<(), Error> {
        self.delete_items(DELETE, names).await
    }
}

const GET: Read = Read("get/domain");
const ADD: Write = Write { route: "add/domain", success: "domain_added" };
const EDIT: Write = Write { route: "edit/domain", success: "domain_modified" };
const DELETE_TAG: Write = Write { route: "delete/domain/tag", success: "domain_modified" };
const DELETE: Write = Write { route: "delete/domain", success: "domain_removed" };
