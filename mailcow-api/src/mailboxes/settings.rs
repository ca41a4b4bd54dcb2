//! The settings of a mailbox that have routes of their own. `edit/mailbox` takes them too, and ignores them.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Client, Error, MailboxAddress, Protocol, RelayhostId,
    client::{EditItems, Read, Write},
    flag::Flag,
    input, loose,
    words::word_enum,
};

word_enum!(
    /// How often a mailbox is told what is in its quarantine.
    QuarantineNotification {
        /// Not at all.
        Never = "never",
        /// Each hour.
        Hourly = "hourly",
        /// Each day.
        Daily = "daily",
        /// Each week.
        Weekly = "weekly",
    }
);

word_enum!(
    /// What of its quarantine a mailbox is told.
    QuarantineCategory {
        /// Mail that went to the folder for junk.
        AddHeader = "add_header",
        /// Mail that was rejected.
        Reject = "reject",
        /// Both.
        All = "all",
    }
);

word_enum!(
    /// What happens to mail to `local+tag@domain`.
    TaggedMail {
        /// The tag is put into the subject.
        Subject = "subject",
        /// It goes into a folder of the name of the tag.
        Subfolder = "subfolder",
        /// Nothing.
        Nothing = "none",
    }
);

word_enum!(
    /// What the user of a mailbox may change at the web page.
    UserPermission {
        /// Temporary aliases.
        TemporaryAliases = "spam_alias",
        /// Whether mail has to be encrypted.
        TlsPolicy = "tls_policy",
        /// From which score on mail is spam.
        SpamScore = "spam_score",
        /// Lists of good and bad senders.
        SpamPolicy = "spam_policy",
        /// What happens to mail with a tag in the address.
        TaggedMail = "delimiter_action",
        /// Sync jobs.
        SyncJobs = "syncjobs",
        /// The cache of `ActiveSync`.
        EasReset = "eas_reset",
        /// The profile of the web mail.
        WebmailProfileReset = "sogo_profile_reset",
        /// Pushover.
        Pushover = "pushover",
        /// The quarantine.
        Quarantine = "quarantine",
        /// Attachments in the quarantine.
        QuarantineAttachments = "quarantine_attachments",
        /// How often it is told of the quarantine.
        QuarantineNotification = "quarantine_notification",
        /// What it is told of the quarantine.
        QuarantineCategory = "quarantine_category",
        /// App passwords.
        AppPasswords = "app_passwds",
        /// A forgotten password.
        PasswordReset = "pw_reset",
    }
);

/// From which scores on mail is marked and is rejected, as text in tenths: `8,15`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpamScore(String);

impl SpamScore {
    /// Returns it as Mailcow writes it, `low,high`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SpamScore {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| text.trim().parse::<f32>().ok().filter(|number| number.is_finite());
        match text.split_once(',').map(|(low, high)| (number(low), number(high))) {
            Some((Some(low), Some(high))) if low <= high => {
                Ok(Self(text.chars().filter(|c| !c.is_whitespace()).collect()))
            }
            _ => Err(Error::InvalidInput {
                operation: "a spam score",
                reason: "it is not two numbers with a comma between them, the lower one first".to_owned(),
            }),
        }
    }
}

