//! Mailboxes.

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Bytes, Client, Ensured, Error, MailboxAddress, Mib, Protocol, RateLimit,
    client::{EditItems, Read, Write},
    ensure::ensure,
    loose, protocols, tags,
};

/// A mailbox to be created.
#[derive(Clone, Debug)]
pub struct NewMailbox {
    address: MailboxAddress,
    password: SecretString,
    quota: Mib,
    name: String,
    status: MailboxStatus,
    protocols: Option<Vec<Protocol>>,
    rate_limit: Option<RateLimit>,
    tags: Vec<String>,
}

impl NewMailbox {
    /// Builds an active mailbox that may use each protocol its server allows by default.
    ///
    /// The quota is required because Mailcow takes a missing one for *unlimited*.
    pub fn new(address: MailboxAddress, password: SecretString, quota: Mib) -> Self {
        Self {
            address,
            password,
            quota,
            name: String::new(),
            status: MailboxStatus::Active,
            protocols: None,
            rate_limit: None,
            tags: Vec::new(),
        }
    }

    /// Returns the address.
    pub fn address(&self) -> &MailboxAddress {
        &self.address
    }

    /// Sets the display name, empty by default.
    pub fn with_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sets the status.
    pub fn with_status(mut self, status: MailboxStatus) -> Self {
        self.status = status;
        self
    }

    /// Sets the protocols that the password of the mailbox is good for.
    pub fn with_protocols(mut self, protocols: impl IntoIterator<Item = Protocol>) -> Self {
        self.protocols = Some(sorted(protocols));
        self
    }

    /// Sets a sending limit.
    pub fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Sets the tags, at most 25. A tag can say who owns the mailbox.
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    fn differs(&self, found: &Mailbox) -> Vec<&'static str> {
        let protocols = || self.protocols.as_ref().is_some_and(|wanted| *wanted != found.protocols);
        let fields = [
            ("name", self.name != found.name),
            ("quota", Bytes::from(self.quota) != found.quota),
            ("active", self.status != found.status),
            ("protocol_access", protocols()),
            ("rl_value", self.rate_limit.is_some() && self.rate_limit != found.rate_limit),
            ("tags", !self.tags.iter().all(|tag| found.tags.contains(tag))),
        ];
        fields.into_iter().filter_map(|(field, differs)| differs.then_some(field)).collect()
    }
}

/// What to change on a mailbox; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct MailboxChange {
    password: Option<SecretString>,
    quota: Option<Mib>,
    name: Option<String>,
    status: Option<MailboxStatus>,
    added_tags: Vec<String>,
}

impl MailboxChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a new password.
    pub fn with_password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets a new quota.
    pub fn with_quota(mut self, quota: Mib) -> Self {
        self.quota = Some(quota);
        self
    }

    /// Sets a new display name.
    pub fn with_name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Sets a new status.
    pub fn with_status(mut self, status: MailboxStatus) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds tags to those that are there.
    pub fn with_added_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.added_tags = tags.into_iter().map(Into::into).collect();
        self
    }

    pub(crate) fn attr(&self) -> Result<EditAttr<'_>, Error> {
        tags::check(EDIT.route, &self.added_tags)?;
        // An empty password would mean "keep".
        let password = self.password.as_ref().map(|password| checked(EDIT, password)).transpose()?;
        let attr = EditAttr {
            password,
            password2: password,
            quota: self.quota,
            name: self.name.as_deref(),
            active: self.status.map(MailboxStatus::number),
            tags: &self.added_tags,
        };
        if attr == EditAttr::default() {
            return Err(invalid(EDIT, "nothing is to be changed"));
        }
        Ok(attr)
    }
}

/// What a mailbox may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MailboxStatus {
    /// No login and no mail.
    Inactive,
    /// Logins and mail.
    Active,
    /// Mail is taken, logins are not.
    LoginDenied,
    /// A status this crate does not know.
    Other(i64),
}

impl MailboxStatus {
    fn number(self) -> i64 {
        match self {
            Self::Inactive => 0,
            Self::Active => 1,
            Self::LoginDenied => 2,
            Self::Other(number) => number,
        }
    }
}

impl<'de> Deserialize<'de> for MailboxStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match loose::int(deserializer)? {
            0 => Self::Inactive,
            1 => Self::Active,
            2 => Self::LoginDenied,
            number => Self::Other(number),
        })
    }
}

