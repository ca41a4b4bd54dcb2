//! How many messages a mailbox or a domain may send.

use std::{fmt, num::NonZeroU32};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Client, DomainName, Error, MailboxAddress,
    client::{EditItems, PlainTrue, Read, Write},
    input, loose,
};

/// A sending limit: so many messages in one [`RateFrame`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of messages.
    #[serde(deserialize_with = "count")]
    pub value: NonZeroU32,
    /// The time they are counted in.
    pub frame: RateFrame,
}

impl RateLimit {
    /// Builds a limit of `value` messages per `frame`.
    pub fn new(value: NonZeroU32, frame: RateFrame) -> Self {
        Self { value, frame }
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.value, self.frame.as_str())
    }
}

/// The time in which the messages of a [`RateLimit`] are counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RateFrame {
    /// One second.
    Second,
    /// One minute.
    Minute,
    /// One hour.
    Hour,
    /// One day.
    Day,
    /// A frame this crate does not know.
    Other(String),
}

impl RateFrame {
    /// Returns the letter Mailcow uses.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Second => "s",
            Self::Minute => "m",
            Self::Hour => "h",
            Self::Day => "d",
            Self::Other(frame) => frame,
        }
    }
}

impl<'de> Deserialize<'de> for RateFrame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match loose::text(deserializer)?.as_str() {
            "s" => Self::Second,
            "m" => Self::Minute,
            "h" => Self::Hour,
            "d" => Self::Day,
            other => Self::Other(other.to_owned()),
        })
    }
}

impl Serialize for RateFrame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The own limit of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct MailboxRateLimit {
    /// The address.
    pub mailbox: String,
    /// The limit.
    #[serde(flatten)]
    pub limit: RateLimit,
}

/// The limit of a domain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DomainRateLimit {
    /// The name.
    pub domain: String,
    /// The limit.
    #[serde(flatten)]
    pub limit: RateLimit,
}

