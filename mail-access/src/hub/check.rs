//! Whether the server is set up for a hub.

use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use super::{Hub, HubMailbox};
use crate::{Address, DomainName, Error, MessageId, NewMessage, Outgoing, Selection, Status};

impl Hub {
    /// Finds out whether the server delivers to the hub as it has to: sends one mail to two addresses of a domain that
    /// are made up for it and taken back afterwards, and waits until both copies are there.
    ///
    /// It is sent as one of the two, and if the server doesn't allow that, as the hub's own address. The copies stay in
    /// the mailbox, marked as seen, and one that has no evidence is a dead letter. Dropped, the call may leave the two addresses behind, until the hub ends.
    ///
    /// # Errors
    /// As for [`MailAccess::submit`](crate::MailAccess::submit) and [`fetch`](crate::MailAccess::fetch). What is wrong
    /// with the set-up is no error; it stands in the answer.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::time::Duration;
    ///
    /// use mail_access::{EnvelopeRule, Hub, HubProblem, Login, Policy, PostOffice};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Mailcow's global filter, and no filter of the hub's own against it.
    /// let office = PostOffice::builder().with_policy(Policy::new().with_duplicate_filter(true)).build();
    /// office.add_domain("agents.example".parse()?);
    /// let login = Login::new("hub@agents.example".parse()?, "a password".into());
    /// office.add_mailbox(login.address(), login.password().clone(), 0)?;
    /// office.add_catch_all(&"agents.example".parse()?, vec![login.address().clone()])?;
    ///
    /// let hub = Hub::builder(Arc::new(office), login, EnvelopeRule::mailcow()).start();
    /// let check = hub.check(&"agents.example".parse()?, Duration::from_millis(50)).await?;
    /// assert_eq!(check.problems, [HubProblem::CopiesDropped]);
    /// assert!(check.problems[0].fix().contains("fileinto \"INBOX\""));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn check(&self, domain: &DomainName, patience: Duration) -> Result<HubCheck, Error> {
        let probe = |number| {
            let id = MessageId::generate(domain).to_string();
            let random: String = id.chars().filter(char::is_ascii_alphanumeric).take(12).collect();
            Address::new(&format!("hub-check-{number}-{random}"), domain.clone())
                .map_err(|error| Error::Invalid { what: "domain of the hub", problem: error.to_string() })
        };
        let probes = [probe(1)?, probe(2)?];
        let mailboxes = probes.each_ref().map(|probe| self.address(probe));
        let _taken_back = TakenBack { hub: self, probes: &probes };
        let mut problems = Vec::new();
        let begun = Instant::now();
        let id = match self.send(&probes[0], &probes).await? {
            Sent::As(id) => id,
            Sent::Refused(status) => {
                problems.push(HubProblem::MayNotSendAs(status));
                match self.send(self.reading.login.address(), &probes).await? {
                    Sent::As(id) => id,
                    Sent::Refused(status) => {
                        problems.push(HubProblem::NothingArrives(Some(status)));
                        return Ok(HubCheck { problems, latency: None });
                    }
                }
            }
        };
        let end = begun + patience;
        let routed = [arrived(&mailboxes[0], &id, end).await?, arrived(&mailboxes[1], &id, end).await?];
        let latency = begun.elapsed();
        let there = self.mark_seen(&id).await?;
        match (there, routed.iter().filter(|routed| **routed).count()) {
            (0, _) => problems.push(HubProblem::NothingArrives(None)),
            (_, 2) => {}
            (there, routed) => {
                if there == 1 {
                    problems.push(HubProblem::CopiesDropped);
                }
                if there > routed {
                    problems.push(HubProblem::NoEvidence);
                }
            }
        }
        let latency = (routed == [true, true]).then_some(latency);
        Ok(HubCheck { problems, latency })
    }

    async fn send(&self, sender: &Address, probes: &[Address]) -> Result<Sent, Error> {
        let text = "This mail was sent by a program to find out whether its mail server is set up for it.";
        let letter = NewMessage::default().with_subject("Check of the hub").with_text(text);
        let letter = probes.iter().fold(letter, NewMessage::with_to).seal(&sender.into())?;
        let letter: Outgoing = letter.with_all_or_nothing();
        match self.reading.access.submit(&self.reading.login, &letter).await {
            Ok(_) => Ok(Sent::As(letter.message_id().clone())),
            Err(error @ (Error::Refused { .. } | Error::RecipientsRefused { .. })) => match error.status() {
                Some(status) if !status.is_temporary() => Ok(Sent::Refused(status.clone())),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Counts the copies and marks them.
    async fn mark_seen(&self, id: &MessageId) -> Result<usize, Error> {
        let reading = &self.reading;
        let batch = reading.access.fetch(&reading.login, &Selection::MessageId(id.clone()), 10).await?;
        let uids: Vec<_> = batch.messages.iter().map(crate::Received::uid).collect();
        reading.access.mark_seen(&reading.login, batch.uid_validity, &uids).await?;
        Ok(uids.len())
    }
}

/// What a [check](Hub::check) found out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubCheck {
    /// What is wrong with the set-up; nothing, if the hub works.
    pub problems: Vec<HubProblem>,
    /// How long it took from the submission until both copies were handed out, if they were. Over two seconds
    /// means that the server looks for new mail now and then and doesn't push it: it has reached a limit, such as Linux'
    /// `fs.inotify.max_user_instances`.
    pub latency: Option<Duration>,
}

/// What is wrong with the set-up of a server for a hub.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HubProblem {
    /// Of the copies of one mail to several addresses one came within the time, as where the server drops the others.
    #[error(
        "one of the copies of a mail to several addresses of the hub arrived in time, as if the server dropped the others"
    )]
    CopiesDropped,
    /// The server refuses the hub's addresses as senders.
    #[error("the hub may not send as its addresses: {0}")]
    MayNotSendAs(Status),
    /// The copies are there, but where the rule expects the recipient nothing is noted, or another address.
    #[error("the server doesn't note the recipient where the hub's rule expects it")]
    NoEvidence,
    /// Mail to the addresses is refused, or it doesn't come within the time.
    #[error("mail to the hub's addresses doesn't arrive{}", .0.as_ref().map_or_else(String::new, |said| format!(": {said}")))]
    NothingArrives(Option<Status>),
}

