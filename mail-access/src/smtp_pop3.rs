use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use rustls::ClientConfig;
use tokio::time::Instant;

use crate::smtp_imap::{FOREVER, SMTP_LIMITS, report, submit};
use crate::wire::{Connector, Endpoint, Security, TlsConnector};
use crate::{Arrival, Batch, Error, Login, MailAccess, Outgoing, Position, Selection, Submission, Uid};
use crate::{pop3, smtp};

/// A mail system behind two real servers, for accounts that offer no IMAP: messages go out by SMTP submission as with
/// [`SmtpImap`](crate::SmtpImap), and are read by POP3 (RFC 1939) over TLS from the first byte on.
///
/// POP3 knows neither numbers that last nor marks, and tells nothing of new mail. This is what becomes of it:
///
/// - **Numbers** are given to messages in the order in which they appear, by the identities that the server has for
///   them (UIDL), and live as long as this value does: a program that starts anew finds another UIDVALIDITY, as after
///   any renumbering.
/// - **Marks** of [`mark_seen`](MailAccess::mark_seen) are remembered here and not on the server: for
///   [`Selection::Unseen`] every message is unseen again when the program starts anew, and other programs don't see
///   them at all. What was dealt with for good is best [deleted](Self::delete).
/// - **[`wait`](MailAccess::wait)** looks again and again, every 30 s if nothing else is
///   [set](SmtpPop3Config::with_poll), and never more often than the server wants (LOGIN-DELAY); all who wait at one
///   mailbox share these looks.
/// - **The date of arrival** is read out of the uppermost `Received` field.
/// - **A search by Message-ID** reads all headers up to the message.
///
/// # Sessions
/// Each call has a session of its own, as a server may lock a maildrop while one is open; calls of one mailbox take
/// turns, for 5 minutes at most. Where somebody else has it (IN-USE) the call tries again for 4 s, and then it is a
/// temporary [`Error::Refused`]. The session ends without a trace: what was read is neither deleted nor marked on the
/// server. A dropped call ends its connection.
///
/// A wrong password is shown to the server once, and then not again for 5 minutes, in which the answer is the same
/// [`Error::Authentication`] with the time that is left.
///
/// # Memory
/// It remembers about 100 bytes a message that a maildrop holds, of up to 10 000 mailboxes and a million messages
/// together; beyond that, the mailboxes that were not in use for the longest time are forgotten and numbered anew. A
/// maildrop of more than 250 000 messages is refused.
///
/// ```
/// use mail_access::{Endpoint, SmtpPop3, tls_config};
///
/// let smtp = Endpoint::new("mail.agents.example", 465)?;
/// let pop3 = Endpoint::new("mail.agents.example", 995)?;
/// let mail = SmtpPop3::over_tls(smtp, pop3, tls_config(None)?);
/// # Ok::<(), mail_access::Error>(())
/// ```
pub struct SmtpPop3 {
    config: SmtpPop3Config,
    submissions: smtp::Pool,
    source: pop3::Source,
}

impl SmtpPop3 {
    /// Reaches the servers of `config` by `connector`.
    pub fn new(config: SmtpPop3Config, connector: Arc<dyn Connector>) -> Self {
        let SmtpPop3Config { smtp, smtp_security, smtp_limits, pop3, pop3_limits } = &config;
        let submissions = smtp::Pool::new(Arc::clone(&connector), smtp.clone(), *smtp_security, *smtp_limits);
        let source = pop3::Source::new(connector, pop3.clone(), *pop3_limits);
        Self { config, submissions, source }
    }

    /// Reaches two servers by TLS; see [`tls_config`](crate::tls_config).
    pub fn over_tls(smtp: Endpoint, pop3: Endpoint, tls: impl Into<Arc<ClientConfig>>) -> Self {
        Self::new(SmtpPop3Config::new(smtp, pop3), Arc::new(TlsConnector::new(tls)))
    }

    /// Removes messages from the server for good (DELE).
    ///
    /// # Contract
    /// - All of them are removed or none; the server does it when the session ends (QUIT). UIDs that are no longer
    ///   there change nothing: it is safe to repeat.
    /// - With another UIDVALIDITY it is [`Error::Renumbered`] and nothing is removed.
    /// - A dropped call leaves all removed or none.
    ///
    /// # Errors
    /// As for [`mark_seen`](MailAccess::mark_seen). [`Error::Refused`] if the server can't remove some of them.
    pub async fn delete(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        let done = self.source.delete(login, uid_validity, uids).await;
        report("delete", &self.config.pop3, login, done)
    }

    /// Forgets the numbers and marks of a mailbox, such as one that is no longer needed. If it is used again, its
    /// UIDVALIDITY is another one.
    pub fn forget(&self, login: &Login) {
        self.source.forget(login);
    }
}

