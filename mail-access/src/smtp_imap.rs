mod config;
mod store;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use tokio::time::Instant;

pub(crate) use self::config::SMTP_LIMITS;
pub use self::config::SmtpImapConfig;
use crate::imap::{Ends, Fetched, Trust};
use crate::wire::{Connector, Endpoint, Fault, TlsConnector, sasl};
use crate::{
    Address, Arrival, Batch, Error, Login, MailAccess, Outgoing, Position, Selection, Submission, Uid,
};
use crate::{imap, smtp};

/// A mail system behind two real servers: messages go out by SMTP submission (RFC 6409) and are read by IMAP
/// (RFC 3501), both over TLS: from the first byte on (RFC 8314), or, for submission only and if
/// [asked for](SmtpImapConfig::with_smtp_security), by STARTTLS.
///
/// # Connections
/// For submission there are at most 4 connections for each login and 32 in all, which is below what servers allow one
/// client (Postfix 50); calls that find none free wait in turn, for 5 minutes at most. Each connection belongs to a
/// task of its own on the runtime of the call that opened it. Where that one stands still or ends, messages that the
/// task had not begun with take another connection after 5 s, and what becomes of one that it had is unknown. It is
/// used for one message after the other, up to 1000, and closed after 60 s without one; when the server closes it
/// first, that is noticed at once. Where calls wait, the envelope of the next message goes out together with the end of
/// the one before (RFC 2920), if the server answered its last one within 250 ms; it waits no longer than 1 s there. The
/// first connection of a login is opened alone, and others when it is logged in: a wrong password is shown to the
/// server once, and then not again for 5 minutes, in which the answer is the same
/// [`Error::Authentication`] with the time that is left. Another password is another login, and its connections are
/// its own. [`SmtpImapConfig`] changes these figures. A login without a connection costs nothing. Logins that are
/// [checked](MailAccess::check_submission) have connections beside these, 4 at a time.
///
/// For reading each login has one connection at most, and there are 500 in all. It belongs to a task as well, which
/// does one call after the other, keeps the connection for 5 minutes without one, and answers those who
/// [wait](MailAccess::wait) for mail in between: by IDLE (RFC 2177), renewed every 5 minutes and given up after 30 s
/// without an answer, or by asking every 5 s where the server has none. Any number of calls may wait for one login. A
/// refused login is not tried again either, and the logins of many take turns, 32 at a time. Where there are more logins
/// than connections they take turns in waiting; see [`SmtpImapConfig::with_max_imap_connections`]. Mail that is
/// submitted here wakes those who wait for it here within milliseconds; see [`hint`](Self::hint).
///
/// It never retries what may have happened: only a kept connection that turns out to be closed before the message was
/// taken is replaced once.
///
/// # Dropped calls
/// No call harms another by being dropped. A message that has not begun to go out then is taken back. One that has, be
/// it but its envelope, is carried to its end in the background, within the deadlines, so that as a rule it is taken,
/// and nobody is told. It is the same with a call that reads or marks.
/// When the value itself is dropped, the idle connections take leave (QUIT, LOGOUT) and those in use do so after their
/// message or call.
///
/// Of what a submission server offers it uses PIPELINING, SIZE, 8BITMIME, SMTPUTF8, CHUNKING, DSN, and AUTH by PLAIN,
/// LOGIN or, with a token, XOAUTH2. A server may take as long as RFC 5321 section 4.5.3.2 allows: 5 minutes for a
/// command, 10 for the message. Who is in a hurry drops the call.
///
/// It logs (by `tracing`, level DEBUG) which operation ended how, and nothing of logins and messages. The crate
/// `async-imap` that it uses logs what servers send, mail included, at TRACE, but no passwords.
///
/// ```
/// use mail_access::{Endpoint, SmtpImap, tls_config};
///
/// let smtp = Endpoint::new("mail.agents.example", 465)?;
/// let imap = Endpoint::new("mail.agents.example", 993)?;
/// let mail = SmtpImap::over_tls(smtp, imap, tls_config(None)?);
/// # Ok::<(), mail_access::Error>(())
/// ```
pub struct SmtpImap {
    config: SmtpImapConfig,
    submissions: smtp::Pool,
    mailboxes: imap::Pool,
    ends: Arc<Ends>,
}

impl SmtpImap {
    /// Reaches the servers of `config` by `connector`.
    pub fn new(config: SmtpImapConfig, connector: Arc<dyn Connector>) -> Self {
        let SmtpImapConfig {
            smtp,
            smtp_security,
            smtp_limits,
            imap,
            imap_bounds,
            imap_terms,
            catch_alls,
            ..
        } = &config;
        let submissions = smtp::Pool::new(Arc::clone(&connector), smtp.clone(), *smtp_security, *smtp_limits);
        let mailboxes =
            imap::Pool::new(connector, imap.clone(), *imap_bounds, imap_terms.clone(), catch_alls);
        Self { config, submissions, mailboxes, ends: Arc::default() }
    }

