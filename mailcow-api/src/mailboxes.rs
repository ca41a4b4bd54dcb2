//! Mailboxes.

mod change;
mod ensure;
mod ensure_many;
mod lists;
mod new;
mod pushover;
mod settings;
mod template;
mod upkeep;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::{
    Bytes, Client, Ensured, Error, MailboxAddress, Protocol, RateLimit,
    client::{EditItems, Read, Write},
    ensure::ensure,
    loose,
};

pub use self::{
    change::MailboxChange,
    new::NewMailbox,
    pushover::PushoverSettings,
    settings::{
        MailboxSettings, QuarantineCategory, QuarantineNotification, SpamScore, TaggedMail, UserPermission,
    },
    template::{MailboxTemplate, MailboxTemplateAttributes, MailboxTemplateId, MailboxTemplateSpec},
    upkeep::{LastLogins, SaslLogin, WebLogin},
};

/// What a mailbox may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MailboxStatus {
    /// No login and no mail.
    Inactive,
    /// Logins and mail.
    Active,
    /// Mail is taken, logins are not.
    LoginDenied,
    /// A status this crate does not know.
    Other(i64),
}

impl MailboxStatus {
    pub(super) fn number(self) -> i64 {
        match self {
            Self::Inactive => 0,
            Self::Active => 1,
            Self::LoginDenied => 2,
            Self::Other(number) => number,
        }
    }
}

impl<'de> Deserialize<'de> for MailboxStatus {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match loose::int(deserializer)? {
            0 => Self::Inactive,
            1 => Self::Active,
            2 => Self::LoginDenied,
            number => Self::Other(number),
        })
    }
}

/// A mailbox as the server shows it.
///
/// The [reduced list](Client::mailboxes_reduced) leaves the limits, the senders and the counts of other things empty.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct Mailbox {
    /// The address, which is the login too.
    #[serde(rename = "username", deserialize_with = "loose::text")]
    pub address: String,
    /// The domain.
    #[serde(default, deserialize_with = "loose::text")]
    pub domain: String,
    /// The display name.
    #[serde(default, deserialize_with = "loose::text")]
    pub name: String,
    /// What it may do.
    #[serde(rename = "active")]
    pub status: MailboxStatus,
    /// Who checks its password: `mailcow`, or the identity provider.
    #[serde(default, deserialize_with = "loose::text")]
    pub authsource: String,
    /// How much it may hold; 0 is unlimited.
    #[serde(default)]
    pub quota: Bytes,
    /// How much it could be given at most; negative if the domain was overrun.
    #[serde(default, rename = "max_new_quota")]
    pub max_quota: Bytes,
    /// How much it holds.
    #[serde(default)]
    pub quota_used: Bytes,
    /// How many messages it holds.
    #[serde(default, deserialize_with = "loose::int")]
    pub messages: i64,
    /// How much of the quota is used, in percent; `None` if it is unlimited.
    #[serde(default, deserialize_with = "loose::int_if_any")]
    pub percent_in_use: Option<i64>,
    /// The protocols that the password of the mailbox is good for.
    #[serde(skip)]
    pub protocols: Vec<Protocol>,
    /// Its settings.
    #[serde(default, rename = "attributes", deserialize_with = "settings::read")]
    pub settings: MailboxSettings,
    /// What programs noted at it.
    #[serde(default, deserialize_with = "loose::map")]
    pub custom_attributes: BTreeMap<String, String>,
    /// The sending limit that counts for it, its own or that of the domain.
    #[serde(default, rename = "rl", deserialize_with = "loose::object_if_any")]
    pub rate_limit: Option<RateLimit>,
    /// Whether the sending limit is its own.
    #[serde(default, rename = "rl_scope", deserialize_with = "is_own")]
    pub rate_limit_is_own: bool,
    /// What it may send as beside its own addresses, as `@example.net`.
    #[serde(default, rename = "sender_acl")]
    pub senders: Vec<String>,
    /// How many temporary aliases it has.
    #[serde(default, rename = "spam_aliases", deserialize_with = "loose::int")]
    pub temporary_aliases: i64,
    /// Whether new mail is told by Pushover.
    #[serde(default, rename = "pushover_active", deserialize_with = "loose::flag")]
    pub pushover: bool,
    /// The last login by IMAP, in seconds of Unix time; 0 if there was none.
    #[serde(default, deserialize_with = "loose::int")]
    pub last_imap_login: i64,
    /// The last login by SMTP, likewise.
    #[serde(default, deserialize_with = "loose::int")]
    pub last_smtp_login: i64,
    /// The last login by POP3, likewise.
    #[serde(default, deserialize_with = "loose::int")]
    pub last_pop3_login: i64,
    /// The last login by the identity provider, likewise.
    #[serde(default, deserialize_with = "loose::int")]
    pub last_sso_login: i64,
    /// The tags, sorted.
    #[serde(default)]
    pub tags: Vec<String>,
    /// When it was created, in the local time of the server without a zone.
    #[serde(default, deserialize_with = "loose::text")]
    pub created: String,
}

