//! Temporary aliases: generated addresses of a mailbox that expire.

use serde::{Deserialize, Serialize};

use crate::{
    Client, DomainName, Error, MailboxAddress,
    client::{EditItems, Read, Write},
    flag::Flag,
    input, loose,
};

/// A temporary alias to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewTemporaryAlias {
    username: MailboxAddress,
    domain: DomainName,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permanent: Option<Flag>,
}

impl NewTemporaryAlias {
    /// Builds an alias of `mailbox` in its own domain that is good for a year.
    pub fn new(mailbox: MailboxAddress) -> Self {
        let domain = mailbox.domain().clone();
        Self { username: mailbox, domain, description: None, validity: None, permanent: None }
    }

    /// Sets the domain, an alias domain of that of the mailbox.
    pub fn with_domain(mut self, domain: DomainName) -> Self {
        self.domain = domain;
        self
    }

    /// Sets the description. Choose a unique one: it is all by which the new address can be found.
    pub fn with_description(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// Sets for how many hours it is good, 1 to 87600.
    pub fn with_hours(mut self, hours: u32) -> Self {
        self.validity = Some(hours);
        self
    }

    /// Lets it never expire.
    pub fn with_no_expiry(mut self) -> Self {
        self.permanent = Some(Flag(true));
        self
    }
}

/// A temporary alias as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct TemporaryAlias {
    /// The generated address.
    pub address: String,
    /// The mailbox it leads to.
    #[serde(rename = "goto")]
    pub mailbox: String,
    /// The description.
    #[serde(default, deserialize_with = "loose::text")]
    pub description: String,
    /// When it expires, in seconds of Unix time, unless it is permanent.
    #[serde(rename = "validity", deserialize_with = "loose::int")]
    pub expires: i64,
    /// Whether it never expires.
    #[serde(default, deserialize_with = "loose::flag")]
    pub permanent: bool,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
}

impl Client {
    /// Returns the temporary aliases of a mailbox, none if it does not exist (`get/time_limited_aliases/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn temporary_aliases(&self, mailbox: &MailboxAddress) -> Result<Vec<TemporaryAlias>, Error> {
        Ok(self.read(LIST, Some(mailbox.as_str())).await?.unwrap_or_default())
    }

    /// Creates a temporary alias (`add/time_limited_alias`). **Not** safe to repeat: a second one is made.
    ///
    /// The server does not say which address it made: read the list and look for the description.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `access_denied` (no such mailbox) and `domain_invalid` (not a
    /// domain of the mailbox), and [`Error::InvalidInput`] for hours out of range.
    pub async fn add_temporary_alias(&self, new: &NewTemporaryAlias) -> Result<(), Error> {
        input::optional_line(ADD.route, "description", new.description.as_deref().unwrap_or_default())?;
        check_hours(ADD.route, new.validity)?;
        self.write(ADD, new.username.as_str(), new).await
    }

    /// Lets a temporary alias expire in so many hours from now, 1 to 87600 (`edit/time_limited_alias`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such alias.
    pub async fn extend_temporary_alias(&self, alias: &MailboxAddress, hours: u32) -> Result<(), Error> {
        check_hours(EDIT.route, Some(hours))?;
        let attr = EditAttr { validity: Some(hours), permanent: None };
        self.write(EDIT, alias.as_str(), &EditItems { items: &[alias], attr: &attr }).await
    }

    /// Sets whether a temporary alias never expires (`edit/time_limited_alias`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such alias.
    pub async fn set_temporary_alias_permanent(
        &self,
        alias: &MailboxAddress,
        permanent: bool,
    ) -> Result<(), Error> {
        let attr = EditAttr { validity: None, permanent: Some(Flag(permanent)) };
        self.write(EDIT, alias.as_str(), &EditItems { items: &[alias], attr: &attr }).await
    }

    /// Deletes a temporary alias (`delete/time_limited_alias`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such alias.
    pub async fn delete_temporary_alias(&self, alias: &MailboxAddress) -> Result<(), Error> {
        self.write(DELETE, alias.as_str(), &[alias]).await
    }

    /// Deletes several temporary aliases (`delete/time_limited_alias`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless each one was deleted.
    pub async fn delete_temporary_aliases(&self, items: &[MailboxAddress]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

#[derive(Serialize)]
struct EditAttr {
    #[serde(skip_serializing_if = "Option::is_none")]
    validity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permanent: Option<Flag>,
}

fn check_hours(operation: &'static str, hours: Option<u32>) -> Result<(), Error> {
    if hours.is_some_and(|hours| !(1..=87_600).contains(&hours)) {
        return Err(invalid(operation, "it is good for 1 to 87600 hours"));
    }
    Ok(())
}

fn invalid(operation: &'static str, reason: &str) -> Error {
    Error::InvalidInput { operation, reason: reason.to_owned() }
}

const LIST: Read = Read("get/time_limited_aliases");
const ADD: Write = Write { route: "add/time_limited_alias", success: "mailbox_modified" };
const EDIT: Write = Write { route: "edit/time_limited_alias", success: "mailbox_modified" };
const DELETE: Write = Write { route: "delete/time_limited_alias", success: "mailbox_modified" };
