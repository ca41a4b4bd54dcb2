//! Alias domains: further names of a domain, under which all its addresses exist too.

mod ensure;

use serde::{Deserialize, Serialize};

use crate::{
    Client, DkimKeySpec, DomainName, Error, RateLimit,
    client::{EditItems, Read, Write},
    flag::Flag,
    input, loose,
};

/// An alias domain to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAliasDomain {
    name: DomainName,
    target: DomainName,
    active: bool,
    rate_limit: Option<RateLimit>,
    dkim: Option<DkimKeySpec>,
}

impl NewAliasDomain {
    /// Builds an active alias domain of `target`, without a DKIM key.
    pub fn new(name: DomainName, target: DomainName) -> Self {
        Self { name, target, active: true, rate_limit: None, dkim: None }
    }

    /// Sets whether it takes mail, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }

    /// Sets a sending limit.
    pub fn with_rate_limit(mut self, limit: RateLimit) -> Self {
        self.rate_limit = Some(limit);
        self
    }

    /// Makes a DKIM key together with it. It needs one of its own, that of the target does not count.
    pub fn with_dkim(mut self, spec: DkimKeySpec) -> Self {
        self.dkim = Some(spec);
        self
    }
}

/// What to change on an alias domain; what is not set is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AliasDomainChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Flag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_domain: Option<DomainName>,
}

impl AliasDomainChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether it takes mail.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(Flag(active));
        self
    }

    /// Sets which domain it is another name of.
    pub fn with_target(mut self, target: DomainName) -> Self {
        self.target_domain = Some(target);
        self
    }
}

/// An alias domain as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct AliasDomain {
    /// The name.
    #[serde(rename = "alias_domain")]
    pub name: String,
    /// The domain it is another name of.
    #[serde(rename = "target_domain")]
    pub target: String,
    /// Whether that domain only relays.
    #[serde(default, rename = "parent_is_backupmx", deserialize_with = "loose::flag")]
    pub target_is_backup_mx: bool,
    /// Whether it takes mail.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// Its sending limit.
    #[serde(default, rename = "rl", deserialize_with = "loose::object_if_any")]
    pub rate_limit: Option<RateLimit>,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
}

impl Client {
    /// Returns all alias domains (`get/alias-domain/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn alias_domains(&self) -> Result<Vec<AliasDomain>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns an alias domain, `None` if there is none of that name (`get/alias-domain/{domain}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_alias_domain(&self, name: &DomainName) -> Result<Option<AliasDomain>, Error> {
        self.read(GET, Some(name.as_str())).await
    }

    /// Creates an alias domain (`add/alias-domain`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `alias_domain_invalid` (the name is taken) and `access_denied`
    /// (no such target).
    pub async fn add_alias_domain(&self, new: &NewAliasDomain) -> Result<(), Error> {
        if new.name == new.target {
            return Err(invalid(ADD.route, "the domain is to be another name of itself"));
        }
        let body = AddBody {
            alias_domain: &new.name,
            target_domain: &new.target,
            active: Flag(new.active),
            rl_value: new.rate_limit.as_ref().map(|limit| limit.value.get()),
            rl_frame: new.rate_limit.as_ref().map(|limit| limit.frame.as_str()),
            key_size: new.dkim.as_ref().map(DkimKeySpec::bits),
            dkim_selector: new.dkim.as_ref().map(DkimKeySpec::selector),
        };
        let _turn = self.dkim_turn(&new.name).await;
        self.write(ADD, new.name.as_str(), &body).await
    }

    /// Changes an alias domain (`edit/alias-domain`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `alias_domain_invalid` if there is none of that name.
    pub async fn edit_alias_domain(
        &self,
        name: &DomainName,
        change: &AliasDomainChange,
    ) -> Result<(), Error> {
        input::change(EDIT.route, change)?;
        self.write(EDIT, name.as_str(), &EditItems { items: &[name], attr: change }).await
    }

    /// Deletes an alias domain with the aliases in it (`delete/alias-domain`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that name.
    pub async fn delete_alias_domain(&self, name: &DomainName) -> Result<(), Error> {
        self.write(DELETE, name.as_str(), &[name]).await
    }

    /// Deletes several alias domains (`delete/alias-domain`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless each one was deleted.
    pub async fn delete_alias_domains(&self, items: &[DomainName]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    alias_domain: &'a DomainName,
    target_domain: &'a DomainName,
    active: Flag,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_value: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rl_frame: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_size: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dkim_selector: Option<&'a str>,
}

fn invalid(operation: &'static str, reason: &str) -> Error {
    Error::InvalidInput { operation, reason: reason.to_owned() }
}

const LIST: Read = Read("get/alias-domain/all");
const GET: Read = Read("get/alias-domain");
const ADD: Write = Write { route: "add/alias-domain", success: "aliasd_added" };
const EDIT: Write = Write { route: "edit/alias-domain", success: "aliasd_modified" };
const DELETE: Write = Write { route: "delete/alias-domain", success: "alias_domain_removed" };