impl<'de> Deserialize<'de> for Mailbox {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The one that serde derives; the protocols stand among the settings.
        let mut mailbox = Self::deserialize(deserializer)?;
        mailbox.protocols = mailbox.settings.protocols();
        Ok(mailbox)
    }
}

impl Client {
    /// Returns a mailbox, `None` if there is none of that address (`get/mailbox/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn get_mailbox(&self, address: &MailboxAddress) -> Result<Option<Mailbox>, Error> {
        let found: Option<Mailbox> = self.read(GET, Some(address.as_str())).await?;
        // Asked for a resource, mailcow shows a mailbox full of nulls.
        Ok(found.filter(|mailbox| mailbox.address.eq_ignore_ascii_case(address.as_str())))
    }

    /// Creates a mailbox (`add/mailbox`).
    ///
    /// Creates in one domain go out side by side only as far as [`get_domain`](Self::get_domain), which
    /// [`ensure_domain`](Self::ensure_domain) calls, showed room for them, else one at a time: Mailcow does not keep
    /// the limits of a domain among simultaneous creates. So read the domain before you create many. A dropped create
    /// gives up its turn while the server may still be at work.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `object_exists` or `is_alias` (taken), `access_denied` (no such
    /// domain), `password_complexity`, `max_mailbox_exceeded` and `mailbox_quota_exceeded`.
    pub async fn add_mailbox(&self, new: &NewMailbox) -> Result<(), Error> {
        let body = new.body(ADD.route)?;
        let _place = self.capacity().enter(new.address().domain(), new.quota()).await;
        self.write(ADD, new.address().as_str(), &body).await
    }

    /// Makes certain that a mailbox exists and writes nothing if it does. Safe to repeat, also after a dropped call.
    ///
    /// Unless [`how`](Ensured::how) is `Created`, its password may be another: look at the tags whose mailbox it is,
    /// then set a new one with [`edit_mailbox`](Self::edit_mailbox).
    ///
    /// ```
    /// use mailcow_api::{FakeMailcow, How, Mib, NewDomain, NewMailbox};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), mailcow_api::Error> {
    /// let client = FakeMailcow::new().client();
    /// # client.add_domain(&NewDomain::new("agents.example.com".parse()?)).await?;
    /// let wanted = NewMailbox::new("agent-7@agents.example.com".parse()?, "Fake-Passw0rd-1".into(), Mib::new(64))
    ///     .with_tags(["owner-42"]);
    /// let mailbox = client.ensure_mailbox(&wanted).await?;
    /// assert_eq!(mailbox.how, How::Created);
    /// assert_eq!(mailbox.value.tags, ["owner-42"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`add_mailbox`](Self::add_mailbox), but not because the mailbox exists.
    pub async fn ensure_mailbox(&self, wanted: &NewMailbox) -> Result<Ensured<Mailbox>, Error> {
        ensure(
            || self.get_mailbox(wanted.address()),
            || self.add_mailbox(wanted),
            |found| wanted.differs(found),
        )
        .await
    }

    /// Changes a mailbox (`edit/mailbox`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others with `access_denied` (no such mailbox), `password_complexity` and
    /// `mailbox_quota_left_exceeded`, and [`Error::InvalidInput`] for a change of nothing.
    pub async fn edit_mailbox(&self, address: &MailboxAddress, change: &MailboxChange) -> Result<(), Error> {
        let attr = change.attr()?;
        self.write(EDIT, address.as_str(), &EditItems { items: &[address], attr: &attr }).await
    }

    /// Deletes a mailbox with all its mail (`delete/mailbox`), and the aliases that lead only to it.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn delete_mailbox(&self, address: &MailboxAddress) -> Result<(), Error> {
        self.write(DELETE, address.as_str(), &[address]).await
    }

    /// Makes certain that a mailbox does not exist, and returns whether it was there. Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error`] if the mailbox is still there or the server gives no readable answer.
    pub async fn ensure_no_mailbox(&self, address: &MailboxAddress) -> Result<bool, Error> {
        if self.get_mailbox(address).await?.is_none() {
            return Ok(false);
        }
        match self.delete_mailbox(address).await {
            Ok(()) => Ok(true),
            Err(error @ (Error::Unknown { .. } | Error::Refused { .. })) => {
                match self.get_mailbox(address).await {
                    Ok(None) => Ok(true),
                    _ => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }
}

fn is_own<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    loose::text(deserializer).map(|scope| scope == "mailbox")
}

const GET: Read = Read("get/mailbox");
const ADD: Write = Write { route: "add/mailbox", success: "mailbox_added" };
pub(crate) const EDIT: Write = Write { route: "edit/mailbox", success: "mailbox_modified" };
pub(crate) const DELETE: Write = Write { route: "delete/mailbox", success: "mailbox_removed" };