/// A mailbox as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Mailbox {
    /// The address, which is the login too.
    #[serde(rename = "username", deserialize_with = "loose::text")]
    pub address: String,
    /// The display name.
    #[serde(default, deserialize_with = "loose::text")]
    pub name: String,
    /// What it may do.
    #[serde(rename = "active")]
    pub status: MailboxStatus,
    /// How much it may hold; 0 is unlimited.
    #[serde(default)]
    pub quota: Bytes,
    /// How much it holds.
    #[serde(default)]
    pub quota_used: Bytes,
    /// How many messages it holds.
    #[serde(default, deserialize_with = "loose::int")]
    pub messages: i64,
    /// How much of the quota is used, in percent; `None` if it is unlimited.
    #[serde(default, deserialize_with = "loose::int_if_any")]
    pub percent_in_use: Option<i64>,
    /// The protocols that the password of the mailbox is good for.
    #[serde(default, rename = "attributes", deserialize_with = "protocols::from_flags")]
    pub protocols: Vec<Protocol>,
    /// The sending limit that counts for it, its own or that of the domain.
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
    /// Returns a mailbox, `None` if there is none of that address (`get/mailbox/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_mailbox(&self, address: &MailboxAddress) -> Result<Option<Mailbox>, Error> {
        let found: Option<Mailbox> = self.read(GET, Some(address.as_str())).await?;
        // Asked for a resource, mailcow shows a mailbox full of nulls.
        Ok(found.filter(|mailbox| mailbox.address.eq_ignore_ascii_case(address.as_str())))
    }

    /// Creates a mailbox (`add/mailbox`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `object_exists` or `is_alias` (taken), `access_denied` (no such
    /// domain), `password_complexity`, `max_mailbox_exceeded` and `mailbox_quota_exceeded`.
    pub async fn add_mailbox(&self, new: &NewMailbox) -> Result<(), Error> {
        tags::check(ADD.route, &new.tags)?;
        let password = checked(ADD, &new.password)?;
        let body = AddBody {
            local_part: new.address.local_part(),
            domain: new.address.domain().as_str(),
            name: &new.name,
            authsource: "mailcow",
            password,
            password2: password,
            quota: new.quota,
            active: new.status.number(),
            // Nobody sits at a web page to choose another one.
            force_pw_update: 0,
            protocol_access: new.protocols.as_ref().map(|list| list.iter().map(|p| p.bare()).collect()),
            rl_value: new.rate_limit.as_ref().map(|limit| limit.value.get()),
            rl_frame: new.rate_limit.as_ref().map(|limit| limit.frame.as_str()),
            tags: &new.tags,
        };
        self.write(ADD, new.address.as_str(), &body).await
    }

    /// Makes certain that a mailbox exists and writes nothing if it does. Safe to repeat, also after a dropped call.
    ///
    /// Unless [`how`](Ensured::how) is `Created`, its password may be another: look at the tags whose mailbox it is,
    /// then set a new one with [`edit_mailbox`](Self::edit_mailbox).
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, How, Mib, NewDomain, NewMailbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// let wanted = NewMailbox::new("agent-7@agents.example.com".parse()?, "Fake-Passw0rd-1".into(), Mib::new(64))
    ///     .with_tags(["owner-42"]);
    /// let mailbox = client.ensure_mailbox(&wanted).await?;
    /// assert_eq!(mailbox.how, How::Created);
    /// assert_eq!(mailbox.value.tags, ["owner-42"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`add_mailbox`](Self::add_mailbox), but not because the mailbox exists.
    pub async fn ensure_mailbox(&self, wanted: &NewMailbox) -> Result<Ensured<Mailbox>, Error> {
        ensure(
            || self.get_mailbox(&wanted.address),
            || self.add_mailbox(wanted),
            |found| wanted.differs(found),
        )
        .await
    }

    /// Changes a mailbox (`edit/mailbox`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `access_denied` (no such mailbox), `password_complexity` and
    /// `mailbox_quota_left_exceeded`, and [`Error::InvalidInput`] for a change of nothing.
    pub async fn edit_mailbox(&self, address: &MailboxAddress, change: &MailboxChange) -> Result<(), Error> {
        self.write(EDIT, address.as_str(), &EditItems { items: &[address], attr: &change.attr()? }).await
    }

    /// Deletes a mailbox with all its mail (`delete/mailbox`), and the aliases that lead only to it.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn delete_mailbox(&self, address: &MailboxAddress) -> Result<(), Error> {
        self.write(DELETE, address.as_str(), &[address]).await
    }

    /// Makes certain that a mailbox does not exist, and returns whether it was there. Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the mailbox is still there or the server gives no readable answer.
    pub async fn ensure_no_mailbox(&self, address: &MailboxAddress) -> Result<bool, Error> {
        if self.get_mailbox(address).await?.is_none() {
            return Ok(false);
        }
        match self.delete_mailbox(address).await {
            Ok(()) => Ok(true),
            Err(error @ (Error::Unknown { .. } | Error::Refused { .. })) => {
                match self.get_mailbox(address).await {
                    Ok(None) => Ok(true),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    local_part: &'a str,
    domain: &'a str,
    name: &'a str,
    authsource: &'static str,
    password: &'a str,
    password2: &'a str,
    quota: Mib,
    active: i64,
    force_pw_update: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol_access: Option<Vec<&'static str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_frame: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

#[derive(Default, PartialEq, Serialize)]
pub(crate) struct EditAttr<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password2: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<Mib>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<i64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
}

fn checked(write: Write, password: &SecretString) -> Result<&str, Error> {
    match password.expose_secret() {
        "" => Err(invalid(write, "the password is empty")),
        password => Ok(password),
    }
}

fn invalid(write: Write, reason: &str) -> Error {
    Error::InvalidInput { operation: write.route, reason: reason.to_owned() }
}

fn sorted(protocols: impl IntoIterator<Item = Protocol>) -> Vec<Protocol> {
    let mut protocols: Vec<_> = protocols.into_iter().collect();
    protocols.sort();
    protocols.dedup();
    protocols
}

const GET: Read = Read("get/mailbox");
const ADD: Write = Write { route: "add/mailbox", success: "mailbox_added" };
pub(crate) const EDIT: Write = Write { route: "edit/mailbox", success: "mailbox_modified" };
pub(crate) const DELETE: Write = Write { route: "delete/mailbox", success: "mailbox_removed" };
