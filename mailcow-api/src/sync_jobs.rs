//! Sync jobs: foreign IMAP mailboxes that Mailcow copies (imapsync).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Client, Error, MailboxAddress, NewSyncJob, SyncJobChange,
    client::{EditItems, Read, Write},
    ids::number_id,
    input, loose,
};

number_id!(
    /// The number by which Mailcow knows a sync job.
    SyncJobId,
    "the id of a sync job"
);

/// How the connection to the foreign server is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SyncEncryption {
    /// TLS from the first byte, mostly at port 993.
    Tls,
    /// STARTTLS, mostly at port 143.
    StartTls,
    /// Not at all.
    Plain,
    /// A way this crate does not know.
    Other(String),
}

impl SyncEncryption {
    /// Returns the word Mailcow uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tls => "SSL",
            Self::StartTls => "TLS",
            Self::Plain => "PLAIN",
            Self::Other(way) => way,
        }
    }
}

impl<'de> Deserialize<'de> for SyncEncryption {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match loose::text(deserializer)?.as_str() {
            "SSL" => Self::Tls,
            "TLS" => Self::StartTls,
            "PLAIN" => Self::Plain,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl Serialize for SyncEncryption {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A sync job as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
#[allow(clippy::struct_excessive_bools, reason = "they are the switches of imapsync")]
pub struct SyncJob {
    /// The id.
    pub id: SyncJobId,
    /// The address of the mailbox that is filled.
    #[serde(rename = "user2")]
    pub mailbox: String,
    /// The foreign server.
    #[serde(rename = "host1", deserialize_with = "loose::text")]
    pub host: String,
    /// Its port.
    #[serde(rename = "port1", deserialize_with = "loose::int")]
    pub port: i64,
    /// The user name there.
    #[serde(rename = "user1", deserialize_with = "loose::text")]
    pub user: String,
    /// How the connection is encrypted.
    #[serde(rename = "enc1")]
    pub encryption: SyncEncryption,
    /// How often it runs, in minutes.
    #[serde(rename = "mins_interval", deserialize_with = "loose::int")]
    pub interval_minutes: i64,
    /// The folder into which all is put, empty for the same folders as there.
    #[serde(default, rename = "subfolder2", deserialize_with = "loose::text")]
    pub subfolder: String,
    /// How old a message may be, in days; 0 for any age.
    #[serde(default, rename = "maxage", deserialize_with = "loose::int")]
    pub max_age_days: i64,
    /// How fast it may be, in bytes per second; 0 for no limit.
    #[serde(default, rename = "maxbytespersecond", deserialize_with = "loose::int")]
    pub max_bytes_per_second: i64,
    /// Which folders are left out, a regular expression.
    #[serde(default, deserialize_with = "loose::text")]
    pub exclude: String,
    /// Further options of imapsync.
    #[serde(default, rename = "custom_params", deserialize_with = "loose::text")]
    pub custom_options: String,
    /// How long the foreign server may be silent, in seconds.
    #[serde(default, rename = "timeout1", deserialize_with = "loose::int")]
    pub timeout_seconds: i64,
    /// How long Mailcow itself may be silent, in seconds.
    #[serde(default, rename = "timeout2", deserialize_with = "loose::int")]
    pub own_timeout_seconds: i64,
    /// Whether messages that are there twice are deleted here.
    #[serde(default, rename = "delete2duplicates", deserialize_with = "loose::flag")]
    pub delete_duplicates: bool,
    /// Whether messages are deleted there once they are copied.
    #[serde(default, rename = "delete1", deserialize_with = "loose::flag")]
    pub delete_there: bool,
    /// Whether messages are deleted here that are no longer there.
    #[serde(default, rename = "delete2", deserialize_with = "loose::flag")]
    pub delete_here: bool,
    /// Whether folders like *Sent* are matched by their purpose.
    #[serde(default, deserialize_with = "loose::flag")]
    pub automap: bool,
    /// Whether a message in several folders is copied only once.
    #[serde(default, rename = "skipcrossduplicates", deserialize_with = "loose::flag")]
    pub skip_cross_duplicates: bool,
    /// Whether all folders are subscribed.
    #[serde(default, rename = "subscribeall", deserialize_with = "loose::flag")]
    pub subscribe_all: bool,
    /// Whether it only pretends.
    #[serde(default, deserialize_with = "loose::flag")]
    pub dry: bool,
    /// Whether it runs at its times.
    #[serde(deserialize_with = "loose::flag")]
    pub active: bool,
    /// Whether it runs right now.
    #[serde(default, deserialize_with = "loose::flag")]
    pub is_running: bool,
    /// When it ran last, in the local time of the server without a zone; empty before the first time.
    #[serde(default, deserialize_with = "loose::text")]
    pub last_run: String,
    /// Whether the last run went well, `None` before the first time.
    #[serde(default, rename = "success", deserialize_with = "flag_if_any")]
    pub last_success: Option<bool>,
    /// How the last run ended, in the words of imapsync; empty before the first time.
    #[serde(default, deserialize_with = "loose::text")]
    pub exit_status: String,
    /// The log of the last run, empty if it was not asked for.
    #[serde(default, deserialize_with = "loose::text")]
    pub log: String,
}

impl Client {
    /// Returns the sync jobs of all mailboxes without their logs (`get/syncjobs/all/no_log`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn sync_jobs(&self) -> Result<Vec<SyncJob>, Error> {
        Ok(self.read(ALL_WITHOUT_LOG, None).await?.unwrap_or_default())
    }

    /// Returns the sync jobs of all mailboxes with the log of their last run (`get/syncjobs/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn sync_jobs_with_logs(&self) -> Result<Vec<SyncJob>, Error> {
        Ok(self.read(ALL, None).await?.unwrap_or_default())
    }

