use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::coop::consume_budget;
use tokio::time::timeout;

use super::delivery::Mail;
use super::mailbox::Found;
use super::{FETCH, Fault, MARK_SEEN, PostOffice, SUBMIT, WAIT};
use crate::{
    Arrival, Batch, Error, Login, MailAccess, Outgoing, Position, Selection, Status, Submission, Uid,
};

/// Each method takes effect in one step, so that a dropped call has done everything or nothing. It lets other tasks
/// run now and then, as a network would. [`wait`](MailAccess::wait) needs a Tokio runtime with its time driver.
#[async_trait]
impl MailAccess for PostOffice {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        consume_budget().await;
        let fault = self.admit(login, message)?;
        let settings = &self.office.settings;
        let number = self.office.submitted.fetch_add(1, Ordering::Relaxed);
        let mail = Mail::new(message, &settings.host, number, (settings.clock)());
        let mut state = self.state();
        // The copying above was done without the lock: the mailbox may be gone by now.
        state.open(login, SUBMIT)?;
        let submission = state.deliver(&mail)?;
        match fault {
            Some(Fault::SubmitTakenAndLost) => Err(interrupted()),
            _ => Ok(submission),
        }
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        consume_budget().await;
        let (uid_validity, found, more) = {
            let mut state = self.state();
            if state.take_fault(login.address(), &[Fault::FetchUnavailable]).is_some() {
                return Err(self.unavailable(FETCH));
            }
            let mailbox = state.open(login, FETCH)?;
            let found = mailbox.uid_validity;
            let selected = mailbox.select(selection, limit);
            let (messages, more) =
                selected.map_err(|expected| Error::Renumbered { operation: FETCH, expected, found })?;
            (found, messages, more)
        };
        Ok(Batch::new(uid_validity, found.into_iter().map(Found::decode).collect(), more))
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        consume_budget().await;
        let mut state = self.state();
        let mailbox = state.open(login, MARK_SEEN)?;
        let found = mailbox.uid_validity;
        if found != uid_validity && !uids.is_empty() {
            return Err(Error::Renumbered { operation: MARK_SEEN, expected: uid_validity, found });
        }
        mailbox.mark_seen(uids);
        Ok(())
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        // Not within the timeout: out of budget, a short one would pass before the first look at the mailbox.
        consume_budget().await;
        match timeout(at_most, self.arrival(login, after)).await {
            Ok(ended) => ended.map(|()| Arrival::New),
            Err(_) => Ok(Arrival::TimedOut),
        }
    }
}

impl PostOffice {
    /// Checks all that needs only a look at the message; the answer is the fault to play once it is delivered.
    fn admit(&self, login: &Login, message: &Outgoing) -> Result<Option<Fault>, Error> {
        let mut state = self.state();
        let fault = state.take_fault(
            login.address(),
            &[Fault::SubmitUnavailable, Fault::SubmitLost, Fault::SubmitTakenAndLost],
        );
        if fault == Some(Fault::SubmitUnavailable) {
            return Err(self.unavailable(SUBMIT));
        }
        state.open(login, SUBMIT)?;
        let refused = |code, enhanced, text: &str| {
            Err(Error::Refused { operation: SUBMIT, status: Status::new(code, Some(enhanced), text) })
        };
        let (own, sender) = (login.address(), message.sender());
        if !sender.is_same_mailbox(own) {
            let text = format!("<{sender}>: Sender address rejected: not owned by user {own}");
            return refused(553, (5, 7, 1), &text);
        }
        if message.size() > self.office.settings.size_limit {
            return refused(552, (5, 3, 4), "Error: message file too big");
        }
        match fault {
            Some(Fault::SubmitLost) => Err(interrupted()),
            fault => Ok(fault),
        }
    }

    async fn arrival(&self, login: &Login, after: Position) -> Result<(), Error> {
        loop {
            let ring = {
                let mut state = self.state();
                if state.take_fault(login.address(), &[Fault::WaitUnavailable]).is_some() {
                    return Err(self.unavailable(WAIT));
                }
                let mailbox = state.open(login, WAIT)?;
                if mailbox.has_news_behind(after) {
                    return Ok(());
                }
                // Made before the lock is released: whatever arrives after the look above rings it.
                mailbox.next_ring()
            };
            ring.await;
        }
    }

    fn unavailable(&self, operation: &'static str) -> Error {
        let server = self.office.settings.host.to_string();
        Error::Unavailable { operation, server, source: io::ErrorKind::ConnectionRefused.into() }
    }
}

fn interrupted() -> Error {
    Error::Interrupted { operation: SUBMIT, source: io::ErrorKind::UnexpectedEof.into() }
}
