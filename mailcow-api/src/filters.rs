//! Sieve filters (RFC 5228) of mailboxes.

mod ensure;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Client, Error, MailboxAddress,
    client::{EditItems, Read, Write},
    ids::number_id,
    input, loose,
};

number_id!(
    /// The number by which Mailcow knows a sieve filter.
    FilterId,
    "the id of a sieve filter"
);

/// When a sieve filter runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FilterKind {
    /// Before the script that the user wrote.
    Before,
    /// After it.
    After,
    /// A kind this crate does not know.
    Other(String),
}

impl FilterKind {
    /// Returns the word Mailcow uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Before => "prefilter",
            Self::After => "postfilter",
            Self::Other(kind) => kind,
        }
    }

    pub(crate) fn check(&self, operation: &'static str) -> Result<(), Error> {
        match self {
            Self::Before | Self::After => Ok(()),
            Self::Other(_) => Err(Error::InvalidInput {
                operation,
                reason: "a filter runs either before or after that of the user".to_owned(),
            }),
        }
    }
}

impl<'de> Deserialize<'de> for FilterKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match loose::text(deserializer)?.as_str() {
            "prefilter" => Self::Before,
            "postfilter" => Self::After,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl Serialize for FilterKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A sieve filter to be created.
#[derive(Clone, Debug)]
pub struct NewFilter {
    mailbox: MailboxAddress,
    kind: FilterKind,
    description: String,
    script: String,
    active: bool,
}

impl NewFilter {
    /// Builds an active filter of `mailbox` with the sieve `script`.
    pub fn new(mailbox: MailboxAddress, kind: FilterKind, description: &str, script: &str) -> Self {
        let (description, script) = (description.to_owned(), script.to_owned());
        Self { mailbox, kind, description, script, active: true }
    }

    /// Sets whether it runs, true by default. At most one of each kind runs for a mailbox.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = active;
        self
    }
}

/// What to change on a sieve filter; what is not set is kept.
#[derive(Clone, Debug, Default)]
pub struct FilterChange {
    kind: Option<FilterKind>,
    description: Option<String>,
    script: Option<String>,
    active: Option<bool>,
}

impl FilterChange {
    /// Builds a change of nothing, to be filled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets when it runs.
    pub fn with_kind(mut self, kind: FilterKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Sets the description.
    pub fn with_description(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// Sets the sieve script.
    pub fn with_script(mut self, script: &str) -> Self {
        self.script = Some(script.to_owned());
        self
    }

    /// Sets whether it runs. Another active one of the same kind is turned off.
    pub fn with_active(mut self, active: bool) -> Self {
        self.active = Some(active);
        self
    }
}

/// A sieve filter as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Filter {
    /// The id.
    pub id: FilterId,
    /// The address of the mailbox.
    #[serde(rename = "username")]
    pub mailbox: String,
    /// When it runs.
    #[serde(rename = "filter_type")]
    pub kind: FilterKind,
    /// The description.
    #[serde(rename = "script_desc", deserialize_with = "loose::text")]
    pub description: String,
    /// The sieve script.
    #[serde(rename = "script_data", deserialize_with = "loose::text")]
    pub script: String,
    /// Whether it runs.
    #[serde(deserialize_with = "loose::flag")]
    pub active: bool,
}

impl Client {
    /// Returns the sieve filters of all mailboxes (`get/filters/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn filters(&self) -> Result<Vec<Filter>, Error> {
        Ok(self.read(ALL, None).await?.unwrap_or_default())
    }

    /// Returns the sieve filters of a mailbox, none if it does not exist (`get/filters/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailbox_filters(&self, mailbox: &MailboxAddress) -> Result<Vec<Filter>, Error> {
        Ok(self.read(LIST, Some(mailbox.as_str())).await?.unwrap_or_default())
    }

    /// Returns the sieve script that the user of a mailbox has activated by himself, `None` if there is none
    /// (`get/active-user-sieve/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn user_sieve(&self, mailbox: &MailboxAddress) -> Result<Option<String>, Error> {
        let scripts: Option<Vec<String>> = self.read(USER, Some(mailbox.as_str())).await?;
        Ok(scripts.unwrap_or_default().into_iter().next())
    }

    /// Creates a sieve filter (`add/filter`). **Not** safe to repeat: a second one is made, and an active one turns
    /// the others of its kind off.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `sieve_error` (and the words of the parser) or `access_denied` (no such
    /// mailbox).
    pub async fn add_filter(&self, new: &NewFilter) -> Result<(), Error> {
        new.kind.check(ADD.route)?;
        input::line(ADD.route, "description", &new.description)?;
        input::lines(ADD.route, "script", &new.script)?;
        let body = AddBody {
            username: &new.mailbox,
            filter_type: &new.kind,
            script_desc: &new.description,
            script_data: &new.script,
            active: u8::from(new.active),
        };
        self.write(ADD, new.mailbox.as_str(), &body).await
    }

    /// Changes a sieve filter (`edit/filter`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `sieve_error` or `access_denied` (no such filter), and
    /// [`Error::InvalidInput`] for a change of nothing.
    pub async fn edit_filter(&self, id: FilterId, change: &FilterChange) -> Result<(), Error> {
        if let Some(kind) = &change.kind {
            kind.check(EDIT.route)?;
        }
        if let Some(description) = &change.description {
            input::line(EDIT.route, "description", description)?;
        }
        if let Some(script) = &change.script {
            input::lines(EDIT.route, "script", script)?;
        }
        let attr = EditAttr {
            filter_type: change.kind.as_ref(),
            script_desc: change.description.as_deref(),
            script_data: change.script.as_deref(),
            active: change.active.map(u8::from),
        };
        input::change(EDIT.route, &attr)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: &attr }).await
    }

    /// Deletes sieve filters (`delete/filter`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`], with `access_denied` for an id that does not exist, and [`Error::InvalidInput`] for an
    /// empty list.
    pub async fn delete_filters(&self, ids: &[FilterId]) -> Result<(), Error> {
        self.delete_items(DELETE, ids).await
    }
}

#[derive(Serialize)]
struct AddBody<'a> {
    username: &'a MailboxAddress,
    filter_type: &'a FilterKind,
    script_desc: &'a str,
    script_data: &'a str,
    active: u8,
}

#[derive(Default, PartialEq, Serialize)]
struct EditAttr<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_type: Option<&'a FilterKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_desc: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    script_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<u8>,
}

const ALL: Read = Read("get/filters/all");
const LIST: Read = Read("get/filters");
const USER: Read = Read("get/active-user-sieve");
const ADD: Write = Write { route: "add/filter", success: "mailbox_modified" };
const EDIT: Write = Write { route: "edit/filter", success: "mailbox_modified" };
const DELETE: Write = Write { route: "delete/filter", success: "delete_filter" };
