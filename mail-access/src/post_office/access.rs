use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::task::coop::consume_budget;
use tokio::time::{sleep, timeout, timeout_at};

use super::call::Call;
use super::folder::Found;
use super::mail::Mail;
use super::mailbox::Mailbox;
use super::state::Name;
use super::{CHECK_SUBMISSION, FETCH, Fault, MARK_SEEN, Occasion, PostOffice, SUBMIT, WAIT};
use crate::{
    Address, Arrival, Batch, DomainName, Error, FolderName, Login, MailAccess, Outgoing, Position, Selection,
    Submission, Uid,
};

/// Each method takes effect in one step, so that a dropped call has done everything or nothing. It lets other tasks
/// run now and then, as a network would. [`wait`](MailAccess::wait) needs a Tokio runtime with its time driver.
#[async_trait]
impl MailAccess for PostOffice {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        consume_budget().await;
        self.take(Some(login), message).await
    }

    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        consume_budget().await;
        self.state().open(login, CHECK_SUBMISSION).map(drop)
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        let inbox = FolderName::inbox();
        let select = |mailbox: &mut Mailbox| {
            let found = mailbox.inbox.uid_validity;
            let renumbered = |expected| Error::Renumbered { operation: FETCH, expected, found };
            let (messages, more) = mailbox.select(selection, limit).map_err(renumbered)?;
            Ok((found, messages, more))
        };
        let (uid_validity, found, more) = self.reading(&Call::of(login, FETCH, &inbox), select).await?;
        Ok(Batch::new(uid_validity, found.into_iter().map(Found::decode).collect(), more))
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        let inbox = FolderName::inbox();
        let mark = |mailbox: &mut Mailbox| {
            let found = mailbox.inbox.uid_validity;
            if found != uid_validity && !uids.is_empty() {
                return Err(Error::Renumbered { operation: MARK_SEEN, expected: uid_validity, found });
            }
            mailbox.mark_seen(uids);
            Ok(())
        };
        self.changing(&Call::of(login, MARK_SEEN, &inbox), mark).await
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
    /// Takes a message as a server elsewhere in the world hands it over: of any sender, without a login.
    ///
    /// Only recipients in hosted domains are accepted. Who is refused, and what is delivered late or twice, is judged
    /// as for [`submit`](MailAccess::submit), but without a rate limit. `Authentication-Results` say `none` unless
    /// other [verdicts](Self::set_verdicts_for_sender) were set for the address in From; so this is how a test sends
    /// forged mail. Reports to a sender who has no mailbox here are dropped.
    ///
    /// # Errors
    /// As for [`submit`](MailAccess::submit), but never [`Error::Authentication`].
    ///
    /// ```
    /// use mail_access::{Address, Login, MailAccess, NewMessage, PostOffice, Selection, Verdict, Verdicts};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let office = PostOffice::new();
    /// office.add_domain("agents.example".parse()?);
    /// let ada: Address = "ada@agents.example".parse()?;
    /// office.add_mailbox(&ada, "secret".into(), 0)?;
    ///
    /// let boss: Address = "boss@bank.example".parse()?;
    /// office.set_verdicts_for_sender(&boss, Verdicts::all(Verdict::Fail));
    /// office.receive(&NewMessage::to(&ada).with_subject("pay at once").seal(&boss.into())?).await?;
    ///
    /// let inbox = office.fetch(&Login::new(ada, "secret".into()), &Selection::Unseen, 1).await?;
    /// let raw = String::from_utf8_lossy(inbox.messages[0].raw()).into_owned();
    /// assert!(raw.contains("dmarc=fail header.from=bank.example"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn receive(&self, message: &Outgoing) -> Result<Submission, Error> {
        self.take(None, message).await
    }

    /// Returns a message as an office would file it for one recipient: with what the office writes above a submission.
    ///
    /// It is for programs that deliver a message by themselves and want it to look as if it had been sent. `host` is what
    /// the office calls itself, and `number` what tells this message from others in its queue.
    pub fn delivered(
        message: &Outgoing,
        recipient: &Address,
        host: &DomainName,
        number: u64,
        now: SystemTime,
    ) -> Vec<u8> {
        let mail = Mail::new(message, true, host, number, now);
        mail.judged(None).stored(recipient, &Name::of(recipient), now).bytes()
    }

    async fn take(&self, login: Option<&Login>, message: &Outgoing) -> Result<Submission, Error> {
        let plan = self.state().plan(login.map(Login::address), message);
        match plan.submission {
            Some(Fault::SubmitUnavailable) => return Err(self.unavailable(SUBMIT)),
            Some(Fault::SubmitSlow(pause)) => sleep(pause).await,
            _ => {}
        }
        self.admit(login, message)?;
        let settings = &self.office.settings;
        let number = self.office.submitted.fetch_add(1, Ordering::Relaxed);
        let mail = Mail::new(message, login.is_some(), &settings.host, number, (settings.clock)());
        let submission = {
            let mut state = self.state();
            if let Some(login) = login {
                // The copying above was done without the lock: the mailbox may be gone by now.
                state.open(login, SUBMIT)?;
            }
            let mail = mail.judged(Some(&state));
            let judged = state.judge(&mail, &plan)?;
            if let Some(login) = login {
                state.within_rate(login.address())?;
            }
            match plan.submission {
                Some(Fault::SubmitRefused(refusal)) => {
                    return Err(Error::Refused { operation: SUBMIT, status: refusal.status() });
                }
                Some(Fault::SubmitLost) => return Err(interrupted(SUBMIT)),
                _ => state.deliver(&Arc::new(mail), &plan, judged),
            }
        };
        match plan.submission {
            Some(Fault::SubmitTakenAndLost) => return Err(interrupted(SUBMIT)),
            Some(Fault::SubmitTakenAndSlow(pause)) => sleep(pause).await,
            _ => {}
        }
        Ok(submission)
    }

    async fn arrival(&self, login: &Login, after: Position) -> Result<(), Error> {
        let inbox = FolderName::inbox();
        loop {
            let (ring, due) = {
                let mut state = self.state();
                if state
                    .take_fault(Occasion::Waiting { login: login.address() }, |fault| {
                        fault == Fault::WaitUnavailable
                    })
                    .is_some()
                {
                    return Err(self.unavailable(WAIT));
                }
                let mailbox = self.enter(&mut state, &Call::of(login, WAIT, &inbox))?;
                if mailbox.inbox.has_news_behind(after) {
                    return Ok(());
                }
                // Made before the lock is released: whatever arrives after the look above rings it.
                (mailbox.next_ring(), state.next_due(login.address()))
            };
            match due {
                // That the time is over is a reason to look as good as a ring.
                Some(due) => drop(timeout_at(due, ring).await),
                None => ring.await,
            }
        }
    }

    pub(super) fn unavailable(&self, operation: &'static str) -> Error {
        let server = self.office.settings.host.to_string();
        Error::Unavailable { operation, server, source: io::ErrorKind::ConnectionRefused.into() }
    }
}

pub(super) fn interrupted(operation: &'static str) -> Error {
    Error::Interrupted { operation, source: io::ErrorKind::UnexpectedEof.into() }
}