#[async_trait]
impl MailAccess for SmtpPop3 {
    async fn submit(&self, login: &Login, message: &Outgoing) -> Result<Submission, Error> {
        submit(&self.submissions, &self.config.smtp, login, message).await
    }

    async fn check_submission(&self, login: &Login) -> Result<(), Error> {
        report("check_submission", &self.config.smtp, login, self.submissions.check(login).await)
    }

    async fn fetch(&self, login: &Login, selection: &Selection, limit: usize) -> Result<Batch, Error> {
        let done = self.source.fetch(login, selection, limit).await;
        report("fetch", &self.config.pop3, login, done)
    }

    async fn mark_seen(&self, login: &Login, uid_validity: u32, uids: &[Uid]) -> Result<(), Error> {
        let done = self.source.mark_seen(login, uid_validity, uids).await;
        report("mark_seen", &self.config.pop3, login, done)
    }

    async fn wait(&self, login: &Login, after: Position, at_most: Duration) -> Result<Arrival, Error> {
        let end = Instant::now() + at_most.min(FOREVER);
        let done = self.source.wait(login, after, end).await;
        report("wait", &self.config.pop3, login, done)
    }
}

/// Shows where it leads, and no login.
impl fmt::Debug for SmtpPop3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mailboxes, messages) = self.source.counts();
        f.debug_struct("SmtpPop3")
            .field("config", &self.config)
            .field("submissions", &self.submissions)
            .field("known_mailboxes", &mailboxes)
            .field("known_messages", &messages)
            .finish_non_exhaustive()
    }
}

/// Which servers [`SmtpPop3`] reaches, and how much it takes from them.
#[derive(Clone, Debug)]
pub struct SmtpPop3Config {
    smtp: Endpoint,
    smtp_security: Security,
    smtp_limits: smtp::Limits,
    pop3: Endpoint,
    pop3_limits: pop3::Limits,
}

impl SmtpPop3Config {
    /// Names the servers: submission over TLS, commonly port 465, and POP3 over TLS, commonly port 995.
    pub fn new(smtp: Endpoint, pop3: Endpoint) -> Self {
        let smtp_security = Security::ImplicitTls;
        Self { smtp, smtp_security, smtp_limits: SMTP_LIMITS, pop3, pop3_limits: POP3_LIMITS }
    }

    /// Sets how the submission server's connections become private, by [`Security::ImplicitTls`] else.
    pub fn with_smtp_security(mut self, security: Security) -> Self {
        self.smtp_security = security;
        self
    }

    /// Sets how many connections for submission there are at most: 4 for each login and 32 for all of them together
    /// else. 0 counts as 1.
    pub fn with_max_smtp_connections(mut self, per_login: usize, in_all: usize) -> Self {
        self.smtp_limits.per_login = per_login.max(1);
        self.smtp_limits.in_all = in_all.max(1);
        self
    }

    /// Sets how long a login that a server refused is not tried again there, 5 minutes else: servers ban clients that
    /// keep trying.
    pub fn with_refused_login_pause(mut self, time: Duration) -> Self {
        self.smtp_limits.pause = time.min(FOREVER);
        self.pop3_limits.pause = self.smtp_limits.pause;
        self
    }

    /// Sets how much time a [`wait`](MailAccess::wait) lets pass between two looks into a mailbox, 30 s else. Less than
    /// 100 ms counts as 100 ms.
    ///
    /// ```
    /// use std::time::Duration;
    /// use mail_access::{Endpoint, SmtpPop3Config};
    ///
    /// let smtp = Endpoint::new("mail.agents.example", 465)?;
    /// let pop3 = Endpoint::new("mail.agents.example", 995)?;
    /// let config = SmtpPop3Config::new(smtp, pop3).with_poll(Duration::from_secs(120));
    /// # Ok::<(), mail_access::Error>(())
    /// ```
    pub fn with_poll(mut self, time: Duration) -> Self {
        self.pop3_limits.poll = time.clamp(SHORTEST_POLL, FOREVER);
        self
    }

    /// Sets the largest message that is read whole, in bytes, 128 MiB else; of a larger one only the header is
    /// ([`Received::is_truncated`](crate::Received::is_truncated)).
    pub fn with_max_message(mut self, bytes: u32) -> Self {
        self.pop3_limits.message = bytes.into();
        self
    }

    /// Sets how many bytes a batch holds at most, 64 MiB else; one message is always given out.
    pub fn with_max_batch(mut self, bytes: u32) -> Self {
        self.pop3_limits.batch = bytes.into();
        self
    }
}

const POP3_LIMITS: pop3::Limits = pop3::Limits {
    message: 128 << 20,
    batch: 64 << 20,
    poll: Duration::from_secs(30),
    pause: Duration::from_mins(5),
};
const SHORTEST_POLL: Duration = Duration::from_millis(100);
