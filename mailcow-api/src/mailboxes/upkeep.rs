//! What is known of the use of a mailbox, and what can be reset.

use serde::{Deserialize, Deserializer};

use crate::{
    Client, Error, MailboxAddress,
    client::{PlainTrue, Read, Write},
    loose,
};

/// The last logins of a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct LastLogins {
    /// The last one at the web page.
    #[serde(default, rename = "ui", deserialize_with = "loose::object_if_any")]
    pub web: Option<WebLogin>,
    /// Those of mail programs, one per protocol, address and app password.
    #[serde(default)]
    pub sasl: Vec<SaslLogin>,
}

/// A login at the web page.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct WebLogin {
    /// The IP address it came from.
    #[serde(default, deserialize_with = "loose::text")]
    pub remote: String,
    /// When it was, in seconds of Unix time.
    #[serde(default, deserialize_with = "loose::int")]
    pub time: i64,
}

/// A login of a mail program.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SaslLogin {
    /// The protocol, as `imap`.
    #[serde(default, deserialize_with = "loose::text")]
    pub service: String,
    /// The IP address it came from.
    #[serde(default, rename = "real_rip", deserialize_with = "loose::text")]
    pub remote: String,
    /// When it was, in the local time of the server without a zone.
    #[serde(default, rename = "datetime", deserialize_with = "loose::text")]
    pub time: String,
    /// The number of the app password, `None` for that of the mailbox itself.
    #[serde(default, deserialize_with = "id")]
    pub app_password: Option<i64>,
}

impl Client {
    /// Returns the last logins of a mailbox, those of so many days (`get/last-login/{address}/{days}`) or of as many as
    /// the web page shows (`get/last-login/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn last_logins(
        &self,
        address: &MailboxAddress,
        days: Option<u32>,
    ) -> Result<LastLogins, Error> {
        let days = days.map(|days| days.to_string());
        let segments: Vec<_> = [Some(address.as_str()), days.as_deref()].into_iter().flatten().collect();
        Ok(self.read(LAST_LOGIN, segments.as_slice()).await?.unwrap_or_default())
    }

    /// Forgets the last logins of a mailbox (`get/reset-last-login/{address}`). Safe to repeat. Mailcow lets even a
    /// read-only key do it.
    ///
    /// # Errors
    /// Returns [`Error::Unknown`] if the server does not confirm it.
    pub async fn reset_last_logins(&self, address: &MailboxAddress) -> Result<(), Error> {
        self.write_by_get(RESET_LAST_LOGIN, [address.as_str()]).await
    }

    /// Returns the sieve script that a mailbox has set active by itself, `None` if there is none
    /// (`get/active-user-sieve/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn active_user_sieve(&self, address: &MailboxAddress) -> Result<Option<String>, Error> {
        let scripts: Option<Vec<String>> = self.read(SIEVE, [address.as_str()]).await?;
        Ok(scripts.and_then(|scripts| scripts.into_iter().next()))
    }

    /// Empties the cache of `ActiveSync` of some mailboxes, so that phones fetch all again (`delete/eas_cache`). Safe
    /// to repeat.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirms each one.
    pub async fn reset_eas_cache(&self, addresses: &[MailboxAddress]) -> Result<(), Error> {
        self.delete_items(EAS, addresses).await
    }

    /// Removes the profiles that some mailboxes have in the web mail (`delete/sogo_profile`), calendars and contacts
    /// too.
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`] unless the server confirms each one.
    pub async fn reset_webmail_profiles(&self, addresses: &[MailboxAddress]) -> Result<(), Error> {
        self.delete_items(SOGO, addresses).await
    }
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    loose::int_if_any(deserializer).map(|id| id.filter(|id| *id != 0))
}

const LAST_LOGIN: Read = Read("get/last-login");
const RESET_LAST_LOGIN: Write<PlainTrue> = Write { route: "get/reset-last-login", success: PlainTrue };
const SIEVE: Read = Read("get/active-user-sieve");
const EAS: Write = Write { route: "delete/eas_cache", success: "eas_reset" };
const SOGO: Write = Write { route: "delete/sogo_profile", success: "sogo_profile_reset" };