    /// Reaches two servers by TLS; see [`tls_config`](crate::tls_config).
    pub fn over_tls(smtp: Endpoint, imap: Endpoint, tls: impl Into<Arc<ClientConfig>>) -> Self {
        Self::new(SmtpImapConfig::new(smtp, imap), Arc::new(TlsConnector::new(tls)))
    }

    /// Has those looked after at once who wait for mail to an address: it is on its way to them.
    ///
    /// A server tells of new mail late: Dovecot 500 ms after it came. Of what is submitted here those who wait here are
    /// woken within milliseconds; this is the way to wake them for mail that another process sent. It costs the server
    /// a few looks at the mailbox within a second, and nothing where nobody waits. The address may bear a plus-tag
    /// (`ada+x@` for `ada@`), and the case of its letters doesn't count. Mail for an address that no login bears wakes
    /// the [catch-all](SmtpImapConfig::with_catch_all) of its domain.
    pub fn hint(&self, address: &Address) {
        self.mailboxes.hint(address);
    }

    fn limits(&self) -> imap::Limits {
        imap::Limits { message: self.config.max_message, batch: self.config.max_batch }
    }
}

#[async_trait]
impl MailAccess for SmtpImap {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        let done = submit(&self.submissions, &self.config.smtp, login, message).await;
        if let Ok(submission) = &done {
            submission.accepted.iter().for_each(|address| self.mailboxes.hint(address));
        }
        done
    }

    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        report("check_submission", &self.config.smtp, login, self.submissions.check(login).await)
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        let (asked, limits) = (Arc::new(selection.clone()), self.limits());
        let ends = Arc::clone(&self.ends);
        let mut trust = Trust { login: login.address().clone(), doubts: ends.doubts(login.address()), ends };
        let mut connections = 1..MAX_BROKEN;
        let done = loop {
            let (selection, known) = (Arc::clone(&asked), trust.clone());
            let done = self.mailboxes.run(login, READING, move |session| {
                let (selection, trust) = (Arc::clone(&selection), known.clone());
                Box::pin(async move {
                    let inbox = session.select().await?;
                    session.fetch(inbox, &selection, limit, limits, trust).await
                })
            });
            match done.await {
                Ok(Fetched::Batch(batch)) => {
                    self.ends.gave(login.address(), batch.uid_validity, &batch.messages);
                    break Ok(batch);
                }
                // The message is asked for on another connection, and by less of it, until it lets the others by.
                Ok(Fetched::Broken(suspect)) if connections.next().is_some() => {
                    trust.doubts.extend([suspect.doubt()]);
                }
                Ok(Fetched::Broken(suspect)) => break Err(suspect.fault),
                Err(fault) => break Err(fault),
            }
        };
        report("fetch", &self.config.imap, login, done)
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        let uids: Arc<[Uid]> = uids.into();
        let done = self.mailboxes.run(login, READING, move |session| {
            let uids = Arc::clone(&uids);
            Box::pin(async move {
                let inbox = session.select().await?;
                session.mark_seen(inbox, uid_validity, &uids).await
            })
        });
        report("mark_seen", &self.config.imap, login, done.await)
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        let end = Instant::now() + at_most.min(FOREVER);
        let done = self.mailboxes.wait(login, after, end);
        report("wait", &self.config.imap, login, done.await)
    }
}

/// Shows where it leads, and no login.
impl fmt::Debug for SmtpImap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpImap")
            .field("config", &self.config)
            .field("submissions", &self.submissions)
            .field("mailboxes", &self.mailboxes)
            .finish_non_exhaustive()
    }
}

/// Hands a message over and takes the login out of what the server says to it.
pub(crate) async fn submit(
    submissions: &smtp::Pool,
    server: &Endpoint,
    login: &Login,
    message: &Outgoing,
) -> Result<Submission, Error> {
    let mut done = submissions.submit(login, message).await;
    if let Ok(submission) = &mut done {
        let said = submission.refused.iter_mut().map(|(_, status)| status).chain([&mut submission.status]);
        said.for_each(|status| *status = sasl::without_login(status.clone(), login));
    }
    report("submit", server, login, done)
}

/// Logs how an operation ended and makes the error that the caller gets.
pub(crate) fn report<T>(
    operation: &'static str,
    server: &Endpoint,
    login: &Login,
    done: Result<T, Fault>,
) -> Result<T, Error> {
    let outcome = done.as_ref().err().map_or("ok", Fault::name);
    tracing::debug!(operation, %server, outcome);
    done.map_err(|fault| fault.lift(operation, server, login))
}

/// Connections that a fetch may lose to a message that can't be read.
const MAX_BROKEN: usize = 6;
/// Marking twice is marking.
const READING: imap::Manner = imap::Manner { in_inbox: true, is_repeatable: true };
/// As good as for ever, and no overflow.
pub(crate) const FOREVER: Duration = Duration::from_hours(10 * 365 * 24);

#[cfg(test)]
mod tests;