impl fmt::Display for SpamScore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The settings of a mailbox as the server shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "they are the switches of the server")]
#[non_exhaustive]
pub struct MailboxSettings {
    /// Whether the next login at the web page has to choose another password.
    #[serde(default, rename = "force_pw_update", deserialize_with = "loose::flag")]
    pub forced_password_change: bool,
    /// Whether a login at the web page needs a second factor.
    #[serde(default, rename = "force_tfa", deserialize_with = "loose::flag")]
    pub forced_tfa: bool,
    /// Whether mail has to come in encrypted.
    #[serde(default, rename = "tls_enforce_in", deserialize_with = "loose::flag")]
    pub tls_in: bool,
    /// Whether mail has to leave encrypted.
    #[serde(default, rename = "tls_enforce_out", deserialize_with = "loose::flag")]
    pub tls_out: bool,
    /// Whether the web mail may be used.
    #[serde(default, rename = "sogo_access", deserialize_with = "loose::flag")]
    pub webmail: bool,
    /// The relay host that its mail leaves through.
    #[serde(default, deserialize_with = "loose::id_if_any")]
    pub relayhost: Option<RelayhostId>,
    /// When its password was set, in the local time of the server without a zone.
    #[serde(default, rename = "passwd_update", deserialize_with = "loose::text")]
    pub password_set: String,
    /// How often it is told what is in its quarantine.
    #[serde(default)]
    pub quarantine_notification: Option<QuarantineNotification>,
    /// What of its quarantine it is told.
    #[serde(default)]
    pub quarantine_category: Option<QuarantineCategory>,
    /// The address that a forgotten password is replaced by; empty if there is none.
    #[serde(default, deserialize_with = "loose::text")]
    pub recovery_email: String,
    #[serde(default, deserialize_with = "loose::flag")]
    imap_access: bool,
    #[serde(default, deserialize_with = "loose::flag")]
    smtp_access: bool,
    #[serde(default, deserialize_with = "loose::flag")]
    pop3_access: bool,
    #[serde(default, deserialize_with = "loose::flag")]
    sieve_access: bool,
    #[serde(default, deserialize_with = "loose::flag")]
    dav_access: bool,
    #[serde(default, deserialize_with = "loose::flag")]
    eas_access: bool,
}

impl MailboxSettings {
    pub(super) fn protocols(&self) -> Vec<Protocol> {
        let flags = [
            (Protocol::Imap, self.imap_access),
            (Protocol::Smtp, self.smtp_access),
            (Protocol::Pop3, self.pop3_access),
            (Protocol::Sieve, self.sieve_access),
            (Protocol::Dav, self.dav_access),
            (Protocol::Eas, self.eas_access),
        ];
        flags.into_iter().filter_map(|(protocol, is_on)| is_on.then_some(protocol)).collect()
    }
}

impl Client {
    /// Sets whether the mail of a mailbox has to come and go encrypted (`edit/tls_policy`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn set_mailbox_tls(
        &self,
        address: &MailboxAddress,
        incoming: bool,
        outgoing: bool,
    ) -> Result<(), Error> {
        let attr = TlsAttr { tls_enforce_in: Flag(incoming), tls_enforce_out: Flag(outgoing) };
        self.set(TLS, address, &attr).await
    }

    /// Sets how often a mailbox is told what is in its quarantine (`edit/quarantine_notification`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox or Mailcow does not know the word.
    pub async fn set_quarantine_notification(
        &self,
        address: &MailboxAddress,
        notification: &QuarantineNotification,
    ) -> Result<(), Error> {
        self.set(NOTIFICATION, address, &NotificationAttr { quarantine_notification: notification }).await
    }

    /// Sets what of its quarantine a mailbox is told (`edit/quarantine_category`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox or Mailcow does not know the word.
    pub async fn set_quarantine_category(
        &self,
        address: &MailboxAddress,
        category: &QuarantineCategory,
    ) -> Result<(), Error> {
        self.set(CATEGORY, address, &CategoryAttr { quarantine_category: category }).await
    }

    /// Sets what happens to mail to `local+tag@domain` of a mailbox (`edit/delimiter_action`). Safe to repeat; no
    /// route shows it, and Mailcow accepts words that it does not know.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn set_tagged_mail(
        &self,
        address: &MailboxAddress,
        handling: &TaggedMail,
    ) -> Result<(), Error> {
        self.set(TAGGED, address, &TaggedAttr { tagged_mail_handler: handling }).await
    }

    /// Sets what the user of a mailbox may change at the web page, in place of what was allowed before
    /// (`edit/user-acl`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn set_user_permissions(
        &self,
        address: &MailboxAddress,
        permissions: &[UserPermission],
    ) -> Result<(), Error> {
        self.set(ACL, address, &AclAttr { user_acl: permissions }).await
    }

    /// Returns from which scores on mail to a mailbox is spam, its own or those of the server; `None` if there is no
    /// such mailbox (`get/spam-score/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn spam_score(&self, address: &MailboxAddress) -> Result<Option<SpamScore>, Error> {
        let found: Option<Score> = self.read(GET_SCORE, [address.as_str()]).await?;
        Ok(found.map(|found| SpamScore(found.score)))
    }

    /// Sets from which scores on mail to a mailbox is spam; `None` takes those of the server (`edit/spam-score`).
    /// Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn set_spam_score(
        &self,
        address: &MailboxAddress,
        score: Option<&SpamScore>,
    ) -> Result<(), Error> {
        self.set(SCORE, address, &ScoreAttr { spam_score: score.map_or("default", SpamScore::as_str) }).await
    }

    /// Sets what programs note at a mailbox, in place of all that was there (`edit/mailbox/custom-attribute`). Safe
    /// to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn set_custom_attributes(
        &self,
        address: &MailboxAddress,
        attributes: &[(&str, &str)],
    ) -> Result<(), Error> {
        for (name, value) in attributes {
            input::line(CUSTOM.route, "name of an attribute", name)?;
            input::optional_lines(CUSTOM.route, "value of an attribute", value)?;
        }
        let (attribute, value) = attributes.iter().copied().unzip();
        self.set(CUSTOM, address, &CustomAttr { attribute, value }).await
    }

    /// Gives a mailbox another name in its domain (`edit/rename-mbox`), with an alias under the old one if
    /// `keep_alias` is set.
    ///
    /// # Errors
    /// Returns [`Error::Refused`], among others if there is no such mailbox or the new address is taken.
    pub async fn rename_mailbox(
        &self,
        address: &MailboxAddress,
        to: &MailboxAddress,
        keep_alias: bool,
    ) -> Result<(), Error> {
        if address.domain() != to.domain() || address == to {
            let reason = "a mailbox can only be renamed in its domain".to_owned();
            return Err(Error::InvalidInput { operation: RENAME.route, reason });
        }
        let attr = RenameAttr {
            domain: address.domain().as_str(),
            old_local_part: address.local_part(),
            new_local_part: to.local_part(),
            create_alias: Flag(keep_alias),
        };
        self.write(RENAME, address.as_str(), &EditItems { items: &[address], attr: &attr }).await
    }

    async fn set(&self, write: Write, address: &MailboxAddress, attr: &impl Serialize) -> Result<(), Error> {
        self.write_idempotent(write, address.as_str(), &EditItems { items: &[address], attr }).await
    }
}

