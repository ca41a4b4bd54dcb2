//! The quarantine: mail that the spam filter holds back.

use serde::{Deserialize, Serialize};

use crate::{
    Client, Error, QuarantineSettings,
    client::{EditItems, Read, Write},
    ids::number_id,
    loose,
};

number_id!(
    /// The number by which Mailcow knows a message in the quarantine.
    QuarantineId,
    "the id of a message in the quarantine"
);

/// A message in the list of the quarantine.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct QuarantineItem {
    /// The id.
    pub id: QuarantineId,
    /// The id in the mail queue.
    #[serde(rename = "qid", deserialize_with = "loose::text")]
    pub queue_id: String,
    /// The subject.
    #[serde(deserialize_with = "loose::text")]
    pub subject: String,
    /// Whether a virus was found in it.
    #[serde(default, rename = "virus_flag", deserialize_with = "loose::flag")]
    pub has_virus: bool,
    /// How much it looks like spam.
    #[serde(deserialize_with = "loose::float")]
    pub score: f64,
    /// The address of the recipient.
    #[serde(rename = "rcpt", deserialize_with = "loose::text")]
    pub recipient: String,
    /// The address of the sender.
    #[serde(deserialize_with = "loose::text")]
    pub sender: String,
    /// What the filter did, as `reject`.
    #[serde(deserialize_with = "loose::text")]
    pub action: String,
    /// When it came, in seconds since 1970.
    #[serde(deserialize_with = "loose::int")]
    pub created: i64,
    /// Whether its recipient was told.
    #[serde(default, deserialize_with = "loose::flag")]
    pub notified: bool,
}

/// A message in the quarantine with its content. Its `Debug` shows no content.
#[derive(Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct QuarantinedMessage {
    /// The id.
    pub id: QuarantineId,
    /// The id in the mail queue.
    #[serde(rename = "qid", deserialize_with = "loose::text")]
    pub queue_id: String,
    /// The subject.
    #[serde(deserialize_with = "loose::text")]
    pub subject: String,
    /// How much it looks like spam.
    #[serde(deserialize_with = "loose::float")]
    pub score: f64,
    /// The address of the host that sent it.
    #[serde(default, deserialize_with = "loose::text")]
    pub ip: String,
    /// What the filter did, as `reject`.
    #[serde(deserialize_with = "loose::text")]
    pub action: String,
    /// Why the filter did so: JSON with the name and the score of each symbol.
    #[serde(default, deserialize_with = "loose::text")]
    pub symbols: String,
    /// The fuzzy hashes of its parts, as JSON.
    #[serde(default, deserialize_with = "loose::text")]
    pub fuzzy_hashes: String,
    /// The address of the sender.
    #[serde(deserialize_with = "loose::text")]
    pub sender: String,
    /// The address of the recipient.
    #[serde(rename = "rcpt", deserialize_with = "loose::text")]
    pub recipient: String,
    /// The whole message (RFC 5322).
    #[serde(rename = "msg", deserialize_with = "loose::text")]
    pub message: String,
    /// When it came, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
    /// Who sent it, if the sender had logged in; else `unknown`.
    #[serde(default, deserialize_with = "loose::text")]
    pub user: String,
    /// Whether its recipient was told.
    #[serde(default, deserialize_with = "loose::flag")]
    pub notified: bool,
}

impl std::fmt::Debug for QuarantinedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuarantinedMessage")
            .field("id", &self.id)
            .field("queue_id", &self.queue_id)
            .field("score", &self.score)
            .field("message_bytes", &self.message.len())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Returns all messages in the quarantine, without their content (`get/quarantine/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn quarantine(&self) -> Result<Vec<QuarantineItem>, Error> {
        Ok(self.read(ALL, None).await?.unwrap_or_default())
    }

    /// Returns one message in the quarantine, `None` if there is none of that id (`get/quarantine/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_quarantined(&self, id: QuarantineId) -> Result<Option<QuarantinedMessage>, Error> {
        self.read(GET, Some(id.to_string().as_str())).await
    }

    /// Delivers a message and takes it out of the quarantine (`edit/qitem`). **Not** safe to repeat after
    /// [`Error::Unknown`]: it may be delivered twice.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `release_send_failed` if Postfix does not take it and with `access_denied` if
    /// there is none of that id, and [`Error::Partial`] if it was delivered but not learned as ham.
    pub async fn release_quarantined(&self, id: QuarantineId) -> Result<(), Error> {
        self.treat(RELEASE, id, "release").await
    }

    /// Teaches the filter that a message is spam and deletes it (`edit/qitem`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `spam_learn_error` if Rspamd does not take it, and with `access_denied` if there
    /// is none of that id.
    pub async fn learn_quarantined_as_spam(&self, id: QuarantineId) -> Result<(), Error> {
        self.treat(LEARN_SPAM, id, "learnspam").await
    }

    /// Teaches the filter that a message is no spam, delivers it and takes it out of the quarantine (`edit/qitem`).
    /// **Not** safe to repeat after [`Error::Unknown`]: it may be delivered twice.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `ham_learn_error` if Rspamd does not take it, and with `access_denied` if there
    /// is none of that id.
    pub async fn learn_quarantined_as_ham(&self, id: QuarantineId) -> Result<(), Error> {
        self.treat(LEARN_HAM, id, "learnham").await
    }

    /// Deletes messages in the quarantine (`delete/qitem`). Deleting one that does not exist succeeds too.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] if the server does not confirm all, and [`Error::InvalidInput`] for an empty list.
    pub async fn delete_quarantined(&self, ids: &[QuarantineId]) -> Result<(), Error> {
        self.delete_items(DELETE, ids).await
    }

    /// Replaces all settings of the quarantine (`edit/quarantine`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn set_quarantine_settings(&self, settings: &QuarantineSettings) -> Result<(), Error> {
        let attr = settings.attributes(SETTINGS.route)?;
        self.write(SETTINGS, "the server", &SettingsBody { items: "none", attr }).await
    }

    async fn treat(&self, write: Write, id: QuarantineId, action: &str) -> Result<(), Error> {
        self.write(write, &id.to_string(), &EditItems { items: &[id], attr: &ItemAttr { action } }).await
    }
}

#[derive(Serialize)]
struct ItemAttr<'a> {
    action: &'a str,
}

#[derive(Serialize)]
struct SettingsBody<A> {
    items: &'static str,
    attr: A,
}

const ALL: Read = Read("get/quarantine/all");
const GET: Read = Read("get/quarantine");
const RELEASE: Write = Write { route: "edit/qitem", success: "item_released" };
const LEARN_SPAM: Write = Write { route: "edit/qitem", success: "qlearn_spam" };
const LEARN_HAM: Write = Write { route: "edit/qitem", success: "learned_ham" };
const DELETE: Write = Write { route: "delete/qitem", success: "item_deleted" };
const SETTINGS: Write = Write { route: "edit/quarantine", success: "saved_settings" };