impl Client {
    /// Returns the limit of the mailbox itself, `None` if it has none or does not exist (`get/rl-mbox/{mailbox}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailbox_rate_limit(&self, address: &MailboxAddress) -> Result<Option<RateLimit>, Error> {
        self.read(GET_MAILBOX, Some(address.as_str())).await
    }

    /// Sets the limit of a mailbox (`edit/rl-mbox`). Safe to repeat.
    ///
    /// ```
    /// # use mailcow_api::{DomainName, FakeMailcow, MailboxAddress, Mib, NewDomain, NewMailbox, RateFrame, RateLimit};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = FakeMailcow::new().client();
    /// # let domain: DomainName = "agents.example.com".parse()?;
    /// # client.add_domain(&NewDomain::new(domain)).await?;
    /// # let address: MailboxAddress = "agent-7@agents.example.com".parse()?;
    /// # client.add_mailbox(&NewMailbox::new(address.clone(), "Fake-Passw0rd-1".into(), Mib::new(64))).await?;
    /// let limit = RateLimit::new(20.try_into()?, RateFrame::Hour);
    /// client.set_mailbox_rate_limit(&address, &limit).await?;
    /// assert_eq!(client.mailbox_rate_limit(&address).await?, Some(limit));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn set_mailbox_rate_limit(
        &self,
        address: &MailboxAddress,
        limit: &RateLimit,
    ) -> Result<(), Error> {
        self.edit_rate_limit(EDIT_MAILBOX, address.as_str(), Some(limit)).await
    }

    /// Removes the limit of a mailbox, so that the one of its domain counts (`edit/rl-mbox`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such mailbox.
    pub async fn remove_mailbox_rate_limit(&self, address: &MailboxAddress) -> Result<(), Error> {
        self.edit_rate_limit(EDIT_MAILBOX, address.as_str(), None).await
    }

    /// Returns the limit of a domain, `None` if it has none or does not exist (`get/rl-domain/{domain}`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn domain_rate_limit(&self, domain: &DomainName) -> Result<Option<RateLimit>, Error> {
        self.read(GET_DOMAIN, Some(domain.as_str())).await
    }

    /// Sets the limit of a domain, which counts for each mailbox without its own (`edit/rl-domain`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such domain.
    pub async fn set_domain_rate_limit(&self, domain: &DomainName, limit: &RateLimit) -> Result<(), Error> {
        self.edit_rate_limit(EDIT_DOMAIN, domain.as_str(), Some(limit)).await
    }

    /// Removes the limit of a domain (`edit/rl-domain`). Safe to repeat.
    ///
    /// # Errors
    /// Returns [`Error::Refused`] with `access_denied` if there is no such domain.
    pub async fn remove_domain_rate_limit(&self, domain: &DomainName) -> Result<(), Error> {
        self.edit_rate_limit(EDIT_DOMAIN, domain.as_str(), None).await
    }

    /// Returns the limits of all mailboxes that have one of their own (`get/rl-mbox/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn mailbox_rate_limits(&self) -> Result<Vec<MailboxRateLimit>, Error> {
        Ok(self.read(GET_MAILBOX, ["all"]).await?.unwrap_or_default())
    }

    /// Returns the limits of all domains that have one (`get/rl-domain/all`).
    ///
    /// # Errors
    /// Returns [`Error`] if the server gives no readable answer.
    pub async fn domain_rate_limits(&self) -> Result<Vec<DomainRateLimit>, Error> {
        Ok(self.read(GET_DOMAIN, ["all"]).await?.unwrap_or_default())
    }

    /// Empties the bucket that a limit counts in, so that sending goes on at once (`delete/rlhash`). The log of
    /// limited messages names it, as `RLabcdefgh`.
    ///
    /// # Errors
    /// Returns [`Error::Unknown`] if there is no such bucket: Mailcow answers nothing to it.
    pub async fn reset_rate_limit(&self, hash: &str) -> Result<(), Error> {
        input::word(RESET.route, "hash", hash)?;
        self.write(RESET, hash, &[hash]).await
    }

    async fn edit_rate_limit(
        &self,
        route: Write,
        name: &str,
        limit: Option<&RateLimit>,
    ) -> Result<(), Error> {
        self.write_idempotent(route, name, &EditItems { items: &[name], attr: &Attr::new(limit) }).await
    }
}

#[derive(Serialize)]
pub(crate) struct Attr<'a> {
    rl_value: String,
    rl_frame: &'a str,
}

impl<'a> Attr<'a> {
    pub(crate) fn new(limit: Option<&'a RateLimit>) -> Self {
        // To remove a limit takes an empty value and still a valid frame.
        let (rl_value, rl_frame) =
            limit.map_or((String::new(), "s"), |limit| (limit.value.to_string(), limit.frame.as_str()));
        Self { rl_value, rl_frame }
    }
}

fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    let value = loose::int(deserializer)?;
    u32::try_from(value)
        .ok()
        .and_then(NonZeroU32::new)
        .ok_or_else(|| serde::de::Error::custom("not a number of messages"))
}

const GET_MAILBOX: Read = Read("get/rl-mbox");
const GET_DOMAIN: Read = Read("get/rl-domain");
pub(crate) const EDIT_MAILBOX: Write = Write { route: "edit/rl-mbox", success: "rl_saved" };
const RESET: Write<PlainTrue> = Write { route: "delete/rlhash", success: PlainTrue };
const EDIT_DOMAIN: Write = Write { route: "edit/rl-domain", success: "rl_saved" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_frame_is_kept() {
        let limit: RateLimit = serde_json::from_str(r#"{"value":7,"frame":"w"}"#).unwrap();
        assert_eq!(limit.frame, RateFrame::Other("w".to_owned()));
        assert_eq!(limit.to_string(), "7/w");
    }

    #[test]
    fn a_limit_of_nothing_is_no_limit_this_crate_understands() {
        assert!(serde_json::from_str::<RateLimit>(r#"{"value":"0","frame":"h"}"#).is_err());
    }
}
