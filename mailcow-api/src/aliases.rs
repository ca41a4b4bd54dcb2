//! Aliases: addresses whose mail goes elsewhere, catch-alls among them.

mod ensure;
mod request;

use serde::Deserialize;

use crate::{
    Client, DomainName, Error,
    client::{EditItems, Read, Write},
    ids::number_id,
    loose,
};

pub use self::request::{AliasAddress, AliasChange, AliasTarget, NewAlias};

number_id!(
    /// The number by which Mailcow knows an alias.
    AliasId,
    "the id of an alias"
);

/// An alias as the server shows it.
#[allow(clippy::struct_excessive_bools, reason = "they are the switches of the server")]
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Alias {
    /// The id.
    pub id: AliasId,
    /// The address; that of a catch-all begins with `@`.
    pub address: String,
    /// The domain it is in.
    #[serde(default, deserialize_with = "loose::text")]
    pub domain: String,
    /// The domain that counts, if `domain` is an alias domain of it; else empty.
    #[serde(default, rename = "in_primary_domain", deserialize_with = "loose::text")]
    pub primary_domain: String,
    /// Where its mail goes, as `null@localhost` if it is discarded.
    #[serde(default, rename = "goto", deserialize_with = "loose::list")]
    pub targets: Vec<String>,
    /// Whether it stands for a whole domain.
    #[serde(default, rename = "is_catch_all", deserialize_with = "loose::flag")]
    pub catch_all: bool,
    /// Whether it takes mail.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// Whether only users of this server may write to it.
    #[serde(default, deserialize_with = "loose::flag")]
    pub internal: bool,
    /// Whether web mail shows it.
    #[serde(default, rename = "sogo_visible", deserialize_with = "loose::flag")]
    pub webmail_visible: bool,
    /// Whether its targets may send from it.
    #[serde(default, deserialize_with = "loose::flag")]
    pub sender_allowed: bool,
    /// What the users see; empty if there is none.
    #[serde(default, deserialize_with = "loose::text")]
    pub public_comment: String,
    /// What only administrators see; empty if there is none.
    #[serde(default, deserialize_with = "loose::text")]
    pub private_comment: String,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
}

impl Client {
    /// Returns all aliases of the server (`get/alias/all`), without those that each mailbox has for itself.
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn aliases(&self) -> Result<Vec<Alias>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns the aliases of a domain or alias domain, none if there is none of that name
    /// (`get/alias/all/{domain}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn aliases_of(&self, domain: &DomainName) -> Result<Vec<Alias>, Error> {
        Ok(self.read(LIST, Some(domain.as_str())).await?.unwrap_or_default())
    }

    /// Returns the alias of an address, `None` if there is none or the address is that of a mailbox
    /// (`get/alias/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_alias(&self, address: &AliasAddress) -> Result<Option<Alias>, Error> {
        let found: Option<Alias> = self.read(GET, Some(address.as_str())).await?;
        Ok(found.filter(|alias| alias.address.eq_ignore_ascii_case(address.as_str())))
    }

    /// Returns the alias of an id, `None` if there is none (`get/alias/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_alias_by_id(&self, id: AliasId) -> Result<Option<Alias>, Error> {
        self.read(GET, [id.to_string().as_str()]).await
    }

    /// Creates an alias (`add/alias`).
    ///
    /// Look first whether it is there: with thousands of mailboxes a refused create was measured to take two seconds.
    ///
    /// ```
    /// use mailcow_api::{AliasAddress, FakeMailcow, NewAlias, NewDomain};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// let domain = "agents.example.com".parse()?;
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// let everything = AliasAddress::catch_all(&domain);
    /// let hub: mailcow_api::MailboxAddress = "hub@agents.example.com".parse()?;
    /// client.add_alias(&NewAlias::new(everything.clone(), hub)).await?;
    /// let alias = client.get_alias(&everything).await?.expect("it was just created");
    /// assert!(alias.catch_all && alias.active);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `is_alias_or_mailbox` (the address is taken) and
    /// `domain_not_found`.
    pub async fn add_alias(&self, new: &NewAlias) -> Result<(), Error> {
        let body = new.body(ADD.route)?;
        self.write(ADD, new.address().as_str(), &body).await
    }

    /// Changes an alias (`edit/alias`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `alias_invalid` (no such alias), `is_alias_or_mailbox` and
    /// `goto_invalid`; the last as [`Error::Partial`] where Mailcow calls the alias changed although it is not.
    pub async fn edit_alias(&self, id: AliasId, change: &AliasChange) -> Result<(), Error> {
        let attr = change.body(EDIT.route)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: &attr }).await
    }

    /// Changes several aliases alike (`edit/alias`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirms each one. Its answer names addresses, not ids.
    pub async fn edit_aliases(&self, items: &[AliasId], change: &AliasChange) -> Result<(), Error> {
        self.edit_items(EDIT, items, &change.body(EDIT.route)?).await
    }

    /// Deletes an alias (`delete/alias`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that id.
    pub async fn delete_alias(&self, id: AliasId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }

    /// Deletes several aliases (`delete/alias`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless each one was deleted.
    pub async fn delete_aliases(&self, items: &[AliasId]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

const LIST: Read = Read("get/alias/all");
const GET: Read = Read("get/alias");
const ADD: Write = Write { route: "add/alias", success: "alias_added" };
const EDIT: Write = Write { route: "edit/alias", success: "alias_modified" };
const DELETE: Write = Write { route: "delete/alias", success: "alias_removed" };
