use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::wire::{Connector, Endpoint, Fault, Parking, Security, TlsConnector};
use crate::{Arrival, Batch, Error, Login, MailAccess, Outgoing, Position, Selection, Submission, Uid};
use crate::{imap, smtp};

/// A mail system behind two real servers: messages go out by SMTP submission (RFC 6409) and are read by IMAP
/// (RFC 3501), both over TLS: from the first byte on (RFC 8314), or, for submission only and if
/// [asked for](SmtpImapConfig::with_smtp_security), by STARTTLS.
///
/// It keeps up to 64 connections of each kind open for the next call of the same login, those for SMTP for 60 s and
/// those for IMAP for 5 minutes. A call has its connection for itself and gives it back only when the server's
/// last answer was complete; so a call may be dropped at any time and no other one is harmed. It never retries
/// what may have happened: only a kept connection that turns out to be closed is replaced once.
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
    connector: Arc<dyn Connector>,
    submissions: Parking<smtp::Session>,
    mailboxes: Parking<imap::Session>,
}

impl SmtpImap {
    /// Reaches the servers of `config` by `connector`.
    pub fn new(config: SmtpImapConfig, connector: Arc<dyn Connector>) -> Self {
        Self { config, connector, submissions: Parking::new(SMTP_AGE), mailboxes: Parking::new(IMAP_AGE) }
    }

    /// Reaches two servers by TLS; see [`tls_config`](crate::tls_config).
    pub fn over_tls(smtp: Endpoint, imap: Endpoint, tls: impl Into<Arc<ClientConfig>>) -> Self {
        Self::new(SmtpImapConfig::new(smtp, imap), Arc::new(TlsConnector::new(tls)))
    }

    async fn submit_once(&self, login: &Login, message: &Outgoing) -> Result<Submission, Fault> {
        if let Some(mut session) = self.submissions.take(login)
            && session.is_usable()
        {
            match session.submit(message).await {
                // Closed meanwhile; nothing was taken.
                Err(fault) if fault.is_stale() => {}
                done => return self.end_submission(login, session, done).await,
            }
        }
        let SmtpImapConfig { smtp, smtp_security, .. } = &self.config;
        let mut session = smtp::Session::connect(&*self.connector, smtp, *smtp_security, login).await?;
        let done = session.submit(message).await;
        self.end_submission(login, session, done).await
    }

    async fn end_submission(
        &self,
        login: &Login,
        session: smtp::Session,
        done: Result<Submission, Fault>,
    ) -> Result<Submission, Fault> {
        match &done {
            Ok(_) => self.submissions.park(login, session),
            Err(Fault::Refused(_) | Fault::RecipientsRefused(_)) => session.quit().await,
            Err(_) => {}
        }
        done
    }

    /// Gives a session with the INBOX selected: a kept one if it is still open, else a fresh one.
    async fn mailbox(&self, login: &Login) -> Result<(imap::Session, imap::Inbox), Fault> {
        if let Some(mut session) = self.mailboxes.take(login) {
            match session.select().await {
                Err(fault) if fault.is_stale() => {}
                selected => return Ok((session, selected?)),
            }
        }
        let stream = self.connector.connect(&self.config.imap).await?;
        let mut session = imap::Session::open(stream, login).await?;
        let inbox = session.select().await?;
        Ok((session, inbox))
    }

    fn end<T>(&self, login: &Login, session: imap::Session, done: Result<T, Fault>) -> Result<T, Fault> {
        if session.is_in_step() {
            self.mailboxes.park(login, session);
        }
        done
    }

    fn limits(&self) -> imap::Limits {
        imap::Limits { message: self.config.max_message, batch: self.config.max_batch }
    }
}

