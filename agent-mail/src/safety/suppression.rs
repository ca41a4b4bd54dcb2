//! Who must not get mail any more: who bounced, complained or took themselves off.

use std::time::{Duration, SystemTime};

use mail_access::Address;
use serde::{Deserialize, Serialize};

use crate::journal::{Owner, fingerprint};
use crate::{AgentMail, AgentMailbox, Error, ErrorKind, EventKind, RecipientResult};

/// An address that the agents of a domain don't write to any more.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suppressed {
    /// Who.
    pub address: Address,
    /// Why.
    pub reason: SuppressionReason,
    /// Since when, to the second.
    pub since: SystemTime,
}

/// Why an address gets no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SuppressionReason {
    /// There is no such mailbox, or it takes nothing, for good.
    Bounced,
    /// Its owner complained (RFC 5965).
    Complained,
    /// Its owner took themselves off (RFC 2369, RFC 8058).
    Unsubscribed,
    /// A person decided so.
    Manual,
}

impl AgentMail {
    /// Takes somebody off: no agent of this domain writes to them any more, as far as a
    /// [`Policy`](crate::safety::Policy) was set. A program calls it for the mail to its List-Unsubscribe address
    /// (RFC 2369) and for the POST to its one-click URL (RFC 8058).
    ///
    /// Safe to repeat: the first reason and time stay.
    ///
    /// # Errors
    /// If the state can't be read or written.
    pub async fn unsubscribe(&self, address: &Address) -> Result<(), Error> {
        self.suppress(address, SuppressionReason::Unsubscribed).await
    }

    /// Notes that the agents of this domain don't write to an address any more. Safe to repeat: the first reason and
    /// time stay.
    ///
    /// # Errors
    /// If the state can't be read or written.
    pub async fn suppress(&self, address: &Address, reason: SuppressionReason) -> Result<(), Error> {
        let journal = &self.system().journal;
        let key = self.suppression_key(address);
        if journal.policy::<Stored>(&key).await?.is_some() {
            return Ok(());
        }
        let age = self.system().chance.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        tracing::info!(?reason, "address suppressed");
        journal.put_policy(&key, &Stored { address: address.to_string(), reason, since: age.as_secs() }).await
    }

    /// Lets the agents write to an address again. Safe to repeat.
    ///
    /// # Errors
    /// If the state can't be written.
    pub async fn unsuppress(&self, address: &Address) -> Result<(), Error> {
        self.system().journal.drop_policy(&self.suppression_key(address)).await
    }

    /// Returns the addresses that get no mail, in no meaningful order.
    ///
    /// # Errors
    /// If the state can't be read.
    pub async fn suppressions(&self) -> Result<Vec<Suppressed>, Error> {
        let journal = &self.system().journal;
        let found: Vec<(String, Stored)> =
            journal.policies(&journal.policy_key(Owner::Domain, SUPPRESSED)).await?;
        found.into_iter().map(|(_, stored)| stored.try_into()).collect()
    }

    pub(crate) async fn suppression(&self, address: &Address) -> Result<Option<Suppressed>, Error> {
        let stored: Option<Stored> = self.system().journal.policy(&self.suppression_key(address)).await?;
        stored.map(Suppressed::try_from).transpose()
    }

    /// A mailbox has one record, however its name is written.
    fn suppression_key(&self, address: &Address) -> String {
        let name = address.to_string().to_lowercase();
        self.system()
            .journal
            .policy_key(Owner::Domain, &format!("{SUPPRESSED}{}", fingerprint(name.as_bytes())))
    }
}

/// Learns from what happened, before it is handed out: who bounced for good or complained is suppressed. Without a policy
/// it learns nothing. Safe to repeat.
///
/// # Errors
/// If the state can't be read or written.
pub(crate) async fn observe(mailbox: &AgentMailbox, happened: &EventKind) -> Result<(), Error> {
    let system = &mailbox.inner().system;
    if system.system().policy.is_none() {
        return Ok(());
    }
    let (report, reason) = match happened {
        EventKind::Bounced(report) | EventKind::Refused(report) => (report, SuppressionReason::Bounced),
        EventKind::Complaint(report) => (report, SuppressionReason::Complained),
        _ => return Ok(()),
    };
    for result in &report.recipients {
        if reason == SuppressionReason::Complained || is_dead(result) {
            system.suppress(&result.recipient, reason).await?;
        }
    }
    Ok(())
}

/// Tells whether the answer is about the address and final. That a mailbox is full, a message too large or its sender
/// unwelcome says nothing about the address (RFC 3463 section 3).
fn is_dead(result: &RecipientResult) -> bool {
    match (result.enhanced, result.code) {
        (Some((5, 1, detail)), _) => !matches!(detail, 7 | 8),
        (Some((5, 2, detail)), _) => detail <= 1,
        (Some((5, 0, 0)) | None, Some(code)) => matches!(code, 550 | 551 | 553),
        _ => false,
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    address: String,
    reason: SuppressionReason,
    since: u64,
}

impl TryFrom<Stored> for Suppressed {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let address = stored.address.parse().map_err(|source| {
            Error::new(ErrorKind::Unexpected, "read state", "suppressions").with_source(source)
        })?;
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(stored.since);
        Ok(Self { address, reason: stored.reason, since })
    }
}

const SUPPRESSED: &str = "suppressed/";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_of_the_address_for_good_counts() {
        for (code, enhanced, dead) in [
            (Some(550), Some((5, 1, 1)), true),
            (Some(550), Some((5, 1, 10)), true),
            (Some(550), Some((5, 2, 1)), true),
            (Some(552), Some((5, 2, 2)), false),
            (Some(550), Some((5, 7, 1)), false),
            (Some(550), Some((5, 1, 8)), false),
            (Some(550), None, true),
            (Some(550), Some((5, 0, 0)), true),
            (Some(552), None, false),
            (Some(554), None, false),
            (Some(450), Some((4, 2, 0)), false),
            (None, None, false),
        ] {
            let mut result = RecipientResult::new("bob@b.example".parse().unwrap());
            (result.code, result.enhanced) = (code, enhanced);
            assert_eq!(is_dead(&result), dead, "{code:?} {enhanced:?}");
        }
    }
}
