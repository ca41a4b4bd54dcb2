use std::fmt;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use mail_access::{
    Arrival, Batch, Error, Login, MailAccess, Outgoing, Position, PostOffice, Selection, Submission, Uid,
};
use tokio::time::{sleep, timeout};

use super::Service;
use super::clock::VirtualTime;
use super::outages::Outages;
use super::outside::Outside;

/// The mail system at the end of a line that is slow, and at times dead.
pub(super) struct SimulatedMail {
    pub(super) office: PostOffice,
    pub(super) time: Arc<VirtualTime>,
    pub(super) outside: Arc<Outside>,
    pub(super) outages: Outages,
}

impl SimulatedMail {
    /// Brings a call to the server.
    pub(super) async fn reach(&self, service: Service, operation: &'static str) -> Result<(), Error> {
        self.travel().await;
        if self.outages.is_out(service, self.time.elapsed()) {
            return Err(unavailable(operation, service));
        }
        Ok(())
    }

    /// Brings the answer back; what was done can't be known where it gets lost.
    pub(super) async fn answer(&self, service: Service, operation: &'static str) -> Result<(), Error> {
        self.travel().await;
        if self.outages.is_out(service, self.time.elapsed()) {
            return Err(Error::Interrupted { operation, source: ErrorKind::ConnectionReset.into() });
        }
        Ok(())
    }

    async fn travel(&self) {
        let latency = self.outside.sky().latency();
        if !latency.is_zero() {
            sleep(latency).await;
        }
    }
}

#[async_trait]
impl MailAccess for SimulatedMail {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        self.reach(Service::Smtp, SUBMIT).await?;
        let submission = self.office.submit(login, message).await;
        self.answer(Service::Smtp, SUBMIT).await?;
        submission
    }

    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        self.reach(Service::Smtp, CHECK_SUBMISSION).await?;
        let checked = self.office.check_submission(login).await;
        // Nothing can have happened.
        self.answer(Service::Smtp, CHECK_SUBMISSION)
            .await
            .map_err(|_| unavailable(CHECK_SUBMISSION, Service::Smtp))?;
        checked
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        self.reach(Service::Imap, FETCH).await?;
        let batch = self.office.fetch(login, selection, limit).await;
        // Nothing can have happened.
        self.answer(Service::Imap, FETCH).await.map_err(|_| unavailable(FETCH, Service::Imap))?;
        batch
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        self.reach(Service::Imap, MARK_SEEN).await?;
        let marked = self.office.mark_seen(login, uid_validity, uids).await;
        self.answer(Service::Imap, MARK_SEEN).await?;
        marked
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        self.reach(Service::Imap, WAIT).await?;
        let wait = self.office.wait(login, after, at_most);
        match self.outages.next(Service::Imap, self.time.elapsed()) {
            // Whatever waits when the server goes away learns of it.
            Some(left) if left < at_most => {
                timeout(left, wait).await.unwrap_or_else(|_| Err(unavailable(WAIT, Service::Imap)))
            }
            _ => wait.await,
        }
    }
}

impl fmt::Debug for SimulatedMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatedMail").field("office", &self.office).finish_non_exhaustive()
    }
}

pub(super) fn unavailable(operation: &'static str, service: Service) -> Error {
    let server =
        if service == Service::Smtp { "the simulated SMTP server" } else { "the simulated IMAP server" };
    Error::Unavailable { operation, server: server.to_owned(), source: ErrorKind::ConnectionRefused.into() }
}

const CHECK_SUBMISSION: &str = "check_submission";
const SUBMIT: &str = "submit";
const FETCH: &str = "fetch";
const MARK_SEEN: &str = "mark_seen";
const WAIT: &str = "wait";
