//! BCC maps: silent copies of what a mailbox or domain sends or receives.

use serde::{Deserialize, Serialize};

use crate::{
    AliasAddress, Client, Error, MailboxAddress,
    client::{EditItems, Read, Write},
    flag::Flag,
    ids::number_id,
    input, loose,
    words::word_enum,
};

number_id!(
    /// The number by which Mailcow knows a BCC map.
    BccMapId,
    "the id of a bcc map"
);

word_enum!(
    /// Which mail is copied.
    BccKind {
        /// What is sent.
        Sent = "sender",
        /// What is received.
        Received = "rcpt",
    }
);

/// A BCC map to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBccMap {
    local: AliasAddress,
    copy_to: MailboxAddress,
    kind: BccKind,
    active: bool,
}

impl NewBccMap {
    /// Builds an active map of the mail of `local`, a mailbox or a whole `@domain`.
    pub fn new(local: AliasAddress, copy_to: MailboxAddress, kind: BccKind) -> Self {
        Self { local, copy_to, kind, active: true }
    }

    /// Sets whether it copies at all, true by default.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }
}

/// What to change on a BCC map; what is not set is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BccMapChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    bcc_dest: Option<MailboxAddress>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<BccKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Flag>,
}

impl BccMapChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets who gets the copies.
    pub fn with_copy_to(mut self, copy_to: MailboxAddress) -> Self {
        self.bcc_dest = Some(copy_to);
        self
    }

    /// Sets which mail is copied.
    pub fn with_kind(mut self, kind: BccKind) -> Self {
        self.r#type = Some(kind);
        self
    }

    /// Sets whether it copies at all.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(Flag(active));
        self
    }
}

/// A BCC map as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct BccMap {
    /// The id.
    pub id: BccMapId,
    /// Whose mail is copied, a mailbox or `@domain`.
    #[serde(rename = "local_dest")]
    pub local: String,
    /// Who gets the copies.
    #[serde(rename = "bcc_dest")]
    pub copy_to: String,
    /// Which mail is copied.
    #[serde(rename = "type")]
    pub kind: BccKind,
    /// The domain of the mailbox.
    #[serde(default, deserialize_with = "loose::text")]
    pub domain: String,
    /// Whether it copies at all.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
}

impl Client {
    /// Returns all BCC maps (`get/bcc/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn bcc_maps(&self) -> Result<Vec<BccMap>, Error> {
        Ok(self.read(LIST, None).await?.unwrap_or_default())
    }

    /// Returns a BCC map, `None` if there is none of that id (`get/bcc/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_bcc_map(&self, id: BccMapId) -> Result<Option<BccMap>, Error> {
        self.read(GET, [id.to_string().as_str()]).await
    }

    /// Creates a BCC map (`add/bcc`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `bcc_exists`, `bcc_must_be_email`, `invalid_bcc_map_type` and
    /// `access_denied` (no such mailbox or domain).
    pub async fn add_bcc_map(&self, new: &NewBccMap) -> Result<(), Error> {
        let local = new.local.as_str();
        let body = AddBody {
            // A domain is named plainly here.
            local_dest: local.strip_prefix('@').unwrap_or(local),
            bcc_dest: &new.copy_to,
            r#type: &new.kind,
            active: Flag(new.active),
        };
        self.write(ADD, local, &body).await
    }

    /// Changes a BCC map (`edit/bcc`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that id.
    pub async fn edit_bcc_map(&self, id: BccMapId, change: &BccMapChange) -> Result<(), Error> {
        input::change(EDIT.route, change)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: change }).await
    }

    /// Deletes a BCC map (`delete/bcc`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that id.
    pub async fn delete_bcc_map(&self, id: BccMapId) -> Result<(), Error> {
        self.write(DELETE, &id.to_string(), &[id]).await
    }

    /// Deletes several BCC maps (`delete/bcc`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless each one was deleted.
    pub async fn delete_bcc_maps(&self, items: &[BccMapId]) -> Result<(), Error> {
        self.delete_items(DELETE, items).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    local_dest: &'a str,
    bcc_dest: &'a MailboxAddress,
    r#type: &'a BccKind,
    active: Flag,
}

const LIST: Read = Read("get/bcc/all");
const GET: Read = Read("get/bcc");
const ADD: Write = Write { route: "add/bcc", success: "bcc_saved" };
const EDIT: Write = Write { route: "edit/bcc", success: "bcc_edited" };
const DELETE: Write = Write { route: "delete/bcc", success: "bcc_deleted" };