impl HubProblem {
    /// Says in one sentence what to set.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::CopiesDropped => {
                "give the hub's mailbox an active sieve prefilter of its own that files explicitly, `require \
                 [\"fileinto\"]; fileinto \"INBOX\";`, so that the server's filter of duplicates is not reached, or send \
                 with Copies::Apart; if the server is slow, allow more time first"
            }
            Self::MayNotSendAs(_) => {
                "give the hub's mailbox the sender permission (at Mailcow its sender ACL) `@domain` for each domain of its \
                 addresses"
            }
            Self::NoEvidence => {
                "let Postfix deliver by `lmtp` with `flags=O` and `lmtp_destination_recipient_limit = 1`, or give the hub \
                 the EnvelopeRule of its server"
            }
            Self::NothingArrives(_) => {
                "let an active catch-all alias `@domain` lead to the hub's mailbox, and allow more time if the server is slow"
            }
        }
    }
}

enum Sent {
    As(MessageId),
    Refused(Status),
}

/// Gives up the addresses however the check ends.
struct TakenBack<'a> {
    hub: &'a Hub,
    probes: &'a [Address],
}

impl Drop for TakenBack<'_> {
    fn drop(&mut self) {
        for probe in self.probes {
            self.hub.remove(probe);
        }
    }
}

async fn arrived(mailbox: &HubMailbox, id: &MessageId, end: Instant) -> Result<bool, Error> {
    loop {
        let Ok(delivery) = timeout_at(end, mailbox.next()).await else { return Ok(false) };
        let delivery = delivery?;
        delivery.acknowledge();
        if delivery.message().message_id() == Some(id) {
            return Ok(true);
        }
    }
}