    /// Returns the sync jobs of a mailbox without their logs, none if it does not exist
    /// (`get/syncjobs/{address}/no_log`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailbox_sync_jobs(&self, mailbox: &MailboxAddress) -> Result<Vec<SyncJob>, Error> {
        Ok(self.read(OF_MAILBOX, [mailbox.as_str(), NO_LOG]).await?.unwrap_or_default())
    }

    /// Returns the sync jobs of a mailbox with the log of their last run, none if it does not exist
    /// (`get/syncjobs/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailbox_sync_jobs_with_logs(&self, mailbox: &MailboxAddress) -> Result<Vec<SyncJob>, Error> {
        Ok(self.read(OF_MAILBOX, Some(mailbox.as_str())).await?.unwrap_or_default())
    }

    /// Creates a sync job (`add/syncjob`). Mailcow does not return its id.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `object_exists` if the mailbox has one for that user at that host, with
    /// `access_denied` (no such mailbox, or a bad value), or with a text about the custom options.
    pub async fn add_sync_job(&self, new: &NewSyncJob) -> Result<(), Error> {
        self.write(ADD, new.mailbox().as_str(), &new.body(ADD.route)?).await
    }

    /// Changes a sync job (`edit/syncjob`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` (no such job, or a bad value), and [`Error::InvalidInput`] for
    /// a change of nothing.
    pub async fn edit_sync_job(&self, id: SyncJobId, change: &SyncJobChange) -> Result<(), Error> {
        let attr = change.attributes(EDIT.route)?;
        input::change(EDIT.route, &attr)?;
        self.write(EDIT, &id.to_string(), &EditItems { items: &[id], attr: &attr }).await
    }

    /// Deletes sync jobs, not the messages they copied (`delete/syncjob`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`], with `access_denied` for an id that does not exist, and [`Error::InvalidInput`] for an
    /// empty list.
    pub async fn delete_sync_jobs(&self, ids: &[SyncJobId]) -> Result<(), Error> {
        self.delete_items(DELETE, ids).await
    }
}

fn flag_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Ok(loose::int_if_any(deserializer)?.map(|value| value != 0))
}

const ALL: Read = Read("get/syncjobs/all");
const ALL_WITHOUT_LOG: Read = Read("get/syncjobs/all/no_log");
const OF_MAILBOX: Read = Read("get/syncjobs");
const ADD: Write = Write { route: "add/syncjob", success: "mailbox_modified" };
const EDIT: Write = Write { route: "edit/syncjob", success: "mailbox_modified" };
const DELETE: Write = Write { route: "delete/syncjob", success: "deleted_syncjob" };
const NO_LOG: &str = "no_log";
