//! The queue of messages that Postfix has not delivered yet.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Bytes, Client, Error,
    client::{EditItems, Read, Write},
    input, loose,
};

/// The id of a message in the mail queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(String);

impl QueueId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for QueueId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_id = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        // Postfix takes ALL for the whole queue.
        if !is_id || text.eq_ignore_ascii_case("all") {
            return Err(Error::InvalidInput {
                operation: "the id of a queued message",
                reason: "it is made of letters and digits".to_owned(),
            });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for QueueId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        loose::text(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for QueueId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// A message in the mail queue.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct QueuedMessage {
    /// Which part of the queue it is in: `active`, `deferred`, `hold`, `incoming`.
    #[serde(rename = "queue_name", deserialize_with = "loose::text")]
    pub queue: String,
    /// The id.
    #[serde(rename = "queue_id")]
    pub id: QueueId,
    /// When it came, in seconds since 1970.
    #[serde(rename = "arrival_time", deserialize_with = "loose::int")]
    pub arrived: i64,
    /// Its size.
    #[serde(rename = "message_size")]
    pub size: Bytes,
    /// The address of the sender, empty for a bounce.
    #[serde(deserialize_with = "loose::text")]
    pub sender: String,
    /// The recipients, each with the reason for the delay in brackets behind it.
    #[serde(default, deserialize_with = "loose::texts")]
    pub recipients: Vec<String>,
}

impl Client {
    /// Returns the messages in the mail queue, at most 10 000 (`get/mailq/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mail_queue(&self) -> Result<Vec<QueuedMessage>, Error> {
        Ok(self.read(ALL, None).await?.unwrap_or_default())
    }

    /// Returns a message in the queue with its envelope, as `postcat` prints it; `None` if it is gone
    /// (`get/postcat/{id}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn queued_message(&self, id: &QueueId) -> Result<Option<String>, Error> {
        self.read_text(TEXT, Some(id.as_str())).await
    }

    /// Keeps messages in the queue until they are released (`edit/mailq`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn hold_queued(&self, ids: &[QueueId]) -> Result<(), Error> {
        self.treat_queued(ids, "hold").await
    }

    /// Releases messages that are held (`edit/mailq`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn release_queued(&self, ids: &[QueueId]) -> Result<(), Error> {
        self.treat_queued(ids, "unhold").await
    }

    /// Tries to deliver messages now (`edit/mailq`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn deliver_queued(&self, ids: &[QueueId]) -> Result<(), Error> {
        self.treat_queued(ids, "deliver").await
    }

    /// Tries to deliver all messages now (`edit/mailq`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn flush_mail_queue(&self) -> Result<(), Error> {
        self.treat_all_queued("flush").await
    }

    /// Deletes messages in the queue (`delete/mailq`). Mailcow confirms the call as a whole, also for an id that is
    /// gone.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it, and [`Error::InvalidInput`] for an empty list.
    pub async fn delete_queued(&self, ids: &[QueueId]) -> Result<(), Error> {
        input::some(DELETE.route, ids)?;
        self.write(DELETE, &about(ids), &ids).await
    }

    /// Deletes **all** messages in the queue (`edit/mailq`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the server does not confirm it.
    pub async fn delete_mail_queue(&self) -> Result<(), Error> {
        self.treat_all_queued("super_delete").await
    }

    async fn treat_queued(&self, ids: &[QueueId], action: &str) -> Result<(), Error> {
        input::some(EDIT.route, ids)?;
        self.write(EDIT, &about(ids), &EditItems { items: ids, attr: &Attr { action } }).await
    }

    async fn treat_all_queued(&self, action: &str) -> Result<(), Error> {
        // Mailcow does nothing, and says "Task completed", without an item.
        self.write(EDIT, "the mail queue", &EditItems { items: &["x"], attr: &Attr { action } }).await
    }
}

#[derive(Serialize)]
struct Attr<'a> {
    action: &'a str,
}

fn about(ids: &[QueueId]) -> String {
    match ids {
        [id] => id.to_string(),
        ids => format!("{} messages", ids.len()),
    }
}

const ALL: Read = Read("get/mailq/all");
const TEXT: Read = Read("get/postcat");
const EDIT: Write = Write { route: "edit/mailq", success: "queue_command_success" };
const DELETE: Write = Write { route: "delete/mailq", success: "queue_command_success" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_no_ids_are_refused() {
        for bad in ["", "super delete", "a/b", "../x", "ALL", "a,b"] {
            assert!(bad.parse::<QueueId>().is_err(), "{bad:?} was accepted");
        }
        assert_eq!("4fGx2k5zBQz1N".parse::<QueueId>().unwrap().as_str(), "4fGx2k5zBQz1N");
    }
}
