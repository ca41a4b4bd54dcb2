//! Logs in, and sends the mailbox a mail by itself.

use std::fmt::Write as _;
use std::time::Duration;

use mail_access::{AutoSubmitted, Error as MailError, MessageId, NewMessage, Received, Selection};
use tokio::time::{Instant, sleep, timeout};

use super::catalogue::remedy;
use super::{Diagnosis, Doctor, Remedy};
use crate::mail::lift;

impl Doctor {
    /// Tells whether the login works.
    pub(super) async fn look_at_login(&self, walk: &mut Diagnosis) -> bool {
        let Some((mail, login)) = &self.mail else {
            walk.skip("login", "no login was given");
            return false;
        };
        let read = timeout(self.deadline, mail.fetch(login, &Selection::Unseen, 1)).await;
        let works = match read {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                walk.failed("login", &lift(error, "log in", &self.address));
                false
            }
            Err(_) => {
                walk.failed("login", &super::late("log in", &self.address));
                false
            }
        };
        walk.done("login");
        works
    }

    /// Sends the mailbox a mail by itself and waits until it is there; returns the header that it came with.
    pub(super) async fn send_probe(&self, walk: &mut Diagnosis) -> Option<String> {
        let (mail, login) = self.mail.as_ref()?;
        let message = NewMessage::to(self.address.clone())
            .with_subject("A look at whether mail arrives")
            .with_text("Sent by a program that looks why mail doesn't go its way. It can be removed.")
            .with_auto_submitted(AutoSubmitted::Generated)
            .seal(&self.address.clone().into());
        let submitted = match message {
            Ok(message) => {
                let submitted = timeout(self.deadline, mail.submit(login, &message)).await;
                submitted.map(|submitted| submitted.map(|answer| (answer, message.message_id().clone())))
            }
            Err(error) => Ok(Err(error)),
        };
        let header = match submitted {
            Ok(Ok((answer, id))) => match answer.refused.first() {
                Some((_, status)) => {
                    walk.found("probe", Remedy::of_status(status), status.to_string());
                    None
                }
                None => self.await_probe(walk, &id, answer.status.to_string()).await,
            },
            Ok(Err(error)) => {
                walk.failed("probe", &lift(error, "send probe", &self.address));
                None
            }
            Err(_) => {
                walk.failed("probe", &super::late("send probe", &self.address));
                None
            }
        };
        walk.done("probe");
        header
    }

    async fn await_probe(&self, walk: &mut Diagnosis, id: &MessageId, taken: String) -> Option<String> {
        let end = Instant::now() + self.deadline;
        loop {
            match self.find_probe(id).await {
                Ok(Some(header)) => return Some(header),
                Ok(None) if Instant::now() < end => sleep(PAUSE).await,
                Ok(None) => {
                    walk.found("probe", NOT_DELIVERED, taken);
                    return None;
                }
                Err(error) => {
                    walk.failed("probe", &lift(error, "look for probe", &self.address));
                    return None;
                }
            }
        }
    }

    async fn find_probe(&self, id: &MessageId) -> Result<Option<String>, MailError> {
        let Some((mail, login)) = &self.mail else { return Ok(None) };
        let selection = Selection::MessageId(id.clone());
        let Ok(batch) = timeout(self.deadline, mail.fetch(login, &selection, 1)).await else {
            return Ok(None);
        };
        let batch = batch?;
        let Some(message) = batch.messages.first() else { return Ok(None) };
        // It is no news for whoever reads the mailbox; if the mark fails, it is read once.
        let _ = timeout(self.deadline, mail.mark_seen(login, batch.uid_validity, &[message.uid()])).await;
        Ok(Some(header_of(message)))
    }
}

fn header_of(message: &Received) -> String {
    message.headers().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}: {value}");
        text
    })
}

const PAUSE: Duration = Duration::from_secs(1);
const NOT_DELIVERED: Remedy = remedy(
    "accepted_not_delivered",
    "the mail system took a mail of the mailbox to itself and did not file it: it is in the queue, in another folder, \
     forwarded, or dropped by a filter",
    "look at the queue and at the filters and forwards of the mailbox, and at the log of Dovecot",
);
