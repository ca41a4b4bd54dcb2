//! Mail domains.

use serde::{Deserialize, Serialize};

use crate::{
    Bytes, Client, DkimKeySpec, DomainName, Ensured, Error, Mib, RateLimit,
    client::{Read, Write},
    ensure::ensure,
    loose, tags,
};

/// A domain to be created. What is not set is taken from the template *Default* of the server, as long as the
/// methods below do not say otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDomain {
    name: DomainName,
    description: Option<String>,
    max_aliases: Option<u32>,
    max_mailboxes: Option<u32>,
    default_quota: Option<Mib>,
    max_quota: Option<Mib>,
    quota: Option<Mib>,
    active: bool,
    global_address_list: Option<bool>,
    rate_limit: Option<RateLimit>,
    dkim: Option<DkimKeySpec>,
    tags: Vec<String>,
}

impl NewDomain {
    /// Builds an active domain without a DKIM key.
    pub fn new(name: DomainName) -> Self {
        Self {
            name,
            description: None,
            max_aliases: None,
            max_mailboxes: None,
            default_quota: None,
            max_quota: None,
            quota: None,
            active: true,
            global_address_list: None,
            rate_limit: None,
            dkim: None,
            tags: Vec::new(),
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &DomainName {
        &self.name
    }

    /// Sets the description.
    pub fn with_description(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// Sets how many aliases the domain may have.
    pub fn with_max_aliases(mut self, count: u32) -> Self {
        self.max_aliases = Some(count);
        self
    }

    /// Sets how many mailboxes the domain may have.
    pub fn with_max_mailboxes(mut self, count: u32) -> Self {
        self.max_mailboxes = Some(count);
        self
    }

    /// Sets three sizes: what the web page proposes for a new mailbox, what one mailbox may have at most, and what
    /// all mailboxes together may have.
    pub fn with_quotas(mut self, default_for_mailbox: Mib, max_for_mailbox: Mib, domain: Mib) -> Self {
        (self.default_quota, self.max_quota, self.quota) =
            (Some(default_for_mailbox), Some(max_for_mailbox), Some(domain));
        self
    }

    /// Sets whether the domain takes mail and logins, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Sets whether its users see each other in the address book of the web mail.
    pub fn with_global_address_list(mut self, visible: bool) -> Self {
        self.global_address_list = Some(visible);
        self
    }

    /// Sets a sending limit for each mailbox that has none of its own.
    pub fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Makes a DKIM key together with the domain. By default there is none until [`Client::ensure_dkim`].
    pub fn with_dkim(mut self, spec: DkimKeySpec) -> Self {
        self.dkim = Some(spec);
        self
    }

    /// Sets the tags, at most 25.
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    fn differs(&self, found: &Domain) -> Vec<&'static str> {
        let other =
            |wanted: Option<Mib>, found: Bytes| wanted.is_some_and(|wanted| Bytes::from(wanted) != found);
        let fields = [
            ("description", self.description.as_ref().is_some_and(|wanted| *wanted != found.description)),
            ("aliases", self.max_aliases.is_some_and(|wanted| i64::from(wanted) != found.max_aliases)),
            ("mailboxes", self.max_mailboxes.is_some_and(|wanted| i64::from(wanted) != found.max_mailboxes)),
            ("defquota", other(self.default_quota, found.default_mailbox_quota)),
            ("maxquota", other(self.max_quota, found.max_mailbox_quota)),
            ("quota", other(self.quota, found.quota)),
            ("active", self.active != found.active),
            ("gal", self.global_address_list.is_some_and(|wanted| wanted != found.global_address_list)),
            ("rl_value", self.rate_limit.is_some() && self.rate_limit != found.rate_limit),
            ("tags", !self.tags.iter().all(|tag| found.tags.contains(tag))),
        ];
        fields.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
    }
}

/// A domain as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Domain {
    /// The name, in its ASCII form.
    #[serde(rename = "domain_name")]
    pub name: String,
    /// The description.
    #[serde(default, deserialize_with = "loose::text")]
    pub description: String,
    /// How many aliases it may have.
    #[serde(default, rename = "max_num_aliases_for_domain", deserialize_with = "loose::int")]
    pub max_aliases: i64,
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
    /// Whether the domain takes mail and logins.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// Whether its users see each other in the address book.
    #[serde(default, rename = "gal", deserialize_with = "loose::flag")]
    pub global_address_list: bool,
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
    /// Returns a domain, `None` if there is none of that name (`get/domain/{domain}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_domain(&self, name: &DomainName) -> Result<Option<Domain>, Error> {
        let found: Option<Domain> = self.read(GET, Some(name.as_str())).await?;
        // Asked for an alias domain, mailcow shows the domain it points to.
        Ok(found.filter(|domain| domain.name.eq_ignore_ascii_case(name.as_str())))
    }

    /// Creates a domain (`add/domain`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] if the name is taken (`domain_exists`) or the sizes contradict each other.
    pub async fn add_domain(&self, new: &NewDomain) -> Result<(), Error> {
        tags::check(ADD.route, &new.tags)?;
        let body = AddBody {
            domain: &new.name,
            description: new.description.as_deref(),
            aliases: new.max_aliases,
            mailboxes: new.max_mailboxes,
            defquota: new.default_quota,
            maxquota: new.max_quota,
            quota: new.quota,
            active: u8::from(new.active),
            gal: new.global_address_list.map(u8::from),
            rl_value: new.rate_limit.as_ref().map(|limit| limit.value.get()),
            rl_frame: new.rate_limit.as_ref().map(|limit| limit.frame.as_str()),
            // Without a size mailcow makes a key of 2048 bits.
            key_size: new.dkim.as_ref().map_or(0, DkimKeySpec::bits),
            dkim_selector: new.dkim.as_ref().map(DkimKeySpec::selector),
            tags: &new.tags,
        };
        let _turn = self.dkim_turn(&new.name).await;
        self.write(ADD, new.name.as_str(), &body).await
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
        ensure(|| self.get_domain(&wanted.name), || self.add_domain(wanted), |found| wanted.differs(found))
            .await
    }

    /// Deletes a domain (`delete/domain`). Deleting one that does not exist succeeds too.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `domain_not_empty` as long as it holds mailboxes, aliases or resources.
    pub async fn delete_domain(&self, name: &DomainName) -> Result<(), Error> {
        self.write(DELETE, name.as_str(), &[name]).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    domain: &'a DomainName,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aliases: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mailboxes: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    defquota: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    maxquota: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Mib>,
    active: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    gal: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_frame: Option<&'a str>,
    key_size: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    dkim_selector: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

const GET: Read = Read("get/domain");
const ADD: Write = Write { route: "add/domain", success: "domain_added" };
const DELETE: Write = Write { route: "delete/domain", success: "domain_removed" };