/// Reads the settings; null stands for none.
pub(super) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<MailboxSettings, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[derive(Serialize)]
struct TlsAttr {
    tls_enforce_in: Flag,
    tls_enforce_out: Flag,
}

#[derive(Serialize)]
struct NotificationAttr<'a> {
    quarantine_notification: &'a QuarantineNotification,
}

#[derive(Serialize)]
struct CategoryAttr<'a> {
    quarantine_category: &'a QuarantineCategory,
}

#[derive(Serialize)]
struct TaggedAttr<'a> {
    tagged_mail_handler: &'a TaggedMail,
}

#[derive(Serialize)]
struct AclAttr<'a> {
    user_acl: &'a [UserPermission],
}

#[derive(Deserialize)]
struct Score {
    #[serde(deserialize_with = "loose::text")]
    score: String,
}

#[derive(Serialize)]
struct ScoreAttr<'a> {
    spam_score: &'a str,
}

#[derive(Serialize)]
struct CustomAttr<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attribute: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    value: Vec<&'a str>,
}

#[derive(Serialize)]
struct RenameAttr<'a> {
    domain: &'a str,
    old_local_part: &'a str,
    new_local_part: &'a str,
    create_alias: Flag,
}

const TLS: Write = Write { route: "edit/tls_policy", success: "mailbox_modified" };
const NOTIFICATION: Write = Write { route: "edit/quarantine_notification", success: "mailbox_modified" };
const CATEGORY: Write = Write { route: "edit/quarantine_category", success: "mailbox_modified" };
const TAGGED: Write = Write { route: "edit/delimiter_action", success: "mailbox_modified" };
const ACL: Write = Write { route: "edit/user-acl", success: "acl_saved" };
const GET_SCORE: Read = Read("get/spam-score");
const SCORE: Write = Write { route: "edit/spam-score", success: "mailbox_modified" };
const CUSTOM: Write = Write { route: "edit/mailbox/custom-attribute", success: "mailbox_modified" };
const RENAME: Write = Write { route: "edit/rename-mbox", success: "mailbox_renamed" };
