//! Recipient maps: addresses that are replaced by another before mail is delivered.

use serde::{Deserialize, Serialize};

use crate::{
    AliasAddress, Client, Error, MailboxAddress,
    client::{EditItems, Read, Write},
    flag::Flag,
    ids::number_id,
    input, loose,
};

number_id!(
    /// The number by which Mailcow knows a recipient map.
    RecipientMapId,
    "the id of a recipient map"
);

/// A recipient map to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecipientMap {
    from: AliasAddress,
    to: MailboxAddress,
    active: bool,
}

impl NewRecipientMap {
    /// Builds an active map from an address or a whole `@domain` to an address.
    pub fn new(from: AliasAddress, to: MailboxAddress) -> Self {
        Self { from, to, active: true }
    }

    /// Sets whether it is used at all, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }
}

/// What to change on a recipient map; what is not set is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecipientMapChange {
    #[serde(rename = "recipient_map_old", skip_serializing_if = "Option::is_none")]
    from: Option<AliasAddress>,
    #[serde(rename = "recipient_map_new", skip_serializing_if = "Option::is_none")]
    to: Option<MailboxAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Flag>,
}

impl RecipientMapChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets which address or `@domain` is replaced.
    pub fn with_from(mut self, from: AliasAddress) -> Self {
        self.from = Some(from);
        self
    }

    /// Sets the address that is used instead.
    pub fn with_to(mut self, to: MailboxAddress) -> Self {
        self.to = Some(to);
        self
    }

    /// Sets whether it is used at all.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(Flag(active));
        self
    }
}

/// A recipient map as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct RecipientMap {
    /// The id.
    pub id: RecipientMapId,
    /// The address or `@domain` that is replaced.
    #[serde(rename = "recipient_map_old")]
    pub from: String,
    /// The address that is used instead.
    #[serde(rename = "recipient_map_new")]
    pub to: String,
    /// Whether it is used at all.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
}

impl Client {
    /// Returns all recipient maps (`get/recipient_map/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn recipient_maps(&self) -> Result<Vec<RecipientMap>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns a recipient map, `None` if there is none of that id (`get/recipient_map/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_recipient_map(&self, id: RecipientMapId) -> Result<Option<RecipientMap>, Error> {
        self.read(GET, [id.to_string().as_str()]).await
    }

    /// Creates a recipient map (`add/recipient_map`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `recipient_map_entry_exists` if the address is replaced already.
    pub async fn add_recipient_map(&self, new: &NewRecipientMap) -> Result<(), Error> {
        let body =
            AddBody { recipient_map_old: &new.from, recipient_map_new: &new.to, active: Flag(new.active) };
        self.write(ADD, new.from.as_str(), &body).await
    }

    /// Changes a recipient map (`edit/recipient_map`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that id.
    pub async fn edit_recipient_map(
        &self,
        id: RecipientMapId,
        change: &RecipientMapChange,
    ) -> Result<(), Error> {
        input::change(EDIT.route, change)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: change }).await
    }

    /// Deletes a recipient map (`delete/recipient_map`). Deleting none succeeds too.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_recipient_map(&self, id: RecipientMapId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }

    /// Deletes several recipient maps (`delete/recipient_map`). Those that do not exist count as deleted.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirms each one.
    pub async fn delete_recipient_maps(&self, items: &[RecipientMapId]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    recipient_map_old: &'a AliasAddress,
    recipient_map_new: &'a MailboxAddress,
    active: Flag,
}

const LIST: Read = Read("get/recipient_map/all");
const GET: Read = Read("get/recipient_map");
const ADD: Write = Write { route: "add/recipient_map", success: "recipient_map_entry_saved" };
const EDIT: Write = Write { route: "edit/recipient_map", success: "recipient_map_entry_saved" };
const DELETE: Write = Write { route: "delete/recipient_map", success: "recipient_map_entry_deleted" };
