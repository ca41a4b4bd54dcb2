//! Who is allowed or denied to send to a domain or mailbox: its allow and deny lists.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    Client, DomainName, Error, MailboxAddress,
    client::{Read, Write},
    ids::number_id,
    input, loose,
};

number_id!(
    /// The number by which Mailcow knows an entry of an allow or deny list.
    SpamPolicyId,
    "the id of a spam policy"
);

/// One of the two lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SpamList {
    /// Mail of the senders on it is never taken for spam.
    Allow,
    /// Mail of the senders on it is always taken for spam.
    Deny,
}

impl SpamList {
    /// Returns the word Mailcow uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "wl",
            Self::Deny => "bl",
        }
    }
}

impl Serialize for SpamList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Which senders an entry is about: an address, a domain, or a pattern in which `*` stands for anything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderPattern(String);

impl SenderPattern {
    /// Returns the pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SenderPattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        input::word("the pattern of a sender", "pattern", text)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SenderPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SenderPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// An entry of an allow or deny list as the server shows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct SpamPolicy {
    /// The id.
    #[serde(rename = "prefid")]
    pub id: SpamPolicyId,
    /// The domain or the address of the mailbox that it belongs to.
    pub object: String,
    /// The senders it is about.
    #[serde(rename = "value", deserialize_with = "loose::text")]
    pub sender: String,
}

impl Client {
    /// Returns the allow or deny list of a domain (`get/policy_wl_domain/{domain}`, `get/policy_bl_domain/{domain}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn domain_spam_policies(
        &self,
        domain: &DomainName,
        list: SpamList,
    ) -> Result<Vec<SpamPolicy>, Error> {
        let route = match list {
            SpamList::Allow => DOMAIN_ALLOW,
            SpamList::Deny => DOMAIN_DENY,
        };
        Ok(self.read(route, Some(domain.as_str())).await?.unwrap_or_default())
    }

    /// Returns the allow or deny list of a mailbox together with that of its domain
    /// (`get/policy_wl_mailbox/{address}`, `get/policy_bl_mailbox/{address}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailbox_spam_policies(
        &self,
        mailbox: &MailboxAddress,
        list: SpamList,
    ) -> Result<Vec<SpamPolicy>, Error> {
        let route = match list {
            SpamList::Allow => MAILBOX_ALLOW,
            SpamList::Deny => MAILBOX_DENY,
        };
        Ok(self.read(route, Some(mailbox.as_str())).await?.unwrap_or_default())
    }

    /// Puts senders on a list of a domain (`add/domain-policy`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `policy_list_from_exists` if they are on either list,
    /// `policy_list_from_invalid`, or `access_denied` (no such domain).
    pub async fn add_domain_spam_policy(
        &self,
        domain: &DomainName,
        list: SpamList,
        sender: &SenderPattern,
    ) -> Result<(), Error> {
        let body = DomainBody { domain, object_from: sender, object_list: list };
        self.write(ADD_DOMAIN, domain.as_str(), &body).await
    }

    /// Puts senders on a list of a mailbox (`add/mailbox-policy`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `policy_list_from_exists` if they are on either list,
    /// `policy_list_from_invalid`, or `access_denied` (no such mailbox).
    pub async fn add_mailbox_spam_policy(
        &self,
        mailbox: &MailboxAddress,
        list: SpamList,
        sender: &SenderPattern,
    ) -> Result<(), Error> {
        let body = MailboxBody { username: mailbox, object_from: sender, object_list: list };
        self.write(ADD_MAILBOX, mailbox.as_str(), &body).await
    }

    /// Deletes entries of the lists of domains (`delete/domain-policy`).
    ///
    /// # Errors
    /// Returns [`Error::PartlyDone`], with `access_denied` for an id that does not exist, and [`Error::InvalidInput`] for an
    /// empty list.
    pub async fn delete_domain_spam_policies(&self, ids: &[SpamPolicyId]) -> Result<(), Error> {
        self.delete_items(DELETE_DOMAIN, ids).await
    }

    /// Deletes an entry of the lists of a mailbox (`delete/mailbox-policy`).
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is none of that id.
    pub async fn delete_mailbox_spam_policy(&self, id: SpamPolicyId) -> Result<(), Error> {
        self.write(DELETE_MAILBOX, &id.to_string(), &[id]).await
    }
}

#[derive(Serialize)]
struct DomainBody<'a> {
    domain: &'a DomainName,
    object_from: &'a SenderPattern,
    object_list: SpamList,
}

#[derive(Serialize)]
struct MailboxBody<'a> {
    username: &'a MailboxAddress,
    object_from: &'a SenderPattern,
    object_list: SpamList,
}

const DOMAIN_ALLOW: Read = Read("get/policy_wl_domain");
const DOMAIN_DENY: Read = Read("get/policy_bl_domain");
const MAILBOX_ALLOW: Read = Read("get/policy_wl_mailbox");
const MAILBOX_DENY: Read = Read("get/policy_bl_mailbox");
const ADD_DOMAIN: Write = Write { route: "add/domain-policy", success: "domain_modified" };
const ADD_MAILBOX: Write = Write { route: "add/mailbox-policy", success: "mailbox_modified" };
const DELETE_DOMAIN: Write = Write { route: "delete/domain-policy", success: "item_deleted" };
// Of several, mailcow names all in each entry, so one at a time.
const DELETE_MAILBOX: Write<&[&str]> =
    Write { route: "delete/mailbox-policy", success: &["items_deleted", "item_deleted"] };