#[async_trait]
impl MailAccess for SmtpImap {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        let done = self.submit_once(login, message).await;
        report("submit", &self.config.smtp, login, done)
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        let done = async {
            let (mut session, inbox) = self.mailbox(login).await?;
            let done = session.fetch(inbox, selection, limit, self.limits()).await;
            self.end(login, session, done)
        };
        report("fetch", &self.config.imap, login, done.await)
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        let done = async {
            let (mut session, inbox) = self.mailbox(login).await?;
            let done = session.mark_seen(inbox, uid_validity, uids).await;
            self.end(login, session, done)
        };
        report("mark_seen", &self.config.imap, login, done.await)
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        let end = Instant::now() + at_most.min(FOREVER);
        let done = async {
            let (mut session, inbox) = self.mailbox(login).await?;
            let done = session.wait(inbox, after, end).await;
            self.end(login, session, done)
        };
        report("wait", &self.config.imap, login, done.await)
    }
}

/// Shows where it leads, and no login.
impl fmt::Debug for SmtpImap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpImap")
            .field("config", &self.config)
            .field("kept_submissions", &self.submissions.len())
            .field("kept_mailboxes", &self.mailboxes.len())
            .finish_non_exhaustive()
    }
}

/// Which servers [`SmtpImap`] reaches, and how much it takes from them.
#[derive(Clone, Debug)]
pub struct SmtpImapConfig {
    smtp: Endpoint,
    smtp_security: Security,
    imap: Endpoint,
    max_message: u64,
    max_batch: u64,
}

impl SmtpImapConfig {
    /// Names the servers: submission over TLS, commonly port 465, and IMAP over TLS, commonly port 993.
    pub fn new(smtp: Endpoint, imap: Endpoint) -> Self {
        let smtp_security = Security::ImplicitTls;
        Self { smtp, smtp_security, imap, max_message: MAX_MESSAGE, max_batch: MAX_BATCH }
    }

    /// Sets how the submission server's connections become private, by [`Security::ImplicitTls`] else.
    ///
    /// ```
    /// use mail_access::{Endpoint, Security, SmtpImapConfig};
    ///
    /// let smtp = Endpoint::new("mail.agents.example", 587)?;
    /// let imap = Endpoint::new("mail.agents.example", 993)?;
    /// let config = SmtpImapConfig::new(smtp, imap).with_smtp_security(Security::StartTls);
    /// # Ok::<(), mail_access::Error>(())
    /// ```
    pub fn with_smtp_security(mut self, security: Security) -> Self {
        self.smtp_security = security;
        self
    }

    /// Sets the largest message that is read whole, in bytes, 128 MiB else; of a larger one only the header is
    /// ([`Received::is_truncated`](crate::Received::is_truncated)). Over 500 MiB it counts as 500 MiB.
    pub fn with_max_message(mut self, bytes: u32) -> Self {
        self.max_message = u64::from(bytes).min(LARGEST_MESSAGE);
        self
    }

    /// Sets how many bytes a batch holds at most, 64 MiB else; one message is always given out.
    pub fn with_max_batch(mut self, bytes: u32) -> Self {
        self.max_batch = bytes.into();
        self
    }
}

/// Logs how an operation ended and makes the error that the caller gets.
fn report<T>(
    operation: &'static str,
    server: &Endpoint,
    login: &Login,
    done: Result<T, Fault>,
) -> Result<T, Error> {
    let outcome = done.as_ref().err().map_or("ok", Fault::name);
    tracing::debug!(operation, %server, outcome);
    done.map_err(|fault| fault.lift(operation, server, login))
}

/// Postfix closes a connection after 300 s of silence, under stress after 10.
const SMTP_AGE: Duration = Duration::from_mins(1);
/// Dovecot closes one after 30 minutes.
const IMAP_AGE: Duration = Duration::from_mins(5);
/// As good as for ever, and no overflow.
const FOREVER: Duration = Duration::from_hours(10 * 365 * 24);
/// async-imap reads into buffers of 512 MiB at most.
const LARGEST_MESSAGE: u64 = 500 << 20;
const MAX_MESSAGE: u64 = 128 << 20;
const MAX_BATCH: u64 = 64 << 20;

#[cfg(test)]
mod tests;
